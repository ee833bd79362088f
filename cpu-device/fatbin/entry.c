#include "entry.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum entry_offset {
	ENTRY_KIND = 0,
	ENTRY_VERSION = 2,
	ENTRY_HEADER_SIZE = 4,
	ENTRY_PAYLOAD_SIZE = 8,
	ENTRY_COMPRESSED_SIZE = 16,
	ENTRY_VERSION_MAJOR = 26,
	ENTRY_ARCH = 28,
	ENTRY_NAME = 32,
	ENTRY_NAME_LENGTH = 36,
	ENTRY_FLAGS = 40,
	ENTRY_TEXT_SIZE = 56,
	ENTRY_HEADER_MIN = 64,
};

enum { ENTRY_VERSION_1 = 0x101 };

/* Entries lie at any alignment when an image was mapped from a file. */
#define LOAD(type, bytes, offset)                                                                                      \
	({                                                                                                             \
		type value_;                                                                                           \
		memcpy(&value_, (bytes) + (offset), sizeof value_);                                                    \
		value_;                                                                                                \
	})

bool fatbin_entry_read(const uint8_t *bytes, size_t size, struct fatbin_entry *entry, size_t *total)
{
	if (size < ENTRY_HEADER_MIN || LOAD(uint16_t, bytes, ENTRY_VERSION) != ENTRY_VERSION_1)
		return false;
	size_t header_size = LOAD(uint32_t, bytes, ENTRY_HEADER_SIZE);
	uint64_t payload_size = LOAD(uint64_t, bytes, ENTRY_PAYLOAD_SIZE);
	if (header_size < ENTRY_HEADER_MIN || header_size > size || payload_size > size - header_size)
		return false;
	*entry = (struct fatbin_entry){
	    .payload = bytes + header_size,
	    .payload_size = payload_size,
	    .compressed_size = LOAD(uint32_t, bytes, ENTRY_COMPRESSED_SIZE),
	    .text_size = LOAD(uint64_t, bytes, ENTRY_TEXT_SIZE),
	    .flags = LOAD(uint64_t, bytes, ENTRY_FLAGS),
	    .kind = LOAD(uint16_t, bytes, ENTRY_KIND),
	    .arch = LOAD(uint32_t, bytes, ENTRY_ARCH),
	};
	*total = header_size + payload_size;
	size_t name = LOAD(uint32_t, bytes, ENTRY_NAME), name_length = LOAD(uint32_t, bytes, ENTRY_NAME_LENGTH);
	if (name_length && name >= ENTRY_HEADER_MIN && name <= header_size && name_length <= header_size - name) {
		entry->name = (const char *)bytes + name;
		entry->name_length = name_length;
	}
	return entry->compressed_size <= payload_size;
}

static bool text_decompress(const struct fatbin_entry *entry, char *text)
{
	const char *payload = (const char *)entry->payload;
	if (entry->flags & FATBIN_LZ4) {
		/* Both sizes were bounded by FATBIN_TEXT_LIMIT, so they fit an int. */
		int length = LZ4_decompress_safe(payload, text, (int)entry->compressed_size, (int)entry->text_size);
		return length >= 0 && (uint64_t)length == entry->text_size;
	}
	if (entry->flags & FATBIN_ZSTD)
		return ZSTD_decompress(text, entry->text_size, payload, entry->compressed_size) == entry->text_size;
	return false;
}

/* A compressed payload cannot grow beyond what its format allows (LZ4: 255 times; zstd's highest ratio is far above
   that of any text, so the limit on the text alone bounds it). */
static bool sizes_plausible(const struct fatbin_entry *entry)
{
	if (entry->text_size == 0 || entry->text_size > FATBIN_TEXT_LIMIT || entry->compressed_size > FATBIN_TEXT_LIMIT)
		return false;
	if (entry->flags & FATBIN_LZ4)
		return entry->text_size / 255 <= entry->compressed_size;
	unsigned long long content = ZSTD_getFrameContentSize(entry->payload, entry->compressed_size);
	return content == ZSTD_CONTENTSIZE_UNKNOWN || content == entry->text_size;
}

static CUresult text_copy(const struct fatbin_entry *entry, struct fatbin_unit *unit)
{
	if (entry->payload_size == 0 || entry->payload_size > FATBIN_TEXT_LIMIT)
		return CUDA_ERROR_INVALID_IMAGE;
	unit->text = strndup((const char *)entry->payload, entry->payload_size);
	return unit->text ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

CUresult fatbin_entry_text(const struct fatbin_entry *entry, struct fatbin_unit *unit)
{
	if (entry->compressed_size == 0) {
		CUresult result = text_copy(entry, unit);
		if (result != CUDA_SUCCESS)
			return result;
	} else {
		if (!sizes_plausible(entry))
			return CUDA_ERROR_INVALID_IMAGE;
		unit->text = calloc(1, entry->text_size + 1);
		if (!unit->text)
			return CUDA_ERROR_OUT_OF_MEMORY;
		if (!text_decompress(entry, unit->text)) {
			free(unit->text);
			unit->text = NULL;
			return CUDA_ERROR_INVALID_IMAGE;
		}
	}
	unit->length = strlen(unit->text);
	if (entry->name)
		unit->name = strndup(entry->name, entry->name_length);
	return CUDA_SUCCESS;
}

#define STORE(type, bytes, offset, value) memcpy((bytes) + (offset), &(type){value}, sizeof(type))

static size_t round_up(size_t size)
{
	return (size + 7) / 8 * 8;
}

static size_t header_size(const struct fatbin_unit *unit)
{
	return round_up(ENTRY_HEADER_MIN + (unit->name ? strlen(unit->name) : 0));
}

size_t fatbin_entry_size(const struct fatbin_unit *unit)
{
	return header_size(unit) + round_up(unit->length + 1);
}

void fatbin_entry_write(uint8_t *to, const struct fatbin_unit *unit, unsigned capability)
{
	size_t name_length = unit->name ? strlen(unit->name) : 0;
	memset(to, 0, fatbin_entry_size(unit));
	STORE(uint16_t, to, ENTRY_KIND, FATBIN_LINKED);
	STORE(uint16_t, to, ENTRY_VERSION, ENTRY_VERSION_1);
	STORE(uint32_t, to, ENTRY_HEADER_SIZE, (uint32_t)header_size(unit));
	STORE(uint64_t, to, ENTRY_PAYLOAD_SIZE, round_up(unit->length + 1));
	STORE(uint16_t, to, ENTRY_VERSION_MAJOR, 1);
	STORE(uint32_t, to, ENTRY_ARCH, capability);
	if (name_length) {
		STORE(uint32_t, to, ENTRY_NAME, ENTRY_HEADER_MIN);
		STORE(uint32_t, to, ENTRY_NAME_LENGTH, (uint32_t)name_length);
		memcpy(to + ENTRY_HEADER_MIN, unit->name, name_length);
	}
	memcpy(to + header_size(unit), unit->text, unit->length);
}
