/* A machine that the driver can be tested with: its "PTX" names host functions. Each line of a module is a comment, so
   that the text starts as PTX does:
       //kernel NAME      a kernel of the list below
       //variable NAME BYTES
       //broken           the module cannot be loaded
   Kernels get at the test through pointers in their parameters; "gate" is how a test holds the device up. */
#ifndef CPUDRV_FAKE_H
#define CPUDRV_FAKE_H

#include <semaphore.h>
#include <stdint.h>

/* gate(struct gate *): tells that it began, then waits until it may go on. */
struct gate {
	sem_t began;
	sem_t open;
};

/* note(struct notes *, int value): appends the value. */
struct notes {
	int count;
	int values[64];
};

/* packed(char a, double b, short c, int *out, struct wide d): writes what it got. */
struct wide {
	char bytes[600];
};

struct packed_result {
	char a;
	double b;
	short c;
	int wide_sum;
	unsigned grid[3];
	unsigned block[3];
	unsigned long dynamic_shared;
	int cooperative;
	unsigned cluster[3];
};

/* fault(): fails with CUDA_ERROR_ILLEGAL_ADDRESS. nothing(): does nothing. untranslatable(): cannot be lowered.
   small(): nothing, with at most 64 threads and 1 KiB of static shared memory. */
#define FAKE_MODULE                                                                                                    \
	"//kernel nothing\n//kernel gate\n//kernel note\n//kernel packed\n//kernel fault\n"                            \
	"//kernel untranslatable\n//kernel small\n//variable counter 4\n//variable table 64\n"                         \
	"//variable tex_a 8\n//variable surf_a 8\n"

#endif
