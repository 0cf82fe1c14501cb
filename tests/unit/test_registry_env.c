/*
 * Variables and secrets of functions, in a folder of the test's own.
 */
#include "functions/registry_env.h"

#include "auth/seal.h"
#include "base/mem.h"
#include "base/paths.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	struct registry registry;
	struct seal *seal, *other;
};

static int
setup(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	strcpy(f->dir, "/tmp/mpc-env-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(registry_open(&f->registry, f->dir, NULL), 0);
	assert_int_equal(seal_new(&f->seal,
				 SLICE("000102030405060708090a0b0c0d0e0f"
				       "101112131415161718191a1b1c1d1e1f"),
				 NULL),
		0);
	assert_int_equal(seal_new(&f->other,
				 SLICE("100102030405060708090a0b0c0d0e0f"
				       "101112131415161718191a1b1c1d1e1f"),
				 NULL),
		0);
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
	(void)seal_free(f->seal);
	(void)seal_free(f->other);
	free(f);
	return 0;
}

static json_t *
json(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);

	assert_non_null(v);
	return v;
}

static void
set(struct fixture *f, const char *function, const char *values)
{
	_json_ json_t *v = json(values);

	assert_int_equal(registry_env_set(&f->registry, function, v, NULL), 0);
}

static void
set_secret(struct fixture *f, const char *function, const char *values)
{
	_json_ json_t *v = json(values);

	assert_int_equal(
		registry_secret_set(&f->registry, f->seal, function, v, NULL),
		0);
}

static void
assert_gets(struct fixture *f, const char *own, const char *expected)
{
	_json_ json_t *entry = json(own), *is = json(expected), *all = NULL;
	struct fault why = {0};

	if (registry_env_merge(
		    &f->registry, f->seal, "hello", entry, &all, &why) < 0)
		fail_msg("%s", why.text);
	if (!json_equal(all, is))
		fail_msg("%s", json_dumps(all, 0));
}

static void
the_nearer_variable_counts(void **state)
{
	struct fixture *f = *state;

	assert_gets(f, "{\"A\":\"own\"}", "{\"A\":\"own\"}");
	set(f, "", "{\"A\":\"all\",\"B\":\"all\",\"C\":\"all\"}");
	set(f, "hello", "{\"C\":\"one\"}");
	set(f, "other", "{\"A\":\"other\"}");
	assert_gets(f, "{\"A\":\"own\"}",
		"{\"A\":\"own\",\"B\":\"all\",\"C\":\"one\"}");
	/* A secret before a variable, on its own side only. */
	set_secret(f, "", "{\"A\":\"sealed\",\"B\":\"sealed\"}");
	assert_gets(f, "{\"A\":\"own\"}",
		"{\"A\":\"own\",\"B\":\"sealed\",\"C\":\"one\"}");
	set_secret(f, "hello", "{\"C\":\"sealed\",\"A\":\"sealed too\"}");
	assert_gets(f, "{\"A\":\"own\"}",
		"{\"A\":\"sealed too\",\"B\":\"sealed\",\"C\":\"sealed\"}");
}

static void
null_takes_away(void **state)
{
	struct fixture *f = *state;

	set(f, "", "{\"A\":\"1\",\"B\":\"2\"}");
	set(f, "", "{\"A\":null,\"GONE\":null}");
	set_secret(f, "hello", "{\"S\":\"3\"}");
	set_secret(f, "hello", "{\"S\":null}");
	assert_gets(f, "{}", "{\"B\":\"2\"}");
}

struct refusal {
	const char *values, *words;
};

static void
what_cannot_be_a_variable_is_refused_and_nothing_is_set(void **state)
{
	static const struct refusal refusals[] = {
		{"{\"GOOD\":\"1\",\"\":\"x\"}", "not a variable's name"},
		{"{\"GOOD\":\"1\",\"1A\":\"x\"}", "\"1A\""},
		{"{\"GOOD\":\"1\",\"A-B\":\"x\"}", "\"A-B\""},
		{"{\"GOOD\":\"1\",\"A\":7}", "A: a text"},
		{"{\"GOOD\":\"1\",\"A\":\"a\\u0000b\"}", "A: a text"},
		{"{\"GOOD\":\"1\",\"WX_APPID\":\"x\"}", "WX_APPID is set by"},
		{"{\"GOOD\":\"1\",\"MPCLOUD_EGRESS\":\"x\"}",
			"MPCLOUD_EGRESS is set by"},
	};
	struct fixture *f = *state;
	char big[9000] = "{\"GOOD\":\"1\",\"A\":\"";
	struct fault why = {0};
	json_t *v;

	for (size_t i = 0; i < array_size(refusals); i++) {
		v = json_loads(refusals[i].values, JSON_ALLOW_NUL, NULL);
		why = (struct fault){0};
		assert_true(registry_env_set(&f->registry, "", v, &why) < 0);
		if (!strstr(why.text, refusals[i].words))
			fail_msg("%s: %s", refusals[i].values, why.text);
		json_decref(v);
	}
	memset(big + strlen(big), 'x', 8500);
	strcpy(big + 8600, "\"}");
	memset(big + 18, 'x', 8600 - 18);
	v = json(big);
	assert_int_equal(
		registry_env_set(&f->registry, "", v, &why), ERR_PARAM);
	json_decref(v);
	assert_gets(f, "{}", "{}");
}

static char *
read_secrets(const struct fixture *f)
{
	_free_ char *path = str_printf("%s/secrets", f->dir);
	char *text = NULL;
	struct stat st;
	size_t len;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 65536, &text, &len, NULL), 0);
	return text;
}

static void
a_secret_lies_sealed_and_is_listed_by_name(void **state)
{
	struct fixture *f = *state;
	_free_ char *text = NULL;
	_json_ json_t *list = NULL, *is = NULL;

	set(f, "hello", "{\"A\":\"plain\"}");
	set_secret(f, "", "{\"KEY\":\"of all\"}");
	set_secret(f, "hello", "{\"API_KEY\":\"nobody reads this\"}");
	text = read_secrets(f);
	assert_null(strstr(text, "nobody"));
	assert_int_equal(registry_env_list(&f->registry, &list, NULL), 0);
	is = json("{\"variables\":{\"global\":{},\"functions\":{\"hello\":"
		  "{\"A\":\"plain\"}}},\"secrets\":{\"global\":[\"KEY\"],"
		  "\"functions\":{\"hello\":[\"API_KEY\"]}}}");
	assert_true(json_equal(list, is));
}

static void
a_secret_needs_its_key_and_its_place(void **state)
{
	struct fixture *f = *state;
	_json_ json_t *own = json_object(), *all = NULL;
	_json_ json_t *v = json("{\"S\":\"x\"}");
	_json_ json_t *none = json("{\"S\":null}");
	_free_ char *path = str_printf("%s/secrets", f->dir);
	_free_ char *text = NULL, *moved = NULL;
	struct fault why = {0};

	assert_int_equal(registry_secret_set(&f->registry, NULL, "", v, &why),
		ERR_CONFIG);
	assert_non_null(strstr(why.text, "token.master_key_file"));
	set_secret(f, "hello", "{\"S\":\"x\"}");
	assert_int_equal(registry_env_merge(&f->registry, f->other, "hello",
				 own, &all, &why),
		ERR_CONFIG);
	assert_non_null(strstr(why.text, "secret S cannot be opened"));
	assert_int_equal(registry_env_merge(
				 &f->registry, NULL, "hello", own, &all, &why),
		ERR_CONFIG);
	/* Another function's: what was sealed for hello is not for it. */
	text = read_secrets(f);
	moved = str_dup(text);
	memcpy(strstr(moved, "hello"), "jello", 5);
	assert_int_equal(file_write(path, moved, strlen(moved), 0600, NULL), 0);
	assert_int_equal(registry_env_merge(&f->registry, f->seal, "jello", own,
				 &all, &why),
		ERR_CONFIG);
	/* Taking away needs no key. */
	assert_int_equal(
		registry_secret_set(&f->registry, NULL, "jello", none, NULL),
		0);
	assert_int_equal(registry_env_merge(
				 &f->registry, NULL, "jello", own, &all, &why),
		0);
}

static void
more_than_a_function_can_hold_is_refused(void **state)
{
	struct fixture *f = *state;
	_json_ json_t *own = json_object(), *all = NULL;
	struct fault why = {0};

	for (int i = 0; i < 3; i++) {
		_json_ json_t *v = json_object();
		char text[8001], name[4] = {'A', (char)('0' + i), '\0'};

		memset(text, 'x', 8000);
		text[8000] = '\0';
		(void)json_object_set_new(v, name, json_string(text));
		assert_int_equal(registry_env_set(&f->registry,
					 i < 2 ? "" : "hello", v, &why),
			0);
	}
	assert_int_equal(registry_env_merge(&f->registry, f->seal, "hello", own,
				 &all, &why),
		ERR_TOO_BIG);
	assert_non_null(strstr(why.text, "16384 at the most"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_nearer_variable_counts),
		T(null_takes_away),
		T(what_cannot_be_a_variable_is_refused_and_nothing_is_set),
		T(a_secret_lies_sealed_and_is_listed_by_name),
		T(a_secret_needs_its_key_and_its_place),
		T(more_than_a_function_can_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
