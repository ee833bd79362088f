#include "image.h"

#include <elf.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fatbinary_section.h"
#include "log.h"

enum { FATBIN_MAGIC = (int)0xba55ed50 };

struct fatbin_header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size; /* of what follows the header */
};

static CUresult measure_fatbin(const void *image, size_t *size)
{
	struct fatbin_header header;
	memcpy(&header, image, sizeof(header));
	if (header.header_size < sizeof(header) || header.size > (uint64_t)CRICKET_IMAGE_MAX - header.header_size)
		return CUDA_ERROR_INVALID_IMAGE;
	*size = header.header_size + header.size;
	return CUDA_SUCCESS;
}

/* An ELF object ends with its section headers, or with the last section. */
static CUresult measure_elf(const void *image, size_t *size)
{
	Elf64_Ehdr header;
	memcpy(&header, image, sizeof(header));
	uint64_t end = header.e_shoff + (uint64_t)header.e_shnum * header.e_shentsize;
	if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_shentsize != sizeof(Elf64_Shdr) ||
	    header.e_shoff > CRICKET_IMAGE_MAX || end > CRICKET_IMAGE_MAX)
		return CUDA_ERROR_INVALID_IMAGE;
	for (unsigned i = 0; i < header.e_shnum; i++) {
		Elf64_Shdr section;
		memcpy(&section, (const char *)image + header.e_shoff + i * sizeof(section), sizeof(section));
		if (section.sh_type == SHT_NOBITS)
			continue;
		if (section.sh_offset > CRICKET_IMAGE_MAX || section.sh_size > CRICKET_IMAGE_MAX)
			return CUDA_ERROR_INVALID_IMAGE;
		if (section.sh_offset + section.sh_size > end)
			end = section.sh_offset + section.sh_size;
	}
	*size = end;
	return CUDA_SUCCESS;
}

CUresult cu_image_measure(const void *image, const void **data, size_t *size)
{
	uint32_t magic;
	if (!image)
		return CUDA_ERROR_INVALID_VALUE;
	/* Text may be shorter than the word, but not than its terminator. */
	size_t readable = strnlen(image, sizeof(magic));
	if (readable == sizeof(magic)) {
		memcpy(&magic, image, sizeof(magic));
		if (magic == FATBINC_MAGIC) {
			__fatBinC_Wrapper_t wrapper;
			memcpy(&wrapper, image, sizeof(wrapper));
			return wrapper.data ? cu_image_measure(wrapper.data, data, size) : CUDA_ERROR_INVALID_IMAGE;
		}
		*data = image;
		if (magic == (uint32_t)FATBIN_MAGIC)
			return measure_fatbin(image, size);
		if (!memcmp(image, ELFMAG, SELFMAG))
			return measure_elf(image, size);
	}
	*data = image;
	*size = strlen(image) + 1;
	return *size > 1 && *size <= CRICKET_IMAGE_MAX ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
}

static bool encode_upload(XDR *args, const void *arguments)
{
	upload_args upload = *(const upload_args *)arguments;
	return xdr_u_int64_t(args, &upload.id) && xdr_u_int64_t(args, &upload.total) &&
	       xdr_u_int64_t(args, &upload.offset);
}

/* Translation units that one program may have; the server's driver bounds them, too. */
#define IMAGE_UNITS_MAX 4096

static CUresult upload_part(upload_args *upload, const void *data, size_t size)
{
	CUresult err = CUDA_SUCCESS;
	for (size_t sent = 0; !err && sent < size;) {
		size_t count = size - sent < CRICKET_BLOB_MAX ? size - sent : CRICKET_BLOB_MAX;
		err = cu_call_with_blob(FN_CONTROL_UPLOAD, encode_upload, upload, (const char *)data + sent, count);
		upload->offset += count;
		sent += count;
	}
	return err;
}

/* The fatbins of the translation units, ended by NULL, when `image` is the wrapper of a linked program. */
static const void *const *linked_units(const void *image)
{
	__fatBinC_Wrapper_t wrapper;
	if (strnlen(image, sizeof(uint32_t)) < sizeof(uint32_t) || memcmp(image, &(uint32_t){FATBINC_MAGIC}, 4))
		return NULL;
	memcpy(&wrapper, image, sizeof(wrapper));
	return wrapper.version == FATBINC_LINK_VERSION ? wrapper.filename_or_fatbins : NULL;
}

/* Adds up the sizes of all units. */
static CUresult measure_units(const void *const *units, uint64_t *total)
{
	for (size_t i = 0; units && units[i]; i++) {
		const void *data;
		size_t size;
		CUresult err =
		    i < IMAGE_UNITS_MAX ? cu_image_measure(units[i], &data, &size) : CUDA_ERROR_INVALID_IMAGE;
		if (err)
			return err;
		*total += size;
	}
	return *total <= CRICKET_IMAGE_MAX ? CUDA_SUCCESS : CUDA_ERROR_INVALID_IMAGE;
}

static u64 new_image(void)
{
	static atomic_ullong last;
	return atomic_fetch_add(&last, 1) + 1;
}

CUresult cu_image_upload_bytes(const void *data, size_t size, u64 *id)
{
	upload_args upload = {.id = new_image(), .total = size};
	*id = upload.id;
	return size <= CRICKET_IMAGE_MAX ? upload_part(&upload, data, size) : CUDA_ERROR_INVALID_IMAGE;
}

CUresult cu_image_upload(const void *image, u64 *id)
{
	const void *data;
	size_t size;
	CUresult err = cu_image_measure(image, &data, &size);
	if (err)
		return err;
	const void *const *units = linked_units(image);
	upload_args upload = {.id = new_image(), .total = size};
	err = measure_units(units, &upload.total);
	if (!err)
		err = upload_part(&upload, data, size);
	for (size_t i = 0; !err && units && units[i]; i++) {
		err = cu_image_measure(units[i], &data, &size);
		if (!err)
			err = upload_part(&upload, data, size);
	}
	*id = upload.id;
	return err;
}

CUresult cu_image_read_file(const char *path, char **data, size_t *length)
{
	FILE *file = path ? fopen(path, "re") : NULL;
	long size = -1;
	if (!file)
		return path ? CUDA_ERROR_FILE_NOT_FOUND : CUDA_ERROR_INVALID_VALUE;
	if (!fseek(file, 0, SEEK_END))
		size = ftell(file);
	rewind(file);
	*data = size >= 0 && size <= CRICKET_IMAGE_MAX ? malloc((size_t)size + 1) : NULL;
	bool read = *data && fread(*data, 1, (size_t)size, file) == (size_t)size;
	fclose(file);
	if (!read) {
		free(*data);
		*data = NULL;
		cr_log(CR_LOG_ERROR, "cannot read %s as an image", path);
		return CUDA_ERROR_INVALID_IMAGE;
	}
	(*data)[size] = '\0';
	*length = (size_t)size;
	return CUDA_SUCCESS;
}
