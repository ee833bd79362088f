/* The program that `cricket run` is to start: finding it, and reading how it uses CUDA from its ELF file. */
#ifndef TOOLS_PROGRAM_H
#define TOOLS_PROGRAM_H

#include <limits.h>

/*
 * Finds `name` as a shell would (PATH, unless it holds a slash) and writes its path. Returns CLI_OK, or prints a
 * message and returns CLI_NOT_FOUND or CLI_NOT_EXECUTABLE.
 */
int program_find(const char *name, char path[PATH_MAX]);

enum program_runtime {
	RUNTIME_UNKNOWN, /* no ELF file, or one without CUDA code: nothing to say */
	RUNTIME_SHARED,  /* uses libcudart.so or libcuda.so, which Cricket replaces */
	RUNTIME_STATIC,  /* carries NVIDIA's runtime inside, which Cricket cannot replace */
};

/* Reads the ELF file at `path`. A file that is not ELF or damaged is RUNTIME_UNKNOWN. */
enum program_runtime program_runtime(const char *path);

#endif
