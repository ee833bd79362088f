/* Device variables by their host symbol. */
#include "copy.h"
#include "registry.h"

cudaError_t cudaGetSymbolAddress(void **devPtr, const void *symbol)
{
	CUdeviceptr address;
	size_t size;
	cudaError_t error = devPtr ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_variable_find(symbol, &address, &size);
	if (error == cudaSuccess)
		*devPtr = (void *)address;
	return rt_record(error);
}

cudaError_t cudaGetSymbolSize(size_t *size, const void *symbol)
{
	CUdeviceptr address;
	cudaError_t error = size ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_variable_find(symbol, &address, size);
	return rt_record(error);
}

/*
 * The place of `count` bytes from `offset` on in a variable, and a context. The range is checked here, as the bytes
 * behind the variable may well be another one's.
 */
static cudaError_t variable_enter(const void *symbol, size_t count, size_t offset, char **place)
{
	CUdeviceptr address;
	size_t size;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_variable_find(symbol, &address, &size);
	if (error == cudaSuccess && (offset > size || count > size - offset))
		error = cudaErrorInvalidValue;
	if (error == cudaSuccess)
		*place = (char *)address + offset;
	return error;
}

/* A variable is on the device, so that two of the kinds make no sense. */
static cudaError_t kind_check(enum cudaMemcpyKind kind, enum cudaMemcpyKind with_host)
{
	if (kind == with_host || kind == cudaMemcpyDeviceToDevice || kind == cudaMemcpyDefault)
		return cudaSuccess;
	return cudaErrorInvalidMemcpyDirection;
}

cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *src, size_t count, size_t offset,
			       enum cudaMemcpyKind kind)
{
	char *place;
	cudaError_t error = kind_check(kind, cudaMemcpyHostToDevice);

	if (error == cudaSuccess)
		error = variable_enter(symbol, count, offset, &place);
	if (error == cudaSuccess && count)
		error = rt_copy(place, src, count, kind);
	return rt_record(error);
}

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *src, size_t count, size_t offset,
				    enum cudaMemcpyKind kind, cudaStream_t stream)
{
	char *place;
	cudaError_t error = kind_check(kind, cudaMemcpyHostToDevice);

	if (error == cudaSuccess)
		error = variable_enter(symbol, count, offset, &place);
	if (error == cudaSuccess && count)
		error = rt_copy_async(place, src, count, kind, stream);
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpyToSymbol, rt_copy_wait,
		       RT_LIST(const void *symbol, const void *src, size_t count, size_t offset,
			       enum cudaMemcpyKind kind),
		       RT_LIST(symbol, src, count, offset, kind))

cudaError_t cudaMemcpyFromSymbol(void *dst, const void *symbol, size_t count, size_t offset, enum cudaMemcpyKind kind)
{
	char *place;
	cudaError_t error = kind_check(kind, cudaMemcpyDeviceToHost);

	if (error == cudaSuccess)
		error = variable_enter(symbol, count, offset, &place);
	if (error == cudaSuccess && count)
		error = rt_copy(dst, place, count, kind);
	return rt_record(error);
}

cudaError_t cudaMemcpyFromSymbolAsync(void *dst, const void *symbol, size_t count, size_t offset,
				      enum cudaMemcpyKind kind, cudaStream_t stream)
{
	char *place;
	cudaError_t error = kind_check(kind, cudaMemcpyDeviceToHost);

	if (error == cudaSuccess)
		error = variable_enter(symbol, count, offset, &place);
	if (error == cudaSuccess && count)
		error = rt_copy_async(dst, place, count, kind, stream);
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpyFromSymbol, rt_copy_wait,
		       RT_LIST(void *dst, const void *symbol, size_t count, size_t offset, enum cudaMemcpyKind kind),
		       RT_LIST(dst, symbol, count, offset, kind))
