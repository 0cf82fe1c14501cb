/*
 * Names of APIs, and the request that each becomes.  Paths and the place of the
 * members are those of WeChat's pages.
 */
#include "tests/unit/test.h"
#include "wechat/openapi.h"

#include <stdlib.h>

static struct openapi_route
found(const char *name)
{
	struct openapi_route route;
	struct fault why = {0};

	if (openapi_find(&route, slice_str(name), &why) < 0)
		fail_msg("%s: %s", name, why.text);
	return route;
}

static void
documented_names_lead_to_their_paths(void **state)
{
	static const struct {
		const char *name, *path;
		enum openapi_how how;
	} cases[] = {
		{"subscribeMessage.send", "/cgi-bin/message/subscribe/send",
			OPENAPI_JSON},
		{"wxacode.getUnlimited", "/wxa/getwxacodeunlimit",
			OPENAPI_JSON},
		{"wxacode.get", "/wxa/getwxacode", OPENAPI_JSON},
		{"security.msgSecCheck", "/wxa/msg_sec_check", OPENAPI_JSON},
		{"security.imgSecCheck", "/wxa/img_sec_check", OPENAPI_FORM},
		{"customerServiceMessage.send", "/cgi-bin/message/custom/send",
			OPENAPI_JSON},
		{"customerServiceMessage.uploadTempMedia",
			"/cgi-bin/media/upload", OPENAPI_FORM},
		{"customerServiceMessage.getTempMedia", "/cgi-bin/media/get",
			OPENAPI_QUERY},
		{"phonenumber.getPhoneNumber",
			"/wxa/business/getuserphonenumber", OPENAPI_JSON},
		{"subscribeMessage.getTemplateList",
			"/wxaapi/newtmpl/gettemplate", OPENAPI_QUERY},
		{"templateMessage.send",
			"/cgi-bin/message/wxopen/template/send", OPENAPI_JSON},
		{"cloudbase.getVoIPSign", "/wxa/getvoipsign", OPENAPI_USER},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct openapi_route r = found(cases[i].name);

		assert_string_equal(r.path, cases[i].path);
		assert_int_equal(r.how, cases[i].how);
	}
}

static void
a_name_with_a_slash_is_a_path(void **state)
{
	(void)state;
	assert_string_equal(found("/wxa/new/thing_2").path, "/wxa/new/thing_2");
	assert_int_equal(found("/wxa/new/thing_2").how, OPENAPI_JSON);
	assert_string_equal(found("cgi-bin/new").path, "/cgi-bin/new");
	assert_int_equal(found("GET /wxa/new").how, OPENAPI_QUERY);
	assert_string_equal(found("GET wxa/new").path, "/wxa/new");
	/* as its row has it */
	assert_int_equal(found("/wxa/img_sec_check").how, OPENAPI_FORM);
	assert_int_equal(
		found("/wxaapi/newtmpl/gettemplate").how, OPENAPI_QUERY);
	assert_true(openapi_same(SLICE("/wxa/x"), SLICE("wxa/x")));
	assert_false(openapi_same(SLICE("/wxa/x"), SLICE("wxa/y")));
	assert_false(openapi_same(SLICE("a.send"), SLICE("a.Send")));
}

static void
what_is_neither_is_not_found(void **state)
{
	static const char *const names[] = {"", "send",
		"subscribeMessage.sendAll", "subscribemessage.send", "/",
		"wxa/", "//evil/x", "/wxa//x", "/wxa/../x", "/wxa/.x",
		"/wxa/x?access_token=1", "/wxa/x#", "/wxa/%2e", "/wxa/x y",
		"wxa/x@evil", "GET ", "GET /", "POST /wxa/x", "/wxa/x\n",
		"http://evil/x"};
	struct openapi_route route;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(names); i++) {
		why = (struct fault){0};
		assert_int_equal(
			openapi_find(&route, slice_str(names[i]), &why),
			ERR_NOT_FOUND);
		assert_true(strlen(why.text) > 20);
	}
}

static void
what_answers_with_secrets_is_refused(void **state)
{
	static const char *const names[] = {"/cgi-bin/token",
		"cgi-bin/stable_token", "GET /sns/jscode2session",
		"/sns/oauth2/access_token", "/CGI-BIN/Token",
		"/wxa/resetusersessionkey", "GET wxa/resetusersessionkey",
		"/cgi-bin/component/api_component_token",
		"/cgi-bin/openapi/rid/get", "GET /cgi-bin/OpenAPI/rid/get"};
	struct openapi_route route;

	(void)state;
	for (size_t i = 0; i < array_size(names); i++)
		assert_int_equal(
			openapi_find(&route, slice_str(names[i]), NULL),
			ERR_FORBIDDEN);
	(void)found("/cgi-bin/tokens_of_another_kind");
}

/* ---- requests ---- */

#define PAIR(k, v) \
	{ \
		SLICE(k), SLICE(v), {"", 0}, \
		{ \
			"", 0 \
		} \
	}

static int
build(struct openapi_request *r, const char *name,
	const struct openapi_pair *pairs, size_t count, struct fault *why)
{
	struct openapi_route route = found(name);

	return openapi_build(r, &route, pairs, count, "o1", 4096, why);
}

static void
says(const struct buf *b, const char *text)
{
	assert_int_equal(b->len, strlen(text));
	assert_memory_equal(b->ptr ? b->ptr : "", text, b->len);
}

static void
members_of_json_are_spliced_as_they_came(void **state)
{
	static const struct openapi_pair pairs[] = {PAIR("touser", "\"o1\""),
		PAIR("data", "{\"thing1\":{\"value\":\"\xe4\xb8\xad\"}}"),
		PAIR("n", "9007199254740993"), PAIR("a\"b", "null")};
	struct openapi_request r;

	(void)state;
	assert_int_equal(build(&r, "subscribeMessage.send", pairs, 4, NULL), 0);
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.content_type, "");
	says(&r.query, "");
	says(&r.body,
		"{\"touser\":\"o1\",\"data\":{\"thing1\":{\"value\":"
		"\"\xe4\xb8\xad\"}},\"n\":9007199254740993,\"a\\\"b\":null}");
	openapi_request_done(&r);
	assert_int_equal(build(&r, "subscribeMessage.send", NULL, 0, NULL), 0);
	says(&r.body, "{}");
	openapi_request_done(&r);
}

static void
members_of_a_get_stand_in_the_query(void **state)
{
	static const struct openapi_pair pairs[] = {PAIR("tid", "99"),
		PAIR("page", "\"a&b=\\u4e2d\""), PAIR("none", "null"),
		PAIR("list", "[1,2]")};
	struct openapi_request r;

	(void)state;
	assert_int_equal(build(&r, "subscribeMessage.getPubTemplateTitleList",
				 pairs, 4, NULL),
		0);
	assert_string_equal(r.method, "GET");
	says(&r.query, "tid=99&page=a%26b%3D%E4%B8%AD&list=%5B1%2C2%5D");
	says(&r.body, "");
	openapi_request_done(&r);
}

static void
a_file_makes_a_form_and_its_brothers_the_query(void **state)
{
	static const struct openapi_pair pairs[] = {PAIR("type", "\"image\""),
		{SLICE("media"), {"\x89PNG\0", 5}, SLICE("a\"b\n.png"),
			{"", 0}}};
	struct openapi_request r;
	char expected[512], boundary[64];

	(void)state;
	assert_int_equal(build(&r, "customerServiceMessage.uploadTempMedia",
				 pairs, 2, NULL),
		0);
	assert_string_equal(r.method, "POST");
	says(&r.query, "type=image");
	assert_int_equal(
		sscanf(r.content_type, "multipart/form-data; boundary=%63s",
			boundary),
		1);
	(void)snprintf(expected, sizeof(expected),
		"--%s\r\nContent-Disposition: form-data; name=\"media\"; "
		"filename=\"a%%22b%%0A.png\"\r\nContent-Type: image/png\r\n"
		"\r\n\x89PNG_\r\n--%s--\r\n",
		boundary, boundary);
	assert_int_equal(r.body.len, strlen(expected));
	*(char *)memchr(r.body.ptr, '\0', r.body.len) = '_';
	says(&r.body, expected);
	openapi_request_done(&r);
	/* whatever the API is */
	assert_int_equal(build(&r, "/wxa/other", pairs, 2, NULL), 0);
	assert_true(strlen(r.content_type) > 0);
	says(&r.query, "type=image");
	openapi_request_done(&r);
}

static void
a_form_without_a_file_has_an_empty_body(void **state)
{
	static const struct openapi_pair pairs[] = {
		PAIR("img_url", "\"https://x/y.png\"")};
	struct openapi_request r;

	(void)state;
	assert_int_equal(build(&r, "ocr.idcard", pairs, 1, NULL), 0);
	assert_string_equal(r.method, "POST");
	says(&r.query, "img_url=https%3A%2F%2Fx%2Fy.png");
	says(&r.body, "");
	openapi_request_done(&r);
}

static void
what_is_about_the_caller_names_him(void **state)
{
	static const struct openapi_pair pairs[] = {PAIR("nonce", "\"n\"")};
	struct openapi_route route = found("cloudbase.getVoIPSign");
	struct openapi_request r;
	struct fault why;

	(void)state;
	assert_int_equal(
		openapi_build(&r, &route, pairs, 1, "o/1", 4096, NULL), 0);
	says(&r.query, "openid=o%2F1");
	says(&r.body, "{\"nonce\":\"n\"}");
	openapi_request_done(&r);
	assert_int_equal(
		openapi_build(&r, &route, pairs, 1, "", 4096, &why), ERR_PARAM);
	assert_non_null(strstr(why.text, "user"));
}

static void
what_is_wrong_with_members_is_named(void **state)
{
	static const struct openapi_pair not_json[] = {PAIR("a", "{")};
	static const struct openapi_pair cut[] = {PAIR("a", "\"x")};
	static const struct openapi_pair token[] = {
		PAIR("access_token", "\"x\"")};
	static const struct openapi_pair nameless[] = {PAIR("", "1")};
	struct openapi_pair large = PAIR("a", "1");
	struct openapi_request r;
	struct fault why;
	char *much = calloc(1, 9000);

	(void)state;
	assert_non_null(much);
	memset(much, '1', 9000);
	large.value = slice_of(much, 9000);
	assert_int_equal(build(&r, "/wxa/x", not_json, 1, &why), ERR_PARAM);
	assert_string_equal(why.text, "a: not valid JSON");
	assert_int_equal(build(&r, "GET /wxa/x", cut, 1, &why), ERR_PARAM);
	assert_string_equal(why.text, "a: not valid JSON");
	assert_int_equal(build(&r, "GET /wxa/x", token, 1, &why), ERR_PARAM);
	assert_non_null(strstr(why.text, "leave it out"));
	assert_int_equal(build(&r, "/wxa/x", nameless, 1, &why), ERR_PARAM);
	assert_int_equal(build(&r, "/wxa/x", &large, 1, &why), ERR_TOO_BIG);
	assert_non_null(strstr(why.text, "4096"));
	assert_int_equal(build(&r, "GET /wxa/x", &large, 1, &why), ERR_TOO_BIG);
	assert_non_null(strstr(why.text, "query"));
	free(much);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented_names_lead_to_their_paths),
		cmocka_unit_test(a_name_with_a_slash_is_a_path),
		cmocka_unit_test(what_is_neither_is_not_found),
		cmocka_unit_test(what_answers_with_secrets_is_refused),
		cmocka_unit_test(members_of_json_are_spliced_as_they_came),
		cmocka_unit_test(members_of_a_get_stand_in_the_query),
		cmocka_unit_test(
			a_file_makes_a_form_and_its_brothers_the_query),
		cmocka_unit_test(a_form_without_a_file_has_an_empty_body),
		cmocka_unit_test(what_is_about_the_caller_names_him),
		cmocka_unit_test(what_is_wrong_with_members_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
