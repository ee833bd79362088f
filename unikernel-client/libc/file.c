/* Files of the port: one is read at a time piece by piece, or written line by line. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port.h"

struct cricket_file {
	char *name;
	bool writes, begun, failed;
	long at; /* of one that is read */
	size_t used;
	char buffer[1024];
};

static const char *opened; /* by open(): the trace */
enum { OPENED_FD = 3 };

int open(const char *path, int flags, ...)
{
	(void)flags;
	opened = path;
	return OPENED_FD;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	cricket_port_write(fd == OPENED_FD ? opened : NULL, true, bytes, size);
	return (ssize_t)size;
}

static bool can_be_read(const char *path)
{
	char byte;
	return cricket_port_read(path, 0, &byte, 1) >= 0;
}

FILE *fopen(const char *path, const char *mode)
{
	FILE *file = *mode == 'r' && !can_be_read(path) ? NULL : calloc(1, sizeof(*file));
	if (file && !(file->name = strdup(path))) {
		free(file);
		file = NULL;
	}
	if (!file) {
		errno = ENOENT;
		return NULL;
	}
	file->writes = *mode != 'r';
	file->begun = *mode == 'a';
	return file;
}

static void flush(FILE *file)
{
	if (file->used)
		cricket_port_write(file->name, file->begun, file->buffer, file->used);
	file->begun = true;
	file->used = 0;
}

int fclose(FILE *file)
{
	if (file->writes)
		flush(file);
	free(file->name);
	free(file);
	return 0;
}

int fputs(const char *text, FILE *file)
{
	for (; *text; text++) {
		if (file->used == sizeof(file->buffer))
			flush(file);
		file->buffer[file->used++] = *text;
	}
	return 0;
}

int fprintf(FILE *file, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fputs(text, file);
	return length;
}

size_t fread(void *bytes, size_t size, size_t count, FILE *file)
{
	size_t wanted = size * count, got = 0;
	while (got < wanted) {
		long read = cricket_port_read(file->name, (uint64_t)file->at, (char *)bytes + got, wanted - got);
		file->failed = file->failed || read < 0;
		if (read <= 0)
			break;
		got += (size_t)read;
		file->at += read;
	}
	return size ? got / size : 0;
}

/* The end is found by reading up to it. */
static long length_of(FILE *file)
{
	long at = 0, read;
	while ((read = cricket_port_read(file->name, (uint64_t)at, file->buffer, sizeof(file->buffer))) > 0)
		at += read;
	return read < 0 ? -1 : at;
}

int fseek(FILE *file, long offset, int from)
{
	long base = from == SEEK_END ? length_of(file) : from == SEEK_CUR ? file->at : 0;
	if (base < 0 || base + offset < 0)
		return -1;
	file->at = base + offset;
	return 0;
}

long ftell(FILE *file)
{
	return file->at;
}

void rewind(FILE *file)
{
	file->at = 0;
	file->failed = false;
}

int ferror(FILE *file)
{
	return file->failed;
}
