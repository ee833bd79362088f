/* The mbarrier object: 64 bits in shared memory that count arrivals and bytes, phase after phase.

   A phase ends when nothing is pending: neither arrivals nor bytes. The next one then begins with the expected number
   of arrivals. All threads that touch an object are run by one thread of the host, so plain accesses do. */
#ifndef CPU_MBARRIER_H
#define CPU_MBARRIER_H

#include <stdbool.h>
#include <stdint.h>

#define CPU_MBARRIER_MOST ((1u << 20) - 1) /* arrivals, and bytes either way */

/* The object for `count` arrivals, 1 to CPU_MBARRIER_MOST. */
uint64_t cpu_mbarrier_new(uint32_t count);
/* Has it been made by cpu_mbarrier_new, and not been changed by anybody else? */
bool cpu_mbarrier_valid(uint64_t object);

/* `count` threads arrive; with `drop` they are not expected in later phases either. False when that many are not
   pending. */
bool cpu_mbarrier_arrive(uint64_t *object, uint32_t count, bool drop);
/* Would the arrival of `count` end the phase? */
bool cpu_mbarrier_completes(uint64_t object, uint32_t count);
/* More bytes are expected, or with a negative number have come. False beyond CPU_MBARRIER_MOST. */
bool cpu_mbarrier_bytes(uint64_t *object, int64_t bytes);

/* Has the phase ended during which the object was `state`? */
static inline bool cpu_mbarrier_has_passed(uint64_t object, uint64_t state)
{
	return (object ^ state) & 1;
}

/* Has the phase of this parity, the current or the one before, ended? */
static inline bool cpu_mbarrier_parity_passed(uint64_t object, uint32_t parity)
{
	return ((object ^ parity) & 1) != 0;
}

/* Arrivals still pending in a state. */
uint32_t cpu_mbarrier_pending(uint64_t state);

#endif
