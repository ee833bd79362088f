/* raw_server URI: the other end of raw_client. One client at a time; ends with SIGTERM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"
#include "transport.h"

#define SIZE_MAX_BYTES (4ull << 30)

static char *memory;
static size_t memory_size;

/* Memory of at least `size` bytes with its pages present; kept from one request to the next. */
static bool provide(size_t size)
{
	if (size <= memory_size)
		return true;
	free(memory);
	memory = malloc(size);
	memory_size = memory ? size : 0;
	if (memory)
		memset(memory, 1, size);
	return memory;
}

static bool serve_request(int fd, const struct raw_request *request)
{
	bool receives = request->operation != RAW_DOWN, sends = request->operation != RAW_UP;
	size_t size = request->size, question = request->operation == RAW_FETCH ? RAW_QUESTION : size;
	for (uint64_t i = 0; i < request->count; i++) {
		if (receives && !raw_receive(fd, memory, question))
			return false;
		if (sends && !raw_send(fd, memory, size))
			return false;
	}
	return request->operation != RAW_UP || raw_send(fd, "", 1);
}

static void serve(int fd)
{
	struct raw_request request;
	while (raw_receive(fd, &request, sizeof(request)))
		if (request.size > SIZE_MAX_BYTES || !provide(request.size + RAW_QUESTION) ||
		    !serve_request(fd, &request))
			return;
}

int main(int argc, char **argv)
{
	struct cr_uri uri, bound;
	struct cr_reason why;
	char text[384];
	int listener = -1;

	if (argc == 2 && cr_uri_parse(argv[1], &uri, &why))
		listener = cr_transport_listen(&uri, &bound, &why);
	if (listener < 0) {
		fprintf(stderr, "raw_server: %s\n", argc == 2 ? why.text : "usage: raw_server URI");
		return 2;
	}
	cr_uri_format(&bound, text, sizeof(text));
	printf("listening on %s\n", text);
	fflush(stdout);
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
		struct cr_transport *client = cr_transport_from_socket(fd);
		if (!client)
			return EXIT_FAILURE;
		serve(fd);
		client->ops->close(client);
	}
	perror("raw_server: accept");
	return EXIT_FAILURE;
}
