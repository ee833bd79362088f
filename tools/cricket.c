/* `cricket`: finds the subcommand and runs it. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
    {"run", cmd_run, "run a CUDA program on a server, or natively"},
    {"devices", cmd_devices, "list the devices that a server offers"},
    {"ping", cmd_ping, "measure the round trip to a server"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int usage(void)
{
	puts("Usage: cricket COMMAND [OPTION...]\n"
	     "Runs CUDA programs on a machine that has no GPU.\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\n"
	     "  --help     show this help; `cricket COMMAND --help` shows a command's options\n"
	     "  --version  show the version");
	return CLI_OK;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return cli_fail(CLI_USAGE, "no command given; `cricket --help` lists them");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage();
	if (!strcmp(argv[1], "--version"))
		return puts("cricket " CRICKET_VERSION) < 0 ? CLI_FAILED : CLI_OK;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return cli_fail(CLI_USAGE, "there is no command '%s'; `cricket --help` lists them", argv[1]);
}
