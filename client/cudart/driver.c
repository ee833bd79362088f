#include "driver.h"

#include <stdatomic.h>

#include "error.h"
#include "platform.h"

struct rt_driver rt_driver;

static struct rt_mutex driver_lock = RT_MUTEX_INIT;
static void *driver_library;
static bool driver_loaded;
static atomic_bool driver_initialised;
static cudaError_t driver_error;

/* Stands in for a function that the driver lacks; ignoring the arguments is sound as the caller owns them. */
static int driver_lacks_function(void)
{
	return CUDA_ERROR_NOT_SUPPORTED;
}

static void *driver_function(const char *name)
{
	void *function = rt_platform_driver_symbol(driver_library, name);

	return function ? function : (void *)driver_lacks_function;
}

/* Fills the table. The lock is held. */
static void driver_load(void)
{
	if (driver_loaded)
		return;
	driver_loaded = 1;
	driver_library = rt_platform_driver_open();
	if (!driver_library)
		return;
#define RT_NAME(function) #function
#define RT_DRIVER(function) rt_driver.function = (__typeof__(rt_driver.function))driver_function(RT_NAME(function));
#include "driver_functions.def"
#undef RT_DRIVER
#undef RT_NAME
}

static int driver_version(void)
{
	int version = 0;

	driver_load();
	if (driver_library && rt_driver.cuDriverGetVersion(&version) != CUDA_SUCCESS)
		version = 0;
	return version;
}

static cudaError_t driver_initialise(void)
{
	int version = driver_version();
	CUresult result;

	/* What is the matter with the missing one is in the log already. */
	if (!driver_library)
		return cudaErrorInsufficientDriver;
	if (version / 1000 < CUDART_VERSION / 1000) {
		rt_log(RT_LOG_ERROR, "the CUDA driver has version %d.%d, this runtime needs %d.0", version / 1000,
		       version % 1000 / 10, CUDART_VERSION / 1000);
		return cudaErrorInsufficientDriver;
	}
	result = rt_driver.cuInit(0);
	if (result != CUDA_SUCCESS)
		rt_log(RT_LOG_ERROR, "cuInit failed: %s", cudaGetErrorString(rt_error(result)));
	return rt_error(result);
}

cudaError_t rt_driver_open(void)
{
	if (atomic_load_explicit(&driver_initialised, memory_order_acquire))
		return driver_error;
	rt_mutex_lock(&driver_lock);
	if (!driver_initialised) {
		driver_error = driver_initialise();
		atomic_store_explicit(&driver_initialised, 1, memory_order_release);
	}
	rt_mutex_unlock(&driver_lock);
	return driver_error;
}

int rt_driver_version(void)
{
	int version;

	rt_mutex_lock(&driver_lock);
	version = driver_version();
	rt_mutex_unlock(&driver_lock);
	return version;
}
