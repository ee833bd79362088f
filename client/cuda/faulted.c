#include "faulted.h"

#include <stdatomic.h>

#include "driver_abi/sticky.h"

static _Atomic bool faulted;

void cu_fault_note(CUresult result)
{
	if (cr_result_is_sticky(result))
		atomic_store_explicit(&faulted, true, memory_order_relaxed);
}

bool cu_faulted(void)
{
	return atomic_load_explicit(&faulted, memory_order_relaxed);
}

void cu_fault_over(void)
{
	atomic_store_explicit(&faulted, false, memory_order_relaxed);
}
