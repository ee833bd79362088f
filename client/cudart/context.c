#include "context.h"

#include <stdatomic.h>
#include <string.h>

#include "registry.h"

struct device {
	CUdevice handle;
	CUcontext primary; /* NULL unless this runtime holds a reference to it */
};

rt_thread_local struct rt_thread rt_thread;
_Atomic(unsigned) rt_generation = 1;

static struct rt_mutex context_lock = RT_MUTEX_INIT;
static struct device *devices;
static int device_count;
static int *valid_devices;
static int valid_count;

/* Lists the devices. The lock is held, the driver is open. */
static cudaError_t devices_list(void)
{
	struct device *list;
	int count = 0;
	CUresult result;

	if (devices)
		return cudaSuccess;
	result = rt_driver.cuDeviceGetCount(&count);
	if (result != CUDA_SUCCESS)
		return rt_error(result);
	if (count <= 0)
		return cudaErrorNoDevice;
	list = rt_alloc((size_t)count * sizeof(*list));
	if (!list)
		return cudaErrorMemoryAllocation;
	for (int i = 0; i < count && result == CUDA_SUCCESS; i++)
		result = rt_driver.cuDeviceGet(&list[i].handle, i);
	if (result != CUDA_SUCCESS) {
		rt_free(list);
		return rt_error(result);
	}
	device_count = count;
	devices = list;
	return cudaSuccess;
}

/* Opens the driver, lists the devices and, on success, leaves with the lock held. */
static cudaError_t devices_lock(void)
{
	cudaError_t error = rt_driver_open();

	if (error != cudaSuccess)
		return error;
	rt_mutex_lock(&context_lock);
	error = devices_list();
	if (error != cudaSuccess)
		rt_mutex_unlock(&context_lock);
	return error;
}

cudaError_t rt_device_count(int *count)
{
	cudaError_t error = devices_lock();

	*count = 0;
	if (error != cudaSuccess)
		return error;
	*count = device_count;
	rt_mutex_unlock(&context_lock);
	return cudaSuccess;
}

cudaError_t rt_device_handle(int ordinal, CUdevice *device)
{
	cudaError_t error = devices_lock();

	if (error != cudaSuccess)
		return error;
	if (ordinal < 0 || ordinal >= device_count)
		error = cudaErrorInvalidDevice;
	else
		*device = devices[ordinal].handle;
	rt_mutex_unlock(&context_lock);
	return error;
}

cudaError_t rt_device_set_valid(const int *ordinals, int count)
{
	cudaError_t error = devices_lock();
	int *list = NULL;

	if (error != cudaSuccess)
		return error;
	if (count < 0 || count > device_count)
		error = cudaErrorInvalidValue;
	for (int i = 0; i < count && error == cudaSuccess; i++)
		if (ordinals[i] < 0 || ordinals[i] >= device_count)
			error = cudaErrorInvalidDevice;
	if (error == cudaSuccess && count > 0 && !(list = rt_alloc((size_t)count * sizeof(*list))))
		error = cudaErrorMemoryAllocation;
	if (error == cudaSuccess) {
		if (list)
			memcpy(list, ordinals, (size_t)count * sizeof(*list));
		rt_free(valid_devices);
		valid_devices = list;
		valid_count = count;
	}
	rt_mutex_unlock(&context_lock);
	return error;
}

/* The primary context of the device, retained once for the life of the process or until it is reset. */
static cudaError_t primary_retain(int ordinal, CUcontext *context, bool *created)
{
	cudaError_t error = devices_lock();

	if (error != cudaSuccess)
		return error;
	*created = 0;
	if (ordinal < 0 || ordinal >= device_count) {
		error = cudaErrorInvalidDevice;
	} else if (!devices[ordinal].primary) {
		error =
		    rt_error(rt_driver.cuDevicePrimaryCtxRetain(&devices[ordinal].primary, devices[ordinal].handle));
		if (error != cudaSuccess)
			devices[ordinal].primary = NULL;
		*created = error == cudaSuccess;
	}
	if (error == cudaSuccess)
		*context = devices[ordinal].primary;
	rt_mutex_unlock(&context_lock);
	return error;
}

cudaError_t rt_context_primary(int ordinal, CUcontext *context)
{
	bool created;

	return primary_retain(ordinal, context, &created);
}

/* Many programs name their device before every call: that is a look at the current context while nothing changes. */
static bool context_in_use(int ordinal, unsigned generation)
{
	CUcontext current;

	return rt_thread.bound && rt_thread.bound_device == ordinal && rt_thread.generation == generation &&
	       rt_driver.cuCtxGetCurrent(&current) == CUDA_SUCCESS && current == rt_thread.bound;
}

cudaError_t rt_context_use(int ordinal)
{
	unsigned generation = atomic_load(&rt_generation);
	CUcontext context;
	bool created;
	cudaError_t error;

	if (context_in_use(ordinal, generation))
		return cudaSuccess;
	error = primary_retain(ordinal, &context, &created);
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxSetCurrent(context));
	if (error != cudaSuccess)
		return error;
	rt_thread.bound = context;
	rt_thread.bound_device = ordinal;
	rt_thread.generation = generation;
	return created ? rt_registry_context_created() : cudaSuccess;
}

/* The ordinal that a thread uses which has no current context. */
static int device_default(void)
{
	int ordinal = rt_thread.chosen - 1;

	if (ordinal >= 0)
		return ordinal;
	rt_mutex_lock(&context_lock);
	ordinal = valid_count > 0 ? valid_devices[0] : 0;
	rt_mutex_unlock(&context_lock);
	return ordinal;
}

/*
 * The thread's current context, NULL if there is none that can be used: the one that the runtime bound is of
 * no use after a reset.
 */
static cudaError_t context_current(CUcontext *context)
{
	cudaError_t error = rt_driver_open();

	*context = NULL;
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuCtxGetCurrent(context));
	if (*context == rt_thread.bound && rt_thread.generation != atomic_load(&rt_generation))
		*context = NULL;
	return error;
}

static cudaError_t context_bind(void)
{
	unsigned generation = atomic_load(&rt_generation);
	CUcontext current;
	cudaError_t error = context_current(&current);

	if (error != cudaSuccess)
		return error;
	if (!current)
		return rt_context_use(device_default());
	rt_thread.generation = generation;
	return cudaSuccess;
}

cudaError_t rt_enter(void)
{
	CUcontext current;

	if (rt_thread.generation == atomic_load_explicit(&rt_generation, memory_order_acquire) &&
	    rt_driver.cuCtxGetCurrent(&current) == CUDA_SUCCESS && current)
		return cudaSuccess;
	return context_bind();
}

cudaError_t rt_device_ordinal(CUdevice handle, int *ordinal)
{
	cudaError_t error = devices_lock();

	if (error != cudaSuccess)
		return error;
	error = cudaErrorInvalidDevice;
	for (int i = 0; i < device_count; i++)
		if (devices[i].handle == handle) {
			*ordinal = i;
			error = cudaSuccess;
		}
	rt_mutex_unlock(&context_lock);
	return error;
}

cudaError_t rt_device_current(int *ordinal)
{
	CUcontext current;
	CUdevice handle;
	cudaError_t error = context_current(&current);

	if (error != cudaSuccess)
		return error;
	if (current && current == rt_thread.bound) {
		*ordinal = rt_thread.bound_device;
		return cudaSuccess;
	}
	if (!current) {
		int wanted = device_default();

		error = rt_device_handle(wanted, &handle);
		if (error == cudaSuccess)
			*ordinal = wanted;
		return error;
	}
	error = rt_error(rt_driver.cuCtxGetDevice(&handle));
	return error == cudaSuccess ? rt_device_ordinal(handle, ordinal) : error;
}

cudaError_t rt_context_reset(int ordinal)
{
	cudaError_t error = devices_lock();
	struct device *device;

	if (error != cudaSuccess)
		return error;
	device = &devices[ordinal];
	if (device->primary)
		error = rt_error(rt_driver.cuDevicePrimaryCtxRelease(device->handle));
	device->primary = NULL;
	if (error == cudaSuccess)
		error = rt_error(rt_driver.cuDevicePrimaryCtxReset(device->handle));
	atomic_fetch_add(&rt_generation, 1);
	rt_mutex_unlock(&context_lock);
	return error;
}
