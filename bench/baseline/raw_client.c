/* raw_client URI: what the socket and the memory can do without Cricket, asked for by commands (commands.h).
 *
 *     echo SIZE COUNT      seconds per round trip of SIZE bytes
 *     up SIZE COUNT        seconds per stream of SIZE bytes to the server
 *     down SIZE COUNT      seconds per stream of SIZE bytes from the server
 *     fetch SIZE COUNT     seconds per question of 64 bytes and answer of SIZE bytes
 *     memcpy SIZE COUNT    seconds per copy in this process
 */
#include "raw.h"

#include "commands.h"
#include "transport.h"

#define CONNECT_TIMEOUT_MS 5000

static int server;

static void request(enum raw_operation operation, const long *arguments)
{
	struct raw_request wanted = {operation, (uint64_t)arguments[0], (uint64_t)arguments[1]};
	if (!raw_send(server, &wanted, sizeof(wanted)))
		command_fail("raw_client", "the server is gone");
}

/* `count` times: sends `up` bytes, then receives `down` bytes, either of which may be 0. */
static void transfer(char *memory, long count, size_t up, size_t down)
{
	for (long i = 0; i < count; i++)
		if (!raw_send(server, memory, up) || !raw_receive(server, memory, down))
			command_fail("raw_client", "the server is gone");
}

static void measure(enum raw_operation operation, const long *arguments, double *results)
{
	size_t size = (size_t)arguments[0];
	size_t up = operation == RAW_DOWN ? 0 : operation == RAW_FETCH ? RAW_QUESTION : size;
	char done, *memory = command_memory(size + RAW_QUESTION);
	double start = command_seconds();
	request(operation, arguments);
	transfer(memory, arguments[1], up, operation == RAW_UP ? 0 : size);
	if (operation == RAW_UP && !raw_receive(server, &done, 1))
		command_fail("raw_client", "the server is gone");
	results[0] = (command_seconds() - start) / (double)arguments[1];
	free(memory);
}

static void measure_echo(const long *arguments, double *results)
{
	measure(RAW_ECHO, arguments, results);
}

static void measure_up(const long *arguments, double *results)
{
	measure(RAW_UP, arguments, results);
}

static void measure_down(const long *arguments, double *results)
{
	measure(RAW_DOWN, arguments, results);
}

static void measure_fetch(const long *arguments, double *results)
{
	measure(RAW_FETCH, arguments, results);
}

static void measure_memcpy(const long *arguments, double *results)
{
	size_t size = (size_t)arguments[0];
	char *from = command_memory(size), *to = command_memory(size);
	double start = command_seconds();
	for (long i = 0; i < arguments[1]; i++) {
		memcpy(to, from, size);
		__asm__ volatile("" ::"r"(to) : "memory"); /* else the compiler leaves repeated copies out */
	}
	results[0] = (command_seconds() - start) / (double)arguments[1];
	free(from);
	free(to);
}

int main(int argc, char **argv)
{
	static const struct command table[] = {{"echo", measure_echo},
					       {"up", measure_up},
					       {"down", measure_down},
					       {"fetch", measure_fetch},
					       {"memcpy", measure_memcpy}};
	struct cr_uri uri;
	struct cr_reason why = {"usage: raw_client URI"};
	struct cr_transport *transport = NULL;

	if (argc == 2 && cr_uri_parse(argv[1], &uri, &why))
		transport = cr_transport_connect(&uri, CONNECT_TIMEOUT_MS, &why);
	if (!transport)
		command_fail("raw_client", why.text);
	server = transport->fd;
	return command_loop(table, sizeof(table) / sizeof(*table));
}
