/* Memory that is freed all at once, and the one way out of a failed parse or lowering. */
#ifndef PTX_ARENA_H
#define PTX_ARENA_H

#include <cuda.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

struct ptx_chunk;

/* Everything a parse or a lowering makes lives in an arena, so that an error can leave by longjmp from any depth
   without losing memory. */
struct ptx_arena {
	struct ptx_chunk *chunks;
	size_t used;     /* of the newest chunk */
	jmp_buf *escape; /* where ptx_escape goes; set by the function that calls setjmp */
	CUresult error;  /* what ptx_escape was called with */
	char *log;       /* message of the error; may be NULL when log_size is 0 */
	size_t log_size;
};

/* Zeroed memory for any type. Escapes with CUDA_ERROR_OUT_OF_MEMORY. */
void *ptx_alloc(struct ptx_arena *arena, size_t size);

/* A terminated copy of `length` characters. */
char *ptx_copy(struct ptx_arena *arena, const char *text, size_t length);

/* A copy of a terminated text, outside a parse or lowering; NULL when memory is short. */
char *ptx_copy_or_null(struct ptx_arena *arena, const char *text);

/* Room for one more element in an array of the arena: *items of *room elements of `size` bytes, `count` in use. */
void *ptx_grow(struct ptx_arena *arena, void *items, size_t count, size_t *room, size_t size);

/* Writes "line N: message" into the log and leaves through `escape`. */
_Noreturn void ptx_escape(struct ptx_arena *arena, CUresult error, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void ptx_arena_free(struct ptx_arena *arena);

/* Appends `value` to the arena array `items` with its `items_count` and `items_room` beside it. */
#define PTX_APPEND(arena, items, count, room, value)                                                                   \
	do {                                                                                                           \
		(items) = ptx_grow(arena, items, count, &(room), sizeof(*(items)));                                    \
		(items)[(count)++] = (value);                                                                          \
	} while (0)

#endif
