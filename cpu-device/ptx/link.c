#include "link.h"

#include "lower.h"
#include "scope.h"

/* What a name means in all units. */
struct meaning {
	const char *name;
	struct ptx_function *function;
	struct ptx_variable *variable; /* one of the two */
};

struct linker {
	struct ptx_arena *arena;
	struct meaning *table; /* open addressing; `size` is a power of two and at most half full */
	size_t size;
	CUresult error; /* of names that do not fit together */
};

/* The place of `name` in the table: its own or the empty one where it belongs. */
static struct meaning *meaning_find(const struct linker *linker, const char *name)
{
	size_t at = ptx_name_hash(name, strlen(name));

	for (;; at++) {
		struct meaning *meaning = &linker->table[at & (linker->size - 1)];

		if (!meaning->name || !strcmp(meaning->name, name))
			return meaning;
	}
}

static const char *unit_name(const char *unit)
{
	return unit ? unit : "<ptx>";
}

_Noreturn static void defined_twice(struct linker *linker, const char *name, const char *unit, const char *first)
{
	ptx_escape(linker->arena, linker->error, 0, "Multiple definition of '%s' in '%s', first defined in '%s'", name,
		   unit_name(unit), unit_name(first));
}

static bool is_exported(enum ptx_linkage linkage)
{
	return linkage == PTX_VISIBLE || linkage == PTX_WEAK || linkage == PTX_COMMON;
}

/* Enters a function's definition; one that gives way to another is bound to it. */
static void function_enter(struct linker *linker, struct ptx_function *function)
{
	struct meaning *meaning = meaning_find(linker, function->name);
	struct ptx_function *old = meaning->function;

	if (meaning->name && (!old || old->is_kernel != function->is_kernel))
		defined_twice(linker, function->name, function->unit, old ? old->unit : meaning->variable->unit);
	if (!old) {
		*meaning = (struct meaning){.name = function->name, .function = function};
	} else if (function->linkage == PTX_WEAK) {
		function->definition = old;
	} else if (old->linkage == PTX_WEAK) {
		old->definition = function;
		meaning->function = function;
	} else {
		defined_twice(linker, function->name, function->unit, old->unit);
	}
}

static void same_space(struct linker *linker, const struct ptx_variable *variable, const struct ptx_variable *old)
{
	if (variable->space != old->space)
		ptx_escape(linker->arena, linker->error, 0,
			   "Memory space doesn't match for '%s' in '%s', first specified in '%s'", variable->name,
			   unit_name(variable->unit), unit_name(old->unit));
}

/* Does the new definition replace the old one? */
static bool variable_prevails(const struct ptx_variable *variable, const struct ptx_variable *old)
{
	if (old->linkage == PTX_COMMON)
		return variable->linkage == PTX_VISIBLE || variable->size > old->size;
	return old->linkage == PTX_WEAK && variable->linkage == PTX_VISIBLE;
}

static void variable_enter(struct linker *linker, struct ptx_variable *variable)
{
	struct meaning *meaning = meaning_find(linker, variable->name);
	struct ptx_variable *old = meaning->variable;

	if (meaning->name && !old)
		defined_twice(linker, variable->name, variable->unit, meaning->function->unit);
	if (!old) {
		*meaning = (struct meaning){.name = variable->name, .variable = variable};
		return;
	}
	same_space(linker, variable, old);
	if (variable->linkage == PTX_VISIBLE && old->linkage == PTX_VISIBLE)
		defined_twice(linker, variable->name, variable->unit, old->unit);
	if (variable_prevails(variable, old)) {
		old->definition = variable;
		meaning->variable = variable;
	} else {
		variable->definition = old;
	}
}

_Noreturn static void undefined(struct linker *linker, const char *name, const char *unit)
{
	if (linker->error == CUDA_ERROR_INVALID_PTX)
		ptx_escape(linker->arena, linker->error, 0, "Unresolved extern '%s'", name);
	ptx_escape(linker->arena, linker->error, 0, "Undefined reference to '%s' in '%s'", name, unit_name(unit));
}

static void function_bind(struct linker *linker, struct ptx_function *function)
{
	const struct meaning *meaning = meaning_find(linker, function->name);

	if (meaning->variable || (meaning->function && meaning->function->is_kernel != function->is_kernel))
		ptx_escape(linker->arena, linker->error, 0, "'%s' in '%s' is something else in '%s'", function->name,
			   unit_name(function->unit),
			   unit_name(meaning->variable ? meaning->variable->unit : meaning->function->unit));
	if (meaning->function)
		function->definition = meaning->function;
	else if (function->referenced && !ptx_is_builtin(function->name))
		undefined(linker, function->name, function->unit);
	if (meaning->function && function->address_taken)
		meaning->function->address_taken = true;
}

static void variable_bind(struct linker *linker, struct ptx_variable *variable)
{
	const struct meaning *meaning = meaning_find(linker, variable->name);
	struct ptx_variable *definition = meaning->variable;

	if (!definition && variable->referenced)
		undefined(linker, variable->name, variable->unit);
	if (!definition)
		return;
	same_space(linker, variable, definition);
	if (variable->size && variable->size != definition->size)
		ptx_escape(linker->arena, linker->error, 0,
			   "Size doesn't match for '%s' in '%s', first specified in '%s'", variable->name,
			   unit_name(variable->unit), unit_name(definition->unit));
	variable->definition = definition;
}

static void table_make(struct linker *linker, const struct ptx_module *module)
{
	size_t names = module->function_count + module->variable_count;

	linker->size = 16;
	while (linker->size < 2 * names)
		linker->size *= 2;
	linker->table = ptx_alloc(linker->arena, linker->size * sizeof(*linker->table));
}

static void definitions_enter(struct linker *linker, const struct ptx_module *module)
{
	for (size_t i = 0; i < module->function_count; i++) {
		struct ptx_function *function = module->functions[i];

		if (function->has_body || function->definition) /* an alias is defined, too */
			if (is_exported(function->linkage))
				function_enter(linker, function);
	}
	for (size_t i = 0; i < module->variable_count; i++)
		if (is_exported(module->variables[i]->linkage) && !module->variables[i]->function)
			variable_enter(linker, module->variables[i]);
}

static void declarations_bind(struct linker *linker, const struct ptx_module *module)
{
	for (size_t i = 0; i < module->function_count; i++) {
		struct ptx_function *function = module->functions[i];

		if (!function->has_body && !function->definition)
			function_bind(linker, function);
	}
	for (size_t i = 0; i < module->variable_count; i++)
		if (module->variables[i]->is_extern)
			variable_bind(linker, module->variables[i]);
}

static void relocations_bind(const struct ptx_module *module)
{
	for (size_t i = 0; i < module->variable_count; i++)
		for (struct ptx_relocation *r = module->variables[i]->relocations; r; r = r->next) {
			if (r->variable)
				r->variable = ptx_variable_definition(r->variable);
			if (r->function)
				r->function = ptx_function_definition(r->function);
		}
}

CUresult ptx_link(struct ptx_module *module, CUresult mismatch)
{
	struct linker linker = {.arena = &module->arena, .error = mismatch};
	volatile CUresult result = CUDA_SUCCESS;
	jmp_buf escape;

	module->arena.escape = &escape;
	if (setjmp(escape)) {
		result = module->arena.error;
	} else {
		table_make(&linker, module);
		definitions_enter(&linker, module);
		declarations_bind(&linker, module);
		relocations_bind(module);
	}
	module->arena.escape = NULL;
	return result;
}
