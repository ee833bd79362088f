/* A parsed PTX module: what the text says, names resolved, opcodes not yet looked at. Owned by the module's arena. */
#ifndef PTX_AST_H
#define PTX_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

enum ptx_space {
	PTX_REGISTER,
	PTX_GLOBAL,
	PTX_CONST,
	PTX_SHARED,
	PTX_LOCAL,
	PTX_PARAM, /* a kernel's parameters, or those of a call: then they lie in the thread's local memory */
};

/* Variables that stand for a texture, sampler or surface: 8 bytes for what is bound to them. */
enum ptx_reference { PTX_NO_REFERENCE, PTX_TEXTURE_REFERENCE, PTX_SAMPLER_REFERENCE, PTX_SURFACE_REFERENCE };

struct ptx_function;

/* Who sees a name of module level: only PTX_INTERNAL ones may be the same in several units. */
enum ptx_linkage { PTX_INTERNAL, PTX_EXTERN, PTX_VISIBLE, PTX_WEAK, PTX_COMMON };

/* A symbol's address stored in an initialised variable. */
struct ptx_relocation {
	size_t offset; /* in the variable; 8 bytes there */
	struct ptx_variable *variable;
	struct ptx_function *function; /* one of the two */
	int64_t addend;
	struct ptx_relocation *next;
};

struct ptx_variable {
	const char *name;
	enum ptx_space space;
	size_t size; /* bytes; 0: extern [] */
	size_t align;
	size_t element; /* bytes of one element */
	bool is_extern;
	enum ptx_reference reference;
	enum ptx_linkage linkage;
	bool referenced;                    /* by an instruction or an initial value */
	struct ptx_variable *definition;    /* what stands for this declaration once linked; NULL: itself */
	const char *unit;                   /* that declares it; NULL: the only one */
	struct ptx_function *function;      /* the function it belongs to; NULL at module level */
	unsigned char *initial;             /* NULL: zeros */
	struct ptx_relocation *relocations; /* to be applied over `initial` */
	uint32_t reg;                       /* of a function's parameter or result declared .reg */
	bool in_register;                   /* it is one: the value lies in both places at the call */
	uint64_t address;                   /* .global, .const: device address, once loaded */
	size_t offset;      /* .param: in the parameter buffer; set by lowering for .local and .shared */
	const void *layout; /* the kernel that `offset` of a .shared variable belongs to */
	int line;
};

enum ptx_operand_kind {
	PTX_NONE,          /* _ */
	PTX_REG,           /* `reg` */
	PTX_IMMEDIATE,     /* `bits`, an integer */
	PTX_IMMEDIATE_F64, /* `bits` of a double */
	PTX_IMMEDIATE_F32, /* `bits` of a float */
	PTX_VARIABLE,      /* address of `variable` + `bits` */
	PTX_FUNCTION,      /* `function` */
	PTX_SPECIAL,       /* `name`: %tid.x … */
	PTX_NAME,          /* a label, resolved to `target` at the end of its scope */
	PTX_LIST,          /* {a, b}, (a, b) */
	PTX_ADDRESS,       /* [list[0] + bits, list[1] …] */
};

/* A label, or a list of labels or functions (.branchtargets …). */
struct ptx_label {
	const char *name;
	size_t at; /* index of the instruction it stands before */
	struct ptx_operand *targets;
	size_t target_count;
	bool is_list;
};

struct ptx_operand {
	enum ptx_operand_kind kind;
	bool negated;         /* !%p */
	bool negative;        /* -%r, of a register */
	bool is_half;         /* one of the two registers of 128 bits */
	const char *selector; /* h0 of %r.h0: parts of a register that a video instruction works on; NULL: none */
	uint32_t reg;
	uint64_t bits;
	const char *name;
	struct ptx_variable *variable;
	struct ptx_function *function;
	struct ptx_label *target;
	struct ptx_operand *list;
	size_t count;
	struct ptx_operand *second; /* the q of p|q */
};

struct ptx_instruction {
	const char *name; /* with all modifiers */
	bool guarded, guard_negated;
	uint32_t guard;
	struct ptx_operand *operands;
	size_t count;
	int line;
};

struct ptx_function {
	const char *name;
	bool is_kernel, has_body;
	enum ptx_linkage linkage;
	bool referenced;                 /* by an instruction or an initial value */
	bool address_taken;              /* so that a call through a pointer may reach it */
	struct ptx_function *definition; /* what stands for this declaration once linked; NULL: itself */
	const char *unit;                /* that declares it; NULL: the only one */
	size_t index;                    /* among the module's functions */
	struct ptx_variable **parameters, **results;
	size_t parameter_count, parameter_room, result_count, result_room;
	size_t parameter_bytes;
	uint8_t *registers; /* size in bytes of each; 0 is a predicate; 16 two registers, the other of 8 behind it */
	size_t register_count, register_room;
	struct ptx_instruction *code;
	size_t code_count, code_room;
	struct ptx_variable **locals; /* .local, and .param of calls */
	size_t local_count, local_room;
	unsigned max_threads; /* .maxntid or .reqntid; 0: none */
	unsigned cluster[3];  /* .reqnctapercluster; 0: none */
	int line;
};

struct ptx_module {
	struct ptx_arena arena;
	int version;      /* 10 * major + minor of .version */
	int target;       /* 75 for sm_75 */
	const char *unit; /* being parsed; NULL: there is only one */
	struct ptx_function **functions;
	size_t function_count, function_room;
	struct ptx_variable **variables; /* of module level and of functions' .global, .const */
	size_t variable_count, variable_room;
};

/* What a name stands for once the units are linked. */
static inline struct ptx_function *ptx_function_definition(struct ptx_function *function)
{
	while (function->definition)
		function = function->definition;
	return function;
}

static inline struct ptx_variable *ptx_variable_definition(struct ptx_variable *variable)
{
	while (variable->definition)
		variable = variable->definition;
	return variable;
}

#endif
