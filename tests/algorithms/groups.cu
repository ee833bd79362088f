/* Cooperative groups: the grid, tiles, coalesced and labelled groups. */
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <map>

#include "check.h"

namespace cg = cooperative_groups;

/* Each round every thread takes what its neighbour in another block left in the round before. */
static __global__ void rounds(int *values, int n, int count)
{
	cg::grid_group grid = cg::this_grid();
	int i = (int)grid.thread_rank();

	for (int round = 0; round < count; round++) {
		int taken = values[(i + 97) % n];

		grid.sync();
		values[i] = taken * 3 + round;
		grid.sync();
	}
}

static void test_grid()
{
	int blocks = 6, threads = 64, n = blocks * threads, count = 5;
	std::vector<int> want(n), next(n);

	for (int i = 0; i < n; i++)
		want[i] = i;
	Device<int> values(want);
	int *pointer = values;
	void *arguments[] = {&pointer, &n, &count};
	CUDA(cudaLaunchCooperativeKernel(rounds, blocks, threads, arguments, 0, nullptr));
	for (int round = 0; round < count; round++) {
		for (int i = 0; i < n; i++)
			next[i] = want[(i + 97) % n] * 3 + round;
		want = next;
	}
	check("grid sync", values.host() == want);
}

template <int Size> static __global__ void tiles(const int *in, int *sums, int *scans)
{
	cg::thread_block_tile<Size> tile = cg::tiled_partition<Size>(cg::this_thread_block());
	int i = threadIdx.x, value = in[i];

	sums[i] = cg::reduce(tile, value, cg::plus<int>());
	scans[i] = cg::inclusive_scan(tile, value, cg::greater<int>());
}

template <int Size> static void test_tile(const char *name)
{
	const int n = 128;
	std::vector<unsigned> words = random_words(n, 0xffff);
	std::vector<int> in(words.begin(), words.end()), sums(n), scans(n);
	Device<int> device(in), device_sums(n), device_scans(n);

	tiles<Size><<<1, n>>>(device, device_sums, device_scans);
	for (int start = 0; start < n; start += Size) {
		int sum = 0, most = 0;

		for (int i = start; i < start + Size; i++) {
			sum += in[i];
			most = in[i] > most ? in[i] : most;
			scans[i] = most;
		}
		for (int i = start; i < start + Size; i++)
			sums[i] = sum;
	}
	check(name, device_sums.host() == sums && device_scans.host() == scans);
}

/* Threads of one warp with the same label count together; only those with odd values. */
static __global__ void labels(const int *in, int *counts, int *ranks, int *leaders)
{
	int i = threadIdx.x;

	counts[i] = ranks[i] = leaders[i] = -1;
	if (in[i] % 2) {
		cg::coalesced_group odd = cg::coalesced_threads();
		cg::coalesced_group same = cg::labeled_partition(odd, in[i]);

		counts[i] = (int)same.size();
		ranks[i] = (int)same.thread_rank();
		leaders[i] = same.shfl(i, 0);
	}
}

static void test_labels()
{
	const int n = 96;
	std::vector<unsigned> words = random_words(n, 7);
	std::vector<int> in(words.begin(), words.end()), counts(n, -1), ranks(n, -1), leaders(n, -1);
	Device<int> device(in), device_counts(n), device_ranks(n), device_leaders(n);

	labels<<<1, n>>>(device, device_counts, device_ranks, device_leaders);
	for (int warp = 0; warp < n; warp += 32) {
		std::map<int, std::vector<int>> groups;

		for (int i = warp; i < warp + 32; i++)
			if (in[i] % 2)
				groups[in[i]].push_back(i);
		for (const auto &group : groups)
			for (size_t k = 0; k < group.second.size(); k++) {
				counts[group.second[k]] = (int)group.second.size();
				ranks[group.second[k]] = (int)k;
				leaders[group.second[k]] = group.second[0];
			}
	}
	check("labelled partition",
	      device_counts.host() == counts && device_ranks.host() == ranks && device_leaders.host() == leaders);
}

int main()
{
	test_grid();
	test_tile<32>("tiles of 32");
	test_tile<8>("tiles of 8");
	test_tile<4>("tiles of 4");
	test_labels();
	return conclude();
}
