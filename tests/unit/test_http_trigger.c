/*
 * Requests as events and returned values as answers.  The shapes are those of
 * docs.cloudbase.net/service/access-cloud-function.
 */
#include "gateway/http_trigger.h"

#include "base/val.h"
#include "tests/unit/test.h"

static struct arena arena;

/* Headers as "Name: value\n…". */
static void
each_header(const void *request,
	void (*fn)(void *owner, struct slice name, struct slice value),
	void *owner)
{
	struct slice rest = slice_str(request), line, name;

	while (slice_split(&rest, '\n', &line))
		if (slice_split(&line, ':', &name))
			fn(owner, name, slice_trim(line));
}

static json_t *
event_of(const char *headers, const char *query, struct slice body)
{
	const struct http_event event = {
		.method = "POST",
		.path = SLICE("/a%20b"),
		.whole = SLICE("/api/a%20b"),
		.query = query ? slice_str(query) : (struct slice){NULL, 0},
		.body = body,
		.request_id = "0123",
		.env = "shop-1",
		.appid = "wx1",
		.client_ip = "203.0.113.7",
		.each_header = each_header,
		.request = headers,
	};
	struct buf text _buf_ = {0};
	json_t *v;

	buf_init(&text, 1 << 20);
	assert_int_equal(http_event_build(&text, &arena, &event), 0);
	assert_int_equal(val_parse(&v, buf_all(&text), NULL), 0);
	return v;
}

static void
expect_json(const json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(text, want);
	free(text);
}

#define MEMBER(v, key) json_object_get(v, key)

static void
a_request_is_the_event_of_the_documentation(void **state)
{
	json_t *v = event_of("Host: shop.example\nUser-Agent: curl/8\n"
			     "Content-Type: application/json\n"
			     "Transfer-Encoding: chunked",
		"a=1&b=%E5%95%86+x", SLICE("{\"n\":1}"));

	(void)state;
	expect_json(v,
		"{\"path\":\"/a%20b\",\"httpMethod\":\"POST\",\"headers\":{"
		"\"host\":\"shop.example\",\"user-agent\":\"curl/8\","
		"\"content-type\":\"application/json\"},"
		"\"multiValueHeaders\":{\"host\":[\"shop.example\"],"
		"\"user-agent\":[\"curl/8\"],\"content-type\":["
		"\"application/json\"]},\"queryStringParameters\":{\"a\":\"1\","
		"\"b\":\"\xe5\x95\x86 x\"},\"multiValueQueryStringParameters\":"
		"{\"a\":[\"1\"],\"b\":[\"\xe5\x95\x86 x\"]},"
		"\"requestContext\":{\"requestId\":\"0123\",\"envId\":\"shop-"
		"1\","
		"\"appId\":\"wx1\",\"sourceIp\":\"203.0.113.7\","
		"\"httpMethod\":\"POST\",\"path\":\"/api/a%20b\","
		"\"stage\":\"release\"},\"body\":\"{\\\"n\\\":1}\","
		"\"isBase64Encoded\":false}");
	json_decref(v);
}

static void
several_of_one_name_are_all_there(void **state)
{
	json_t *v = event_of("Accept: a\nCookie: x=1\naccept: b\nCookie: y=2\n"
			     "X-One: 1",
		"t=1&u&t=2&t=&=z&&__proto__=p", SLICE(""));

	(void)state;
	expect_json(MEMBER(v, "headers"),
		"{\"accept\":\"a, b\",\"cookie\":\"x=1; "
		"y=2\",\"x-one\":\"1\"}");
	expect_json(MEMBER(v, "multiValueHeaders"),
		"{\"accept\":[\"a\",\"b\"],\"cookie\":[\"x=1\",\"y=2\"],"
		"\"x-one\":[\"1\"]}");
	expect_json(MEMBER(v, "queryStringParameters"),
		"{\"t\":\"\",\"u\":\"\",\"__proto__\":\"p\"}");
	expect_json(MEMBER(v, "multiValueQueryStringParameters"),
		"{\"t\":[\"1\",\"2\",\"\"],\"u\":[\"\"],\"__proto__\":[\"p\"]"
		"}");
	json_decref(v);
}

static void
expect_body(
	const char *headers, struct slice body, const char *want, bool base64)
{
	json_t *v = event_of(headers, NULL, body);

	assert_string_equal(json_string_value(MEMBER(v, "body")), want);
	assert_int_equal(json_is_true(MEMBER(v, "isBase64Encoded")), base64);
	json_decref(v);
}

static void
a_body_is_text_by_its_type_and_when_it_is_utf_8(void **state)
{
	(void)state;
	expect_body("A: b", SLICE("x\xe5\x95\x86"), "x\xe5\x95\x86", false);
	expect_body("Content-Type: text/html; charset=utf-8", SLICE("<p>"),
		"<p>", false);
	expect_body("Content-Type: application/problem+JSON", SLICE("{}"), "{}",
		false);
	/* RFC 4648, 10: "foobar" */
	expect_body(
		"Content-Type: image/png", SLICE("foobar"), "Zm9vYmFy", true);
	expect_body("Content-Type: multipart/form-data; boundary=x",
		SLICE("foobar"), "Zm9vYmFy", true);
	expect_body(
		"Content-Type: text/plain", SLICE("\xff\xfe"), "//4=", true);
	expect_body("Content-Type: application/json\nContent-Encoding: gzip",
		SLICE("foobar"), "Zm9vYmFy", true);
	expect_body("Content-Type: image/png", SLICE(""), "", false);
}

static void
an_event_past_the_ceiling_is_refused(void **state)
{
	const struct http_event event = {
		.method = "GET",
		.path = SLICE("/"),
		.whole = SLICE("/"),
		.body = SLICE("12345678901234567890"),
		.request_id = "",
		.env = "",
		.appid = "",
		.client_ip = "",
		.each_header = each_header,
		.request = "A: b",
	};
	struct buf text _buf_ = {0};

	(void)state;
	buf_init(&text, 300);
	assert_int_equal(http_event_build(&text, &arena, &event), ERR_TOO_BIG);
}

static void
the_functions_own_path_is_cut_off_as_received(void **state)
{
	static const struct {
		const char *received;
		size_t prefix;
		const char *rest;
	} cases[] = {{"/api/a%20b", 4, "/a%20b"}, {"/api", 4, "/"},
		{"/api/", 4, "/"}, {"/a%70i/x", 4, "/x"}, {"/a/b", 1, "/a/b"},
		{"/", 1, "/"}};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct slice rest = http_path_rest(
			slice_str(cases[i].received), cases[i].prefix);

		assert_true(slice_is(rest, cases[i].rest));
	}
	/* "/a%2Fb" is no segment "a" with something below */
	assert_null(http_path_rest(SLICE("/a%2Fb"), 2).ptr);
}

static struct http_answer answer;

static int
parse(const char *result)
{
	static struct fault why;

	return http_answer_parse(&answer, &arena, slice_str(result), &why);
}

/* Status, headers "name: value" and body, joined by "|". */
static void
expect_answer(const char *result, const char *want)
{
	struct buf text _buf_ = {0};

	buf_init(&text, 1 << 16);
	assert_int_equal(parse(result), 0);
	buf_printf(&text, "%d", answer.status);
	for (size_t i = 0; i < answer.count; i++)
		buf_printf(&text, "|%.*s: %.*s",
			SLICE_ARG(answer.headers[i].name),
			SLICE_ARG(answer.headers[i].value));
	buf_char(&text, '|');
	buf_slice(&text, answer.body);
	assert_string_equal(text.ptr, want);
}

#define TEXT "|Content-Type: text/plain; charset=utf-8|"
#define JSON "|Content-Type: application/json; charset=utf-8|"

static void
what_is_no_integrated_response_goes_as_text_or_json(void **state)
{
	(void)state;
	expect_answer("\"hello gateway\"", "200" TEXT "hello gateway");
	expect_answer("42", "200" TEXT "42");
	expect_answer("true", "200" TEXT "true");
	expect_answer("1.5", "200" TEXT "1.5");
	expect_answer("{\"foo\":\"bar\"}", "200" JSON "{\"foo\":\"bar\"}");
	expect_answer("[1,2]", "200" JSON "[1,2]");
	expect_answer("null", "204|");
	/* somebody's own envelope that happens to have a statusCode */
	expect_answer("{\"statusCode\":0,\"data\":[]}",
		"200" JSON "{\"statusCode\":0,\"data\":[]}");
}

static void
an_integrated_response_is_the_whole_answer(void **state)
{
	(void)state;
	expect_answer("{\"isBase64Encoded\":false,\"statusCode\":200,"
		      "\"headers\":{\"content-type\":\"text/html\"},"
		      "\"body\":\"<h1>Hello World!</h1>\"}",
		"200|content-type: text/html|<h1>Hello World!</h1>");
	/* base64 of "foobar" */
	expect_answer("{\"isBase64Encoded\":true,\"statusCode\":201,"
		      "\"headers\":{\"Content-Type\":\"image/png\"},"
		      "\"body\":\"Zm9vYmFy\"}",
		"201|Content-Type: image/png|foobar");
	expect_answer("{\"statusCode\":302,\"headers\":{\"Location\":\"/x\"},"
		      "\"body\":\"\"}",
		"302|Location: /x" TEXT);
	expect_answer("{\"statusCode\":404}", "404" TEXT);
	expect_answer("{\"statusCode\":200,\"headers\":{},\"body\":{\"a\":1}}",
		"200" JSON "{\"a\":1}");
	expect_answer("{\"statusCode\":204,\"headers\":{\"X\":1},"
		      "\"body\":\"x\"}",
		"204|X: 1|");
	expect_answer("{\"statusCode\":200,\"headers\":{\"X-A\":true,"
		      "\"X-N\":null},\"body\":12,\"more\":1}",
		"200|X-A: true" TEXT "12");
}

static void
several_values_and_cookies_are_all_sent(void **state)
{
	(void)state;
	expect_answer("{\"statusCode\":200,\"headers\":{\"Set-Cookie\":"
		      "[\"a=1\",\"b=2; HttpOnly\"]},\"body\":\"\"}",
		"200|Set-Cookie: a=1|Set-Cookie: b=2; HttpOnly" TEXT);
	expect_answer("{\"statusCode\":200,\"headers\":{\"X\":\"one\"},"
		      "\"multiValueHeaders\":{\"X\":[\"1\",\"2\"]},"
		      "\"cookies\":[\"c=3\"]}",
		"200|X: 1|X: 2|Set-Cookie: c=3" TEXT);
}

static void
the_connection_is_not_the_authors(void **state)
{
	(void)state;
	expect_answer(
		"{\"statusCode\":200,\"headers\":{\"Connection\":"
		"\"close\",\"Content-Length\":\"5\",\"transfer-encoding\":"
		"\"chunked\",\"Keep-Alive\":\"x\",\"Upgrade\":\"h2c\","
		"\"Date\":\"now\",\"X-Request-Id\":\"1\",\"X\":\"y\"},"
		"\"body\":\"abc\"}",
		"200|X: y" TEXT "abc");
}

static void
an_answer_that_would_be_another_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"statusCode\":200,\"headers\":{\"X\":\"a\\r\\nSet-Cookie: "
		"b\"}}",
		"{\"statusCode\":200,\"headers\":{\"X\":\"a\\nb\"}}",
		"{\"statusCode\":200,\"headers\":{\"X\":\"a\\u0000b\"}}",
		"{\"statusCode\":200,\"headers\":{\"X: y\\r\\nZ\":\"a\"}}",
		"{\"statusCode\":200,\"headers\":{\"X Y\":\"a\"}}",
		"{\"statusCode\":200,\"headers\":{\"\":\"a\"}}",
		"{\"statusCode\":200,\"headers\":{\"X\":{}}}",
		"{\"statusCode\":200,\"headers\":[\"X\"]}",
		"{\"statusCode\":200,\"cookies\":[\"a\\r\\nb\"]}",
		"{\"statusCode\":200,\"cookies\":{}}",
		"{\"statusCode\":99,\"headers\":{}}",
		"{\"statusCode\":101,\"headers\":{}}",
		"{\"statusCode\":600,\"headers\":{}}",
		"{\"statusCode\":\"200\",\"headers\":{}}",
		"{\"statusCode\":200,\"isBase64Encoded\":true,\"body\":\"*\"}",
	};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		if (parse(bad[i]) != ERR_FN_BAD_ANSWER)
			fail_msg("%s was taken", bad[i]);
}

static void
a_text_with_nul_is_sent_whole(void **state)
{
	(void)state;
	assert_int_equal(parse("\"a\\u0000b\""), 0);
	assert_int_equal(answer.body.len, 3);
	assert_memory_equal(answer.body.ptr, "a\0b", 3);
}

static int
fresh(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
done(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, done)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_the_event_of_the_documentation),
		TEST(several_of_one_name_are_all_there),
		TEST(a_body_is_text_by_its_type_and_when_it_is_utf_8),
		TEST(an_event_past_the_ceiling_is_refused),
		TEST(the_functions_own_path_is_cut_off_as_received),
		TEST(what_is_no_integrated_response_goes_as_text_or_json),
		TEST(an_integrated_response_is_the_whole_answer),
		TEST(several_values_and_cookies_are_all_sent),
		TEST(the_connection_is_not_the_authors),
		TEST(an_answer_that_would_be_another_is_refused),
		TEST(a_text_with_nul_is_sent_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
