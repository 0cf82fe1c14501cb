/*
 * traceparent: the examples and the rules of W3C Trace Context, 3.2.
 */
#include "gateway/trace.h"
#include "tests/unit/test.h"

static const char good[] =
	"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

static struct slice
parse(const char *text)
{
	struct trace t;

	trace_parse(&t, slice_str(text));
	return t.id;
}

static void
the_recommendation_s_example_is_read(void **state)
{
	struct trace t;

	(void)state;
	trace_parse(&t, slice_str(good));
	assert_true(slice_eq(t.id, SLICE("4bf92f3577b34da6a3ce929d0e0e4736")));
	assert_string_equal(t.flags, "01");
}

static void
what_is_not_valid_is_as_if_it_were_not_there(void **state)
{
	static const char *const bad[] = {"",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x"};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		if (parse(bad[i]).len)
			fail_msg("taken: %s", bad[i]);
}

static void
a_later_version_may_say_more(void **state)
{
	(void)state;
	assert_int_equal(
		parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			.len,
		32);
	assert_int_equal(
		parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-"
		      "what")
			.len,
		32);
}

static void
those_we_ask_have_this_request_as_their_parent(void **state)
{
	struct trace t;
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	trace_parse(&t, slice_str(good));
	assert_string_equal(
		trace_parent(&t, &arena, "0123456789abcdeffedcba9876543210"),
		"00-4bf92f3577b34da6a3ce929d0e0e4736-fedcba9876543210-01");
	trace_parse(&t, SLICE("nothing"));
	assert_null(
		trace_parent(&t, &arena, "0123456789abcdeffedcba9876543210"));
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_recommendation_s_example_is_read),
		cmocka_unit_test(what_is_not_valid_is_as_if_it_were_not_there),
		cmocka_unit_test(a_later_version_may_say_more),
		cmocka_unit_test(
			those_we_ask_have_this_request_as_their_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
