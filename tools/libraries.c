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

/* Relative to the folder of the executable: where an installation has them (the build says), and the build tree. */
static const char *const places[] = {CRICKET_LIBRARIES, "../lib"};

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

/* NULL if NVIDIA's driver is usable, else why it is not. */
static const char *nvidia_missing(const struct libraries *libraries)
{
	void *driver = dlopen(DRIVER_NAME, RTLD_NOW | RTLD_LOCAL);
	CUresult (*init)(unsigned int) = NULL;
	CUresult (*get_count)(int *) = NULL;
	int count = 0;

	if (driver) {
		init = (CUresult(*)(unsigned int))dlsym(driver, "cuInit");
		get_count = (CUresult(*)(int *))dlsym(driver, "cuDeviceGetCount");
	}
	if (!init || !get_count || is_our_driver(libraries, (void *)init))
		return "no NVIDIA driver is installed";
	if (init(0) != CUDA_SUCCESS || get_count(&count) != CUDA_SUCCESS || count < 1)
		return "the NVIDIA driver reports no device";
	return NULL;
}

int libraries_native_driver(const struct libraries *libraries, const char *choice, enum library_driver *driver,
			    const char **why)
{
	*why = "as asked for";
	*driver = DRIVER_CPU;
	if (choice && !strcmp(choice, "cpu"))
		return CLI_OK;
	if (choice && strcmp(choice, "gpu") != 0)
		return cli_fail(CLI_USAGE, "--native is gpu or cpu, not '%s'", choice);
	const char *missing = nvidia_missing(libraries);
	if (choice && missing)
		return cli_fail(CLI_FAILED, "%s; --native=cpu uses the CPU device", missing);
	if (!choice)
		*why = missing ? missing : "the NVIDIA driver reports a device";
	if (!missing)
		*driver = DRIVER_NVIDIA;
	return CLI_OK;
}

/* A variable that holds a list, and which part of it is ours. */
struct list_variable {
	const char *name;
	const char *separators; /* the loader accepts these; we write colons */
	bool ours_first;
};

/*
 * What is preloaded already stays in front, because sanitizers and allocators insist on it; our folders go before all
 * others, because the toolkit's may be among them.
 */
static const struct list_variable preload_variable = {"LD_PRELOAD", ": ", false};
static const struct list_variable search_variable = {"LD_LIBRARY_PATH", ":;", true};

/* Appends `length` bytes of `entry`; the caller has made `text` large enough. */
static void append_entry(char *text, const char *entry, size_t length)
{
	sprintf(text + strlen(text), "%s%.*s", *text ? ":" : "", (int)length, entry);
}

/* Appends the entries of `list` that an outer `cricket run` has not put there. */
static void append_foreign(const struct libraries *libraries, char *text, const char *list, const char *separators)
{
	while (list && *list) {
		size_t length = strcspn(list, separators);
		if (length > 0 && !is_ours(libraries, list, length))
			append_entry(text, list, length);
		list += length;
		list += *list != '\0';
	}
}

/* Adds `ours` to what the variable holds. */
static int set_list(const struct libraries *libraries, const struct list_variable *variable, const char *ours)
{
	const char *before = getenv(variable->name);
	char *value = calloc(1, strlen(ours) + (before ? strlen(before) : 0) + 2);

	if (!value)
		return cli_fail(CLI_FAILED, "out of memory");
	if (variable->ours_first)
		append_entry(value, ours, strlen(ours));
	append_foreign(libraries, value, before, variable->separators);
	if (!variable->ours_first)
		append_entry(value, ours, strlen(ours));
	int result = setenv(variable->name, value, 1);
	free(value);
	return result == 0 ? CLI_OK : cli_fail(CLI_FAILED, "cannot set %s: %s", variable->name, strerror(errno));
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
	if (set_list(libraries, &preload_variable, preload) != CLI_OK)
		return CLI_FAILED;
	return set_list(libraries, &search_variable, search);
}
