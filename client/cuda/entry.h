/* Entry and exit of every exported function: is CUDA initialised, count, trace, leave errno alone. */
#ifndef CU_ENTRY_H
#define CU_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#ifndef __CUDA_API_VERSION_INTERNAL
#define __CUDA_API_VERSION_INTERNAL
#endif
#include <cuda.h>
#include <cudaProfiler.h>

#include "functions.h"

#define CU_EXPORT __attribute__((visibility("default")))

/* How a function is served; proto/README.md. */
enum cu_class { CU_ASYNC, CU_DEFERRED, CU_SYNC, CU_LOCAL, CU_CLASS_COUNT };

enum { CU_NOCTX = 1, CU_NOINIT = 2 };

struct cu_function {
	const char *name;
	uint32_t program;
	uint32_t procedure;
	enum cu_class class;
	unsigned flags;
};

/* Indexed by enum cu_function_id. */
extern const struct cu_function cu_functions[FN_COUNT];

struct cu_entry {
	enum cu_function_id id;
	bool traced;
	int saved_errno;
	unsigned calls_before; /* RPCs that the thread had made */
	double start;          /* seconds, when traced */
};

/* Begins an exported function; what it returns is the function's result unless it is CUDA_SUCCESS. */
CUresult cu_enter(struct cu_entry *entry, enum cu_function_id id);

/* Ends it and passes `err` through. */
CUresult cu_leave(struct cu_entry *entry, CUresult err);

/* Writes the line of CRICKET_TRACE: name, arguments after `format`, result, duration. */
void cu_trace(struct cu_entry *entry, CUresult err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* `text`, or a printable stand-in for NULL. */
static inline const char *cu_trace_text(const char *text)
{
	return text ? text : "(null)";
}

/* The stream that a _ptsz function means: its default stream is the calling thread's. */
static inline CUstream cu_per_thread(CUstream stream)
{
	return stream ? stream : CU_STREAM_PER_THREAD;
}

/* Forbids the calling thread to call CUDA, while it runs a host function of the program, or allows it again. */
void cu_forbid_calls(bool forbid);

/* Set by cuInit when it has succeeded. */
void cu_set_initialised(void);

#endif
