#include "program.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

/* The names that a program has for them; C's own declarations are none of this file's. */
#define PROGRAM(name) __asm__(#name)

typedef void (*function)(void);
extern const function init_start[] PROGRAM(__init_array_start), init_end[] PROGRAM(__init_array_end);
extern const function fini_start[] PROGRAM(__fini_array_start), fini_end[] PROGRAM(__fini_array_end);
int program_main(int argc, char **argv) PROGRAM(main);

/* ---- Beginning and end ---- */

static function at_end[32];
static unsigned at_end_count;

int program_atexit(function run) PROGRAM(atexit);
int program_atexit(function run)
{
	if (at_end_count == sizeof(at_end) / sizeof(*at_end))
		return -1;
	at_end[at_end_count++] = run;
	return 0;
}

void program_exit(int status) PROGRAM(exit) __attribute__((noreturn));
void program_exit(int status)
{
	while (at_end_count)
		at_end[--at_end_count]();
	for (const function *run = fini_end; run-- > fini_start;)
		(*run)();
	cricket_program_end(status);
}

void cricket_program_run(int argc, char **argv)
{
	for (const function *run = init_start; run < init_end; run++)
		(*run)();
	program_exit(program_main(argc, argv));
}

static void die(const char *why) __attribute__((noreturn));
static void die(const char *why)
{
	cricket_port_write(NULL, 1, why, strlen(why));
	cricket_program_end(134);
}

/* ---- Output: all of it is the console's ---- */

void *program_stdout PROGRAM(stdout), *program_stderr PROGRAM(stderr);

static int print(const char *format, va_list arguments)
{
	char text[1024];
	int length = vsnprintf(text, sizeof(text), format, arguments);
	cricket_port_write(NULL, 1, text, strlen(text));
	return length;
}

int program_printf(const char *format, ...) PROGRAM(printf);
int program_printf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = print(format, arguments);
	va_end(arguments);
	return length;
}

int program_fprintf(void *file, const char *format, ...) PROGRAM(fprintf);
int program_fprintf(void *file, const char *format, ...)
{
	va_list arguments;
	(void)file;
	va_start(arguments, format);
	int length = print(format, arguments);
	va_end(arguments);
	return length;
}

int program_putchar(int character) PROGRAM(putchar);
int program_putchar(int character)
{
	char byte = (char)character;
	cricket_port_write(NULL, 1, &byte, 1);
	return character;
}

int program_puts(const char *text) PROGRAM(puts);
int program_puts(const char *text)
{
	return program_printf("%s\n", text);
}

size_t program_fwrite(const void *bytes, size_t size, size_t count, void *file) PROGRAM(fwrite);
size_t program_fwrite(const void *bytes, size_t size, size_t count, void *file)
{
	(void)file;
	cricket_port_write(NULL, 1, bytes, size * count);
	return count;
}

/* ---- Numbers, options, time ---- */

static int error_number;

int *program_errno(void) PROGRAM(__errno_location);
int *program_errno(void)
{
	return &error_number;
}

long program_strtol(const char *text, char **end, int base) PROGRAM(strtol);
long program_strtol(const char *text, char **end, int base)
{
	bool negative = *text == '-';
	unsigned long value = strtoul(text + (negative || *text == '+'), end, base);
	return negative ? -(long)value : (long)value;
}

struct option {
	const char *name;
	int has_argument;
	int *flag;
	int value;
};

char *program_optarg PROGRAM(optarg);
int program_optind PROGRAM(optind) = 1;

/* Long options with their argument behind them or after a `=`; no short ones. */
int program_getopt_long(int argc, char **argv, const char *letters, const struct option *options, int *index)
    PROGRAM(getopt_long);
int program_getopt_long(int argc, char **argv, const char *letters, const struct option *options, int *index)
{
	(void)letters;
	if (program_optind >= argc || strncmp(argv[program_optind], "--", 2))
		return -1;
	char *text = argv[program_optind++] + 2;
	for (int i = 0; options[i].name; i++) {
		size_t length = strlen(options[i].name);
		if (strncmp(text, options[i].name, length) || (text[length] && text[length] != '='))
			continue;
		program_optarg = text[length] ? text + length + 1 : NULL;
		if (options[i].has_argument && !program_optarg && program_optind < argc)
			program_optarg = argv[program_optind++];
		if (index)
			*index = i;
		return options[i].has_argument && !program_optarg ? '?' : options[i].value;
	}
	return '?';
}

struct time {
	int64_t seconds;
	long nanoseconds;
};

int program_clock_gettime(int clock, struct time *now) PROGRAM(clock_gettime);
int program_clock_gettime(int clock, struct time *now)
{
	uint64_t time = cricket_port_nanoseconds();
	(void)clock;
	*now = (struct time){(int64_t)(time / 1000000000u), (long)(time % 1000000000u)};
	return 0;
}

/* ---- Memory and the rest of C++ ---- */

void *program_malloc(size_t size) PROGRAM(malloc);
void *program_malloc(size_t size)
{
	return malloc(size);
}

void program_free(void *memory) PROGRAM(free);
void program_free(void *memory)
{
	free(memory);
}

void *program_new(size_t size) PROGRAM(_Znwm);
void *program_new(size_t size)
{
	void *memory = malloc(size);
	if (!memory)
		die("out of memory\n");
	return memory;
}

void program_delete(void *memory, size_t size) PROGRAM(_ZdlPvm);
void program_delete(void *memory, size_t size)
{
	(void)size;
	free(memory);
}

void program_length_error(const char *what) PROGRAM(_ZSt20__throw_length_errorPKc);
void program_length_error(const char *what)
{
	die(what);
}

void program_unwind(void *exception) PROGRAM(_Unwind_Resume);
void program_unwind(void *exception)
{
	(void)exception;
	die("an exception was thrown\n");
}

int program_personality(void) PROGRAM(__gxx_personality_v0);
int program_personality(void)
{
	die("an exception was thrown\n");
}

/* Guards of static variables in functions: there is one thread. */
int program_guard_acquire(char *guard) PROGRAM(__cxa_guard_acquire);
int program_guard_acquire(char *guard)
{
	return !*guard;
}

void program_guard_release(char *guard) PROGRAM(__cxa_guard_release);
void program_guard_release(char *guard)
{
	*guard = 1;
}

void program_guard_abort(char *guard) PROGRAM(__cxa_guard_abort);
void program_guard_abort(char *guard)
{
	(void)guard;
}
