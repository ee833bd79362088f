/* C = A × B in tiles of shared memory; each block of 32×32 threads computes one tile of C. */
#ifndef SAMPLES_MATRIXMUL_KERNEL_H
#define SAMPLES_MATRIXMUL_KERNEL_H

#define TILE 32

/* wa and wb are the widths of A and B; every dimension is a multiple of TILE. The grid is (wb/TILE, ha/TILE). */
extern "C" __global__ void matrix_mul(float *c, const float *a, const float *b, int wa, int wb)
{
	__shared__ float tile_a[TILE][TILE];
	__shared__ float tile_b[TILE][TILE];
	int x = threadIdx.x, y = threadIdx.y;
	int row = blockIdx.y * TILE + y, column = blockIdx.x * TILE + x;
	float sum = 0;

	for (int start = 0; start < wa; start += TILE) {
		tile_a[y][x] = a[row * wa + start + x];
		tile_b[y][x] = b[(start + y) * wb + column];
		__syncthreads();
#pragma unroll
		for (int k = 0; k < TILE; k++)
			sum += tile_a[y][k] * tile_b[k][x];
		__syncthreads();
	}
	c[row * wb + column] = sum;
}

#endif
