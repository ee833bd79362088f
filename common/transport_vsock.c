/* The sockets headers come first: linux/vm_sockets.h needs sa_family_t. */
#include "transport_vsock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t cid;
} names[] = {{"any", VMADDR_CID_ANY}, {"local", VMADDR_CID_LOCAL}, {"host", VMADDR_CID_HOST}};

/* A decimal number of 32 bits that ends at `end`. */
static bool parse_number(const char *text, const char *end, uint32_t *number)
{
	uint64_t value = 0;
	if (text == end || end - text > 10)
		return false;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
	}
	*number = (uint32_t)value;
	return value < UINT32_MAX; /* which means "any" */
}

static bool parse_cid(const char *text, const char *end, uint32_t *cid)
{
	size_t length = (size_t)(end - text);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strlen(names[i].name) == length && !memcmp(text, names[i].name, length)) {
			*cid = names[i].cid;
			return true;
		}
	}
	return parse_number(text, end, cid);
}

const char *cr_vsock_parse(const char *rest, struct cr_uri *uri)
{
	const char *end = rest + strcspn(rest, ":");
	uri->scheme = CR_SCHEME_VSOCK;
	uri->port = CR_DEFAULT_PORT;
	if (!parse_cid(rest, end, &uri->cid))
		return "the context id is no number, nor local, host or any";
	if (*end && !parse_number(end + 1, end + strlen(end), &uri->port))
		return "the port is not a number from 0 to 4294967294";
	return NULL;
}

void cr_vsock_format(const struct cr_uri *uri, char *text, size_t size)
{
	if (uri->cid == VMADDR_CID_ANY)
		snprintf(text, size, "vsock://any:%u", uri->port);
	else
		snprintf(text, size, "vsock://%u:%u", uri->cid, uri->port);
}

struct sockaddr_vm cr_vsock_address(const struct cr_uri *uri)
{
	return (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = uri->cid, .svm_port = uri->port};
}
