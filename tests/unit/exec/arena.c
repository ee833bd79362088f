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

/* Physical memory and addresses for it. */

#define UNIT CPU_GRANULARITY

static uint64_t reserve(size_t units)
{
	uint64_t address = 0;

	ck_assert_int_eq(cpu_memory_reserve(memory, units * UNIT, 0, 0, &address), CUDA_SUCCESS);
	return address;
}

static struct cpu_physical *physical_new(size_t units)
{
	struct cpu_physical *physical = NULL;

	ck_assert_int_eq(cpu_physical_create(memory, units * UNIT, false, &physical), CUDA_SUCCESS);
	return physical;
}

static void map(uint64_t address, struct cpu_physical *physical)
{
	ck_assert_int_eq(cpu_memory_map(memory, address, physical->size, 0, physical), CUDA_SUCCESS);
}

static void allow(uint64_t address, size_t size, bool read, bool write)
{
	ck_assert_int_eq(cpu_memory_set_access(memory, address, size, 1, read, write), CUDA_SUCCESS);
}

START_TEST(physical_memory_in_two_places)
{
	uint64_t a = reserve(4), b = reserve(2);
	struct cpu_physical *physical = physical_new(2);

	map(a + UNIT, physical);
	map(b, physical);
	ck_assert(!cpu_memory_contains(memory, a + UNIT, 1));
	allow(a + UNIT, 2 * UNIT, true, true);
	allow(b, 2 * UNIT, true, false);
	ck_assert(cpu_memory_writable(memory, a + UNIT, 2 * UNIT));
	ck_assert(!cpu_memory_contains(memory, a + UNIT - 1, 2));
	ck_assert(!cpu_memory_contains(memory, a + 3 * UNIT - 1, 2));
	ck_assert(cpu_memory_contains(memory, b, 2 * UNIT));
	ck_assert(!cpu_memory_writable(memory, b, 1));
	strcpy((char *)(a + UNIT), "seen through both");
	ck_assert_str_eq((const char *)b, "seen through both");
	cpu_physical_release(memory, physical);
	ck_assert_int_eq(cpu_memory_unreserve(memory, a, 4 * UNIT), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_unmap(memory, a + UNIT, 2 * UNIT), CUDA_SUCCESS);
	ck_assert_int_eq(cpu_memory_unmap(memory, a + UNIT, 2 * UNIT), CUDA_ERROR_INVALID_VALUE);
	ck_assert_str_eq((const char *)b, "seen through both");
	ck_assert_int_eq(cpu_memory_unreserve(memory, a, 4 * UNIT), CUDA_SUCCESS);
	ck_assert_int_eq(cpu_memory_unmap(memory, b, 2 * UNIT), CUDA_SUCCESS);
	ck_assert_int_eq(cpu_memory_unreserve(memory, b, 2 * UNIT), CUDA_SUCCESS);
}
END_TEST

static size_t free_now(void)
{
	size_t free_bytes, total;

	cpu_memory_info(memory, &free_bytes, &total);
	return free_bytes;
}

START_TEST(physical_memory_counts_until_nothing_holds_it)
{
	size_t before = free_now();
	struct cpu_physical *physical = physical_new(3), *none;
	uint64_t a = reserve(3);

	ck_assert_uint_eq(free_now(), before - 3 * UNIT);
	ck_assert_int_eq(cpu_physical_create(memory, before, false, &none), CUDA_ERROR_OUT_OF_MEMORY);
	ck_assert_int_eq(cpu_physical_create(memory, 4096, false, &none), CUDA_ERROR_INVALID_VALUE);
	map(a, physical);
	cpu_physical_release(memory, physical);
	ck_assert_uint_eq(free_now(), before - 3 * UNIT);
	allow(a, 3 * UNIT, true, true);
	memset((char *)a, 1, 3 * UNIT);
	ck_assert_int_eq(cpu_memory_unmap(memory, a, 3 * UNIT), CUDA_SUCCESS);
	ck_assert_uint_eq(free_now(), before);
	physical = physical_new(3);
	map(a, physical);
	ck_assert(is_zero((const char *)a, 3 * UNIT));
	cpu_physical_release(memory, physical); /* the mapping goes with the arena */
}
END_TEST

/* Neighbouring mappings are one range; parts of them can be closed, by the byte. */
START_TEST(access_is_by_the_byte)
{
	uint64_t a = reserve(4);
	struct cpu_physical *first = physical_new(1), *second = physical_new(2);
	struct cpu_span span;

	map(a, first);
	map(a + UNIT, second);
	allow(a, 3 * UNIT, true, true);
	ck_assert(cpu_memory_writable(memory, a + 5, 3 * UNIT - 5));
	allow(a + 1000, 24, true, false);
	ck_assert(cpu_memory_writable(memory, a, 1000));
	ck_assert(!cpu_memory_writable(memory, a, 1001));
	ck_assert(cpu_memory_contains(memory, a, 3 * UNIT));
	allow(a + UNIT - 8, 16, false, false);
	ck_assert(!cpu_memory_contains(memory, a, 3 * UNIT));
	ck_assert(cpu_memory_contains(memory, a + UNIT + 8, 2 * UNIT - 8));
	ck_assert_int_eq(cpu_memory_set_access(memory, a, 4 * UNIT, 1, true, true), CUDA_ERROR_INVALID_VALUE);
	ck_assert(!cpu_memory_writable(memory, a, 1001));
	allow(a, 3 * UNIT, true, true);
	ck_assert(cpu_memory_find(memory, a + 7, &span));
	ck_assert_uint_eq(span.size, 3 * UNIT);
	ck_assert_int_eq(cpu_memory_unmap(memory, a, 2 * UNIT), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_unmap(memory, a, UNIT), CUDA_SUCCESS);
	ck_assert(!cpu_memory_find(memory, a, &span));
	ck_assert(cpu_memory_writable(memory, a + UNIT, 2 * UNIT));
	ck_assert_int_eq(cpu_memory_free(memory, a + UNIT), CUDA_ERROR_INVALID_VALUE);
	cpu_physical_release(memory, first);
	cpu_physical_release(memory, second);
}
END_TEST

START_TEST(reservations_stay_out_of_the_way)
{
	uint64_t a, b, wish = 0;

	ck_assert_int_eq(cpu_memory_reserve(memory, UNIT, 64 * UNIT, 0, &a), CUDA_SUCCESS);
	ck_assert_uint_eq(a % (64 * UNIT), 0);
	ck_assert_int_eq(cpu_memory_reserve(memory, UNIT, 0, a + 512 * UNIT, &wish), CUDA_SUCCESS);
	ck_assert_uint_eq(wish, a + 512 * UNIT);
	ck_assert_int_eq(cpu_memory_reserve(memory, UNIT, 0, wish, &b), CUDA_SUCCESS);
	ck_assert_uint_ne(b, wish);
	ck_assert_int_eq(cpu_memory_reserve(memory, UNIT, 3, 0, &b), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_reserve(memory, UNIT + 1, 0, 0, &b), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_reserve(memory, (size_t)1 << 50, 0, 0, &b), CUDA_ERROR_OUT_OF_MEMORY);
	for (int i = 0; i < 100; i++) {
		uint64_t other = take(3 << 20);

		ck_assert(other + (3 << 20) <= a || other >= a + UNIT);
		ck_assert(other + (3 << 20) <= wish || other >= wish + UNIT);
		ck_assert_int_eq(cpu_memory_free(memory, other), CUDA_SUCCESS);
	}
	ck_assert_int_eq(cpu_memory_unreserve(memory, a, 2 * UNIT), CUDA_ERROR_INVALID_VALUE);
	ck_assert_int_eq(cpu_memory_unreserve(memory, a, UNIT), CUDA_SUCCESS);
}
END_TEST

START_TEST(pins_keep_what_is_unmapped)
{
	uint64_t a = reserve(1);
	struct cpu_physical *physical = physical_new(1);
	unsigned pin = cpu_memory_pin(memory);
	size_t held = free_now();

	map(a, physical);
	cpu_physical_release(memory, physical);
	allow(a, UNIT, true, true);
	*(int *)a = 42;
	ck_assert_int_eq(cpu_memory_unmap(memory, a, UNIT), CUDA_SUCCESS);
	ck_assert(!cpu_memory_contains(memory, a, 1));
	ck_assert_int_eq(*(int *)a, 42);
	ck_assert_uint_eq(free_now(), held);
	cpu_memory_unpin(memory, pin);
	ck_assert_uint_eq(free_now(), held + UNIT);
	ck_assert_int_eq(cpu_memory_unreserve(memory, a, UNIT), CUDA_SUCCESS);
}
END_TEST

/* copy(in, out): one word. */
static CUresult word_copy(uint64_t in, uint64_t out)
{
	static const char ptx[] = ".version 7.0\n.target sm_75\n.address_size 64\n"
				  ".visible .entry copy(.param .u64 in, .param .u64 out) {\n"
				  ".reg .b64 %l<3>; .reg .b32 %r<2>;\n"
				  "ld.param.u64 %l1, [in]; ld.param.u64 %l2, [out];\n"
				  "ld.global.u32 %r1, [%l1]; st.global.u32 [%l2], %r1; ret; }\n";
	uint64_t parameters[] = {in, out};

	return kernel_try(module_load(ptx), "copy", 1, 1, 0, parameters);
}

START_TEST(kernels_keep_to_their_access)
{
	uint64_t a = reserve(2), out = take(4);
	struct cpu_physical *physical = physical_new(1);

	map(a, physical);
	ck_assert_int_eq(word_copy(a, out), CUDA_ERROR_ILLEGAL_ADDRESS);
	allow(a, UNIT, true, false);
	*(uint32_t *)a = 77;
	ck_assert_int_eq(word_copy(a, out), CUDA_SUCCESS);
	ck_assert_uint_eq(*(uint32_t *)out, 77);
	ck_assert_int_eq(word_copy(out, a), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_ptr_nonnull(strstr(message, "read-only"));
	allow(a, UNIT, true, true);
	ck_assert_int_eq(word_copy(out, a + UNIT - 4), CUDA_SUCCESS);
	ck_assert_int_eq(word_copy(out, a + UNIT), CUDA_ERROR_ILLEGAL_ADDRESS);
	ck_assert_int_eq(cpu_memory_unmap(memory, a, UNIT), CUDA_SUCCESS);
	ck_assert_int_eq(word_copy(a, out), CUDA_ERROR_ILLEGAL_ADDRESS);
	cpu_physical_release(memory, physical);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {allocations_are_apart,
				      capacity,
				      many_and_again,
				      windows_hold_nothing,
				      pins_keep_what_is_freed,
				      pins_keep_what_is_unmapped,
				      physical_memory_in_two_places,
				      physical_memory_counts_until_nothing_holds_it,
				      access_is_by_the_byte,
				      reservations_stay_out_of_the_way,
				      kernels_keep_to_their_access};

	return suite_run("arena", tests, sizeof(tests) / sizeof(*tests));
}
