#include "roles.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "settings.h"
#include "stats.h"

struct cu_connection cu_connection = {
    .lock = CU_MUTEX_INIT, .changed = CU_CONDITION_INIT, .to_send = CU_CONDITION_INIT, .next_xid = 1};

/* Frees the replies that nobody waits for. */
static void drop_detached(void)
{
	for (struct cu_reply **link = &cu_connection.owed; *link;) {
		struct cu_reply *reply = *link;
		if (reply->detached) {
			*link = reply->next;
			free(reply);
		} else {
			link = &reply->next;
		}
	}
}

void cu_connection_fail(const char *what)
{
	if (cu_connection.broken)
		return;
	cu_connection.broken = CUDA_ERROR_DEVICE_UNAVAILABLE;
	cu_connection.transport->ops->shutdown(cu_connection.transport);
	cr_log(CR_LOG_ERROR,
	       "connection to %s lost: %s; every further CUDA call fails. See the server's log, restart the program",
	       cu_settings()->server, what);
	drop_detached();
	cu_condition_broadcast(&cu_connection.changed);
	cu_condition_broadcast(&cu_connection.to_send);
}

/* ---- Receiving ---- */

struct cu_reply *cu_connection_take_owed(uint32_t xid)
{
	for (struct cu_reply **link = &cu_connection.owed; *link; link = &(*link)->next) {
		struct cu_reply *reply = *link;
		if (reply->xid == xid) {
			*link = reply->next;
			return reply;
		}
	}
	return NULL;
}

static struct cu_reply *find_owed(uint32_t xid)
{
	cu_mutex_lock(&cu_connection.lock);
	cu_connection.arriving = cu_connection_take_owed(xid);
	cu_mutex_unlock(&cu_connection.lock);
	return cu_connection.arriving;
}

static void finish_reply(struct cu_reply *reply)
{
	reply->done = true;
	if (!reply->detached)
		return;
	if (reply->err && !cu_connection.latched)
		cu_connection.latched = reply->err;
	cu_reply_clear(reply);
	free(reply);
}

void cu_connection_receive(void)
{
	struct cu_reply *reply = NULL;
	const char *failure;
	cu_connection.receiving = true;
	cu_mutex_unlock(&cu_connection.lock);
	failure = cu_receive(cu_connection.receiver, find_owed, &reply);
	cu_mutex_lock(&cu_connection.lock);
	cu_connection.receiving = false;
	cu_connection.arriving = NULL;
	if (failure && reply)
		reply->err = CUDA_ERROR_DEVICE_UNAVAILABLE;
	if (reply)
		finish_reply(reply);
	if (failure)
		cu_connection_fail(failure);
	cu_condition_broadcast(&cu_connection.changed);
}

/* ---- Sending ---- */

/* The wire is full: wait for room, and receive meanwhile if nobody else does. */
static void wait_for_room(void)
{
	cu_mutex_lock(&cu_connection.lock);
	bool drain = !cu_connection.receiving && cu_connection.owed;
	cu_mutex_unlock(&cu_connection.lock);
	short events = drain ? POLLIN | POLLOUT : POLLOUT;
	int ready = cu_connection.transport->ops->poll(cu_connection.transport, events, drain ? -1 : 100);
	if (ready <= 0 || !drain)
		return;
	if (cu_connection.transport->ops->poll(cu_connection.transport, POLLIN, 0) <= 0)
		return;
	cu_mutex_lock(&cu_connection.lock);
	if (!cu_connection.receiving && cu_connection.owed && !cu_connection.broken)
		cu_connection_receive();
	cu_mutex_unlock(&cu_connection.lock);
}

static void advance(struct iovec **vector, int *count, size_t sent)
{
	while (*count > 0 && sent >= (*vector)->iov_len) {
		sent -= (*vector)->iov_len;
		(*vector)++;
		(*count)--;
	}
	if (*count > 0) {
		(*vector)->iov_base = (char *)(*vector)->iov_base + sent;
		(*vector)->iov_len -= sent;
	}
}

/* Sends the whole vector, without the lock but with the role. */
static bool transmit(struct iovec *vector, int count)
{
	advance(&vector, &count, 0);
	while (count > 0) {
		ssize_t sent = cu_connection.transport->ops->send(cu_connection.transport, vector, count, false);
		if (sent >= 0) {
			cu_stats_bytes((uint64_t)sent, 0);
			advance(&vector, &count, (size_t)sent);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			wait_for_room();
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

void cu_connection_send(const void *data, size_t length)
{
	static const char zeros[4];
	struct cu_output full = cu_connection.out;
	struct iovec vector[3] = {{full.data, full.used},
				  {(void *)(uintptr_t)data, length},
				  {(void *)(uintptr_t)zeros, (4 - length % 4) % 4}};
	cu_connection.out = cu_connection.spare;
	cu_connection.spare = full;
	cu_mutex_unlock(&cu_connection.lock);
	bool sent = transmit(vector, length ? 3 : 1);
	const char *why = sent ? NULL : strerror(errno);
	cu_mutex_lock(&cu_connection.lock);
	cu_connection.spare.used = 0;
	cu_connection.sending = false;
	if (!sent)
		cu_connection_fail(why);
	cu_condition_broadcast(&cu_connection.changed);
	if (cu_connection.out.used && cu_connection.sender_sleeps) {
		cu_connection.sender_sleeps = false;
		cu_condition_signal(&cu_connection.to_send);
	}
}

CUresult cu_connection_take_sending(void)
{
	while (cu_connection.sending && !cu_connection.broken)
		cu_condition_wait(&cu_connection.changed, &cu_connection.lock);
	if (cu_connection.broken)
		return cu_connection.broken;
	cu_connection.sending = true;
	return CUDA_SUCCESS;
}

static void *run_sender(void *unused)
{
	(void)unused;
	cu_mutex_lock(&cu_connection.lock);
	while (!cu_connection.broken) {
		if (cu_connection.out.used && !cu_connection.sending) {
			cu_connection.sending = true;
			cu_connection_send(NULL, 0);
			continue;
		}
		cu_connection.sender_sleeps = true;
		cu_condition_wait(&cu_connection.to_send, &cu_connection.lock);
	}
	cu_mutex_unlock(&cu_connection.lock);
	return NULL;
}

void cu_connection_wake_sender(void)
{
	if (!cu_connection.sending && cu_connection.sender_sleeps) {
		cu_connection.sender_sleeps = false;
		cu_condition_signal(&cu_connection.to_send);
	}
}

bool cu_connection_start_sender(void)
{
	return cu_thread_start(run_sender, NULL);
}
