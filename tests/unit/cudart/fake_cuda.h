/*
 * A CUDA driver for tests of the runtime: two devices, host memory for device memory, and a record of the calls.
 * Built as libcuda.so.1; a test finds these functions with dlsym in the same library.
 */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stdbool.h>

#include <cuda.h>

enum { FAKE_DEVICES = 2, FAKE_ARGUMENTS = 4 };

/* The last launch. The arguments are those of the kernel that the tests share: two pointers, an int, a double. */
struct fake_launch {
	CUfunction kernel;
	unsigned grid[3], block[3], shared_bytes;
	CUstream stream;
	unsigned attributes;
	bool cooperative;
	void *pointers[2];
	int integer;
	double real;
};

/* What the test asks of the driver. */
struct fake {
	/* How often the driver function was called, by its exported name, since the library was loaded. */
	int (*calls)(const char *name);
	/* Lets every later call of the function return this result, without doing anything; CUDA_SUCCESS ends it. */
	void (*refuse)(const char *name, CUresult result);
	const struct fake_launch *(*last_launch)(void);
	/* The stream of the last call that has one. */
	CUstream (*last_stream)(void);
};

/* FAKE_VERSION and FAKE_INIT in the environment: the driver's version and the result of cuInit. */
extern const struct fake fake_control;

#endif
