/*
 * Ranges and preconditions: the examples of RFC 9110 (8.8.3.2, 13, 14) and
 * what nginx 1.22 answered to the same headers.
 */
#include "base/text.h"
#include "http/conditional.h"
#include "tests/unit/test.h"

static struct ranges got;

static int
ranged(const char *header, uint64_t size)
{
	return range_parse(&got, slice_str(header), size);
}

static void
assert_part(size_t i, uint64_t from, uint64_t len)
{
	assert_true(i < got.count);
	assert_int_equal(got.list[i].from, from);
	assert_int_equal(got.list[i].len, len);
}

/* 14.1.2, of a representation of 10000 bytes. */
static void
the_examples_of_rfc_9110_are_the_bytes_it_says(void **state)
{
	(void)state;
	assert_int_equal(ranged("bytes=0-499", 10000), 206);
	assert_part(0, 0, 500);
	assert_int_equal(ranged("bytes=500-999", 10000), 206);
	assert_part(0, 500, 500);
	assert_int_equal(ranged("bytes=-500", 10000), 206);
	assert_part(0, 9500, 500);
	assert_int_equal(ranged("bytes=9500-", 10000), 206);
	assert_part(0, 9500, 500);
	assert_int_equal(ranged("bytes=0-0,-1", 10000), 206);
	assert_int_equal(got.count, 2);
	assert_part(0, 0, 1);
	assert_part(1, 9999, 1);
	assert_int_equal(ranged("bytes= 0-999, 4500-5499, -1000", 10000), 206);
	assert_int_equal(got.count, 3);
	assert_part(2, 9000, 1000);
	assert_int_equal(ranged("bytes=500-700,601-999", 10000), 206);
	assert_part(1, 601, 399);
}

static void
what_lies_past_the_end_is_cut_or_not_there(void **state)
{
	(void)state;
	assert_int_equal(ranged("bytes=0-99999", 100), 206);
	assert_part(0, 0, 100);
	assert_int_equal(ranged("bytes=-5000", 100), 206);
	assert_part(0, 0, 100);
	assert_int_equal(ranged("bytes=100-", 100), 416);
	assert_int_equal(ranged("bytes=100-200,7-8", 100), 206);
	assert_int_equal(got.count, 1);
	assert_int_equal(ranged("bytes=-0", 100), 416);
	assert_int_equal(ranged("bytes=0-", 0), 200);
}

static void
what_is_no_range_of_bytes_is_the_whole(void **state)
{
	(void)state;
	assert_int_equal(ranged("lines=0-5", 100), 200);
	assert_int_equal(ranged("bytes=", 100), 200);
	assert_int_equal(ranged("", 100), 200);
	assert_int_equal(ranged("BYTES=0-5", 100), 206);
}

static void
a_malformed_range_of_bytes_is_416_as_nginx_has_it(void **state)
{
	static const char *const bad[] = {"bytes=a-b", "bytes=5", "bytes=5-x",
		"bytes=--5", "bytes=1-2,", "bytes=1-2;3-4", "bytes=,1-2",
		"bytes=1-2,a", "bytes=99999999999999999999-",
		"bytes=0-99999999999999999999", "bytes= "};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(ranged(bad[i], 100), 416);
	assert_int_equal(ranged("bytes=5-4", 100), 416);
	assert_int_equal(ranged("bytes= 1 - 2 , 3 - 4 ", 100), 206);
}

static void
parts_that_are_more_than_the_whole_are_the_whole(void **state)
{
	(void)state;
	assert_int_equal(ranged("bytes=0-99,0-99", 100), 200);
	assert_int_equal(got.count, 0);
	assert_int_equal(ranged("bytes=0-49,50-99", 100), 206);
}

static void
several_parts_are_framed_and_their_size_is_known(void **state)
{
	struct range_frames *f;
	struct arena a;
	uint64_t sum = 0;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(ranged("bytes=0-0,-1", 10000), 206);
	f = range_frames_new(&a, &got, "text/plain", 10000);
	assert_true(strstr(f->frames[0].ptr,
		"\r\nContent-Type: text/plain\r\n"
		"Content-Range: bytes 0-0/10000\r\n\r\n"));
	assert_true(slice_starts(f->frames[1], "\r\n--"));
	for (size_t i = 0; i < 3; i++)
		sum += f->frames[i].len;
	assert_int_equal(f->size, sum + 2);
	assert_string_equal(range_content(&a, NULL, 47022), "bytes */47022");
	arena_done(&a);
}

/* 8.8.3.2: the table of comparisons. */
static void
entity_tags_compare_as_the_table_of_rfc_9110(void **state)
{
	static const struct {
		const char *a, *b;
		bool strong, weak;
	} rows[] = {
		{"W/\"1\"", "W/\"1\"", false, true},
		{"W/\"1\"", "W/\"2\"", false, false},
		{"W/\"1\"", "\"1\"", false, true},
		{"\"1\"", "\"1\"", true, true},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct slice a = slice_str(rows[i].a), b = slice_str(rows[i].b);

		assert_int_equal(
			conditional_names(a, b, false), rows[i].strong);
		assert_int_equal(conditional_names(a, b, true), rows[i].weak);
	}
}

/* 13.1.2 */
static void
a_list_of_entity_tags_names_each(void **state)
{
	struct slice list = SLICE("\"xyzzy\", W/\"r2d2xxxx\",\"c3,piozzzz\"");

	(void)state;
	assert_true(conditional_names(list, SLICE("\"xyzzy\""), true));
	assert_true(conditional_names(list, SLICE("\"r2d2xxxx\""), true));
	assert_true(conditional_names(list, SLICE("\"c3,piozzzz\""), true));
	assert_false(conditional_names(list, SLICE("\"xyz\""), true));
	assert_false(conditional_names(list, SLICE("\"r2d2xxxx\""), false));
	assert_true(conditional_names(SLICE("*"), SLICE("\"a\""), false));
}

enum { MODIFIED = 784111777 };
#define DATE  SLICE("Sun, 06 Nov 1994 08:49:37 GMT")
#define LATER SLICE("Sun, 06 Nov 1994 08:49:38 GMT")
#define ETAG  SLICE("\"tag\"")

static struct conditional
base(void)
{
	return (struct conditional){.etag = ETAG,
		.modified_s = MODIFIED,
		.size = 100,
		.is_get = true};
}

static int
check(struct conditional c)
{
	return conditional_check(&c, &got);
}

#define CHECK(...) \
	({ \
		struct conditional c_ = base(); \
		struct conditional *c = &c_; \
		__VA_ARGS__; \
		check(c_); \
	})

static void
what_the_client_has_is_not_sent_again(void **state)
{
	(void)state;
	assert_int_equal(CHECK((void)c), 200);
	assert_int_equal(CHECK(c->if_none_match = ETAG), 304);
	assert_int_equal(CHECK(c->if_none_match = SLICE("\"no\"")), 200);
	assert_int_equal(CHECK(c->if_modified_since = DATE), 304);
	assert_int_equal(CHECK(c->if_modified_since = LATER), 200);
	assert_int_equal(CHECK(c->if_modified_since = SLICE("x")), 200);
	assert_int_equal(
		CHECK(c->if_none_match = ETAG; c->if_modified_since = LATER),
		200);
	assert_int_equal(CHECK(c->if_none_match = SLICE("\"no\"");
				 c->if_modified_since = DATE),
		200);
}

static void
what_has_changed_is_refused_to_who_says_so(void **state)
{
	(void)state;
	assert_int_equal(CHECK(c->if_match = ETAG), 200);
	assert_int_equal(CHECK(c->if_match = SLICE("\"no\"")), 412);
	assert_int_equal(CHECK(c->if_match = SLICE("*")), 200);
	assert_int_equal(CHECK(c->if_unmodified_since = DATE), 200);
	assert_int_equal(CHECK(c->if_unmodified_since = LATER), 200);
	assert_int_equal(CHECK(c->if_unmodified_since = SLICE(
				       "Sun, 06 Nov 1994 08:49:36 GMT")),
		412);
	assert_int_equal(
		CHECK(c->is_get = false; c->if_none_match = ETAG), 412);
	assert_int_equal(
		CHECK(c->is_get = false; c->if_none_match = SLICE("*")), 412);
}

static void
a_part_is_sent_only_of_what_the_client_has(void **state)
{
	(void)state;
	assert_int_equal(CHECK(c->range = SLICE("bytes=0-9")), 206);
	assert_int_equal(
		CHECK(c->range = SLICE("bytes=0-9"); c->if_range = ETAG), 206);
	assert_int_equal(CHECK(c->range = SLICE("bytes=0-9");
				 c->if_range = SLICE("\"no\"")),
		200);
	assert_int_equal(CHECK(c->range = SLICE("bytes=0-9");
				 c->if_range = SLICE("W/\"tag\"")),
		200);
	assert_int_equal(
		CHECK(c->range = SLICE("bytes=0-9"); c->if_range = DATE), 206);
	assert_int_equal(
		CHECK(c->range = SLICE("bytes=0-9"); c->if_range = LATER), 200);
	assert_int_equal(CHECK(c->range = SLICE("bytes=200-")), 416);
	assert_int_equal(
		CHECK(c->range = SLICE("bytes=200-"); c->if_none_match = ETAG),
		304);
}

/* 5.6.7 */
static void
the_three_forms_of_a_date_are_one_moment(void **state)
{
	static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
	static const char *const bad[] = {"Sun, 31 Feb 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37", "06 Nov 1994", "",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT "};
	char text[TEXT_HTTP_DATE];
	int64_t s;

	(void)state;
	for (size_t i = 0; i < array_size(forms); i++) {
		assert_int_equal(text_unhttp_date(slice_str(forms[i]), &s), 0);
		assert_int_equal(s, MODIFIED);
	}
	for (size_t i = 0; i < array_size(bad); i++)
		assert_true(text_unhttp_date(slice_str(bad[i]), &s) < 0);
	text_http_date(text, MODIFIED);
	assert_string_equal(text, forms[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_examples_of_rfc_9110_are_the_bytes_it_says),
		cmocka_unit_test(what_lies_past_the_end_is_cut_or_not_there),
		cmocka_unit_test(what_is_no_range_of_bytes_is_the_whole),
		cmocka_unit_test(
			a_malformed_range_of_bytes_is_416_as_nginx_has_it),
		cmocka_unit_test(
			parts_that_are_more_than_the_whole_are_the_whole),
		cmocka_unit_test(
			several_parts_are_framed_and_their_size_is_known),
		cmocka_unit_test(entity_tags_compare_as_the_table_of_rfc_9110),
		cmocka_unit_test(a_list_of_entity_tags_names_each),
		cmocka_unit_test(what_the_client_has_is_not_sent_again),
		cmocka_unit_test(what_has_changed_is_refused_to_who_says_so),
		cmocka_unit_test(a_part_is_sent_only_of_what_the_client_has),
		cmocka_unit_test(the_three_forms_of_a_date_are_one_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
