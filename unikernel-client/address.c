/* What ports need to read CRICKET_SERVER. */
#include "port.h"

#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PORT = 14833 };

/* A number of at most `most`, and what stands behind it; NULL when there is none. */
static const char *read_number(const char *text, unsigned long most, unsigned long *number)
{
	char *end;
	*number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *number <= most ? end : NULL;
}

/* :PORT, or nothing. */
static int read_port(const char *text, unsigned long most, unsigned long *port)
{
	*port = DEFAULT_PORT;
	if (text && *text == ':')
		text = read_number(text + 1, most, port);
	return text && !*text;
}

int cricket_port_parse_tcp(const char *address, unsigned char ip[4], unsigned short *port)
{
	unsigned long number;
	if (strncmp(address, "tcp://", 6))
		return 0;
	address += 6;
	for (int i = 0; i < 4; i++) {
		if (i && *address++ != '.')
			return 0;
		address = read_number(address, 255, &number);
		if (!address)
			return 0;
		ip[i] = (unsigned char)number;
	}
	if (!read_port(address, 0xffff, &number))
		return 0;
	*port = (unsigned short)number;
	return 1;
}

int cricket_port_parse_vsock(const char *address, unsigned *cid, unsigned *port)
{
	unsigned long id, number;
	if (strncmp(address, "vsock://", 8))
		return 0;
	address += 8;
	if (!strncmp(address, "host", 4)) {
		id = 2;
		address += 4;
	} else {
		address = read_number(address, 0xffffffff, &id);
	}
	if (!read_port(address, 0xffffffff, &number))
		return 0;
	*cid = (unsigned)id;
	*port = (unsigned)number;
	return 1;
}
