/* The host's side of the matrix products: input, reference, comparison. Matrices are stored row by row. */
#ifndef SAMPLES_MATRIXMUL_HOST_H
#define SAMPLES_MATRIXMUL_HOST_H

#include <math.h>
#include <stdint.h>
#include <vector>

#include "result.h"

struct matrix {
	long width, height;
	std::vector<float> values;
	matrix(long width, long height) : width(width), height(height), values(width * height)
	{
	}
	size_t bytes() const
	{
		return values.size() * sizeof(float);
	}
};

/* Numbers in 0…1 that depend on seed only. */
static inline void matrix_fill(matrix &m, uint32_t seed)
{
	for (float &value : m.values)
		value = (float)sample_random(&seed) / (float)(1 << 24);
}

/* Row `row` of a × b, in double precision. */
static inline std::vector<double> matrix_row(const matrix &a, const matrix &b, long row)
{
	std::vector<double> sums(b.width, 0.0);

	for (long k = 0; k < a.width; k++) {
		double factor = a.values[row * a.width + k];
		for (long column = 0; column < b.width; column++)
			sums[column] += factor * b.values[k * b.width + column];
	}
	return sums;
}

/* How many elements of c differ from a × b by more than single precision allows. NaN counts as wrong. */
static inline long matrix_wrong(const matrix &a, const matrix &b, const matrix &c)
{
	long wrong = 0;

	for (long row = 0; row < c.height; row++) {
		std::vector<double> expected = matrix_row(a, b, row);
		for (long column = 0; column < c.width; column++) {
			double difference = fabs(c.values[row * c.width + column] - expected[column]);
			wrong += !(difference <= 1e-5 * expected[column]);
		}
	}
	return wrong;
}

#endif
