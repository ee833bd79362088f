/* Thrust and CUB. Compiles for a minute. */
#include <algorithm>
#include <cub/cub.cuh>
#include <numeric>
#include <thrust/device_vector.h>
#include <thrust/host_vector.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/sort.h>
#include <thrust/transform.h>

#include "check.h"

struct Affine {
	__host__ __device__ unsigned operator()(unsigned x) const
	{
		return 3 * x + 1;
	}
};

static void test_thrust()
{
	std::vector<unsigned> words = random_words(30011), want = words, sums(words.size());
	thrust::device_vector<unsigned> device(words.begin(), words.end()), out(words.size());

	thrust::transform(device.begin(), device.end(), out.begin(), Affine());
	std::transform(words.begin(), words.end(), want.begin(), Affine());
	check("thrust transform", std::equal(want.begin(), want.end(), thrust::host_vector<unsigned>(out).begin()));
	check("thrust reduce",
	      thrust::reduce(device.begin(), device.end(), 0u) == std::accumulate(words.begin(), words.end(), 0u));
	thrust::inclusive_scan(device.begin(), device.end(), out.begin());
	std::partial_sum(words.begin(), words.end(), sums.begin());
	check("thrust scan", std::equal(sums.begin(), sums.end(), thrust::host_vector<unsigned>(out).begin()));
	thrust::sort(device.begin(), device.end());
	std::sort(words.begin(), words.end());
	check("thrust sort", std::equal(words.begin(), words.end(), thrust::host_vector<unsigned>(device).begin()));
}

/* CUB says how much memory it needs when it gets none. */
template <class Call> static void with_storage(Call call)
{
	size_t bytes = 0;

	CUDA(call(nullptr, bytes));
	Device<char> storage(bytes);
	CUDA(call((char *)storage, bytes));
}

static void test_cub()
{
	std::vector<unsigned> words = random_words(20011);
	Device<unsigned> in(words), out(words.size()), single(1), runs(words.size()), count(1);
	int n = (int)words.size();

	with_storage([&](void *storage, size_t &bytes) {
		return cub::DeviceReduce::Max(storage, bytes, (unsigned *)in, (unsigned *)single, n);
	});
	check("cub max", single.host()[0] == *std::max_element(words.begin(), words.end()));
	with_storage([&](void *storage, size_t &bytes) {
		return cub::DeviceScan::ExclusiveSum(storage, bytes, (unsigned *)in, (unsigned *)out, n);
	});
	std::vector<unsigned> sums(words.size());
	std::exclusive_scan(words.begin(), words.end(), sums.begin(), 0u);
	check("cub scan", out.host() == sums);
	with_storage([&](void *storage, size_t &bytes) {
		return cub::DeviceRadixSort::SortKeys(storage, bytes, (unsigned *)in, (unsigned *)out, n);
	});
	std::sort(words.begin(), words.end());
	check("cub radix sort", out.host() == words);
}

int main()
{
	test_thrust();
	test_cub();
	return conclude();
}
