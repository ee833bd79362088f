// Many host threads on many streams, and data that tells whether their order held. Tokens, each an array on the device
// and the values that it must have, go from thread to thread through a queue. A thread that takes one does something to
// it on a stream of its own, after what the previous owner started: it waits on the device for the token's event, or
// for all of the previous stream on the host. Every copy to the host is compared with the values expected.
//
// usage: stress THREADS STREAMS ROUNDS SEED
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <cuda_runtime.h>

static constexpr unsigned tokens_per_thread = 2;
static constexpr unsigned elements_max = 40000;

#define CHECK(call)                                                                                                    \
	do {                                                                                                           \
		cudaError_t error = (call);                                                                            \
		if (error != cudaSuccess) {                                                                            \
			fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorName(error));        \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

// Element i of a token has the value base + i * step.
__global__ void add(unsigned *values, unsigned count, unsigned base, unsigned step)
{
	unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i < count)
		values[i] += base + i * step;
}

struct Token {
	unsigned count = 0, base = 0, step = 0;
	unsigned *values = nullptr;
	cudaEvent_t event = nullptr;   // after the last thing that was started
	cudaStream_t stream = nullptr; // where that was
};

// Where tokens wait for their next owner: the host's happens-before.
class Exchange
{
      public:
	void put(Token *token)
	{
		std::lock_guard<std::mutex> guard(lock);
		waiting.push_back(token);
		ready.notify_one();
	}

	Token *take()
	{
		std::unique_lock<std::mutex> guard(lock);
		ready.wait(guard, [this] { return !waiting.empty(); });
		Token *token = waiting.front();
		waiting.pop_front();
		return token;
	}

      private:
	std::mutex lock;
	std::condition_variable ready;
	std::deque<Token *> waiting;
};

static Exchange exchange;

class Worker
{
      public:
	Worker(unsigned streams, unsigned seed) : random(seed), streams(streams)
	{
		for (cudaStream_t &stream : this->streams)
			CHECK(cudaStreamCreateWithFlags(&stream, below(2) ? cudaStreamNonBlocking : cudaStreamDefault));
		CHECK(cudaMallocHost(&pinned, elements_max * sizeof(unsigned)));
	}

	~Worker()
	{
		for (cudaStream_t stream : streams)
			CHECK(cudaStreamDestroy(stream));
		CHECK(cudaFreeHost(pinned));
	}

	void round()
	{
		Token *token = exchange.take();
		cudaStream_t stream = streams[below(streams.size())];
		follow(token, stream);
		act(token, stream);
		CHECK(cudaEventRecord(token->event, stream));
		token->stream = stream;
		// The stream may end before its token is looked at again: the event stands for it.
		exchange.put(token);
	}

	// After all that has been started: is the token as it must be?
	void verify(Token *token)
	{
		CHECK(cudaEventSynchronize(token->event));
		CHECK(cudaMemcpy(pinned, token->values, bytes(token), cudaMemcpyDeviceToHost));
		compare(token, pinned);
	}

      private:
	std::minstd_rand random;
	std::vector<cudaStream_t> streams;
	unsigned *pinned = nullptr;

	unsigned below(size_t bound)
	{
		return unsigned(random() % bound);
	}
	static size_t bytes(const Token *token)
	{
		return token->count * sizeof(unsigned);
	}

	void follow(Token *token, cudaStream_t stream)
	{
		switch (below(3)) {
		case 0:
			CHECK(cudaEventSynchronize(token->event));
			break;
		case 1:
			while (cudaError_t status = cudaEventQuery(token->event)) {
				if (status != cudaErrorNotReady)
					CHECK(status);
				(void)cudaGetLastError(); // which it is, too
				std::this_thread::yield();
			}
			break;
		default:
			CHECK(cudaStreamWaitEvent(stream, token->event, 0));
		}
	}

	void act(Token *token, cudaStream_t stream)
	{
		switch (below(8)) {
		case 0:
			return replace(token, stream);
		case 1:
			return clear(token, stream);
		case 2:
			return fill(token, stream);
		case 3:
			return read(token, stream);
		case 4:
			return duplicate(token, stream);
		default:
			for (unsigned times = 1 + below(8); times; times--)
				change(token, stream);
		}
	}

	void change(Token *token, cudaStream_t stream)
	{
		unsigned base = below(1000), step = below(10);
		add<<<(token->count + 255) / 256, 256, 0, stream>>>(token->values, token->count, base, step);
		CHECK(cudaGetLastError());
		token->base += base;
		token->step += step;
	}

	void clear(Token *token, cudaStream_t stream)
	{
		CHECK(cudaMemsetAsync(token->values, 0, bytes(token), stream));
		token->base = token->step = 0;
	}

	// From pageable memory, which may be reused at once, or from pinned memory, which may not.
	void fill(Token *token, cudaStream_t stream)
	{
		std::vector<unsigned> pageable(token->count);
		bool from_pinned = below(2);
		unsigned *from = from_pinned ? pinned : pageable.data();
		token->base = below(1000);
		token->step = below(10);
		for (unsigned i = 0; i < token->count; i++)
			from[i] = token->base + i * token->step;
		CHECK(cudaMemcpyAsync(token->values, from, bytes(token), cudaMemcpyHostToDevice, stream));
		if (from_pinned)
			CHECK(cudaStreamSynchronize(stream));
	}

	void read(Token *token, cudaStream_t stream)
	{
		if (below(2)) {
			CHECK(cudaMemcpyAsync(pinned, token->values, bytes(token), cudaMemcpyDeviceToHost, stream));
			CHECK(cudaStreamSynchronize(stream));
			return compare(token, pinned);
		}
		std::vector<unsigned> pageable(token->count);
		CHECK(cudaMemcpyAsync(pageable.data(), token->values, bytes(token), cudaMemcpyDeviceToHost, stream));
		CHECK(cudaStreamSynchronize(stream));
		compare(token, pageable.data());
	}

	// The old array is freed while it may still be read.
	void duplicate(Token *token, cudaStream_t stream)
	{
		unsigned *copy;
		CHECK(cudaMalloc(&copy, bytes(token)));
		CHECK(cudaMemcpyAsync(copy, token->values, bytes(token), cudaMemcpyDeviceToDevice, stream));
		CHECK(cudaFree(token->values));
		token->values = copy;
	}

	// Another size.
	void replace(Token *token, cudaStream_t stream)
	{
		CHECK(cudaStreamSynchronize(stream));
		CHECK(cudaFree(token->values));
		token->count = 1 + below(elements_max);
		CHECK(cudaMalloc(&token->values, bytes(token)));
		fill(token, stream);
	}

	static void compare(const Token *token, const unsigned *values)
	{
		for (unsigned i = 0; i < token->count; i++) {
			unsigned expected = token->base + i * token->step;
			if (values[i] != expected) {
				fprintf(stderr, "element %u of %u is %u, not %u\n", i, token->count, values[i],
					expected);
				exit(1);
			}
		}
	}
};

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: stress THREADS STREAMS ROUNDS SEED\n");
		return 2;
	}
	const unsigned threads = atoi(argv[1]), streams = atoi(argv[2]), rounds = atoi(argv[3]), seed = atoi(argv[4]);
	std::vector<Token> tokens(threads * tokens_per_thread);
	for (Token &token : tokens) {
		token.count = 1000;
		CHECK(cudaMalloc(&token.values, token.count * sizeof(unsigned)));
		CHECK(cudaMemset(token.values, 0, token.count * sizeof(unsigned)));
		CHECK(cudaEventCreateWithFlags(&token.event, cudaEventDisableTiming));
		CHECK(cudaEventRecord(token.event, nullptr));
		exchange.put(&token);
	}

	// Workers live as long as the tokens: their streams carry what others wait for.
	std::vector<std::thread> running;
	for (unsigned i = 0; i < threads; i++)
		running.emplace_back([=] {
			Worker worker(streams, seed + i);
			for (unsigned round = 0; round < rounds; round++)
				worker.round();
		});
	for (std::thread &thread : running)
		thread.join();

	Worker last(1, seed);
	for (Token &token : tokens) {
		last.verify(&token);
		CHECK(cudaFree(token.values));
		CHECK(cudaEventDestroy(token.event));
	}
	printf("stress: %u threads, %u streams each, %u rounds: all values right\n", threads, streams, rounds);
	return 0;
}
