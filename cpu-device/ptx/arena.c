#include "arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct ptx_chunk {
	struct ptx_chunk *next;
	size_t size;
	alignas(max_align_t) unsigned char data[];
};

void *ptx_alloc(struct ptx_arena *arena, size_t size)
{
	size_t need = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	void *result;

	if (!arena->chunks || arena->chunks->size - arena->used < need) {
		size_t room = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		struct ptx_chunk *chunk = need < size ? NULL : calloc(1, sizeof(*chunk) + room);

		if (!chunk)
			ptx_escape(arena, CUDA_ERROR_OUT_OF_MEMORY, 0, "out of host memory");
		chunk->next = arena->chunks;
		chunk->size = room;
		arena->chunks = chunk;
		arena->used = 0;
	}
	result = arena->chunks->data + arena->used;
	arena->used += need;
	return result;
}

char *ptx_copy(struct ptx_arena *arena, const char *text, size_t length)
{
	char *copy = ptx_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *ptx_copy_or_null(struct ptx_arena *arena, const char *text)
{
	char *volatile copy = NULL;
	jmp_buf escape;

	arena->escape = &escape;
	if (!setjmp(escape))
		copy = ptx_copy(arena, text, strlen(text));
	arena->escape = NULL;
	return copy;
}

void *ptx_grow(struct ptx_arena *arena, void *items, size_t count, size_t *room, size_t size)
{
	void *larger;

	if (count < *room)
		return items;
	/* Lists of large things are mostly short: the operands of an instruction, the parts of an address. */
	*room = *room ? *room * 2 : size > 64 ? 2 : 8;
	larger = ptx_alloc(arena, *room * size);
	if (count)
		memcpy(larger, items, count * size);
	return larger;
}

void ptx_escape(struct ptx_arena *arena, CUresult error, int line, const char *format, ...)
{
	va_list arguments;
	int start = 0;

	if (arena->log_size) {
		if (line)
			start = snprintf(arena->log, arena->log_size, "ptx line %d: ", line);
		va_start(arguments, format);
		if ((size_t)start < arena->log_size)
			vsnprintf(arena->log + start, arena->log_size - start, format, arguments);
		va_end(arguments);
	}
	arena->error = error;
	longjmp(*arena->escape, 1);
}

void ptx_arena_free(struct ptx_arena *arena)
{
	while (arena->chunks) {
		struct ptx_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}
