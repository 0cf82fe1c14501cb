/*
 * Paths of functions: which may be, and who answers.
 */
#include "functions/http_path.h"

#include "base/val.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "routes/http_paths.h"
#include "tests/unit/test.h"

static struct http_paths *paths;

static void
set(const char *function, const char *triggers)
{
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(triggers), NULL), 0);
	http_paths_set(paths, function, v);
}

/* "function", "404", or the allowed methods as "405 GET HEAD". */
static const char *
find(const char *method, const char *path)
{
	static char text[128];
	const struct http_path *p;
	unsigned allowed;
	int e = http_paths_find(
		paths, slice_str(path), slice_str(method), &p, &allowed);

	if (e == 0)
		return p->function;
	if (e == ERR_NOT_FOUND)
		return "404";
	(void)snprintf(text, sizeof(text), "405");
	for (unsigned i = 0; i < HTTP_METHODS; i++)
		if (allowed >> i & 1)
			(void)snprintf(text + strlen(text),
				sizeof(text) - strlen(text), " %s",
				http_method_name(i));
	return text;
}

static int
fresh(void **state)
{
	(void)state;
	paths = http_paths_new();
	return 0;
}

static int
done(void **state)
{
	(void)state;
	paths = http_paths_free(paths);
	return 0;
}

static void
the_longest_path_wins_by_whole_segments(void **state)
{
	(void)state;
	set("shop", "[{\"type\":\"http\",\"path\":\"/shop\"}]");
	set("cart", "[{\"type\":\"http\",\"path\":\"/shop/cart\"},"
		    "{\"type\":\"timer\",\"path\":\"/timer\"}]");
	assert_string_equal(find("GET", "/shop"), "shop");
	assert_string_equal(find("GET", "/shop/"), "shop");
	assert_string_equal(find("GET", "/shop/car"), "shop");
	assert_string_equal(find("GET", "/shop/cart"), "cart");
	assert_string_equal(find("GET", "/shop/cart/1/2"), "cart");
	assert_string_equal(find("GET", "/shop/carts"), "shop");
	assert_string_equal(find("GET", "/shopping"), "404");
	assert_string_equal(find("GET", "/"), "404");
	assert_string_equal(find("GET", "/timer"), "404");
	set("all", "[{\"type\":\"http\",\"path\":\"/\"}]");
	assert_string_equal(find("GET", "/shopping"), "all");
	assert_string_equal(find("GET", "/"), "all");
	assert_string_equal(find("GET", "/shop/x"), "shop");
}

static void
what_is_the_platforms_never_reaches_a_function(void **state)
{
	(void)state;
	set("all", "[{\"type\":\"http\",\"path\":\"/\"},"
		   "{\"type\":\"http\",\"path\":\"/v1/mine\"}]");
	assert_string_equal(find("GET", "/v1/nothing"), "404");
	assert_string_equal(find("GET", "/v1/mine"), "404");
	assert_string_equal(find("POST", "/admin/x"), "404");
	assert_string_equal(find("GET", "/v1x"), "all");
	/* every route of ours is on the list */
	for (size_t i = 0; i < route_count; i++)
		if (!http_path_is_ours(slice_str(route_table[i].path)))
			fail_msg("%s", route_table[i].path);
}

static void
methods_choose_between_functions_of_one_path(void **state)
{
	(void)state;
	set("read", "[{\"type\":\"http\",\"path\":\"/a\","
		    "\"methods\":[\"GET\"]}]");
	set("write", "[{\"type\":\"http\",\"path\":\"/a\","
		     "\"methods\":[\"POST\",\"PUT\"]}]");
	set("under", "[{\"type\":\"http\",\"path\":\"/\"}]");
	assert_string_equal(find("GET", "/a"), "read");
	assert_string_equal(find("HEAD", "/a/b"), "read");
	assert_string_equal(find("PUT", "/a"), "write");
	assert_string_equal(find("DELETE", "/a"), "405 GET HEAD POST PUT");
	assert_string_equal(find("BREW", "/b"),
		"405 GET HEAD POST PUT PATCH DELETE OPTIONS");
}

static void
of_two_with_one_path_the_first_name_has_it_whoever_came_first(void **state)
{
	(void)state;
	set("b", "[{\"type\":\"http\",\"path\":\"/a\"}]");
	assert_string_equal(find("GET", "/a"), "b");
	set("a", "[{\"type\":\"http\",\"path\":\"/a\"}]");
	assert_string_equal(find("GET", "/a"), "a");
	set("b", "[{\"type\":\"http\",\"path\":\"/a\"}]");
	assert_string_equal(find("GET", "/a"), "a");
	set("a", "[]");
	assert_string_equal(find("GET", "/a"), "b");
	http_paths_set(paths, "b", NULL);
	assert_string_equal(find("GET", "/a"), "404");
	assert_int_equal(http_paths_count(paths), 0);
}

static void
many_paths_are_all_found(void **state)
{
	char text[128], path[64], name[64];

	(void)state;
	for (int i = 0; i < 500; i++) {
		(void)snprintf(text, sizeof(text),
			"[{\"type\":\"http\",\"path\":\"/p%d/x\"},"
			"{\"type\":\"http\",\"path\":\"/p%d-x\"}]",
			i, i);
		(void)snprintf(name, sizeof(name), "f%d", i);
		set(name, text);
	}
	for (int i = 0; i < 500; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		(void)snprintf(path, sizeof(path), "/p%d/x/y", i);
		assert_string_equal(find("GET", path), name);
		(void)snprintf(path, sizeof(path), "/p%d-x", i);
		assert_string_equal(find("GET", path), name);
		(void)snprintf(path, sizeof(path), "/p%d", i);
		assert_string_equal(find("GET", path), "404");
	}
}

static void
a_path_is_refused_with_what_to_write_instead(void **state)
{
	static const char *const good[] = {"/", "/api", "/api/orders.json",
		"/~a/b_c-d", "/\xe5\x95\x86\xe5\xba\x97", "/v10",
		"/administer"};
	static const struct {
		const char *path, *words;
	} bad[] = {{"", "begins with a slash"}, {"api", "begins with a slash"},
		{"/api/", "last slash"}, {"/api/*", "leave the * out"},
		{"/a//b", "segment"}, {"/a/../b", "segment"},
		{"/./a", "segment"}, {"/a?b", "letters"}, {"/a%20b", "letters"},
		{"/{id}", "letters"}, {"/a b", "letters"}, {"/\xff", "letters"},
		{"/v1", "platform"}, {"/admin/x", "platform"},
		{"/healthz", "platform"}};
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(good); i++)
		assert_int_equal(http_path_check(slice_str(good[i]), NULL), 0);
	for (size_t i = 0; i < array_size(bad); i++) {
		assert_int_equal(http_path_check(slice_str(bad[i].path), &why),
			ERR_PARAM);
		if (!strstr(why.text, bad[i].words))
			fail_msg("%s: %s", bad[i].path, why.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_longest_path_wins_by_whole_segments, fresh, done),
		cmocka_unit_test_setup_teardown(
			what_is_the_platforms_never_reaches_a_function, fresh,
			done),
		cmocka_unit_test_setup_teardown(
			methods_choose_between_functions_of_one_path, fresh,
			done),
		cmocka_unit_test_setup_teardown(
			of_two_with_one_path_the_first_name_has_it_whoever_came_first,
			fresh, done),
		cmocka_unit_test_setup_teardown(
			many_paths_are_all_found, fresh, done),
		cmocka_unit_test(a_path_is_refused_with_what_to_write_instead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
