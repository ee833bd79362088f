/* Any text as PTX: one unit, or several separated by a NUL, parsed, linked, placed, and every kernel lowered. */
#include <stdlib.h>
#include <string.h>

#include "exec/machine.h"

#define UNITS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing is executed. */
static const struct cpu_insn *never(struct cpu_warp *warp, const struct cpu_insn *insn, uint8_t *frame, uint32_t mask)
{
	(void)warp, (void)insn, (void)frame, (void)mask;
	abort();
}

static cpu_lane_fn lanes[65536];

const cpu_lane_fn *cpu_lane_functions(void)
{
	if (!lanes[0])
		for (size_t i = 0; i < sizeof(lanes) / sizeof(*lanes); i++)
			lanes[i] = never;
	return lanes;
}

static size_t units_find(const uint8_t *data, size_t size, struct cpu_unit *units)
{
	size_t count = 0;

	while (size && count < UNITS_MAX) {
		const uint8_t *end = count + 1 < UNITS_MAX ? memchr(data, 0, size) : NULL;
		size_t length = end ? (size_t)(end - data) : size;

		units[count++] = (struct cpu_unit){.text = (const char *)data, .length = length};
		length += end != NULL;
		data += length;
		size -= length;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cpu_memory *memory;
	struct cpu_unit units[UNITS_MAX];
	struct cpu_module *module;
	char log[200];
	size_t count = units_find(data, size, units);

	if (!memory) {
		memory = cpu_memory_create((size_t)1 << 20);
		cpu_exec_set_target(90);
	}
	if (!memory || !count || cpu_module_link(units, count, memory, (struct cpu_text){log, sizeof(log)}, &module))
		return 0;
	for (size_t i = 0; i < cpu_module_kernel_count(module); i++) {
		struct cpu_kernel *kernel = cpu_module_kernel(module, i);
		struct cpu_kernel_info info;

		if (cpu_kernel_prepare(kernel, (struct cpu_text){log, sizeof(log)}) == CUDA_SUCCESS &&
		    cpu_kernel_info(kernel, &info) != CUDA_SUCCESS)
			abort();
	}
	cpu_module_unload(module);
	return 0;
}
