/* struct cudaDeviceProp from the driver's attributes. */
#include "device.h"

#include <string.h>

_Static_assert(sizeof(struct cudaDeviceProp) == 1008, "the layout that CUDA 13 programs were compiled with");

struct property {
	CUdevice_attribute attribute;
	size_t offset;
	bool wide; /* a size_t, else an int */
};

static const struct property properties[] = {
#define RT_PROPERTY(field, attribute) {attribute, offsetof(struct cudaDeviceProp, field), 0},
#define RT_PROPERTY_SIZE(field, attribute) {attribute, offsetof(struct cudaDeviceProp, field), 1},
#include "properties.def"
#undef RT_PROPERTY
#undef RT_PROPERTY_SIZE
};

/* A driver of an earlier 13.x does not know the newest attributes; their fields stay 0. */
static cudaError_t property_get(const struct property *property, CUdevice device, struct cudaDeviceProp *all)
{
	char *field = (char *)all + property->offset;
	int value = 0;
	CUresult result = rt_driver.cuDeviceGetAttribute(&value, property->attribute, device);

	if (result == CUDA_ERROR_INVALID_VALUE)
		return cudaSuccess;
	if (property->wide)
		*(size_t *)field = (size_t)(unsigned)value;
	else
		*(int *)field = value;
	return rt_error(result);
}

/* The identity of the device. Only Windows has a LUID: elsewhere the driver refuses, and the field stays 0. */
static cudaError_t identity_get(CUdevice device, struct cudaDeviceProp *all)
{
	CUuuid uuid;
	CUresult result = rt_driver.cuDeviceGetName(all->name, (int)sizeof(all->name), device);

	if (result == CUDA_SUCCESS)
		result = rt_driver.cuDeviceTotalMem(&all->totalGlobalMem, device);
	if (result == CUDA_SUCCESS)
		result = rt_driver.cuDeviceGetUuid(&uuid, device);
	if (result == CUDA_SUCCESS)
		memcpy(&all->uuid, &uuid, sizeof(uuid));
	if (rt_driver.cuDeviceGetLuid(all->luid, &all->luidDeviceNodeMask, device) != CUDA_SUCCESS) {
		memset(all->luid, 0, sizeof(all->luid));
		all->luidDeviceNodeMask = 0;
	}
	return rt_error(result);
}

cudaError_t rt_device_properties(struct cudaDeviceProp *all, int ordinal)
{
	CUdevice device;
	cudaError_t error = rt_device_handle(ordinal, &device);

	if (error != cudaSuccess)
		return error;
	memset(all, 0, sizeof(*all));
	error = identity_get(device, all);
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]) && error == cudaSuccess; i++)
		error = property_get(&properties[i], device, all);
	return error;
}
