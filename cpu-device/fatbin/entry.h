/* One entry of a fatbin: its decoded header and its payload. */
#ifndef FATBIN_ENTRY_H
#define FATBIN_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "fatbin.h"

enum fatbin_kind { FATBIN_PTX = 1, FATBIN_ELF = 2, FATBIN_LINKED = 0x4352 /* our own: see fatbin_write() */ };

enum fatbin_flag {
	FATBIN_LZ4 = 0x2000,
	FATBIN_ZSTD = 0x8000,
	FATBIN_ARCH_SPECIFIC = 0x100000,
	FATBIN_FAMILY_SPECIFIC = 0x200000,
};

struct fatbin_entry {
	const uint8_t *payload;
	size_t payload_size;
	size_t compressed_size; /* 0: the payload is not compressed */
	uint64_t text_size;     /* after decompression, with the terminator */
	uint64_t flags;
	unsigned kind;
	unsigned arch;    /* 10 * major + minor */
	const char *name; /* not terminated */
	size_t name_length;
};

/* Reads the entry at `bytes`, of which `size` bytes are left in the fatbin, and says in `total` how far the next one
   is. False when a length leaves the fatbin. */
bool fatbin_entry_read(const uint8_t *bytes, size_t size, struct fatbin_entry *entry, size_t *total);

/* Bytes of an entry that holds `unit`, and writing it. */
size_t fatbin_entry_size(const struct fatbin_unit *unit);
void fatbin_entry_write(uint8_t *to, const struct fatbin_unit *unit, unsigned capability);

/* Makes text and name of a PTX entry. Errors as fatbin_read(). */
CUresult fatbin_entry_text(const struct fatbin_entry *entry, struct fatbin_unit *unit);

#endif
