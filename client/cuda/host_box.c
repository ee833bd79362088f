#include "host_box.h"

#include <stdint.h>
#include <string.h>

size_t cu_box_size(const host_box *box)
{
	return (size_t)(box->width * box->height * box->depth);
}

static bool is_dense(const host_box *box)
{
	bool rows = box->pitch == box->width || box->height == 1;
	return rows && (box->depth == 1 || box->slice == box->width * box->height);
}

char *cu_box_at(const host_box *box, size_t offset, size_t *contiguous)
{
	char *start = (char *)(uintptr_t)box->address;
	if (is_dense(box)) {
		*contiguous = cu_box_size(box) - offset;
		return start + offset;
	}
	size_t row = offset / box->width, column = offset % box->width;
	*contiguous = box->width - column;
	return start + row / box->height * box->slice + row % box->height * box->pitch + column;
}

void cu_box_pack(const host_box *box, size_t offset, char *to, size_t size)
{
	while (size) {
		size_t count;
		const char *from = cu_box_at(box, offset, &count);
		count = count < size ? count : size;
		memcpy(to, from, count);
		to += count;
		offset += count;
		size -= count;
	}
}

void cu_box_unpack(const host_box *box, size_t offset, const char *from, size_t size)
{
	while (size) {
		size_t count;
		char *to = cu_box_at(box, offset, &count);
		count = count < size ? count : size;
		memcpy(to, from, count);
		from += count;
		offset += count;
		size -= count;
	}
}
