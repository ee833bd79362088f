/* The part of <string.h> that the client uses; libc/string.c. The compiler itself calls the first four, which are the
   platform's or those of libcricket_mem.a; the others have names of their own at link time. */
#ifndef CRICKET_STRING_H
#define CRICKET_STRING_H

#include <stddef.h>

#pragma GCC visibility push(default)
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t strlen(const char *text) __asm__("cricket_strlen");
size_t strnlen(const char *text, size_t most) __asm__("cricket_strnlen");
int strcmp(const char *a, const char *b) __asm__("cricket_strcmp");
int strncmp(const char *a, const char *b, size_t most) __asm__("cricket_strncmp");
char *strchr(const char *text, int character) __asm__("cricket_strchr");
char *strrchr(const char *text, int character) __asm__("cricket_strrchr");
char *strdup(const char *text) __asm__("cricket_strdup");
char *strerror(int error) __asm__("cricket_strerror");
#pragma GCC visibility pop

#endif
