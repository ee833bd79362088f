/* What the driver keeps for each thread of the program: its stack of current contexts. */
#ifndef DRV_THREAD_H
#define DRV_THREAD_H

#include <cuda.h>
#include <stdbool.h>
#include <stdint.h>

/* The context on top of the calling thread's stack, NULL when it is empty. */
CUcontext drv_thread_top(void);

/* Replaces the top; NULL pops it. CUDA_ERROR_OUT_OF_MEMORY when the stack cannot grow. */
CUresult drv_thread_set(CUcontext context);
CUresult drv_thread_push(CUcontext context);

/* Takes the top off; false when the stack is empty. */
bool drv_thread_pop(CUcontext *context);

/* A number for the calling thread that no other thread of the process has or had. */
uint64_t drv_thread_id(void);

#endif
