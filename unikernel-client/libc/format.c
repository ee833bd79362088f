/* printf into memory, and the little of scanf that is needed. Floating point goes up to 2^63 with at most nine places.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct output {
	char *text;
	size_t room, length; /* `length` counts what did not fit, too */
};

/* One conversion: %[flags][width][.precision][length]type */
struct conversion {
	bool left, zeros, sign, space, alternate;
	int width, precision; /* precision -1: none */
	int size;             /* bytes of an integer */
	char type;
};

static void put(struct output *out, const char *text, size_t length)
{
	size_t room = out->length < out->room ? out->room - out->length : 0;
	memcpy(out->text + (room ? out->length : 0), text, length < room ? length : room);
	out->length += length;
}

static void fill(struct output *out, char with, int count)
{
	for (; count > 0; count--)
		put(out, &with, 1);
}

/* A body of text with what goes before it (sign, 0x), padded to the width. */
static void put_padded(struct output *out, const struct conversion *how, const char *before, const char *body,
		       int zeros)
{
	int length = (int)(strlen(before) + strlen(body)) + zeros, padding = how->width - length;
	if (how->zeros && !how->left && padding > 0) {
		zeros += padding;
		padding = 0;
	}
	fill(out, ' ', how->left ? 0 : padding);
	put(out, before, strlen(before));
	fill(out, '0', zeros);
	put(out, body, strlen(body));
	fill(out, ' ', how->left ? padding : 0);
}

/* Digits of a number, written backwards from `end`; where they begin. */
static char *digits(char *end, uint64_t value, unsigned base, bool capitals)
{
	*end = '\0';
	do
		*--end = (capitals ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
	while (value /= base);
	return end;
}

static const char *sign_of(const struct conversion *how, bool negative)
{
	return negative ? "-" : how->sign ? "+" : how->space ? " " : "";
}

static void put_integer(struct output *out, struct conversion *how, uint64_t value, bool negative)
{
	char text[32];
	bool decimal = how->type == 'd' || how->type == 'u';
	const char *body = digits(text + sizeof(text) - 1, value, decimal ? 10 : 16, how->type == 'X');
	const char *before = how->type == 'd'                                ? sign_of(how, negative)
			     : how->type == 'p' || (how->alternate && value) ? "0x"
									     : "";
	int zeros = how->precision - (int)strlen(body);
	how->zeros = how->zeros && how->precision < 0;
	put_padded(out, how, before, body, zeros > 0 ? zeros : 0);
}

static void put_float(struct output *out, struct conversion *how, double value)
{
	static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
	char text[64], fraction[16];
	bool negative = value < 0;
	double size = negative ? -value : value;
	int places = how->precision < 0 ? 6 : how->precision < 9 ? how->precision : 9;
	if (!(size < 9.2e18)) { /* also what is not a number */
		how->zeros = false;
		put_padded(out, how, sign_of(how, negative), value != value ? "nan" : "inf", 0);
		return;
	}
	uint64_t whole = (uint64_t)size, part = (uint64_t)((size - (double)whole) * (double)powers[places] + 0.5);
	if (part >= powers[places]) {
		part -= powers[places];
		whole++;
	}
	char *body = digits(text + 40, whole, 10, false);
	const char *behind = digits(fraction + sizeof(fraction) - 1, part, 10, false);
	char *end = text + 40;
	*end = '.';
	end += places > 0;
	memset(end, '0', (size_t)places);
	memcpy(end + places - (places ? strlen(behind) : 0), behind, places ? strlen(behind) : 0);
	end[places] = '\0';
	put_padded(out, how, sign_of(how, negative), body, 0);
}

static void put_text(struct output *out, const struct conversion *how, const char *text)
{
	text = text ? text : "(null)";
	size_t length = how->precision < 0 ? strlen(text) : strnlen(text, (size_t)how->precision);
	fill(out, ' ', how->left ? 0 : how->width - (int)length);
	put(out, text, length);
	fill(out, ' ', how->left ? how->width - (int)length : 0);
}

static const char *read_flags(const char *at, struct conversion *how)
{
	for (;; at++) {
		switch (*at) {
		case '-':
			how->left = true;
			break;
		case '0':
			how->zeros = true;
			break;
		case '+':
			how->sign = true;
			break;
		case ' ':
			how->space = true;
			break;
		case '#':
			how->alternate = true;
			break;
		default:
			return at;
		}
	}
}

static const char *read_number(const char *at, int *number, va_list *arguments)
{
	if (*at == '*') {
		*number = va_arg(*arguments, int);
		return at + 1;
	}
	for (*number = 0; *at >= '0' && *at <= '9'; at++)
		*number = *number * 10 + (*at - '0');
	return at;
}

/* Reads what stands behind a %; where the conversion ends. */
static const char *read_conversion(const char *at, struct conversion *how, va_list *arguments)
{
	*how = (struct conversion){.precision = -1, .size = sizeof(int)};
	at = read_number(read_flags(at, how), &how->width, arguments);
	if (how->width < 0) {
		how->left = true;
		how->width = -how->width;
	}
	if (*at == '.')
		at = read_number(at + 1, &how->precision, arguments);
	for (; *at && strchr("lzjth", *at); at++)
		how->size = *at == 'h' ? how->size / 2 : (int)sizeof(long);
	how->type = *at == 'i' ? 'd' : *at;
	return *at ? at + 1 : at;
}

static uint64_t read_integer(const struct conversion *how, va_list *arguments)
{
	uint64_t value = how->size > (int)sizeof(int) ? va_arg(*arguments, uint64_t) : va_arg(*arguments, unsigned);
	int unused = 64 - 8 * how->size;
	return how->type == 'd' ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
}

static void convert(struct output *out, struct conversion *how, va_list *arguments)
{
	uint64_t value;
	char character;
	switch (how->type) {
	case 'd':
		value = read_integer(how, arguments);
		put_integer(out, how, (int64_t)value < 0 ? -value : value, (int64_t)value < 0);
		break;
	case 'u':
	case 'x':
	case 'X':
		put_integer(out, how, read_integer(how, arguments), false);
		break;
	case 'p':
		put_integer(out, how, (uintptr_t)va_arg(*arguments, void *), false);
		break;
	case 'f':
	case 'g':
		put_float(out, how, va_arg(*arguments, double));
		break;
	case 's':
		put_text(out, how, va_arg(*arguments, const char *));
		break;
	case 'c':
		character = (char)va_arg(*arguments, int);
		put(out, &character, 1);
		break;
	default: /* %% */
		put(out, &how->type, how->type != '\0');
		break;
	}
}

int vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
	struct output out = {text, size ? size - 1 : 0, 0};
	struct conversion how;
	va_list rest;
	va_copy(rest, arguments);
	while (*format) {
		if (*format != '%') {
			put(&out, format++, 1);
			continue;
		}
		format = read_conversion(format + 1, &how, &rest);
		convert(&out, &how, &rest);
	}
	va_end(rest);
	if (size)
		text[out.length < size ? out.length : size - 1] = '\0';
	return (int)out.length;
}

int snprintf(char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, size, format, arguments);
	va_end(arguments);
	return length;
}

int sscanf(const char *text, const char *format, ...)
{
	va_list arguments;
	int found = 0;
	va_start(arguments, format);
	for (; *format; format++) {
		if (*format != '%') {
			if (*text++ != *format)
				break;
			continue;
		}
		char *end;
		unsigned long value = strtoul(text, &end, 16);
		if (*++format != 'x' || end == text)
			break;
		*va_arg(arguments, unsigned *) = (unsigned)value;
		text = end;
		found++;
	}
	va_end(arguments);
	return found;
}
