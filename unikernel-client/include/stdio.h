/* The part of <stdio.h> that the client uses; libc/format.c and libc/file.c. */
#ifndef CRICKET_STDIO_H
#define CRICKET_STDIO_H

#include <stdarg.h>
#include <stddef.h>

enum { SEEK_SET, SEEK_CUR, SEEK_END };

/* A file of the port: "r" reads it, "w" and "a" write it. */
typedef struct cricket_file FILE;

#pragma GCC visibility push(default)
int snprintf(char *text, size_t size, const char *format, ...) __asm__("cricket_snprintf")
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *text, size_t size, const char *format, va_list arguments) __asm__("cricket_vsnprintf")
    __attribute__((format(printf, 3, 0)));
/* Knows %x and characters to match. */
int sscanf(const char *text, const char *format, ...) __asm__("cricket_sscanf") __attribute__((format(scanf, 2, 3)));

FILE *fopen(const char *path, const char *mode) __asm__("cricket_fopen");
int fclose(FILE *file) __asm__("cricket_fclose");
size_t fread(void *bytes, size_t size, size_t count, FILE *file) __asm__("cricket_fread");
int fputs(const char *text, FILE *file) __asm__("cricket_fputs");
int fprintf(FILE *file, const char *format, ...) __asm__("cricket_fprintf") __attribute__((format(printf, 2, 3)));
int fseek(FILE *file, long offset, int from) __asm__("cricket_fseek");
long ftell(FILE *file) __asm__("cricket_ftell");
void rewind(FILE *file) __asm__("cricket_rewind");
int ferror(FILE *file) __asm__("cricket_ferror");
#pragma GCC visibility pop

#endif
