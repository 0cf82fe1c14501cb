/*
 * Whose cell it is, and how the verdict is told.  The arithmetic is
 * test_gcra's.
 */
#include "auth/caller.h"
#include "base/buf.h"
#include "base/clock.h"
#include "gateway/admit.h"
#include "http/http.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { CELLS = 1 << 20 };

static struct buf said;

/* In place of http's. */
void
exchange_add_header(struct exchange *x, const char *name, const char *value)
{
	(void)x;
	buf_printf(&said, "%s: %s\n", name, value);
}

static const char *
say(const struct admit *a)
{
	buf_done(&said);
	buf_init(&said, 4096);
	admit_say(a, NULL);
	return said.ptr ? said.ptr : "";
}

static void *memory;

static struct gcra_table *
table_new(void)
{
	clock_set(1700000000 * CLOCK_S);
	memory = aligned_alloc(4096, CELLS); /* as a mapping is */
	assert_non_null(memory);
	memset(memory, 0, CELLS);
	return gcra_table_at(memory, CELLS);
}

static void
table_free(void)
{
	free(memory);
	buf_done(&said);
	clock_set(-1);
}

static bool
same_key(const char *a, const char *b)
{
	char ka[ADMIT_KEY], kb[ADMIT_KEY];
	size_t na = admit_ip_key(a, ka), nb = admit_ip_key(b, kb);

	return na == nb && memcmp(ka, kb, na) == 0;
}

static void
neighbours_in_one_64_share_a_limit(void **state)
{
	(void)state;
	assert_true(same_key("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(same_key("2001:db8:1:2::1", "2001:db8:1:3::1"));
	assert_false(same_key("192.0.2.1", "192.0.2.2"));
}

static void
a_mapped_address_is_the_ipv4_address(void **state)
{
	(void)state;
	assert_true(same_key("::ffff:192.0.2.1", "192.0.2.1"));
	assert_false(same_key("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
}

static void
after_the_burst_one_waits_as_long_as_is_said(void **state)
{
	struct gcra_rule rule = gcra_per_minute(60, 3);
	struct gcra_table *t = table_new();
	struct admit a;

	(void)state;
	for (int i = 0; i < 3; i++) {
		a = (struct admit){0};
		assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), 0);
	}
	assert_string_equal(say(&a), "RateLimit-Limit: 3\n"
				     "RateLimit-Remaining: 0\n"
				     "RateLimit-Reset: 3\n");
	a = (struct admit){0};
	assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), ERR_LIMITED);
	assert_string_equal(say(&a), "RateLimit-Limit: 3\n"
				     "RateLimit-Remaining: 0\n"
				     "RateLimit-Reset: 3\n"
				     "Retry-After: 1\n");
	clock_set((1700000000 + 1) * CLOCK_S);
	a = (struct admit){0};
	assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), 0);
	table_free();
}

static void
another_address_has_its_own_burst(void **state)
{
	struct gcra_rule rule = gcra_per_minute(60, 1);
	struct gcra_table *t = table_new();
	struct admit a = {0}, b = {0};

	(void)state;
	assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), 0);
	assert_int_equal(admit_ip(&b, t, rule, "192.0.2.2"), 0);
	assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), ERR_LIMITED);
	table_free();
}

static void
what_was_kept_of_an_address_or_user_counts_on_the_same(void **state)
{
	struct gcra_rule rule = gcra_per_minute(60, 2);
	struct caller user = {.role = CALLER_USER, .uid = "u1"};
	struct gcra_table *t = table_new();
	struct admit a = {0};
	uint64_t key = 0;

	(void)state;
	assert_int_equal(admit_ip_kept(&a, t, rule, "192.0.2.1", &key), 0);
	assert_int_not_equal(key, 0);
	assert_int_equal(admit_ip_kept(&a, t, rule, "192.0.2.1", &key), 0);
	assert_int_equal(admit_ip(&a, t, rule, "192.0.2.1"), ERR_LIMITED);
	assert_int_equal(admit_user(&a, t, rule, &user), 0);
	user.rate_key = admit_user_key(t, &user);
	assert_int_equal(admit_user(&a, t, rule, &user), 0);
	user.rate_key = 0;
	assert_int_equal(admit_user(&a, t, rule, &user), ERR_LIMITED);
	table_free();
}

static void
the_nearer_of_two_limits_is_told(void **state)
{
	struct gcra_rule wide = gcra_per_minute(600, 100);
	struct gcra_rule narrow = gcra_per_minute(60, 5);
	struct caller user = {.role = CALLER_USER, .uid = "u1"};
	struct gcra_table *t = table_new();
	struct admit a = {0};

	(void)state;
	assert_int_equal(admit_ip(&a, t, wide, "192.0.2.1"), 0);
	assert_int_equal(admit_user(&a, t, narrow, &user), 0);
	assert_non_null(strstr(say(&a), "RateLimit-Limit: 5\n"));
	a = (struct admit){0};
	assert_int_equal(admit_ip(&a, t, narrow, "192.0.2.9"), 0);
	assert_int_equal(admit_user(&a, t, wide, &user), 0);
	assert_non_null(strstr(say(&a), "RateLimit-Limit: 5\n"));
	table_free();
}

static void
a_rate_of_nothing_is_no_limit_and_no_header(void **state)
{
	struct gcra_rule none = gcra_per_minute(0, 1);
	struct gcra_table *t = table_new();
	struct admit a = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(admit_ip(&a, t, none, "192.0.2.1"), 0);
	assert_string_equal(say(&a), "");
	table_free();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_in_one_64_share_a_limit),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
		cmocka_unit_test(after_the_burst_one_waits_as_long_as_is_said),
		cmocka_unit_test(another_address_has_its_own_burst),
		cmocka_unit_test(
			what_was_kept_of_an_address_or_user_counts_on_the_same),
		cmocka_unit_test(the_nearer_of_two_limits_is_told),
		cmocka_unit_test(a_rate_of_nothing_is_no_limit_and_no_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
