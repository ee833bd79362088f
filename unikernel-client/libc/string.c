/* The part of <string.h> that the client uses and that is not the platform's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int cricket_errno;

size_t strlen(const char *text)
{
	size_t length = 0;
	while (text[length])
		length++;
	return length;
}

size_t strnlen(const char *text, size_t most)
{
	size_t length = 0;
	while (length < most && text[length])
		length++;
	return length;
}

int strncmp(const char *a, const char *b, size_t most)
{
	while (most && *a && *a == *b)
		a++, b++, most--;
	return most ? (unsigned char)*a - (unsigned char)*b : 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *strchr(const char *text, int character)
{
	for (; *text != (char)character; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

char *strrchr(const char *text, int character)
{
	const char *found = NULL;
	for (; (text = strchr(text, character)); text++) {
		found = text;
		if (!*text)
			break;
	}
	return (char *)found;
}

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);
	return copy ? memcpy(copy, text, size) : NULL;
}

char *strerror(int error)
{
	switch (error) {
	case ENOENT:
		return "no such file";
	case ENOMEM:
		return "out of memory";
	case EPIPE:
		return "the platform cannot send any more";
	case EIO:
		return "the platform cannot receive any more";
	default:
		return "unknown error";
	}
}
