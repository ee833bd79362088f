/* Where Cricket's drop-in libraries are, and the environment that makes a program use them. */
#ifndef TOOLS_LIBRARIES_H
#define TOOLS_LIBRARIES_H

#include <limits.h>
#include <stdbool.h>

/* Which libcuda.so.1 stands under our libcudart.so.13. */
enum library_driver { DRIVER_REMOTE, DRIVER_CPU, DRIVER_NVIDIA };

struct libraries {
	char folder[PATH_MAX]; /* holds libcudart.so.13, remote/ and cpu/ */
};

/*
 * Finds the libraries from this executable's place: where the installation puts them, else ../lib as in the build tree.
 * Returns CLI_OK, or prints a message and returns CLI_FAILED.
 */
int libraries_find(struct libraries *libraries);

/* Writes the path of the libcuda.so.1 for `driver` (not DRIVER_NVIDIA). CLI_OK, or a message and CLI_FAILED. */
int libraries_driver_path(const struct libraries *libraries, enum library_driver driver, char path[PATH_MAX]);

/*
 * The driver for a native run. `choice` is "gpu", "cpu", or NULL: NVIDIA's if it is installed and reports a device,
 * else the CPU device. *why receives a constant text with the reason. Unless "cpu" was chosen, loads and initialises
 * NVIDIA's driver to find out. CLI_OK, or a message and CLI_FAILED (there is no GPU) or CLI_USAGE.
 */
int libraries_native_driver(const struct libraries *libraries, const char *choice, enum library_driver *driver,
			    const char **why);

/*
 * Sets LD_PRELOAD and LD_LIBRARY_PATH of this process for a program that is to be executed, keeping what they held
 * before, less entries of an outer `cricket run`. CLI_OK, or a message and CLI_FAILED.
 */
int libraries_set_environment(const struct libraries *libraries, enum library_driver driver);

#endif
