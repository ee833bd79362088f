/* Names of a PTX module while it is parsed: nested scopes, each hiding the names outside. */
#ifndef PTX_SCOPE_H
#define PTX_SCOPE_H

#include "ast.h"

enum ptx_symbol_kind { PTX_SYMBOL_REGISTERS, PTX_SYMBOL_VARIABLE, PTX_SYMBOL_FUNCTION, PTX_SYMBOL_LABEL };

struct ptx_symbol {
	enum ptx_symbol_kind kind;
	const char *name;
	size_t length;
	uint32_t reg;    /* first of the range */
	uint32_t stride; /* registers that each name stands for: 2 of 128 bits, more of vectors */
	bool is_vector;
	uint32_t count; /* of the range `%r<N>`, whose members are named %r0 …; 0: one register of this very name */
	struct ptx_variable *variable;
	struct ptx_function *function;
	struct ptx_label *label;
	struct ptx_symbol *next_in_bucket, *next_in_scope;
};

/* A label used before it is known. */
struct ptx_pending {
	struct ptx_label *label; /* filled in when the scope that defines the name ends */
	int line;
	struct ptx_pending *next;
};

#define PTX_BUCKETS 4096
#define PTX_SCOPES 64

struct ptx_scopes {
	struct ptx_arena *arena;
	struct ptx_symbol *buckets[PTX_BUCKETS];
	struct ptx_symbol *symbols[PTX_SCOPES]; /* of each open scope */
	struct ptx_pending *pending[PTX_SCOPES];
	int depth; /* 0: the module */
};

/* Hash of a name. */
uint32_t ptx_name_hash(const char *name, size_t length);

/* Opens a scope; escapes with INVALID_PTX when they nest too deeply. */
void ptx_scope_push(struct ptx_scopes *scopes, int line);

/* Closes a scope: binds the labels used in it that it defines, hands the others to the scope outside. Escapes when
   the scope is a function's outermost and labels remain unknown. */
void ptx_scope_pop(struct ptx_scopes *scopes);

/* Adds a name to the innermost scope. */
struct ptx_symbol *ptx_scope_add(struct ptx_scopes *scopes, enum ptx_symbol_kind kind, const char *name);

/* Innermost meaning of a name, NULL when it has none. A member of a register range is not found here. */
struct ptx_symbol *ptx_scope_find(const struct ptx_scopes *scopes, const char *name, size_t length);

/* The register called `name`, alone or in a range, and the symbol that declares it; NULL when there is none. */
const struct ptx_symbol *ptx_scope_register(const struct ptx_scopes *scopes, const char *name, size_t length,
					    uint32_t *reg);

/* A label to be bound when its scope ends. */
struct ptx_label *ptx_scope_label(struct ptx_scopes *scopes, const char *name, size_t length, int line);

#endif
