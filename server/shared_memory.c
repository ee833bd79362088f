#include "shared_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatch.h"
#include "log.h"
#include "session.h"
#include "transport_shm.h"

static bool is_unix_socket(int fd)
{
	int domain = 0;
	socklen_t size = sizeof(domain);
	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

/* Makes the memory; 0 or an errno. */
static int offer(struct srv_session *session, uint64_t bytes)
{
	if (!is_unix_socket(session->transport->fd))
		return EOPNOTSUPP;
	if (session->greeted || session->memory >= 0)
		return EALREADY;
	if (session->config.busy)
		return EBUSY;
	session->memory = cr_shm_create(bytes);
	return session->memory < 0 ? errno : 0;
}

bool srv_serve_shared_memory(struct srv_control *control)
{
	u64 bytes;
	if (!xdr_u64(control->args, &bytes))
		return false;
	int error = offer(control->worker->session, bytes);
	control->pass = !error;
	return xdr_int(control->result, &error);
}

/* From now on the session's transport is the memory. */
static bool shared_memory_enter(struct srv_session *session)
{
	bool entered = cr_shm_enter(session->transport, session->memory, CR_SHM_SERVER);
	if (!entered)
		srv_session_end(session, "the shared memory cannot be used");
	close(session->memory);
	session->memory = -1;
	return entered;
}

bool srv_serve_shared_memory_enter(struct srv_control *control)
{
	const struct srv_session *session = control->worker->session;
	int error = session->greeted || session->memory < 0 ? ENOENT : 0;
	if (srv_input_pending(&session->stream.input))
		error = EBUSY; /* bytes are on their way over the socket: which of the two was meant to be first? */
	control->enter = error ? NULL : shared_memory_enter;
	return xdr_int(control->result, &error);
}

bool srv_shared_memory_pass(struct srv_session *session, const void *reply, size_t size)
{
	bool sent = cr_shm_pass(session->transport, reply, size, session->memory);
	if (sent)
		atomic_fetch_add_explicit(&session->bytes_sent, size, memory_order_relaxed);
	else
		srv_session_end(session, "the client does not take replies any more");
	return sent;
}
