/* Uploaded images: pieces in order, bounds, headers that lie. */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "suite.h"

static struct srv_images images;

static void teardown(void)
{
	srv_images_free(&images);
}

static void expect_no_image(uint64_t id)
{
	size_t size;
	ck_assert_ptr_null(srv_image_take(&images, id, &size));
}

static void upload(const void *data, size_t size)
{
	ck_assert(srv_image_append(&images, 1, size, 0, data, size));
}

START_TEST(pieces_make_an_image_with_nul_behind_it)
{
	size_t size;
	ck_assert(srv_image_append(&images, 7, 6, 0, "abc", 3));
	ck_assert(srv_image_append(&images, 8, 1, 0, "x", 1));
	ck_assert(srv_image_append(&images, 7, 6, 3, "def", 3));
	char *image = srv_image_take(&images, 7, &size);
	ck_assert_uint_eq(size, 6);
	ck_assert_str_eq(image, "abcdef");
	free(image);
	expect_no_image(7);
	image = srv_image_take(&images, 8, &size);
	ck_assert_str_eq(image, "x");
	free(image);
	ck_assert_uint_eq(images.bytes, 0);
}
END_TEST

START_TEST(pieces_out_of_order_drop_the_image)
{
	ck_assert(srv_image_append(&images, 7, 6, 0, "abc", 3));
	ck_assert(!srv_image_append(&images, 7, 6, 4, "ef", 2));
	ck_assert(!srv_image_append(&images, 7, 6, 3, "def", 3));
	expect_no_image(7);
}
END_TEST

START_TEST(a_piece_beyond_the_total_drops_the_image)
{
	ck_assert(srv_image_append(&images, 7, 6, 0, "abc", 3));
	ck_assert(!srv_image_append(&images, 7, 6, 3, "defg", 4));
	ck_assert(!srv_image_append(&images, 8, UINT64_MAX, 0, "a", 1));
	ck_assert_uint_eq(images.bytes, 0);
}
END_TEST

START_TEST(an_incomplete_image_is_no_image)
{
	ck_assert(srv_image_append(&images, 7, 6, 0, "abc", 3));
	expect_no_image(7);
	ck_assert(srv_image_append(&images, 7, 0, 0, "", 0));
	expect_no_image(7);
}
END_TEST

START_TEST(number_and_bytes_are_bounded)
{
	for (uint64_t id = 0; id < SRV_IMAGES_MAX; id++)
		ck_assert(srv_image_append(&images, id, 10, 0, "a", 1));
	ck_assert(!srv_image_append(&images, 1000, 10, 0, "a", 1));
	expect_no_image(0);
	ck_assert(!srv_image_append(&images, 1000, SRV_IMAGES_BYTES_MAX, 0, "a", 1));
	ck_assert(srv_image_append(&images, 1000, SRV_IMAGES_BYTES_MAX - 10 * (SRV_IMAGES_MAX - 1), 0, "a", 1));
	/* What is announced is not allocated. */
	ck_assert_uint_lt(images.entries[0].capacity, 1000);
}
END_TEST

START_TEST(a_fatbin_may_not_be_longer_than_it_is)
{
	struct {
		uint32_t magic;
		uint16_t version, header_size;
		uint64_t size;
		char payload[8];
	} fatbin = {0xBA55ED50u, 1, 16, 8, "payload"};
	size_t size;
	upload(&fatbin, sizeof(fatbin));
	char *image = srv_image_take(&images, 1, &size);
	ck_assert_mem_eq(image, &fatbin, sizeof(fatbin));
	free(image);
	fatbin.size = 9;
	upload(&fatbin, sizeof(fatbin));
	expect_no_image(1);
	fatbin.size = UINT64_MAX;
	upload(&fatbin, sizeof(fatbin));
	expect_no_image(1);
	upload(&fatbin, 12);
	expect_no_image(1);
}
END_TEST

START_TEST(fatbins_in_a_row)
{
	struct {
		uint32_t magic;
		uint16_t version, header_size;
		uint64_t size;
		char payload[8];
	} fatbins[2] = {{0xBA55ED50u, 1, 16, 8, "linked"}, {0xBA55ED50u, 1, 16, 8, "unit"}};
	size_t size;
	upload(fatbins, sizeof(fatbins));
	char *image = srv_image_take(&images, 1, &size);
	ck_assert_uint_eq(size, sizeof(fatbins));
	ck_assert_uint_eq(srv_image_fatbin_size(image, size), 24);
	free(image);
	upload(fatbins, sizeof(fatbins) - 1);
	expect_no_image(1);
	fatbins[1].magic++;
	upload(fatbins, sizeof(fatbins));
	expect_no_image(1);
	fatbins[1].magic--;
	fatbins[1].size = 9;
	upload(fatbins, sizeof(fatbins));
	expect_no_image(1);
}
END_TEST

START_TEST(an_elf_file_may_not_name_tables_outside)
{
	Elf64_Ehdr elf = {.e_ident = ELFMAG, .e_shoff = sizeof(elf), .e_shnum = 0, .e_shentsize = 64};
	size_t size;
	upload(&elf, sizeof(elf));
	free(srv_image_take(&images, 1, &size));
	ck_assert_uint_eq(size, sizeof(elf));
	elf.e_shnum = 1;
	upload(&elf, sizeof(elf));
	expect_no_image(1);
	elf.e_shoff = UINT64_MAX - 16;
	upload(&elf, sizeof(elf));
	expect_no_image(1);
}
END_TEST

START_TEST(a_wrapper_with_addresses_is_refused)
{
	const uint32_t wrapper[6] = {0x466243B1u, 1, 0x1000};
	upload(wrapper, sizeof(wrapper));
	expect_no_image(1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *tests = tcase_create("image");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, pieces_make_an_image_with_nul_behind_it);
	tcase_add_test(tests, pieces_out_of_order_drop_the_image);
	tcase_add_test(tests, a_piece_beyond_the_total_drops_the_image);
	tcase_add_test(tests, an_incomplete_image_is_no_image);
	tcase_add_test(tests, number_and_bytes_are_bounded);
	tcase_add_test(tests, a_fatbin_may_not_be_longer_than_it_is);
	tcase_add_test(tests, fatbins_in_a_row);
	tcase_add_test(tests, an_elf_file_may_not_name_tables_outside);
	tcase_add_test(tests, a_wrapper_with_addresses_is_refused);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
