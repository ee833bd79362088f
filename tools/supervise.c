#include "supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"

static const int forwarded[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

static void watched_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
}

/* Passes signals on until the child has ended. What the terminal sends reaches the child anyway. */
static void wait_for(pid_t pid, const sigset_t *watched, int *wait_status)
{
	while (waitpid(pid, wait_status, WNOHANG) == 0) {
		siginfo_t info;
		int number = sigwaitinfo(watched, &info);
		if (number > 0 && number != SIGCHLD && info.si_code <= 0)
			kill(pid, number);
	}
}

/* In the child: becomes the program, or writes errno to the pipe, which a successful exec closes. */
static _Noreturn void become(const char *path, char **arguments, const sigset_t *mask, int pipe_end)
{
	sigprocmask(SIG_SETMASK, mask, NULL);
	execv(path, arguments);
	int error = errno;
	_exit(write(pipe_end, &error, sizeof(error)) == sizeof(error) ? CLI_NOT_EXECUTABLE : CLI_FAILED);
}

/* The errno of the child's exec; 0 if it succeeded. */
static int exec_error(int pipe_end)
{
	int error = 0;
	ssize_t length;

	do
		length = read(pipe_end, &error, sizeof(error));
	while (length < 0 && errno == EINTR);
	return length == sizeof(error) ? error : 0;
}

int supervise(struct supervised *child, const char *path, char **arguments)
{
	sigset_t watched, mask;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return cli_fail(CLI_FAILED, "cannot start '%s': pipe: %s", path, strerror(errno));
	signal(SIGCHLD, SIG_DFL); /* where it is ignored, the child's status is lost */
	watched_signals(&watched);
	sigprocmask(SIG_BLOCK, &watched, &mask);
	pid_t pid = fork();
	if (pid == 0)
		become(path, arguments, &mask, ends[1]);
	int error = pid < 0 ? errno : 0;
	close(ends[1]);
	if (pid > 0) {
		error = exec_error(ends[0]);
		wait_for(pid, &watched, &child->wait_status);
	}
	close(ends[0]);
	if (error == 0)
		return CLI_OK;
	int status = pid < 0 ? CLI_FAILED : error == ENOENT ? CLI_NOT_FOUND : CLI_NOT_EXECUTABLE;
	return cli_fail(status, "cannot start '%s': %s", path, strerror(error));
}

/* Dies of the child's signal, without a second core file. */
static void die_of(int number)
{
	const struct rlimit none = {0, 0};
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	raise(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int supervised_end(const struct supervised *child)
{
	if (!WIFSIGNALED(child->wait_status))
		return WEXITSTATUS(child->wait_status);
	die_of(WTERMSIG(child->wait_status));
	return 128 + WTERMSIG(child->wait_status);
}
