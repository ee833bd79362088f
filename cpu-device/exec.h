/* What the driver API needs of the PTX machine: load a module, look at its kernels and variables, run a grid. */
#ifndef CPU_EXEC_H
#define CPU_EXEC_H

#include <cuda.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

struct cpu_module;
struct cpu_kernel;

/* The newest .target that cpu_module_load accepts, 75 for sm_75 and until set. Any thread. */
void cpu_exec_set_target(int target);

/* How many threads a warp executes together in grids launched from now on: 32, unless set. With 1, each thread goes by
   itself, which a kernel without operations between lanes cannot tell. For tests of the machine. Any thread. */
void cpu_exec_set_width(unsigned lanes);

/* Where the parser and the machine write what went wrong: truncated, always terminated. */
struct cpu_text {
	char *data; /* may be NULL when size is 0 */
	size_t size;
};

/* One unit of PTX text; no terminator is needed. */
struct cpu_unit {
	const char *text;
	size_t length;
	const char *name; /* for messages; NULL: a number is made up */
};

/* Parses the units, links them to one module, and allocates and initialises its variables in `memory`. The text is not
   kept. Kernels are lowered when first run (or asked for their attributes).
   Errors, with a line in `log`: CUDA_ERROR_INVALID_PTX, also for a name that is defined nowhere; for a unit with a
   name, or several, CUDA_ERROR_INVALID_SOURCE for that and for a name that is defined twice, as NVIDIA's linker;
   CUDA_ERROR_UNSUPPORTED_PTX_VERSION; CUDA_ERROR_OUT_OF_MEMORY. */
CUresult cpu_module_link(const struct cpu_unit *units, size_t count, struct cpu_memory *memory, struct cpu_text log,
			 struct cpu_module **module);

/* Do the units parse, and when `linked` fit together? Errors as cpu_module_link(). Nothing is kept. */
CUresult cpu_units_check(const struct cpu_unit *units, size_t count, bool linked, struct cpu_text log);

/* cpu_module_link() for a single unit of `length` bytes. */
static inline CUresult cpu_module_load(const char *ptx, size_t length, struct cpu_memory *memory, struct cpu_text log,
				       struct cpu_module **module)
{
	return cpu_module_link(&(struct cpu_unit){.text = ptx, .length = length}, 1, memory, log, module);
}

void cpu_module_unload(struct cpu_module *module);

size_t cpu_module_kernel_count(const struct cpu_module *module);
struct cpu_kernel *cpu_module_kernel(const struct cpu_module *module, size_t index);
struct cpu_kernel *cpu_module_find_kernel(const struct cpu_module *module, const char *name);

/* Address and size of the module variable `name` (.global or .const); false when there is none. */
bool cpu_module_find_variable(const struct cpu_module *module, const char *name, uint64_t *address, size_t *size);

/* Address of the texture (or surface) reference `name`, a variable of 8 bytes that holds the number of the object bound
   to it; false when there is none. */
bool cpu_module_find_reference(const struct cpu_module *module, const char *name, bool surface, uint64_t *address);

struct cpu_parameter {
	size_t offset;
	size_t size;
};

/* A kernel's name and parameters, for which it need not be lowered. CUDA_ERROR_OUT_OF_MEMORY. */
struct cpu_kernel_layout {
	const char *name;
	const struct cpu_parameter *parameters; /* owned by the kernel */
	size_t parameter_count;
};
CUresult cpu_kernel_layout(struct cpu_kernel *kernel, struct cpu_kernel_layout *layout);

struct cpu_kernel_info {
	const char *name;
	const struct cpu_parameter *parameters; /* owned by the kernel */
	size_t parameter_count;
	size_t parameter_bytes; /* of the packed buffer */
	int registers;          /* per thread, 32-bit */
	size_t shared_bytes;    /* static */
	size_t constant_bytes;
	size_t local_bytes;  /* per thread */
	int max_threads;     /* per block: .maxntid, else the device's limit */
	unsigned cluster[3]; /* blocks of a cluster that it must be launched with; 0: any */
	int ptx_version;     /* 10 * major + minor of .target, as CU_FUNC_ATTRIBUTE_PTX_VERSION */
};

/* Lowers a kernel, unless that was done before. CUDA_ERROR_INVALID_PTX, with the reason in `log`, when it cannot be. */
CUresult cpu_kernel_prepare(struct cpu_kernel *kernel, struct cpu_text log);

/* Everything a caller may want to know of a kernel. Lowers it; CUDA_ERROR_INVALID_PTX when it cannot be. */
CUresult cpu_kernel_info(struct cpu_kernel *kernel, struct cpu_kernel_info *info);

/* How kernels read attributes of the device (CUdevice_attribute); until set they find none. */
typedef bool (*cpu_attribute_fn)(int attribute, int *value);
void cpu_exec_set_attributes(cpu_attribute_fn read);

struct cpu_launch {
	struct cpu_kernel *kernel;
	unsigned grid[3];
	unsigned block[3];
	unsigned cluster[3]; /* blocks of a cluster in each direction; 0: as the kernel says, else one block */
	size_t dynamic_shared_bytes;
	const void *parameters; /* packed as cpu_kernel_info says; read only during the run */
	unsigned device;        /* whose access to memory it has */
	bool cooperative;       /* keep all blocks resident, allow grid-wide barriers */
	int priority;           /* its blocks begin before those of grids with a larger number */
	uint64_t timeout_ns;    /* how long it may run, else CUDA_ERROR_LAUNCH_TIMEOUT; 0: for ever */
};

/* Runs a whole grid on all cores and returns when it has finished (the caller is one of the workers). Any number of
   grids at a time, each with a thread that calls: their blocks share the cores, and none waits for ever for another.
   Returns CUDA_SUCCESS or the sticky error (700 illegal address, 716 misaligned, 715 illegal instruction, 719 launch
   failure, 710 assert, 702 timeout, …), with kernel, PTX line, block, thread and address in `fault`. printf output goes
   to the process's stdout in block order of execution. Grids that the kernel launches belong to the run. */
CUresult cpu_kernel_run(struct cpu_memory *memory, const struct cpu_launch *launch, struct cpu_text fault);

#endif
