/* Modules: PTX text to variables in memory and kernels that are lowered when needed. */
#define _GNU_SOURCE
#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ptx/link.h"
#include "../ptx/lower.h"
#include "../ptx/parse.h"

struct cpu_kernel {
	struct cpu_module *module;
	struct ptx_function *ast;
	struct cpu_program *program;
	CUresult error; /* of lowering */
	char reason[256];
	struct cpu_parameter *parameters;
};

struct cpu_module {
	struct ptx_module ast;
	struct cpu_memory *memory;
	pthread_mutex_t lock; /* guards lowering */
	struct cpu_kernel *kernels;
	size_t kernel_count;
	size_t constant_bytes;
};

static _Atomic int device_target = 75;

void cpu_exec_set_target(int target)
{
	atomic_store(&device_target, target);
}

static bool is_variable(const struct ptx_variable *variable)
{
	return !variable->is_extern && !variable->definition && variable->size;
}

static CUresult variables_place(struct cpu_module *module)
{
	for (size_t i = 0; i < module->ast.variable_count; i++) {
		struct ptx_variable *variable = module->ast.variables[i];
		CUresult result;

		if (!is_variable(variable))
			continue;
		result = cpu_memory_alloc(module->memory, variable->size, &variable->address);
		if (result)
			return result;
		if (variable->space == PTX_CONST)
			module->constant_bytes += variable->size;
		if (variable->initial)
			memcpy((void *)(uintptr_t)variable->address, variable->initial, variable->size);
		else
			memset((void *)(uintptr_t)variable->address, 0, variable->size);
	}
	return CUDA_SUCCESS;
}

/* Initial values that are addresses, now that all have one. */
static void relocations_apply(struct cpu_module *module)
{
	for (size_t i = 0; i < module->ast.variable_count; i++) {
		const struct ptx_variable *variable = module->ast.variables[i];

		if (!variable->address)
			continue;
		for (const struct ptx_relocation *r = variable->relocations; r; r = r->next) {
			uint64_t value = r->function ? cpu_function_address(r->function->index) : r->variable->address;

			value += (uint64_t)r->addend;
			memcpy((void *)(uintptr_t)(variable->address + r->offset), &value, sizeof(value));
		}
	}
}

static bool is_kernel(const struct ptx_function *function)
{
	return function->is_kernel && function->has_body && !function->definition;
}

static bool kernels_make(struct cpu_module *module)
{
	size_t count = 0;

	for (size_t i = 0; i < module->ast.function_count; i++)
		count += is_kernel(module->ast.functions[i]);
	module->kernels = calloc(count + 1, sizeof(*module->kernels));
	if (!module->kernels)
		return false;
	for (size_t i = 0; i < module->ast.function_count; i++)
		if (is_kernel(module->ast.functions[i]))
			module->kernels[module->kernel_count++] =
			    (struct cpu_kernel){.module = module, .ast = module->ast.functions[i]};
	return true;
}

/* Parses one of several units; messages begin with its name. */
static CUresult unit_parse(struct ptx_module *ast, const struct cpu_unit *unit, size_t number, struct cpu_text log)
{
	char made_up[32];
	size_t start;

	snprintf(made_up, sizeof(made_up), "unit %zu", number);
	ast->unit = ptx_copy_or_null(&ast->arena, unit->name ? unit->name : made_up);
	if (!ast->unit)
		return CUDA_ERROR_OUT_OF_MEMORY;
	start = log.size ? (size_t)snprintf(log.data, log.size, "%s: ", ast->unit) : 0;
	start = start < log.size ? start : log.size ? log.size - 1 : 0;
	ast->arena.log = log.data + start;
	ast->arena.log_size = log.size - start;
	return ptx_parse(ast, unit->text, unit->length, atomic_load(&device_target));
}

static CUresult units_parse(struct ptx_module *ast, const struct cpu_unit *units, size_t count, bool linked,
			    struct cpu_text log)
{
	bool alone = count == 1 && !units->name;
	CUresult error = CUDA_SUCCESS;

	if (log.size)
		log.data[0] = 0;
	ast->arena.log = log.data;
	ast->arena.log_size = log.size;
	if (alone)
		error = ptx_parse(ast, units->text, units->length, atomic_load(&device_target));
	else
		for (size_t i = 0; !error && i < count; i++)
			error = unit_parse(ast, &units[i], i + 1, log);
	ast->arena.log = log.data;
	ast->arena.log_size = log.size;
	if (!error && log.size)
		log.data[0] = 0;
	if (!error && linked)
		error = ptx_link(ast, alone ? CUDA_ERROR_INVALID_PTX : CUDA_ERROR_INVALID_SOURCE);
	ast->arena.log = NULL;
	ast->arena.log_size = 0;
	return error;
}

CUresult cpu_units_check(const struct cpu_unit *units, size_t count, bool linked, struct cpu_text log)
{
	struct ptx_module *ast = calloc(1, sizeof(*ast));
	CUresult error = ast ? units_parse(ast, units, count, linked, log) : CUDA_ERROR_OUT_OF_MEMORY;

	if (ast)
		ptx_arena_free(&ast->arena);
	free(ast);
	return error;
}

CUresult cpu_module_link(const struct cpu_unit *units, size_t count, struct cpu_memory *memory, struct cpu_text log,
			 struct cpu_module **result)
{
	struct cpu_module *module = calloc(1, sizeof(*module));
	CUresult error;

	if (!module)
		return CUDA_ERROR_OUT_OF_MEMORY;
	module->memory = memory;
	pthread_mutex_init(&module->lock, NULL);
	error = units_parse(&module->ast, units, count, true, log);
	if (!error)
		error = variables_place(module);
	if (!error && !kernels_make(module))
		error = CUDA_ERROR_OUT_OF_MEMORY;
	if (error) {
		cpu_module_unload(module);
		return error;
	}
	relocations_apply(module);
	*result = module;
	return CUDA_SUCCESS;
}

void cpu_module_unload(struct cpu_module *module)
{
	if (!module)
		return;
	for (size_t i = 0; i < module->ast.variable_count; i++)
		if (module->ast.variables[i]->address)
			cpu_memory_free(module->memory, module->ast.variables[i]->address);
	for (size_t i = 0; i < module->kernel_count; i++)
		free(module->kernels[i].parameters);
	free(module->kernels);
	pthread_mutex_destroy(&module->lock);
	ptx_arena_free(&module->ast.arena);
	free(module);
}

size_t cpu_module_kernel_count(const struct cpu_module *module)
{
	return module->kernel_count;
}

struct cpu_kernel *cpu_module_kernel(const struct cpu_module *module, size_t index)
{
	return &module->kernels[index];
}

struct cpu_kernel *cpu_module_find_kernel(const struct cpu_module *module, const char *name)
{
	for (size_t i = 0; i < module->kernel_count; i++)
		if (!strcmp(module->kernels[i].ast->name, name))
			return &module->kernels[i];
	return NULL;
}

bool cpu_module_find_variable(const struct cpu_module *module, const char *name, uint64_t *address, size_t *size)
{
	for (size_t i = 0; i < module->ast.variable_count; i++) {
		const struct ptx_variable *variable = module->ast.variables[i];

		if (variable->address && !strcmp(variable->name, name)) {
			*address = variable->address;
			*size = variable->size;
			return true;
		}
	}
	return false;
}

struct cpu_kernel *cpu_kernel_sibling(const struct cpu_kernel *kernel, uint64_t address)
{
	struct cpu_module *module = kernel->module;
	int64_t number = cpu_function_number(address);

	for (size_t i = 0; number >= 0 && i < module->kernel_count; i++)
		if (module->kernels[i].ast->index == (uint64_t)number)
			return &module->kernels[i];
	return NULL;
}

static _Atomic(cpu_attribute_fn) attribute_reader;

void cpu_exec_set_attributes(cpu_attribute_fn read)
{
	atomic_store(&attribute_reader, read);
}

bool cpu_exec_attribute(int attribute, int *value)
{
	cpu_attribute_fn read = atomic_load(&attribute_reader);

	return read && read(attribute, value);
}

bool cpu_module_find_reference(const struct cpu_module *module, const char *name, bool surface, uint64_t *address)
{
	enum ptx_reference wanted = surface ? PTX_SURFACE_REFERENCE : PTX_TEXTURE_REFERENCE;

	for (size_t i = 0; i < module->ast.variable_count; i++) {
		const struct ptx_variable *variable = module->ast.variables[i];

		if (variable->address && variable->reference == wanted && !strcmp(variable->name, name)) {
			*address = variable->address;
			return true;
		}
	}
	return false;
}

const struct ptx_function *cpu_kernel_ast(const struct cpu_kernel *kernel)
{
	return kernel->ast;
}

CUresult cpu_kernel_program(struct cpu_kernel *kernel, const struct cpu_program **program, struct cpu_text log)
{
	struct cpu_module *module = kernel->module;

	pthread_mutex_lock(&module->lock);
	if (!kernel->program && !kernel->error) {
		module->ast.arena.log = kernel->reason;
		module->ast.arena.log_size = sizeof(kernel->reason);
		kernel->error = ptx_lower(&module->ast.arena, &module->ast, kernel->ast, &kernel->program);
		module->ast.arena.log_size = 0;
	}
	pthread_mutex_unlock(&module->lock);
	if (kernel->error && log.size)
		snprintf(log.data, log.size, "kernel %s cannot be run: %s", kernel->ast->name, kernel->reason);
	*program = kernel->program;
	return kernel->error;
}

CUresult cpu_kernel_prepare(struct cpu_kernel *kernel, struct cpu_text log)
{
	const struct cpu_program *program;

	return cpu_kernel_program(kernel, &program, log);
}

static bool parameters_describe(struct cpu_kernel *kernel)
{
	bool done = true;

	pthread_mutex_lock(&kernel->module->lock);
	if (!kernel->parameters) {
		kernel->parameters = calloc(kernel->ast->parameter_count + 1, sizeof(*kernel->parameters));
		done = kernel->parameters;
		for (size_t i = 0; done && i < kernel->ast->parameter_count; i++)
			kernel->parameters[i] = (struct cpu_parameter){kernel->ast->parameters[i]->offset,
								       kernel->ast->parameters[i]->size};
	}
	pthread_mutex_unlock(&kernel->module->lock);
	return done;
}

CUresult cpu_kernel_layout(struct cpu_kernel *kernel, struct cpu_kernel_layout *layout)
{
	if (!parameters_describe(kernel))
		return CUDA_ERROR_OUT_OF_MEMORY;
	*layout = (struct cpu_kernel_layout){kernel->ast->name, kernel->parameters, kernel->ast->parameter_count};
	return CUDA_SUCCESS;
}

CUresult cpu_kernel_info(struct cpu_kernel *kernel, struct cpu_kernel_info *info)
{
	const struct cpu_program *program;
	CUresult error = cpu_kernel_program(kernel, &program, (struct cpu_text){NULL, 0});

	if (error)
		return error;
	if (!parameters_describe(kernel))
		return CUDA_ERROR_OUT_OF_MEMORY;
	*info = (struct cpu_kernel_info){
	    .name = kernel->ast->name,
	    .parameters = kernel->parameters,
	    .parameter_count = kernel->ast->parameter_count,
	    .parameter_bytes = kernel->ast->parameter_bytes,
	    /* What a GPU could give a thread; the machine itself knows no limit. */
	    .registers = program->registers < 255 ? (program->registers > 0 ? program->registers : 1) : 255,
	    .shared_bytes = program->shared_bytes,
	    .constant_bytes = kernel->module->constant_bytes,
	    .local_bytes = program->entry->local_bytes,
	    .max_threads =
		kernel->ast->max_threads && kernel->ast->max_threads < 1024 ? (int)kernel->ast->max_threads : 1024,
	    .ptx_version = kernel->module->ast.target,
	    .cluster = {kernel->ast->cluster[0], kernel->ast->cluster[1], kernel->ast->cluster[2]},
	};
	return CUDA_SUCCESS;
}
