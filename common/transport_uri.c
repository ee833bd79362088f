/* Addresses: tcp://HOST:PORT, unix:///PATH, shm:///PATH, vsock://CID:PORT, rdma://HOST:PORT. */
#include "transport.h"
#include "transport_vsock.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool refuse(struct cr_reason *why, const char *text, const char *problem)
{
	snprintf(why->text, sizeof(why->text),
		 "\"%.200s\": %s; an address is tcp://HOST:PORT, unix:///PATH, shm:///PATH, vsock://CID:PORT or "
		 "rdma://HOST:PORT",
		 text, problem);
	return false;
}

static bool parse_port(const char *text, uint32_t *port)
{
	unsigned value = 0;
	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*port = value;
	return value <= UINT16_MAX;
}

static bool parse_host(const char *text, const char *rest, enum cr_scheme scheme, struct cr_uri *uri,
		       struct cr_reason *why)
{
	bool bracketed = *rest == '[';
	const char *host = rest + bracketed;
	size_t length = strcspn(host, bracketed ? "]" : ":");
	const char *after = host + length;
	if (bracketed && *after++ != ']')
		return refuse(why, text, "the bracket is not closed");
	if (length == 0 || length >= sizeof(uri->host) || memchr(host, '/', length))
		return refuse(why, text, "no usable host name");
	memcpy(uri->host, host, length);
	uri->scheme = scheme;
	uri->port = CR_DEFAULT_PORT;
	if (*after && (*after != ':' || !parse_port(after + 1, &uri->port)))
		return refuse(why, text, "the port is not a number from 0 to 65535 (IPv6 addresses go in brackets)");
	return true;
}

static bool parse_path(const char *text, const char *path, enum cr_scheme scheme, struct cr_uri *uri,
		       struct cr_reason *why)
{
	size_t length = strlen(path);
	if (*path != '/' || length < 2)
		return refuse(why, text, "the path is not absolute");
	if (length >= sizeof(uri->path))
		return refuse(why, text, "the path is longer than 107 bytes");
	memcpy(uri->path, path, length);
	uri->scheme = scheme;
	return true;
}

bool cr_uri_parse(const char *text, struct cr_uri *uri, struct cr_reason *why)
{
	memset(uri, 0, sizeof(*uri));
	if (!strncmp(text, "tcp://", 6))
		return parse_host(text, text + 6, CR_SCHEME_TCP, uri, why);
	if (!strncmp(text, "rdma://", 7))
		return parse_host(text, text + 7, CR_SCHEME_RDMA, uri, why);
	if (!strncmp(text, "unix://", 7))
		return parse_path(text, text + 7, CR_SCHEME_UNIX, uri, why);
	if (!strncmp(text, "shm://", 6))
		return parse_path(text, text + 6, CR_SCHEME_SHM, uri, why);
	if (!strncmp(text, "vsock://", 8)) {
		const char *problem = cr_vsock_parse(text + 8, uri);
		return problem ? refuse(why, text, problem) : true;
	}
	return refuse(why, text, "unknown kind of address");
}

void cr_uri_format(const struct cr_uri *uri, char *text, size_t size)
{
	if (uri->scheme == CR_SCHEME_UNIX)
		snprintf(text, size, "unix://%s", uri->path);
	else if (uri->scheme == CR_SCHEME_SHM)
		snprintf(text, size, "shm://%s", uri->path);
	else if (uri->scheme == CR_SCHEME_VSOCK)
		cr_vsock_format(uri, text, size);
	else
		snprintf(text, size, strchr(uri->host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
			 uri->scheme == CR_SCHEME_RDMA ? "rdma" : "tcp", uri->host, uri->port);
}

static bool address_is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return false;
}

bool cr_uri_is_local(const struct cr_uri *uri)
{
	if (uri->scheme != CR_SCHEME_TCP && uri->scheme != CR_SCHEME_RDMA)
		return uri->scheme != CR_SCHEME_VSOCK || uri->cid == VMADDR_CID_LOCAL;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	if (getaddrinfo(uri->host, NULL, &hints, &found) != 0)
		return false;
	bool local = true;
	for (struct addrinfo *one = found; one; one = one->ai_next)
		local = local && address_is_loopback(one->ai_addr);
	freeaddrinfo(found);
	return local;
}
