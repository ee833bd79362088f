/* client/cuda/platform.h over the platform interface (port.h): one thread, no processes, one way to the server. */
#include "platform.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

/* ---- Locks, of which one thread needs none ---- */

void cu_mutex_lock(struct cu_mutex *mutex)
{
	(void)mutex;
}

void cu_mutex_unlock(struct cu_mutex *mutex)
{
	(void)mutex;
}

void cu_mutex_reset(struct cu_mutex *mutex)
{
	(void)mutex;
}

/* Nobody else could make true what is waited for, so nobody waits: roles are free between two calls. */
void cu_condition_wait(struct cu_condition *condition, struct cu_mutex *mutex)
{
	(void)condition, (void)mutex;
}

void cu_condition_signal(struct cu_condition *condition)
{
	(void)condition;
}

void cu_condition_broadcast(struct cu_condition *condition)
{
	(void)condition;
}

void cu_condition_reset(struct cu_condition *condition)
{
	(void)condition;
}

void cu_rwlock_read(struct cu_rwlock *lock)
{
	(void)lock;
}

void cu_rwlock_write(struct cu_rwlock *lock)
{
	(void)lock;
}

void cu_rwlock_unlock(struct cu_rwlock *lock)
{
	(void)lock;
}

void cu_once(struct cu_once *once, void (*run)(void))
{
	if (once->once)
		return;
	once->once = 1;
	run();
}

/* ---- Threads ---- */

static void *thread_pointers[4];
static int thread_pointer_count;

/* The one thread ends with the program, which tells nobody. */
bool cu_thread_pointer_create(struct cu_thread_pointer *pointer, void (*end)(void *value))
{
	(void)end;
	if (thread_pointer_count == sizeof(thread_pointers) / sizeof(*thread_pointers))
		return false;
	pointer->key = thread_pointer_count++;
	return true;
}

void *cu_thread_pointer_get(const struct cu_thread_pointer *pointer)
{
	return thread_pointers[pointer->key];
}

bool cu_thread_pointer_set(const struct cu_thread_pointer *pointer, void *value)
{
	thread_pointers[pointer->key] = value;
	return true;
}

bool cu_has_threads(void)
{
	return false;
}

bool cu_thread_start(void *(*run)(void *argument), void *argument)
{
	(void)run, (void)argument;
	return false;
}

long cu_thread_number(void)
{
	return 1;
}

/* There is no fork to survive. */
bool cu_at_fork(void (*run)(void))
{
	(void)run;
	return true;
}

/* ---- The system ---- */

uint64_t cu_nanoseconds(void)
{
	return cricket_port_nanoseconds();
}

size_t cu_page_size(void)
{
	return 4096;
}

/* Where there are no files, the token itself is a setting, which stands for a file of the same name. */
static const char token_setting[] = "CRICKET_TOKEN";

const char *cu_environment(const char *name)
{
	const char *value = cricket_port_setting(name);
	bool token = !value && !strcmp(name, "CRICKET_TOKEN_FILE") && cricket_port_setting(token_setting);
	return token ? token_setting : value;
}

static size_t token_read(char *bytes, size_t size)
{
	const char *token = cricket_port_setting(token_setting);
	size_t length = strnlen(token, size);
	memcpy(bytes, token, length);
	return length;
}

bool cu_file_read(const char *path, char *bytes, size_t size, size_t *length)
{
	if (!strcmp(path, token_setting)) {
		*length = token_read(bytes, size);
		return true;
	}
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	*length = fread(bytes, 1, size, file);
	bool read = !ferror(file);
	fclose(file);
	if (!read)
		errno = EIO;
	return read;
}

void cu_program_describe(char *text, size_t size)
{
	const char *name = cricket_port_setting("CRICKET_CLIENT");
	snprintf(text, size, "%s", name ? name : "unikernel");
}

/* ---- The way to the server ---- */

/* Sends what of the vector fits into a few pieces. After a shutdown the port is not asked any more. */
static ssize_t port_send(struct cr_transport *transport, const struct iovec *vector, int count, bool wait)
{
	struct cricket_port_piece pieces[4];
	int used = 0;
	(void)wait;
	for (int i = 0; i < count && used < 4; i++) {
		if (vector[i].iov_len)
			pieces[used++] = (struct cricket_port_piece){vector[i].iov_base, vector[i].iov_len};
	}
	if (!used)
		return 0;
	long sent = transport->fd ? -1 : cricket_port_send(transport->state, pieces, used);
	errno = EPIPE;
	return sent > 0 ? sent : -1;
}

static ssize_t port_receive(struct cr_transport *transport, void *buffer, size_t size, bool wait)
{
	(void)wait;
	long received = transport->fd ? -1 : cricket_port_receive(transport->state, buffer, size);
	errno = EIO;
	return received <= (long)size ? received : -1;
}

/* Never called, as sending always waits: cu_has_threads. */
static int port_poll(struct cr_transport *transport, short events, int timeout_ms)
{
	(void)transport, (void)timeout_ms;
	return events;
}

static bool port_arm(struct cr_transport *transport, bool on)
{
	(void)transport, (void)on;
	return false;
}

static void port_shutdown(struct cr_transport *transport)
{
	transport->fd = -1;
}

static void port_close(struct cr_transport *transport)
{
	cricket_port_close(transport->state);
	free(transport);
}

static const struct cr_transport_ops port_ops = {
    .send = port_send,
    .receive = port_receive,
    .poll = port_poll,
    .arm = port_arm,
    .shutdown = port_shutdown,
    .close = port_close,
};

struct cr_transport *cu_server_connect(const char *address, bool *valid, struct cr_reason *why)
{
	const char *reason = "out of memory";
	struct cr_transport *transport = malloc(sizeof(*transport));
	void *stream = transport ? cricket_port_connect(address, &reason) : NULL;
	*valid = true;
	if (!stream) {
		snprintf(why->text, sizeof(why->text), "%s", reason);
		free(transport);
		return NULL;
	}
	*transport = (struct cr_transport){.ops = &port_ops, .state = stream};
	return transport;
}

void cu_server_forget(struct cr_transport *transport)
{
	(void)transport;
}
