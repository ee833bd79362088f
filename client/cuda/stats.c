#include "stats.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/* Per function: RPCs in each class, and answers without one. */
static atomic_ullong calls[FN_COUNT][CU_CLASS_COUNT];
static atomic_ullong bytes_sent, bytes_received, wait_nanoseconds;
static _Thread_local unsigned thread_calls;

static void add(atomic_ullong *counter, unsigned long long amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static unsigned long long get(atomic_ullong *counter)
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

static const char *const class_names[CU_CLASS_COUNT] = {"async", "deferred", "sync", "local"};

static void write_totals(FILE *file)
{
	fputs("{\"calls\":{", file);
	for (int class = 0; class < CU_CLASS_COUNT; class ++) {
		unsigned long long total = 0;
		for (int function = 0; function < FN_COUNT; function++)
			total += get(&calls[function][class]);
		fprintf(file, "%s\"%s\":%llu", class ? "," : "", class_names[class], total);
	}
	fprintf(file, "},\"bytes\":{\"sent\":%llu,\"received\":%llu},\"wait_seconds\":%.6f,", get(&bytes_sent),
		get(&bytes_received), get(&wait_nanoseconds) / 1e9);
}

/* Each function with its class; one that was served in several ways has a row for each, the further ones named after
   the class, too: cuCtxSetCurrent travels where the stream needs it, and is local otherwise. */
static void write_functions(FILE *file)
{
	const char *comma = "";
	fputs("\"functions\":{", file);
	for (int function = 0; function < FN_COUNT; function++) {
		bool listed = false;
		for (int class = 0; class < CU_CLASS_COUNT; class ++) {
			unsigned long long count = get(&calls[function][class]);
			if (!count)
				continue;
			fprintf(file, "%s\"%s", comma, cu_functions[function].name);
			if (listed)
				fprintf(file, " (%s)", class_names[class]);
			fprintf(file, "\":{\"class\":\"%s\",\"calls\":%llu}", class_names[class], count);
			comma = ",";
			listed = true;
		}
	}
	fputs("}}\n", file);
}

static bool any_call(void)
{
	for (int function = 0; function < FN_COUNT; function++)
		for (int class = 0; class < CU_CLASS_COUNT; class ++)
			if (get(&calls[function][class]))
				return true;
	return false;
}

/* A process that used no CUDA, such as the shell around a program, leaves the program's file alone. */
__attribute__((destructor)) static void write_stats(void)
{
	const char *path = any_call() ? cu_settings()->stats : NULL;
	FILE *file = path ? fopen(path, "we") : NULL;
	if (!file)
		return;
	write_totals(file);
	write_functions(file);
	fclose(file);
}
