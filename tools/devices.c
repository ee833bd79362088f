/* `cricket devices`: lists what a server offers, as a program that runs on it would see it. */
#include <cuda.h>
#include <dlfcn.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "libraries.h"
#include "transport.h"

/* The functions used, from whichever driver library was opened. */
struct driver {
	CUresult (*init)(unsigned int flags);
	CUresult (*get_version)(int *version);
	CUresult (*get_count)(int *count);
	CUresult (*get)(CUdevice *device, int ordinal);
	CUresult (*get_name)(char *name, int length, CUdevice device);
	CUresult (*get_attribute)(int *value, CUdevice_attribute attribute, CUdevice device);
	CUresult (*total_mem)(size_t *bytes, CUdevice device);
	CUresult (*get_error_string)(CUresult error, const char **text);
};

static int usage(void)
{
	puts("Usage: cricket devices [--server URI | --native[=DRIVER]]\n"
	     "Lists the devices that a server offers.\n\n"
	     "  --server URI  the server: " CLI_SERVER_KINDS "\n"
	     "                (default: CRICKET_SERVER, else " CLI_DEFAULT_SERVER ")\n"
	     "  --native[=DRIVER]\n"
	     "                list what `cricket run --native` uses; DRIVER is gpu or cpu\n"
	     "  --help        show this help");
	return CLI_OK;
}

/* Fills in every function; CLI_FAILED with a message if the library cannot be opened or lacks one. */
static int load(struct driver *driver, const char *path)
{
	const struct {
		void *target;
		const char *symbol;
	} rows[] = {
	    {&driver->init, "cuInit"},
	    {&driver->get_version, "cuDriverGetVersion"},
	    {&driver->get_count, "cuDeviceGetCount"},
	    {&driver->get, "cuDeviceGet"},
	    {&driver->get_name, "cuDeviceGetName"},
	    {&driver->get_attribute, "cuDeviceGetAttribute"},
	    {&driver->total_mem, "cuDeviceTotalMem_v2"},
	    {&driver->get_error_string, "cuGetErrorString"},
	};
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return cli_fail(CLI_FAILED, "devices: cannot load the driver library: %s", dlerror());
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		void *symbol = dlsym(library, rows[i].symbol);
		if (!symbol)
			return cli_fail(CLI_FAILED, "devices: %s lacks %s", path, rows[i].symbol);
		*(void **)rows[i].target = symbol;
	}
	return CLI_OK;
}

static int report(const struct driver *driver, const char *where, CUresult error)
{
	const char *text = NULL;

	if (driver->get_error_string(error, &text) != CUDA_SUCCESS || !text)
		text = "unknown error";
	return cli_fail(CLI_FAILED, "devices: %s: %s (CUDA error %d)", where, text, (int)error);
}

static CUresult show_device(const struct driver *driver, int ordinal)
{
	CUdevice device;
	char name[256];
	int major, minor, multiprocessors;
	size_t memory;
	CUresult error = driver->get(&device, ordinal);

	if (!error)
		error = driver->get_name(name, sizeof(name), device);
	if (!error)
		error = driver->get_attribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device);
	if (!error)
		error = driver->get_attribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device);
	if (!error)
		error = driver->get_attribute(&multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device);
	if (!error)
		error = driver->total_mem(&memory, device);
	if (!error)
		printf("%d: %s, compute capability %d.%d, %.1f GiB, %d multiprocessors\n", ordinal, name, major, minor,
		       (double)memory / (1 << 30), multiprocessors);
	return error;
}

static int list(const struct driver *driver, const char *where)
{
	int version, count;
	CUresult error = driver->init(0);

	if (!error)
		error = driver->get_version(&version);
	if (!error)
		error = driver->get_count(&count);
	if (error)
		return report(driver, where, error);
	printf("%s: CUDA %d.%d, %d device%s\n", where, version / 1000, version % 1000 / 10, count,
	       count == 1 ? "" : "s");
	for (int i = 0; i < count && !error; i++)
		error = show_device(driver, i);
	return error ? report(driver, where, error) : CLI_OK;
}

static int list_native(const struct libraries *libraries, struct driver *driver, const char *choice)
{
	char path[PATH_MAX] = "libcuda.so.1", where[128];
	const char *why;
	enum library_driver kind;
	int status = libraries_native_driver(libraries, choice, &kind, &why);

	if (status == CLI_OK && kind == DRIVER_CPU)
		status = libraries_driver_path(libraries, kind, path);
	if (status == CLI_OK)
		status = load(driver, path);
	if (status != CLI_OK)
		return status;
	snprintf(where, sizeof(where), "native on %s (%s)",
		 kind == DRIVER_NVIDIA ? "NVIDIA's driver" : "the CPU device", why);
	return list(driver, where);
}

static int list_server(const struct libraries *libraries, struct driver *driver, const char *server)
{
	char path[PATH_MAX];
	struct cr_reason why;
	struct cr_uri uri;

	if (!cr_uri_parse(server, &uri, &why))
		return cli_fail(CLI_USAGE, "devices: %s", why.text);
	int status = libraries_driver_path(libraries, DRIVER_REMOTE, path);
	if (status != CLI_OK)
		return status;
	/* The library's own line tells more than an error code can: which address, what was wrong. */
	if (setenv("CRICKET_SERVER", server, 1) != 0 || setenv("CRICKET_LOG", "error", 0) != 0)
		return cli_fail(CLI_FAILED, "devices: out of memory");
	status = load(driver, path);
	return status == CLI_OK ? list(driver, server) : status;
}

int cmd_devices(int argc, char **argv)
{
	static const struct option table[] = {
	    {"server", required_argument, NULL, 's'},
	    {"native", optional_argument, NULL, 'n'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	const char *server = NULL, *choice = NULL;
	struct libraries libraries;
	struct driver driver;
	bool native = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (option == 'h')
			return usage();
		if (option == 's')
			server = optarg;
		else if (option != 'n')
			return cli_bad_option("devices", argv[optind - 1], option == ':');
		else {
			native = true;
			choice = optarg;
		}
	}
	if (optind < argc)
		return cli_fail(CLI_USAGE, "devices: unexpected argument '%s'", argv[optind]);
	if (native && server)
		return cli_fail(CLI_USAGE, "devices: --server and --native exclude each other");
	if (libraries_find(&libraries) != CLI_OK)
		return CLI_FAILED;
	return native ? list_native(&libraries, &driver, choice) : list_server(&libraries, &driver, cli_server(server));
}
