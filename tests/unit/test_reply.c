/*
 * The bytes of answers.  Jansson reads back what was quoted: it is not ours.
 */
#include "gateway/reply.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <jansson.h>

static void
an_error_is_code_message_and_request_id(void **state)
{
	struct arena arena;
	struct slice s;

	(void)state;
	arena_init(&arena, 1 << 20);
	s = reply_error(&arena, ERR_FN_NOT_FOUND, NULL, "r-1");
	assert_string_equal(s.ptr,
		"{\"code\":\"FUNCTION_NOT_FOUND\",\"message\":\"no function of "
		"this name is deployed\",\"requestId\":\"r-1\"}");
	assert_int_equal(s.len, strlen(s.ptr));
	arena_done(&arena);
}

static void
a_fault_s_own_words_are_shown(void **state)
{
	struct fault why = {0};
	struct arena arena;
	struct slice s;

	(void)state;
	arena_init(&arena, 1 << 20);
	(void)fault_set(&why, ERR_PARAM, "code: \"x\"");
	s = reply_error(&arena, ERR_PARAM, &why, "r");
	assert_non_null(strstr(s.ptr, "\"message\":\"code: \\\"x\\\"\""));
	arena_done(&arena);
}

static void
our_own_trouble_is_not_told_to_strangers(void **state)
{
	struct fault why = {0};
	struct arena arena;
	struct slice s;

	(void)state;
	arena_init(&arena, 1 << 20);
	(void)fault_set(&why, -EACCES, "/etc/mpcloud/secret: denied");
	s = reply_error(&arena, -EACCES, &why, "r");
	assert_null(strstr(s.ptr, "secret"));
	assert_non_null(strstr(s.ptr, "\"code\":\"SYS_ERR\""));
	arena_done(&arena);
}

static void
every_byte_is_quoted_to_what_was_measured(void **state)
{
	char text[126];
	struct arena arena;
	struct reply r;
	json_t *v;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i + 1);
	arena_init(&arena, 1 << 20);
	for (size_t from = 0; from < sizeof(text); from++) {
		struct slice s = slice_of(text + from, sizeof(text) - from);

		r = reply_room(&arena, reply_quoted(s));
		reply_quote(&r, s);
		assert_int_equal(reply_done(&r).len, reply_quoted(s));
		v = json_loadb(
			r.ptr, reply_done(&r).len, JSON_DECODE_ANY, NULL);
		assert_non_null(v);
		assert_int_equal(json_string_length(v), s.len);
		assert_memory_equal(json_string_value(v), s.ptr, s.len);
		json_decref(v);
	}
	arena_done(&arena);
}

static void
numbers_are_written_to_their_ends(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} rows[] = {{0, "0"}, {-1, "-1"}, {1700000000, "1700000000"},
		{INT64_MAX, "9223372036854775807"},
		{INT64_MIN, "-9223372036854775808"}};
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < array_size(rows); i++) {
		struct reply r = reply_room(&arena, 20);

		reply_number(&r, rows[i].n);
		assert_int_equal(reply_done(&r).len, strlen(rows[i].text));
		assert_memory_equal(r.ptr, rows[i].text, strlen(rows[i].text));
	}
	arena_done(&arena);
}

static void
past_the_arena_s_ceiling_there_is_no_room(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1000);
	assert_null(reply_room(&arena, 1000).ptr);
	assert_non_null(reply_room(&arena, 100).ptr);
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_code_message_and_request_id),
		cmocka_unit_test(a_fault_s_own_words_are_shown),
		cmocka_unit_test(our_own_trouble_is_not_told_to_strangers),
		cmocka_unit_test(every_byte_is_quoted_to_what_was_measured),
		cmocka_unit_test(numbers_are_written_to_their_ends),
		cmocka_unit_test(past_the_arena_s_ceiling_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
