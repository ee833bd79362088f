#include "texels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A number is a tag, so that no address is taken for one, a generation (24 bits) and the index + 1 (32 bits). */
#define TAG ((uint64_t)0x7e << 56)
#define GENERATIONS 0xffffff
#define CHUNK 1024
#define CHUNKS 4096

struct entry {
	struct cpu_texture texture;
	struct entry *next; /* that has ended and may still be looked at */
};

/* Grids look slots up while others are filled, so they never move. */
struct slot {
	_Atomic uint64_t handle; /* 0: free */
	struct entry *_Atomic entry;
	uint32_t generation;
	uint32_t next_free; /* index + 1, 0 ends the list */
};

static struct slot *_Atomic chunks[CHUNKS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows, and changes of slots */
static uint32_t chunk_count, first_free;
static unsigned long pins;
static struct entry *ended;

static struct slot *slot_at(uint32_t position)
{
	uint32_t index = position - 1;
	struct slot *chunk = position && index / CHUNK < CHUNKS
				 ? atomic_load_explicit(&chunks[index / CHUNK], memory_order_acquire)
				 : NULL;

	return chunk ? &chunk[index % CHUNK] : NULL;
}

static bool chunk_add(void)
{
	struct slot *chunk = chunk_count < CHUNKS ? calloc(CHUNK, sizeof(*chunk)) : NULL;

	if (!chunk)
		return false;
	for (uint32_t i = CHUNK; i-- > 0;) {
		chunk[i].next_free = first_free;
		first_free = chunk_count * CHUNK + i + 1;
	}
	atomic_store_explicit(&chunks[chunk_count++], chunk, memory_order_release);
	return true;
}

/* Takes a free slot. The lock is held. */
static uint64_t slot_fill(struct entry *entry)
{
	uint32_t position = first_free;
	struct slot *slot = slot_at(position);
	uint64_t handle;

	first_free = slot->next_free;
	slot->generation = (slot->generation + 1) & GENERATIONS;
	handle = TAG | (uint64_t)slot->generation << 32 | position;
	atomic_store_explicit(&slot->entry, entry, memory_order_release);
	atomic_store_explicit(&slot->handle, handle, memory_order_release);
	return handle;
}

uint64_t cpu_texture_enter(const struct cpu_texture *texture)
{
	struct entry *entry = malloc(sizeof(*entry));
	uint64_t handle = 0;

	if (!entry)
		return 0;
	*entry = (struct entry){.texture = *texture};
	pthread_mutex_lock(&lock);
	if (first_free || chunk_add())
		handle = slot_fill(entry);
	pthread_mutex_unlock(&lock);
	if (!handle)
		free(entry);
	return handle;
}

/* Frees what has ended, once nobody looks. The lock is held. */
static void ended_free(void)
{
	while (!pins && ended) {
		struct entry *entry = ended;

		ended = entry->next;
		free(entry);
	}
}

void cpu_texture_leave(uint64_t handle)
{
	struct slot *slot = slot_at((uint32_t)handle);

	pthread_mutex_lock(&lock);
	if (slot && handle && atomic_load(&slot->handle) == handle) {
		struct entry *entry = atomic_load(&slot->entry);

		atomic_store(&slot->handle, 0);
		slot->next_free = first_free;
		first_free = (uint32_t)handle;
		entry->next = ended;
		ended = entry;
		ended_free();
	}
	pthread_mutex_unlock(&lock);
}

/* The entry is read first: when the number is still the same afterwards, it is that number's. */
const struct cpu_texture *cpu_texture_find(uint64_t handle)
{
	struct slot *slot = handle ? slot_at((uint32_t)handle) : NULL;
	struct entry *entry = slot ? atomic_load_explicit(&slot->entry, memory_order_acquire) : NULL;

	return entry && atomic_load_explicit(&slot->handle, memory_order_acquire) == handle ? &entry->texture : NULL;
}

void cpu_textures_pin(void)
{
	pthread_mutex_lock(&lock);
	pins++;
	pthread_mutex_unlock(&lock);
}

void cpu_textures_unpin(void)
{
	pthread_mutex_lock(&lock);
	pins--;
	ended_free();
	pthread_mutex_unlock(&lock);
}
