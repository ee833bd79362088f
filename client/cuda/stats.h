/* Counters for CRICKET_STATS, which stats_report.c writes when the process ends. */
#ifndef CU_STATS_H
#define CU_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"

/* One RPC of `function` went out as `class` (with CRICKET_SYNC=1 not that of the table). Also counts for the thread. */
void cu_stats_call(enum cu_function_id function, enum cu_class class);

/* One exported function was answered without an RPC. */
void cu_stats_local(enum cu_function_id function);

void cu_stats_bytes(uint64_t sent, uint64_t received);

/* The application waited for a reply. */
void cu_stats_waited(uint64_t nanoseconds);

/* RPCs that the calling thread has made so far; wraps around. */
unsigned cu_stats_thread_calls(void);

/* RPCs of a function in a class, or its local answers, so far. */
uint64_t cu_stats_calls(enum cu_function_id function, enum cu_class class);

struct cu_stats_totals {
	uint64_t bytes_sent, bytes_received, wait_nanoseconds;
};
struct cu_stats_totals cu_stats_totals(void);

/* Sets everything to zero, in a child of fork: what was counted is its parent's, and its parent's to report. */
void cu_stats_forget(void);

/* False once they were forgotten. */
bool cu_stats_are_ours(void);

#endif
