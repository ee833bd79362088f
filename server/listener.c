#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "warm.h"

/* Processes beyond --max-sessions that tell clients so; beyond these, connections are closed without a word. */
#define REFUSING_MAX 8

/* Where there is no fd, process or memory for a client, the next attempt waits as long. */
#define SHORTAGE_PAUSE_MS 200

/* Sessions that ignore SIGTERM for as long are killed when the server ends. */
#define END_TIMEOUT_MS 2000

struct child {
	pid_t pid; /* 0: free */
	uint64_t session;
	bool refusing;
	int warm; /* the socket over which it waits for its client; -1: it has one, or refuses it */
};

struct listener {
	const struct srv_options *options;
	struct srv_config *config;
	int socket;
	int signals;
	bool paused;
	unsigned sessions, refusing, warm;
	struct child *children; /* max_sessions + REFUSING_MAX + options->warm */
	size_t child_count;
};

static struct child *child_find(struct listener *listener, pid_t pid)
{
	for (size_t i = 0; i < listener->child_count; i++) {
		if (listener->children[i].pid == pid)
			return &listener->children[i];
	}
	return NULL;
}

static void report_end(const struct child *child, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		cr_log(CR_LOG_WARNING, "session %llu: ended with status %d", (unsigned long long)child->session,
		       WEXITSTATUS(status));
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM && WTERMSIG(status) != SIGINT)
		cr_log(CR_LOG_WARNING, "session %llu: ended by signal %d (%s)", (unsigned long long)child->session,
		       WTERMSIG(status),
		       WTERMSIG(status) == SIGALRM ? "in the middle of a call" : strsignal(WTERMSIG(status)));
	else
		cr_log(CR_LOG_DEBUG, "session %llu: process %d is gone", (unsigned long long)child->session,
		       child->pid);
}

static unsigned *count_of(struct listener *listener, const struct child *child)
{
	if (child->warm >= 0)
		return &listener->warm;
	return child->refusing ? &listener->refusing : &listener->sessions;
}

static void child_forget(struct listener *listener, struct child *child)
{
	*count_of(listener, child) -= 1;
	if (child->warm >= 0)
		close(child->warm);
	child->pid = 0;
}

static void reap(struct listener *listener)
{
	int status;
	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
		struct child *child = child_find(listener, pid);
		if (!child)
			continue;
		report_end(child, status);
		child_forget(listener, child);
	}
}

/* In the child: becomes the session. All fds but these two are close-on-exec. */
static void session_exec(int client, int config)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fcntl(client, F_SETFD, 0);
	fcntl(config, F_SETFD, 0);
	char fds[32];
	snprintf(fds, sizeof(fds), "%d,%d", client, config);
	char *const argv[] = {"cricket-server", "--session", fds, NULL};
	execv("/proc/self/exe", argv);
	cr_log(CR_LOG_ERROR, "cannot start a session: %m");
	_exit(1);
}

/* Starts a session process that serves or refuses the client on `socket`, or waits for one there. False when the
   machine has no room for it. */
static bool session_start(struct listener *listener, int socket, const struct child *kind)
{
	listener->config->busy = kind->refusing;
	listener->config->warm = kind->warm >= 0;
	int config = srv_config_write(listener->config);
	if (config < 0)
		return false;
	pid_t pid = fork();
	if (pid == 0)
		session_exec(socket, config);
	close(config);
	if (pid < 0)
		return false;
	struct child *child = child_find(listener, 0);
	*child = *kind;
	child->pid = pid;
	child->session = listener->config->session;
	*count_of(listener, child) += 1;
	return true;
}

/* Starts warm sessions until there are as many as are wanted; those that cannot be had now are tried for with the next
   client. */
static void warm_refill(struct listener *listener)
{
	while (listener->warm < listener->options->warm) {
		int ends[2];
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
			return;
		bool started = session_start(listener, ends[1], &(struct child){.warm = ends[0]});
		close(ends[1]);
		if (!started) {
			close(ends[0]);
			return;
		}
	}
}

/* Gives the client to a warm session; false when there is none. */
static bool warm_serve(struct listener *listener, int client)
{
	for (size_t i = 0; i < listener->child_count; i++) {
		struct child *child = &listener->children[i];
		if (!child->pid || child->warm < 0 || !srv_warm_give(child->warm, client, listener->config->session))
			continue;
		listener->warm--;
		listener->sessions++;
		close(child->warm);
		child->warm = -1;
		child->session = listener->config->session;
		return true;
	}
	return false;
}

static void serve_client(struct listener *listener, int client)
{
	bool busy = listener->sessions >= listener->options->max_sessions;
	listener->config->session++;
	if (busy)
		cr_log(CR_LOG_WARNING, "session %llu: refused, all %u sessions are taken (--max-sessions)",
		       (unsigned long long)listener->config->session, listener->options->max_sessions);
	if (busy && listener->refusing >= REFUSING_MAX) {
		close(client);
		return;
	}
	if ((busy || !warm_serve(listener, client)) &&
	    !session_start(listener, client, &(struct child){.refusing = busy, .warm = -1})) {
		cr_log(CR_LOG_WARNING, "session %llu: cannot start its process: %m",
		       (unsigned long long)listener->config->session);
		listener->paused = true;
	}
	close(client);
	warm_refill(listener);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static void accept_client(struct listener *listener)
{
	int client = accept4(listener->socket, NULL, NULL, SOCK_CLOEXEC);
	if (client >= 0) {
		serve_client(listener, client);
	} else if (is_shortage(errno)) {
		cr_log(CR_LOG_WARNING, "cannot accept a client: %m; waiting");
		listener->paused = true;
	}
	/* Anything else concerns that one connection, which is gone: accept(2). */
}

/* Waits for work. False when a signal asks for the end. */
static bool listener_step(struct listener *listener)
{
	struct pollfd entries[] = {{.fd = listener->signals, .events = POLLIN},
				   {.fd = listener->paused ? -1 : listener->socket, .events = POLLIN}};
	int ready = poll(entries, 2, listener->paused ? SHORTAGE_PAUSE_MS : -1);
	listener->paused = false;
	if (ready <= 0)
		return true;
	if (entries[0].revents) {
		struct signalfd_siginfo signal;
		ssize_t size = read(listener->signals, &signal, sizeof(signal));
		if (size == (ssize_t)sizeof(signal) && signal.ssi_signo != SIGCHLD) {
			cr_log(CR_LOG_INFO, "ending: %s", strsignal((int)signal.ssi_signo));
			return false;
		}
		reap(listener);
	}
	if (entries[1].revents)
		accept_client(listener);
	return true;
}

static void signal_children(const struct listener *listener, int signal)
{
	for (size_t i = 0; i < listener->child_count; i++) {
		if (listener->children[i].pid)
			kill(listener->children[i].pid, signal);
	}
}

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void end_sessions(struct listener *listener)
{
	signal_children(listener, SIGTERM);
	int64_t deadline = now_ms() + END_TIMEOUT_MS;
	reap(listener);
	while (listener->sessions + listener->refusing + listener->warm > 0) {
		int64_t left = deadline - now_ms();
		if (left <= 0) {
			signal_children(listener, SIGKILL);
			left = END_TIMEOUT_MS;
			deadline = now_ms() + left;
		}
		struct pollfd entry = {.fd = listener->signals, .events = POLLIN};
		struct signalfd_siginfo signal;
		if (poll(&entry, 1, (int)left) > 0 && read(listener->signals, &signal, sizeof(signal)) > 0)
			reap(listener);
	}
}

/* Blocks the signals and returns a signalfd for them, or -1. */
static int take_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Removes the socket's path, unless it is another's by now. */
static void remove_path(const struct cr_uri *uri, const struct stat *ours)
{
	struct stat status;
	if (uri->path[0] && lstat(uri->path, &status) == 0 && status.st_dev == ours->st_dev &&
	    status.st_ino == ours->st_ino)
		unlink(uri->path);
}

static void announce(const struct cr_uri *bound, const struct srv_config *config)
{
	char text[384];
	cr_uri_format(bound, text, sizeof(text));
	cr_log(CR_LOG_INFO, "driver: %s", config->driver_text);
	cr_log(CR_LOG_INFO, "listening on %s", text);
}

static void listener_run(struct listener *listener, const struct cr_uri *bound)
{
	struct stat path = {0};
	fcntl(listener->socket, F_SETFL, O_NONBLOCK); /* a connection can be gone between poll and accept */
	if (bound->path[0])
		lstat(bound->path, &path);
	announce(bound, listener->config);
	warm_refill(listener);
	while (listener_step(listener))
		;
	close(listener->socket);
	remove_path(bound, &path);
	end_sessions(listener);
}

int srv_listen(const struct srv_options *options, struct srv_config *config, struct cr_reason *why)
{
	struct listener listener = {.options = options, .config = config, .socket = -1};
	struct cr_uri bound;
	listener.child_count = options->max_sessions + REFUSING_MAX + options->warm;
	listener.children = calloc(listener.child_count, sizeof(*listener.children));
	listener.signals = take_signals();
	if (listener.children && listener.signals >= 0)
		listener.socket = cr_transport_listen(&options->listen, &bound, why);
	else
		snprintf(why->text, sizeof(why->text), "cannot start: %s", strerror(errno));
	if (listener.socket >= 0)
		listener_run(&listener, &bound);
	free(listener.children);
	if (listener.signals >= 0)
		close(listener.signals);
	return listener.socket >= 0 ? 0 : 1;
}
