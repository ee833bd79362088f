/* Handles as both ends see them: a 64-bit id of kind, generation and index, never an address. */
#ifndef CR_HANDLE_H
#define CR_HANDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a handle names. The names are those of proto/rpc_cuda.x's @handle lines. */
enum cr_kind {
	CR_KIND_CONTEXT = 1,
	CR_KIND_MODULE,
	CR_KIND_LIBRARY,
	CR_KIND_FUNCTION, /* a CUfunction or a CUkernel */
	CR_KIND_STREAM,
	CR_KIND_EVENT,
	CR_KIND_HOST_FUNCTION, /* the client's: a function, or what it stands for */
	CR_KIND_GRAPH,
	CR_KIND_GRAPH_NODE,
	CR_KIND_GRAPH_EXEC,
	CR_KIND_USER_OBJECT,
	CR_KIND_FOUND_GRAPH, /* graphs and nodes that the server minted */
	CR_KIND_FOUND_NODE,
	CR_KIND_ARRAY,
	CR_KIND_MIPMAP,
	CR_KIND_TEXTURE, /* a texture or surface object */
	CR_KIND_LINK,
	CR_KIND_PHYSICAL, /* a CUmemGenericAllocationHandle */
	CR_KIND_POOL,
	CR_KIND_COUNT
};

/* The largest index a table takes, so that a hostile id cannot make it grow without bound. */
#define CR_HANDLE_MAX (1u << 20)

/* kind in bits 56-63, generation in bits 32-55, index in bits 0-31. Never 0, 1 or 2 (CUDA's default streams). */
static inline uint64_t cr_handle_make(enum cr_kind kind, uint32_t generation, uint32_t index)
{
	return (uint64_t)kind << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}

static inline enum cr_kind cr_handle_kind(uint64_t id)
{
	return (enum cr_kind)(id >> 56);
}

static inline uint32_t cr_handle_generation(uint64_t id)
{
	return (uint32_t)(id >> 32) & 0xffffff;
}

static inline uint32_t cr_handle_index(uint64_t id)
{
	return (uint32_t)id;
}

/* A table of objects of one kind. Not thread-safe: the owner locks. */
struct cr_handle_table {
	enum cr_kind kind;
	struct cr_handle_slot *slots;
	uint32_t count;    /* slots in use or on the free list */
	uint32_t capacity; /* slots allocated */
	uint32_t free;     /* head of the free list, index + 1; 0 = empty */
};

struct cr_handle_slot {
	void *object;        /* NULL: free */
	uint32_t generation; /* of the object, or of the next one */
	uint32_t next_free;  /* index + 1 */
};

void cr_handle_table_init(struct cr_handle_table *table, enum cr_kind kind);

/* Frees the table; `destroy` (may be NULL) is called for every object still in it. */
void cr_handle_table_clear(struct cr_handle_table *table, void (*destroy)(void *object));

/* Mints an id for `object` (not NULL). 0 when memory or CR_HANDLE_MAX is exhausted. */
uint64_t cr_handle_add(struct cr_handle_table *table, void *object);

/* Enters `object` under an id that the other end minted. False when the kind is another, the index too large, the
   slot taken or memory exhausted. A table takes ids either from cr_handle_add or from here, not both. */
bool cr_handle_enter(struct cr_handle_table *table, uint64_t id, void *object);

/* The object of `id`, or NULL when kind, index or generation do not match a live one. */
void *cr_handle_find(const struct cr_handle_table *table, uint64_t id);

/* Takes the object of `id` out of the table and returns it; NULL as above. */
void *cr_handle_remove(struct cr_handle_table *table, uint64_t id);

#endif
