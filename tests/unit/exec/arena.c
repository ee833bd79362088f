/* The memory of the device: allocations, bounds, what comes back. */
#include "harness.h"

static uint64_t take(size_t size)
{
	uint64_t address = 0;

	ck_assert_int_eq(cpu_memory_alloc(memory, size, &address), CUDA_SUCCESS);
	return address;
}

static bool is_zero(const char *bytes, size_t count)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, count - 1);
}

START_TEST(allocations_are_apart)
{
	static const size_t sizes[] = {1, 512, 513, 4096, 65536, 65537, 1 << 20, 5 << 20};
	uint64_t addresses[8];

	for (int i = 0; i < 8; i++) {
		addresses[i] = take(sizes[i]);
		ck_assert_uint_eq(addresses[i] % 512, 0);
		ck_assert(is_zero((const char *)addresses[i], sizes[i]));
		ck_assert(cpu_memory_contains(memory, addresses[i], sizes[i]));
		ck_assert(!cpu_memory_contains(memory, addresses[i], sizes[i] + 1));
		ck_assert(!cpu_memory_contains(memory, addresses[i] - 1, 1));
		ck_assert(!cpu_memory_contains(memory, addresses[i] + 1, UINT64_MAX));
	}
	for (int i = 0; i < 8; i++) {
		struct cpu_span span;

		ck_assert(cpu_memory_find(memory, addresses[i] + sizes[i] - 1, &span));
		ck_assert_uint_eq(span.base, addresses[i]);
		ck_assert_uint_eq(span.size, sizes[i]);
		ck_assert_int_eq(cpu_memory_free(memory, addresses[i]), CUDA_SUCCESS);
		ck_assert(!cpu_memory_find(memory, addresses[i], &span));
		ck_assert_int_eq(cpu_memory_free(memory, addresses[i]), CUDA_ERROR_INVALID_VALUE);
	}
}
END_TEST

START_TEST(capacity)
{
	size_t free_bytes, total;
	uint64_t address;

	cpu_memory_info(memory, &free_bytes, &total);
	ck_assert_uint_eq(total, 256 << 20);
	ck_assert_uint_eq(free_bytes, total);
	ck_assert_int_eq(cpu_memory_alloc(memory, total + 1, &address), CUDA_ERROR_OUT_OF_MEMORY);
	ck_assert_int_eq(cpu_memory_alloc(memory, SIZE_MAX, &address), CUDA_ERROR_OUT_OF_MEMORY);
	ck_assert_int_eq(cpu_memory_alloc(memory, 0, &address), CUDA_ERROR_INVALID_VALUE);
	address = take(total);
	cpu_memory_info(memory, &free_bytes, &total);
	ck_assert_uint_eq(free_bytes, 0);
	ck_assert_int_eq(cpu_memory_alloc(memory, 1, &(uint64_t){0}), CUDA_ERROR_OUT_OF_MEMORY);
	ck_assert_int_eq(cpu_memory_free(memory, address + 1), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_free(memory, address), CUDA_SUCCESS);
	take(total);
}
END_TEST

/* More than the kernel would allow as mappings of their own, and more address space in all than there is. */
START_TEST(many_and_again)
{
	enum { COUNT = 70000 };
	uint64_t *addresses = malloc(COUNT * sizeof(*addresses));

	for (int i = 0; i < COUNT; i++)
		addresses[i] = take(16);
	for (int i = 0; i < COUNT; i++)
		ck_assert_int_eq(cpu_memory_free(memory, addresses[COUNT - 1 - i]), CUDA_SUCCESS);
	for (int i = 0; i < 9000; i++)
		ck_assert_int_eq(cpu_memory_free(memory, take((size_t)200 << 20)), CUDA_SUCCESS);
	free(addresses);
}
END_TEST

START_TEST(windows_hold_nothing)
{
	ck_assert(!cpu_memory_contains(memory, cpu_memory_shared_window(memory), 1));
	ck_assert(!cpu_memory_contains(memory, cpu_memory_local_window(memory), 1));
	ck_assert_uint_ge(take(1), cpu_memory_local_window(memory) + CPU_WINDOW_BYTES);
}
END_TEST

/* What a pin was taken before keeps its bytes; later pins, of which there always is one, do not hold it for ever. */
START_TEST(pins_keep_what_is_freed)
{
	uint64_t first = take(4096), again;
	unsigned pin = cpu_memory_pin(memory), next;

	*(int *)(uintptr_t)first = 42;
	ck_assert_int_eq(cpu_memory_free(memory, first), CUDA_SUCCESS);
	ck_assert(!cpu_memory_contains(memory, first, 1));
	ck_assert_uint_ne(take(4096), first);
	ck_assert_int_eq(*(int *)(uintptr_t)first, 42);
	for (int i = 0; i < 4; i++) {
		next = cpu_memory_pin(memory);
		cpu_memory_unpin(memory, pin);
		pin = next;
	}
	again = take(4096);
	ck_assert_uint_eq(again, first);
	cpu_memory_unpin(memory, pin);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {allocations_are_apart, capacity, many_and_again, windows_hold_nothing,
				      pins_keep_what_is_freed};

	return suite_run("arena", tests, sizeof(tests) / sizeof(*tests));
}
