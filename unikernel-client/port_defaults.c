/* What a port may leave out: no clock, no settings, no files. */
#include "port.h"

__attribute__((weak)) uint64_t cricket_port_nanoseconds(void)
{
	return 0;
}

__attribute__((weak)) const char *cricket_port_setting(const char *name)
{
	(void)name;
	return NULL;
}

__attribute__((weak)) void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	(void)file, (void)append, (void)text, (void)size;
}

__attribute__((weak)) long cricket_port_read(const char *file, uint64_t offset, void *bytes, size_t size)
{
	(void)file, (void)offset, (void)bytes, (void)size;
	return -1;
}
