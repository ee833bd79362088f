/* For images without a C library: what nvcc's objects ask for beyond CUDA, and how their program runs; program.c. It is
 * enough for the samples: main, constructors, printf, getopt_long, strtol, new and delete. No exceptions, no files.
 */
#ifndef CRICKET_PROGRAM_H
#define CRICKET_PROGRAM_H

/* Runs the constructors, main, what atexit was told, the destructors, and ends with cricket_program_end. Whoever starts
   the image calls it, once. */
void cricket_program_run(int argc, char **argv) __attribute__((noreturn));

/* The image's: ends the machine, or the program. */
void cricket_program_end(int status) __attribute__((noreturn));

#endif
