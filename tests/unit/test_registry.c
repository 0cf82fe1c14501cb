/*
 * Deployed functions on disk, in a folder of the test's own.
 */
#include "functions/registry.h"

#include "base/mem.h"
#include "base/paths.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	struct registry registry;
};

static const struct registry_presets presets = {
	.timeout_ms = 20000,
	.memory = 256 * 1024 * 1024,
	.idle_ms = 300000,
	.workers = 16,
	.queue = 1000,
};

static int
setup(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	strcpy(f->dir, "/tmp/mpc-registry-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(registry_open(&f->registry, f->dir, NULL), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	_free_ char *command = str_printf("rm -rf '%s'", f->dir);

	assert_int_equal(system(command), 0);
	registry_close(&f->registry);
	free(f);
	return 0;
}

static void
put(const struct fixture *f, const char *path, const char *text)
{
	_free_ char *whole = str_printf("%s/functions/%s", f->dir, path);
	char *slash = strrchr(whole, '/');

	*slash = '\0';
	assert_int_equal(dir_make(whole, 0755, NULL), 0);
	*slash = '/';
	assert_int_equal(file_write(whole, text, strlen(text), 0644, NULL), 0);
}

static json_t *
json(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

static void
assert_json(json_t *v, const char *text)
{
	json_t *expected = json(text);

	assert_true(json_equal(v, expected));
	json_decref(expected);
	json_decref(v);
}

static void
names_and_versions_are_listed_in_order(void **state)
{
	struct fixture *f = *state;
	json_t *v;

	put(f, "pay/v10/index.js", "");
	put(f, "pay/v9/index.js", "");
	put(f, "pay/v01/index.js", "");
	put(f, "pay/other/index.js", "");
	put(f, "list/v1/index.js", "");
	put(f, ".part/v1/index.js", "");
	assert_int_equal(registry_names(&f->registry, &v, NULL), 0);
	assert_json(v, "[\"list\",\"pay\"]");
	assert_int_equal(registry_versions(&f->registry, "pay", &v, NULL), 0);
	assert_json(v, "[9,10]");
	assert_int_equal(
		registry_versions(&f->registry, "none", &v, NULL), -ENOENT);
}

static int
package(const struct fixture *f, const char *entry, struct fn_settings *ret,
	struct fault *why)
{
	_json_ json_t *v = entry ? json(entry) : NULL;

	return registry_package(
		&f->registry, "hello", 1, v, &presets, ret, why);
}

static void
what_a_version_was_deployed_with_is_known_again(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;
	_json_ json_t *it = json("{\"timeout\":7,\"memorySize\":64}");
	_json_ json_t *again = json("{\"memorySize\":64,\"timeout\":7}");
	_json_ json_t *other = json("{\"timeout\":8,\"memorySize\":64}");

	put(f, "hello/v1/index.js", "");
	assert_true(registry_entry_is(&f->registry, "hello", 1, NULL));
	assert_false(registry_entry_is(&f->registry, "hello", 1, it));
	assert_int_equal(
		package(f, "{\"timeout\":7,\"memorySize\":64}", &s, NULL), 0);
	fn_settings_done(&s);
	assert_true(registry_entry_is(&f->registry, "hello", 1, again));
	assert_false(registry_entry_is(&f->registry, "hello", 1, other));
	assert_false(registry_entry_is(&f->registry, "hello", 1, NULL));
	assert_false(registry_entry_is(&f->registry, "hello", 2, it));
}

static void
a_version_without_an_entry_gets_the_presets(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	assert_string_equal(s.name, "hello");
	assert_int_equal(s.version, 1);
	assert_int_equal(s.runtime, RUNTIME_NODE);
	assert_string_equal(s.handler, "index.main");
	assert_int_equal(s.timeout_ms, 20000);
	assert_int_equal(s.memory, 256 * 1024 * 1024);
	assert_int_equal(s.workers, 16);
	assert_int_equal(s.concurrency, 1);
	assert_int_equal(s.queue, 1000);
	assert_int_equal(s.idle_ms, 300000);
	assert_false(s.network);
	assert_int_equal(s.code_dir[0], '/');
	fn_settings_done(&s);
}

static void
an_entry_of_cloudbaserc_is_taken_as_cloudbase_means_it(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/lib/app.js", "");
	assert_int_equal(package(f,
				 "{\"name\":\"hello\",\"handler\":"
				 "\"lib/app.run\",\"runtime\":\"Nodejs18.15\","
				 "\"timeout\":5,\"memorySize\":128,"
				 "\"envVariables\":{\"A\":\"b\"},"
				 "\"instanceConcurrencyConfig\":"
				 "{\"maxConcurrency\":10},\"vpc\":{},"
				 "\"mpcloud\":{\"network\":true,\"workers\":3,"
				 "\"queue\":7,\"idle\":60}}",
				 &s, NULL),
		0);
	assert_string_equal(s.handler, "lib/app.run");
	assert_int_equal(s.timeout_ms, 5000);
	assert_int_equal(s.memory, 128 * 1024 * 1024);
	assert_string_equal(
		json_string_value(json_object_get(s.environment, "A")), "b");
	assert_int_equal(s.concurrency, 10);
	assert_true(s.network);
	assert_int_equal(s.workers, 3);
	assert_int_equal(s.queue, 7);
	assert_int_equal(s.idle_ms, 60000);
	fn_settings_done(&s);
}

static void
an_entry_is_kept_for_the_next_time(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	assert_int_equal(package(f, "{\"timeout\":5}", &s, NULL), 0);
	fn_settings_done(&s);
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	assert_int_equal(s.timeout_ms, 5000);
	fn_settings_done(&s);
}

static void
a_folder_may_bring_its_own_cloudbaserc(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	put(f, "hello/v1/cloudbaserc.json",
		"{\"functions\":[{\"name\":\"other\",\"timeout\":9},"
		"{\"name\":\"hello\",\"timeout\":4}]}");
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	assert_int_equal(s.timeout_ms, 4000);
	fn_settings_done(&s);
}

static void
a_folder_with_only_a_library_is_native(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.so", "");
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	assert_int_equal(s.runtime, RUNTIME_NATIVE);
	assert_string_equal(s.handler, "index.so");
	fn_settings_done(&s);
}

struct refusal {
	const char *entry, *words;
};

static void
what_cannot_be_meant_is_refused_by_name(void **state)
{
	static const struct refusal refusals[] = {
		{"[]", "object"},
		{"{\"runtime\":\"Php7\"}", "runtime"},
		{"{\"handler\":\"../x.main\"}", "handler"},
		{"{\"handler\":\"/etc/passwd\"}", "handler"},
		{"{\"handler\":\"gone.main\"}", "handler gone.main"},
		{"{\"timeout\":0}", "timeout"},
		{"{\"timeout\":901}", "timeout"},
		{"{\"timeout\":\"5\"}", "timeout"},
		{"{\"memorySize\":1}", "memorySize"},
		{"{\"envVariables\":{\"A\":1}}", "envVariables.A"},
		{"{\"envVariables\":{\"A=B\":\"1\"}}", "envVariables.A=B"},
		{"{\"instanceConcurrencyConfig\":{\"maxConcurrency\":0}}",
			"instanceConcurrencyConfig.maxConcurrency"},
		{"{\"mpcloud\":{\"network\":1}}", "mpcloud.network"},
		{"{\"mpcloud\":{\"network\":[\"\"]}}", "network"},
		{"{\"mpcloud\":7}", "mpcloud: an object"},
		{"{\"mpcloud\":{\"wokers\":1}}", "mpcloud.wokers"},
		{"{\"mpcloud\":{\"workers\":0}}", "mpcloud.workers: a whole "
						  "number from 1 to 10000"},
		{"{\"mpcloud\":{\"workers\":1.5}}", "mpcloud.workers"},
		{"{\"mpcloud\":{\"queueWait\":0}}", "mpcloud.queueWait"},
		{"{\"mpcloud\":{\"cpu\":-1}}", "mpcloud.cpu"},
		{"{\"mpcloud\":{\"tmp\":\"64\"}}", "mpcloud.tmp"},
		{"{\"mpcloud\":{\"workers\":2,\"minWorkers\":3}}",
			"mpcloud.minWorkers: 3"},
		{"{\"type\":\"HTTP\"}", "type: \"HTTP\""},
		{"{\"triggers\":[{\"type\":\"timer\",\"name\":\"t\","
		 "\"config\":\"61 * * * * * *\"}]}",
			"triggers[0]: config"},
	};
	struct fixture *f = *state;

	put(f, "hello/v1/index.js", "");
	for (size_t i = 0; i < array_size(refusals); i++) {
		struct fault why = {0};
		struct fn_settings s;

		assert_true(package(f, refusals[i].entry, &s, &why) < 0);
		assert_non_null(strstr(why.text, refusals[i].words));
	}
}

static void
a_broken_config_json_is_told_at_deploy(void **state)
{
	struct fixture *f = *state;
	struct fault why = {0};
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	put(f, "hello/v1/config.json", "{\"triggers\":");
	assert_int_equal(package(f, NULL, &s, &why), ERR_PARAM);
	assert_non_null(strstr(why.text, "config.json"));
}

static void
a_refused_entry_is_not_kept(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	assert_true(package(f, "{\"timeout\":0}", &s, NULL) < 0);
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	fn_settings_done(&s);
}

static void
our_own_settings_are_taken_in_the_units_of_their_author(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	assert_int_equal(package(f,
				 "{\"runtime\":\"Nodejs18.15\",\"mpcloud\":{"
				 "\"network\":[\"api.example.com\"],"
				 "\"workers\":4,\"minWorkers\":2,\"queue\":9,"
				 "\"queueWait\":1.5,\"idle\":60,\"calls\":7,"
				 "\"retries\":3,\"tmp\":128,\"cpu\":0.5,"
				 "\"runtime\":\"script\"}}",
				 &s, NULL),
		0);
	assert_int_equal(s.runtime, RUNTIME_SCRIPT);
	assert_int_equal(s.network, NETWORK_HOSTS);
	assert_int_equal(json_array_size(s.hosts), 1);
	assert_int_equal(s.workers, 4);
	assert_int_equal(s.min_workers, 2);
	assert_int_equal(s.queue, 9);
	assert_int_equal(s.queue_ms, 1500);
	assert_int_equal(s.idle_ms, 60000);
	assert_int_equal(s.calls, 7);
	assert_int_equal(s.retries, 3);
	assert_int_equal(s.tmp, 128 << 20);
	assert_int_equal(s.cpu, 50);
	fn_settings_done(&s);
}

static void
defaults_of_the_file_and_older_entries_stand_behind(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	put(f, "hello/v1/cloudbaserc.json",
		"{\"functionDefaultConfig\":{\"timeout\":9,\"memorySize\":512},"
		"\"functions\":[{\"name\":\"hello\",\"memorySize\":128,"
		"\"config\":{\"envVariables\":{\"A\":\"b\"},"
		"\"memorySize\":256}}]}");
	assert_int_equal(package(f, NULL, &s, NULL), 0);
	assert_int_equal(s.timeout_ms, 9000);
	assert_int_equal(s.memory, 128 << 20);
	assert_string_equal(
		json_string_value(json_object_get(s.environment, "A")), "b");
	fn_settings_done(&s);
}

static void
config_json_brings_triggers_and_apis(void **state)
{
	struct fixture *f = *state;
	struct fn_settings s;

	put(f, "hello/v1/index.js", "");
	put(f, "hello/v1/config.json",
		"{\"permissions\":{\"openapi\":[\"subscribeMessage.send\"]},"
		"\"triggers\":[{\"name\":\"daily\",\"type\":\"timer\","
		"\"config\":\"0 0 2 * * * *\"},{\"name\":\"other\","
		"\"type\":\"timer\",\"config\":\"0 0 3 * * * *\"}]}");
	assert_int_equal(package(f,
				 "{\"triggers\":[{\"name\":\"daily\","
				 "\"type\":\"http\",\"config\":\"/a/\","
				 "\"methods\":[\"get\"]}]}",
				 &s, NULL),
		0);
	assert_json(json_incref(s.triggers),
		"[{\"name\":\"daily\",\"type\":\"http\",\"path\":\"/a\","
		"\"methods\":[\"GET\"]},{\"name\":\"other\",\"type\":"
		"\"timer\",\"config\":\"0 0 3 * * * *\",\"timezone\":\"\","
		"\"missed\":\"skip\",\"message\":\"\"}]");
	assert_json(json_incref(s.openapi), "[\"subscribeMessage.send\"]");
	fn_settings_done(&s);
}

static void
who_answers_comes_back_as_it_was_written(void **state)
{
	struct fixture *f = *state;
	struct registry_state s = {0}, back;
	struct stat st;
	_free_ char *path =
		str_printf("%s/functions/hello/active.json", f->dir);

	put(f, "hello/v1/index.js", "");
	assert_int_equal(
		registry_read(&f->registry, "hello", &back, NULL), -ENOENT);
	strcpy(s.release.name, "hello");
	s.release.stable = 7;
	s.release.gray = 8;
	s.release.percent = 10;
	s.release.guard_calls = 100;
	s.release.aliases = json("{\"prod\":7}");
	s.previous = json("[5,6]");
	s.trouble = json("{\"version\":4,\"why\":\"slow\",\"at\":1}");
	assert_int_equal(registry_write(&f->registry, &s, NULL), 0);
	registry_state_done(&s);
	assert_int_equal(registry_read(&f->registry, "hello", &back, NULL), 0);
	assert_int_equal(back.release.stable, 7);
	assert_int_equal(back.release.gray, 8);
	assert_true(release_names(&back.release, 7));
	assert_json(json_incref(back.previous), "[5,6]");
	assert_json(json_incref(back.trouble),
		"{\"version\":4,\"why\":\"slow\",\"at\":1}");
	registry_state_copy(&s, &back);
	registry_state_done(&back);
	assert_int_equal(s.release.gray, 8);
	assert_json(json_incref(s.previous), "[5,6]");
	registry_state_done(&s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(registry_forget(&f->registry, "hello", NULL), 0);
	assert_int_equal(
		registry_read(&f->registry, "hello", &back, NULL), -ENOENT);
	assert_int_equal(registry_forget(&f->registry, "hello", NULL), 0);
}

static void
what_an_older_daemon_wrote_is_one_stable_version(void **state)
{
	struct fixture *f = *state;
	struct registry_state s;

	put(f, "hello/active.json",
		"{\"name\":\"hello\",\"version\":3,\"runtime\":\"node\","
		"\"handler\":\"index.main\",\"timeout_ms\":20000,"
		"\"memory\":268435456,\"workers\":16,\"network\":false,"
		"\"code_dir\":\"/var/lib/mpcloud/functions/hello/v3\","
		"\"environment\":{}}");
	assert_int_equal(registry_read(&f->registry, "hello", &s, NULL), 0);
	assert_int_equal(s.release.stable, 3);
	assert_int_equal(s.release.gray, 0);
	assert_null(s.previous);
	registry_state_done(&s);
}

static void
a_torn_or_strange_active_file_is_an_error_with_its_path(void **state)
{
	static const char *const texts[] = {"{\"name\":", "[]", "{}",
		"{\"name\":\"other\",\"stable\":1}",
		"{\"name\":\"hello\",\"stable\":\"1\"}"};
	struct fixture *f = *state;

	for (size_t i = 0; i < array_size(texts); i++) {
		struct registry_state s;
		struct fault why = {0};

		put(f, "hello/active.json", texts[i]);
		assert_true(registry_read(&f->registry, "hello", &s, &why) < 0);
		assert_non_null(strstr(why.text, "hello/active.json"));
	}
}

static void
old_versions_are_put_aside_but_for_live_and_new_ones(void **state)
{
	struct fixture *f = *state;
	struct registry_state s = {0};
	json_t *v;

	for (int i = 1; i <= 9; i++) {
		_free_ char *path = str_printf("hello/v%d/index.js", i);
		_free_ char *entry = str_printf("hello/v%d.json", i);

		put(f, path, "");
		put(f, entry, "{}");
	}
	strcpy(s.release.name, "hello");
	s.release.stable = 8;
	s.release.aliases = json("{\"old\":2}");
	registry_blame(&f->registry, "hello", 3, "it was bad");
	registry_prune(&f->registry, &s, 3);
	registry_state_done(&s);
	assert_int_equal(registry_versions(&f->registry, "hello", &v, NULL), 0);
	assert_json(v, "[2,7,8,9]");
	assert_null(registry_blamed(&f->registry, "hello", 3));
	assert_true(registry_has(&f->registry, "hello", 7));
	assert_false(registry_has(&f->registry, "hello", 6));
}

static void
a_version_that_could_not_be_loaded_says_why(void **state)
{
	struct fixture *f = *state;
	char *text;

	put(f, "hello/v1/index.js", "");
	assert_null(registry_blamed(&f->registry, "hello", 1));
	registry_blame(&f->registry, "hello", 1, "Error: so");
	text = registry_blamed(&f->registry, "hello", 1);
	assert_string_equal(text, "Error: so");
	free(text);
	registry_blame(&f->registry, "hello", 1, NULL);
	assert_null(registry_blamed(&f->registry, "hello", 1));
}

static void
each_function_has_a_user_id_for_good(void **state)
{
	struct fixture *f = *state;
	int64_t a, b, again;

	put(f, "a/v1/index.js", "");
	put(f, "b/v1/index.js", "");
	put(f, "c/v1/index.js", "");
	assert_int_equal(registry_uid(&f->registry, "b", 700, 2, &b, NULL), 0);
	assert_int_equal(registry_uid(&f->registry, "a", 700, 2, &a, NULL), 0);
	assert_int_equal(b, 700);
	assert_int_equal(a, 701);
	assert_int_equal(
		registry_uid(&f->registry, "b", 700, 2, &again, NULL), 0);
	assert_int_equal(again, 700);
	assert_int_equal(registry_uid(&f->registry, "c", 700, 2, &again, NULL),
		ERR_CONFLICT);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(names_and_versions_are_listed_in_order),
		T(what_a_version_was_deployed_with_is_known_again),
		T(a_version_without_an_entry_gets_the_presets),
		T(an_entry_of_cloudbaserc_is_taken_as_cloudbase_means_it),
		T(an_entry_is_kept_for_the_next_time),
		T(a_folder_may_bring_its_own_cloudbaserc),
		T(a_folder_with_only_a_library_is_native),
		T(what_cannot_be_meant_is_refused_by_name),
		T(a_broken_config_json_is_told_at_deploy),
		T(a_refused_entry_is_not_kept),
		T(our_own_settings_are_taken_in_the_units_of_their_author),
		T(defaults_of_the_file_and_older_entries_stand_behind),
		T(config_json_brings_triggers_and_apis),
		T(who_answers_comes_back_as_it_was_written),
		T(what_an_older_daemon_wrote_is_one_stable_version),
		T(a_torn_or_strange_active_file_is_an_error_with_its_path),
		T(old_versions_are_put_aside_but_for_live_and_new_ones),
		T(a_version_that_could_not_be_loaded_says_why),
		T(each_function_has_a_user_id_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
