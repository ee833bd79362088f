/* POSIX port of the CUDA runtime. */
#include "platform.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rt_mutex_lock(struct rt_mutex *mutex)
{
	pthread_mutex_lock(&mutex->mutex);
}

void rt_mutex_unlock(struct rt_mutex *mutex)
{
	pthread_mutex_unlock(&mutex->mutex);
}

void *rt_alloc(size_t size)
{
	int saved = errno;
	void *memory = calloc(1, size);

	errno = saved;
	return memory;
}

void rt_free(void *memory)
{
	free(memory);
}

const char *rt_environment(const char *name)
{
	return getenv(name);
}

void *rt_platform_driver_open(void)
{
	int saved = errno;
	void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!driver)
		rt_log(RT_LOG_ERROR,
		       "the CUDA driver cannot be opened (%s); run the program with `cricket run`, or set "
		       "LD_LIBRARY_PATH to the folder of a libcuda.so.1",
		       dlerror());
	errno = saved;
	return driver;
}

void *rt_platform_driver_symbol(void *driver, const char *name)
{
	return dlsym(driver, name);
}

/* The least important level that CRICKET_LOG asks for, or -1: an unset or unknown word means silence. */
static int log_threshold(void)
{
	static const struct {
		const char *word;
		int level;
	} words[] = {
	    {"error", RT_LOG_ERROR},
	    {"warning", RT_LOG_WARNING},
	    {"info", RT_LOG_INFO},
	    {"debug", RT_LOG_INFO},
	};
	const char *wanted = getenv("CRICKET_LOG");

	for (size_t i = 0; wanted && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(wanted, words[i].word) == 0)
			return words[i].level;
	return -1;
}

void rt_log(enum rt_log_level level, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info"};
	int saved = errno;
	char line[512];
	va_list arguments;

	if ((int)level > log_threshold())
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	dprintf(STDERR_FILENO, "cricket: cudart: %s: %s\n", names[level], line);
	errno = saved;
}
