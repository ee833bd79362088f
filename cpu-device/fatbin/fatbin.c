#include "fatbin.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

static const uint32_t wrapper_magic = 0x466243B1;
static const uint32_t header_magic = 0xBA55ED50;
enum { HEADER_VERSION = 1, HEADER_SIZE_MIN = 16, WRAPPER_UNITS_MAX = 4096 };

/* What a program's constructor passes to __cudaRegisterFatBinary; fatbinary_section.h of the toolkit. */
struct wrapper {
	uint32_t magic;
	int32_t version;
	const void *data;
	const void *filename_or_fatbins; /* version 2: array of fatbins, ended by NULL */
};

struct header {
	uint32_t magic;
	uint16_t version;
	uint16_t header_size;
	uint64_t size;
};

/* Is the entry usable on the device, and better than `best`? */
static bool entry_better(const struct fatbin_entry *entry, const struct fatbin_entry *best, unsigned capability)
{
	bool exact_only = entry->flags & (FATBIN_ARCH_SPECIFIC | FATBIN_FAMILY_SPECIFIC);
	if (entry->kind != FATBIN_PTX || entry->arch > capability || (exact_only && entry->arch != capability))
		return false;
	return !best->payload || entry->arch > best->arch;
}

static CUresult units_append(struct fatbin_units *units, const struct fatbin_entry *entry)
{
	struct fatbin_unit *grown = realloc(units->units, (units->count + 1) * sizeof *grown);
	if (!grown)
		return CUDA_ERROR_OUT_OF_MEMORY;
	units->units = grown;
	grown[units->count] = (struct fatbin_unit){0};
	CUresult result = fatbin_entry_text(entry, &grown[units->count]);
	if (result == CUDA_SUCCESS)
		units->count++;
	return result;
}

/* Finds the best PTX entry of `size` bytes of entries; without one, `best->payload` is NULL. Entries that were linked
   all go to `units`. */
static CUresult entries_choose(const uint8_t *bytes, size_t size, unsigned capability, struct fatbin_entry *best,
			       struct fatbin_units *units)
{
	*best = (struct fatbin_entry){0};
	while (size) {
		struct fatbin_entry entry;
		CUresult result = CUDA_SUCCESS;
		size_t total;
		if (!fatbin_entry_read(bytes, size, &entry, &total))
			return CUDA_ERROR_INVALID_IMAGE;
		if (entry.kind == FATBIN_LINKED && entry.arch <= capability)
			result = units_append(units, &entry);
		if (result != CUDA_SUCCESS)
			return result;
		if (entry_better(&entry, best, capability))
			*best = entry;
		bytes += total;
		size -= total;
	}
	return CUDA_SUCCESS;
}

/* Reads one fatbin. An empty one gives CUDA_ERROR_NO_BINARY_FOR_GPU. */
static CUresult fatbin_read_one(const uint8_t *image, size_t size, unsigned capability, struct fatbin_units *units)
{
	struct header header;
	if (size < sizeof header)
		return CUDA_ERROR_INVALID_IMAGE;
	memcpy(&header, image, sizeof header);
	if (header.magic != header_magic || header.version != HEADER_VERSION || header.header_size < HEADER_SIZE_MIN)
		return CUDA_ERROR_INVALID_IMAGE;
	if (header.header_size > size || header.size > size - header.header_size)
		return CUDA_ERROR_INVALID_IMAGE;
	struct fatbin_entry best;
	size_t before = units->count;
	CUresult result = entries_choose(image + header.header_size, header.size, capability, &best, units);
	if (result != CUDA_SUCCESS || units->count > before)
		return result;
	return best.payload ? units_append(units, &best) : CUDA_ERROR_NO_BINARY_FOR_GPU;
}

static CUresult fatbins_read(const void *const *fatbins, unsigned capability, struct fatbin_units *units)
{
	for (size_t i = 0; fatbins[i]; i++) {
		if (i == WRAPPER_UNITS_MAX)
			return CUDA_ERROR_INVALID_IMAGE;
		CUresult result = fatbin_read_one(fatbins[i], FATBIN_SIZE_UNKNOWN, capability, units);
		if (result != CUDA_SUCCESS && result != CUDA_ERROR_NO_BINARY_FOR_GPU)
			return result;
	}
	return units->count ? CUDA_SUCCESS : CUDA_ERROR_NO_BINARY_FOR_GPU;
}

static CUresult wrapper_read(const void *image, unsigned capability, struct fatbin_units *units)
{
	struct wrapper wrapper;
	memcpy(&wrapper, image, sizeof wrapper);
	if (wrapper.version == 2 && wrapper.filename_or_fatbins)
		return fatbins_read(wrapper.filename_or_fatbins, capability, units);
	if (wrapper.version != 1 || !wrapper.data)
		return CUDA_ERROR_INVALID_IMAGE;
	return fatbin_read_one(wrapper.data, FATBIN_SIZE_UNKNOWN, capability, units);
}

/* PTX begins with white space, a comment or a directive. */
static CUresult text_read(const char *text, size_t size, struct fatbin_units *units)
{
	size_t length = size == FATBIN_SIZE_UNKNOWN ? strlen(text) : strnlen(text, size);
	size_t start = 0;
	while (start < length && isspace((unsigned char)text[start]))
		start++;
	if (start == length || (text[start] != '.' && text[start] != '/'))
		return CUDA_ERROR_INVALID_IMAGE;
	struct fatbin_entry entry = {.payload = (const uint8_t *)text, .payload_size = length, .kind = FATBIN_PTX};
	return units_append(units, &entry);
}

static uint32_t magic_of(const char *image, size_t size)
{
	uint32_t magic = 0;
	/* Byte by byte up to a NUL: a short text may end before its fourth byte. */
	for (size_t i = 0; i < sizeof magic && i < size; i++) {
		magic |= (uint32_t)(unsigned char)image[i] << (8 * i);
		if (!image[i])
			break;
	}
	return magic;
}

CUresult fatbin_read(const void *image, size_t size, unsigned capability, struct fatbin_units *units)
{
	uint32_t magic = magic_of(image, size);
	CUresult result;

	*units = (struct fatbin_units){0};
	if (magic == wrapper_magic)
		result =
		    size == FATBIN_SIZE_UNKNOWN ? wrapper_read(image, capability, units) : CUDA_ERROR_INVALID_IMAGE;
	else if (magic == header_magic)
		result = fatbin_read_one(image, size, capability, units);
	else if (magic == 0x464C457F) /* "\177ELF" */
		result = CUDA_ERROR_NO_BINARY_FOR_GPU;
	else
		result = text_read(image, size, units);
	if (result != CUDA_SUCCESS)
		fatbin_free(units);
	return result;
}

static void unit_free(struct fatbin_unit *unit)
{
	free(unit->text);
	free(unit->name);
}

void fatbin_free(struct fatbin_units *units)
{
	for (size_t i = 0; i < units->count; i++)
		unit_free(&units->units[i]);
	free(units->units);
	*units = (struct fatbin_units){0};
}

CUresult fatbin_write(const struct fatbin_units *units, unsigned capability, void **image, size_t *size)
{
	struct header header = {.magic = header_magic, .version = HEADER_VERSION, .header_size = HEADER_SIZE_MIN};
	for (size_t i = 0; i < units->count; i++)
		header.size += fatbin_entry_size(&units->units[i]);
	*size = sizeof header + header.size;
	uint8_t *to = *image = malloc(*size);
	if (!to)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(to, &header, sizeof header);
	to += sizeof header;
	for (size_t i = 0; i < units->count; i++) {
		fatbin_entry_write(to, &units->units[i], capability);
		to += fatbin_entry_size(&units->units[i]);
	}
	return CUDA_SUCCESS;
}
