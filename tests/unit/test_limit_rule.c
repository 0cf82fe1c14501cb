/*
 * Limits as they are written: what is mistyped is no limit, and is said.
 */
#include "base/val.h"
#include "routes/limit_rule.h"
#include "tests/unit/test.h"

static void
what_is_mistyped_is_refused_with_words(void **state)
{
	static const char *const bad[][2] = {
		{"[{}]", "limits[0]."},
		{"[{\"by\": \"ip\"}]", "rate or concurrent"},
		{"[{\"by\": \"ips\", \"rate\": \"1/second\"}]", "openid"},
		{"[{\"by\": \"header:\", \"rate\": \"1/second\"}]", "X-Shop"},
		{"[{\"by\": \"ip\", \"rate\": \"1/fortnight\"}]", "minute"},
		{"[{\"by\": \"ip\", \"rate\": \"0/second\"}]", "100/minute"},
		{"[{\"by\": \"ip\", \"rate\": \"2000000/second\"}]", "million"},
		{"[{\"by\": \"ip\", \"rate\": 5}]", "rate"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"cost\": 10}]",
			"nothing would ever"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"burts\": 1}]",
			"burts"},
		{"[{\"by\": \"ip\", \"concurrent\": 0}]", "concurrent"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"class\": \"x\"}]",
			"functions"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"path\": \"x\"}]",
			"slash"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"name\": \"a b\"}]",
			"letters"},
		{"[{\"by\": \"ip\", \"rate\": \"9/hour\", \"name\": \"a\"}, "
		 "{\"by\": \"user\", \"rate\": \"9/hour\", \"name\": \"a\"}]",
			"\"a\" is that of [0] too"},
		{"{}", "array"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		struct limit_rules *none = NULL;
		struct fault why = {0};
		_json_ json_t *v = NULL;

		assert_int_equal(val_parse(&v, slice_str(bad[i][0]), NULL), 0);
		assert_int_equal(
			limit_rules_new(&none, v, "limits", &why), ERR_CONFIG);
		if (!strstr(why.text, bad[i][1]) ||
			strncmp(why.text, "limits", 6) != 0)
			fail_msg("%s: \"%s\" does not say \"%s\"", bad[i][0],
				why.text, bad[i][1]);
	}
}

static struct limit_rules *
rules(const char *text, const char *where)
{
	struct limit_rules *ret = NULL;
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(text), NULL), 0);
	assert_int_equal(limit_rules_new(&ret, v, where, NULL), 0);
	return ret;
}

static void
a_rate_is_an_interval_and_its_burst_the_number_unless_said(void **state)
{
	struct limit_rules *r;

	(void)state;
	r = rules("[{\"by\":\"ip\",\"rate\":\"120/minute\"},"
		  "{\"by\":\"ip\",\"rate\":\"1/day\",\"burst\":3,"
		  "\"cost\":2,\"concurrent\":4}]",
		"limits");
	assert_int_equal(r->count, 2);
	assert_true(r->rule[0].take.rule.interval_ns == 500000000);
	assert_int_equal(r->rule[0].take.rule.burst, 120);
	assert_int_equal(r->rule[0].take.cost, 1);
	assert_int_equal(r->rule[0].concurrent, 0);
	assert_true(r->rule[1].take.rule.interval_ns == 86400000000000);
	assert_int_equal(r->rule[1].take.rule.burst, 3);
	assert_int_equal(r->rule[1].take.cost, 2);
	assert_int_equal(r->rule[1].concurrent, 4);
	(void)limit_rules_free(r);
}

/* Machines that read the same file count in the same cells; what has another
 * place or name has its own. */
static void
a_rule_is_the_same_on_all_machines_by_its_place_and_name(void **state)
{
	static const char text[] =
		"[{\"by\":\"ip\",\"rate\":\"1/day\"},"
		"{\"by\":\"ip\",\"rate\":\"1/day\"},"
		"{\"by\":\"ip\",\"rate\":\"1/day\",\"name\":\"n\"}]";
	struct limit_rules *a, *b, *c;

	(void)state;
	a = rules(text, "route a");
	b = rules(text, "route a");
	c = rules(text, "route c");
	for (int i = 0; i < 3; i++) {
		assert_true(a->rule[i].id == b->rule[i].id);
		assert_true(a->rule[i].id != c->rule[i].id);
	}
	assert_true(a->rule[0].id != a->rule[1].id);
	assert_true(a->rule[1].id != a->rule[2].id);
	(void)limit_rules_free(a);
	(void)limit_rules_free(b);
	(void)limit_rules_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_mistyped_is_refused_with_words),
		cmocka_unit_test(
			a_rate_is_an_interval_and_its_burst_the_number_unless_said),
		cmocka_unit_test(
			a_rule_is_the_same_on_all_machines_by_its_place_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
