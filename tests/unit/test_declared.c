/*
 * Declared routes: what a file may say, and which route answers.
 */
#include "routes/declared.h"

#include "base/val.h"
#include "routes/declared_inside.h"
#include "tests/unit/test.h"

static struct arena arena;

/* `routes`: the array alone, with ' for ". */
static int
make(struct declared_table **ret, const char *routes, struct fault *why)
{
	char text[8192];
	_json_ json_t *file = NULL;
	struct declared_source source = {
		.name = "routes.json", .check_only = true};

	(void)snprintf(text, sizeof(text), "%s%s%s",
		routes[0] == '[' ? "{\"routes\":" : "", routes,
		routes[0] == '[' ? "}" : "");
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	assert_int_equal(val_parse(&file, slice_str(text), why), 0);
	source.file = file;
	return declared_table_new(ret, &source, 1, NULL, why);
}

static struct declared_table *
table(const char *routes)
{
	struct declared_table *t = NULL;
	struct fault why = {0};

	if (make(&t, routes, &why) < 0)
		fail_msg("%s", why.text);
	return t;
}

static void
assert_refused(const char *routes, const char *text)
{
	struct declared_table *t = NULL;
	struct fault why = {0};

	assert_true(make(&t, routes, &why) < 0);
	assert_string_equal(why.text, text);
}

static struct slice
no_header(const void *request, const char *name)
{
	(void)request;
	(void)name;
	return (struct slice){NULL, 0};
}

static struct slice
beta_header(const void *request, const char *name)
{
	(void)request;
	return strcmp(name, "X-Beta") == 0 ? SLICE("1")
					   : (struct slice){NULL, 0};
}

static struct declared_ask
asked(const char *method, const char *host, const char *path)
{
	arena_done(&arena);
	arena_init(&arena, 1 << 20);
	return (struct declared_ask){.method = slice_str(method),
		.host = slice_str(host),
		.path = slice_str(path),
		.header = no_header,
		.arena = &arena};
}

/* The name of the route that answers, "-" for none. */
static const char *
who(const struct declared_table *t, const char *method, const char *host,
	const char *path)
{
	struct declared_ask ask = asked(method, host, path);

	return declared_find(t, &ask) == 0 ? ask.route->name : "-";
}

#define ROUTE(name, more) "{'name':'" name "'," more ",'to':{'function':'f'}}"

static void
the_most_specific_path_answers_whatever_the_order(void **state)
{
	struct declared_table *t = table("[" ROUTE(
		"regex", "'path':{'regex':'^/a/'}") "," ROUTE("all",
		"'path':'/*'") "," ROUTE("prefix",
		"'path':'/a/*'") "," ROUTE("longer",
		"'path':'/a/b/*'") "," ROUTE("param",
		"'path':'/a/{id}'") "," ROUTE("exact", "'path':'/a/b'") "]");

	(void)state;
	assert_string_equal(who(t, "GET", "", "/a/b"), "exact");
	assert_string_equal(who(t, "GET", "", "/a/c"), "param");
	assert_string_equal(who(t, "GET", "", "/a/c/d"), "prefix");
	assert_string_equal(who(t, "GET", "", "/a/b/c"), "longer");
	assert_string_equal(who(t, "GET", "", "/a/"), "prefix");
	assert_string_equal(who(t, "GET", "", "/a"), "prefix");
	assert_string_equal(who(t, "GET", "", "/"), "all");
	assert_string_equal(who(t, "GET", "", "/ab"), "all");
	declared_unref(t);
}

static void
a_literal_segment_goes_before_a_parameter(void **state)
{
	struct declared_table *t = table("[" ROUTE(
		"xy", "'path':'/{x}/{y}'") "," ROUTE("xb",
		"'path':'/{x}/b'") "," ROUTE("ay",
		"'path':'/a/{y}'") "," ROUTE("deep", "'path':'/a/{y}/c'") "]");

	(void)state;
	assert_string_equal(who(t, "GET", "", "/a/b"), "ay");
	assert_string_equal(who(t, "GET", "", "/c/b"), "xb");
	assert_string_equal(who(t, "GET", "", "/c/d"), "xy");
	assert_string_equal(who(t, "GET", "", "/a/1/c"), "deep");
	assert_string_equal(who(t, "GET", "", "/a/"), "-");
	declared_unref(t);
}

static void
a_host_goes_before_none_and_the_longer_wildcard_first(void **state)
{
	struct declared_table *t = table("[" ROUTE(
		"any", "'path':'/x'") "," ROUTE("wild",
		"'path':'/x','host':'*.example.com'") "," ROUTE("wilder",
		"'path':'/x','host':'*.api.example.com'") "," ROUTE("host",
		"'path':'/x','host':'API.example.com'") "]");

	(void)state;
	assert_string_equal(who(t, "GET", "api.example.com", "/x"), "host");
	assert_string_equal(
		who(t, "GET", "Api.Example.Com:8080", "/x"), "host");
	assert_string_equal(who(t, "GET", "api.example.com.", "/x"), "host");
	assert_string_equal(who(t, "GET", "b.example.com", "/x"), "wild");
	assert_string_equal(who(t, "GET", "v.api.example.com", "/x"), "wilder");
	assert_string_equal(who(t, "GET", "example.com", "/x"), "any");
	assert_string_equal(who(t, "GET", "evilexample.com", "/x"), "any");
	assert_string_equal(who(t, "GET", "", "/x"), "any");
	declared_unref(t);
}

static void
methods_and_headers_are_conditions(void **state)
{
	struct declared_table *t =
		table("[" ROUTE("plain", "'path':'/x'") "," ROUTE(
			"get", "'path':'/x','method':'GET'") "," ROUTE("beta",
			"'path':'/"
			"x','method':'"
			"GET','headers'"
			":{'X-Beta':'1'"
			"}") "," ROUTE("post",
			"'path':'/y','method':['POST','PUT']") "]");
	struct declared_ask ask = asked("GET", "", "/x");

	(void)state;
	assert_string_equal(who(t, "GET", "", "/x"), "get");
	assert_string_equal(who(t, "HEAD", "", "/x"), "get");
	assert_string_equal(who(t, "POST", "", "/x"), "plain");
	ask.header = beta_header;
	assert_int_equal(declared_find(t, &ask), 0);
	assert_string_equal(ask.route->name, "beta");
	ask = asked("GET", "", "/y");
	assert_int_equal(declared_find(t, &ask), ERR_METHOD);
	assert_int_equal(ask.allowed, http_method_bits(SLICE("POST")) |
					      http_method_bits(SLICE("PUT")));
	declared_unref(t);
}

static const char *
captured(const struct declared_ask *ask, const char *name)
{
	for (size_t i = 0; i < ask->captures->count; i++)
		if (slice_is(ask->captures->list[i].name, name))
			return arena_str(&arena, ask->captures->list[i].value);
	return NULL;
}

static void
captures_are_what_the_path_holds(void **state)
{
	struct declared_table *t = table("[" ROUTE(
		"a", "'path':'/u/{id}/{what}'") "," ROUTE("b",
		"'path':'/files/{user}/*'") "," ROUTE("c",
		"'path':{'regex':'^/n/(\\\\d+)/(?<word>[a-z]+)$'}") "]");
	struct declared_ask ask = asked("GET", "", "/u/7/posts");

	(void)state;
	assert_int_equal(declared_find(t, &ask), 0);
	assert_string_equal(captured(&ask, "id"), "7");
	assert_string_equal(captured(&ask, "what"), "posts");
	ask = asked("GET", "", "/files/ann/a/b.txt");
	assert_int_equal(declared_find(t, &ask), 0);
	assert_string_equal(captured(&ask, "user"), "ann");
	assert_string_equal(captured(&ask, "*"), "a/b.txt");
	assert_true(slice_is(ask.rest, "/a/b.txt"));
	ask = asked("GET", "", "/n/42/hello");
	assert_int_equal(declared_find(t, &ask), 0);
	assert_string_equal(captured(&ask, "1"), "42");
	assert_string_equal(captured(&ask, "word"), "hello");
	assert_string_equal(who(t, "GET", "", "/n/x/hello"), "-");
	declared_unref(t);
}

static void
dot_segments_reach_no_route(void **state)
{
	static const char *const paths[] = {
		"/a/..", "/a/../b", "/./a", "/..", "/a/."};
	struct declared_table *t = table("[" ROUTE("all", "'path':'/*'") "]");

	(void)state;
	for (size_t i = 0; i < array_size(paths); i++) {
		struct declared_ask ask = asked("GET", "", paths[i]);

		assert_int_equal(declared_find(t, &ask), ERR_BAD_REQUEST);
	}
	assert_string_equal(who(t, "GET", "", "/..a/b..c/...d"), "all");
	declared_unref(t);
}

/* What is answered when a path is protected and all else is not. */
static void
no_spelling_leads_around_a_protected_path(void **state)
{
	static const struct {
		const char *path; /* decoded once */
		const char *who;  /* or NULL: 400 */
	} rows[] = {
		/* plain ones */
		{"/secure/x", "secure"},
		{"/secure", "secure"},
		{"/secure/", "secure"},
		{"/open", "all"},
		{"/", "all"},
		{"/Open/x;y", "all"},
		{"/open//x", "all"},
		{"/secured/x", "all"},
		{"/items/7/price", "price"},
		/* //secure, /secure//x, and /%2fsecure */
		{"//secure/x", "secure"},
		{"/secure//x", "secure"},
		{"///secure", "secure"},
		{"/items//7///price", "price"},
		/* /./secure, /open/%2e%2e/secure, /secure%2f.. */
		{"/./secure/x", NULL},
		{"/open/../secure", NULL},
		{"/secure/..", NULL},
		/* what others take for it */
		{"/SECURE/x", NULL},
		{"/secure;a=1/x", NULL},
		{"/;a/secure/x", NULL},
		{"/open/..;/secure", NULL},
		{"/open\\..\\secure", NULL},
		{"/\\secure", NULL},
		{"/%73ecure/x", NULL},
		{"/%2573ecure/x", "all"},
		{"/open%2f..%2fsecure", NULL},
		{"/items/7/price/", NULL},
		{"/items/7/PRICE", NULL},
		/* open, and more specific than what is protected */
		{"/secure/Logo", "logo"},
	};
	struct declared_table *t = table(
		"{'upstreams':{'u':{'servers':['http://127.0.0.1:1']}},"
		"'routes':["
		"{'name':'all','path':'/*','to':{'upstream':'u'}},"
		"{'name':'secure','path':'/secure/*','auth':'apikey',"
		"'to':{'upstream':'u'}},"
		"{'name':'logo','path':'/secure/Logo','to':{'upstream':'u'}},"
		"{'name':'price','path':'/items/{id}/price','auth':'user',"
		"'to':{'upstream':'u'}}]}");

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct declared_ask ask = asked("GET", "", rows[i].path);
		int e = declared_find(t, &ask);

		if (e != (rows[i].who ? 0 : ERR_BAD_REQUEST))
			fail_msg("%s: %d", rows[i].path, e);
		if (e == 0 && strcmp(ask.route->name, rows[i].who) != 0)
			fail_msg("%s: %s", rows[i].path, ask.route->name);
	}
	declared_unref(t);
}

/* An expression that backtracks for ever costs its bound and fits nothing. */
static void
a_catastrophic_expression_is_bounded(void **state)
{
	struct declared_table *t =
		table("[" ROUTE("evil", "'path':{'regex':'^/(a+)+$'}") "]");
	char path[64];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 2] = '!';
	path[sizeof(path) - 1] = '\0';
	assert_string_equal(who(t, "GET", "", path), "-");
	assert_string_equal(who(t, "GET", "", "/aaaa"), "evil");
	declared_unref(t);
}

/* Steps are segments and conditions looked at. */
static unsigned
steps_with(unsigned routes, const char *path)
{
	static char text[600000];
	_json_ json_t *file = NULL;
	struct declared_source source = {
		.name = "routes.json", .check_only = true};
	struct declared_table *t = NULL;
	struct declared_ask ask;
	struct fault why = {0};
	size_t n = (size_t)snprintf(text, sizeof(text), "{\"routes\":[");

	for (unsigned i = 0; i < routes; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"%s{\"path\":\"/api/s%u/{id}\",\"host\":\"h%u.com\","
			"\"to\":{\"function\":\"f\"}},"
			"{\"path\":\"/api/s%u/"
			"{id}\",\"to\":{\"function\":\"f\"}},"
			"{\"path\":\"/pages/s%u/"
			"*\",\"to\":{\"function\":\"f\"}},"
			"{\"path\":\"/x/s%u\",\"to\":{\"function\":\"f\"}}",
			i ? "," : "", i, i, i, i, i);
	(void)snprintf(text + n, sizeof(text) - n, "]}");
	assert_int_equal(val_parse(&file, slice_str(text), &why), 0);
	source.file = file;
	if (declared_table_new(&t, &source, 1, NULL, &why) < 0)
		fail_msg("%s", why.text);
	ask = asked("GET", "example.org", path);
	assert_true(declared_find(t, &ask) <= 0);
	declared_unref(t);
	return ask.steps;
}

static void
a_thousand_routes_take_as_many_looks_as_one(void **state)
{
	static const char *const paths[] = {"/api/s0/7", "/pages/s0/a/b/c/d",
		"/x/s0", "/nothing/at/all", "/api/zzz/1"};

	(void)state;
	for (size_t i = 0; i < array_size(paths); i++) {
		unsigned one = steps_with(1, paths[i]);

		assert_true(one > 0);
		assert_int_equal(steps_with(1000, paths[i]), one);
	}
}

static void
a_wrong_file_says_where_and_what(void **state)
{
	(void)state;
	assert_refused("{'route':[]}",
		"routes.json: \"route\" is not known here; did you mean "
		"\"routes\"?");
	assert_refused("[{'path':'/a','to':{'function':'f'},'auht':'user'}]",
		"routes.json: routes[0]: \"auht\" is not known here; did you "
		"mean \"auth\"?");
	assert_refused("[{'path':'/a','to':{'function':'f'}},"
		       "{'path':'/b','to':{'redirect':'/x','sttaus':301}}]",
		"routes.json: routes[1].to: \"sttaus\" is not known here; did "
		"you mean \"status\"?");
	assert_refused("[{'to':{'function':'f'}}]",
		"routes.json: routes[0]: path: is missing: \"/a\", "
		"\"/a/{id}\", \"/a/*\" or {\"regex\": \"^/a\"}");
	assert_refused("[{'path':'/a/{id'}]",
		"routes.json: routes[0].path: \"{id\": a parameter {…} is a "
		"whole segment, a * the last one; for more there is "
		"{\"regex\": …}");
	assert_refused("[{'path':'/a?b=1','to':{'function':'f'}}]",
		"routes.json: routes[0].path: \"a?b=1\": a path is without its "
		"query: a route answers whatever that is");
	assert_refused("[{'path':'/a','headers':{'X A':'1'},'to':"
		       "{'function':'f'}}]",
		"routes.json: routes[0].headers.X A: \"X A\" is no header's "
		"name");
	assert_refused("[{'path':{'regex':'^/(a'},'to':{'function':'f'}}]",
		"routes.json: routes[0].path: at character 5 of the "
		"expression: missing closing parenthesis");
	assert_refused("[{'path':'/v1/x','to':{'function':'f'}}]",
		"routes.json: routes[0].path: \"/v1/x\": its first segment is "
		"the platform's own (/v1, /admin, /web, /auth, …), which "
		"answers first");
	assert_refused("[{'path':'/a','to':{'function':'f','static':'d'}}]",
		"routes.json: routes[0].to: \"function\" and \"static\": a "
		"route leads to one");
	assert_refused("[{'path':'/a/{id}','to':{'redirect':'/b/{di}'}}]",
		"routes.json: routes[0].to.redirect: {di} is nothing that this "
		"route captures; there are {id} {$host} {$path} {$query} "
		"{$method} {$ip} {$user} {$request}");
	assert_refused("[{'path':'/a','to':{'funktion':'f'}}]",
		"routes.json: routes[0].to: \"funktion\" is not known here; "
		"did you mean \"function\"?");
	assert_refused("[{'path':'/a','to':{}}]",
		"routes.json: routes[0].to: {\"function\": …}, {\"static\": "
		"…}, "
		"{\"file\": …}, {\"upstream\": …} or {\"redirect\": …} is "
		"wanted");
	assert_refused("[{'path':'/a','auth':'usr','to':{'function':'f'}}]",
		"routes.json: routes[0].auth: none, user, ticket, apikey or "
		"hmac is wanted");
	assert_refused("[{'path':'/a','name':'n','to':{'function':'f'}},"
		       "{'path':'/b','name':'n','to':{'function':'f'}}]",
		"routes.json: routes[1]: name: \"n\" is routes.json: "
		"routes[0]'s already");
	assert_refused("[{'path':'/a','to':{'function':'f'},'response':"
		       "{'headers':{'set':{'Content-Length':'1'}}}}]",
		"routes.json: routes[0].response.headers.set.Content-Length: "
		"Content-Length is set by the server alone");
	assert_refused("[{'path':'/a','to':{'redirect':'/b'},'response':"
		       "{'json':{'remove':['secret']}}}]",
		"routes.json: routes[0]: response.json: changes what a "
		"function answers; other answers go through as they come, so "
		"let a function ask for what is to be changed");
	assert_refused("[{'path':'/a','to':{'function':'f'},"
		       "'cors':{'origins':['*'],'credentials':true}}]",
		"routes.json: routes[0].cors: credentials: not for any origin "
		"(*): list the origins that may send cookies");
}

static void
a_route_that_can_never_answer_is_refused(void **state)
{
	static const char same[] = "routes.json: routes[1]: can never answer: "
				   "routes[0] has the same conditions";
	static const char fewer[] =
		"routes.json: routes[1]: can never answer: "
		"routes[0] has the same conditions, or fewer";
	static const struct {
		const char *a, *b;
		const char *text; /* NULL: both may stand */
	} rows[] = {
		{"'path':'/a'", "'path':'/a'", same},
		{"'path':'/a/{x}'", "'path':'/a/{y}'", same},
		{"'path':'/a/*'", "'path':'/a/*'", same},
		{"'path':'/*','host':'A.com'", "'path':'/*','host':'a.com'",
			same},
		{"'path':{'regex':'^/a'}", "'path':{'regex':'^/a'}", same},
		{"'path':'/a','method':['POST','GET']",
			"'path':'/a','method':['GET','POST','HEAD']", same},
		{"'path':'/a','method':['POST','GET']",
			"'path':'/a','method':'GET'", fewer},
		{"'path':'/a','headers':{'X-A':'1','X-B':true}",
			"'path':'/a','headers':{'x-b':true,'x-a':'1'}", same},
		{"'path':'/a','headers':{'X-A':{'regex':'^1'}}",
			"'path':'/a','headers':{'X-A':{'regex':'^1'}}", same},
		{"'path':'/a'", "'path':'/a/'", NULL},
		{"'path':'/a/*'", "'path':'/a'", NULL},
		{"'path':'/a/*'", "'path':'/a/{x}'", NULL},
		{"'path':'/*','host':'a.com'", "'path':'/*'", NULL},
		{"'path':'/a','method':'GET'", "'path':'/a'", NULL},
		{"'path':'/a'", "'path':'/a','method':'GET'", NULL},
		{"'path':'/a','method':'GET'", "'path':'/a','method':'POST'",
			NULL},
		{"'path':'/a','headers':{'X-A':'1'}",
			"'path':'/a','headers':{'X-A':'2'}", NULL},
		{"'path':'/a','headers':{'X-A':true}",
			"'path':'/a','headers':{'X-A':false}", NULL},
		{"'path':'/a','headers':{'X-A':{'regex':'^1'}}",
			"'path':'/a','headers':{'X-A':{'regex':'^2'}}", NULL},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct declared_table *t = NULL;
		struct fault why = {0};
		char text[1024];

		(void)snprintf(text, sizeof(text),
			"[{%s,'to':{'function':'f'}},"
			"{%s,'to':{'redirect':'/b'}}]",
			rows[i].a, rows[i].b);
		if (rows[i].text) {
			assert_refused(text, rows[i].text);
			continue;
		}
		if (make(&t, text, &why) < 0)
			fail_msg("%s", why.text);
		declared_unref(t);
	}
}

static void
a_redirect_never_leads_where_a_visitor_says(void **state)
{
	static const char *const bad[] = {"https://{host}/", "//evil.net/",
		"https://a.com{*}", "{*}", "javascript:alert(1)", "evil.net",
		"/\\\\evil.net", "https://{$host}{*}",
		"https://{$host}.evil.net/"};
	struct fault why = {0};

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		char text[256];
		struct declared_table *t = NULL;

		(void)snprintf(text, sizeof(text),
			"[{'path':'/a/{host}/*','to':{'redirect':'%s'}}]",
			bad[i]);
		assert_true(make(&t, text, &why) < 0);
	}
	declared_unref(table("[{'path':'/a/*','to':{'redirect':"
			     "'https://b.com/{*}?{$query}','status':308}}]"));
	declared_unref(table("[{'path':'/a/*','to':{'redirect':"
			     "'https://{$host}{$path}'}}]"));
}

static void
each_candidate_is_told_why_it_does_not_answer(void **state)
{
	struct declared_table *t =
		table("[" ROUTE("host", "'path':'/x','host':'a.com'") "," ROUTE(
			"post", "'path':'/x','method':'POST'") "," ROUTE("beta",
			"'path':'/x','headers':{'X-Beta':'1'}") "," ROUTE("it",
			"'path':'/x'") "," ROUTE("all",
			"'path':'/*'") "," ROUTE("other", "'path':'/y'") "]");
	struct declared_ask ask = asked("GET", "b.com", "/x");
	_json_ json_t *all = declared_explain(t, &ask);
	static const char *const want[][2] = {
		{"host", "it is for the host a.com, the request for b.com"},
		{"beta", "it wants the header X-Beta: 1; the request has none"},
		{"post", "it takes POST, not GET"},
		{"it", ""},
		{"all", "it fits too, but the one that answers is more "
			"specific, or stands before it"},
	};

	(void)state;
	assert_int_equal(json_array_size(all), array_size(want));
	for (size_t i = 0; i < array_size(want); i++) {
		const json_t *one = json_array_get(all, i);

		assert_string_equal(val_text(one, "route"), want[i][0]);
		assert_string_equal(val_text(one, "why"), want[i][1]);
	}
	assert_true(json_is_true(
		json_object_get(json_array_get(all, 3), "answers")));
	declared_unref(t);
}

static void
the_operator_s_routes_come_first(void **state)
{
	_json_ json_t *ops = json_pack("{s:[{s:s, s:s, s:{s:s}}]}", "routes",
		"name", "ops", "path", "/*", "to", "function", "f");
	_json_ json_t *own = json_pack("{s:[{s:s, s:s, s:{s:s}}]}", "routes",
		"name", "own", "path", "/a", "to", "function", "f");
	struct declared_source sources[] = {
		{.file = ops, .name = "ops.json", .check_only = true},
		{.file = own, .name = "routes.json", .check_only = true}};
	struct declared_table *t = NULL;
	struct fault why = {0};

	(void)state;
	assert_int_equal(declared_table_new(&t, sources, 2, NULL, &why), 0);
	assert_string_equal(who(t, "GET", "", "/a"), "ops");
	declared_unref(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_most_specific_path_answers_whatever_the_order),
		cmocka_unit_test(a_literal_segment_goes_before_a_parameter),
		cmocka_unit_test(
			a_host_goes_before_none_and_the_longer_wildcard_first),
		cmocka_unit_test(methods_and_headers_are_conditions),
		cmocka_unit_test(captures_are_what_the_path_holds),
		cmocka_unit_test(dot_segments_reach_no_route),
		cmocka_unit_test(no_spelling_leads_around_a_protected_path),
		cmocka_unit_test(a_route_that_can_never_answer_is_refused),
		cmocka_unit_test(a_catastrophic_expression_is_bounded),
		cmocka_unit_test(a_thousand_routes_take_as_many_looks_as_one),
		cmocka_unit_test(a_wrong_file_says_where_and_what),
		cmocka_unit_test(a_redirect_never_leads_where_a_visitor_says),
		cmocka_unit_test(each_candidate_is_told_why_it_does_not_answer),
		cmocka_unit_test(the_operator_s_routes_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
