#include "stats.h"

#include <stdatomic.h>

#include "platform.h"

/* Per function: RPCs in each class, and answers without one. */
static atomic_ullong calls[FN_COUNT][CU_CLASS_COUNT];
static atomic_ullong bytes_sent, bytes_received, wait_nanoseconds;
static cu_thread_local unsigned thread_calls;
static bool forgotten; /* written in a child of fork, which has one thread */

static void add(atomic_ullong *counter, unsigned long long amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static uint64_t get(atomic_ullong *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void cu_stats_call(enum cu_function_id function, enum cu_class class)
{
	thread_calls++;
	add(&calls[function][class], 1);
}

void cu_stats_local(enum cu_function_id function)
{
	add(&calls[function][CU_LOCAL], 1);
}

void cu_stats_bytes(uint64_t sent, uint64_t received)
{
	add(&bytes_sent, sent);
	add(&bytes_received, received);
}

void cu_stats_waited(uint64_t nanoseconds)
{
	add(&wait_nanoseconds, nanoseconds);
}

unsigned cu_stats_thread_calls(void)
{
	return thread_calls;
}

uint64_t cu_stats_calls(enum cu_function_id function, enum cu_class class)
{
	return get(&calls[function][class]);
}

struct cu_stats_totals cu_stats_totals(void)
{
	return (struct cu_stats_totals){get(&bytes_sent), get(&bytes_received), get(&wait_nanoseconds)};
}

bool cu_stats_are_ours(void)
{
	return !forgotten;
}

void cu_stats_forget(void)
{
	forgotten = true;
	for (int function = 0; function < FN_COUNT; function++)
		for (int class = 0; class < CU_CLASS_COUNT; class ++)
			atomic_store_explicit(&calls[function][class], 0, memory_order_relaxed);
	atomic_store_explicit(&bytes_sent, 0, memory_order_relaxed);
	atomic_store_explicit(&bytes_received, 0, memory_order_relaxed);
	atomic_store_explicit(&wait_nanoseconds, 0, memory_order_relaxed);
}
