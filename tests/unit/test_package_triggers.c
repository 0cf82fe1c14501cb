/*
 * Triggers of config.json and cloudbaserc.json.
 */
#include "functions/package_triggers.h"
#include "tests/unit/test.h"

static json_t *
json(const char *text)
{
	json_t *v = text ? json_loads(text, 0, NULL) : NULL;

	if (text)
		assert_non_null(v);
	return v;
}

static const struct {
	const char *from, *is;
} good[] = {
	{"[]", "[]"},
	{"[{\"name\":\"a\",\"type\":\"timer\",\"config\":\"0 */5 * * * * *\","
	 "\"timezone\":\"+00:00\",\"missed\":\"all\",\"message\":\"m\"}]",
		"[{\"name\":\"a\",\"type\":\"timer\",\"config\":\"0 */5 * * * "
		"* *\",\"timezone\":\"+00:00\",\"missed\":\"all\","
		"\"message\":\"m\"}]"},
	{"[{\"type\":\"http\",\"path\":\"/\"}]",
		"[{\"name\":\"http\",\"type\":\"http\",\"path\":\"/\","
		"\"methods\":[]}]"},
	{"[{\"type\":\"document\",\"collection\":\"orders\"}]",
		"[{\"name\":\"document\",\"type\":\"document\",\"collection\":"
		"\"orders\",\"events\":[\"create\",\"update\",\"delete\"]}]"},
	{"[{\"type\":\"document\",\"collection\":\"orders\",\"events\":"
	 "[\"update\"],\"name\":\"o\"}]",
		"[{\"name\":\"o\",\"type\":\"document\",\"collection\":"
		"\"orders\",\"events\":[\"update\"]}]"},
	{"[{\"type\":\"file\",\"prefix\":\"/photos/\"}]",
		"[{\"name\":\"file\",\"type\":\"file\",\"prefix\":\"photos/\","
		"\"events\":[\"create\",\"delete\"]}]"},
	{"[{\"type\":\"login\"},{\"type\":\"pay\",\"events\":[\"paid\"]}]",
		"[{\"name\":\"login\",\"type\":\"login\",\"events\":"
		"[\"every\"]},{\"name\":\"pay\",\"type\":\"pay\",\"events\":"
		"[\"paid\"]}]"},
	{"[{\"type\":\"push\"}]",
		"[{\"name\":\"push\",\"type\":\"push\",\"appid\":\"\"}]"},
	{"[{\"type\":\"push\",\"appid\":\"wx1\",\"events\":[\"text\","
	 "\"event.user_enter_tempsession\"]}]",
		"[{\"name\":\"push\",\"type\":\"push\",\"appid\":\"wx1\","
		"\"events\":[\"text\",\"event.user_enter_tempsession\"]}]"},
};

static void
triggers_come_out_in_one_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(good); i++) {
		_json_ json_t *from = json(good[i].from);
		_json_ json_t *is = json(good[i].is), *got = NULL;
		struct fault why = {0};

		if (package_triggers(NULL, from, &got, &why) < 0 ||
			!json_equal(got, is))
			fail_msg("%s: %s", good[i].from,
				got ? json_dumps(got, 0) : why.text);
	}
}

static const struct {
	const char *config, *entry, *says;
} bad[] = {
	{NULL, "[7]", "triggers[0]: an object"},
	{NULL, "[{}]", "triggers[0]: type"},
	{NULL, "[{\"type\":\"http\",\"path\":\"/\"},{\"type\":\"cos\"}]",
		"triggers[1]: type: timer, http"},
	{NULL, "[{\"type\":\"timer\",\"name\":\"1\"}]", "triggers[0]: name"},
	{NULL, "[{\"type\":\"timer\",\"name\":\"a\"}]", "triggers[0]: config"},
	{NULL, "[{\"type\":\"timer\",\"config\":\"0 0 0 32 * * *\"}]",
		"triggers[0]: config"},
	{NULL,
		"[{\"type\":\"timer\",\"config\":\"0 0 0 * * * *\","
		"\"timezone\":\"Mars/Base\"}]",
		"triggers[0]: timezone"},
	{NULL,
		"[{\"type\":\"timer\",\"config\":\"0 0 0 * * * *\","
		"\"missed\":\"never\"}]",
		"triggers[0]: missed: skip, once or all"},
	{NULL,
		"[{\"type\":\"timer\",\"config\":\"0 0 0 * * * *\","
		"\"timezon\":\"\"}]",
		"triggers[0]: \"timezon\" is no member"},
	{NULL, "[{\"type\":\"http\",\"path\":\"api\"}]", "triggers[0]: path"},
	{NULL, "[{\"type\":\"http\",\"path\":\"/a?b\"}]", "triggers[0]: path"},
	{NULL, "[{\"type\":\"http\",\"path\":\"/a\",\"methods\":[\"\"]}]",
		"triggers[0]: methods"},
	{NULL, "[{\"type\":\"document\"}]", "triggers[0]: collection"},
	{NULL,
		"[{\"type\":\"document\",\"collection\":\"a\",\"events\":"
		"[\"add\"]}]",
		"triggers[0]: events: an array of \"create\", \"update\""},
	{NULL, "[{\"type\":\"pay\",\"events\":[]}]", "triggers[0]: events"},
	{NULL, "[{\"type\":\"push\",\"events\":[]}]", "leave it out"},
	{NULL, "[{\"type\":\"push\",\"events\":\"text\"}]",
		"triggers[0]: events"},
	{NULL, "[{\"type\":\"push\",\"events\":[\"text\",5]}]", "events[1]"},
	{NULL, "[{\"type\":\"push\",\"events\":[\"a b\"]}]", "events[0]"},
	{NULL,
		"[{\"type\":\"http\",\"path\":\"/a\"},{\"type\":\"http\","
		"\"path\":\"/b\"}]",
		"triggers[1]: name: \"http\" is another trigger's"},
	{"{}", NULL, "config.json: triggers: an array"},
	{"[{\"type\":\"timer\"}]", NULL, "config.json: triggers[0]"},
};

static void
a_bad_trigger_is_refused_with_its_place_and_member(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		_json_ json_t *config = json(bad[i].config);
		_json_ json_t *entry = json(bad[i].entry), *got = NULL;
		struct fault why = {0};

		if (package_triggers(config, entry, &got, &why) >= 0 ||
			!strstr(why.text, bad[i].says))
			fail_msg("%s: %s", bad[i].says, why.text);
	}
}

static void
the_entry_goes_before_config_json(void **state)
{
	_json_ json_t *config = json("[{\"type\":\"http\",\"path\":\"/a\"},"
				     "{\"type\":\"login\"}]");
	_json_ json_t *entry = json("[{\"type\":\"http\",\"path\":\"/b\"}]");
	_json_ json_t *got = NULL;

	(void)state;
	assert_int_equal(package_triggers(config, entry, &got, NULL), 0);
	assert_int_equal(json_array_size(got), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(got, 0), "path")),
		"/b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(triggers_come_out_in_one_shape),
		cmocka_unit_test(
			a_bad_trigger_is_refused_with_its_place_and_member),
		cmocka_unit_test(the_entry_goes_before_config_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
