#include "lower.h"

#define REMEMBERED 8

/* Address registers of the block so far, and where their shapes are kept. */
struct known {
	uint32_t base[REMEMBERED], shape[REMEMBERED];
	unsigned next;
};

/* Which operand is the address, when the row takes one value per lane from global or shared memory; else -1. */
static int address_operand(const char *name)
{
	bool load = !strncmp(name, "ld@generic.", 11) || !strncmp(name, "ld@shared.", 10);
	bool store = !strncmp(name, "st@generic.", 11) || !strncmp(name, "st@shared.", 10);

	if ((!load && !store) || strstr(name, ".v"))
		return -1;
	return load ? 1 : 0;
}

static void forget(struct known *known, uint32_t reg)
{
	for (unsigned i = 0; i < REMEMBERED; i++)
		if (known->base[i] == reg)
			known->base[i] = PTX_NO_REG;
}

static void share(struct ptx_lowering *lowering, struct known *known, struct ptx_ir *ir, uint32_t base)
{
	for (unsigned i = 0; i < REMEMBERED; i++)
		if (known->base[i] == base) {
			ir->shape = known->shape[i];
			ir->shape_known = true;
			return;
		}
	ir->shape = ptx_temporary(lowering, 'p');
	known->base[known->next] = base;
	known->shape[known->next] = ir->shape;
	known->next = (known->next + 1) % REMEMBERED;
}

void ptx_shapes_share(struct ptx_lowering *lowering, const bool *leader)
{
	struct known known;

	for (size_t i = 0; i < lowering->code_count; i++) {
		struct ptx_ir *ir = &lowering->code[i];
		const struct ptx_opcode *opcode = ptx_opcode(ir->row);
		int address = address_operand(opcode->name);
		size_t destinations = strcspn(opcode->registers, "=");

		if (leader[i])
			memset(&known, 0xff, sizeof(known)), known.next = 0;
		if (address >= 0)
			share(lowering, &known, ir, ir->op[address]);
		for (size_t k = 0; k < destinations; k++)
			forget(&known, ir->op[k]);
		for (size_t k = 0; k < ir->list_written; k++)
			forget(&known, ir->list[k]);
	}
}
