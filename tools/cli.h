/* What the subcommands of `cricket` share: exit statuses, messages, and the table that names them. */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include <stdbool.h>

#define CLI_DEFAULT_SERVER "tcp://127.0.0.1:14833"

/* What --server takes, for help texts: two lines of which the second is indented like an option's text. */
#define CLI_SERVER_KINDS                                                                                               \
	"tcp://HOST:PORT, unix:///PATH, shm:///PATH,\n"                                                                \
	"                vsock://CID:PORT or rdma://HOST:PORT"

/* Exit statuses. The last two are the shell's for a program that cannot be started. */
enum cli_status { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_EXECUTABLE = 126, CLI_NOT_FOUND = 127 };

/*
 * Prints one line "cricket: MESSAGE" on stderr and returns `status`, so that a failing function can end with it.
 * The message says what was asked, what went wrong and what to do.
 */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For getopt_long's '?' and ':': says what is wrong with `option` of `command` and returns CLI_USAGE. */
int cli_bad_option(const char *command, const char *option, bool argument_missing);

/* The server that a command talks to: `option` if given, else CRICKET_SERVER, else the default. Never NULL. */
const char *cli_server(const char *option);

/* The subcommands. argv[0] is the subcommand's name; the result is the exit status. */
int cmd_run(int argc, char **argv);
int cmd_devices(int argc, char **argv);
int cmd_ping(int argc, char **argv);

#endif
