/* exec.h over host functions; see fake.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "fake.h"

struct variable {
	char name[32];
	uint64_t address;
	size_t size;
};

struct cpu_kernel {
	const struct recipe *recipe;
};

struct cpu_module {
	struct cpu_memory *memory;
	size_t kernel_count;
	struct cpu_kernel kernels[16];
	size_t variable_count;
	struct variable variables[16];
};

/* Kernels */

struct gate_parameters {
	struct gate *gate;
};

static CUresult run_gate(const struct cpu_launch *launch)
{
	const struct gate_parameters *parameters = launch->parameters;
	sem_post(&parameters->gate->began);
	while (sem_wait(&parameters->gate->open) != 0)
		continue;
	return CUDA_SUCCESS;
}

struct note_parameters {
	struct notes *notes;
	int value;
};

static CUresult run_note(const struct cpu_launch *launch)
{
	const struct note_parameters *parameters = launch->parameters;
	parameters->notes->values[parameters->notes->count++ % 64] = parameters->value;
	return CUDA_SUCCESS;
}

struct packed_parameters {
	char a;
	double b;
	short c;
	struct packed_result *out;
	struct wide wide;
};

static CUresult run_packed(const struct cpu_launch *launch)
{
	const struct packed_parameters *parameters = launch->parameters;
	struct packed_result *out = parameters->out;
	out->a = parameters->a;
	out->b = parameters->b;
	out->c = parameters->c;
	out->wide_sum = 0;
	for (size_t i = 0; i < sizeof parameters->wide.bytes; i++)
		out->wide_sum += parameters->wide.bytes[i];
	memcpy(out->grid, launch->grid, sizeof out->grid);
	memcpy(out->block, launch->block, sizeof out->block);
	out->dynamic_shared = launch->dynamic_shared_bytes;
	out->cooperative = launch->cooperative;
	memcpy(out->cluster, launch->cluster, sizeof out->cluster);
	return CUDA_SUCCESS;
}

static CUresult run_fault(const struct cpu_launch *launch)
{
	(void)launch;
	return CUDA_ERROR_ILLEGAL_ADDRESS;
}

static CUresult run_nothing(const struct cpu_launch *launch)
{
	(void)launch;
	return CUDA_SUCCESS;
}

#define PARAMETER(type, field)                                                                                         \
	{                                                                                                              \
		offsetof(type, field), sizeof(((type *)0)->field)                                                      \
	}

static const struct cpu_parameter gate_layout[] = {PARAMETER(struct gate_parameters, gate)};
static const struct cpu_parameter note_layout[] = {PARAMETER(struct note_parameters, notes),
						   PARAMETER(struct note_parameters, value)};
static const struct cpu_parameter packed_layout[] = {
    PARAMETER(struct packed_parameters, a), PARAMETER(struct packed_parameters, b),
    PARAMETER(struct packed_parameters, c), PARAMETER(struct packed_parameters, out),
    PARAMETER(struct packed_parameters, wide)};

static const struct recipe {
	const char *name;
	CUresult (*run)(const struct cpu_launch *launch); /* NULL: cannot be lowered */
	const struct cpu_parameter *parameters;
	size_t parameter_count;
	size_t parameter_bytes;
	size_t shared_bytes;
	int max_threads;
} recipes[] = {
    {"nothing", run_nothing, NULL, 0, 0, 0, 1024},
    {"gate", run_gate, gate_layout, 1, sizeof(struct gate_parameters), 0, 1024},
    {"note", run_note, note_layout, 2, sizeof(struct note_parameters), 0, 1024},
    {"packed", run_packed, packed_layout, 5, sizeof(struct packed_parameters), 0, 1024},
    {"fault", run_fault, NULL, 0, 0, 0, 1024},
    {"untranslatable", NULL, NULL, 0, 0, 0, 1024},
    {"small", run_nothing, NULL, 0, 0, 1024, 64},
};

static const struct recipe *recipe_find(const char *name)
{
	for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++)
		if (strcmp(recipes[i].name, name) == 0)
			return &recipes[i];
	return NULL;
}

/* Modules */

static CUresult line_apply(struct cpu_module *module, const char *line, struct cpu_text log)
{
	char name[32];
	size_t size;
	if (sscanf(line, "//kernel %31s", name) == 1 && recipe_find(name)) {
		module->kernels[module->kernel_count++].recipe = recipe_find(name);
	} else if (sscanf(line, "//variable %31s %zu", name, &size) == 2) {
		struct variable *variable = &module->variables[module->variable_count++];
		memcpy(variable->name, name, sizeof name);
		variable->size = size;
		return cpu_memory_alloc(module->memory, size, &variable->address);
	} else if (strncmp(line, "//", 2) == 0) {
		if (log.size)
			snprintf(log.data, log.size, "line '%s' is broken", line);
		return CUDA_ERROR_INVALID_PTX;
	}
	return CUDA_SUCCESS;
}

static CUresult unit_apply(struct cpu_module *module, const struct cpu_unit *unit, struct cpu_text log)
{
	char *text = strndup(unit->text, unit->length), *rest;
	CUresult result = text ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line && result == CUDA_SUCCESS;
	     line = strtok_r(NULL, "\n", &rest))
		result = line_apply(module, line, log);
	free(text);
	return result;
}

CUresult cpu_module_link(const struct cpu_unit *units, size_t count, struct cpu_memory *memory, struct cpu_text log,
			 struct cpu_module **out)
{
	struct cpu_module *module = calloc(1, sizeof *module);
	CUresult result = module ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
	if (result == CUDA_SUCCESS)
		module->memory = memory;
	for (size_t i = 0; i < count && result == CUDA_SUCCESS; i++)
		result = unit_apply(module, &units[i], log);
	if (result == CUDA_SUCCESS)
		*out = module;
	else if (module)
		cpu_module_unload(module);
	return result;
}

/* A unit that says "//broken" parses no more than it loads; one alone with
   "//kernel lonely" does not link. */
CUresult cpu_units_check(const struct cpu_unit *units, size_t count, bool linked, struct cpu_text log)
{
	for (size_t i = 0; i < count; i++)
		if (memmem(units[i].text, units[i].length, "//broken", 8)) {
			snprintf(log.data, log.size, "%s: broken", units[i].name ? units[i].name : "?");
			return CUDA_ERROR_INVALID_PTX;
		}
	if (linked && count == 1 && memmem(units[0].text, units[0].length, "//kernel lonely", 15)) {
		snprintf(log.data, log.size, "Undefined reference");
		return CUDA_ERROR_INVALID_SOURCE;
	}
	return CUDA_SUCCESS;
}

void cpu_module_unload(struct cpu_module *module)
{
	for (size_t i = 0; i < module->variable_count; i++)
		(void)cpu_memory_free(module->memory, module->variables[i].address);
	free(module);
}

size_t cpu_module_kernel_count(const struct cpu_module *module)
{
	return module->kernel_count;
}

struct cpu_kernel *cpu_module_kernel(const struct cpu_module *module, size_t index)
{
	return (struct cpu_kernel *)&module->kernels[index];
}

struct cpu_kernel *cpu_module_find_kernel(const struct cpu_module *module, const char *name)
{
	for (size_t i = 0; i < module->kernel_count; i++)
		if (strcmp(module->kernels[i].recipe->name, name) == 0)
			return cpu_module_kernel(module, i);
	return NULL;
}

bool cpu_module_find_variable(const struct cpu_module *module, const char *name, uint64_t *address, size_t *size)
{
	for (size_t i = 0; i < module->variable_count; i++) {
		if (strcmp(module->variables[i].name, name) != 0)
			continue;
		*address = module->variables[i].address;
		*size = module->variables[i].size;
		return true;
	}
	return false;
}

/* Variables whose name begins with "tex" or "surf" are references. */
bool cpu_module_find_reference(const struct cpu_module *module, const char *name, bool surface, uint64_t *address)
{
	size_t size;
	return strncmp(name, surface ? "surf" : "tex", surface ? 4 : 3) == 0 &&
	       cpu_module_find_variable(module, name, address, &size);
}

CUresult cpu_kernel_prepare(struct cpu_kernel *kernel, struct cpu_text log)
{
	if (kernel->recipe->run)
		return CUDA_SUCCESS;
	if (log.size)
		snprintf(log.data, log.size, "%s cannot be lowered", kernel->recipe->name);
	return CUDA_ERROR_INVALID_PTX;
}

CUresult cpu_kernel_layout(struct cpu_kernel *kernel, struct cpu_kernel_layout *layout)
{
	const struct recipe *recipe = kernel->recipe;
	*layout = (struct cpu_kernel_layout){recipe->name, recipe->parameters, recipe->parameter_count};
	return CUDA_SUCCESS;
}

CUresult cpu_kernel_info(struct cpu_kernel *kernel, struct cpu_kernel_info *info)
{
	const struct recipe *recipe = kernel->recipe;
	if (!recipe->run)
		return CUDA_ERROR_INVALID_PTX;
	*info = (struct cpu_kernel_info){.name = recipe->name,
					 .parameters = recipe->parameters,
					 .parameter_count = recipe->parameter_count,
					 .parameter_bytes = recipe->parameter_bytes,
					 .registers = 20,
					 .shared_bytes = recipe->shared_bytes,
					 .max_threads = recipe->max_threads,
					 .ptx_version = 75};
	return CUDA_SUCCESS;
}

CUresult cpu_kernel_run(struct cpu_memory *memory, const struct cpu_launch *launch, struct cpu_text fault)
{
	(void)memory;
	CUresult result = launch->kernel->recipe->run(launch);
	if (result != CUDA_SUCCESS && fault.size)
		snprintf(fault.data, fault.size, "%s fails on purpose", launch->kernel->recipe->name);
	return result;
}

void cpu_exec_set_attributes(cpu_attribute_fn read)
{
	(void)read;
}

void cpu_exec_set_target(int target)
{
	(void)target;
}
