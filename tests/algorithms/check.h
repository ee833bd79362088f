/* What the programs of this folder share. Each computes with kernels and on the host, and compares. */
#ifndef ALGORITHMS_CHECK_H
#define ALGORITHMS_CHECK_H

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#define CUDA(call)                                                                                                     \
	do {                                                                                                           \
		cudaError_t error_ = (call);                                                                           \
		if (error_ != cudaSuccess) {                                                                           \
			std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                             \
				     cudaGetErrorString(error_));                                                      \
			std::exit(1);                                                                                  \
		}                                                                                                      \
	} while (0)

/* An array in device memory. */
template <class T> class Device
{
      public:
	explicit Device(size_t count) : count(count)
	{
		CUDA(cudaMalloc(&data, count * sizeof(T) + 1));
		CUDA(cudaMemset(data, 0, count * sizeof(T)));
	}
	explicit Device(const std::vector<T> &values) : Device(values.size())
	{
		CUDA(cudaMemcpy(data, values.data(), count * sizeof(T), cudaMemcpyHostToDevice));
	}
	Device(const Device &) = delete;
	Device &operator=(const Device &) = delete;
	~Device()
	{
		cudaFree(data);
	}
	operator T *()
	{
		return data;
	}
	/* Waits for the kernels. */
	std::vector<T> host() const
	{
		std::vector<T> values(count);

		CUDA(cudaMemcpy(values.data(), data, count * sizeof(T), cudaMemcpyDeviceToHost));
		return values;
	}

      private:
	T *data;
	size_t count;
};

inline unsigned random_bits()
{
	static unsigned long long state = 0x2545f4914f6cdd1dull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 16);
}

inline std::vector<unsigned> random_words(size_t count, unsigned mask = ~0u)
{
	std::vector<unsigned> words(count);

	for (unsigned &word : words)
		word = random_bits() & mask;
	return words;
}

inline int failures;

inline void check(const char *what, bool is_right)
{
	std::printf("%s: %s\n", what, is_right ? "right" : "WRONG");
	failures += !is_right;
}

/* main's result. */
inline int conclude()
{
	std::printf("Result = %s\n", failures ? "FAIL" : "PASS");
	return failures != 0;
}

#endif
