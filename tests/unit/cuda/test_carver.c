/* Where allocations get their addresses. */
#include <check.h>
#include <stdlib.h>

#include "carver.h"
#include "suite.h"

#define UNIT ((uint64_t)2 << 20)
#define BASE ((uint64_t)1 << 40)

static struct cu_carver carver;

static void begin(uint64_t units, uint64_t budget_units)
{
	carver = (struct cu_carver){.base = BASE,
				    .size = units * UNIT,
				    .unit = UNIT,
				    .budget = budget_units * UNIT,
				    .budget_max = budget_units * UNIT,
				    .cursor = BASE};
}

static void end(void)
{
	cu_carver_forget_context(&carver, 1);
	cu_carver_forget_context(&carver, 2);
	ck_assert_uint_eq(carver.count, 0);
	free(carver.units);
}

static struct cu_carving carve(uint64_t size)
{
	struct cu_carving carving;
	ck_assert(cu_carve(&carver, size, 1, &carving));
	ck_assert_uint_eq(carving.size, size);
	ck_assert_uint_eq(carving.address % 512, 0);
	ck_assert(cu_carver_holds(&carver, carving.address));
	ck_assert(cu_carver_holds(&carver, carving.address + size - 1));
	return carving;
}

static struct cu_carving give(struct cu_carving carving)
{
	struct cu_carving given;
	ck_assert(cu_uncarve(&carver, carving.address, carving.size, &given));
	return given;
}

START_TEST(small_ones_share_a_unit)
{
	begin(64, 8);
	struct cu_carving first = carve(1000), second = carve(1000);
	ck_assert_uint_eq(first.map_size, UNIT);
	ck_assert(first.budgeted);
	ck_assert_uint_eq(second.map_size, 0);
	ck_assert_uint_ge(second.address, first.address + 1000);
	ck_assert_uint_eq(carver.budget, 7 * UNIT);
	ck_assert_uint_eq(give(first).map_size, 0);
	ck_assert_uint_eq(give(second).map_size, UNIT);
	ck_assert_uint_eq(carver.budget, 8 * UNIT);
	end();
}
END_TEST

START_TEST(large_ones_have_units_of_their_own)
{
	begin(64, 8);
	struct cu_carving first = carve(UNIT / 2), second = carve(3 * UNIT + 1);
	ck_assert_uint_eq(first.map_size, UNIT);
	ck_assert_uint_eq(second.map_size, 4 * UNIT);
	ck_assert_uint_eq(second.map, second.address);
	ck_assert_uint_ge(second.map, first.map + 2 * UNIT); /* with a closed one between */
	ck_assert_uint_eq(give(second).map_size, 4 * UNIT);
	ck_assert_uint_eq(give(first).map, first.map);
	end();
}
END_TEST

START_TEST(beyond_the_budget_is_asked_for)
{
	begin(64, 2);
	struct cu_carving first = carve(2 * UNIT), second = carve(1000);
	ck_assert(first.budgeted);
	ck_assert(!second.budgeted);
	ck_assert_uint_eq(carver.budget, 0);
	give(second);
	ck_assert_uint_eq(carver.budget, 0);
	carver.budget = UNIT; /* as the server has said meanwhile */
	give(first);
	ck_assert_uint_eq(carver.budget, 2 * UNIT);
	end();
}
END_TEST

START_TEST(only_what_was_given_out_comes_back)
{
	begin(64, 8);
	struct cu_carving small = carve(1000), large = carve(3 * UNIT), none;
	ck_assert(!cu_uncarve(&carver, small.address + 512, 1, &none));
	ck_assert(!cu_uncarve(&carver, small.address + 1536, 1, &none));
	ck_assert(!cu_uncarve(&carver, large.address + UNIT, 1, &none));
	ck_assert(!cu_uncarve(&carver, BASE - 512, 1, &none));
	give(large);
	ck_assert(!cu_uncarve(&carver, large.address, 1, &none));
	give(small);
	ck_assert(!cu_uncarve(&carver, small.address, 1, &none));
	end();
}
END_TEST

START_TEST(addresses_run_out_and_come_back)
{
	struct cu_carving carving, none;
	begin(9, 100);
	struct cu_carving all[] = {carve(UNIT), carve(UNIT), carve(UNIT)};
	ck_assert(cu_carve(&carver, UNIT, 1, &carving));
	ck_assert(!cu_carve(&carver, UNIT, 1, &none));
	ck_assert(!cu_carve(&carver, 1, 1, &none));
	ck_assert(!cu_carve(&carver, UINT64_MAX, 1, &none));
	give(all[1]);
	ck_assert_uint_eq(carve(UNIT).address, all[1].address);
	end();
}
END_TEST

/* Freed addresses rest as long as there are others. */
START_TEST(addresses_are_not_used_again_at_once)
{
	begin(64, 8);
	struct cu_carving first = carve(UNIT);
	give(first);
	ck_assert_uint_ne(carve(UNIT).address, first.address);
	end();
}
END_TEST

START_TEST(contexts_share_nothing)
{
	struct cu_carving other;
	begin(64, 8);
	struct cu_carving mine = carve(1000);
	ck_assert(cu_carve(&carver, 1000, 2, &other));
	ck_assert_uint_ne(other.map, mine.map);
	ck_assert_uint_eq(other.map_size, UNIT);
	cu_carver_forget_context(&carver, 2);
	ck_assert_uint_eq(carver.budget, 7 * UNIT);
	ck_assert_uint_eq(carve(1000).map_size, 0);
	end();
}
END_TEST

/* Sizes in random order: nothing overlaps, all comes back. */
START_TEST(many)
{
	enum { SLOTS = 300 };
	static struct cu_carving slots[SLOTS];
	unsigned state = 1;
	begin(4096, 64);
	for (int step = 0; step < 20000; step++) {
		state = state * 1664525 + 1013904223;
		struct cu_carving *slot = &slots[(state >> 8) % SLOTS];
		if (slot->size) {
			give(*slot);
			slot->size = 0;
			continue;
		}
		*slot = carve(1 + ((uint64_t)1 << (state >> 16) % 23) + (state >> 4) % 3000);
		bool apart = true;
		for (int i = 0; i < SLOTS; i++)
			apart = apart && (&slots[i] == slot || !slots[i].size ||
					  slots[i].address + slots[i].size < slot->address ||
					  slot->address + slot->size < slots[i].address);
		ck_assert(apart);
	}
	for (int i = 0; i < SLOTS; i++)
		if (slots[i].size)
			give(slots[i]);
	ck_assert_uint_eq(carver.count, 0);
	ck_assert_uint_eq(carver.budget, 64 * UNIT);
	end();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("carver");
	TCase *tcase = tcase_create("carver");
	tcase_add_test(tcase, small_ones_share_a_unit);
	tcase_add_test(tcase, large_ones_have_units_of_their_own);
	tcase_add_test(tcase, beyond_the_budget_is_asked_for);
	tcase_add_test(tcase, only_what_was_given_out_comes_back);
	tcase_add_test(tcase, addresses_run_out_and_come_back);
	tcase_add_test(tcase, addresses_are_not_used_again_at_once);
	tcase_add_test(tcase, contexts_share_nothing);
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
