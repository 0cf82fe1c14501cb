/*
 * Counts and times by label: what stands in which row.
 */
#include "base/series.h"

#include "base/mem.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static void
a_label_keeps_its_row(void **state)
{
	struct series_table *t = mem_new(struct series_table);
	struct series *a = series_find(t, SLICE("route=\"a\"")),
		      *b = series_find(t, SLICE("route=\"b\""));

	(void)state;
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(a, series_find(t, SLICE("route=\"a\"")));
	assert_string_equal(b->label, "route=\"b\"");
	(void)mem_free(t);
}

/* 0.5 ms is "up to 0.5 ms" (Prometheus' le), a nanosecond more is not, once it
 * is a whole microsecond. */
static void
an_edge_belongs_to_what_is_below_it(void **state)
{
	struct series_table *t = mem_new(struct series_table);
	struct series *s = series_find(t, SLICE("x"));

	(void)state;
	series_add(s, 200, 500000);
	series_add(s, 204, 501000);
	series_add(s, 500, 10000001000LL);
	series_add(s, 404, -5);
	assert_int_equal(s->below[0], 2);
	assert_int_equal(s->below[1], 1);
	assert_int_equal(s->below[SERIES_EDGES], 1);
	assert_int_equal(s->answers[1], 2);
	assert_int_equal(s->answers[3], 1);
	assert_int_equal(s->answers[4], 1);
	assert_int_equal(s->sum_us, 500 + 501 + 10000001);
	(void)mem_free(t);
}

static void
a_full_table_counts_the_rest_together(void **state)
{
	struct series_table *t = mem_new(struct series_table);
	char label[32];
	struct series *s = NULL;

	(void)state;
	for (int i = 0; i < SERIES_ROWS - 1; i++) {
		(void)snprintf(label, sizeof(label), "route=\"%d\"", i);
		s = series_find(t, slice_str(label));
		assert_string_equal(s->label, label);
	}
	s = series_find(t, SLICE("route=\"one more\""));
	assert_string_equal(s->label, "route=\"(other)\"");
	assert_ptr_equal(s, series_find(t, SLICE("route=\"and one\"")));
	s = series_find(t, SLICE("route=\"7\""));
	assert_string_equal(s->label, "route=\"7\"");
	(void)mem_free(t);
}

static void
statuses_out_of_range_do_no_harm(void **state)
{
	struct series_table *t = mem_new(struct series_table);
	struct series *s = series_find(t, SLICE("x"));

	(void)state;
	series_add(s, 0, 0);
	series_add(s, 999, 0);
	assert_int_equal(s->answers[4], 2);
	(void)mem_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_label_keeps_its_row),
		cmocka_unit_test(an_edge_belongs_to_what_is_below_it),
		cmocka_unit_test(a_full_table_counts_the_rest_together),
		cmocka_unit_test(statuses_out_of_range_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
