// A shared object with device code of its own, which device.cu loads and unloads again and again.
__device__ int plugin_variable;

__global__ void plugin_kernel(int *out)
{
	*out = plugin_variable + 1;
}

// What the kernel makes of `value`, or -1 after an error.
extern "C" int plugin_run(int value)
{
	int result = -1, *out;

	if (cudaMalloc(&out, sizeof(*out)) != cudaSuccess)
		return -1;
	cudaMemcpyToSymbol(plugin_variable, &value, sizeof(value));
	plugin_kernel<<<1, 1>>>(out);
	cudaMemcpy(&result, out, sizeof(result), cudaMemcpyDeviceToHost);
	return cudaFree(out) == cudaSuccess && cudaGetLastError() == cudaSuccess ? result : -1;
}
