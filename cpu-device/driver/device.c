/* cuDevice*: one device, number 0. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "driver.h"

static const char bus_id[] = "0000:00:00.0";

CUresult drv_device_check(CUdevice device)
{
	return device == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

/* Enters for a call about `device`. */
static CUresult device_enter(CUdevice device)
{
	CUresult result = drv_enter();
	if (result == CUDA_SUCCESS && device != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	return result;
}

DRV_API CUresult cuDeviceGetCount(int *count)
{
	if (!count)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	*count = 1;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGet(CUdevice *device, int ordinal)
{
	if (!device)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(ordinal);
	if (result != CUDA_SUCCESS)
		return result;
	*device = 0;
	return drv_leave(CUDA_SUCCESS);
}

/* Copies `text` and its terminator as far as they fit into `size` bytes. */
static void text_give(char *to, int size, const char *text)
{
	snprintf(to, (size_t)size, "%s", text);
}

DRV_API CUresult cuDeviceGetName(char *name, int length, CUdevice device)
{
	if (!name || length <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	text_give(name, length, drv_device()->name);
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device)
{
	if (!uuid)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	*uuid = drv_device()->uuid;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device)
{
	return cuDeviceGetUuid_v2(uuid, device);
}

/* A locally unique identifier is a notion of Windows. */
DRV_API CUresult cuDeviceGetLuid(char *luid, unsigned *node_mask, CUdevice device)
{
	if (!luid || !node_mask)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	return result == CUDA_SUCCESS ? drv_leave(CUDA_ERROR_NOT_SUPPORTED) : result;
}

DRV_API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device)
{
	if (!bytes)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	*bytes = drv_device()->memory_bytes;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device)
{
	if (!value)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	return result == CUDA_SUCCESS ? drv_leave(drv_device_attribute(attribute, value)) : result;
}

DRV_API CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device)
{
	if (!major || !minor)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = cuDeviceGetAttribute(major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
	if (result != CUDA_SUCCESS)
		return result;
	return cuDeviceGetAttribute(minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
}

DRV_API CUresult cuDeviceGetProperties(CUdevprop *properties, CUdevice device)
{
	if (!properties)
		return CUDA_ERROR_INVALID_VALUE;
	const struct {
		CUdevice_attribute attribute;
		int *value;
	} fields[] = {
	    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &properties->maxThreadsPerBlock},
	    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, &properties->maxThreadsDim[0]},
	    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, &properties->maxThreadsDim[1]},
	    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, &properties->maxThreadsDim[2]},
	    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, &properties->maxGridSize[0]},
	    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, &properties->maxGridSize[1]},
	    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, &properties->maxGridSize[2]},
	    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, &properties->sharedMemPerBlock},
	    {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, &properties->totalConstantMemory},
	    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, &properties->SIMDWidth},
	    {CU_DEVICE_ATTRIBUTE_MAX_PITCH, &properties->memPitch},
	    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, &properties->regsPerBlock},
	    {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, &properties->clockRate},
	    {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, &properties->textureAlign},
	};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		CUresult result = cuDeviceGetAttribute(fields[i].value, fields[i].attribute, device);
		if (result != CUDA_SUCCESS)
			return result;
	}
	return CUDA_SUCCESS;
}

DRV_API CUresult cuDeviceGetPCIBusId(char *id, int length, CUdevice device)
{
	if (!id || length <= 0)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	text_give(id, length, bus_id);
	return drv_leave(CUDA_SUCCESS);
}

/* Accepts [domain]:[bus]:[device].[function], [domain]:[bus]:[device] and [bus]:[device].[function], all hexadecimal.
 */
static bool bus_id_is_ours(const char *id)
{
	unsigned domain = 0, bus, slot, function = 0;
	if (sscanf(id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) < 3) {
		domain = function = 0;
		if (sscanf(id, "%x:%x.%x", &bus, &slot, &function) != 3)
			return false;
	}
	return !domain && !bus && !slot && !function;
}

DRV_API CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *id)
{
	if (!device || !id)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = drv_enter();
	if (result != CUDA_SUCCESS)
		return result;
	if (!bus_id_is_ours(id))
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	*device = 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGetExecAffinitySupport(int *supported, CUexecAffinityType type, CUdevice device)
{
	if (!supported || (unsigned)type >= CU_EXEC_AFFINITY_TYPE_MAX)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	*supported = 0;
	return drv_leave(CUDA_SUCCESS);
}

/* Peers: there is only one device, and a device is not its own peer. */

DRV_API CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer)
{
	if (!can)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(device);
	if (result != CUDA_SUCCESS)
		return result;
	if (peer != 0)
		return drv_leave(CUDA_ERROR_INVALID_DEVICE);
	*can = 0;
	return drv_leave(CUDA_SUCCESS);
}

DRV_API CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute, CUdevice from, CUdevice to)
{
	if (!value || attribute < CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK ||
	    attribute > CU_DEVICE_P2P_ATTRIBUTE_ONLY_PARTIAL_NATIVE_ATOMIC_SUPPORTED)
		return CUDA_ERROR_INVALID_VALUE;
	CUresult result = device_enter(from);
	(void)to; /* either it is no device, or the same one */
	return result == CUDA_SUCCESS ? drv_leave(CUDA_ERROR_INVALID_DEVICE) : result;
}
