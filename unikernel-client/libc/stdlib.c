/* The part of <stdlib.h> that the client uses: memory of the port, and sorting. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

/* Stands before every block, as the port wants to know what it takes back. */
struct header {
	void *memory; /* as the port gave it */
	size_t size;  /* of all */
};

enum { ALIGNMENT = 16 };
_Static_assert(sizeof(struct header) % ALIGNMENT == 0, "blocks stay aligned behind a header");

static void *allocate(size_t alignment, size_t size)
{
	size_t room = sizeof(struct header) + (alignment > ALIGNMENT ? alignment : 0), all = room + size;
	char *memory = all > size ? cricket_port_allocate(all) : NULL;
	if (!memory)
		return NULL;
	uintptr_t block = (uintptr_t)memory + sizeof(struct header);
	if (alignment > ALIGNMENT)
		block = (block + alignment - 1) & ~(uintptr_t)(alignment - 1);
	((struct header *)block)[-1] = (struct header){memory, all};
	return (void *)block;
}

void *malloc(size_t size)
{
	return allocate(ALIGNMENT, size);
}

void *calloc(size_t count, size_t size)
{
	void *memory = size && count > SIZE_MAX / size ? NULL : malloc(count * size);
	return memory ? memset(memory, 0, count * size) : NULL;
}

void free(void *memory)
{
	if (!memory)
		return;
	struct header header = ((struct header *)memory)[-1];
	cricket_port_free(header.memory, header.size);
}

void *realloc(void *memory, size_t size)
{
	void *larger = malloc(size);
	if (!larger || !memory)
		return larger;
	const struct header *header = (struct header *)memory - 1;
	size_t before = header->size - (size_t)((char *)memory - (char *)header->memory);
	memcpy(larger, memory, before < size ? before : size);
	free(memory);
	return larger;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	*memory = allocate(alignment, size);
	return *memory ? 0 : ENOMEM;
}

static void exchange(char *a, char *b, size_t size)
{
	for (; size; size--, a++, b++) {
		char byte = *a;
		*a = *b;
		*b = byte;
	}
}

/* Lets the item at `root` sink to its place in the heap of `count` items. */
static void sink(char *items, size_t root, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && compare(items + child * size, items + (child + 1) * size) < 0)
			child++;
		if (compare(items + root * size, items + child * size) >= 0)
			return;
		exchange(items + root * size, items + child * size, size);
	}
}

/* Heapsort: no recursion, no memory, no bad case. */
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
	for (size_t root = count / 2; root-- > 0;)
		sink(items, root, count, size, compare);
	for (size_t left = count; left > 1; left--) {
		exchange(items, (char *)items + (left - 1) * size, size);
		sink(items, 0, left - 1, size, compare);
	}
}

void *bsearch(const void *key, const void *items, size_t count, size_t size,
	      int (*compare)(const void *key, const void *item))
{
	while (count) {
		const char *middle = (const char *)items + count / 2 * size;
		int order = compare(key, middle);
		if (!order)
			return (void *)middle;
		if (order > 0)
			items = middle + size;
		count = order > 0 ? count - count / 2 - 1 : count / 2;
	}
	return NULL;
}

static int digit_value(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	character |= 0x20;
	return character >= 'a' && character <= 'z' ? character - 'a' + 10 : 99;
}

unsigned long strtoul(const char *text, char **end, int base)
{
	unsigned long value = 0;
	while (*text == ' ')
		text++;
	if ((!base || base == 16) && text[0] == '0' && (text[1] | 0x20) == 'x' && digit_value(text[2]) < 16) {
		text += 2;
		base = 16;
	}
	base = base ? base : 10;
	for (; digit_value(*text) < base; text++)
		value = value * (unsigned long)base + (unsigned long)digit_value(*text);
	if (end)
		*end = (char *)text;
	return value;
}
