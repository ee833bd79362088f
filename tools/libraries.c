#include "libraries.h"

#include <cuda.h>
#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define RUNTIME_NAME "libcudart.so.13"
#define DRIVER_NAME "libcuda.so.1"

/* The two places, relative to the folder of the executable. */
static const char *const places[] = {"../lib", "../lib/cricket"};

/* path = folder/name; false if it does not fit. */
static bool path_join(char path[PATH_MAX], const char *folder, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", folder, name);

	return length >= 0 && length < PATH_MAX;
}

/* True if folder/place is a folder with our runtime library; its real path is then in libraries. */
static bool try_place(struct libraries *libraries, const char *folder, const char *place)
{
	char candidate[PATH_MAX], runtime[PATH_MAX];

	return path_join(candidate, folder, place) && realpath(candidate, libraries->folder) &&
	       path_join(runtime, libraries->folder, RUNTIME_NAME) && access(runtime, R_OK) == 0;
}

int libraries_find(struct libraries *libraries)
{
	char executable[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", executable, sizeof(executable) - 1);

	if (length < 0)
		return cli_fail(CLI_FAILED, "cannot tell where this program is (/proc/self/exe: %s); mount /proc",
				strerror(errno));
	executable[length] = '\0';
	const char *folder = dirname(executable);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (try_place(libraries, folder, places[i]))
			return CLI_OK;
	return cli_fail(CLI_FAILED, "%s is neither in %s/%s nor in %s/%s; build Cricket or install it again",
			RUNTIME_NAME, folder, places[0], folder, places[1]);
}

static const char *driver_folder(enum library_driver driver)
{
	return driver == DRIVER_REMOTE ? "remote" : "cpu";
}

int libraries_driver_path(const struct libraries *libraries, enum library_driver driver, char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s/%s/%s", libraries->folder, driver_folder(driver), DRIVER_NAME);

	if (length < 0 || length >= PATH_MAX)
		return cli_fail(CLI_FAILED, "the path of %s in %s is too long", DRIVER_NAME, libraries->folder);
	if (access(path, R_OK) != 0)
		return cli_fail(CLI_FAILED, "%s: %s; build Cricket or install it again", path, strerror(errno));
	return CLI_OK;
}

/* True if `entry`, of `length` bytes, lies in our folder. */
static bool is_ours(const struct libraries *libraries, const char *entry, size_t length)
{
	size_t folder = strlen(libraries->folder);

	return length >= folder && !memcmp(entry, libraries->folder, folder) &&
	       (length == folder || entry[folder] == '/');
}

/* A `cricket run` around this one has put our own libcuda.so.1 into this process: that is not NVIDIA's. */
static bool is_our_driver(const struct libraries *libraries, void *symbol)
{
	Dl_info info;

	return dladdr(symbol, &info) && info.dli_fname && is_ours(libraries, info.dli_fname, strlen(info.dli_fname));
}

enum library_driver libraries_native_driver(const struct libraries *libraries, const char **why)
{
	void *driver = dlopen(DRIVER_NAME, RTLD_NOW | RTLD_LOCAL);
	CUresult (*init)(unsigned int) = NULL;
	CUresult (*get_count)(int *) = NULL;
	int count = 0;

	if (driver) {
		init = (CUresult(*)(unsigned int))dlsym(driver, "cuInit");
		get_count = (CUresult(*)(int *))dlsym(driver, "cuDeviceGetCount");
	}
	if (!init || !get_count || is_our_driver(libraries, (void *)init)) {
		*why = "no NVIDIA driver is installed";
		return DRIVER_CPU;
	}
	if (init(0) != CUDA_SUCCESS || get_count(&count) != CUDA_SUCCESS || count < 1) {
		*why = "the NVIDIA driver reports no device";
		return DRIVER_CPU;
	}
	*why = "the NVIDIA driver reports a device";
	return DRIVER_NVIDIA;
}

/*
 * Appends the entries of `list` that are not ours to `text`, each after a colon. Both variables are lists; the
 * loader also accepts spaces in LD_PRELOAD, but not in LD_LIBRARY_PATH.
 */
static void append_foreign(const struct libraries *libraries, char *text, const char *list, const char *separators)
{
	while (list && *list) {
		size_t length = strcspn(list, separators);
		if (length > 0 && !is_ours(libraries, list, length)) {
			strcat(text, ":");
			strncat(text, list, length);
		}
		list += length;
		list += *list != '\0';
	}
}

/* Sets `variable` to `ours` followed by what it held before. */
static int prepend(const struct libraries *libraries, const char *variable, const char *ours, const char *separators)
{
	const char *before = getenv(variable);
	char *value = malloc(strlen(ours) + (before ? strlen(before) : 0) + 2);

	if (!value)
		return cli_fail(CLI_FAILED, "out of memory");
	strcpy(value, ours);
	append_foreign(libraries, value, before, separators);
	int result = setenv(variable, value, 1);
	free(value);
	return result == 0 ? CLI_OK : cli_fail(CLI_FAILED, "cannot set %s: %s", variable, strerror(errno));
}

int libraries_set_environment(const struct libraries *libraries, enum library_driver driver)
{
	char path[PATH_MAX], preload[3 * PATH_MAX], search[3 * PATH_MAX];
	const char *folder = libraries->folder;

	if (strpbrk(folder, ": "))
		return cli_fail(CLI_FAILED,
				"LD_PRELOAD cannot name '%s', which contains a space or a colon; move Cricket", folder);
	if (driver == DRIVER_NVIDIA) {
		snprintf(preload, sizeof(preload), "%s/%s", folder, RUNTIME_NAME);
		snprintf(search, sizeof(search), "%s", folder);
	} else {
		if (libraries_driver_path(libraries, driver, path) != CLI_OK)
			return CLI_FAILED;
		snprintf(preload, sizeof(preload), "%s/%s:%s", folder, RUNTIME_NAME, path);
		snprintf(search, sizeof(search), "%s:%s/%s", folder, folder, driver_folder(driver));
	}
	if (prepend(libraries, "LD_PRELOAD", preload, ": ") != CLI_OK)
		return CLI_FAILED;
	return prepend(libraries, "LD_LIBRARY_PATH", search, ":;");
}
