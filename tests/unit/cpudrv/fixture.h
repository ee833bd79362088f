/* What the driver's tests start from: the primary context, a module of the fake machine, and its kernels. */
#ifndef CPUDRV_FIXTURE_H
#define CPUDRV_FIXTURE_H

#include <check.h>
#include <cuda.h>
#include <stddef.h>

#include "fake.h"

#define OK(call) ck_assert_int_eq((call), CUDA_SUCCESS)
#define FAILS(error, call) ck_assert_int_eq((call), (error))

/* Check runs each test in a process of its own, so that each starts with a driver that is not initialised. */
void setup_init(void);
void setup_context(void); /* and makes `context` current */
void setup_module(void);  /* and loads `module` */

extern CUcontext context;
extern CUmodule module;

CUfunction kernel(const char *name);

/* Queues kernels of the fake machine on a stream. */
void launch_gate(struct gate *gate, CUstream stream);
void launch_note(struct notes *notes, int value, CUstream stream);
void launch_plain(const char *name, CUstream stream);

void gate_init(struct gate *gate);
void gate_wait_began(struct gate *gate);
void gate_open(struct gate *gate);

/* The function that cuGetProcAddress() gives for the per-thread default stream. */
void *per_thread(const char *name);

/* Runs a suite of one case; returns the exit status. */
int run_tests(const char *name, void (*setup)(void), const TTest *const *tests, size_t count);

#define RUN_TESTS(name, setup, tests) run_tests(name, setup, tests, sizeof(tests) / sizeof *(tests))

#endif
