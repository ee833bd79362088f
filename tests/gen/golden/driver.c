/* Made by proto/gen.py from proto/small.x. Do not edit: change the description instead. */

#include "driver.h"

#include <dlfcn.h>

void srv_driver_load(struct srv_driver *driver, void *library)
{
	*(void **)&driver->cuInit = dlsym(library, "cuInit");
	*(void **)&driver->cuCtxSynchronize = dlsym(library, "cuCtxSynchronize");
	*(void **)&driver->cuMemGetInfo_v2 = dlsym(library, "cuMemGetInfo_v2");
	*(void **)&driver->cuEventCreate = dlsym(library, "cuEventCreate");
	*(void **)&driver->cuEventDestroy_v2 = dlsym(library, "cuEventDestroy_v2");
	*(void **)&driver->cuEventRecord = dlsym(library, "cuEventRecord");
	*(void **)&driver->cuLibraryGetUnifiedFunction = dlsym(library, "cuLibraryGetUnifiedFunction");
	*(void **)&driver->cuMemsetD8_v2 = dlsym(library, "cuMemsetD8_v2");
	*(void **)&driver->cuMemsetD8Async = dlsym(library, "cuMemsetD8Async");
	*(void **)&driver->cuMemcpyHtoD_v2 = dlsym(library, "cuMemcpyHtoD_v2");
}
