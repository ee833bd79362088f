/* Byte-exact encodings of the protocol's types, and what must not decode. */
#include <check.h>
#include <rpc/rpc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocol_hash.h"
#include "rpc_control.h"
#include "rpc_cuda.h"
#include "suite.h"

static char buffer[64 << 10];

/* Encodes `value` and compares with the bytes given as words. */
static void assert_words(xdrproc_t encode, void *value, const uint32_t *words, size_t count)
{
	XDR xdr;
	xdrmem_create(&xdr, buffer, sizeof(buffer), XDR_ENCODE);
	ck_assert(encode(&xdr, value));
	ck_assert_uint_eq(xdr_getpos(&xdr), count * 4);
	for (size_t i = 0; i < count; i++) {
		uint32_t word;
		memcpy(&word, buffer + 4 * i, 4);
		ck_assert_msg(ntohl(word) == words[i], "word %zu is %08x, not %08x", i, ntohl(word), words[i]);
	}
}
#define ASSERT_WORDS(type, value, ...)                                                                                 \
	do {                                                                                                           \
		const uint32_t words[] = {__VA_ARGS__};                                                                \
		assert_words((xdrproc_t)xdr_##type, value, words, sizeof(words) / 4);                                  \
	} while (0)

/* Does this sequence of words decode as a `type`? What it allocated is freed. */
static bool decodes(xdrproc_t decode, size_t size, const uint32_t *words, size_t count)
{
	XDR xdr;
	void *value = calloc(1, size);
	for (size_t i = 0; i < count; i++) {
		uint32_t word = htonl(words[i]);
		memcpy(buffer + 4 * i, &word, 4);
	}
	xdrmem_create(&xdr, buffer, (u_int)count * 4, XDR_DECODE);
	bool decoded = decode(&xdr, value);
	xdr_free(decode, value);
	free(value);
	return decoded;
}
#define DECODES(type, ...)                                                                                             \
	({                                                                                                             \
		const uint32_t words[] = {__VA_ARGS__};                                                                \
		decodes((xdrproc_t)xdr_##type, sizeof(type), words, sizeof(words) / 4);                                \
	})

START_TEST(numbers_are_big_endian)
{
	u64 wide = 0x0123456789abcdefu;
	ASSERT_WORDS(u64, &wide, 0x01234567, 0x89abcdef);
	float_res time = {0, {1.5f}};
	ASSERT_WORDS(float_res, &time, 0, 0x3fc00000);
}
END_TEST

START_TEST(a_failed_result_is_its_error_alone)
{
	u64_res result = {700, {42}};
	ASSERT_WORDS(u64_res, &result, 700);
	result.err = 0;
	ASSERT_WORDS(u64_res, &result, 0, 0, 42);
}
END_TEST

START_TEST(blobs_are_counted_and_padded)
{
	char bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55};
	blob value = {5, bytes};
	ASSERT_WORDS(blob, &value, 5, 0x11223344, 0x55000000);
	value.blob_len = 0;
	ASSERT_WORDS(blob, &value, 0);
}
END_TEST

START_TEST(a_launch)
{
	char packed[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	launch_args args = {.function = 0x0400000100000002u,
			    .grid = {10, 20, 30},
			    .block = {32, 4, 2},
			    .shared_bytes = 1024,
			    .stream = 0x0500000300000004u,
			    .parameters = {8, packed}};
	ASSERT_WORDS(launch_args, &args, 0x04000001, 2, 10, 20, 30, 32, 4, 2, 1024, 0x05000003, 4, 8, 0x01020304,
		     0x05060708);
}
END_TEST

START_TEST(launch_attributes_are_64_bytes)
{
	launch_attribute attribute = {.id = 2};
	launch_ex_args args = {.attributes = {1, &attribute}};
	attribute.value.bytes[63] = 0x7f;
	ASSERT_WORDS(launch_ex_args, &args, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		     0, 0, 0, 0, 0x7f);
}
END_TEST

START_TEST(hello)
{
	char token[] = "secret", client[] = "me";
	hello_args args = {.protocol = 1, .token = {6, token}, .client = client, .flags = HELLO_ONEWAY};
	memset(args.hash, 0xab, sizeof(args.hash));
	ASSERT_WORDS(hello_args, &args, 1, 0xabababab, 0xabababab, 0xabababab, 0xabababab, 0xabababab, 0xabababab,
		     0xabababab, 0xabababab, 6, 0x73656372, 0x65740000, 2, 0x6d650000, 1);
}
END_TEST

START_TEST(a_load_reply_has_an_arm_for_failure)
{
	char log[] = "bad!";
	load_res failed = {.err = 218, .load_res_u.logs = {.error = {4, log}}};
	ASSERT_WORDS(load_res, &failed, 218, 0, 4, 0x62616421);
	load_res loaded = {.err = 0, .load_res_u.value = {.handle = 7}};
	ASSERT_WORDS(load_res, &loaded, 0, 0, 7, 0, 0, 0);
}
END_TEST

/* A length within its bound but beyond the record, and one just above the bound. */
START_TEST(over_long_arrays_and_strings_do_not_decode)
{
	ck_assert(DECODES(kernel_arguments, 4, 0));
	ck_assert(!DECODES(kernel_arguments, 8, 0));
	ck_assert(!DECODES(kernel_arguments, CUDA_ARGUMENTS_MAX + 1, 0, 0, 0));
	ck_assert(!DECODES(blob, CUDA_BLOB_MAX + 1, 0));
	ck_assert(!DECODES(blob, 0xffffffff, 0));
	ck_assert(DECODES(symbol_name, 3, 0x61626300));
	ck_assert(!DECODES(symbol_name, CUDA_NAME_MAX + 1, 0x61626300));
	ck_assert(!DECODES(symbol_name, 0xffffffff, 0x61626300));
	ck_assert(!DECODES(load_args, 0, 1, CUDA_OPTIONS_MAX + 1, 0, 0, 0));
	ck_assert(!DECODES(hello_args, 1, 0, 0, 0, 0, 0, 0, 0, 0, CRICKET_TOKEN_MAX + 1, 0, 0, 0));
	ck_assert(!DECODES(upload_args, 0, 1, 0, 1, 0, 0, CRICKET_BLOB_MAX + 1, 0));
	ck_assert(!DECODES(function_attributes, CUDA_FUNCTION_ATTRIBUTES_MAX + 1, 0));
}
END_TEST

/* Every prefix of a valid encoding is refused, and none reads beyond its end (the sanitizers look on). */
START_TEST(truncated_records_do_not_decode)
{
	char packed[12] = "parameters";
	launch_args args = {.parameters = {sizeof(packed), packed}}, decoded;
	char record[256];
	XDR xdr;
	xdrmem_create(&xdr, record, sizeof(record), XDR_ENCODE);
	ck_assert(xdr_launch_args(&xdr, &args));
	u_int length = xdr_getpos(&xdr);
	for (u_int cut = 0; cut < length; cut += 4) {
		char *copy = malloc(cut + 1);
		memcpy(copy, record, cut);
		memset(&decoded, 0, sizeof(decoded));
		xdrmem_create(&xdr, copy, cut, XDR_DECODE);
		ck_assert_msg(!xdr_launch_args(&xdr, &decoded), "decoded %u of %u bytes", cut, length);
		xdr_free((xdrproc_t)xdr_launch_args, &decoded);
		free(copy);
	}
}
END_TEST

START_TEST(the_programs_have_their_numbers)
{
	ck_assert_uint_eq(CRICKET_CONTROL, 0x20008098);
	ck_assert_uint_eq(CRICKET_CUDA, 0x20008099);
	ck_assert_uint_eq(RPC_cuLaunchKernel, 307);
	ck_assert_uint_eq(CONTROL_HELLO, 1);
}
END_TEST

START_TEST(the_hash_is_one)
{
	unsigned char zero[32] = {0};
	ck_assert(memcmp(cricket_protocol_hash, zero, sizeof(zero)) != 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xdr");
	TCase *cases = tcase_create("encoding");
	tcase_add_test(cases, numbers_are_big_endian);
	tcase_add_test(cases, a_failed_result_is_its_error_alone);
	tcase_add_test(cases, blobs_are_counted_and_padded);
	tcase_add_test(cases, a_launch);
	tcase_add_test(cases, launch_attributes_are_64_bytes);
	tcase_add_test(cases, hello);
	tcase_add_test(cases, a_load_reply_has_an_arm_for_failure);
	tcase_add_test(cases, over_long_arrays_and_strings_do_not_decode);
	tcase_add_test(cases, truncated_records_do_not_decode);
	tcase_add_test(cases, the_programs_have_their_numbers);
	tcase_add_test(cases, the_hash_is_one);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
