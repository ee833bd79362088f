/* How a sample ends: a checksum of what it computed and one line that says whether it was right. */
#ifndef SAMPLES_COMMON_RESULT_H
#define SAMPLES_COMMON_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

/* Prints the FNV-1a hash of `size` bytes, so that two runs can be compared bit by bit. */
static inline void sample_checksum(const void *data, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)data;
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	printf("Checksum = %016llx\n", (unsigned long long)hash);
}

/* Prints the verdict; its value is the program's exit status. */
static inline int sample_result(bool passed)
{
	printf("Result = %s\n", passed ? "PASS" : "FAIL");
	return passed ? 0 : 1;
}

/* Seconds on a clock that only runs forward. */
static inline double sample_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The next number of a small reproducible generator (Numerical Recipes' LCG). */
static inline uint32_t sample_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#endif
