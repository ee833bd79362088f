#include "error.h"

#include <stdatomic.h>

#include "context.h"
#include "driver_abi/sticky.h"
#include "platform.h"

struct error_text {
	cudaError_t error;
	const char *name;
	const char *text;
};

/* In ascending order of the number, as the enumeration in driver_types.h is. */
static const struct error_text error_texts[] = {
#define RT_ERROR(error, text) {error, #error, text},
#include "errors.def"
#undef RT_ERROR
};

static const struct error_text *error_find(cudaError_t error)
{
	size_t low = 0, high = sizeof(error_texts) / sizeof(error_texts[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (error_texts[middle].error == error)
			return &error_texts[middle];
		if (error_texts[middle].error < error)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

cudaError_t rt_error(CUresult result)
{
	if (result == CUDA_SUCCESS)
		return cudaSuccess;
	return error_find((cudaError_t)result) ? (cudaError_t)result : cudaErrorUnknown;
}

cudaError_t rt_record(cudaError_t error)
{
	if (error != cudaSuccess) {
		rt_thread.last_error = error;
		rt_thread.last_error_generation = atomic_load(&rt_generation);
	}
	return error;
}

cudaError_t rt_last_error(void)
{
	return rt_thread.last_error;
}

cudaError_t rt_unsupported(const char *function, _Atomic(bool) *said)
{
	if (!atomic_exchange(said, 1))
		rt_log(RT_LOG_WARNING, "%s is not supported", function);
	return rt_record(cudaErrorNotSupported);
}

/* Without a usable driver every call fails, these as well, as with NVIDIA's runtime. */
cudaError_t cudaPeekAtLastError(void)
{
	return rt_thread.last_error != cudaSuccess ? rt_thread.last_error : rt_driver_open();
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t error = cudaPeekAtLastError();
	bool lasting =
	    cr_result_is_sticky((CUresult)error) && rt_thread.last_error_generation == atomic_load(&rt_generation);

	if (!lasting)
		rt_thread.last_error = cudaSuccess;
	return error;
}

const char *cudaGetErrorName(cudaError_t error)
{
	const struct error_text *found = error_find(error);

	return found ? found->name : "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
	const struct error_text *found = error_find(error);

	return found ? found->text : "unrecognized error code";
}
