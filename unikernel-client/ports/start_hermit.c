/* Hermit starts an image here. Settings come from its environment, arguments from its command line. */
#include <string.h>

#include "libc/program.h"
#include "port.h"

void sys_exit(int status) __attribute__((noreturn));
void runtime_entry(int argc, char **argv, char **environment) __attribute__((noreturn));

static char **settings;

const char *cricket_port_setting(const char *name)
{
	size_t length = strlen(name);
	for (char **one = settings; one && *one; one++)
		if (!strncmp(*one, name, length) && (*one)[length] == '=')
			return *one + length + 1;
	return NULL;
}

void cricket_program_end(int status)
{
	sys_exit(status);
}

void runtime_entry(int argc, char **argv, char **environment)
{
	settings = environment;
	cricket_program_run(argc, argv);
}
