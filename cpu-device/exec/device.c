/* What CUDA provides to kernels: printf, malloc, free, assert. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "release.h"

#define LONGEST_STRING 4096
#define LONGEST_OUTPUT 16384

/* Copies a terminated string out of device memory; false after a fault. Longer ones are cut. */
static bool string_read(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address, char *text,
			size_t size)
{
	for (size_t i = 0; i + 1 < size; i++) {
		const char *at = cpu_resolve_generic(warp, insn, lane, address + i, 1);

		if (!at)
			return false;
		text[i] = *at;
		if (!*at)
			return true;
	}
	text[size - 1] = 0;
	return true;
}

/* One printf of one thread. */
struct print {
	struct cpu_warp *warp;
	const struct cpu_insn *insn;
	unsigned lane;
	uint64_t arguments; /* the next one's address, before alignment */
	uint32_t count;
	char output[LONGEST_OUTPUT];
	size_t length;
};

/* The next argument: naturally aligned in the buffer, 4 or 8 bytes. */
static bool argument_take(struct print *print, size_t size, void *value)
{
	const void *at;

	print->arguments = (print->arguments + size - 1) / size * size;
	at = cpu_resolve_generic(print->warp, print->insn, print->lane, print->arguments, (uint32_t)size);
	if (!at)
		return false;
	memcpy(value, at, size);
	print->arguments += size;
	print->count++;
	return true;
}

/* A conversion of a format string, with its own argument types removed: "%-8.3" and 'd'. */
struct conversion {
	char format[64];
	size_t length;
	bool is_long;
	char type;
};

static void append(struct print *print, const char *text, size_t length)
{
	size_t room = sizeof(print->output) - print->length;

	if (length > room)
		length = room;
	memcpy(print->output + print->length, text, length);
	print->length += length;
}

static void conversion_add(struct conversion *conversion, char c)
{
	if (conversion->length + 8 < sizeof(conversion->format))
		conversion->format[conversion->length++] = c;
}

/* Reads "%…d" from `at` (behind the '%'); a '*' takes an argument. Returns what follows, NULL after a fault. */
static const char *conversion_read(struct print *print, const char *at, struct conversion *conversion)
{
	conversion_add(conversion, '%');
	for (; *at && strchr("-+ #0123456789.*lhjzt", *at); at++) {
		char digits[16];
		int width;

		if (*at == '*') {
			if (!argument_take(print, sizeof(width), &width))
				return NULL;
			snprintf(digits, sizeof(digits), "%d", width > 1024 ? 1024 : width < -1024 ? -1024 : width);
			for (const char *d = digits; *d; d++)
				conversion_add(conversion, *d);
		} else if (strchr("ljzt", *at)) {
			conversion->is_long = true;
		} else if (*at != 'h') {
			conversion_add(conversion, *at);
		}
	}
	conversion->type = *at;
	return *at ? at + 1 : at;
}

static bool print_number(struct print *print, struct conversion *conversion, char *text, size_t size)
{
	unsigned long long wide;
	unsigned narrow;
	double real;

	conversion->format[conversion->length] = 0;
	if (strchr("eEfFgGaA", conversion->type)) {
		conversion_add(conversion, conversion->type);
		conversion->format[conversion->length] = 0;
		if (!argument_take(print, sizeof(real), &real))
			return false;
		snprintf(text, size, conversion->format, real);
	} else if (conversion->type == 'p' || conversion->is_long) {
		if (!argument_take(print, sizeof(wide), &wide))
			return false;
		memcpy(conversion->format + conversion->length, "ll", 2);
		conversion->format[conversion->length + 2] = conversion->type == 'p' ? 'x' : conversion->type;
		conversion->format[conversion->length + 3] = 0;
		if (conversion->type == 'p')
			append(print, "0x", 2);
		snprintf(text, size, conversion->format, wide);
	} else {
		conversion_add(conversion, conversion->type);
		conversion->format[conversion->length] = 0;
		if (!argument_take(print, sizeof(narrow), &narrow))
			return false;
		snprintf(text, size, conversion->format, narrow);
	}
	return true;
}

static bool print_string(struct print *print, struct conversion *conversion, char *text, size_t size)
{
	char string[LONGEST_STRING];
	uint64_t address;

	if (!argument_take(print, sizeof(address), &address) ||
	    !string_read(print->warp, print->insn, print->lane, address, string, sizeof(string)))
		return false;
	conversion_add(conversion, 's');
	conversion->format[conversion->length] = 0;
	snprintf(text, size, conversion->format, string);
	return true;
}

static bool print_conversion(struct print *print, struct conversion *conversion)
{
	char text[LONGEST_STRING + 1100] = "";

	if (conversion->type == '%') {
		append(print, "%", 1);
		return true;
	}
	if (conversion->type == 's') {
		if (!print_string(print, conversion, text, sizeof(text)))
			return false;
	} else if (conversion->type && strchr("diouxXcpeEfFgGaA", conversion->type)) {
		if (!print_number(print, conversion, text, sizeof(text)))
			return false;
		if (conversion->type == 'c' && !text[0]) {
			append(print, "", 1);
			return true;
		}
	} else {
		/* Not a conversion that CUDA knows: as it stands. */
		append(print, conversion->format, conversion->length);
		append(print, &conversion->type, conversion->type != 0);
		return true;
	}
	append(print, text, strlen(text));
	return true;
}

bool cpu_device_printf(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t format,
		       uint64_t arguments, uint32_t *result)
{
	struct print print = {.warp = warp, .insn = insn, .lane = lane, .arguments = arguments};
	struct cpu_job *job = warp->block->job;
	char text[LONGEST_STRING];
	const char *at = text;

	if (!string_read(warp, insn, lane, format, text, sizeof(text)))
		return false;
	while (*at) {
		struct conversion conversion = {.length = 0};
		size_t plain = strcspn(at, "%");

		append(&print, at, plain);
		at += plain;
		if (!*at)
			break;
		at = conversion_read(&print, at + 1, &conversion);
		if (!at || !print_conversion(&print, &conversion))
			return false;
	}
	pthread_mutex_lock(&job->lock);
	fwrite(print.output, 1, print.length, stdout);
	job->printed = true;
	pthread_mutex_unlock(&job->lock);
	*result = print.count;
	return true;
}

uint64_t cpu_device_malloc(struct cpu_warp *warp, uint64_t size)
{
	uint64_t address;

	return size && !cpu_memory_alloc(warp->block->job->memory, size, &address) ? address : 0;
}

bool cpu_device_free(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t address)
{
	struct cpu_job *job = warp->block->job;
	struct cpu_release *release;
	struct cpu_span span;

	if (!address)
		return true;
	if (!cpu_memory_find(job->memory, address, &span) || span.base != address) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ILLEGAL_ADDRESS,
			  "free of 0x%llx, which malloc did not return", (unsigned long long)address);
		return false;
	}
	release = malloc(sizeof(*release));
	if (!release) {
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_OUT_OF_MEMORY, "out of host memory");
		return false;
	}
	release->address = address;
	pthread_mutex_lock(&job->lock);
	release->next = job->releases;
	job->releases = release;
	pthread_mutex_unlock(&job->lock);
	return true;
}

void cpu_releases_do(struct cpu_job *job)
{
	while (job->releases) {
		struct cpu_release *release = job->releases;

		job->releases = release->next;
		cpu_memory_free(job->memory, release->address);
		free(release);
	}
}

void cpu_device_assert(struct cpu_warp *warp, const struct cpu_insn *insn, unsigned lane, uint64_t message,
		       uint64_t file, uint32_t line, uint64_t function)
{
	char texts[3][256];

	if (string_read(warp, insn, lane, message, texts[0], sizeof(texts[0])) &&
	    string_read(warp, insn, lane, file, texts[1], sizeof(texts[1])) &&
	    string_read(warp, insn, lane, function, texts[2], sizeof(texts[2])))
		cpu_fault(warp, insn, (int)lane, CUDA_ERROR_ASSERT, "%.100s:%u: %.60s: assertion `%.80s' failed",
			  texts[1], line, texts[2], texts[0]);
}
