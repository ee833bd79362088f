/* Which allocation an address belongs to. */
#include <check.h>
#include <stdlib.h>

#include "ranges.h"
#include "suite.h"

static struct cu_ranges ranges;

static bool add(uint64_t base, uint64_t size)
{
	return cu_ranges_add(&ranges, (struct cu_range){.base = base, .size = size});
}

static void empty(void)
{
	free(ranges.items);
	ranges = (struct cu_ranges){0};
}

START_TEST(an_address_is_found_from_its_first_to_its_last_byte)
{
	ck_assert(add(0x1000, 0x100));
	ck_assert_ptr_null(cu_ranges_find(&ranges, 0xfff));
	ck_assert_uint_eq(cu_ranges_find(&ranges, 0x1000)->base, 0x1000);
	ck_assert_uint_eq(cu_ranges_find(&ranges, 0x10ff)->base, 0x1000);
	ck_assert_ptr_null(cu_ranges_find(&ranges, 0x1100));
}
END_TEST

START_TEST(ranges_do_not_overlap)
{
	ck_assert(add(0x1000, 0x100));
	ck_assert(!add(0x1000, 1));
	ck_assert(!add(0x10ff, 1));
	ck_assert(!add(0xfff, 2));
	ck_assert(!add(0x800, 0x10000));
	ck_assert(add(0xfff, 1));
	ck_assert(add(0x1100, 1));
}
END_TEST

START_TEST(the_end_of_the_address_space)
{
	ck_assert(add(UINT64_MAX - 0xff, 0x100));
	ck_assert_ptr_nonnull(cu_ranges_find(&ranges, UINT64_MAX));
	ck_assert_ptr_null(cu_ranges_find(&ranges, 0));
}
END_TEST

/* Against a flat list, with adds and removes in random order. */
START_TEST(many_ranges)
{
	enum { COUNT = 2000 };
	static bool present[COUNT];
	unsigned state = 1;
	for (int step = 0; step < 20000; step++) {
		state = state * 1664525 + 1013904223;
		unsigned i = (state >> 8) % COUNT;
		struct cu_range *found = cu_ranges_find(&ranges, i * 64ull + 64 + state % 32);
		ck_assert_int_eq(found != NULL, present[i]);
		if (found)
			cu_ranges_remove(&ranges, found);
		else
			ck_assert(add(i * 64ull + 64, 32));
		present[i] = !present[i];
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ranges");
	TCase *cases = tcase_create("ranges");
	tcase_add_checked_fixture(cases, NULL, empty);
	tcase_add_test(cases, an_address_is_found_from_its_first_to_its_last_byte);
	tcase_add_test(cases, ranges_do_not_overlap);
	tcase_add_test(cases, the_end_of_the_address_space);
	tcase_add_test(cases, many_ranges);
	suite_add_tcase(suite, cases);
	return suite_run(suite);
}
