// Kernels for async.c: asynchronous copies, barrier objects and clusters as CUDA's own headers use them. Compiled for
// several compute capabilities, of which each has other instructions for the same.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/reduce.h>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda/ptx>
#include <cuda_pipeline.h>

#pragma nv_diag_suppress static_var_with_dynamic_init // CUDA initialises these objects with init()

namespace cg = cooperative_groups;

#define TILE 256

// out[i] = 2 in[i] + 1, tile after tile of the block's part, the next one copied while this one is worked on.
extern "C" __global__ void pipelined(const int *in, int *out, int tiles)
{
	constexpr int stages = 2;
	__shared__ __align__(16) int buffer[stages][TILE];
	__shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, stages> state;
	auto block = cg::this_thread_block();
	auto pipeline = cuda::make_pipeline(block, &state);
	const int *from = in + blockIdx.x * tiles * TILE;

	for (int fetch = 0, tile = 0; tile < tiles; tile++) {
		for (; fetch < tiles && fetch < tile + stages; fetch++) {
			pipeline.producer_acquire();
			cuda::memcpy_async(block, buffer[fetch % stages], from + fetch * TILE,
					   cuda::aligned_size_t<16>(sizeof(int) * TILE), pipeline);
			pipeline.producer_commit();
		}
		pipeline.consumer_wait();
		for (int i = block.thread_rank(); i < TILE; i += block.size())
			out[(blockIdx.x * tiles + tile) * TILE + i] = 2 * buffer[tile % stages][i] + 1;
		pipeline.consumer_release();
	}
}

// The same with the pipeline of one thread, and with the older primitives.
extern "C" __global__ void pipelined_by_thread(const int *in, int *out)
{
	__shared__ int buffer[TILE], other[TILE];
	auto pipeline = cuda::make_pipeline();
	int t = threadIdx.x;

	pipeline.producer_acquire();
	cuda::memcpy_async(&buffer[t], &in[t], sizeof(int), pipeline);
	pipeline.producer_commit();
	pipeline.consumer_wait();
	pipeline.consumer_release();
	__pipeline_memcpy_async(&other[t], &in[TILE + t], sizeof(int));
	__pipeline_commit();
	__pipeline_wait_prior(0);
	__syncthreads();
	out[t] = buffer[TILE - 1 - t] + other[t];
}

// Copies of sizes and alignments that no instruction has.
extern "C" __global__ void odd_sizes(const char *in, char *out, int bytes)
{
	__shared__ __align__(16) char buffer[1024];
	__shared__ cuda::barrier<cuda::thread_scope_block> barrier;
	auto block = cg::this_thread_block();

	if (block.thread_rank() == 0)
		init(&barrier, block.size());
	block.sync();
	cuda::memcpy_async(block, buffer, in, bytes, barrier);
	barrier.arrive_and_wait();
	for (int i = block.thread_rank(); i < bytes; i += block.size())
		out[i] = buffer[bytes - 1 - i];
}

// Phase after phase: each thread adds up what its neighbour wrote in the phase before.
extern "C" __global__ void phases(int *out, int rounds)
{
	__shared__ cuda::barrier<cuda::thread_scope_block> barrier;
	__shared__ int values[2][1024];
	int t = threadIdx.x, n = blockDim.x;

	if (t == 0)
		init(&barrier, n);
	__syncthreads();
	values[0][t] = t;
	for (int i = 0; i < rounds; i++) {
		auto token = barrier.arrive();

		barrier.wait(std::move(token));
		values[(i + 1) & 1][t] = values[i & 1][(t + 1) % n] + 1;
	}
	barrier.arrive_and_wait();
	out[t] = values[rounds & 1][t];
}

// Half of the threads drop out of the barrier; the others go on.
extern "C" __global__ void dropping(int *out)
{
	__shared__ cuda::barrier<cuda::thread_scope_block> barrier;
	__shared__ int sum;
	int t = threadIdx.x;

	if (t == 0) {
		init(&barrier, blockDim.x);
		sum = 0;
	}
	__syncthreads();
	if (t & 1) {
		atomicAdd(&sum, 1);
		barrier.arrive_and_drop();
		return;
	}
	barrier.arrive_and_wait();
	atomicAdd(&sum, 100);
	barrier.arrive_and_wait();
	out[t / 2] = sum;
}

// A producer warp and consumer warps that meet at two barriers.
extern "C" __global__ void producer_consumer(int *out, int rounds)
{
	using Barrier = cuda::barrier<cuda::thread_scope_block>;
	__shared__ Barrier full, empty;
	__shared__ int slot[32];
	int t = threadIdx.x, sum = 0;

	if (t == 0) {
		init(&full, blockDim.x);
		init(&empty, blockDim.x);
	}
	__syncthreads();
	for (int i = 0; i < rounds; i++) {
		if (t < 32) {
			slot[t] = i * 32 + t;
			(void)full.arrive();
			empty.arrive_and_wait();
		} else {
			full.arrive_and_wait();
			sum += slot[t % 32];
			empty.arrive_and_wait();
		}
	}
	if (t >= 32)
		out[t - 32] = sum;
}

extern "C" __global__ void group_copy(const int *in, int *out, int n)
{
	extern __shared__ int buffer[];
	auto block = cg::this_thread_block();
	auto tile = cg::tiled_partition<32>(block);

	cg::memcpy_async(block, buffer, in + blockIdx.x * n, sizeof(int) * n);
	cg::wait(block);
	int sum = 0;
	for (int i = block.thread_rank(); i < n; i += block.size())
		sum += buffer[i];
	sum = cg::reduce(tile, sum, cg::plus<int>());
	if (tile.thread_rank() == 0)
		atomicAdd(&out[blockIdx.x], sum);
}

#if __CUDA_ARCH__ >= 900 || !defined(__CUDA_ARCH__)
// A histogram whose bins are spread over the shared memory of a cluster's blocks.
extern "C" __global__ void cluster_histogram(const int *in, int n, int *bins, int bins_per_block)
{
	extern __shared__ int mine[];
	auto cluster = cg::this_cluster();
	int first = (blockIdx.x / cluster.num_blocks()) * n;

	for (int i = threadIdx.x; i < bins_per_block; i += blockDim.x)
		mine[i] = 0;
	cluster.sync();
	for (int i = cluster.thread_rank(); i < n; i += cluster.num_threads()) {
		int bin = in[first + i];
		int *theirs = cluster.map_shared_rank(mine, bin / bins_per_block);

		atomicAdd(theirs + bin % bins_per_block, 1);
	}
	cluster.sync();
	for (int i = threadIdx.x; i < bins_per_block; i += blockDim.x)
		atomicAdd(&bins[cluster.block_rank() * bins_per_block + i], mine[i]);
}

// Where each block of a grid of clusters thinks it is.
extern "C" __global__ void __cluster_dims__(2, 2, 1) cluster_places(unsigned *out)
{
	auto cluster = cg::this_cluster();
	unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
	dim3 at = cluster.block_index(), size = cluster.dim_blocks();
	unsigned id, count, is_explicit;

	asm("mov.u32 %0, %%clusterid.x;" : "=r"(id));
	asm("mov.u32 %0, %%nclusterid.y;" : "=r"(count));
	asm("{ .reg .pred p; mov.pred p, %%is_explicit_cluster; selp.u32 %0, 1, 0, p; }" : "=r"(is_explicit));
	out += block * 8;
	out[0] = cluster.block_rank();
	out[1] = at.x + 10 * at.y + 100 * at.z;
	out[2] = size.x + 10 * size.y + 100 * size.z;
	out[3] = cluster.num_blocks();
	out[4] = id;
	out[5] = count;
	out[6] = is_explicit;
	out[7] = cluster.thread_rank();
}

// Every block hands a value to the next by a store into its shared memory, round and round.
extern "C" __global__ void cluster_ring(int *out, int rounds)
{
	__shared__ int value[2];
	auto cluster = cg::this_cluster();
	unsigned rank = cluster.block_rank(), next = (rank + 1) % cluster.num_blocks();

	if (threadIdx.x == 0)
		value[0] = rank;
	cluster.sync();
	for (int i = 0; i < rounds; i++) {
		if (threadIdx.x == 0)
			cluster.map_shared_rank(value, next)[(i + 1) & 1] = value[i & 1] + 1;
		auto token = cluster.barrier_arrive();
		cluster.barrier_wait(std::move(token));
	}
	if (threadIdx.x == 0)
		out[blockIdx.x] = value[rounds & 1];
}

namespace ptx = cuda::ptx;

// out = in, sums += in, by whole copies of `n` numbers; one thread starts them.
extern "C" __global__ void bulk(const int *in, int *out, int *sums, int n)
{
	extern __shared__ __align__(16) int buffer[];
	__shared__ cuda::barrier<cuda::thread_scope_block> barrier;
	int first = blockIdx.x * n;
	cuda::barrier<cuda::thread_scope_block>::arrival_token token;

	if (threadIdx.x == 0) {
		init(&barrier, blockDim.x);
		ptx::fence_proxy_async(ptx::space_shared);
	}
	__syncthreads();
	if (threadIdx.x == 0) {
		cuda::device::memcpy_async_tx(buffer, in + first, cuda::aligned_size_t<16>(n * sizeof(int)), barrier);
		token = cuda::device::barrier_arrive_tx(barrier, 1, n * sizeof(int));
	} else {
		token = barrier.arrive();
	}
	barrier.wait(std::move(token));
	for (int i = threadIdx.x; i < n; i += blockDim.x)
		buffer[i] += 1;
	ptx::fence_proxy_async(ptx::space_shared);
	__syncthreads();
	if (threadIdx.x == 0) {
		ptx::cp_async_bulk(ptx::space_global, ptx::space_shared, out + first, buffer, n * sizeof(int));
		ptx::cp_reduce_async_bulk(ptx::space_global, ptx::space_shared, ptx::op_add, sums, buffer,
					  n * sizeof(int));
		ptx::cp_async_bulk_commit_group();
		ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>{});
		ptx::cp_async_bulk_wait_group(ptx::n32_t<0>{});
	}
}

// In a cluster of two blocks each writes into the other's memory in all the ways there are: 64 ints from a copy, one of
// a store, one of a sum. Both load 16 ints.
extern "C" __global__ void __cluster_dims__(2, 1, 1) remote(const int *in, int *out)
{
	__shared__ __align__(16) int from[64], to[64], both[16];
	__shared__ int stored[4], added;
	__shared__ uint64_t object, second;
	auto cluster = cg::this_cluster();
	unsigned rank = cluster.block_rank(), other = rank ^ 1;
	int t = threadIdx.x;

	from[t] = 100 * rank + t;
	if (t == 0) {
		added = 7;
		ptx::mbarrier_init(&object, 1);
		ptx::mbarrier_init(&second, 1);
		ptx::fence_mbarrier_init(ptx::sem_release, ptx::scope_cluster);
		ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &object,
					       sizeof(from) + 16 + 4);
		ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &second,
					       sizeof(both));
	}
	ptx::fence_proxy_async();
	cluster.sync();
	if (t == 0) {
		uint64_t *theirs = cluster.map_shared_rank(&object, other);
		int values[4] = {t + 1, t + 2, t + 3, (int)(t + 4 + rank)};

		ptx::cp_async_bulk(ptx::space_cluster, ptx::space_shared, cluster.map_shared_rank(to, other), from,
				   sizeof(from), theirs);
		ptx::st_async(cluster.map_shared_rank(stored, other), values, theirs);
		ptx::red_async(ptx::op_add, cluster.map_shared_rank(&added, other), (int)(10 + rank), theirs);
		ptx::cp_async_bulk(ptx::space_cluster, ptx::space_global, both, in, sizeof(both), &second);
	}
	while (!ptx::mbarrier_try_wait_parity(&object, 0))
		;
	while (!ptx::mbarrier_try_wait_parity(&second, 0))
		;
	out += rank * 128;
	out[t] = to[t];
	if (t < 4)
		out[64 + t] = stored[t];
	if (t < 16)
		out[80 + t] = both[t];
	if (t == 0)
		out[68] = added;
	cluster.sync();
}

// One thread of the warp arrives in another block.
extern "C" __global__ void __cluster_dims__(4, 1, 1) remote_arrivals(int *out)
{
	__shared__ uint64_t object;
	auto cluster = cg::this_cluster();

	if (threadIdx.x == 0)
		ptx::mbarrier_init(&object, cluster.num_blocks());
	cluster.sync();
	cg::invoke_one(cg::tiled_partition<32>(cg::this_thread_block()), [&] {
		for (unsigned rank = 0; rank < cluster.num_blocks(); rank++)
			ptx::mbarrier_arrive(ptx::sem_release, ptx::scope_cluster, ptx::space_cluster,
					     cluster.map_shared_rank(&object, rank));
	});
	while (!ptx::mbarrier_try_wait_parity(ptx::sem_acquire, ptx::scope_cluster, &object, 0))
		;
	out[blockIdx.x * blockDim.x + threadIdx.x] = 1 + cluster.block_rank();
	cluster.sync();
}
#endif
