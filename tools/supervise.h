/* Running a program as a child that behaves as if it had been executed in our place. */
#ifndef TOOLS_SUPERVISE_H
#define TOOLS_SUPERVISE_H

struct supervised {
	int wait_status; /* as from waitpid(2) */
};

/*
 * Starts path with `arguments` (NULL-terminated, [0] is its name), passes on the signals that are sent to this process,
 * and returns CLI_OK when it has ended. If it cannot be started: a message and CLI_NOT_FOUND, CLI_NOT_EXECUTABLE or
 * CLI_FAILED. Leaves the passed-on signals blocked. For a process with one thread.
 */
int supervise(struct supervised *child, const char *path, char **arguments);

/*
 * Ends as the child ended: returns its exit status, or ends this process by the same signal. Should the signal not do
 * so, returns 128 + its number, as a shell would.
 */
int supervised_end(const struct supervised *child);

#endif
