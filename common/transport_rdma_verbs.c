#include "transport_rdma_verbs.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#define PORT 1             /* of the device: that of most, and the only one of many */
#define POLL_AT_ONCE 32    /* completions */
#define INLINE_BYTES 64    /* copied into the work request */
#define ACK_TIMEOUT 14     /* 4.096 µs * 2^14 = 67 ms, */
#define RETRIES 7          /* so many times */
#define RNR_TIMER 12       /* 0.64 ms; 7 retries are: without end */
#define GROUP_HOP_LIMIT 64 /* as IP's default */
#define RECEIVES (CR_QUEUE_DEPTH * 2)
#define WRITES (CR_QUEUE_DEPTH * 2)

/* What is used of the library. The rest are inline functions of its header, which call the device's provider. */
#define FUNCTIONS(X)                                                                                                   \
	X(struct ibv_device **, get_device_list, "ibv_get_device_list", (int *))                                       \
	X(void, free_device_list, "ibv_free_device_list", (struct ibv_device **))                                      \
	X(const char *, get_device_name, "ibv_get_device_name", (struct ibv_device *))                                 \
	X(struct ibv_context *, open_device, "ibv_open_device", (struct ibv_device *))                                 \
	X(int, close_device, "ibv_close_device", (struct ibv_context *))                                               \
	X(int, query_port_attr, "ibv_query_port", (struct ibv_context *, uint8_t, void *))                             \
	X(ssize_t, query_gid_entry, "_ibv_query_gid_ex",                                                               \
	  (struct ibv_context *, uint32_t, uint32_t, struct ibv_gid_entry *, uint32_t, size_t))                        \
	X(struct ibv_pd *, alloc_pd, "ibv_alloc_pd", (struct ibv_context *))                                           \
	X(int, dealloc_pd, "ibv_dealloc_pd", (struct ibv_pd *))                                                        \
	X(struct ibv_mr *, register_memory, "ibv_reg_mr", (struct ibv_pd *, void *, size_t, int))                      \
	X(int, deregister_memory, "ibv_dereg_mr", (struct ibv_mr *))                                                   \
	X(struct ibv_comp_channel *, create_comp_channel, "ibv_create_comp_channel", (struct ibv_context *))           \
	X(int, destroy_comp_channel, "ibv_destroy_comp_channel", (struct ibv_comp_channel *))                          \
	X(struct ibv_cq *, create_cq, "ibv_create_cq",                                                                 \
	  (struct ibv_context *, int, void *, struct ibv_comp_channel *, int))                                         \
	X(int, destroy_cq, "ibv_destroy_cq", (struct ibv_cq *))                                                        \
	X(int, get_cq_event, "ibv_get_cq_event", (struct ibv_comp_channel *, struct ibv_cq **, void **))               \
	X(void, ack_cq_events, "ibv_ack_cq_events", (struct ibv_cq *, unsigned))                                       \
	X(struct ibv_qp *, create_qp, "ibv_create_qp", (struct ibv_pd *, struct ibv_qp_init_attr *))                   \
	X(int, modify_qp, "ibv_modify_qp", (struct ibv_qp *, struct ibv_qp_attr *, int))                               \
	X(int, destroy_qp, "ibv_destroy_qp", (struct ibv_qp *))

#define MEMBER(result, name, symbol, parameters) result(*name) parameters;
static struct {
	FUNCTIONS(MEMBER)
} verbs;

static pthread_once_t verbs_once = PTHREAD_ONCE_INIT;
static bool verbs_loaded;

static void verbs_load(void)
{
	void *library = dlopen("libibverbs.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return;
	verbs_loaded = true;
#define LOAD(result, name, symbol, parameters)                                                                         \
	*(void **)&verbs.name = dlsym(library, symbol);                                                                \
	verbs_loaded = verbs_loaded && verbs.name;
	FUNCTIONS(LOAD)
}

struct cr_queue {
	struct ibv_context *device;
	struct ibv_pd *domain;
	struct ibv_mr *memory;
	struct ibv_comp_channel *channel;
	struct ibv_cq *completions;
	struct ibv_qp *pair;
	uint32_t gid_index;
	struct cr_endpoint peer;
	uint64_t started, written;
	bool broken;
};

/* ---- The device ---- */

/* The address as the GID that RoCE gives it. False for what is neither IPv4 nor IPv6. */
static bool gid_of_socket(int socket, union ibv_gid *gid)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	if (getsockname(socket, (struct sockaddr *)&address, &size) < 0)
		return false;
	memset(gid, 0, sizeof(*gid));
	if (address.ss_family == AF_INET6) {
		memcpy(gid, &((struct sockaddr_in6 *)&address)->sin6_addr, sizeof(*gid));
		return true;
	}
	gid->raw[10] = gid->raw[11] = 0xff;
	memcpy(gid->raw + 12, &((struct sockaddr_in *)&address)->sin_addr, 4);
	return address.ss_family == AF_INET;
}

/* Finds the GID in the device's table, of RoCE v2 if there are several; the first one that is not empty for `wanted`
   NULL. */
static bool find_gid(struct ibv_context *device, int count, const union ibv_gid *wanted, struct ibv_gid_entry *found)
{
	static const union ibv_gid empty;
	bool any = false;
	for (int i = 0; i < count; i++) {
		struct ibv_gid_entry entry;
		if (verbs.query_gid_entry(device, PORT, (uint32_t)i, &entry, 0, sizeof(entry)) != 0)
			continue;
		bool equal = memcmp(&entry.gid, wanted ? wanted : &empty, sizeof(empty)) == 0;
		if (equal != !!wanted)
			continue;
		if (!any || entry.gid_type == IBV_GID_TYPE_ROCE_V2)
			*found = entry;
		any = true;
	}
	return any;
}

/* Opens the device if its port is active and it is the one. */
static bool try_device(struct cr_queue *queue, struct ibv_device *candidate, const char *name,
		       const union ibv_gid *wanted, struct cr_endpoint *mine)
{
	struct ibv_port_attr port = {0};
	struct ibv_gid_entry gid;
	if (name && strcmp(name, verbs.get_device_name(candidate)) != 0)
		return false;
	queue->device = verbs.open_device(candidate);
	if (!queue->device)
		return false;
	/* A device that was asked for by name may be reached by another address than the socket's. */
	if (verbs.query_port_attr(queue->device, PORT, &port) == 0 && port.state == IBV_PORT_ACTIVE &&
	    (find_gid(queue->device, port.gid_tbl_len, wanted, &gid) ||
	     (name && find_gid(queue->device, port.gid_tbl_len, NULL, &gid)))) {
		memcpy(mine->gid, &gid.gid, sizeof(mine->gid));
		mine->lid = port.lid;
		mine->mtu = port.active_mtu;
		queue->gid_index = gid.gid_index;
		return true;
	}
	verbs.close_device(queue->device);
	queue->device = NULL;
	return false;
}

static bool open_device(struct cr_queue *queue, int socket, struct cr_endpoint *mine)
{
	union ibv_gid wanted;
	pthread_once(&verbs_once, verbs_load);
	if (!verbs_loaded || !gid_of_socket(socket, &wanted)) {
		errno = EOPNOTSUPP;
		return false;
	}
	struct ibv_device **list = verbs.get_device_list(NULL);
	for (struct ibv_device **at = list; at && *at && !queue->device; at++)
		try_device(queue, *at, getenv("CRICKET_RDMA_DEVICE"), &wanted, mine);
	if (list)
		verbs.free_device_list(list);
	if (!queue->device)
		errno = ENODEV;
	return queue->device;
}

/* ---- The queue pair ---- */

static bool create_pair(struct cr_queue *queue)
{
	queue->channel = verbs.create_comp_channel(queue->device);
	if (!queue->channel || fcntl(queue->channel->fd, F_SETFL, O_NONBLOCK) < 0)
		return false;
	queue->completions = verbs.create_cq(queue->device, RECEIVES + WRITES, NULL, queue->channel, 0);
	if (!queue->completions)
		return false;
	struct ibv_qp_init_attr wanted = {
	    .send_cq = queue->completions,
	    .recv_cq = queue->completions,
	    .cap = {.max_send_wr = WRITES,
		    .max_recv_wr = RECEIVES,
		    .max_send_sge = 1,
		    .max_recv_sge = 1,
		    .max_inline_data = INLINE_BYTES},
	    .qp_type = IBV_QPT_RC,
	    .sq_sig_all = 1,
	};
	queue->pair = verbs.create_qp(queue->domain, &wanted);
	struct ibv_qp_attr initial = {
	    .qp_state = IBV_QPS_INIT, .port_num = PORT, .qp_access_flags = IBV_ACCESS_REMOTE_WRITE};
	return queue->pair &&
	       verbs.modify_qp(queue->pair, &initial,
			       IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS) == 0;
}

/* A write with a word takes one of these, and brings nothing else. */
static bool post_receive(struct cr_queue *queue)
{
	struct ibv_recv_wr request = {0}, *bad;
	return ibv_post_recv(queue->pair, &request, &bad) == 0;
}

struct cr_queue *cr_queue_create(int socket, void *memory, size_t bytes, struct cr_endpoint *mine)
{
	struct cr_queue *queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	*mine = (struct cr_endpoint){.memory = (uintptr_t)memory, .bytes = bytes};
	if (getrandom(&mine->sequence, 3, 0) == 3 && open_device(queue, socket, mine) &&
	    (queue->domain = verbs.alloc_pd(queue->device)) &&
	    (queue->memory = verbs.register_memory(queue->domain, memory, bytes,
						   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)) &&
	    create_pair(queue)) {
		mine->queue = queue->pair->qp_num;
		mine->key = queue->memory->rkey;
		return queue;
	}
	int error = errno;
	cr_queue_destroy(queue);
	errno = error ? error : EIO;
	return NULL;
}

void cr_queue_destroy(struct cr_queue *queue)
{
	if (queue->pair)
		verbs.destroy_qp(queue->pair);
	if (queue->completions)
		verbs.destroy_cq(queue->completions);
	if (queue->channel)
		verbs.destroy_comp_channel(queue->channel);
	if (queue->memory)
		verbs.deregister_memory(queue->memory);
	if (queue->domain)
		verbs.dealloc_pd(queue->domain);
	if (queue->device)
		verbs.close_device(queue->device);
	free(queue);
}

static bool ready_to_receive(struct cr_queue *queue, const struct cr_endpoint *peer)
{
	struct ibv_qp_attr attributes = {
	    .qp_state = IBV_QPS_RTR,
	    .path_mtu = (enum ibv_mtu)peer->mtu,
	    .dest_qp_num = peer->queue,
	    .rq_psn = peer->sequence & 0xffffff,
	    .min_rnr_timer = RNR_TIMER,
	    .ah_attr = {.is_global = 1,
			.dlid = (uint16_t)peer->lid,
			.port_num = PORT,
			.grh = {.sgid_index = (uint8_t)queue->gid_index, .hop_limit = GROUP_HOP_LIMIT}},
	};
	memcpy(&attributes.ah_attr.grh.dgid, peer->gid, sizeof(peer->gid));
	return verbs.modify_qp(queue->pair, &attributes,
			       IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
				   IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER) == 0;
}

static bool ready_to_send(struct cr_queue *queue, uint32_t sequence)
{
	struct ibv_qp_attr attributes = {.qp_state = IBV_QPS_RTS,
					 .sq_psn = sequence & 0xffffff,
					 .timeout = ACK_TIMEOUT,
					 .retry_cnt = RETRIES,
					 .rnr_retry = 7};
	return verbs.modify_qp(queue->pair, &attributes,
			       IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
				   IBV_QP_MAX_QP_RD_ATOMIC) == 0;
}

bool cr_queue_connect(struct cr_queue *queue, const struct cr_endpoint *mine, const struct cr_endpoint *peer)
{
	struct cr_endpoint checked = *peer;
	if (peer->mtu < IBV_MTU_256 || peer->mtu > IBV_MTU_4096) {
		errno = EPROTO;
		return false;
	}
	checked.mtu = peer->mtu < mine->mtu ? peer->mtu : mine->mtu;
	queue->peer = checked;
	for (int i = 0; i < RECEIVES; i++)
		if (!post_receive(queue))
			return false;
	return ready_to_receive(queue, &checked) && ready_to_send(queue, mine->sequence);
}

/* ---- Writing ---- */

void *cr_queue_register(struct cr_queue *queue, void *memory, size_t bytes)
{
	return verbs.register_memory(queue->domain, memory, bytes, 0);
}

void cr_queue_unregister(void *registration)
{
	verbs.deregister_memory(registration);
}

bool cr_queue_write(struct cr_queue *queue, void *registration, const void *from, size_t size, uint64_t to,
		    uint32_t word)
{
	const struct ibv_mr *source = registration ? registration : queue->memory;
	struct ibv_sge part = {(uintptr_t)from, (uint32_t)size, source->lkey};
	struct ibv_send_wr *bad, request = {
				     .wr_id = queue->started + 1,
				     .sg_list = &part,
				     .num_sge = size > 0,
				     .opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
				     .send_flags = size <= INLINE_BYTES ? IBV_SEND_INLINE : 0,
				     .imm_data = htonl(word),
				     .wr.rdma = {queue->peer.memory + to, queue->peer.key},
				 };
	if (queue->broken || queue->started - queue->written >= WRITES)
		return false;
	if (ibv_post_send(queue->pair, &request, &bad) != 0) {
		queue->broken = true;
		return false;
	}
	queue->started++;
	return true;
}

int cr_queue_poll(struct cr_queue *queue, uint32_t *words, int most)
{
	struct ibv_wc done[POLL_AT_ONCE];
	int count = 0;
	int found =
	    queue->broken ? -1 : ibv_poll_cq(queue->completions, most < POLL_AT_ONCE ? most : POLL_AT_ONCE, done);
	for (int i = 0; i < found && !queue->broken; i++) {
		if (done[i].status != IBV_WC_SUCCESS) {
			queue->broken = true;
		} else if (done[i].opcode == IBV_WC_RECV_RDMA_WITH_IMM) {
			words[count++] = ntohl(done[i].imm_data);
			queue->broken = !post_receive(queue);
		} else if (done[i].opcode == IBV_WC_RDMA_WRITE) {
			queue->written = done[i].wr_id;
		} else {
			queue->broken = true; /* a message that is no write */
		}
	}
	if (found >= 0 && !queue->broken)
		return count;
	queue->broken = true;
	errno = ECONNRESET;
	return -1;
}

uint64_t cr_queue_started(const struct cr_queue *queue)
{
	return queue->started;
}

uint64_t cr_queue_written(const struct cr_queue *queue)
{
	return queue->written;
}

/* ---- Waiting ---- */

int cr_queue_fd(const struct cr_queue *queue)
{
	return queue->channel->fd;
}

void cr_queue_arm(struct cr_queue *queue)
{
	if (ibv_req_notify_cq(queue->completions, 0) != 0)
		queue->broken = true;
}

void cr_queue_drain(struct cr_queue *queue)
{
	struct ibv_cq *completions;
	void *ignored;
	while (verbs.get_cq_event(queue->channel, &completions, &ignored) == 0)
		verbs.ack_cq_events(completions, 1);
}
