/* Ends a program that has libcricket_program.a in itself, on Unikraft, which starts it by main. */
void cricket_program_end(int status);
void exit(int status);

/* Unikraft runs constructors, but knows no destructors: there are none. */
typedef void (*function)(void);
extern const function __fini_array_start[1], __fini_array_end[1];
const function __fini_array_start[1] = {0};
extern const function __fini_array_end[1] __attribute__((alias("__fini_array_start")));

void cricket_program_end(int status)
{
	exit(status);
}
