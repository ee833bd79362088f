#include "warm.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "driver_start.h"
#include "log.h"
#include "session.h"

/* Programs use the first device unless they say otherwise. The reference is for the client's first retain of it, as
   that of the snapshot is. Without such a device the session is of use, too. */
static bool warm_up(struct srv_session *session)
{
	char problem[CRICKET_TEXT_MAX];
	CUcontext context;
	if (!srv_driver_start(session, problem)) {
		cr_log(CR_LOG_WARNING, "no warm session: %s", problem);
		return false;
	}
	if (SRV_DRIVER(cuDevicePrimaryCtxRetain, &context, 0) == CUDA_SUCCESS)
		session->spare_retains[0]++;
	return true;
}

int srv_warm_wait(struct srv_session *session, int socket)
{
	uint64_t number;
	int client = -1;
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(client))];
	struct iovec part = {&number, sizeof(number)};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t size;
	if (!warm_up(session))
		return -1;
	do
		size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (size < 0 && errno == EINTR);
	struct cmsghdr *header = size == (ssize_t)sizeof(number) ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&client, CMSG_DATA(header), sizeof(client));
	session->config.session = number;
	session->config.warm = false;
	return client;
}

bool srv_warm_give(int socket, int client, uint64_t number)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(client))] = {0};
	struct iovec part = {&number, sizeof(number)};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header =
	    (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(client))};
	memcpy(CMSG_DATA(header), &client, sizeof(client));
	return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(number);
}
