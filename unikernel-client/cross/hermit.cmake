# Initial cache for the archive by Hermit's own GCC (https://github.com/hermit-os/hermit-c), for programs over newlib:
#
#     cmake -C unikernel-client/cross/hermit.cmake -S . -B build-hermit
#
# The program is then linked with libcricket.a, ports/port_hermit_newlib.c and the toolchain's libraries. The compiler is
# looked for in PATH; its options are those of every other compiler here.
find_program(hermit_gcc x86_64-hermit-gcc REQUIRED)
set(CRICKET_UNIKERNEL_CC ${hermit_gcc} CACHE STRING "Compiler of the unikernel client")
