/* Compiled to PTX only; matrixMulDrv.cpp embeds the text and loads it as a module. */
#include "kernel.h"
