/* What the tests of the PTX machine share. */
#ifndef EXEC_HARNESS_H
#define EXEC_HARNESS_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec.h"
#include "memory.h"

/* Of the test that runs; made by machine_setup, taken down by machine_teardown. */
extern struct cpu_memory *memory;
/* The last module's log or the last launch's fault. */
extern char message[1024];

void machine_setup(void);
void machine_teardown(void);

/* Loads PTX and fails the test when that does not succeed. */
struct cpu_module *module_load(const char *ptx);
CUresult module_try(const char *ptx, struct cpu_module **module);
struct cpu_module *module_load_file(const char *path);

/* Device memory, as a host pointer. */
void *device_alloc(size_t bytes);

/* Runs a kernel of `module`; `parameters` is its packed buffer. */
CUresult kernel_try(struct cpu_module *module, const char *name, unsigned grid, unsigned block, size_t shared,
		    const void *parameters);
/* The same, and must succeed. */
void kernel_run(struct cpu_module *module, const char *name, unsigned grid, unsigned block, size_t shared,
		const void *parameters);

/* Executes instructions on 32 sets of operands. The body finds them in %x1, %x2, %x3 (32 bits), %l1, %l2, %l3 (64
   bits), %f1 …, %d1 … (the same bits as f32, f64) and %h1 … (the lower 16), may use these names from 4 to 15 and %p0 to
   %p7 as it likes, and leaves its result in %x0 or, when `wide`, in %l0. */
void body_run(const char *body, bool wide, const uint64_t *a, const uint64_t *b, const uint64_t *c, uint64_t *result);

/* The same on `count` sets of operands: 32, or a multiple of 256. */
void body_run_many(const char *body, bool wide, size_t count, const uint64_t *a, const uint64_t *b, const uint64_t *c,
		   uint64_t *result);

/* Makes and runs a suite of one case with the machine set up for each test. Returns main's status. */
int suite_run(const char *name, const TTest *const *tests, size_t count);

#endif
