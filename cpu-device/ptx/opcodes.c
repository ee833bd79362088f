#include "opcodes.h"

#include <pthread.h>
#include <string.h>

static const struct ptx_opcode rows[] = {
#define ROW(text, registers, fn) {text, registers},
#include "opcodes.def"
#undef ROW
};

#define ROW_COUNT (sizeof(rows) / sizeof(*rows))
#define SLOT_COUNT 4096 /* a power of two, well above the number of rows */

static uint16_t slots[SLOT_COUNT]; /* row + 1; 0 is free */
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static uint32_t name_slot(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return (hash ^ hash >> 15) % SLOT_COUNT;
}

/* The slot that holds `name`, or the free one where it belongs. */
static uint16_t *slot_find(const char *name)
{
	uint32_t at = name_slot(name);

	while (slots[at] && strcmp(rows[slots[at] - 1].name, name))
		at = (at + 1) % SLOT_COUNT;
	return &slots[at];
}

static void slots_fill(void)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		uint16_t *slot = slot_find(rows[i].name);

		if (!*slot)
			*slot = (uint16_t)(i + 1);
	}
}

uint32_t ptx_opcode_find(const char *name)
{
	uint16_t *slot;

	pthread_once(&slots_once, slots_fill);
	slot = slot_find(name);
	return *slot ? *slot - 1u : PTX_NO_OPCODE;
}

const struct ptx_opcode *ptx_opcode(uint32_t row)
{
	return &rows[row];
}
