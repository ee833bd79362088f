/* A loaded module's kernels, as launching needs them. */
#ifndef CPU_MODULE_H
#define CPU_MODULE_H

#include "../ptx/ast.h"
#include "machine.h"

/* The kernel's program, made when first asked for. On an error the reason is in `log`; it is the same ever after. */
CUresult cpu_kernel_program(struct cpu_kernel *kernel, const struct cpu_program **program, struct cpu_text log);

const struct ptx_function *cpu_kernel_ast(const struct cpu_kernel *kernel);

#endif
