#include "device.h"

#include <stdio.h>
#include <string.h>

#include "connection.h"
#include "hand.h"
#include "hello.h"

CUresult cu_check_device(CUdevice device)
{
	return device >= 0 && (u_int)device < cu_server_snapshot()->devices.devices_len ? CUDA_SUCCESS
											: CUDA_ERROR_INVALID_DEVICE;
}

const device_snapshot *cu_device(CUdevice device)
{
	return &cu_server_snapshot()->devices.devices_val[device];
}

bool cu_device_attribute(CUdevice device, int attribute, int *value)
{
	const device_snapshot *snapshot = cu_device(device);
	if (attribute < 1 || (u_int)attribute >= snapshot->attributes.attributes_len)
		return false;
	*value = snapshot->attributes.attributes_val[attribute];
	return *value != CRICKET_NO_ATTRIBUTE;
}

/* What the device has but a remote program cannot use: the host's memory is not the server's. Calls that need these
   return CUDA_ERROR_NOT_SUPPORTED, and a program that asks first can do without. */
static bool out_of_reach(CUdevice_attribute attribute)
{
	switch (attribute) {
	case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
	case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
	case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
	case CU_DEVICE_ATTRIBUTE_DIRECT_MANAGED_MEM_ACCESS_FROM_HOST:
	case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS:
	case CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM:
	case CU_DEVICE_ATTRIBUTE_HOST_NATIVE_ATOMIC_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_FABRIC_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_WITH_CUDA_VMM_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_DMA_BUF_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
	case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
	case CU_DEVICE_ATTRIBUTE_TIMELINE_SEMAPHORE_INTEROP_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_IPC_EVENT_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
	case CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_UNIFIED_FUNCTION_POINTERS:
	case CU_DEVICE_ATTRIBUTE_SPARSE_CUDA_ARRAY_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED:
	case CU_DEVICE_ATTRIBUTE_MULTICAST_SUPPORTED:
		return true;
	default:
		return false;
	}
}

CUresult client_cuInit(unsigned int Flags)
{
	if (Flags)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_connect();
	if (!err)
		cu_set_initialised();
	return err;
}

CUresult client_cuDriverGetVersion(int *driverVersion)
{
	if (!driverVersion)
		return CUDA_ERROR_INVALID_VALUE;
	/* Works before cuInit: then it is the version whose interface this library has. */
	*driverVersion = cu_server_driver_version() ? cu_server_driver_version() : CUDA_VERSION;
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceGet(CUdevice *device, int ordinal)
{
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult err = cu_check_device(ordinal);
	if (!err)
		*device = ordinal;
	return err;
}

CUresult client_cuDeviceGetCount(int *count)
{
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	*count = (int)cu_server_snapshot()->devices.devices_len;
	return CUDA_SUCCESS;
}

/* Copies text into a caller's buffer of `length` bytes, cut if need be. */
static CUresult copy_text(char *to, int length, const char *text, CUdevice device)
{
	CUresult err = cu_check_device(device);
	if (err)
		return err;
	if (!to || length <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	snprintf(to, (size_t)length, "%s", text);
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceGetName(char *name, int len, CUdevice dev)
{
	return copy_text(name, len, cu_check_device(dev) ? "" : cu_device(dev)->name, dev);
}

CUresult client_cuDeviceGetPCIBusId(char *pciBusId, int len, CUdevice dev)
{
	return copy_text(pciBusId, len, cu_check_device(dev) ? "" : cu_device(dev)->pci_bus_id, dev);
}

CUresult client_cuDeviceGetByPCIBusId(CUdevice *dev, const char *pciBusId)
{
	unsigned domain, bus, slot, function = 0;
	if (!dev || !pciBusId)
		return CUDA_ERROR_INVALID_VALUE;
	if (sscanf(pciBusId, "%x:%x:%x.%x", &domain, &bus, &slot, &function) < 3) {
		domain = 0;
		if (sscanf(pciBusId, "%x:%x.%x", &bus, &slot, &function) < 2)
			return CUDA_ERROR_INVALID_VALUE;
	}
	for (int device = 0; !cu_check_device(device); device++) {
		unsigned d, b, s, f;
		if (sscanf(cu_device(device)->pci_bus_id, "%x:%x:%x.%x", &d, &b, &s, &f) == 4 && d == domain &&
		    b == bus && s == slot && f == function) {
			*dev = device;
			return CUDA_SUCCESS;
		}
	}
	return CUDA_ERROR_INVALID_DEVICE;
}

CUresult client_cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!uuid)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(uuid->bytes, cu_device(dev)->uuid, sizeof(uuid->bytes));
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceGetUuid(CUuuid *uuid, CUdevice dev)
{
	return client_cuDeviceGetUuid_v2(uuid, dev);
}

CUresult client_cuDeviceGetLuid(char *luid, unsigned int *deviceNodeMask, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!luid || !deviceNodeMask)
		return CUDA_ERROR_INVALID_VALUE;
	memcpy(luid, cu_device(dev)->luid, sizeof(cu_device(dev)->luid));
	*deviceNodeMask = cu_device(dev)->luid_node_mask;
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	*bytes = cu_device(dev)->total_memory;
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceGetAttribute(int *pi, CUdevice_attribute attrib, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	int value;
	if (!pi || !cu_device_attribute(dev, (int)attrib, &value))
		return CUDA_ERROR_INVALID_VALUE;
	*pi = out_of_reach(attrib) ? 0 : value;
	return CUDA_SUCCESS;
}

CUresult client_cuDeviceComputeCapability(int *major, int *minor, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!major || !minor)
		return CUDA_ERROR_INVALID_VALUE;
	bool known = cu_device_attribute(dev, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, major) &&
		     cu_device_attribute(dev, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, minor);
	return known ? CUDA_SUCCESS : CUDA_ERROR_UNKNOWN;
}

static int attribute_or_zero(CUdevice device, CUdevice_attribute attribute)
{
	int value;
	return cu_device_attribute(device, (int)attribute, &value) ? value : 0;
}

CUresult client_cuDeviceGetProperties(CUdevprop *prop, CUdevice dev)
{
	CUresult err = cu_check_device(dev);
	if (err)
		return err;
	if (!prop)
		return CUDA_ERROR_INVALID_VALUE;
	for (int axis = 0; axis < 3; axis++) {
		prop->maxThreadsDim[axis] = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X + axis);
		prop->maxGridSize[axis] = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X + axis);
	}
	prop->maxThreadsPerBlock = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
	prop->sharedMemPerBlock = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
	prop->totalConstantMemory = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY);
	prop->SIMDWidth = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
	prop->memPitch = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_PITCH);
	prop->regsPerBlock = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK);
	prop->clockRate = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
	prop->textureAlign = attribute_or_zero(dev, CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT);
	return CUDA_SUCCESS;
}
