/* XDR streams in memory: RFC 4506 with libtirpc's names and behaviour, but that nothing is allocated for more than what
 * is left of the stream could hold.
 */
#include <limits.h>
#include <rpc/rpc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WORD = 4 };

void xdrmem_create(XDR *xdrs, char *memory, u_int size, enum xdr_op op)
{
	*xdrs = (XDR){.x_op = op, .x_start = memory, .x_next = memory, .x_left = size};
}

u_int xdr_getpos(XDR *xdrs)
{
	return (u_int)(xdrs->x_next - xdrs->x_start);
}

void xdr_free(xdrproc_t procedure, void *object)
{
	XDR xdrs = {.x_op = XDR_FREE};
	procedure(&xdrs, object);
}

/* The next `size` bytes of the stream; NULL when there are fewer. */
static char *take(XDR *xdrs, u_int size)
{
	char *bytes = xdrs->x_next;
	if (size > xdrs->x_left)
		return NULL;
	xdrs->x_next += size;
	xdrs->x_left -= size;
	return bytes;
}

static bool_t word(XDR *xdrs, uint32_t *value)
{
	uint32_t wire = htonl(*value);
	char *bytes = xdrs->x_op == XDR_FREE ? NULL : take(xdrs, WORD);
	if (!bytes)
		return xdrs->x_op == XDR_FREE;
	if (xdrs->x_op == XDR_ENCODE) {
		memcpy(bytes, &wire, WORD);
	} else {
		memcpy(&wire, bytes, WORD);
		*value = ntohl(wire);
	}
	return TRUE;
}

static bool_t two_words(XDR *xdrs, uint64_t *value)
{
	uint32_t high = (uint32_t)(*value >> 32), low = (uint32_t)*value;
	if (!word(xdrs, &high) || !word(xdrs, &low))
		return FALSE;
	if (xdrs->x_op == XDR_DECODE)
		*value = (uint64_t)high << 32 | low;
	return TRUE;
}

/* ---- Numbers ---- */

bool_t xdr_void(void)
{
	return TRUE;
}

bool_t xdr_int(XDR *xdrs, int *value)
{
	return word(xdrs, (uint32_t *)value);
}

bool_t xdr_u_int(XDR *xdrs, u_int *value)
{
	return word(xdrs, value);
}

bool_t xdr_int32_t(XDR *xdrs, int32_t *value)
{
	return word(xdrs, (uint32_t *)value);
}

bool_t xdr_uint32_t(XDR *xdrs, uint32_t *value)
{
	return word(xdrs, value);
}

bool_t xdr_u_int32_t(XDR *xdrs, u_int32_t *value)
{
	return word(xdrs, value);
}

bool_t xdr_quad_t(XDR *xdrs, int64_t *value)
{
	return two_words(xdrs, (uint64_t *)value);
}

bool_t xdr_u_quad_t(XDR *xdrs, u_quad_t *value)
{
	return two_words(xdrs, value);
}

bool_t xdr_int64_t(XDR *xdrs, int64_t *value)
{
	return two_words(xdrs, (uint64_t *)value);
}

bool_t xdr_uint64_t(XDR *xdrs, uint64_t *value)
{
	return two_words(xdrs, value);
}

bool_t xdr_u_int64_t(XDR *xdrs, u_int64_t *value)
{
	return two_words(xdrs, value);
}

bool_t xdr_bool(XDR *xdrs, bool_t *value)
{
	uint32_t wire = xdrs->x_op == XDR_ENCODE && *value;
	if (!word(xdrs, &wire))
		return FALSE;
	if (xdrs->x_op == XDR_DECODE)
		*value = wire ? TRUE : FALSE;
	return TRUE;
}

bool_t xdr_enum(XDR *xdrs, enum_t *value)
{
	return xdr_int(xdrs, value);
}

bool_t xdr_float(XDR *xdrs, float *value)
{
	uint32_t bits;
	memcpy(&bits, value, sizeof(bits));
	bool_t done = word(xdrs, &bits);
	if (done && xdrs->x_op == XDR_DECODE)
		memcpy(value, &bits, sizeof(bits));
	return done;
}

bool_t xdr_double(XDR *xdrs, double *value)
{
	uint64_t bits;
	memcpy(&bits, value, sizeof(bits));
	bool_t done = two_words(xdrs, &bits);
	if (done && xdrs->x_op == XDR_DECODE)
		memcpy(value, &bits, sizeof(bits));
	return done;
}

/* ---- Bytes ---- */

bool_t xdr_opaque(XDR *xdrs, char *bytes, u_int size)
{
	u_int padding = (WORD - size % WORD) % WORD;
	if (xdrs->x_op == XDR_FREE || !size)
		return TRUE;
	char *wire = take(xdrs, size), *behind = wire ? take(xdrs, padding) : NULL;
	if (!behind)
		return FALSE;
	if (xdrs->x_op == XDR_DECODE) {
		memcpy(bytes, wire, size);
		return TRUE;
	}
	memcpy(wire, bytes, size);
	memset(behind, 0, padding);
	return TRUE;
}

static bool_t release(char **object)
{
	free(*object);
	*object = NULL;
	return TRUE;
}

/* Allocates, zeroed, what is to be decoded into where the caller has not. */
static bool allocate(XDR *xdrs, char **object, size_t size)
{
	if (xdrs->x_op == XDR_DECODE && !*object)
		*object = calloc(1, size);
	return *object != NULL;
}

bool_t xdr_bytes(XDR *xdrs, char **bytes, u_int *size, u_int most)
{
	if (xdrs->x_op == XDR_FREE)
		return release(bytes);
	if (!word(xdrs, size) || *size > most || *size > xdrs->x_left)
		return FALSE;
	return !*size || (allocate(xdrs, bytes, *size) && xdr_opaque(xdrs, *bytes, *size));
}

bool_t xdr_string(XDR *xdrs, char **text, u_int most)
{
	size_t length = 0;
	if (xdrs->x_op == XDR_FREE)
		return release(text);
	if (xdrs->x_op == XDR_ENCODE) {
		if (!*text || (length = strlen(*text)) > most)
			return FALSE;
	}
	u_int size = (u_int)length;
	if (!word(xdrs, &size) || size > most || size > xdrs->x_left || !allocate(xdrs, text, (size_t)size + 1))
		return FALSE;
	if (xdrs->x_op == XDR_DECODE)
		(*text)[size] = '\0';
	return xdr_opaque(xdrs, *text, size);
}

/* ---- Items ---- */

bool_t xdr_vector(XDR *xdrs, char *items, u_int count, u_int size, xdrproc_t item)
{
	for (u_int i = 0; i < count; i++) {
		if (!item(xdrs, items + (size_t)i * size))
			return FALSE;
	}
	return TRUE;
}

/* An item takes at least a word of the stream. */
bool_t xdr_array(XDR *xdrs, char **items, u_int *count, u_int most, u_int size, xdrproc_t item)
{
	if (xdrs->x_op == XDR_FREE) {
		if (*items)
			xdr_vector(xdrs, *items, *count, size, item);
		return release(items);
	}
	if (!word(xdrs, count) || *count > most || *count > xdrs->x_left / WORD || *count > UINT_MAX / size)
		return FALSE;
	return !*count ||
	       (allocate(xdrs, items, (size_t)*count * size) && xdr_vector(xdrs, *items, *count, size, item));
}

bool_t xdr_reference(XDR *xdrs, char **object, u_int size, xdrproc_t procedure)
{
	if (xdrs->x_op == XDR_FREE && !*object)
		return TRUE;
	if (!allocate(xdrs, object, size))
		return FALSE;
	bool_t done = procedure(xdrs, *object);
	return xdrs->x_op == XDR_FREE ? release(object) : done;
}

bool_t xdr_pointer(XDR *xdrs, char **object, u_int size, xdrproc_t procedure)
{
	bool_t there = *object != NULL;
	if (!xdr_bool(xdrs, &there))
		return FALSE;
	if (there)
		return xdr_reference(xdrs, object, size, procedure);
	*object = NULL;
	return TRUE;
}
