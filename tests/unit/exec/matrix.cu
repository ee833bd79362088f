// Kernels for matrix.c, compiled by nvcc: every shape and type of mma.h, and tiles between shared memory and registers.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

// d = a × b + 2c, by one warp. The sums are doubled element by element, which needs no knowledge of where they lie.
template <int M, int N, int K, typename T, typename Memory, typename Layout_a, typename Layout_b, typename Sum>
__device__ void multiply(const Memory *a, const Memory *b, const Sum *c, Sum *d, int a_stride, int b_stride, int stride)
{
	wmma::fragment<wmma::matrix_a, M, N, K, T, Layout_a> fa;
	wmma::fragment<wmma::matrix_b, M, N, K, T, Layout_b> fb;
	wmma::fragment<wmma::accumulator, M, N, K, Sum> fc;

	wmma::load_matrix_sync(fa, a, a_stride);
	wmma::load_matrix_sync(fb, b, b_stride);
	wmma::load_matrix_sync(fc, c, stride, wmma::mem_row_major);
	for (int i = 0; i < fc.num_elements; i++)
		fc.x[i] = fc.x[i] + fc.x[i];
	wmma::mma_sync(fc, fa, fb, fc);
	wmma::store_matrix_sync(d, fc, stride, wmma::mem_row_major);
}

#define KERNEL(name, m, n, k, T, Memory, Layout_a, Layout_b, Sum)                                                      \
	extern "C" __global__ void name(const Memory *a, const Memory *b, const Sum *c, Sum *d, int a_stride,          \
					int b_stride, int stride)                                                      \
	{                                                                                                              \
		multiply<m, n, k, T, Memory, wmma::Layout_a, wmma::Layout_b, Sum>(a, b, c, d, a_stride, b_stride,      \
										  stride);                             \
	}

#define LAYOUTS(type, m, n, k, T, Memory, Sum)                                                                         \
	KERNEL(type##_##m##n##k##_rr, m, n, k, T, Memory, row_major, row_major, Sum)                                   \
	KERNEL(type##_##m##n##k##_rc, m, n, k, T, Memory, row_major, col_major, Sum)                                   \
	KERNEL(type##_##m##n##k##_cr, m, n, k, T, Memory, col_major, row_major, Sum)                                   \
	KERNEL(type##_##m##n##k##_cc, m, n, k, T, Memory, col_major, col_major, Sum)

#define SHAPES(type, T, Sum)                                                                                           \
	LAYOUTS(type, 16, 16, 16, T, T, Sum)                                                                           \
	LAYOUTS(type, 32, 8, 16, T, T, Sum)                                                                            \
	LAYOUTS(type, 8, 32, 16, T, T, Sum)

SHAPES(f16_f32, half, float)
SHAPES(f16_f16, half, half)
SHAPES(bf16_f32, __nv_bfloat16, float)
SHAPES(s8_s32, signed char, int)
SHAPES(u8_s32, unsigned char, int)
LAYOUTS(tf32_f32, 16, 16, 8, wmma::precision::tf32, float, float)
LAYOUTS(f64_f64, 8, 8, 4, double, double, double)
KERNEL(s4_s32_8832_rc, 8, 8, 32, wmma::experimental::precision::s4, void, row_major, col_major, int)
KERNEL(u4_s32_8832_rc, 8, 8, 32, wmma::experimental::precision::u4, void, row_major, col_major, int)

template <typename Operation> __device__ void multiply_bits(const void *a, const void *b, int *d, Operation operation)
{
	wmma::fragment<wmma::matrix_a, 8, 8, 128, wmma::experimental::precision::b1, wmma::row_major> fa;
	wmma::fragment<wmma::matrix_b, 8, 8, 128, wmma::experimental::precision::b1, wmma::col_major> fb;
	wmma::fragment<wmma::accumulator, 8, 8, 128, int> fc;

	wmma::load_matrix_sync(fa, a, 128);
	wmma::load_matrix_sync(fb, b, 128);
	wmma::fill_fragment(fc, 100);
	wmma::bmma_sync(fc, fa, fb, fc, operation, wmma::experimental::bmmaAccumulateOpPOPC);
	wmma::store_matrix_sync(d, fc, 8, wmma::mem_col_major);
}

extern "C" __global__ void bits_xor(const void *a, const void *b, int *d)
{
	multiply_bits(a, b, d, wmma::experimental::bmmaBitOpXOR);
}

extern "C" __global__ void bits_and(const void *a, const void *b, int *d)
{
	multiply_bits(a, b, d, wmma::experimental::bmmaBitOpAND);
}

// A tiled product of n × n matrices, n a multiple of 32: four warps of a block share tiles of 32 × 32.
extern "C" __global__ void gemm(const half *a, const half *b, float *c, int n)
{
	__shared__ __align__(32) half tile_a[32][40], tile_b[32][40];
	int warp = threadIdx.x / 32, row = warp / 2 * 16, col = warp % 2 * 16;
	wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum;

	wmma::fill_fragment(sum, 0.0f);
	for (int k = 0; k < n; k += 32) {
		for (int i = threadIdx.x; i < 32 * 32; i += blockDim.x) {
			tile_a[i / 32][i % 32] = a[(blockIdx.y * 32 + i / 32) * n + k + i % 32];
			tile_b[i / 32][i % 32] = b[(k + i / 32) * n + blockIdx.x * 32 + i % 32];
		}
		__syncthreads();
		for (int kk = 0; kk < 32; kk += 16) {
			wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
			wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> fb;

			wmma::load_matrix_sync(fa, &tile_a[row][kk], 40);
			wmma::load_matrix_sync(fb, &tile_b[kk][col], 40);
			wmma::mma_sync(sum, fa, fb, sum);
		}
		__syncthreads();
	}
	wmma::store_matrix_sync(c + (blockIdx.y * 32 + row) * n + blockIdx.x * 32 + col, sum, n, wmma::mem_row_major);
}

__device__ unsigned shared_address(const void *pointer)
{
	return (unsigned)__cvta_generic_to_shared(pointer);
}

// Four tiles of 8 × 8: read as they are and transposed, written as they are and transposed. Each lane's 4 words of
// each.
extern "C" __global__ void tiles(const unsigned short *in, unsigned *loaded, unsigned short *stored)
{
	__shared__ __align__(16) unsigned short tile[4 * 64], other[4 * 64];
	unsigned lane = threadIdx.x, r[4], t[4], m;

	for (int i = lane; i < 256; i += 32)
		tile[i] = in[i];
	__syncthreads();
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
		     : "r"(shared_address(&tile[lane * 8])));
	asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.b16 {%0, %1, %2, %3}, [%4];"
		     : "=r"(t[0]), "=r"(t[1]), "=r"(t[2]), "=r"(t[3])
		     : "l"(&tile[lane * 8]));
	asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(m) : "r"(r[0]));
	for (int i = 0; i < 4; i++) {
		loaded[lane * 9 + i] = r[i];
		loaded[lane * 9 + 4 + i] = t[i];
	}
	loaded[lane * 9 + 8] = m;
	asm volatile("stmatrix.sync.aligned.m8n8.x2.shared.b16 [%0], {%1, %2};" ::"r"(shared_address(&other[lane * 8])),
		     "r"(r[0]), "r"(r[1]));
	asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(
			 shared_address(&other[128 + lane % 8 * 8])),
		     "r"(r[2]));
	asm volatile("stmatrix.sync.aligned.m8n8.x1.b16 [%0], {%1};" ::"l"(&other[192 + lane % 8 * 8]), "r"(t[3]));
	__syncthreads();
	for (int i = lane; i < 256; i += 32)
		stored[i] = other[i];
}
