#include "image.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* Behind every image, so that text ends and a header cut short reads as zeros. */
#define PADDING 64

/* Of a fatbin's header: u32 magic, u16 version, u16 header size, u64 size of what follows. */
#define FATBIN_MAGIC 0xBA55ED50u
/* The wrapper that nvcc puts into programs: it holds addresses in the client. */
#define FATBIN_WRAPPER_MAGIC 0x466243B1u

static struct srv_image *image_find(struct srv_images *images, uint64_t id)
{
	for (size_t i = 0; i < SRV_IMAGES_MAX; i++) {
		if (images->entries[i].bytes && images->entries[i].id == id)
			return &images->entries[i];
	}
	return NULL;
}

static void image_forget(struct srv_images *images, struct srv_image *image)
{
	images->bytes -= image->total;
	*image = (struct srv_image){0};
}

static void image_drop(struct srv_images *images, struct srv_image *image)
{
	free(image->bytes);
	image_forget(images, image);
}

static struct srv_image *image_new(struct srv_images *images, uint64_t id, uint64_t total)
{
	if (total > SRV_IMAGES_BYTES_MAX - images->bytes)
		return NULL;
	for (size_t i = 0; i < SRV_IMAGES_MAX; i++) {
		struct srv_image *image = &images->entries[i];
		if (image->bytes)
			continue;
		image->bytes = malloc(PADDING);
		if (!image->bytes)
			return NULL;
		image->id = id;
		image->total = total;
		image->capacity = PADDING;
		images->bytes += total;
		return image;
	}
	return NULL;
}

/* Room for `size` more bytes and the padding: twice what has arrived at most, whatever the client announced. */
static bool image_grow(struct srv_image *image, size_t size)
{
	size_t needed = image->size + size + PADDING;
	if (needed <= image->capacity)
		return true;
	size_t capacity = image->capacity * 2 > needed ? image->capacity * 2 : needed;
	if (capacity > image->total + PADDING)
		capacity = image->total + PADDING;
	char *bytes = realloc(image->bytes, capacity);
	if (!bytes)
		return false;
	image->bytes = bytes;
	image->capacity = capacity;
	return true;
}

bool srv_image_append(struct srv_images *images, uint64_t id, uint64_t total, uint64_t offset, const void *data,
		      size_t size)
{
	struct srv_image *image = image_find(images, id);
	if (!image && offset == 0)
		image = image_new(images, id, total);
	if (!image)
		return false;
	if (total != image->total || offset != image->size || size > total - offset || !image_grow(image, size)) {
		image_drop(images, image);
		return false;
	}
	memcpy(image->bytes + image->size, data, size);
	image->size += size;
	return true;
}

size_t srv_image_fatbin_size(const char *bytes, size_t size)
{
	struct {
		uint32_t magic;
		uint16_t version, header_size;
		uint64_t size;
	} header;
	if (size < sizeof(header))
		return 0;
	memcpy(&header, bytes, sizeof(header));
	bool fits = header.magic == FATBIN_MAGIC && header.header_size >= sizeof(header) &&
		    header.header_size <= size && header.size <= size - header.header_size;
	return fits ? header.header_size + header.size : 0;
}

/* One fatbin, or several in a row, and nothing else. */
static bool fatbins_fit(const char *bytes, size_t size)
{
	size_t one;
	for (; size; bytes += one, size -= one) {
		one = srv_image_fatbin_size(bytes, size);
		if (!one)
			return false;
	}
	return true;
}

/* Do the tables that an ELF header names lie within the image? */
static bool elf_fits(const char *bytes, size_t size)
{
	Elf64_Ehdr header;
	if (size < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	uint64_t sections = (uint64_t)header.e_shnum * header.e_shentsize;
	uint64_t programs = (uint64_t)header.e_phnum * header.e_phentsize;
	return header.e_shoff <= size && sections <= size - header.e_shoff && header.e_phoff <= size &&
	       programs <= size - header.e_phoff;
}

static bool image_is_sound(const char *bytes, size_t size)
{
	uint32_t magic = 0;
	memcpy(&magic, bytes, size < sizeof(magic) ? size : sizeof(magic));
	if (magic == FATBIN_WRAPPER_MAGIC)
		return false;
	if (magic == FATBIN_MAGIC)
		return fatbins_fit(bytes, size);
	return memcmp(&magic, ELFMAG, SELFMAG) != 0 || elf_fits(bytes, size);
}

char *srv_image_take(struct srv_images *images, uint64_t id, size_t *size)
{
	struct srv_image *image = image_find(images, id);
	if (!image)
		return NULL;
	if (image->size == 0 || image->size != image->total || !image_grow(image, 0) ||
	    !image_is_sound(image->bytes, image->size)) {
		image_drop(images, image);
		return NULL;
	}
	char *bytes = image->bytes;
	*size = image->size;
	memset(bytes + image->size, 0, PADDING);
	image_forget(images, image);
	return bytes;
}

void srv_images_free(struct srv_images *images)
{
	for (size_t i = 0; i < SRV_IMAGES_MAX; i++)
		free(images->entries[i].bytes);
	*images = (struct srv_images){0};
}
