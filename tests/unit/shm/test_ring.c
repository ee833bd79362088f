/* The ring of bytes: contents, wrap-around, and a peer that writes nonsense to the positions. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "suite.h"
#include "transport_shm_ring.h"

enum { SIZE = 4096, STREAM_BYTES = 8 << 20 };

static struct cr_ring_shared *shared;
static unsigned char *bytes; /* between two pages that nobody may touch */
static struct cr_ring writer, reader;

static void setup(void)
{
	long page = sysconf(_SC_PAGESIZE);
	ck_assert_int_eq(SIZE % page, 0);
	unsigned char *map = mmap(NULL, SIZE + 2 * (size_t)page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	bytes = map + page;
	ck_assert_int_eq(mprotect(bytes, SIZE, PROT_READ | PROT_WRITE), 0);
	shared = aligned_alloc(CR_CACHE_LINE, sizeof(*shared));
	ck_assert_ptr_nonnull(shared);
	memset(shared, 0, sizeof(*shared));
	writer = reader = (struct cr_ring){.shared = shared, .bytes = bytes, .size = SIZE};
}

static void teardown(void)
{
	munmap(bytes - sysconf(_SC_PAGESIZE), SIZE + 2 * (size_t)sysconf(_SC_PAGESIZE));
	free(shared);
}

/* The byte at a place of the endless stream that all tests send; its period is no power of two. */
static unsigned char byte_at(size_t place)
{
	return (unsigned char)(place % 251 + place / 65521);
}

static void fill(unsigned char *to, size_t place, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = byte_at(place + i);
}

static bool is_stream(const unsigned char *from, size_t place, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (from[i] != byte_at(place + i))
			return false;
	}
	return true;
}

START_TEST(an_empty_ring_and_a_full_one)
{
	unsigned char data[SIZE + 1];
	fill(data, 0, sizeof(data));
	ck_assert(!cr_ring_may_take(&reader));
	ck_assert(cr_ring_may_put(&writer));
	ck_assert_int_eq(cr_ring_take(&reader, data, 1), 0);
	ck_assert_int_eq(cr_ring_room(&writer, SIZE), SIZE);
	ck_assert_int_eq(cr_ring_put(&writer, data, sizeof(data)), SIZE);
	ck_assert_int_eq(cr_ring_put(&writer, data, 1), 0);
	ck_assert(!cr_ring_may_put(&writer));
	ck_assert(!cr_ring_may_take(&reader)); /* not published */
	cr_ring_publish(&writer);
	ck_assert(cr_ring_may_take(&reader));
	ck_assert_int_eq(cr_ring_available(&reader, SIZE), SIZE);
	ck_assert_int_eq(cr_ring_take(&reader, data, sizeof(data)), SIZE);
	ck_assert(is_stream(data, 0, SIZE));
	ck_assert_int_eq(cr_ring_room(&writer, 1), SIZE);
}
END_TEST

START_TEST(random_sizes_keep_the_order)
{
	unsigned char data[SIZE];
	size_t put = 0, taken = 0;
	srandom(1);
	while (taken < 64 * SIZE) {
		size_t size = (size_t)random() % SIZE + 1, free_bytes = SIZE - (put - taken);
		fill(data, put, size);
		ck_assert_int_eq(cr_ring_put(&writer, data, size), size < free_bytes ? size : free_bytes);
		put += size < free_bytes ? size : free_bytes;
		cr_ring_publish(&writer);
		size = (size_t)random() % SIZE + 1;
		ssize_t count = cr_ring_take(&reader, data, size);
		ck_assert_int_eq(count, size < put - taken ? size : put - taken);
		ck_assert(is_stream(data, taken, (size_t)count));
		taken += (size_t)count;
	}
}
END_TEST

START_TEST(positions_may_overflow)
{
	unsigned char data[100];
	uint64_t start = UINT64_MAX - 70;
	shared->written = start;
	shared->taken = start;
	writer.own = start;
	writer.other = start;
	reader.own = start;
	reader.other = start;
	fill(data, 0, sizeof(data));
	ck_assert_int_eq(cr_ring_put(&writer, data, 100), 100);
	cr_ring_publish(&writer);
	ck_assert_uint_eq(shared->written, 29);
	memset(data, 0, sizeof(data));
	ck_assert_int_eq(cr_ring_take(&reader, data, 100), 100);
	ck_assert(is_stream(data, 0, 100));
	ck_assert_int_eq(cr_ring_room(&writer, SIZE), SIZE);
}
END_TEST

static void *write_stream(void *unused)
{
	unsigned seed = 2;
	unsigned char data[1500];
	(void)unused;
	for (size_t put = 0; put < STREAM_BYTES;) {
		size_t size = (size_t)rand_r(&seed) % sizeof(data) + 1;
		size = size < STREAM_BYTES - put ? size : STREAM_BYTES - put;
		fill(data, put, size);
		ssize_t count = cr_ring_put(&writer, data, size);
		cr_ring_publish(&writer);
		if (count < 0)
			return "the reader's position is impossible";
		if (count == 0)
			sched_yield();
		put += (size_t)count;
	}
	return NULL;
}

START_TEST(two_threads)
{
	pthread_t thread;
	void *problem;
	unsigned char data[2100];
	unsigned seed = 3;
	ck_assert_int_eq(pthread_create(&thread, NULL, write_stream, NULL), 0);
	for (size_t taken = 0; taken < STREAM_BYTES;) {
		ssize_t count = cr_ring_take(&reader, data, (size_t)rand_r(&seed) % sizeof(data) + 1);
		ck_assert_int_ge(count, 0);
		ck_assert(is_stream(data, taken, (size_t)count));
		taken += (size_t)count;
		if (count == 0)
			sched_yield();
	}
	pthread_join(thread, &problem);
	ck_assert_ptr_null(problem);
	ck_assert(!cr_ring_may_take(&reader));
}
END_TEST

START_TEST(an_impossible_position_is_an_error)
{
	unsigned char data[SIZE];
	shared->written = SIZE + 1;
	ck_assert(cr_ring_may_take(&reader));
	ck_assert_int_eq(cr_ring_take(&reader, data, 1), -1);
	ck_assert_int_eq(cr_ring_available(&reader, 1), -1);
	shared->written = UINT64_MAX; /* behind the reader */
	ck_assert_int_eq(cr_ring_take(&reader, data, 1), -1);
	ck_assert_int_eq(cr_ring_put(&writer, data, SIZE), SIZE);
	shared->taken = SIZE + 1; /* ahead of the writer */
	ck_assert(cr_ring_may_put(&writer));
	ck_assert_int_eq(cr_ring_put(&writer, data, 1), -1);
	ck_assert_int_eq(cr_ring_room(&writer, 1), -1);
}
END_TEST

/* Whatever the positions say, the guard pages and what lies behind the buffer stay untouched. */
START_TEST(random_positions_never_leave_the_ring)
{
	unsigned char data[2 * SIZE];
	srandom(4);
	for (int i = 0; i < 100000; i++) {
		uint64_t nonsense = (uint64_t)random() << 33 ^ (uint64_t)random();
		size_t size = (size_t)random() % sizeof(data);
		shared->written = i % 3 ? reader.own + nonsense % (SIZE + 2) : nonsense;
		shared->taken = i % 3 ? writer.own - nonsense % (SIZE + 2) : nonsense;
		ssize_t put = cr_ring_put(&writer, data, size), taken = cr_ring_take(&reader, data, size);
		ck_assert_int_le(put, SIZE);
		ck_assert_int_le(taken, SIZE);
		ck_assert(put <= (ssize_t)size && taken <= (ssize_t)size);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("shm ring");
	TCase *tests = tcase_create("shm ring");
	tcase_set_timeout(tests, 30);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_empty_ring_and_a_full_one);
	tcase_add_test(tests, random_sizes_keep_the_order);
	tcase_add_test(tests, positions_may_overflow);
	tcase_add_test(tests, two_threads);
	tcase_add_test(tests, an_impossible_position_is_an_error);
	tcase_add_test(tests, random_positions_never_leave_the_ring);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
