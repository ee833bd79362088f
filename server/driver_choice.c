#include "driver_choice.h"

#include <cuda.h>
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A driver that takes longer than this to initialise is taken for broken. */
#define PROBE_TIMEOUT_MS 60000

/* What the probing child found, written to a pipe. */
struct probe {
	bool usable;
	int devices, version;
	char path[PATH_MAX]; /* of the library that was loaded */
	char device[256];    /* name of device 0 */
	char problem[256];
};

/* The remote libcuda and the CPU device must not be taken for the system's driver, whatever LD_LIBRARY_PATH says. */
static bool is_ours(const char *path)
{
	return strstr(path, "/remote/libcuda.so") || strstr(path, "/cpu/libcuda.so");
}

#define PROBE_SYMBOL(function) __typeof__(function) *p_##function = (__typeof__(function) *)dlsym(library, #function)

/* Initialises `library` in this (child) process. */
static bool probe_devices(void *library, struct probe *found)
{
	PROBE_SYMBOL(cuInit);
	PROBE_SYMBOL(cuDeviceGetCount);
	PROBE_SYMBOL(cuDriverGetVersion);
	PROBE_SYMBOL(cuDeviceGetName);
	if (!p_cuInit || !p_cuDeviceGetCount || !p_cuDriverGetVersion || !p_cuDeviceGetName) {
		snprintf(found->problem, sizeof(found->problem), "it is not a CUDA driver");
		return false;
	}
	CUresult err = p_cuInit(0);
	if (!err)
		err = p_cuDeviceGetCount(&found->devices);
	if (err || found->devices < 1) {
		snprintf(found->problem, sizeof(found->problem), "it reports no device (CUDA error %d)",
			 err ? (int)err : CUDA_ERROR_NO_DEVICE);
		return false;
	}
	p_cuDriverGetVersion(&found->version);
	p_cuDeviceGetName(found->device, sizeof(found->device), 0);
	return true;
}

static void probe_library(const char *name, bool system_only, struct probe *found)
{
	void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(found->problem, sizeof(found->problem), "%s", dlerror());
		return;
	}
	void *init = dlsym(library, "cuInit");
	Dl_info info;
	char resolved[PATH_MAX];
	if (!init || !dladdr(init, &info) || !realpath(info.dli_fname, resolved)) {
		snprintf(found->problem, sizeof(found->problem), "it is not a CUDA driver");
		return;
	}
	snprintf(found->path, sizeof(found->path), "%s", resolved);
	if (system_only && (is_ours(info.dli_fname) || is_ours(resolved)))
		snprintf(found->problem, sizeof(found->problem), "it is Cricket's own %.200s", info.dli_fname);
	else
		found->usable = probe_devices(library, found);
}

/* Reads the child's whole answer; false when it died or hung. */
static bool read_answer(int fd, struct probe *found)
{
	size_t have = 0;
	struct pollfd entry = {.fd = fd, .events = POLLIN};
	while (have < sizeof(*found)) {
		int ready = poll(&entry, 1, PROBE_TIMEOUT_MS);
		if (ready < 0 && errno == EINTR)
			continue;
		ssize_t size = ready > 0 ? read(fd, (char *)found + have, sizeof(*found) - have) : 0;
		if (size <= 0)
			return false;
		have += (size_t)size;
	}
	return true;
}

static void probe_child(int fd, const char *name, bool system_only)
{
	struct probe found = {0};
	probe_library(name, system_only, &found);
	const char *at = (const char *)&found;
	for (size_t left = sizeof(found); left > 0;) {
		ssize_t size = write(fd, at, left);
		if (size <= 0)
			break;
		at += size;
		left -= (size_t)size;
	}
	_exit(0);
}

/* Tries library `name` (as dlopen takes it) in a child process. */
static void probe_driver(const char *name, bool system_only, struct probe *found)
{
	memset(found, 0, sizeof(*found));
	int ends[2];
	if (pipe(ends) < 0) {
		snprintf(found->problem, sizeof(found->problem), "pipe: %s", strerror(errno));
		return;
	}
	pid_t child = fork();
	if (child == 0)
		probe_child(ends[1], name, system_only);
	close(ends[1]);
	if (child < 0 || !read_answer(ends[0], found)) {
		memset(found, 0, sizeof(*found));
		snprintf(found->problem, sizeof(found->problem), "it crashed or hung while it was initialised");
	}
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

static void accept_driver(const struct probe *found, const char *what, const char *because, struct srv_config *config)
{
	memcpy(config->driver_path, found->path, sizeof(config->driver_path));
	snprintf(config->driver_text, sizeof(config->driver_text), "%s: %.200s, %d device%s, CUDA %d.%d, %.400s%.300s",
		 what, found->device, found->devices, found->devices == 1 ? "" : "s", found->version / 1000,
		 found->version % 1000 / 10, found->path, because);
}

/* The system's driver: what the loader finds, and where drivers usually are, should a library of ours come first. */
static bool choose_gpu(struct srv_config *config, struct cr_reason *why)
{
	static const char *const candidates[] = {
	    "libcuda.so.1",
	    "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
	    "/usr/lib/aarch64-linux-gnu/libcuda.so.1",
	    "/usr/lib64/libcuda.so.1",
	    "/usr/lib/wsl/lib/libcuda.so.1",
	};
	why->text[0] = '\0';
	for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
		if (i > 0 && access(candidates[i], R_OK) != 0)
			continue;
		struct probe found;
		probe_driver(candidates[i], true, &found);
		if (found.usable) {
			accept_driver(&found, "GPU", "", config);
			return true;
		}
		if (i == 0 || !strncmp(why->text, "it is Cricket's own", 19))
			snprintf(why->text, sizeof(why->text), "%s", found.problem);
	}
	return false;
}

/* ../lib/cpu in the build tree, ../lib/cricket/cpu where installed, seen from the executable. */
static bool find_cpu_device(char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length <= 0)
		return false;
	self[length] = '\0';
	char *slash = strrchr(self, '/');
	*slash = '\0';
	static const char *const places[] = {"../lib/cpu", "../" CRICKET_LIBDIR "/cricket/cpu", "../lib/cricket/cpu"};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char candidate[PATH_MAX + 64];
		snprintf(candidate, sizeof(candidate), "%s/%s/libcuda.so.1", self, places[i]);
		if (realpath(candidate, path))
			return true;
	}
	return false;
}

static bool choose_cpu(const char *because, struct srv_config *config, struct cr_reason *why)
{
	char path[PATH_MAX];
	struct probe found;
	if (!find_cpu_device(path)) {
		snprintf(why->text, sizeof(why->text),
			 "the CPU device (lib/cpu/libcuda.so.1) is not installed beside "
			 "cricket-server; build it, or name a driver with --driver PATH");
		return false;
	}
	probe_driver(path, false, &found);
	if (found.usable)
		accept_driver(&found, "CPU", because, config);
	else
		snprintf(why->text, sizeof(why->text), "the CPU device %.200s is unusable: %.200s", path,
			 found.problem);
	return found.usable;
}

static bool choose_path(const char *path, struct srv_config *config, struct cr_reason *why)
{
	struct probe found;
	probe_driver(path, false, &found);
	if (found.usable)
		accept_driver(&found, "as asked", "", config);
	else
		snprintf(
		    why->text, sizeof(why->text),
		    "--driver %.200s is unusable: %.200s; name a libcuda.so.1 that has a device, or use --driver auto",
		    path, found.problem);
	return found.usable;
}

bool srv_driver_choose(const char *name, struct srv_config *config, struct cr_reason *why)
{
	struct cr_reason no_gpu;
	if (!strcmp(name, "cpu"))
		return choose_cpu("", config, why);
	if (strcmp(name, "auto") != 0 && strcmp(name, "gpu") != 0)
		return choose_path(name, config, why);
	if (choose_gpu(config, &no_gpu))
		return true;
	if (!strcmp(name, "gpu")) {
		snprintf(why->text, sizeof(why->text),
			 "--driver gpu: the system's libcuda.so.1 is unusable: %.250s; install NVIDIA's driver, or use "
			 "--driver cpu",
			 no_gpu.text);
		return false;
	}
	char because[sizeof(no_gpu.text) + 64];
	snprintf(because, sizeof(because), " (no GPU: %s)", no_gpu.text);
	return choose_cpu(because, config, why);
}
