/* Trains a linear model by gradient descent, each step as many tiny kernels, as frameworks do it. After each step the
 * host reads the loss and chooses the next step's rate from it: one value that depends on data.
 *
 *     train STEPS LAYERS    seconds per step, and the loss at the end, which must not depend on where this runs
 */
#include "check.h"
#include "commands.h"

#define WIDTH 64
#define KERNELS_PER_LAYER 3

struct model {
	float *weights, *gradient, *input, *loss;
};

/* gradient = prediction - target, where the target is 3 times the input. */
__global__ void forward(float *gradient, const float *weights, const float *input)
{
	int i = threadIdx.x;

	gradient[i] = weights[i] * input[i] - 3 * input[i];
}

__global__ void add_loss(float *loss, const float *gradient)
{
	if (threadIdx.x == 0) {
		float sum = 0;
		for (int i = 0; i < WIDTH; i++)
			sum += gradient[i] * gradient[i];
		*loss += sum / WIDTH;
	}
}

__global__ void update(float *weights, const float *gradient, const float *input, float rate)
{
	int i = threadIdx.x;

	weights[i] -= rate * gradient[i] * input[i];
}

static float train_step(const model &m, long layers, float rate)
{
	float loss;

	CHECK(cudaMemsetAsync(m.loss, 0, sizeof(*m.loss)));
	for (long layer = 0; layer < layers; layer++) {
		long offset = layer * WIDTH;
		forward<<<1, WIDTH>>>(m.gradient, m.weights + offset, m.input);
		add_loss<<<1, 32>>>(m.loss, m.gradient);
		update<<<1, WIDTH>>>(m.weights + offset, m.gradient, m.input, rate);
	}
	CHECK(cudaMemcpy(&loss, m.loss, sizeof(loss), cudaMemcpyDeviceToHost));
	return loss;
}

static model create(long layers)
{
	model m;
	float input[WIDTH];

	for (int i = 0; i < WIDTH; i++)
		input[i] = 0.5f + (float)i / WIDTH;
	CHECK(cudaMalloc(&m.weights, layers * WIDTH * sizeof(float)));
	CHECK(cudaMalloc(&m.gradient, WIDTH * sizeof(float)));
	CHECK(cudaMalloc(&m.input, sizeof(input)));
	CHECK(cudaMalloc(&m.loss, sizeof(float)));
	CHECK(cudaMemset(m.weights, 0, layers * WIDTH * sizeof(float)));
	CHECK(cudaMemcpy(m.input, input, sizeof(input), cudaMemcpyHostToDevice));
	CHECK(cudaDeviceSynchronize());
	return m;
}

static void release(const model &m)
{
	CHECK(cudaFree(m.weights));
	CHECK(cudaFree(m.gradient));
	CHECK(cudaFree(m.input));
	CHECK(cudaFree(m.loss));
}

static void measure_train(const long *arguments, double *results)
{
	model m = create(arguments[1]);
	float loss = 0, rate = 0.1f;
	double start = command_seconds();

	for (long step = 0; step < arguments[0]; step++) {
		float now = train_step(m, arguments[1], rate);
		rate = step > 0 && now > loss ? rate / 2 : rate;
		loss = now;
	}
	results[0] = (command_seconds() - start) / (double)arguments[0];
	results[1] = loss;
	release(m);
}

int main()
{
	static const struct command table[] = {{"train", measure_train}};

	return command_loop(table, 1);
}
