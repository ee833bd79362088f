/* The one device: its name, size and limits. */
#ifndef DRV_DEVICE_H
#define DRV_DEVICE_H

#include <cuda.h>
#include <stddef.h>
#include <stdint.h>

struct drv_device {
	char name[96];
	CUuuid uuid;
	unsigned capability; /* 10 * major + minor */
	unsigned cores;
	size_t memory_bytes;
	uint64_t timeout_ns; /* how long a grid may run; 0: for ever */
	/* What the compute capability decides. */
	unsigned threads_per_multiprocessor;
	unsigned blocks_per_multiprocessor;
	size_t shared_per_multiprocessor;
	size_t shared_optin; /* per block, after cuFuncSetAttribute */
};

/* Limits that all supported compute capabilities share. */
enum {
	DRV_WARP = 32,
	DRV_BLOCK_THREADS = 1024,
	DRV_BLOCK_Z = 64,
	DRV_GRID_YZ = 65535,
	DRV_SHARED_DEFAULT = 48 << 10,
	DRV_REGISTERS = 65536,
	DRV_CLUSTER_BLOCKS = 8,        /* that every device with clusters allows */
	DRV_CLUSTER_BLOCKS_LARGE = 16, /* with CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED */
	DRV_CLUSTER_CAPABILITY = 90,   /* the first that has clusters */
};

/* Looks at the machine and at CRICKET_CPU_MEMORY (bytes, or with suffix K, M, G), CRICKET_CPU_CC ("7.5") and
   CRICKET_CPU_TIMEOUT (seconds). CUDA_ERROR_INVALID_VALUE, with a line in the log, when one of them makes no sense. */
CUresult drv_device_init(void);
const struct drv_device *drv_device(void);

/* CUDA_ERROR_INVALID_DEVICE when there is no such device. */
CUresult drv_device_check(CUdevice device);

/* The value of a device attribute; CUDA_ERROR_INVALID_VALUE for a number that is none. */
CUresult drv_device_attribute(CUdevice_attribute attribute, int *value);

#endif
