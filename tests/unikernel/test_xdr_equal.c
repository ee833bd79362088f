/* Our XDR against libtirpc's: every type of the protocol, random bytes. Both must agree on what decodes, and encode
 * what they decoded to the same bytes. Ours has the prefix own_ here.
 */
#include <check.h>
#include <rpc/rpc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rpc_control.h"
#include "rpc_cuda.h"
#include "suite.h"

enum { ROUNDS = 400, STREAM_BYTES = 16 << 10, VALUE_BYTES = 4096 };

/* Their stream is not ours; it is smaller than this. */
union own_stream {
	XDR room;
	char bytes[256];
};

void own_xdrmem_create(union own_stream *xdrs, char *memory, u_int size, enum xdr_op op);
u_int own_xdr_getpos(union own_stream *xdrs);
void own_xdr_free(xdrproc_t procedure, void *object);
void *own_cricket_port_allocate(size_t size);
void own_cricket_port_free(void *memory, size_t size);

static size_t allocated;

void *own_cricket_port_allocate(size_t size)
{
	allocated += size;
	return malloc(size);
}

void own_cricket_port_free(void *memory, size_t size)
{
	allocated -= size;
	free(memory);
}

#define TYPE(name) bool_t own_xdr_##name();
#include "xdr_types.h"
#undef TYPE

static const struct {
	const char *name;
	size_t size;
	xdrproc_t theirs, own;
} types[] = {
#define TYPE(name) {#name, sizeof(name), (xdrproc_t)xdr_##name, (xdrproc_t)own_xdr_##name},
#include "xdr_types.h"
#undef TYPE
};

static uint32_t random_word(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8 | *state << 24;
}

/* Mostly small numbers, so that lengths and discriminants are often good. */
static void fill(char *stream, uint32_t *state)
{
	for (size_t at = 0; at < STREAM_BYTES; at += 4) {
		uint32_t kind = random_word(state) % 16, word = random_word(state);
		word = htonl(kind < 10 ? word % 4 : kind < 13 ? word % 40 : word);
		memcpy(stream + at, &word, 4);
	}
}

/* Decodes with both; true and the value's encoding, when it is one. */
static bool round_trip(size_t type, char *stream, u_int length)
{
	static char their_value[VALUE_BYTES], own_value[VALUE_BYTES], their_bytes[STREAM_BYTES],
	    own_bytes[STREAM_BYTES];
	XDR theirs;
	union own_stream own;
	memset(their_value, 0, types[type].size);
	memset(own_value, 0, types[type].size);
	xdrmem_create(&theirs, stream, length, XDR_DECODE);
	own_xdrmem_create(&own, stream, length, XDR_DECODE);
	bool decoded = types[type].theirs(&theirs, their_value);
	ck_assert_msg(decoded == types[type].own((XDR *)&own, own_value), "%s: only one decodes", types[type].name);
	if (decoded) {
		ck_assert_uint_eq(xdr_getpos(&theirs), own_xdr_getpos(&own));
		/* Padding need not be zeros when it comes, but must be when it goes. */
		memset(their_bytes, 0xee, length);
		memset(own_bytes, 0xee, length);
		xdrmem_create(&theirs, their_bytes, STREAM_BYTES, XDR_ENCODE);
		own_xdrmem_create(&own, own_bytes, STREAM_BYTES, XDR_ENCODE);
		bool encoded = types[type].theirs(&theirs, their_value);
		ck_assert_msg(encoded == types[type].own((XDR *)&own, own_value), "%s: only one encodes",
			      types[type].name);
		ck_assert_uint_eq(xdr_getpos(&theirs), own_xdr_getpos(&own));
		ck_assert_msg(!memcmp(their_bytes, own_bytes, xdr_getpos(&theirs)), "%s: different bytes",
			      types[type].name);
	}
	xdr_free(types[type].theirs, their_value);
	own_xdr_free(types[type].own, own_value);
	ck_assert_msg(allocated == 0, "%s: %zu bytes are not freed", types[type].name, allocated);
	return decoded;
}

START_TEST(every_type_is_as_libtirpc_has_it)
{
	static char stream[STREAM_BYTES];
	uint32_t state = (uint32_t)_i + 1;
	int decoded = 0;
	ck_assert_uint_le(types[_i].size, VALUE_BYTES);
	for (int i = 0; i < ROUNDS; i++) {
		fill(stream, &state);
		decoded += round_trip((size_t)_i, stream, STREAM_BYTES);
		round_trip((size_t)_i, stream, random_word(&state) % 64 * 4); /* too short for most */
	}
	ck_assert_msg(decoded > ROUNDS / 20, "%s: of %d streams only %d decode", types[_i].name, ROUNDS, decoded);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xdr_equal");
	TCase *cases = tcase_create("types");
	tcase_add_loop_test(cases, every_type_is_as_libtirpc_has_it, 0, sizeof(types) / sizeof(*types));
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
