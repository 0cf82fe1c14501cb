/*
 * The admin socket's lines.
 */
#include "src/admin.h"
#include "tests/unit/test.h"

static int
parse(struct admin_ask *ask, const char *line, struct fault *why)
{
	return admin_parse(ask, slice_str(line), why);
}

static void
a_command_comes_with_its_members(void **state)
{
	struct admin_ask ask;

	(void)state;
	assert_int_equal(parse(&ask,
				 "{\"cmd\":\"deploy\",\"name\":\"shop-list\","
				 "\"version\":12,\"entry\":{\"timeout\":3}}",
				 NULL),
		0);
	assert_int_equal(ask.command->index, ADMIN_DEPLOY_COMMAND);
	assert_string_equal(ask.name, "shop-list");
	assert_int_equal(ask.version, 12);
	assert_int_equal(
		json_integer_value(json_object_get(ask.entry, "timeout")), 3);
	admin_ask_done(&ask);
}

static void
what_may_be_left_out_is_absent(void **state)
{
	struct admin_ask ask;

	(void)state;
	assert_int_equal(
		parse(&ask, "{\"cmd\":\"gray\",\"name\":\"f\"}", NULL), 0);
	assert_int_equal(ask.version, 0);
	assert_null(ask.trial);
	admin_ask_done(&ask);
	assert_int_equal(
		parse(&ask, "{\"cmd\":\"env-set\",\"values\":{\"A\":null}}",
			NULL),
		0);
	assert_string_equal(ask.name, "");
	assert_int_equal(json_object_size(ask.values), 1);
	admin_ask_done(&ask);
}

static void
each_command_of_the_table_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < ADMIN_COUNT_; i++) {
		struct admin_ask ask;
		char line[200];

		(void)snprintf(line, sizeof(line), "{\"cmd\":\"%s\"%s%s%s%s}",
			admin_commands[i].name,
			admin_commands[i].must & ADMIN_NAME ? ",\"name\":\"f\""
							    : "",
			admin_commands[i].must & ADMIN_VERSION
				? ",\"version\":1"
				: "",
			admin_commands[i].must & ADMIN_ALIAS
				? ",\"alias\":\"prod\""
				: "",
			admin_commands[i].must & ADMIN_VALUES
				? ",\"values\":{\"A\":\"b\"}"
				: "");
		assert_int_equal(parse(&ask, line, NULL), 0);
		assert_int_equal(ask.command->index, i);
		admin_ask_done(&ask);
	}
}

struct refusal {
	const char *line, *words;
};

static void
what_is_not_a_command_is_refused_with_a_reason(void **state)
{
	static const struct refusal refusals[] = {
		{"", ""},
		{"[]", "object"},
		{"{}", "cmd"},
		{"{\"cmd\":1}", "cmd"},
		{"{\"cmd\":\"no\"}", "\"no\""},
		{"{\"cmd\":\"status\",\"x\":1}", "\"x\""},
		{"{\"cmd\":\"status\",\"name\":\"f\"}", "\"name\""},
		{"{\"cmd\":\"deploy\",\"name\":\"f\"}", "\"version\""},
		{"{\"cmd\":\"deploy\",\"name\":\"f\",\"version\":0}",
			"version"},
		{"{\"cmd\":\"deploy\",\"name\":\"f\",\"version\":1.5}",
			"version"},
		{"{\"cmd\":\"restart\",\"name\":\"../f\"}", "name"},
		{"{\"cmd\":\"restart\",\"name\":\"\"}", "name"},
		{"{\"cmd\":\"deploy\",\"name\":\"f\",\"version\":1,"
		 "\"entry\":[]}",
			"entry"},
		{"{\"cmd\":\"status\",\"cmd\":\"stop\"}", ""},
		{"{\"cmd\":\"alias\",\"name\":\"f\"}", "\"alias\""},
		{"{\"cmd\":\"alias\",\"name\":\"f\",\"alias\":\"a\\u0000\"}",
			"alias"},
		{"{\"cmd\":\"rollback\",\"name\":\"f\",\"version\":0}",
			"version"},
		{"{\"cmd\":\"gray\",\"name\":\"f\",\"trial\":1}", "trial"},
		{"{\"cmd\":\"env-set\",\"values\":[]}", "values"},
		{"{\"cmd\":\"env-set\",\"name\":\"f\"}", "\"values\""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(refusals); i++) {
		struct admin_ask ask;
		struct fault why = {0};

		assert_true(parse(&ask, refusals[i].line, &why) < 0);
		assert_non_null(strstr(why.text, refusals[i].words));
		assert_true(why.text[0] != '\0');
	}
}

static void
a_line_over_its_ceiling_is_refused(void **state)
{
	static char line[ADMIN_LINE_TOP + 2];
	struct admin_ask ask;

	(void)state;
	memset(line, ' ', sizeof(line) - 1);
	memcpy(line, "{\"cmd\":\"status\"}", 16);
	assert_int_equal(
		admin_parse(&ask, slice_of(line, ADMIN_LINE_TOP), NULL), 0);
	assert_int_equal(
		admin_parse(&ask, slice_of(line, ADMIN_LINE_TOP + 1), NULL),
		ERR_TOO_BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_comes_with_its_members),
		cmocka_unit_test(what_may_be_left_out_is_absent),
		cmocka_unit_test(
			each_command_of_the_table_is_found_by_its_name),
		cmocka_unit_test(
			what_is_not_a_command_is_refused_with_a_reason),
		cmocka_unit_test(a_line_over_its_ceiling_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
