/* How long an image is that comes without a length. */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "fatbinary_section.h"
#include "image.h"
#include "suite.h"

/* What was uploaded through the call below. */
static char uploaded[16 << 20];
static size_t uploaded_bytes;
static unsigned calls;

CUresult cu_call_with_blob(enum cu_function_id function, cu_encoder encode, const void *arguments, const void *data,
			   size_t length)
{
	const upload_args *upload = arguments;
	ck_assert_int_eq(function, FN_CONTROL_UPLOAD);
	ck_assert_ptr_nonnull(encode);
	ck_assert_uint_eq(upload->offset, uploaded_bytes);
	ck_assert_uint_le(length, CRICKET_BLOB_MAX);
	memcpy(uploaded + uploaded_bytes, data, length);
	uploaded_bytes += length;
	calls++;
	return CUDA_SUCCESS;
}

static CUresult measure(const void *image, size_t *size)
{
	const void *data = NULL;
	CUresult err = cu_image_measure(image, &data, size);
	ck_assert(err || data);
	return err;
}

static void make_fatbin(char *to, uint16_t header_size, uint64_t size)
{
	uint32_t magic = 0xba55ed50;
	uint16_t version = 1;
	memcpy(to, &magic, 4);
	memcpy(to + 4, &version, 2);
	memcpy(to + 6, &header_size, 2);
	memcpy(to + 8, &size, 8);
}

START_TEST(ptx_is_text)
{
	size_t size;
	ck_assert_int_eq(measure(".version 9.0\n", &size), CUDA_SUCCESS);
	ck_assert_uint_eq(size, 14);
	ck_assert_int_eq(measure("//", &size), CUDA_SUCCESS); /* shorter than a magic number */
	ck_assert_uint_eq(size, 3);
	ck_assert_int_eq(measure("", &size), CUDA_ERROR_INVALID_IMAGE);
	ck_assert_int_eq(cu_image_measure(NULL, &(const void *){NULL}, &size), CUDA_ERROR_INVALID_VALUE);
}
END_TEST

START_TEST(a_fatbin_and_its_wrapper)
{
	char fatbin[64] = {0};
	size_t size;
	make_fatbin(fatbin, 16, 48);
	ck_assert_int_eq(measure(fatbin, &size), CUDA_SUCCESS);
	ck_assert_uint_eq(size, 64);
	__fatBinC_Wrapper_t wrapper = {FATBINC_MAGIC, FATBINC_VERSION, (void *)fatbin, NULL};
	const void *data;
	ck_assert_int_eq(cu_image_measure(&wrapper, &data, &size), CUDA_SUCCESS);
	ck_assert_ptr_eq(data, fatbin);
	ck_assert_uint_eq(size, 64);
	wrapper.data = NULL;
	ck_assert_int_eq(cu_image_measure(&wrapper, &data, &size), CUDA_ERROR_INVALID_IMAGE);
}
END_TEST

START_TEST(fatbins_that_lie)
{
	char fatbin[64] = {0};
	size_t size;
	make_fatbin(fatbin, 8, 48);
	ck_assert_int_eq(measure(fatbin, &size), CUDA_ERROR_INVALID_IMAGE);
	make_fatbin(fatbin, 16, UINT64_MAX);
	ck_assert_int_eq(measure(fatbin, &size), CUDA_ERROR_INVALID_IMAGE);
	make_fatbin(fatbin, 16, 1ull << 32);
	ck_assert_int_eq(measure(fatbin, &size), CUDA_ERROR_INVALID_IMAGE);
}
END_TEST

START_TEST(an_elf_object_ends_with_its_last_section_or_header)
{
	struct {
		Elf64_Ehdr header;
		Elf64_Shdr sections[2];
		char text[32];
	} object = {
	    .header = {.e_shoff = offsetof(typeof(object), sections), .e_shnum = 2, .e_shentsize = sizeof(Elf64_Shdr)}};
	size_t size;
	memcpy(object.header.e_ident, ELFMAG, SELFMAG);
	object.header.e_ident[EI_CLASS] = ELFCLASS64;
	object.sections[1] = (Elf64_Shdr){
	    .sh_type = SHT_PROGBITS, .sh_offset = offsetof(typeof(object), text), .sh_size = sizeof(object.text)};
	ck_assert_int_eq(measure(&object, &size), CUDA_SUCCESS);
	ck_assert_uint_eq(size, sizeof(object));
	object.sections[1].sh_type = SHT_NOBITS;
	ck_assert_int_eq(measure(&object, &size), CUDA_SUCCESS);
	ck_assert_uint_eq(size, offsetof(typeof(object), text));
	object.header.e_shoff = UINT64_MAX - 8;
	ck_assert_int_eq(measure(&object, &size), CUDA_ERROR_INVALID_IMAGE);
}
END_TEST

START_TEST(large_images_are_uploaded_in_pieces)
{
	size_t size = 2 * CRICKET_BLOB_MAX + 12345;
	char *image = malloc(size);
	u64 first, second;
	for (size_t i = 0; i < size; i++)
		image[i] = (char)(i * 31 >> 3);
	ck_assert_int_eq(cu_image_upload_bytes(image, size, &first), CUDA_SUCCESS);
	ck_assert_uint_eq(calls, 3);
	ck_assert_uint_eq(uploaded_bytes, size);
	ck_assert_int_eq(memcmp(uploaded, image, size), 0);
	uploaded_bytes = 0;
	ck_assert_int_eq(cu_image_upload_bytes(image, 10, &second), CUDA_SUCCESS);
	ck_assert_uint_ne(first, second);
	free(image);
}
END_TEST

/* nvcc -rdc=true: the linked code, then every translation unit. */
START_TEST(a_linked_program_is_uploaded_with_its_units)
{
	char linked[16] = {0}, units[2][64] = {{0}};
	const void *fatbins[] = {units[0], units[1], NULL};
	__fatBinC_Wrapper_t wrapper = {FATBINC_MAGIC, FATBINC_LINK_VERSION, (void *)linked, fatbins};
	u64 id;
	make_fatbin(linked, 16, 0);
	make_fatbin(units[0], 16, 48);
	make_fatbin(units[1], 16, 8);
	uploaded_bytes = 0;
	ck_assert_int_eq(cu_image_upload(&wrapper, &id), CUDA_SUCCESS);
	ck_assert_uint_eq(uploaded_bytes, 16 + 64 + 24);
	ck_assert_mem_eq(uploaded, linked, 16);
	ck_assert_mem_eq(uploaded + 16, units[0], 64);
	ck_assert_mem_eq(uploaded + 80, units[1], 24);
	make_fatbin(units[1], 16, UINT64_MAX);
	ck_assert_int_eq(cu_image_upload(&wrapper, &id), CUDA_ERROR_INVALID_IMAGE);
	wrapper.version = FATBINC_VERSION; /* there the last pointer is a file's name */
	uploaded_bytes = 0;
	ck_assert_int_eq(cu_image_upload(&wrapper, &id), CUDA_SUCCESS);
	ck_assert_uint_eq(uploaded_bytes, 16);
}
END_TEST

START_TEST(files)
{
	char *data = NULL;
	size_t size = 0;
	ck_assert_int_eq(cu_image_read_file("/nonexistent/image", &data, &size), CUDA_ERROR_FILE_NOT_FOUND);
	ck_assert_int_eq(cu_image_read_file(NULL, &data, &size), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_ne(cu_image_read_file("/", &data, &size), CUDA_SUCCESS);
	ck_assert_int_eq(cu_image_read_file("/proc/self/exe", &data, &size), CUDA_SUCCESS);
	ck_assert_int_eq(memcmp(data, ELFMAG, SELFMAG), 0);
	ck_assert_uint_gt(size, SELFMAG);
	free(data);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("image");
	TCase *cases = tcase_create("image");
	tcase_add_test(cases, ptx_is_text);
	tcase_add_test(cases, a_fatbin_and_its_wrapper);
	tcase_add_test(cases, fatbins_that_lie);
	tcase_add_test(cases, an_elf_object_ends_with_its_last_section_or_header);
	tcase_add_test(cases, large_images_are_uploaded_in_pieces);
	tcase_add_test(cases, a_linked_program_is_uploaded_with_its_units);
	tcase_add_test(cases, files);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
