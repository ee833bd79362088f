/* Device code that other translation units call; compile with nvcc -rdc=true. */
#ifndef SEPARATE_UNITS_OPERATIONS_H
#define SEPARATE_UNITS_OPERATIONS_H

typedef float (*operation)(float);

#define OPERATION_COUNT 3

extern __constant__ float operation_scale;               /* defined with a value, which the host changes */
extern __device__ operation operations[OPERATION_COUNT]; /* addresses of device functions */
extern __device__ unsigned operation_calls;

__device__ float scaled(float x);

/* Host: fills `result` with operation n % 3 of x[n]; a kernel of the other unit. */
void operations_apply(const float *x, float *result, int count);

#endif
