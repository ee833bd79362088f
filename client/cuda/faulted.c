#include "faulted.h"

#include <stdatomic.h>

static _Atomic bool faulted;

void cu_fault_note(CUresult result)
{
	switch (result) {
	case CUDA_ERROR_ECC_UNCORRECTABLE:
	case CUDA_ERROR_NVLINK_UNCORRECTABLE:
	case CUDA_ERROR_CONTAINED:
	case CUDA_ERROR_ILLEGAL_ADDRESS:
	case CUDA_ERROR_LAUNCH_TIMEOUT:
	case CUDA_ERROR_ASSERT:
	case CUDA_ERROR_HARDWARE_STACK_ERROR:
	case CUDA_ERROR_ILLEGAL_INSTRUCTION:
	case CUDA_ERROR_MISALIGNED_ADDRESS:
	case CUDA_ERROR_INVALID_ADDRESS_SPACE:
	case CUDA_ERROR_INVALID_PC:
	case CUDA_ERROR_LAUNCH_FAILED:
	case CUDA_ERROR_TENSOR_MEMORY_LEAK:
	case CUDA_ERROR_EXTERNAL_DEVICE:
		atomic_store_explicit(&faulted, true, memory_order_relaxed);
		return;
	default:
		return;
	}
}

bool cu_faulted(void)
{
	return atomic_load_explicit(&faulted, memory_order_relaxed);
}

void cu_fault_over(void)
{
	atomic_store_explicit(&faulted, false, memory_order_relaxed);
}
