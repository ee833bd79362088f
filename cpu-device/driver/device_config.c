/* Makes the device's description from the machine and the environment. */
#define _GNU_SOURCE
#include "device.h"

#include <ctype.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "log.h"

static struct drv_device device;

const struct drv_device *drv_device(void)
{
	return &device;
}

/* CUDA C++ Programming Guide, table "Technical Specifications per Compute Capability". */
static const struct {
	unsigned capability;
	unsigned threads;
	unsigned blocks;
	unsigned shared_kib;
	unsigned optin_kib;
} generations[] = {
    {70, 2048, 32, 96, 96},   {75, 1024, 16, 64, 64},    {80, 2048, 32, 164, 163},
    {86, 1536, 16, 100, 99},  {87, 1536, 16, 164, 163},  {89, 1536, 24, 100, 99},
    {90, 2048, 32, 228, 227}, {100, 2048, 32, 228, 227}, {120, 1536, 24, 100, 99},
};

static void generation_apply(void)
{
	for (size_t i = 0; i < sizeof generations / sizeof *generations; i++) {
		if (generations[i].capability > device.capability)
			break;
		device.threads_per_multiprocessor = generations[i].threads;
		device.blocks_per_multiprocessor = generations[i].blocks;
		device.shared_per_multiprocessor = (size_t)generations[i].shared_kib << 10;
		device.shared_optin = (size_t)generations[i].optin_kib << 10;
	}
}

static bool capability_read(const char *text)
{
	unsigned major, minor;
	int length;
	if (!text) {
		device.capability = 75;
		return true;
	}
	if (sscanf(text, "%2u.%1u%n", &major, &minor, &length) != 2 || text[length] || major < 7 || major > 12)
		return false;
	device.capability = 10 * major + minor;
	return true;
}

static bool memory_read(const char *text)
{
	static const char suffixes[] = "KMG";
	if (!text) {
		device.memory_bytes = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE) / 2;
		return true;
	}
	char *end;
	unsigned long long size = strtoull(text, &end, 10);
	const char *suffix = *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
	unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	if (!isdigit((unsigned char)*text) || (suffix ? end[1] : *end) || size == 0 || size > SIZE_MAX >> shift >> 16)
		return false;
	device.memory_bytes = (size_t)size << shift;
	return true;
}

static bool timeout_read(const char *text)
{
	char *end;
	if (!text)
		return true;
	double seconds = strtod(text, &end);
	if (end == text || *end || !(seconds >= 0 && seconds < 1e9))
		return false;
	device.timeout_ns = (uint64_t)(seconds * 1e9);
	return true;
}

static unsigned cores_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	return online > 0 ? (unsigned)online : 1;
}

/* The same machine gives the same identity each time: programs compare it between processes. */
static void uuid_make(void)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	char host[256] = "";
	gethostname(host, sizeof host - 1);
	for (const char *c = host; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 1099511628211u;
	memcpy(device.uuid.bytes, "CricketC", 8);
	memcpy(device.uuid.bytes + 8, &hash, sizeof hash);
}

/* For kernels that ask. */
static bool attribute_known(int attribute, int *value)
{
	return drv_device_attribute((CUdevice_attribute)attribute, value) == CUDA_SUCCESS;
}

CUresult drv_device_init(void)
{
	const char *memory = getenv("CRICKET_CPU_MEMORY"), *capability = getenv("CRICKET_CPU_CC");
	const char *timeout = getenv("CRICKET_CPU_TIMEOUT");
	if (!memory_read(memory)) {
		drv_log(DRV_LOG_ERROR, "CRICKET_CPU_MEMORY=%s is not a size such as 512M or 4G", memory);
		return CUDA_ERROR_INVALID_VALUE;
	}
	if (!capability_read(capability)) {
		drv_log(DRV_LOG_ERROR, "CRICKET_CPU_CC=%s is not a compute capability from 7.0 to 12.9", capability);
		return CUDA_ERROR_INVALID_VALUE;
	}
	if (!timeout_read(timeout)) {
		drv_log(DRV_LOG_ERROR, "CRICKET_CPU_TIMEOUT=%s is not a number of seconds", timeout);
		return CUDA_ERROR_INVALID_VALUE;
	}
	cpu_exec_set_target((int)device.capability);
	cpu_exec_set_attributes(attribute_known);
	generation_apply();
	uuid_make();
	device.cores = cores_count();
	snprintf(device.name, sizeof device.name, "Cricket CPU device (%u core%s)", device.cores,
		 device.cores == 1 ? "" : "s");
	return CUDA_SUCCESS;
}
