/* Devices, as the snapshot describes them. */
#ifndef CU_DEVICE_H
#define CU_DEVICE_H

#include "entry.h"
#include "rpc_control.h"

/* CUDA_ERROR_INVALID_DEVICE unless the ordinal is one. */
CUresult cu_check_device(CUdevice device);

/* The device's snapshot; the ordinal must have been checked. */
const device_snapshot *cu_device(CUdevice device);

/* An attribute; false when the server's driver did not know it. */
bool cu_device_attribute(CUdevice device, int attribute, int *value);

#endif
