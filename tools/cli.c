#include "cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int cli_fail(int status, const char *format, ...)
{
	va_list args;

	fputs("cricket: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

int cli_bad_option(const char *command, const char *option, bool argument_missing)
{
	return cli_fail(CLI_USAGE, "%s: %s '%s'; `cricket %s --help` lists the options", command,
			argument_missing ? "no argument given for" : "unknown or unfitting option", option, command);
}

const char *cli_server(const char *option)
{
	const char *environment = getenv("CRICKET_SERVER");

	if (option)
		return option;
	return environment && *environment ? environment : CLI_DEFAULT_SERVER;
}
