/*
 * Method and path, to the row that answers.
 */
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "tests/unit/test.h"

static struct route_ask
asked(unsigned listener, const char *method, const char *path)
{
	return (struct route_ask){
		.listener = listener, .method = method, .path = path};
}

static int
find(unsigned listener, const char *method, const char *path)
{
	struct route_ask ask = asked(listener, method, path);

	return route_find(&ask);
}

static void
a_segment_of_the_path_is_the_parameter(void **state)
{
	struct route_ask ask =
		asked(LISTENER_TCP, "POST", "/v1/functions/add-todo");

	(void)state;
	assert_int_equal(route_find(&ask), 0);
	assert_true(slice_is(ask.param, "add-todo"));
	assert_int_equal(ask.route->body, BODY_EVENT);
}

static void
an_empty_or_longer_segment_is_no_match(void **state)
{
	(void)state;
	assert_int_equal(
		find(LISTENER_TCP, "POST", "/v1/functions/"), ERR_NOT_FOUND);
	assert_int_equal(
		find(LISTENER_TCP, "POST", "/v1/functions/a/b"), ERR_NOT_FOUND);
	assert_int_equal(
		find(LISTENER_TCP, "POST", "/v1/functions"), ERR_NOT_FOUND);
	assert_int_equal(
		find(LISTENER_TCP, "GET", "/v1/session/"), ERR_NOT_FOUND);
	assert_int_equal(
		find(LISTENER_TCP, "GET", "/v1/sessio"), ERR_NOT_FOUND);
	assert_int_equal(find(LISTENER_TCP, "GET", ""), ERR_NOT_FOUND);
}

/* "/v1/files/{path*}" made a path. */
static void
fill(const char *pattern, char path[128])
{
	size_t len = 0;

	for (; *pattern; pattern++) {
		path[len++] = *pattern == '{' ? 'x' : *pattern;
		if (*pattern == '{')
			pattern = strchr(pattern, '}');
	}
	path[len] = '\0';
}

/* The first row in the table's order that fits, without its lanes. */
static const struct route *
walk(unsigned listener, unsigned method, const char *path)
{
	struct slice param;

	for (size_t i = 0; i < route_count; i++)
		if (route_table[i].listeners & listener &&
			route_table[i].method == method &&
			route_fits(route_table[i].path, path, &param))
			return &route_table[i];
	return NULL;
}

static void
every_row_is_found_in_the_order_of_the_table(void **state)
{
	static const char *const words[] = {
		"GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < route_count; i++) {
		fill(route_table[i].path, path);
		for (unsigned on = LISTENER_TCP; on <= LISTENER_METRICS;
			on <<= 1)
			for (unsigned m = 0; m < array_size(words); m++) {
				struct route_ask ask =
					asked(on, words[m], path);
				const struct route *want =
					walk(on, 1u << m, path);

				if (route_find(&ask) == 0)
					assert_ptr_equal(ask.route, want);
				else
					assert_null(want);
			}
	}
}

static void
head_goes_where_get_goes(void **state)
{
	(void)state;
	assert_int_equal(find(LISTENER_TLS, "HEAD", "/healthz"), 0);
}

static void
a_wrong_method_is_told_the_right_ones(void **state)
{
	struct route_ask ask = asked(LISTENER_TCP, "DELETE", "/v1/login");

	(void)state;
	assert_int_equal(route_find(&ask), ERR_METHOD);
	assert_string_equal(route_allow(ask.allowed), "POST");
	ask = asked(LISTENER_TCP, "POST", "/v1/session");
	assert_int_equal(route_find(&ask), ERR_METHOD);
	assert_string_equal(route_allow(ask.allowed), "GET, HEAD");
	assert_int_equal(find(LISTENER_TCP, "get", "/healthz"), ERR_METHOD);
}

static void
the_operator_s_paths_are_not_on_the_network(void **state)
{
	static const char *const paths[] = {
		"/ops/token", "/ops/collections", "/ops/status"};

	(void)state;
	for (size_t i = 0; i < array_size(paths); i++)
		for (unsigned on = LISTENER_TCP; on < LISTENER_OPS; on <<= 1) {
			assert_int_equal(
				find(on, "POST", paths[i]), ERR_NOT_FOUND);
			assert_int_equal(
				find(on, "GET", paths[i]), ERR_NOT_FOUND);
		}
	assert_int_equal(find(LISTENER_OPS, "POST", "/ops/token"), 0);
}

static void
workers_reach_nothing_but_their_calls(void **state)
{
	(void)state;
	assert_int_equal(find(LISTENER_CLOUD, "POST", "/admin"), 0);
	assert_int_equal(
		find(LISTENER_CLOUD, "POST", "/v1/login"), ERR_NOT_FOUND);
	assert_int_equal(find(LISTENER_CLOUD, "POST", "/web"), ERR_NOT_FOUND);
}

static void
admin_on_the_network_is_another_row_than_on_the_sockets(void **state)
{
	struct route_ask net = asked(LISTENER_TCP, "POST", "/admin");
	struct route_ask cloud = asked(LISTENER_CLOUD, "POST", "/admin");

	(void)state;
	assert_int_equal(route_find(&net), 0);
	assert_int_equal(route_find(&cloud), 0);
	assert_ptr_not_equal(net.route, cloud.route);
	assert_int_equal(cloud.route->know, KNOW_SESSION);
}

/* A row behind another that fits the same would never answer. */
static void
every_row_answers_its_own_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &route_table[i];
		unsigned on = r->listeners & -r->listeners;
		static const char *const names[] = {[METHOD_GET] = "GET",
			[METHOD_POST] = "POST",
			[METHOD_PATCH] = "PATCH",
			[METHOD_DELETE] = "DELETE",
			[METHOD_PUT] = "PUT",
			[METHOD_OPTIONS] = "OPTIONS"};
		struct route_ask ask = asked(on, names[r->method], r->path);

		assert_int_equal(route_find(&ask), 0);
		assert_ptr_equal(ask.route, r);
	}
}

static void
a_starred_name_stands_for_all_that_follows(void **state)
{
	struct slice param;

	(void)state;
	assert_true(route_fits(
		"/v1/database/{path*}", "/v1/database/a/b/c", &param));
	assert_true(slice_is(param, "a/b/c"));
	assert_false(
		route_fits("/v1/database/{path*}", "/v1/database/", &param));
	assert_false(route_fits(
		"/v1/functions/{name}", "/v1/functions/a/b", &param));
}

static void
who_may_is_a_set_of_roles(void **state)
{
	struct caller c = {.role = CALLER_NOBODY};

	(void)state;
	assert_int_equal(who_check(WHO_USER, &c), ERR_NO_LOGIN);
	assert_int_equal(who_check(WHO_ANY, &c), 0);
	c.role = CALLER_USER;
	assert_int_equal(who_check(WHO_USER, &c), 0);
	assert_int_equal(who_check(WHO_SERVER, &c), ERR_DENIED);
	c.role = CALLER_FUNCTION;
	assert_int_equal(who_check(WHO_SERVER, &c), 0);
	assert_int_equal(who_check(WHO_USER, &c), ERR_DENIED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_of_the_path_is_the_parameter),
		cmocka_unit_test(an_empty_or_longer_segment_is_no_match),
		cmocka_unit_test(every_row_is_found_in_the_order_of_the_table),
		cmocka_unit_test(head_goes_where_get_goes),
		cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
		cmocka_unit_test(the_operator_s_paths_are_not_on_the_network),
		cmocka_unit_test(workers_reach_nothing_but_their_calls),
		cmocka_unit_test(
			admin_on_the_network_is_another_row_than_on_the_sockets),
		cmocka_unit_test(every_row_answers_its_own_path),
		cmocka_unit_test(a_starred_name_stands_for_all_that_follows),
		cmocka_unit_test(who_may_is_a_set_of_roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
