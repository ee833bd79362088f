/* A reliable connection between two processes' registered memories: libibverbs, opened when first needed, so that
 * nobody without RDMA needs the library. Nothing here waits, but cr_queue_fd's descriptor may be waited for. */
#ifndef CR_TRANSPORT_RDMA_VERBS_H
#define CR_TRANSPORT_RDMA_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes that one side may have under way, and that the other may not have noticed yet. */
#define CR_QUEUE_DEPTH 256

/* What the peer must know of this side; all of it comes from the peer, and none of it is trusted beyond what the
   hardware checks. */
struct cr_endpoint {
	uint8_t gid[16];
	uint32_t lid, queue, sequence, mtu;
	uint64_t memory; /* address, and key, of the memory that the peer may write to */
	uint32_t key;
	uint64_t bytes;
};

struct cr_queue;

/* Prepares a queue pair on the device that has the local address of `socket` (CRICKET_RDMA_DEVICE names another), and
   registers `memory` for the peer to write to. NULL with errno: ENODEV where there is no such device, EOPNOTSUPP where
   there is no libibverbs. */
struct cr_queue *cr_queue_create(int socket, void *memory, size_t bytes, struct cr_endpoint *mine);

/* Connects it, with what cr_queue_create has told about this side; false with errno. */
bool cr_queue_connect(struct cr_queue *queue, const struct cr_endpoint *mine, const struct cr_endpoint *peer);

/* Frees it; the peer's writes end here. */
void cr_queue_destroy(struct cr_queue *queue);

/* Registers more memory to write from; NULL with errno. To be freed before the queue. */
void *cr_queue_register(struct cr_queue *queue, void *memory, size_t bytes);
void cr_queue_unregister(void *registration);

/* Starts writing `size` bytes to offset `to` of the peer's memory, and tells it `word`. `from` lies in `registration`,
   or in the memory of cr_queue_create if that is NULL. Bytes of at most 64 are copied, others must stay until the write
   is counted in cr_queue_written. False: the queue is full, or broken. */
bool cr_queue_write(struct cr_queue *queue, void *registration, const void *from, size_t size, uint64_t to,
		    uint32_t word);

/* Takes note of what has happened: up to `most` words of the peer. Their number, or -1 with errno when the connection
   is lost. */
int cr_queue_poll(struct cr_queue *queue, uint32_t *words, int most);

/* Writes that were started, and that have arrived. */
uint64_t cr_queue_started(const struct cr_queue *queue);
uint64_t cr_queue_written(const struct cr_queue *queue);

/* A descriptor that becomes readable with the next thing for cr_queue_poll, once it is armed; things that happened
   before it was armed may not show. */
int cr_queue_fd(const struct cr_queue *queue);
void cr_queue_arm(struct cr_queue *queue);

/* Makes the descriptor unreadable again. */
void cr_queue_drain(struct cr_queue *queue);

#endif
