/* From a parsed kernel to a program for the machine; and what lowering's files share. */
#ifndef PTX_LOWER_H
#define PTX_LOWER_H

#include "../exec/machine.h"
#include "ast.h"
#include "opcodes.h"

/* Lowers `kernel` and every function it can reach. Everything is allocated in `arena`, whose log receives the reason
   of a failure with its line: CUDA_ERROR_INVALID_PTX, _OUT_OF_MEMORY. */
CUresult ptx_lower(struct ptx_arena *arena, const struct ptx_module *module, struct ptx_function *kernel,
		   struct cpu_program **program);

/* An instruction whose operands are still virtual registers. */
struct ptx_ir {
	uint32_t row;
	uint32_t op[CPU_OPERANDS];
	uint32_t guard;   /* PTX_NO_REG: none */
	uint32_t shape;   /* memory: where the addresses' shape is kept; PTX_NO_REG: nowhere */
	bool shape_known; /* an instruction before has found it */
	bool guard_flip;
	bool has_target; /* `imm` is the index of an instruction of the parsed function */
	int64_t imm;
	uint32_t aux;
	const void *more;
	/* Registers besides `op`, of which the first list_written are destinations. Encoding replaces each by its
	   offset in the frame, so the array must live as long as the program. */
	uint32_t *list;
	uint32_t list_count, list_written;
	int line;
};

#define PTX_NO_REG UINT32_MAX

/* A register that lowering adds and that holds the same value for ever. */
struct ptx_constant {
	uint64_t bits;
	uint32_t reg;
	bool wide;
	struct ptx_constant *next;
};

#define PTX_CONSTANT_BUCKETS 256

/* The lowering of one function. */
struct ptx_lowering {
	struct ptx_arena *arena; /* freed after lowering */
	struct ptx_arena *keep;  /* the program's */
	const struct ptx_module *module;
	struct cpu_program *program;
	struct ptx_function *ast;
	struct cpu_function *function;
	const struct ptx_instruction *at; /* being lowered */

	char *classes; /* of each virtual register: 'p', 'w', 'l'; 128 bits are two of the last */
	size_t reg_count, reg_room;
	struct ptx_ir *code;
	size_t code_count, code_room;
	uint32_t *starts; /* index in `code` of each parsed instruction, and of the end */
	struct ptx_constant *constants[PTX_CONSTANT_BUCKETS];
	size_t constant_count;
	uint32_t carry; /* the CC register, PTX_NO_REG until used */
	size_t call_room, target_count, target_room;
	uint32_t local_bytes;
};

/* Leaves with CUDA_ERROR_INVALID_PTX and the instruction's line. */
_Noreturn void ptx_invalid(struct ptx_lowering *lowering, const char *why);

/* A new register of the class. */
uint32_t ptx_temporary(struct ptx_lowering *lowering, char class);
/* A register that holds `bits` in every lane. */
uint32_t ptx_constant(struct ptx_lowering *lowering, uint64_t bits, bool wide);
/* Adds an instruction called `row` (of opcodes.def) guarded as the parsed one is. Its operands are to be filled in
   before the next is added. */
struct ptx_ir *ptx_emit(struct ptx_lowering *lowering, const char *row);
/* ptx_emit with one destination and up to two sources (PTX_NO_REG: absent). */
struct ptx_ir *ptx_emit2(struct ptx_lowering *lowering, const char *row, uint32_t d, uint32_t a, uint32_t b);

/* The modifiers of the instruction being lowered: ".rn" … */
bool ptx_has(const struct ptx_lowering *lowering, const char *modifier);
/* The opcode up to its first modifier. */
bool ptx_is_opcode(const struct ptx_lowering *lowering, const char *opcode);
/* The n-th last type modifier (0: the last), without its dot; escapes when there is none. */
const char *ptx_type(struct ptx_lowering *lowering, unsigned from_last);
const struct ptx_operand *ptx_operand(struct ptx_lowering *lowering, size_t index);

/* A source operand as a register of class `class`; immediates are converted to `type` ("f32" …). A register of 64
   bits where 32 are asked for is narrowed, and widened (by the type's sign) the other way, when `any_width`. */
uint32_t ptx_source(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class, const char *type,
		    bool any_width);
/* A destination: the register itself or, for '_' , one that nobody reads. */
uint32_t ptx_destination(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class);
/* The two registers of a 128-bit operand, the lower half first; new ones for '_'. */
void ptx_halves(struct ptx_lowering *lowering, const struct ptx_operand *operand, uint32_t halves[2]);
/* For a destination that may be wider than the type: the register to compute into; ptx_widen then fills the real one.
 */
uint32_t ptx_narrow_destination(struct ptx_lowering *lowering, const struct ptx_operand *operand, char class);
void ptx_widen(struct ptx_lowering *lowering, const struct ptx_operand *operand, uint32_t computed, const char *type);
/* The address of a variable or function in its space, as a 64-bit register. */
uint32_t ptx_symbol_address(struct ptx_lowering *lowering, const struct ptx_operand *operand);
/* The class of registers that hold the type: 'p', 'w', 'l'. */
char ptx_class(struct ptx_lowering *lowering, const char *type);
/* Room for a variable in the function's local memory, made when first asked for. */
uint32_t ptx_local_offset(struct ptx_lowering *lowering, struct ptx_variable *variable);

/* Where a memory operand lies. */
struct ptx_place {
	enum ptx_space space; /* PTX_GLOBAL also for generic and constant addresses */
	const char *row;      /* its name in opcodes.def: "generic", "shared", "local" */
	uint32_t reg;
	int64_t offset;
	bool in_frame; /* local, counted from the function's frame */
};

/* [%rd1+8], [symbol+8], [16] in the space that the modifiers name; not a kernel's own parameters. */
struct ptx_place ptx_place_find(struct ptx_lowering *lowering, const struct ptx_operand *address);
/* The same in a space of the caller's choice. */
struct ptx_place ptx_place_in(struct ptx_lowering *lowering, const struct ptx_operand *address, enum ptx_space space);
/* A register with the generic address of a place in global (or generic) or shared memory. */
uint32_t ptx_generic_address(struct ptx_lowering *lowering, const struct ptx_operand *address, enum ptx_space space);
/* Sets imm and aux of the instruction that accesses the place. */
void ptx_place_apply(struct ptx_lowering *lowering, struct ptx_ir *ir, const struct ptx_place *place);

/* Is the type one of floats, packed or not? */
bool ptx_is_float(const char *type);
/* Loads a variable of the function's local memory into a register, or stores it there: 1, 2, 4 or 8 bytes. */
void ptx_load_variable(struct ptx_lowering *lowering, struct ptx_variable *variable, uint32_t reg);
void ptx_store_variable(struct ptx_lowering *lowering, struct ptx_variable *variable, uint32_t reg);
/* The end of the function, its results in place. */
void ptx_lower_return(struct ptx_lowering *lowering);

/* Families of instructions; each returns false when the opcode is not of its family. */
bool ptx_lower_memory(struct ptx_lowering *lowering);
bool ptx_lower_control(struct ptx_lowering *lowering);
bool ptx_lower_special(struct ptx_lowering *lowering);
/* mov; called by ptx_lower_special. */
void ptx_lower_move(struct ptx_lowering *lowering);
bool ptx_lower_convert(struct ptx_lowering *lowering);
bool ptx_lower_video(struct ptx_lowering *lowering);
bool ptx_lower_matrix(struct ptx_lowering *lowering);
bool ptx_lower_texture(struct ptx_lowering *lowering);
bool ptx_lower_async(struct ptx_lowering *lowering);
bool ptx_lower_mbarrier(struct ptx_lowering *lowering);
bool ptx_lower_order(struct ptx_lowering *lowering);
bool ptx_lower_cluster(struct ptx_lowering *lowering);
/* Everything whose operands are just registers, as opcodes.def says; escapes when the opcode is unknown. */
void ptx_lower_plain(struct ptx_lowering *lowering);

/* Lets loads and stores with the same address register share what the first finds out about it (shapes.c): see
   exec/lanes_memory.h. */
void ptx_shapes_share(struct ptx_lowering *lowering, const bool *leader);

/* Is the function called `name` provided by the machine? */
bool ptx_is_builtin(const char *name);

/* Chooses a place in the frame for each register (allocate.c) and encodes the function. Sets frame_bytes, constants,
   code; returns the 32-bit registers in use. */
int ptx_allocate(struct ptx_lowering *lowering);

#endif
