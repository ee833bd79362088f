/* A part of a device variable, for copies and graph nodes. */
#ifndef CUDART_SYMBOL_H
#define CUDART_SYMBOL_H

#include "context.h"

/*
 * Makes a context current and gives the device's address of `count` bytes from `offset` on in the variable behind
 * the host's `symbol`. cudaErrorInvalidSymbol: no such variable; cudaErrorInvalidValue: it is shorter.
 */
cudaError_t rt_variable_part(const void *symbol, size_t count, size_t offset, void **part);

#endif
