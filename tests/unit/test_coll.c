/*
 * Names of collections, and the map of prepared statements.
 */
#include "base/mem.h"
#include "db/stmt.h"
#include "documents/coll.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct arena arena;

static struct slice
table_of(const char *name)
{
	struct coll c = {0};

	assert_int_equal(
		coll_parse(&c, "prod-1", slice_str(name), &arena, NULL), 0);
	return c.table;
}

static void
a_name_becomes_a_quoted_table_of_its_environment(void **state)
{
	struct coll c = {0};

	(void)state;
	assert_int_equal(
		coll_parse(&c, "prod-1", SLICE("a\"b"), &arena, NULL), 0);
	assert_true(slice_is(c.quoted, "\"env_prod-1\".\"a\"\"b\""));
	assert_true(slice_is(c.table, "a\"b"));
	assert_true(slice_starts(coll_pkey(&c, &arena), "system."));
}

/* PostgreSQL keeps 63 bytes of a name. */
static void
long_names_stay_different_within_63_bytes(void **state)
{
	char one[121], two[121], wide[121] = "";

	(void)state;
	memset(one, 'a', 120);
	one[120] = '\0';
	memcpy(two, one, sizeof(two));
	two[119] = 'b';
	assert_int_equal(table_of(one).len, 63);
	assert_int_equal(table_of(two).len, 63);
	assert_false(slice_eq(table_of(one), table_of(two)));
	one[62] = '\0'; /* as it is */
	assert_true(slice_is(table_of(one), one));
	for (int i = 0; i < 40; i++)
		(void)strcat(wide, "\xe4\xb8\xad");
	assert_int_equal(table_of(wide).len, 63);
	assert_int_equal(table_of(wide).ptr[30], '~');
	/* what a long name became is itself 63 bytes: it maps elsewhere */
	assert_false(slice_eq(
		table_of(two), table_of(arena_str(&arena, table_of(two)))));
}

static void
what_cannot_be_a_name_is_refused(void **state)
{
	static const struct {
		const char *env;
		struct slice name;
	} cases[] = {
		{"e", {"", 0}},
		{"e", {"a\0b", 3}},
		{"e", {"\xc3", 1}},
		{"e", {"system.x", 8}},
		{"", {"a", 1}},
		{"a\"b", {"a", 1}},
		{"a.b", {"a", 1}},
		{NULL, {"a", 1}},
		{"x23456789012345678901234567890123456789012345678901",
			{"a", 1}},
	};
	char too_long[122];
	struct coll c;

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_int_equal(coll_parse(&c, cases[i].env, cases[i].name,
					 &arena, NULL),
			ERR_DB_PARAM);
	memset(too_long, 'a', sizeof(too_long));
	assert_int_equal(
		coll_parse(&c, "e", slice_of(too_long, 121), &arena, NULL),
		ERR_DB_PARAM);
}

static void
only_the_four_permissions_are_known(void **state)
{
	(void)state;
	assert_int_equal(coll_check_permission(SLICE("PRIVATE"), NULL), 0);
	assert_int_equal(
		coll_check_permission(SLICE("private"), NULL), ERR_DB_PARAM);
	assert_int_equal(coll_check_permission(SLICE(""), NULL), ERR_DB_PARAM);
}

static void
a_statement_is_found_by_its_text_until_it_makes_room(void **state)
{
	struct stmts *all = mem_new(struct stmts);
	uint64_t old = 99, first, second;
	char text[16];

	(void)state;
	stmt_init(all);
	assert_int_equal(stmt_find(all, SLICE("one")), 0);
	first = stmt_add(all, SLICE("one"), &old);
	assert_int_equal(old, 0);
	second = stmt_add(all, SLICE("two"), &old);
	assert_true(first != second);
	for (int i = 2; i < STMT_TOP; i++) {
		(void)snprintf(text, sizeof(text), "s%d", i);
		(void)stmt_add(all, slice_str(text), &old);
		assert_int_equal(old, 0);
	}
	assert_int_equal(stmt_find(all, SLICE("one")), first); /* used again */
	(void)stmt_add(all, SLICE("more"), &old);
	assert_int_equal(old, second);
	assert_int_equal(stmt_find(all, SLICE("two")), 0);
	assert_true(stmt_del(all, first));
	assert_false(stmt_del(all, first));
	assert_int_equal(stmt_find(all, SLICE("one")), 0);
	stmt_done(all);
	free(all);
}

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_name_becomes_a_quoted_table_of_its_environment),
		cmocka_unit_test(long_names_stay_different_within_63_bytes),
		cmocka_unit_test(what_cannot_be_a_name_is_refused),
		cmocka_unit_test(only_the_four_permissions_are_known),
		cmocka_unit_test(
			a_statement_is_found_by_its_text_until_it_makes_room),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
