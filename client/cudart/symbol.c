/* Device variables by their host symbol. */
#include "copy.h"
#include "registry.h"
#include "symbol.h"

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

/* The range is checked here, as the bytes behind the variable may well be another one's. */
cudaError_t rt_variable_part(const void *symbol, size_t count, size_t offset, void **part)
{
	CUdeviceptr address;
	size_t size;
	cudaError_t error = rt_enter();

	if (error == cudaSuccess)
		error = rt_variable_find(symbol, &address, &size);
	if (error == cudaSuccess && (offset > size || count > size - offset))
		error = cudaErrorInvalidValue;
	if (error == cudaSuccess)
		*part = (char *)address + offset;
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
	void *part;
	cudaError_t error = kind_check(kind, cudaMemcpyHostToDevice);

	if (error == cudaSuccess)
		error = rt_variable_part(symbol, count, offset, &part);
	if (error == cudaSuccess && count)
		error = rt_copy(part, src, count, kind);
	return rt_record(error);
}

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *src, size_t count, size_t offset,
				    enum cudaMemcpyKind kind, cudaStream_t stream)
{
	void *part;
	cudaError_t error = kind_check(kind, cudaMemcpyHostToDevice);

	if (error == cudaSuccess)
		error = rt_variable_part(symbol, count, offset, &part);
	if (error == cudaSuccess && count)
		error = rt_copy_async(part, src, count, kind, stream);
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpyToSymbol, rt_copy_wait,
		       RT_LIST(const void *symbol, const void *src, size_t count, size_t offset,
			       enum cudaMemcpyKind kind),
		       RT_LIST(symbol, src, count, offset, kind))

cudaError_t cudaMemcpyFromSymbol(void *dst, const void *symbol, size_t count, size_t offset, enum cudaMemcpyKind kind)
{
	void *part;
	cudaError_t error = kind_check(kind, cudaMemcpyDeviceToHost);

	if (error == cudaSuccess)
		error = rt_variable_part(symbol, count, offset, &part);
	if (error == cudaSuccess && count)
		error = rt_copy(dst, part, count, kind);
	return rt_record(error);
}

cudaError_t cudaMemcpyFromSymbolAsync(void *dst, const void *symbol, size_t count, size_t offset,
				      enum cudaMemcpyKind kind, cudaStream_t stream)
{
	void *part;
	cudaError_t error = kind_check(kind, cudaMemcpyDeviceToHost);

	if (error == cudaSuccess)
		error = rt_variable_part(symbol, count, offset, &part);
	if (error == cudaSuccess && count)
		error = rt_copy_async(dst, part, count, kind, stream);
	return rt_record(error);
}

RT_PER_THREAD_VARIANTS(cudaMemcpyFromSymbol, rt_copy_wait,
		       RT_LIST(void *dst, const void *symbol, size_t count, size_t offset, enum cudaMemcpyKind kind),
		       RT_LIST(dst, symbol, count, offset, kind))
