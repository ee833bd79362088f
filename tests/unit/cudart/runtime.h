/* What the tests of the runtime share: the fake driver, and a program's registrations as nvcc emits them. */
#ifndef TEST_CUDART_RUNTIME_H
#define TEST_CUDART_RUNTIME_H

#include <check.h>
#include <cuda_runtime_api.h>

#include "fake_cuda.h"
#include "registry.h"

/* The fake driver's controls. Opens the library as the runtime does, which calls none of its functions. */
const struct fake *fake(void);

/* The address of another function that the fake driver exports. */
void *fake_symbol(const char *name);

/* Host symbols of the program below. */
extern char host_kernel, host_other_kernel, host_absent_kernel, host_variable, host_absent_variable;
extern void *host_managed;
extern char fatbin_wrapper;

/* Registers a fat binary with the kernels and variables; returns its handle. */
void **program_register(void);

/* The same with a managed variable in a second fat binary. */
void **program_register_managed(void);

#define ck_assert_cuda(expression) ck_assert_int_eq((expression), cudaSuccess)

Suite *suite_launch(void);
Suite *suite_state(void);
Suite *suite_device(void);
Suite *suite_memory(void);

#endif
