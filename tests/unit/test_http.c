/*
 * Request targets as text: what is taken apart, what is refused.
 */
#include "http/target.h"
#include "tests/unit/test.h"

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 16);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static int
parse(const char *text, struct target *t)
{
	return target_parse(t, &arena, slice_str(text), NULL);
}

static void
assert_path(const char *text, const char *path, const char *query)
{
	struct target t;

	assert_int_equal(parse(text, &t), 0);
	assert_string_equal(t.path, path);
	assert_int_equal(t.query.len, strlen(query));
	assert_memory_equal(t.query.ptr, query, strlen(query));
}

static void
a_path_is_decoded_and_its_query_left_alone(void **state)
{
	(void)state;
	assert_path("/", "/", "");
	assert_path("/a/b", "/a/b", "");
	assert_path("/%61%2Fb", "/a/b", "");
	assert_path("/a+b", "/a+b", "");
	assert_path("/a?x=%zz&y", "/a", "x=%zz&y");
	assert_path("/a?b?c", "/a", "b?c");
	assert_path("/%e4%bd%a0", "/\xe4\xbd\xa0", "");
	assert_path("*", "*", "");
}

static void
an_absolute_form_gives_its_path_and_its_authority(void **state)
{
	struct target t;

	(void)state;
	assert_path("http://a.example/x?y", "/x", "y");
	assert_path("HTTPS://a.example:443", "/", "");
	assert_path("http://a.example?y", "/", "y");
	assert_int_equal(parse("http://a.example:80/x", &t), 0);
	assert_true(slice_is(t.authority, "a.example:80"));
	assert_int_equal(parse("/x", &t), 0);
	assert_null(t.authority.ptr);
}

static void
a_target_that_does_not_decode_cleanly_is_refused(void **state)
{
	static const char *const bad[] = {"", "a", "/%", "/%4", "/%zz", "/%00",
		"/a b", "/a\tb", "/a#b", "/a\\b", "/\x7f", "/\xc3\xa9",
		"a.example:80", "ftp://a/", "http:///x", "http://",
		"http://a@b/", "http://a b/", "http:/a", "?x", "**", "//\r"};
	struct target t = {.path = "untouched"};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(parse(bad[i], &t), ERR_BAD_REQUEST);
	assert_string_equal(t.path, "untouched");
}

static void
assert_query(const char *query, const char *name, const char *want)
{
	struct slice got = target_query(&arena, slice_str(query), name);

	if (!want) {
		assert_null(got.ptr);
		return;
	}
	assert_non_null(got.ptr);
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.ptr, want, got.len);
}

static void
a_query_is_read_as_forms_are(void **state)
{
	(void)state;
	assert_query("a=1&b=2", "b", "2");
	assert_query("a=1&a=2", "a", "1");
	assert_query("a=x+y%20z", "a", "x y z");
	assert_query("a=100%", "a", "100%");
	assert_query("a=%zz", "a", "%zz");
	assert_query("%61=1", "a", "1");
	assert_query("a", "a", "");
	assert_query("a=", "a", "");
	assert_query("a=b=c", "a", "b=c");
	assert_query("&&a=1", "a", "1");
	assert_query("ab=1", "a", NULL);
	assert_query("", "a", NULL);
}

static void
a_query_larger_than_the_arena_is_absent(void **state)
{
	struct arena small;

	(void)state;
	arena_init(&small, 8);
	assert_null(target_query(&small, SLICE("a=123456789012"), "a").ptr);
	arena_done(&small);
}

static void
an_authority_is_a_host_and_perhaps_a_port(void **state)
{
	static const char *const good[] = {"a", "a.example", "a:80",
		"a:", "127.0.0.1:8080", "[::1]", "[::1]:443", "a_b"};
	static const char *const bad[] = {"", ":80", "a:b", "a:123456", "a b",
		"a/b", "a@b", "[::1", "[]", "[x]", "[::1]x", "a:80:80",
		"a,\tb"};

	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		assert_true(target_authority_is_valid(slice_str(good[i])));
	for (size_t i = 0; i < array_size(bad); i++)
		assert_false(target_authority_is_valid(slice_str(bad[i])));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_decoded_and_its_query_left_alone),
		cmocka_unit_test(
			an_absolute_form_gives_its_path_and_its_authority),
		cmocka_unit_test(
			a_target_that_does_not_decode_cleanly_is_refused),
		cmocka_unit_test(a_query_is_read_as_forms_are),
		cmocka_unit_test(a_query_larger_than_the_arena_is_absent),
		cmocka_unit_test(an_authority_is_a_host_and_perhaps_a_port),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
