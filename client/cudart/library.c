/* Code that the program loads itself. Kernel handles that are given out can be passed for a function symbol. */
#include "api.h"
#include "registry.h"

RT_CALL(cudaLibraryLoadData,
	(cudaLibrary_t * library, const void *code, enum cudaJitOption *jitOptions, void **jitOptionsValues,
	 unsigned int numJitOptions, enum cudaLibraryOption *libraryOptions, void **libraryOptionValues,
	 unsigned int numLibraryOptions),
	cuLibraryLoadData(library, code, (CUjit_option *)jitOptions, jitOptionsValues, numJitOptions,
			  (CUlibraryOption *)libraryOptions, libraryOptionValues, numLibraryOptions))
RT_CALL(cudaLibraryLoadFromFile,
	(cudaLibrary_t * library, const char *fileName, enum cudaJitOption *jitOptions, void **jitOptionsValues,
	 unsigned int numJitOptions, enum cudaLibraryOption *libraryOptions, void **libraryOptionValues,
	 unsigned int numLibraryOptions),
	cuLibraryLoadFromFile(library, fileName, (CUjit_option *)jitOptions, jitOptionsValues, numJitOptions,
			      (CUlibraryOption *)libraryOptions, libraryOptionValues, numLibraryOptions))
RT_CALL(cudaLibraryUnload, (cudaLibrary_t library), cuLibraryUnload(library))
RT_CALL(cudaLibraryGetGlobal, (void **dptr, size_t *bytes, cudaLibrary_t library, const char *name),
	cuLibraryGetGlobal((CUdeviceptr *)dptr, bytes, library, name))
RT_CALL(cudaLibraryGetManaged, (void **dptr, size_t *bytes, cudaLibrary_t library, const char *name),
	cuLibraryGetManaged((CUdeviceptr *)dptr, bytes, library, name))
RT_CALL(cudaLibraryGetUnifiedFunction, (void **fptr, cudaLibrary_t library, const char *symbol),
	cuLibraryGetUnifiedFunction(fptr, library, symbol))
RT_CALL(cudaLibraryGetKernelCount, (unsigned int *count, cudaLibrary_t lib), cuLibraryGetKernelCount(count, lib))

cudaError_t cudaLibraryGetKernel(cudaKernel_t *pKernel, cudaLibrary_t library, const char *name)
{
	cudaError_t error = pKernel ? rt_enter() : cudaErrorInvalidValue;

	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuLibraryGetKernel(pKernel, library, name));
	if (error == cudaSuccess)
		error = rt_kernel_remember(*pKernel);
	return rt_record(error);
}

/* The driver may give fewer kernels than asked for, hence the NULLs. */
cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t *kernels, unsigned int numKernels, cudaLibrary_t lib)
{
	cudaError_t error = kernels ? rt_enter() : cudaErrorInvalidValue;

	for (unsigned i = 0; error == cudaSuccess && i < numKernels; i++)
		kernels[i] = NULL;
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuLibraryEnumerateKernels(kernels, numKernels, lib));
	for (unsigned i = 0; error == cudaSuccess && i < numKernels && kernels[i]; i++)
		error = rt_kernel_remember(kernels[i]);
	return rt_record(error);
}
