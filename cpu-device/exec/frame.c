/* Activations of functions, and the end of lanes. */
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define DEEPEST_CALLS 4096

static void constants_spread(const struct cpu_function *function, uint8_t *registers)
{
	*(uint32_t *)registers = CPU_ALL_LANES;
	for (size_t i = 0; i < function->constant_count; i++) {
		const struct cpu_constant *constant = &function->constants[i];
		uint64_t *wide = (uint64_t *)(registers + constant->offset);
		uint32_t *narrow = (uint32_t *)(registers + constant->offset);

		for (unsigned lane = 0; lane < CPU_LANES; lane++)
			if (constant->wide)
				wide[lane] = constant->bits;
			else
				narrow[lane] = (uint32_t)constant->bits;
	}
}

size_t cpu_frame_bytes(const struct cpu_function *function)
{
	size_t bytes = sizeof(struct cpu_frame) + function->frame_bytes;

	return (bytes + CPU_FRAME_ALIGN - 1) / CPU_FRAME_ALIGN * CPU_FRAME_ALIGN;
}

void cpu_frame_begin(struct cpu_frame *frame, const struct cpu_function *function, uint32_t lanes)
{
	memset(frame, 0, cpu_frame_bytes(function));
	frame->function = function;
	frame->lanes = lanes;
	frame->local_top = function->local_bytes;
	constants_spread(function, frame->registers);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Values in an activation's local memory. */
struct values {
	uint32_t base;
	const uint32_t *offsets, *sizes;
	size_t count;
};

/* Copies values between two activations, lane by lane. Where caller and callee do not agree about them, no more than
   both have. */
static void values_copy(struct cpu_warp *warp, uint32_t lanes, const struct values *to, const struct values *from)
{
	size_t count = smaller(to->count, from->count);

	for (; lanes; lanes &= lanes - 1) {
		uint8_t *stack = warp->stack + (size_t)__builtin_ctz(lanes) * warp->stack_bytes;

		for (size_t i = 0; i < count; i++)
			memcpy(stack + to->base + to->offsets[i], stack + from->base + from->offsets[i],
			       smaller(to->sizes[i], from->sizes[i]));
	}
}

static void frame_link(struct cpu_block *block, struct cpu_frame *frame)
{
	frame->next = block->frames;
	frame->link = &block->frames;
	if (frame->next)
		frame->next->link = &frame->next;
	block->frames = frame;
}

static void frame_free(struct cpu_frame *frame)
{
	*frame->link = frame->next;
	if (frame->next)
		frame->next->link = frame->link;
	free(frame);
}

void cpu_block_abandon(struct cpu_block *block)
{
	while (block->frames)
		frame_free(block->frames);
}

void cpu_frame_enter(struct cpu_warp *warp, const struct cpu_insn *insn, const struct cpu_call *call,
		     const struct cpu_function *callee, uint32_t lanes)
{
	struct cpu_frame *parent = warp->frame, *frame;
	uint32_t base = (parent->local_base + parent->local_top + 15) / 16 * 16;
	struct values arguments = {parent->local_base, call->arguments, call->argument_sizes, call->argument_count};
	struct values parameters = {base, callee->parameter_offsets, callee->parameter_sizes, callee->parameter_count};

	if (parent->depth >= DEEPEST_CALLS || base > warp->stack_bytes ||
	    warp->stack_bytes - base < callee->local_bytes) {
		cpu_fault(warp, insn, __builtin_ctz(lanes), CUDA_ERROR_LAUNCH_FAILED, "stack overflow in call of %s",
			  callee->name);
		return;
	}
	frame = aligned_alloc(CPU_FRAME_ALIGN, cpu_frame_bytes(callee));
	if (!frame) {
		cpu_fault(warp, insn, __builtin_ctz(lanes), CUDA_ERROR_OUT_OF_MEMORY, "out of host memory");
		return;
	}
	cpu_frame_begin(frame, callee, lanes);
	frame->parent = parent;
	frame_link(warp->block, frame);
	frame->return_to = insn + 1;
	frame->call = call;
	frame->local_base = base;
	frame->depth = parent->depth + 1;
	values_copy(warp, lanes, &parameters, &arguments);
	cpu_group_add(warp, callee->code, frame, lanes, CPU_READY, 0);
}

static void lanes_remove(struct cpu_frame *frame, uint32_t lanes)
{
	frame->lanes &= ~lanes;
	if (!frame->lanes && frame->parent)
		frame_free(frame);
}

void cpu_frame_leave(struct cpu_warp *warp, const struct cpu_insn *insn, uint32_t lanes)
{
	struct cpu_frame *frame = warp->frame;
	const struct cpu_function *function = frame->function;
	const struct cpu_call *call = frame->call;
	struct values given = {frame->local_base, function->result_offsets, function->result_sizes,
			       function->result_count};
	struct values wanted = {frame->parent->local_base, call->results, call->result_sizes, call->result_count};

	(void)insn;
	values_copy(warp, lanes, &wanted, &given);
	cpu_group_add(warp, frame->return_to, frame->parent, lanes, CPU_READY, 0);
	lanes_remove(frame, lanes);
}

void cpu_lanes_exit(struct cpu_warp *warp, uint32_t lanes)
{
	struct cpu_frame *frame = warp->frame;

	warp->live &= ~lanes;
	warp->block->live -= (uint32_t)__builtin_popcount(lanes);
	while (frame) {
		struct cpu_frame *parent = frame->parent;

		lanes_remove(frame, lanes);
		frame = parent;
	}
	/* Others may have been waiting for these lanes. */
	for (uint32_t i = 0; i < warp->group_count; i++)
		if (warp->groups[i].state == CPU_AT_SYNC)
			warp->groups[i].state = CPU_READY;
	cpu_barriers_check(warp->block);
	cpu_cluster_leave(warp, lanes);
}

/* No memory of user programs has such addresses, so a function cannot be mistaken for data. */
#define FUNCTION_BASE ((uint64_t)0xcafe << 48)

uint64_t cpu_function_address(size_t index)
{
	return FUNCTION_BASE + 16 * (uint64_t)index;
}

int64_t cpu_function_number(uint64_t address)
{
	uint64_t number = (address - FUNCTION_BASE) / 16;

	return address % 16 == 0 && number <= INT32_MAX ? (int64_t)number : -1;
}

const struct cpu_function *cpu_function_at(const struct cpu_program *program, uint64_t address)
{
	int64_t number = cpu_function_number(address);

	return number >= 0 && (uint64_t)number < program->function_count ? program->functions[number] : NULL;
}
