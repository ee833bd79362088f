/* client/cudart/platform.h over the platform interface (port.h). The driver is linked, not opened. */
#include "platform.h"

#include <cuda.h>
#include <cudaProfiler.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

void rt_mutex_lock(struct rt_mutex *mutex)
{
	(void)mutex;
}

void rt_mutex_unlock(struct rt_mutex *mutex)
{
	(void)mutex;
}

void *rt_alloc(size_t size)
{
	return calloc(1, size);
}

void rt_free(void *memory)
{
	free(memory);
}

const char *rt_environment(const char *name)
{
	return cricket_port_setting(name);
}

/* ---- The driver below, a function of this archive each ---- */

static const struct {
	const char *name;
	void *function;
} driver_functions[] = {
#define NAME(function) #function
#define RT_DRIVER(function) {NAME(function), (void *)function},
#include "driver_functions.def"
#undef RT_DRIVER
#undef NAME
};

void *rt_platform_driver_open(void)
{
	return (void *)driver_functions;
}

void *rt_platform_driver_symbol(void *driver, const char *name)
{
	(void)driver;
	for (size_t i = 0; i < sizeof(driver_functions) / sizeof(*driver_functions); i++)
		if (!strcmp(driver_functions[i].name, name))
			return driver_functions[i].function;
	return NULL;
}

/* ---- The log ---- */

/* Does CRICKET_LOG ask for messages of this level? */
static bool wanted(enum rt_log_level level)
{
	static const char *const words[] = {"error", "warning", "info", "debug"};
	const char *setting = cricket_port_setting("CRICKET_LOG");
	for (int i = 0; setting && i < 4; i++)
		if (!strcmp(setting, words[i]))
			return i >= (int)level;
	return false;
}

void rt_log(enum rt_log_level level, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info"};
	char line[512];
	va_list arguments;
	if (!wanted(level))
		return;
	int length = snprintf(line, sizeof(line), "cricket: cudart: %s: ", names[level]);
	va_start(arguments, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
	va_end(arguments);
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	cricket_port_write(NULL, 1, line, (size_t)length);
}
