/* The fatbin reader on what nvcc makes, and on damaged copies of it. */
#include "fatbin.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

struct image {
	unsigned char *bytes;
	size_t size;
};

static struct image image_read(const char *name)
{
	char path[512];
	struct image image;
	snprintf(path, sizeof path, "%s/%s.fatbin", FATBIN_FOLDER, name);
	FILE *file = fopen(path, "rb");
	ck_assert_ptr_nonnull(file);
	fseek(file, 0, SEEK_END);
	image.size = (size_t)ftell(file);
	rewind(file);
	image.bytes = malloc(image.size);
	ck_assert_uint_eq(fread(image.bytes, 1, image.size, file), image.size);
	fclose(file);
	return image;
}

static CUresult read_result(const struct image *image, unsigned capability)
{
	struct fatbin_units units;
	CUresult result = fatbin_read(image->bytes, image->size, capability, &units);
	fatbin_free(&units);
	return result;
}

static void assert_target(const struct fatbin_units *units, const char *target)
{
	ck_assert_uint_eq(units->count, 1);
	ck_assert_uint_eq(units->units[0].length, strlen(units->units[0].text));
	ck_assert_ptr_nonnull(strstr(units->units[0].text, target));
	ck_assert_ptr_nonnull(strstr(units->units[0].text, ".entry scale"));
}

/* How nvcc compresses by default and when told to. */
static const char *const modes[] = {"default", "speed", "size", "balance", "none"};
enum { MODES = sizeof modes / sizeof *modes };

START_TEST(every_compression)
{
	struct image image = image_read(modes[_i]), plain = image_read("none");
	struct fatbin_units units, expected;
	ck_assert_int_eq(fatbin_read(image.bytes, image.size, 75, &units), CUDA_SUCCESS);
	assert_target(&units, ".target sm_75");
	ck_assert_int_eq(fatbin_read(plain.bytes, FATBIN_SIZE_UNKNOWN, 75, &expected), CUDA_SUCCESS);
	ck_assert_str_eq(units.units[0].text, expected.units[0].text);
	fatbin_free(&units);
	fatbin_free(&expected);
	free(image.bytes);
	free(plain.bytes);
}
END_TEST

START_TEST(the_highest_architecture_that_fits)
{
	struct image image = image_read("several"); /* 75, 80, 90, 90a */
	static const struct {
		unsigned capability;
		const char *target;
	} cases[] = {{75, ".target sm_75"}, {79, ".target sm_75"}, {86, ".target sm_80"}, {100, ".target sm_90"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fatbin_units units;
		ck_assert_int_eq(fatbin_read(image.bytes, image.size, cases[i].capability, &units), CUDA_SUCCESS);
		assert_target(&units, cases[i].target);
		ck_assert_ptr_null(strstr(units.units[0].text, "sm_90a"));
		fatbin_free(&units);
	}
	ck_assert_int_eq(read_result(&image, 70), CUDA_ERROR_NO_BINARY_FOR_GPU);
	free(image.bytes);
}
END_TEST

START_TEST(machine_code_alone_is_of_no_use)
{
	struct image image = image_read("sass");
	ck_assert_int_eq(read_result(&image, 75), CUDA_ERROR_NO_BINARY_FOR_GPU);
	free(image.bytes);
}
END_TEST

struct wrapper {
	uint32_t magic;
	int32_t version;
	const void *data;
	const void *more;
};

START_TEST(wrappers)
{
	static const unsigned char empty[16] = {0x50, 0xED, 0x55, 0xBA, 1, 0, 16, 0};
	struct image image = image_read("default"), sass = image_read("sass");
	const void *fatbins[] = {image.bytes, empty, image.bytes, NULL};
	struct wrapper first = {0x466243B1, 1, image.bytes, NULL}, second = {0x466243B1, 2, sass.bytes, fatbins};
	struct fatbin_units units;
	ck_assert_int_eq(fatbin_read(&first, FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_SUCCESS);
	assert_target(&units, ".target sm_75");
	fatbin_free(&units);
	ck_assert_int_eq(fatbin_read(&second, FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_SUCCESS);
	ck_assert_uint_eq(units.count, 2);
	fatbin_free(&units);
	/* A file that begins like a wrapper has no pointers to follow. */
	ck_assert_int_eq(fatbin_read(&first, sizeof first, 75, &units), CUDA_ERROR_INVALID_IMAGE);
	first.version = 3;
	ck_assert_int_eq(fatbin_read(&first, FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_ERROR_INVALID_IMAGE);
	free(image.bytes);
	free(sass.bytes);
}
END_TEST

START_TEST(text)
{
	struct fatbin_units units;
	ck_assert_int_eq(fatbin_read("\n .version 9.0", FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_SUCCESS);
	ck_assert_str_eq(units.units[0].text, "\n .version 9.0");
	fatbin_free(&units);
	ck_assert_int_eq(fatbin_read(".version", 4, 75, &units), CUDA_SUCCESS);
	ck_assert_str_eq(units.units[0].text, ".ver");
	fatbin_free(&units);
	ck_assert_int_eq(fatbin_read("", FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_ERROR_INVALID_IMAGE);
	ck_assert_int_eq(fatbin_read("hello", FATBIN_SIZE_UNKNOWN, 75, &units), CUDA_ERROR_INVALID_IMAGE);
	ck_assert_int_eq(fatbin_read("\177ELF\2\1\1", 7, 75, &units), CUDA_ERROR_NO_BINARY_FOR_GPU);
}
END_TEST

/* Damage */

static void assert_known_result(CUresult result)
{
	ck_assert(result == CUDA_SUCCESS || result == CUDA_ERROR_INVALID_IMAGE ||
		  result == CUDA_ERROR_NO_BINARY_FOR_GPU || result == CUDA_ERROR_OUT_OF_MEMORY);
}

/* Every shorter copy lies at the end of its own allocation, so that a sanitizer sees the first byte too far. */
START_TEST(truncated_images)
{
	struct image image = image_read(modes[_i]);
	for (size_t size = 0; size < image.size; size += size < 256 ? 1 : 37) {
		struct image part = {malloc(size ? size : 1), size};
		memcpy(part.bytes, image.bytes, size);
		CUresult result = read_result(&part, 75);
		ck_assert(result == CUDA_ERROR_INVALID_IMAGE);
		free(part.bytes);
	}
	free(image.bytes);
}
END_TEST

/* A fixed sequence: the same damage in every run (xorshift64). */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void mutate(struct image *image, uint64_t *state)
{
	static const uint32_t values[] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 64};
	/* Half of the damage hits the headers, where it matters most. */
	size_t range = next_random(state) % 2 ? image->size : 160;
	size_t at = next_random(state) % (range - 4);
	if (next_random(state) % 2)
		image->bytes[at] ^= (unsigned char)(1 << next_random(state) % 8);
	else
		memcpy(image->bytes + at, &values[next_random(state) % 6], 4);
}

START_TEST(mutated_images)
{
	struct image image = image_read(modes[_i]);
	struct image copy = {malloc(image.size), image.size};
	uint64_t state = 88172645463325252u + (uint64_t)_i;
	int refused = 0;
	for (int round = 0; round < 3000; round++) {
		memcpy(copy.bytes, image.bytes, image.size);
		for (uint64_t count = next_random(&state) % 3 + 1; count; count--)
			mutate(&copy, &state);
		CUresult result = read_result(&copy, 75);
		assert_known_result(result);
		refused += result == CUDA_ERROR_INVALID_IMAGE;
	}
	ck_assert_int_gt(refused, 100);
	free(image.bytes);
	free(copy.bytes);
}
END_TEST

/* Finds the PTX entry's header, as a test of the reader must not use it. */
static unsigned char *ptx_entry(struct image *image)
{
	unsigned char *entry = image->bytes + 16;
	while (entry[0] != 1) {
		uint32_t header;
		uint64_t payload;
		memcpy(&header, entry + 4, 4);
		memcpy(&payload, entry + 8, 8);
		entry += header + payload;
	}
	return entry;
}

/* A header that promises terabytes of text is refused before memory is asked for. */
START_TEST(absurd_sizes_are_refused)
{
	static const uint64_t sizes[] = {0, 1, FATBIN_TEXT_LIMIT + 1, (uint64_t)1 << 40, UINT64_MAX};
	struct image image = image_read(modes[_i]);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		memcpy(ptx_entry(&image) + 56, &sizes[i], 8);
		CUresult result = read_result(&image, 75);
		if (strcmp(modes[_i], "none") != 0)
			ck_assert_int_eq(result, CUDA_ERROR_INVALID_IMAGE);
	}
	free(image.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("fatbin");
	TCase *tcase = tcase_create("fatbin");
	tcase_add_loop_test(tcase, every_compression, 0, MODES);
	tcase_add_test(tcase, the_highest_architecture_that_fits);
	tcase_add_test(tcase, machine_code_alone_is_of_no_use);
	tcase_add_test(tcase, wrappers);
	tcase_add_test(tcase, text);
	tcase_add_loop_test(tcase, truncated_images, 0, MODES);
	tcase_add_loop_test(tcase, mutated_images, 0, MODES);
	tcase_add_loop_test(tcase, absurd_sizes_are_refused, 0, MODES);
	tcase_set_timeout(tcase, 30);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
