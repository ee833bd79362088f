#include "registry.h"

#include <string.h>

#include "address_map.h"

enum symbol_kind { SYMBOL_KERNEL, SYMBOL_VARIABLE, SYMBOL_MANAGED };

struct symbol {
	enum symbol_kind kind;
	struct fatbin *fatbin;
	struct symbol *next;      /* in the fat binary */
	struct symbol *shadowed;  /* an earlier registration of the same host address, by another fat binary */
	const void *host;         /* managed variables: the host's pointer variable, set when loaded */
	const char *name;         /* the device's name; lives in the program beside the fat binary */
	_Atomic(CUkernel) kernel; /* once found */
	CUcontext context;        /* where `address` is good, while `generation` is rt_generation */
	unsigned generation;
	CUdeviceptr address;
	size_t size;
};

struct fatbin {
	void *wrapper;
	CUlibrary library; /* NULL until loaded */
	struct symbol *symbols;
	bool managed; /* has managed variables */
	struct fatbin *next;
};

/* Guards everything here but the reading of the maps and of symbol.kernel. */
static struct rt_mutex registry_lock = RT_MUTEX_INIT;
static struct fatbin *fatbins;
static struct rt_address_map symbols; /* host address → struct symbol */
static struct rt_address_map kernels; /* CUkernel → itself */

void **__cudaRegisterFatBinary(void *wrapper)
{
	struct fatbin *fatbin = rt_alloc(sizeof(*fatbin));

	if (!fatbin)
		return NULL;
	fatbin->wrapper = wrapper;
	rt_mutex_lock(&registry_lock);
	fatbin->next = fatbins;
	fatbins = fatbin;
	rt_mutex_unlock(&registry_lock);
	return (void **)fatbin;
}

/* Registration is complete as it goes; loading waits for the first use. */
void __cudaRegisterFatBinaryEnd(void **handle)
{
	(void)handle;
}

/* Takes the symbol from the map, or from behind the one that shadows it. The lock is held. */
static void symbol_remove(struct symbol *symbol)
{
	struct symbol *visible = rt_address_map_get(&symbols, symbol->host);

	if (visible == symbol) {
		rt_address_map_set(&symbols, symbol->host, symbol->shadowed);
		return;
	}
	while (visible && visible->shadowed != symbol)
		visible = visible->shadowed;
	if (visible)
		visible->shadowed = symbol->shadowed;
}

static void symbols_free(struct fatbin *fatbin)
{
	while (fatbin->symbols) {
		struct symbol *symbol = fatbin->symbols;

		fatbin->symbols = symbol->next;
		symbol_remove(symbol);
		rt_free(symbol);
	}
}

/* At exit the driver may be gone already, which is what cudaErrorCudartUnloading says. */
static void library_unload(CUlibrary library)
{
	cudaError_t error = rt_error(rt_driver.cuLibraryUnload(library));

	if (error != cudaSuccess && error != cudaErrorCudartUnloading)
		rt_log(RT_LOG_INFO, "unloading a fat binary: %s", cudaGetErrorString(error));
}

void __cudaUnregisterFatBinary(void **handle)
{
	struct fatbin *fatbin = (struct fatbin *)handle;
	struct fatbin **link = &fatbins;

	if (!fatbin)
		return;
	rt_mutex_lock(&registry_lock);
	while (*link && *link != fatbin)
		link = &(*link)->next;
	if (*link) {
		*link = fatbin->next;
		symbols_free(fatbin);
		if (fatbin->library)
			library_unload(fatbin->library);
		rt_free(fatbin);
	}
	rt_mutex_unlock(&registry_lock);
}

static void symbol_register(void **handle, enum symbol_kind kind, const void *host, const char *name, size_t size)
{
	struct fatbin *fatbin = (struct fatbin *)handle;
	struct symbol *symbol = fatbin && host ? rt_alloc(sizeof(*symbol)) : NULL;

	if (!symbol) {
		rt_log(RT_LOG_ERROR, "%s could not be registered", name);
		return;
	}
	symbol->kind = kind;
	symbol->fatbin = fatbin;
	symbol->host = host;
	symbol->name = name;
	symbol->size = size;
	rt_mutex_lock(&registry_lock);
	symbol->shadowed = rt_address_map_get(&symbols, host);
	symbol->next = fatbin->symbols;
	fatbin->symbols = symbol;
	fatbin->managed |= kind == SYMBOL_MANAGED;
	if (rt_address_map_set(&symbols, host, symbol) != 0)
		rt_log(RT_LOG_ERROR, "%s could not be registered: out of memory", name);
	rt_mutex_unlock(&registry_lock);
}

void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int thread_limit,
			    uint3 *thread, uint3 *block, dim3 *block_size, dim3 *grid_size, int *warp_size)
{
	(void)device, (void)thread_limit, (void)thread, (void)block;
	(void)block_size, (void)grid_size, (void)warp_size;
	symbol_register(handle, SYMBOL_KERNEL, host, name, 0);
}

void __cudaRegisterVar(void **handle, char *host, char *device, const char *name, int external, size_t size,
		       int constant, int global)
{
	(void)device, (void)external, (void)constant, (void)global;
	symbol_register(handle, SYMBOL_VARIABLE, host, name, size);
}

void __cudaRegisterManagedVar(void **handle, void **host, char *device, const char *name, int external, size_t size,
			      int constant, int global)
{
	(void)device, (void)external, (void)constant, (void)global;
	symbol_register(handle, SYMBOL_MANAGED, host, name, size);
}

/* Gives the host its pointer to a managed variable. The lock is held. */
static cudaError_t managed_place(struct symbol *symbol)
{
	void **host = (void **)symbol->host;
	CUdeviceptr address;
	size_t size;
	CUresult result = rt_driver.cuLibraryGetManaged(&address, &size, symbol->fatbin->library, symbol->name);

	if (result == CUDA_SUCCESS)
		*host = (void *)address;
	return rt_error(result);
}

/* Loads the fat binary unless it is loaded. The lock is held, a context is current. */
static cudaError_t fatbin_load(struct fatbin *fatbin)
{
	/* The wrapper lives as long as the program has it registered, so the driver need not copy it. */
	CUlibraryOption option = CU_LIBRARY_BINARY_IS_PRESERVED;
	void *value = (void *)1;
	CUlibrary library;
	cudaError_t error;

	if (fatbin->library)
		return cudaSuccess;
	error = rt_error(rt_driver.cuLibraryLoadData(&library, fatbin->wrapper, NULL, NULL, 0, &option, &value, 1));
	if (error != cudaSuccess)
		return error;
	fatbin->library = library;
	for (struct symbol *symbol = fatbin->symbols; symbol && error == cudaSuccess; symbol = symbol->next)
		if (symbol->kind == SYMBOL_MANAGED)
			error = managed_place(symbol);
	if (error != cudaSuccess) {
		fatbin->library = NULL;
		library_unload(library);
	}
	return error;
}

char __cudaInitModule(void **handle)
{
	struct fatbin *fatbin = (struct fatbin *)handle;
	cudaError_t error = fatbin ? rt_enter() : cudaErrorInvalidResourceHandle;

	if (error == cudaSuccess) {
		rt_mutex_lock(&registry_lock);
		error = fatbin_load(fatbin);
		rt_mutex_unlock(&registry_lock);
	}
	return rt_record(error) == cudaSuccess;
}

cudaError_t rt_registry_context_created(void)
{
	const char *loading = rt_environment("CUDA_MODULE_LOADING");
	bool eager = loading && strcmp(loading, "EAGER") == 0;
	cudaError_t error = cudaSuccess;

	rt_mutex_lock(&registry_lock);
	for (struct fatbin *fatbin = fatbins; fatbin && error == cudaSuccess; fatbin = fatbin->next)
		if (eager || fatbin->managed)
			error = fatbin_load(fatbin);
	rt_mutex_unlock(&registry_lock);
	return error;
}

/* Looks the kernel up in its fat binary. A context is current. */
static cudaError_t symbol_load_kernel(struct symbol *symbol, CUkernel *kernel)
{
	cudaError_t error;

	rt_mutex_lock(&registry_lock);
	error = fatbin_load(symbol->fatbin);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuLibraryGetKernel(kernel, symbol->fatbin->library, symbol->name));
	if (error == cudaErrorSymbolNotFound)
		error = cudaErrorInvalidDeviceFunction;
	if (error == cudaSuccess)
		atomic_store_explicit(&symbol->kernel, *kernel, memory_order_release);
	rt_mutex_unlock(&registry_lock);
	return error;
}

cudaError_t rt_kernel_of_symbol(const void *function, CUkernel *kernel)
{
	struct symbol *symbol = rt_address_map_get(&symbols, function);

	if (!symbol || symbol->kind != SYMBOL_KERNEL)
		return cudaErrorInvalidDeviceFunction;
	*kernel = atomic_load_explicit(&symbol->kernel, memory_order_acquire);
	return *kernel ? cudaSuccess : symbol_load_kernel(symbol, kernel);
}

cudaError_t rt_kernel_find(const void *function, CUkernel *kernel)
{
	cudaError_t error = rt_kernel_of_symbol(function, kernel);

	if (error == cudaErrorInvalidDeviceFunction && rt_address_map_get(&kernels, function)) {
		*kernel = (CUkernel)function;
		return cudaSuccess;
	}
	return error;
}

cudaError_t rt_kernel_remember(CUkernel kernel)
{
	int failed = 0;

	rt_mutex_lock(&registry_lock);
	if (!rt_address_map_get(&kernels, kernel))
		failed = rt_address_map_set(&kernels, kernel, kernel);
	rt_mutex_unlock(&registry_lock);
	return failed ? cudaErrorMemoryAllocation : cudaSuccess;
}

/* Asks the driver for the variable's place in the current context. The lock is held. */
static cudaError_t variable_locate(struct symbol *symbol, CUcontext context)
{
	cudaError_t error = fatbin_load(symbol->fatbin);
	CUlibrary library = symbol->fatbin->library;
	CUresult result;

	if (error != cudaSuccess)
		return error;
	if (symbol->kind == SYMBOL_MANAGED)
		result = rt_driver.cuLibraryGetManaged(&symbol->address, &symbol->size, library, symbol->name);
	else
		result = rt_driver.cuLibraryGetGlobal(&symbol->address, &symbol->size, library, symbol->name);
	if (result == CUDA_ERROR_NOT_FOUND)
		return cudaErrorInvalidSymbol;
	symbol->context = result == CUDA_SUCCESS ? context : NULL;
	return rt_error(result);
}

/*
 * A managed variable is known by the address of the host's pointer to it, or by that pointer's value: nvcc passes
 * the latter for `&variable`.
 */
static struct symbol *variable_symbol(const void *host)
{
	struct symbol *symbol = rt_address_map_get(&symbols, host);

	if (symbol)
		return symbol->kind == SYMBOL_KERNEL ? NULL : symbol;
	for (struct fatbin *fatbin = fatbins; fatbin; fatbin = fatbin->next)
		for (symbol = fatbin->managed ? fatbin->symbols : NULL; symbol; symbol = symbol->next)
			if (symbol->kind == SYMBOL_MANAGED && *(void *const *)symbol->host == host)
				return symbol;
	return NULL;
}

cudaError_t rt_variable_find(const void *host, CUdeviceptr *address, size_t *size)
{
	cudaError_t error = cudaSuccess;
	unsigned generation = rt_generation;
	struct symbol *symbol;
	CUcontext context = NULL;

	rt_mutex_lock(&registry_lock);
	symbol = host ? variable_symbol(host) : NULL;
	if (!symbol)
		error = cudaErrorInvalidSymbol;
	else
		error = rt_error(rt_driver.cuCtxGetCurrent(&context));
	if (error == cudaSuccess && (symbol->context != context || symbol->generation != generation))
		error = variable_locate(symbol, context);
	if (error == cudaSuccess) {
		symbol->generation = generation;
		*address = symbol->address;
		*size = symbol->size;
	}
	rt_mutex_unlock(&registry_lock);
	return error;
}
