/* The part of <stdlib.h> that the client uses; libc/stdlib.c. */
#ifndef CRICKET_STDLIB_H
#define CRICKET_STDLIB_H

#include <stddef.h>

#pragma GCC visibility push(default)
void *malloc(size_t size) __asm__("cricket_malloc");
void *calloc(size_t count, size_t size) __asm__("cricket_calloc");
void *realloc(void *memory, size_t size) __asm__("cricket_realloc");
void free(void *memory) __asm__("cricket_free");
int posix_memalign(void **memory, size_t alignment, size_t size) __asm__("cricket_posix_memalign");
void qsort(void *items, size_t count, size_t size,
	   int (*compare)(const void *a, const void *b)) __asm__("cricket_qsort");
void *bsearch(const void *key, const void *items, size_t count, size_t size,
	      int (*compare)(const void *key, const void *item)) __asm__("cricket_bsearch");
unsigned long strtoul(const char *text, char **end, int base) __asm__("cricket_strtoul");
#pragma GCC visibility pop

#endif
