/* The machine under the image, QEMU's microvm: memory, console, settings from the command line, and how to stop. */
#include <stdbool.h>
#include <string.h>

#include "libc/program.h"
#include "port.h"
#include "ports/port_virtio_serial.h"

enum { SERIAL = 0x3f8, DEBUG_EXIT = 0xf4, RAM = 1, ARGUMENTS_MAX = 32 };
enum { SUCCEEDED = 0x10, FAILED = 0x11 }; /* QEMU's exit status is 2n + 1: never that of a crash */

const struct cricket_virtio_mmio cricket_virtio_mmio = {.base = 0xfeb00000, .slots = 24};

/* What the PVH protocol hands over. */
struct start_info {
	uint32_t magic, version, flags, module_count;
	uint64_t modules, command_line, rsdp, memory_map;
	uint32_t memory_map_entries, reserved;
};

struct memory_map_entry {
	uint64_t address, size;
	uint32_t type, reserved;
};

void image_start(const struct start_info *info);

/* ---- Memory: a list of free blocks in the order of their addresses ---- */

struct block {
	size_t size; /* with this header */
	struct block *next;
};

static struct block *free_blocks;

static size_t block_size(size_t size)
{
	return (size + sizeof(struct block) - 1) / sizeof(struct block) * sizeof(struct block);
}

static bool join(struct block *block)
{
	if (!block->next || (char *)block + block->size != (char *)block->next)
		return false;
	block->size += block->next->size;
	block->next = block->next->next;
	return true;
}

void cricket_port_free(void *memory, size_t size)
{
	struct block *block = memory, *before = NULL, **link = &free_blocks;
	for (; *link && *link < block; link = &before->next)
		before = *link;
	*block = (struct block){block_size(size), *link};
	*link = block;
	join(block);
	if (before)
		join(before);
}

void *cricket_port_allocate(size_t size)
{
	size = block_size(size ? size : 1);
	for (struct block **link = &free_blocks; *link; link = &(*link)->next) {
		struct block *block = *link;
		if (block->size < size)
			continue;
		if (block->size == size) {
			*link = block->next;
		} else {
			struct block *rest = (struct block *)((char *)block + size);
			*rest = (struct block){block->size - size, block->next};
			*link = rest;
		}
		return block;
	}
	return NULL;
}

/* All of the range of RAM in which the image lies and that is behind it. */
static void find_memory(const struct start_info *info)
{
	extern char image_end[];
	const struct memory_map_entry *entry = (const void *)(uintptr_t)info->memory_map;
	for (uint32_t i = 0; i < info->memory_map_entries; i++, entry++) {
		uint64_t end = entry->address + entry->size;
		if (entry->type == RAM && entry->address <= (uintptr_t)image_end && end > (uintptr_t)image_end)
			cricket_port_free(image_end, end - (uintptr_t)image_end);
	}
}

/* ---- Console and end ---- */

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

void cricket_port_write(const char *file, int append, const char *text, size_t size)
{
	(void)file, (void)append;
	for (; size; size--)
		out8(SERIAL, (uint8_t)*text++);
}

void cricket_program_end(int status)
{
	for (;;)
		__asm__ volatile("outl %0, %1" : : "a"(status ? FAILED : SUCCEEDED), "Nd"((uint16_t)DEBUG_EXIT));
}

/* ---- Settings: NAME=VALUE words of the command line; behind `--` there are the program's arguments ---- */

static char *settings[ARGUMENTS_MAX], *arguments[ARGUMENTS_MAX] = {"image"};
static int setting_count, argument_count = 1;

static void read_command_line(char *text)
{
	bool behind = false;
	while (*text) {
		char *word = text;
		while (*text && *text != ' ')
			text++;
		if (*text)
			*text++ = '\0';
		if (!strcmp(word, "--"))
			behind = true;
		else if (behind && argument_count < ARGUMENTS_MAX - 1)
			arguments[argument_count++] = word;
		else if (*word && setting_count < ARGUMENTS_MAX)
			settings[setting_count++] = word;
	}
}

const char *cricket_port_setting(const char *name)
{
	size_t length = strlen(name);
	for (int i = 0; i < setting_count; i++)
		if (!strncmp(settings[i], name, length) && settings[i][length] == '=')
			return settings[i] + length + 1;
	return NULL;
}

void image_start(const struct start_info *info)
{
	find_memory(info);
	read_command_line((char *)(uintptr_t)info->command_line);
	cricket_program_run(argument_count, arguments);
}
