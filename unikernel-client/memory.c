/* The four functions that compilers call by themselves, for platforms without a C library: libcricket_mem.a. */
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
/* Makes no call of memcpy out of a loop that copies. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if defined(__x86_64__)
/* One instruction that the processor makes fast for every length that matters here. */
void *memcpy(void *to, const void *from, size_t size)
{
	void *end = to;
	__asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(size) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t size)
{
	void *end = to;
	__asm__ volatile("rep stosb" : "+D"(end), "+c"(size) : "a"(value) : "memory");
	return to;
}
#else
typedef uint64_t __attribute__((may_alias, aligned(1))) any_word;

void *memcpy(void *to, const void *from, size_t size)
{
	char *at = to;
	const char *source = from;
	for (; size >= sizeof(any_word); size -= sizeof(any_word)) {
		*(any_word *)at = *(const any_word *)source;
		at += sizeof(any_word);
		source += sizeof(any_word);
	}
	while (size--)
		*at++ = *source++;
	return to;
}

void *memset(void *to, int value, size_t size)
{
	any_word pattern = 0x0101010101010101u * (unsigned char)value;
	char *at = to;
	for (; size >= sizeof(pattern); size -= sizeof(pattern), at += sizeof(pattern))
		*(any_word *)at = pattern;
	while (size--)
		*at++ = (char)value;
	return to;
}
#endif

void *memmove(void *to, const void *from, size_t size)
{
	char *at = to;
	const char *source = from;
	if ((uintptr_t)to - (uintptr_t)from >= size)
		return memcpy(to, from, size);
	while (size--)
		at[size] = source[size];
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *left = a, *right = b;
	for (; size; size--, left++, right++)
		if (*left != *right)
			return *left - *right;
	return 0;
}
