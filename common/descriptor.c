#include "descriptor.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

ssize_t cr_send_descriptor(int socket, const void *data, size_t size, int descriptor)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(descriptor))] = {0};
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {
	    .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	*header = (struct cmsghdr){
	    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(descriptor))};
	memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
	ssize_t sent;
	do
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent;
}

ssize_t cr_receive_descriptor(int socket, void *data, size_t size, int flags, int *descriptor)
{
	alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(*descriptor))];
	struct iovec part = {data, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t received;
	do {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	} while (received < 0 && errno == EINTR);
	const struct cmsghdr *header = received >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(*descriptor)))
		memcpy(descriptor, CMSG_DATA(header), sizeof(*descriptor));
	return received;
}
