/* The table of operations, opcodes.def, as data. */
#ifndef PTX_OPCODES_H
#define PTX_OPCODES_H

#include <stddef.h>
#include <stdint.h>

struct ptx_opcode {
	const char *name;
	const char *registers; /* classes of destinations, '=', classes of sources: "w=ww" */
};

#define PTX_NO_OPCODE UINT32_MAX

/* Index of the row called `name`, PTX_NO_OPCODE when there is none. Any thread. */
uint32_t ptx_opcode_find(const char *name);
const struct ptx_opcode *ptx_opcode(uint32_t row);

#endif
