/* Handle tables: ids of either end, stale and foreign ones. */
#include <check.h>
#include <stdlib.h>

#include "handle.h"
#include "suite.h"

static int objects[4];
static int destroyed;

static void count_destroyed(void *object)
{
	ck_assert_ptr_nonnull(object);
	destroyed++;
}

START_TEST(an_id_tells_its_parts)
{
	uint64_t id = cr_handle_make(CR_KIND_EVENT, 0x123456, 0x89abcdef);
	ck_assert_int_eq(cr_handle_kind(id), CR_KIND_EVENT);
	ck_assert_uint_eq(cr_handle_generation(id), 0x123456);
	ck_assert_uint_eq(cr_handle_index(id), 0x89abcdef);
}
END_TEST

START_TEST(minted_ids_find_their_objects)
{
	struct cr_handle_table table;
	uint64_t ids[4];
	cr_handle_table_init(&table, CR_KIND_MODULE);
	for (int i = 0; i < 4; i++)
		ids[i] = cr_handle_add(&table, &objects[i]);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_gt(ids[i], 2);
		ck_assert_ptr_eq(cr_handle_find(&table, ids[i]), &objects[i]);
	}
	destroyed = 0;
	cr_handle_table_clear(&table, count_destroyed);
	ck_assert_int_eq(destroyed, 4);
	ck_assert_ptr_null(cr_handle_find(&table, ids[0]));
}
END_TEST

START_TEST(a_removed_id_is_stale_though_its_slot_is_used_again)
{
	struct cr_handle_table table;
	cr_handle_table_init(&table, CR_KIND_MODULE);
	uint64_t first = cr_handle_add(&table, &objects[0]);
	ck_assert_ptr_eq(cr_handle_remove(&table, first), &objects[0]);
	ck_assert_ptr_null(cr_handle_remove(&table, first));
	uint64_t second = cr_handle_add(&table, &objects[1]);
	ck_assert_uint_eq(cr_handle_index(first), cr_handle_index(second));
	ck_assert_uint_ne(first, second);
	ck_assert_ptr_null(cr_handle_find(&table, first));
	ck_assert_ptr_eq(cr_handle_find(&table, second), &objects[1]);
	cr_handle_table_clear(&table, NULL);
}
END_TEST

START_TEST(free_slots_are_used_before_new_ones)
{
	struct cr_handle_table table;
	cr_handle_table_init(&table, CR_KIND_MODULE);
	for (int round = 0; round < 1000; round++) {
		uint64_t a = cr_handle_add(&table, &objects[0]), b = cr_handle_add(&table, &objects[1]);
		cr_handle_remove(&table, a);
		cr_handle_remove(&table, b);
	}
	ck_assert_uint_eq(table.count, 2);
	cr_handle_table_clear(&table, NULL);
}
END_TEST

START_TEST(wrong_kind_index_and_generation_find_nothing)
{
	struct cr_handle_table table;
	cr_handle_table_init(&table, CR_KIND_STREAM);
	uint64_t id = cr_handle_make(CR_KIND_STREAM, 3, 5);
	ck_assert(cr_handle_enter(&table, id, &objects[0]));
	ck_assert_ptr_eq(cr_handle_find(&table, id), &objects[0]);
	const uint64_t wrong[] = {
	    cr_handle_make(CR_KIND_EVENT, 3, 5),
	    cr_handle_make(CR_KIND_STREAM, 4, 5),
	    cr_handle_make(CR_KIND_STREAM, 3, 4),
	    cr_handle_make(CR_KIND_STREAM, 3, 1000000),
	    cr_handle_make(CR_KIND_STREAM, 3, UINT32_MAX),
	    0,
	    1,
	    2,
	    UINT64_MAX,
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_ptr_null(cr_handle_find(&table, wrong[i]));
	cr_handle_table_clear(&table, NULL);
}
END_TEST

START_TEST(ids_of_the_other_end_are_checked)
{
	struct cr_handle_table table;
	cr_handle_table_init(&table, CR_KIND_STREAM);
	uint64_t id = cr_handle_make(CR_KIND_STREAM, 3, 5);
	ck_assert(!cr_handle_enter(&table, cr_handle_make(CR_KIND_EVENT, 3, 5), &objects[0]));
	ck_assert(!cr_handle_enter(&table, cr_handle_make(CR_KIND_STREAM, 3, CR_HANDLE_MAX), &objects[0]));
	ck_assert(!cr_handle_enter(&table, id, NULL));
	ck_assert(cr_handle_enter(&table, id, &objects[0]));
	ck_assert(!cr_handle_enter(&table, id, &objects[1]));
	ck_assert(!cr_handle_enter(&table, cr_handle_make(CR_KIND_STREAM, 4, 5), &objects[1]));
	ck_assert_ptr_eq(cr_handle_remove(&table, id), &objects[0]);
	ck_assert(cr_handle_enter(&table, cr_handle_make(CR_KIND_STREAM, 4, 5), &objects[1]));
	ck_assert_ptr_null(cr_handle_find(&table, id));
	ck_assert(cr_handle_enter(&table, cr_handle_make(CR_KIND_STREAM, 0, CR_HANDLE_MAX - 1), &objects[2]));
	cr_handle_table_clear(&table, NULL);
}
END_TEST

START_TEST(a_table_is_bounded)
{
	struct cr_handle_table table;
	cr_handle_table_init(&table, CR_KIND_FUNCTION);
	for (uint32_t i = 0; i < CR_HANDLE_MAX; i++)
		ck_assert_uint_ne(cr_handle_add(&table, &objects[0]), 0);
	ck_assert_uint_eq(cr_handle_add(&table, &objects[0]), 0);
	cr_handle_table_clear(&table, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handle");
	TCase *tests = tcase_create("handle");
	tcase_add_test(tests, an_id_tells_its_parts);
	tcase_add_test(tests, minted_ids_find_their_objects);
	tcase_add_test(tests, a_removed_id_is_stale_though_its_slot_is_used_again);
	tcase_add_test(tests, free_slots_are_used_before_new_ones);
	tcase_add_test(tests, wrong_kind_index_and_generation_find_nothing);
	tcase_add_test(tests, ids_of_the_other_end_are_checked);
	tcase_add_test(tests, a_table_is_bounded);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
