/* The machine that executes lowered kernels: instructions, programs, warps, blocks.

   A register is 32 values side by side, one per lane (thread of the warp): 32 × 4 bytes for types of up to 32 bits,
   32 × 8 bytes for 64-bit types, and one 32-bit mask for a predicate. All registers of a function's activation lie in
   one frame; an instruction names them by their byte offsets in it. */
#ifndef CPU_MACHINE_H
#define CPU_MACHINE_H

#include <cuda.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../exec.h"
#include "children.h"

#define CPU_LANES 32
#define CPU_ALL_LANES UINT32_MAX
#define CPU_OPERANDS 6
#define CPU_BARRIERS 16
#define CPU_CLUSTER_BARRIER CPU_BARRIERS /* the number under which groups wait at the barrier of their cluster */
#define CPU_FRAME_ALIGN 64

struct cpu_insn;
struct cpu_warp;

/* Executes one instruction for the lanes of `mask` and returns the next one. Lanes that have exited or never existed
   may be in `mask`: harmless for registers, to be removed (warp->live) before touching memory or other lanes.
   To stop the warp's current group the function returns warp->limit after setting warp->stopped. */
typedef const struct cpu_insn *(*cpu_lane_fn)(struct cpu_warp *warp, const struct cpu_insn *insn, uint8_t *frame,
					      uint32_t mask);

struct cpu_insn {
	cpu_lane_fn run;
	uint32_t op[CPU_OPERANDS]; /* byte offsets of registers in the frame, destinations first */
	uint32_t guard;            /* offset of the guard predicate; 0 is the predicate that is always true */
	uint32_t guard_flip;       /* all ones for @!p */
	int64_t imm;               /* address offset, float flags, branch target's index … as the opcode needs it */
	uint32_t line;             /* of the PTX text */
	uint32_t aux;              /* memory: index of the span cache; else as the opcode needs it */
	const void *more;          /* what does not fit, as the opcode needs it (struct cpu_matrix …) */
};

/* A 4-byte or 8-byte constant that is spread over a register when a frame is made. */
struct cpu_constant {
	uint64_t bits;
	uint32_t offset;
	bool wide;
};

/* Where the caller keeps the arguments and wants the results: offsets in its local memory. */
struct cpu_call {
	const struct cpu_function *callee; /* NULL: through a register, or ... */
	const struct cpu_builtin *builtin; /* ... the machine's own */
	const uint32_t *arguments, *results;
	const uint32_t *argument_sizes, *result_sizes; /* bytes there */
	size_t argument_count, result_count;
};

struct cpu_function {
	const char *name;
	size_t index; /* in the module */
	struct cpu_insn *code;
	size_t code_count;
	uint32_t frame_bytes;
	uint32_t local_bytes; /* per lane: .local variables, parameters and arguments of calls */
	struct cpu_constant *constants;
	size_t constant_count;
	struct cpu_call *calls; /* insn->imm of call instructions */
	size_t call_count;
	uint32_t *targets; /* tables of brx.idx: insn->imm is the first, insn->aux the count */
	const uint32_t *parameter_offsets, *result_offsets; /* in local memory */
	const uint32_t *parameter_sizes, *result_sizes;
	size_t parameter_count, result_count;
};

/* A kernel lowered, with every function that it can reach. Immutable once made. */
struct cpu_program {
	struct cpu_function **functions; /* by module index; NULL when not reachable */
	size_t function_count;
	const struct cpu_function *entry;
	uint32_t shared_bytes;   /* static */
	uint32_t dynamic_offset; /* where .extern .shared begins */
	uint32_t stack_bytes;    /* local memory per lane, all frames */
	uint32_t spans;          /* memory instructions */
	int registers;
};

/* An activation of a function by a group of lanes. */
struct cpu_frame {
	struct cpu_frame *parent;
	struct cpu_frame *next, **link; /* in the block's list of activations made by calls */
	const struct cpu_function *function;
	const struct cpu_insn *return_to; /* in the parent */
	const struct cpu_call *call;      /* that made this frame */
	uint32_t local_base;              /* of its local memory in each lane's stack */
	uint32_t local_top;               /* bytes of it in use: the function's, and what alloca has added */
	uint32_t depth;
	uint32_t lanes; /* that have not returned */
	alignas(CPU_FRAME_ALIGN) uint8_t registers[];
};

enum cpu_group_state {
	CPU_READY,
	CPU_AT_BARRIER, /* `pc` is behind the barrier instruction */
	CPU_AT_SYNC,    /* `pc` is a warp-synchronous instruction that waits for more lanes */
};

/* Lanes of a warp that are at the same place. */
struct cpu_group {
	const struct cpu_insn *pc;
	struct cpu_frame *frame;
	uint32_t mask;
	uint8_t state;
	uint8_t barrier;
	uint32_t turn; /* when it last ran, for fairness */
};

struct cpu_warp {
	uint32_t live; /* lanes that exist and have not exited */
	/* Of the group that runs: */
	uint32_t active;
	uint32_t fuel;                /* backward branches until others get their turn */
	const struct cpu_insn *limit; /* where the next group waits; NULL when none does */
	const struct cpu_insn *floor; /* the last place behind us where a group waits; NULL when none does */
	struct cpu_frame *frame;
	bool stopped; /* the instruction has put its lanes into groups itself */
	bool forced;  /* warp-synchronous instructions do not wait: nothing else could run */
	bool starved; /* the last group ran out of fuel */

	uint32_t index;           /* in the block */
	uint32_t cluster_arrived; /* lanes that have arrived at the cluster's barrier, which is not complete */
	uint32_t turn;
	uint32_t group_count;
	struct cpu_group groups[CPU_LANES];
	struct cpu_block *block;
	struct cpu_span *spans; /* one per memory instruction: the allocation it last touched */
	uint8_t *shared;
	uint32_t shared_bytes;
	uint32_t stack_bytes;
	uint8_t *stack; /* CPU_LANES × stack_bytes */
	alignas(64) uint32_t tid[3][CPU_LANES];
};

struct cpu_barrier {
	uint32_t arrived;  /* threads */
	uint32_t slots;    /* the same, a whole warp counting as 32 though some of its threads do not exist */
	uint32_t expected; /* slots; 0: all threads that have not exited */
	uint32_t votes;    /* threads whose predicate was true (bar.red) */
};

struct cpu_job;

/* Blocks that are run together, by one thread at a time, and reach each other's shared memory: most often one block
   alone. */
struct cpu_cluster {
	struct cpu_job *job;
	struct cpu_block *blocks; /* by rank */
	uint32_t count, room;
	uint32_t live;            /* threads of all blocks that have not exited */
	uint32_t arrived;         /* of them, at the cluster's barrier */
	uint32_t next_block;      /* whose warps' turn it is */
	bool ran;                 /* a warp could go on since the first one's turn */
	unsigned worker;          /* number of its multiprocessor */
	uint64_t since;           /* the pool's: when it was first looked at; 0: not yet */
	struct cpu_cluster *next; /* the pool's: in a list of clusters set aside or of unused storage */
};

struct cpu_block {
	struct cpu_job *job;
	struct cpu_cluster *cluster;
	uint32_t rank; /* in the cluster */
	uint32_t ctaid[3];
	uint32_t live; /* threads that have not exited */
	struct cpu_barrier barriers[CPU_BARRIERS];
	struct cpu_warp *warps;
	uint32_t warp_count;
	uint8_t *shared;
	uint8_t *stacks;
	uint8_t *base_frames;
	struct cpu_span *spans;
	size_t shared_room, stack_room, frame_room;
	uint32_t warp_room, span_room;
	uint64_t grid_id;         /* whose storage this is */
	struct cpu_frame *frames; /* made by calls, and not yet ended */
	uint32_t next_warp;       /* whose turn it is */
};

/* The last error of the device runtime in one thread of the grid. */
struct cpu_thread_error {
	uint64_t thread;
	int error;
	struct cpu_thread_error *next;
};

/* A grid that runs. */
struct cpu_job {
	struct cpu_memory *memory;
	const struct cpu_launch *launch;
	const struct cpu_program *program;
	const char *kernel_name;
	uint64_t shared_window, local_window;
	uint64_t parameters; /* device address of the copy of the parameters */
	uint32_t threads;    /* per block */
	uint32_t width;      /* lanes that each warp uses */
	uint64_t clusters;
	unsigned cluster[3];   /* blocks of a cluster in each direction */
	bool in_clusters;      /* the launch or the kernel says so */
	uint32_t shared_bytes; /* static + dynamic */
	uint64_t grid_id;
	_Atomic uint64_t next_cluster;
	_Atomic int fault; /* CUresult of the first fault */
	struct cpu_text fault_text;
	pthread_mutex_t lock;         /* guards what follows */
	struct cpu_release *releases; /* of free() in kernels, done when the grid has ended */
	uint64_t workspace;           /* for grid-wide barriers: device address, 0 when not cooperative */
	struct cpu_thread_error *errors;
	struct cpu_children children;
	bool printed;
	uint32_t fuel; /* backward jumps until a group gives way */

	/* The pool's, from here on. Set before the job is given to it: */
	unsigned most_workers;
	unsigned resident;               /* clusters that may be in progress at a time */
	void (*ended)(struct cpu_job *); /* of a job that nobody waits for: called once, by any thread */
	/* Guarded by its lock: */
	struct cpu_job *next, **link;
	struct cpu_cluster *parked, **parked_end; /* clusters set aside, the longest first */
	_Atomic uint32_t parked_count;
	unsigned workers; /* that run its clusters */
	uint64_t served;  /* the turn in which a worker came last */
	uint64_t began;   /* CLOCK_MONOTONIC, when the launch has a limit of time */
	pthread_cond_t wake;
	bool waiting; /* its own thread sleeps on `wake` */
	_Atomic bool done;
	_Atomic bool impatient; /* its clusters run for so long that they may wait for one that has not begun */
};

/* Ends the grid with `error`; the first fault counts and its description is kept. Returns warp->limit, for lane
   functions to return. `lane` < 0: not one lane's fault. */
const struct cpu_insn *cpu_fault(struct cpu_warp *warp, const struct cpu_insn *insn, int lane, CUresult error,
				 const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Puts lanes at a place to go on from; joins a group that waits there. */
void cpu_group_add(struct cpu_warp *warp, const struct cpu_insn *pc, struct cpu_frame *frame, uint32_t mask,
		   enum cpu_group_state state, unsigned barrier);

/* Where lane `lane` finds the `size` bytes at an address; NULL after a fault. Generic addresses reach global, shared
   and local memory and renew the instruction's span, of which an instruction that writes needs one that the device may
   write to; the others count from the start of their space. */
void *cpu_resolve_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			  uint32_t size);
void *cpu_resolve_generic_write(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
				uint32_t size);
void *cpu_resolve_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
			 uint32_t size);
void *cpu_resolve_local(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
			uint32_t size);
/* The same for `size` bytes of any number at a multiple of `align`. */
void *cpu_range_generic(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			uint32_t size, uint32_t align);
void *cpu_range_generic_write(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
			      uint32_t size, uint32_t align);
void *cpu_range_shared(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t address,
		       uint32_t size, uint32_t align);
/* A generic address that must be of shared memory, of any block of the cluster. */
void *cpu_range_block(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address,
		      uint32_t size, uint32_t align);

/* Addresses of shared memory, seen from a warp: which block's memory it is, and the address of the same place in
   another block's. The second takes and gives generic addresses; what is no address of shared memory becomes 0. */
uint32_t cpu_cluster_rank(const struct cpu_warp *warp, uint32_t address);
uint32_t cpu_cluster_shared(const struct cpu_warp *warp, uint32_t address, uint32_t rank);
uint64_t cpu_cluster_address(const struct cpu_warp *warp, uint64_t address, uint32_t rank);

/* Bytes of an activation, and making one: registers zero but for the constants. */
size_t cpu_frame_bytes(const struct cpu_function *function);
void cpu_frame_begin(struct cpu_frame *frame, const struct cpu_function *function, uint32_t lanes);

/* Begins an activation of `callee` for the lanes, which go on behind `insn` when it returns. */
void cpu_frame_enter(struct cpu_warp *warp, const struct cpu_insn *insn, const struct cpu_call *call,
		     const struct cpu_function *callee, uint32_t lanes);
/* Ends the activation for the lanes; in a kernel's own frame that is their exit. */
void cpu_frame_leave(struct cpu_warp *warp, const struct cpu_insn *insn, uint32_t lanes);
/* The lanes end. */
void cpu_lanes_exit(struct cpu_warp *warp, uint32_t lanes);

enum cpu_reduction { CPU_REDUCE_NONE, CPU_REDUCE_POPC, CPU_REDUCE_AND, CPU_REDUCE_OR };
/* The lanes arrive at a barrier of the block; `waiting` ones stop there. `votes` counts those whose predicate is true.
   False after a fault. */
bool cpu_barrier_arrive(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint32_t barrier,
			uint32_t threads, uint32_t lanes, uint32_t votes, bool waiting);

/* Functions that CUDA gives kernels. Each works for one lane; false or 0 after a fault. */
bool cpu_device_printf(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t format,
		       uint64_t arguments, uint32_t *result);
uint64_t cpu_device_malloc(struct cpu_warp *warp, uint64_t size);
bool cpu_device_free(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address);
void cpu_device_assert(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t message,
		       uint64_t file, uint32_t line, uint64_t function);

/* Can a grid have this shape? Its shared memory is checked when it runs. */
bool cpu_launch_valid(const struct cpu_launch *launch);

/* The kernel of the same module at an address as kernels see it; NULL when there is none. */
struct cpu_kernel *cpu_kernel_sibling(const struct cpu_kernel *kernel, uint64_t address);

/* Reads an attribute of the device; false when there is none of that number. */
bool cpu_exec_attribute(int attribute, int *value);

/* Where in its local memory lane `lane` of the running group keeps what is at `offset` in the frame. */
static inline uint8_t *cpu_local_at(const struct cpu_warp *warp, unsigned lane, uint32_t offset)
{
	return warp->stack + (size_t)lane * warp->stack_bytes + warp->frame->local_base + offset;
}

/* The address of a function as kernels see it, and back; NULL when the address is none of the program's. */
uint64_t cpu_function_address(size_t index);
/* Number of the function at an address; -1 when it is none. */
int64_t cpu_function_number(uint64_t address);
const struct cpu_function *cpu_function_at(const struct cpu_program *program, uint64_t address);

/* Looks whether barriers are complete now that threads have exited. */
void cpu_barriers_check(struct cpu_block *block);
/* Groups that have come to the same place become one. */
void cpu_groups_merge(struct cpu_warp *warp);

/* Lanes arrive at the barrier of the cluster, where nobody waits yet. False after a fault. */
bool cpu_cluster_arrive(struct cpu_warp *warp, const struct cpu_insn *insn, uint32_t lanes);
/* Lanes have exited. */
void cpu_cluster_leave(struct cpu_warp *warp, uint32_t lanes);

/* Makes `cluster` the job's cluster number `number`. Keeps what it has allocated before. False: out of host memory. */
bool cpu_cluster_begin(struct cpu_cluster *cluster, struct cpu_job *job, uint64_t number);
/* Gives warps a turn, up to the last one or the first that wants to go on for longer than its turn. False when all
   blocks have ended, or the job has a fault. Any thread may take the next step. */
bool cpu_cluster_step(struct cpu_cluster *cluster);
/* After a fault: drops the activations that are left. */
void cpu_cluster_abandon(struct cpu_cluster *cluster);
/* Frees what the cluster has allocated. */
void cpu_cluster_free(struct cpu_cluster *cluster);

/* Drops the activations of functions that are left in a block. */
void cpu_block_abandon(struct cpu_block *block);

/* Lane functions by row of opcodes.def, for the best instruction set of this processor. */
const cpu_lane_fn *cpu_lane_functions(void);

/* Those of each instruction set that this build has and this processor runs, with its name; NULL after the last. */
const cpu_lane_fn *cpu_lane_copy(unsigned index, const char **name);

#endif
