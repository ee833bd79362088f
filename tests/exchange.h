/* One end of a conversation that checks every byte: what the tests of transports do to them. */
#ifndef TESTS_EXCHANGE_H
#define TESTS_EXCHANGE_H

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "transport.h"

static inline unsigned char exchange_byte(size_t place)
{
	return (unsigned char)(place % 251 + place / 65521);
}

struct exchange {
	struct cr_transport *transport;
	size_t size;  /* of the stream */
	size_t chunk; /* a third of the longest send, half of the longest receive */
	unsigned seed;
};

static inline void exchange_pause(struct exchange *exchange)
{
	if (rand_r(&exchange->seed) % 64 == 0)
		poll(NULL, 0, rand_r(&exchange->seed) % 30);
}

/* Sends in vectors of three parts of random sizes, some empty; sometimes without waiting, sometimes after a pause that
   lets the receiver fall asleep. */
static inline const char *exchange_send_bytes(struct exchange exchange, unsigned char *data)
{
	struct cr_transport *transport = exchange.transport;
	for (size_t sent = 0; sent < exchange.size;) {
		size_t cuts[2] = {(size_t)rand_r(&exchange.seed) % exchange.chunk,
				  (size_t)rand_r(&exchange.seed) % exchange.chunk};
		size_t size = exchange.size - sent < 3 * exchange.chunk ? exchange.size - sent : 3 * exchange.chunk;
		for (size_t i = 0; i < size; i++)
			data[i] = exchange_byte(sent + i);
		cuts[0] = cuts[0] < size ? cuts[0] : size;
		cuts[1] = cuts[1] < size - cuts[0] ? cuts[1] : size - cuts[0];
		struct iovec vector[3] = {
		    {data, cuts[0]}, {data + cuts[0], cuts[1]}, {data + cuts[0] + cuts[1], size - cuts[0] - cuts[1]}};
		exchange_pause(&exchange);
		ssize_t count = transport->ops->send(transport, vector, 3, rand_r(&exchange.seed) % 2);
		if (count < 0 && errno == EAGAIN)
			count = transport->ops->poll(transport, POLLOUT, 10000) == 1 ? 0 : -1;
		if (count < 0)
			return strerror(errno);
		sent += (size_t)count;
	}
	return NULL;
}

static inline const char *exchange_receive_bytes(struct exchange exchange, unsigned char *data)
{
	struct cr_transport *transport = exchange.transport;
	for (size_t received = 0; received < exchange.size;) {
		size_t wanted = (size_t)rand_r(&exchange.seed) % (2 * exchange.chunk) + 1;
		exchange_pause(&exchange);
		ssize_t count = transport->ops->receive(transport, data, wanted, rand_r(&exchange.seed) % 2);
		if (count < 0 && errno == EAGAIN) {
			if (transport->ops->poll(transport, POLLIN, 10000) != 1)
				return "nothing came";
			continue;
		}
		if (count <= 0)
			return count ? strerror(errno) : "the stream ended";
		for (size_t i = 0; i < (size_t)count; i++) {
			if (data[i] != exchange_byte(received + i))
				return "a byte is wrong";
		}
		received += (size_t)count;
	}
	return NULL;
}

/* Threads: what went wrong, or NULL. */
static inline void *exchange_send(void *argument)
{
	const struct exchange *exchange = argument;
	unsigned char *data = malloc(3 * exchange->chunk);
	const char *problem = data ? exchange_send_bytes(*exchange, data) : "out of memory";
	free(data);
	return (void *)(uintptr_t)problem;
}

static inline void *exchange_receive(void *argument)
{
	const struct exchange *exchange = argument;
	unsigned char *data = malloc(2 * exchange->chunk);
	const char *problem = data ? exchange_receive_bytes(*exchange, data) : "out of memory";
	free(data);
	return (void *)(uintptr_t)problem;
}

#endif
