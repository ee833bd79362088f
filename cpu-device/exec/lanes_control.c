/* Branches, calls, the end of threads, barriers, traps, and the functions that CUDA provides. */
#include <string.h>

#include "builtin.h"
#include "lanes.h"

/* Stops the group after its lanes have been put where they go on. */
static const struct cpu_insn *stop(struct cpu_warp *warp)
{
	warp->stopped = true;
	return warp->limit;
}

/* Lanes of the group that an instruction's guard leaves out go on behind it. */
static void others_go_on(struct cpu_warp *warp, const struct cpu_insn *insn, u32 lanes)
{
	u32 others = warp->active & ~lanes;

	if (others)
		cpu_group_add(warp, insn + 1, warp->frame, others, CPU_READY, 0);
}

/* A jump of the whole group. It stops where another group might be passed by or starve. */
static inline const struct cpu_insn *jump(struct cpu_warp *warp, const struct cpu_insn *insn,
					  const struct cpu_insn *target)
{
	bool back = target <= insn;

	if (back && --warp->fuel == 0)
		warp->starved = true;
	else if (!(back && warp->floor && target <= warp->floor) && !(warp->limit && target > warp->limit))
		return target;
	cpu_group_add(warp, target, warp->frame, warp->active, CPU_READY, 0);
	return stop(warp);
}

LANE_FN(bra)
{
	const struct cpu_insn *target = (const struct cpu_insn *)(intptr_t)insn->imm;
	const u32 taken = mask & warp->active;

	(void)frame;
	if (taken == warp->active)
		return jump(warp, insn, target);
	if (!taken)
		return insn + 1;
	if (target <= insn && --warp->fuel == 0)
		warp->starved = true;
	cpu_group_add(warp, target, warp->frame, taken, CPU_READY, 0);
	others_go_on(warp, insn, taken);
	return stop(warp);
}

/* insn->imm: first of insn->aux entries in the function's table of targets. Every jump counts as a backward one. */
LANE_FN(brx)
{
	const struct cpu_function *function = warp->frame->function;
	const u32 *index = REGISTER(u32, 0);
	const u32 lanes = mask & warp->active;

	EACH_LANE(i, lanes)
	{
		if (index[i] >= insn->aux)
			return cpu_fault(warp, insn, (int)i, CUDA_ERROR_ILLEGAL_INSTRUCTION,
					 "brx.idx to entry %u of %u", index[i], insn->aux);
		cpu_group_add(warp, function->code + function->targets[insn->imm + index[i]], warp->frame, 1u << i,
			      CPU_READY, 0);
	}
	if (lanes && --warp->fuel == 0)
		warp->starved = true;
	others_go_on(warp, insn, lanes);
	return stop(warp);
}

LANE_FN(call)
{
	const struct cpu_call *call = &warp->frame->function->calls[insn->imm];
	const u32 lanes = mask & warp->active;

	(void)frame;
	if (!lanes)
		return insn + 1;
	others_go_on(warp, insn, lanes);
	warp->stopped = true;
	cpu_frame_enter(warp, insn, call, call->callee, lanes);
	return warp->limit;
}

/* Lanes that call the same function go together; the others execute this instruction again. */
LANE_FN(call_indirect)
{
	const struct cpu_call *call = &warp->frame->function->calls[insn->imm];
	const u64 *address = REGISTER(u64, 0);
	const u32 lanes = mask & warp->active;
	const struct cpu_function *callee;
	u32 same = 0;

	if (!lanes)
		return insn + 1;
	EACH_LANE(i, lanes) same |= (u32)(address[i] == address[__builtin_ctz(lanes)]) << i;
	callee = cpu_function_at(warp->block->job->program, address[__builtin_ctz(lanes)]);
	if (!callee)
		return cpu_fault(warp, insn, __builtin_ctz(lanes), CUDA_ERROR_ILLEGAL_INSTRUCTION,
				 "call of 0x%llx, which is no function",
				 (unsigned long long)address[__builtin_ctz(lanes)]);
	if (warp->active & ~same)
		cpu_group_add(warp, lanes & ~same ? insn : insn + 1, warp->frame, warp->active & ~same, CPU_READY, 0);
	warp->stopped = true;
	cpu_frame_enter(warp, insn, call, callee, same);
	return warp->limit;
}

LANE_FN(ret)
{
	const u32 lanes = mask & warp->active;

	(void)frame;
	if (!lanes)
		return insn + 1;
	others_go_on(warp, insn, lanes);
	cpu_frame_leave(warp, insn, lanes);
	return stop(warp);
}

LANE_FN(exit)
{
	const u32 lanes = mask & warp->active;

	(void)frame;
	if (!lanes)
		return insn + 1;
	others_go_on(warp, insn, lanes);
	cpu_lanes_exit(warp, lanes);
	return stop(warp);
}

LANE_FN(trap)
{
	(void)frame;
	mask &= warp->active;
	return mask ? cpu_fault(warp, insn, __builtin_ctz(mask), CUDA_ERROR_LAUNCH_FAILED, "trap") : insn + 1;
}

LANE_FN(brkpt)
{
	(void)frame;
	mask &= warp->active;
	return mask ? cpu_fault(warp, insn, __builtin_ctz(mask), CUDA_ERROR_LAUNCH_FAILED, "brkpt") : insn + 1;
}

LANE_FN(fence)
{
	UNUSED_LANE_ARGUMENTS;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return insn + 1;
}

/* Time is not waited for; everybody else gets a turn. */
LANE_FN(nanosleep)
{
	UNUSED_LANE_ARGUMENTS;
	warp->starved = true;
	cpu_group_add(warp, insn + 1, warp->frame, warp->active, CPU_READY, 0);
	return stop(warp);
}

/* The barrier's number and thread count are the same in all lanes. insn->aux: the reduction, whose operands come one
   later because the result is first. */
static const struct cpu_insn *barrier(struct cpu_warp *warp, const struct cpu_insn *insn, uint8_t *frame, u32 mask,
				      bool waiting)
{
	const unsigned first = insn->aux != CPU_REDUCE_NONE;
	const u32 lanes = mask & warp->active;
	const unsigned lane = lanes ? __builtin_ctz(lanes) : 0;
	u32 votes = 0;

	if (!lanes)
		return insn + 1;
	if (first)
		votes = __builtin_popcount(PREDICATE(3) & lanes);
	others_go_on(warp, insn, lanes);
	warp->stopped = true;
	cpu_barrier_arrive(warp, insn, lane, REGISTER(u32, first)[lane], REGISTER(u32, first + 1)[lane], lanes, votes,
			   waiting);
	return warp->limit;
}

LANE_FN(barrier_sync)
{
	return barrier(warp, insn, frame, mask, true);
}

LANE_FN(barrier_arrive)
{
	return barrier(warp, insn, frame, mask, false);
}

LANE_FN(device_vprintf)
{
	const u64 *format = REGISTER(u64, 1), *arguments = REGISTER(u64, 2);
	u32 *result = REGISTER(u32, 0);

	EACH_LANE(i, mask & warp->live)
	if (!cpu_device_printf(warp, insn, i, format[i], arguments[i], &result[i]))
		return warp->limit;
	return insn + 1;
}

LANE_FN(device_malloc)
{
	const u64 *size = REGISTER(u64, 1);
	u64 *result = REGISTER(u64, 0);

	EACH_LANE(i, mask & warp->live) result[i] = cpu_device_malloc(warp, size[i]);
	return insn + 1;
}

LANE_FN(device_free)
{
	const u64 *address = REGISTER(u64, 0);

	EACH_LANE(i, mask & warp->live)
	if (!cpu_device_free(warp, insn, i, address[i]))
		return warp->limit;
	return insn + 1;
}

/* Functions of the device runtime: arguments and results are in local memory, as for any call. */
LANE_FN(device_call)
{
	const struct cpu_call *call = &warp->frame->function->calls[insn->imm];
	struct cpu_builtin_call one = {.warp = warp, .insn = insn};

	(void)frame;
	EACH_LANE(i, mask & warp->active & warp->live)
	{
		u64 result;

		one.lane = i;
		for (size_t a = 0; a < call->argument_count; a++)
			one.arguments[a] = cpu_local_at(warp, i, call->arguments[a]);
		result = call->builtin->run(&one);
		if (warp->stopped)
			return warp->limit;
		if (call->result_count)
			memcpy(cpu_local_at(warp, i, call->results[0]), &result, call->builtin->pointer ? 8 : 4);
	}
	return insn + 1;
}

LANE_FN(device_assertfail)
{
	const u64 *message = REGISTER(u64, 0), *file = REGISTER(u64, 1), *function = REGISTER(u64, 3);
	const u32 *line = REGISTER(u32, 2);

	EACH_LANE(i, mask & warp->live)
	{
		cpu_device_assert(warp, insn, i, message[i], file[i], line[i], function[i]);
		return warp->limit;
	}
	return insn + 1;
}

/* insn->imm: the alignment. Each lane gets memory of its own stack, at the same place in all. */
LANE_FN(alloca)
{
	struct cpu_frame *activation = warp->frame;
	const u64 *size = REGISTER(u64, 1), align = (u64)insn->imm, top = activation->local_top;
	const u64 at = (activation->local_base + top + align - 1) / align * align;
	u64 largest = 0;

	mask &= warp->live;
	EACH_LANE(i, mask) largest = size[i] > largest ? size[i] : largest;
	if (at > warp->stack_bytes || warp->stack_bytes - at < largest)
		return cpu_fault(warp, insn, -1, CUDA_ERROR_LAUNCH_FAILED, "stack overflow in alloca");
	if (mask)
		activation->local_top = (u32)(at + largest) - activation->local_base;
	LANES(u64, at);
	return insn + 1;
}

/* The top of the stack is common to the lanes of an activation: only all of them together lower it again. */
LANE_FN(stacksave)
{
	const u64 top = warp->frame->local_base + warp->frame->local_top;

	LANES(u64, top);
	return insn + 1;
}

LANE_FN(stackrestore)
{
	struct cpu_frame *activation = warp->frame;
	const u64 *saved = REGISTER(u64, 0);
	u64 top = 0;

	mask &= warp->active & warp->live;
	if (mask != (activation->lanes & warp->live))
		return insn + 1;
	EACH_LANE(i, mask) top = saved[i] > top ? saved[i] : top;
	top -= activation->local_base;
	if (top >= activation->function->local_bytes && top <= activation->local_top)
		activation->local_top = (u32)top;
	return insn + 1;
}
