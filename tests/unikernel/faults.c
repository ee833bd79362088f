/* What a bad connection does to libcricket.a. `faults record FILE` runs a session against CRICKET_SERVER and keeps what
 * the server said; `faults replay FILE` says it again, with faults, to a fresh process each time: an error, or nothing
 * at all, must be what the program sees; never a hang, an overrun or memory without bound.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port.h"
#include "session.h"

enum { STREAM_MAX = 1 << 20, MEMORY_MAX = 64 << 20, SECONDS_MAX = 60, FIRST_STATUS = 100 };

/* With sanitizers a process is expensive: some positions, chosen so that all residues of a word occur. */
#ifdef __SANITIZE_ADDRESS__
enum { STEP = 29 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { STEP = 29 };
#else
enum { STEP = 1 };
#endif
#else
enum { STEP = 1 };
#endif

/* How the connection behaves. */
static struct {
	int fd;                           /* recording; else -1 */
	size_t send_limit, receive_limit; /* it is lost there */
	size_t most;                      /* bytes of one send or receive */
	bool error;                       /* being lost is an error, not an end */
} line = {.fd = -1, .send_limit = SIZE_MAX, .receive_limit = SIZE_MAX, .most = SIZE_MAX};

static unsigned char said[STREAM_MAX];
static size_t said_length, heard, sent_length, allocated;

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void *cricket_port_connect(const char *address, const char **why)
{
	char host[128], port[16];
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	*why = "no such server";
	if (said_length)
		return &line;
	if (sscanf(address, "tcp://%127[^:]:%15s", host, port) != 2 || getaddrinfo(host, port, &hints, &found))
		return NULL;
	line.fd = socket(found->ai_family, SOCK_STREAM, 0);
	bool connected = line.fd >= 0 && !connect(line.fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return connected ? &line : NULL;
}

long cricket_port_send(void *stream, const struct cricket_port_piece *pieces, int count)
{
	(void)stream;
	if (count < 1 || !pieces->size)
		abort(); /* against the contract */
	size_t size = least(least(pieces->size, line.most), line.send_limit - sent_length);
	if (!size)
		return -1;
	sent_length += size;
	return line.fd >= 0 ? send(line.fd, pieces->bytes, size, MSG_NOSIGNAL) : (long)size;
}

long cricket_port_receive(void *stream, void *bytes, size_t size)
{
	(void)stream;
	if (line.fd >= 0) {
		ssize_t got = recv(line.fd, said + said_length, least(size, STREAM_MAX - said_length), 0);
		memcpy(bytes, said + said_length, got > 0 ? (size_t)got : 0);
		said_length += got > 0 ? (size_t)got : 0;
		return got;
	}
	size = least(least(size, line.most), least(line.receive_limit, said_length) - heard);
	memcpy(bytes, said + heard, size);
	heard += size;
	return size || !line.error ? (long)size : -1;
}

void cricket_port_close(void *stream)
{
	(void)stream;
}

void *cricket_port_allocate(size_t size)
{
	allocated += size;
	if (allocated > MEMORY_MAX)
		abort();
	return malloc(size);
}

void cricket_port_free(void *memory, size_t size)
{
	allocated -= size;
	free(memory);
}

/* ---- Runs, each in a process of its own ---- */

static const char *what; /* is being tried */
static size_t where;
static int failures;

/* The session in a child; 0 when it went well, 1 when an error was seen and stayed, 2 when the last call knew of none.
 */
static int run(void)
{
	int status;
	pid_t child = fork();
	if (!child) {
		CUresult last;
		alarm(SECONDS_MAX);
		CUresult err = session_run(&last);
		_exit(FIRST_STATUS + (!err ? 0 : last ? 1 : 2));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) < FIRST_STATUS) {
		printf("%s at %zu: the program did not end by itself (status %#x)\n", what, where,
		       child < 0 ? -1 : status);
		failures++;
		return -1;
	}
	return WEXITSTATUS(status) - FIRST_STATUS;
}

static void expect(int wanted)
{
	int found = run();
	if (found < 0 || found == wanted)
		return;
	printf("%s at %zu: outcome %d, not %d\n", what, where, found, wanted);
	failures++;
}

/* Positions worth trying: all, but few within the large copy. */
static size_t next_position(size_t at)
{
	size_t large = 40000;
	bool within = said_length > large && at > said_length - large && at + 3000 < said_length;
	return at + (within ? 211 : STEP);
}

static void lose(void)
{
	what = "losing the connection while receiving";
	for (where = 0; where < said_length; where = next_position(where)) {
		line.receive_limit = where;
		line.error = where % 2;
		expect(1);
	}
	line.receive_limit = SIZE_MAX;
	size_t all = 46000; /* the copy, the module, the calls */
	what = "losing the connection while sending";
	for (where = 0; where < all; where += where < 2000 || where > 41000 ? 7 * STEP : 211) {
		line.send_limit = where;
		if (run() == 0)
			all = where; /* it needs no more than that */
	}
	line.send_limit = SIZE_MAX;
}

static void dribble(void)
{
	static const size_t sizes[] = {1, 2, 3, 5, 4095};
	what = "moving few bytes at once";
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		where = line.most = sizes[i];
		expect(0);
	}
	line.most = SIZE_MAX;
}

/* Length of the record at a position, with its mark. */
static size_t record_length(size_t at)
{
	return 4 + ((size_t)(said[at] & 0x7f) << 24 | (size_t)said[at + 1] << 16 | (size_t)said[at + 2] << 8 |
		    said[at + 3]);
}

/* The answers to HELLO and to the question for the snapshot, which were asked together. */
static void swap_replies(void)
{
	size_t first = record_length(0), second = record_length(first);
	unsigned char *copy = malloc(first);
	memcpy(copy, said, first);
	memmove(said, said + first, second);
	memcpy(said + second, copy, first);
	what = "replies out of order";
	where = 0;
	expect(0);
	memcpy(copy, said + second, first);
	memmove(said + first, said, second);
	memcpy(said, copy, first);
	free(copy);
}

static void repeat_reply(void)
{
	size_t first = record_length(0);
	unsigned char *copy = malloc(said_length);
	memcpy(copy, said, said_length);
	memcpy(said + first, copy, said_length);
	said_length += first;
	what = "a reply twice";
	where = 0;
	expect(1);
	said_length -= first;
	memcpy(said, copy, said_length);
	free(copy);
}

/* Any word may be anything: what the program sees is then undefined, but it ends by itself. */
static void spoil(void)
{
	static const unsigned words[] = {0, 0x7fffffff, 0x80000000, 0xffffffff, 0x00010000, 0x12345678};
	what = "a wrong word";
	for (where = 0; where + 4 <= said_length; where = next_position(where + 3)) {
		unsigned char before[4];
		unsigned word = words[where / 4 % 6];
		memcpy(before, said + where, 4);
		memcpy(said + where, &word, 4);
		run();
		said[where] = said[where] ^ before[0]; /* another one */
		run();
		memcpy(said + where, before, 4);
	}
}

static int replay(FILE *file)
{
	said_length = fread(said, 1, sizeof(said), file);
	what = "no fault";
	expect(0);
	dribble();
	swap_replies();
	repeat_reply();
	lose();
	spoil();
	printf("%zu bytes, %d failures\n", said_length, failures);
	return failures || !said_length;
}

static int record(FILE *file)
{
	CUresult last, err = session_run(&last);
	if (err)
		printf("the session failed: CUDA error %d\n", err);
	return err || fwrite(said, 1, said_length, file) != said_length;
}

int main(int argc, char **argv)
{
	bool records = argc == 3 && !strcmp(argv[1], "record");
	FILE *file = argc == 3 ? fopen(argv[2], records ? "wb" : "rb") : NULL;
	if (!file) {
		fprintf(stderr, "usage: faults record|replay FILE\n");
		return 2;
	}
	int status = records ? record(file) : replay(file);
	return fclose(file) || status;
}

/* Settings of the recording process; a replay has none. */
const char *cricket_port_setting(const char *name)
{
	return getenv(name);
}
