/*
 * One call of WeChat's API: the token in the query, refused ones replaced once,
 * JSON and media told apart.  The database is a real one: it holds the token.
 */
#include "base/mem.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"
#include "wechat/wxapi.h"

#include <stdlib.h>

#define MASTER \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct testpg *pg;

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct seal *seal;
	struct app *app;
	struct pool *pool;
	struct access_tokens *tokens;
	struct wxapi api;
	struct wxapi_ask ask;
	int done;
	/* WeChat's */
	unsigned fetches, calls;
	const char *good; /* the token that is not refused */
	long refusal;     /* what others are answered */
	const char *tokens_given[4];
	const char *answer, *headers;
	size_t answer_len;
	int status;
	char target[512], body[512], type[128];
};

static void
on_call(struct fixture *f, const struct fake_request *r, struct buf *to)
{
	char text[128];

	f->calls++;
	(void)snprintf(
		f->target, sizeof(f->target), "%.*s", SLICE_ARG(r->target));
	(void)snprintf(f->body, sizeof(f->body), "%.*s", SLICE_ARG(r->body));
	(void)snprintf(f->type, sizeof(f->type), "%.*s",
		SLICE_ARG(fake_header(r, "Content-Type")));
	if (slice_is(fake_param(r, "access_token"), f->good)) {
		buf_printf(to, "HTTP/1.1 %d x\r\n%sContent-Length: %zu\r\n\r\n",
			f->status, f->headers, f->answer_len);
		buf_add(to, f->answer, f->answer_len);
		return;
	}
	(void)snprintf(text, sizeof(text),
		"{\"errcode\":%ld,\"errmsg\":\"refused\"}", f->refusal);
	fake_say(to, 200, "", slice_str(text));
}

static void
on_request(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	char text[128];

	if (!slice_is(r->target, "/cgi-bin/stable_token")) {
		on_call(f, r, to);
		return;
	}
	(void)snprintf(text, sizeof(text),
		"{\"access_token\":\"%s\",\"expires_in\":7200}",
		f->tokens_given[min(f->fetches, 3u)]);
	f->fetches++;
	fake_say(to, 200, "", slice_str(text));
}

static void
answers(struct fixture *f, const char *headers, const char *body, size_t len)
{
	f->headers = headers;
	f->answer = body;
	f->answer_len = len;
	f->status = 200;
}

static struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);
	const struct pool_conf conf = {.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 100};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	assert_int_equal(seal_new(&f->seal, SLICE(MASTER), NULL), 0);
	fake_start(&f->fake, &f->loop, on_request);
	f->fake.owner = f;
	f->app = app_new(&(struct app_conf){.appid = "wx1",
		.secret = "s",
		.api_base = f->fake.base,
		.push_token = "",
		.push_key = ""});
	(void)testpg_query(pg, "TRUNCATE mpcloud.access_tokens");
	assert_int_equal(pool_new(&f->pool, &f->loop, &conf, NULL), 0);
	assert_int_equal(access_tokens_new(&f->tokens, &f->loop, f->pool,
				 f->fetcher, f->seal),
		0);
	f->tokens_given[0] = "one";
	f->tokens_given[1] = "two";
	f->tokens_given[2] = f->tokens_given[3] = "three";
	f->good = "one";
	f->refusal = 40001;
	answers(f, "Content-Type: application/json\r\n",
		"{\"errcode\":0,\"errmsg\":\"ok\",\"a\":1}", 33);
	return f;
}

static void
teardown(struct fixture *f)
{
	wxapi_done(&f->api);
	f->tokens = access_tokens_free(f->tokens);
	f->pool = pool_free(f->pool);
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	seal_free(f->seal);
	(void)app_unref(f->app);
	loop_done(&f->loop);
	free(f);
}

static void
on_done(struct job *job)
{
	container_of(job, struct fixture, api.job)->done++;
}

static int
call(struct fixture *f, const struct wxapi_ask *ask)
{
	wxapi_done(&f->api);
	f->ask = *ask;
	f->ask.app = f->app;
	f->done = 0;
	job_init(&f->api.job, on_done);
	wxapi_start(&f->api, &f->loop, f->fetcher, f->tokens, &f->ask);
	assert_int_equal(f->done, 0);
	while (!f->done)
		loop_turn(&f->loop, true);
	return f->api.job.err;
}

static const struct wxapi_ask post = {
	.method = "POST", .path = "/wxa/x", .body = {"{\"b\":2}", 7}};

static void
the_token_stands_in_the_query_and_the_body_goes_as_it_is(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(call(f, &post), 0);
	assert_string_equal(f->target, "/wxa/x?access_token=one");
	assert_string_equal(f->body, "{\"b\":2}");
	assert_string_equal(f->type, "application/json");
	assert_int_equal(f->api.status, 200);
	assert_int_equal(f->api.errcode, 0);
	assert_string_equal(f->api.errmsg, "ok");
	assert_int_equal(
		json_integer_value(json_object_get(f->api.json, "a")), 1);

	assert_int_equal(call(f, &(struct wxapi_ask){.method = "GET",
					 .path = "/wxa/y",
					 .query = SLICE("openid=o%2F1&n=2")}),
		0);
	assert_string_equal(
		f->target, "/wxa/y?access_token=one&openid=o%2F1&n=2");
	assert_string_equal(f->type, "");
	assert_int_equal(f->fetches, 1);
	teardown(f);
}

static void
a_refused_token_is_replaced_and_the_call_made_once_more(void **state)
{
	static const long refusals[] = {40001, 40014, 42001, 41001};

	(void)state;
	for (size_t i = 0; i < array_size(refusals); i++) {
		struct fixture *f = setup();

		f->good = "two";
		f->refusal = refusals[i];
		assert_int_equal(call(f, &post), 0);
		assert_int_equal(f->api.errcode, 0);
		assert_non_null(f->api.json);
		assert_int_equal(f->calls, 2);
		assert_int_equal(f->fetches, 2);
		assert_string_equal(f->target, "/wxa/x?access_token=two");
		teardown(f);
	}
}

static void
a_call_that_is_refused_twice_gives_the_refusal(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->good = "none of them";
	f->tokens_given[1] = "one"; /* WeChat takes it for good */
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(f->api.errcode, 40001);
	assert_int_equal(f->calls, 2);
	teardown(f);
}

static void
a_next_token_that_has_ended_too_is_replaced_once(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->good = "three";
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(f->api.errcode, 0);
	assert_int_equal(f->calls, 3);
	teardown(f);

	f = setup();
	f->good = "none of them";
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(f->api.errcode, 40001);
	assert_int_equal(f->calls, 3);
	teardown(f);
}

/* As POST /cgi-bin/openapi/rid/get does, or any API that echoes its URL. */
static void
an_answer_that_repeats_the_token_is_given_to_nobody(void **state)
{
	static const char token[] = "50_Im7abcdefghijklmnop";
	static const char answer[] =
		"{\"errcode\":0,\"errmsg\":\"ok\",\"request\":{"
		"\"request_url\":\"access_token=50_Im7abcdefghijklmnop\"}}";
	struct fixture *f = setup();

	(void)state;
	f->good = f->tokens_given[0] = token;
	answers(f, "Content-Type: application/json\r\n", answer,
		strlen(answer));
	assert_int_equal(call(f, &post), ERR_FORBIDDEN);
	assert_null(f->api.json);
	assert_int_equal(f->api.body.len, 0);
	assert_null(strstr(f->api.job.why.text, token));
	assert_int_equal(f->calls, 1);
	answers(f, "Content-Type: application/json\r\n",
		"{\"errcode\":0,\"errmsg\":\"ok\"}", 27);
	assert_int_equal(call(f, &post), 0);
	teardown(f);
}

static void
other_errors_are_not_asked_again(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->good = "none of them";
	f->refusal = 43101;
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(f->api.errcode, 43101);
	assert_string_equal(f->api.errmsg, "refused");
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->fetches, 1);
	teardown(f);
}

static void
media_come_as_bytes_with_their_type(void **state)
{
	struct fixture *f = setup();
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0{}";

	(void)state;
	answers(f, "Content-Type: image/png\r\n", png, sizeof(png) - 1);
	assert_int_equal(call(f, &post), 0);
	assert_null(f->api.json);
	assert_int_equal(f->api.body.len, sizeof(png) - 1);
	assert_memory_equal(f->api.body.ptr, png, sizeof(png) - 1);
	assert_true(slice_is(f->api.content_type, "image/png"));
	teardown(f);
}

static void
json_is_known_by_its_first_byte_not_by_its_type(void **state)
{
	struct fixture *f = setup();

	(void)state;
	answers(f, "Content-Type: image/jpeg\r\n",
		"{\"errcode\":41030,\"errmsg\":\"invalid page\"}", 41);
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(f->api.errcode, 41030);
	answers(f, "Content-Type: text/plain\r\n", "[1,2]", 5);
	assert_int_equal(call(f, &post), 0);
	assert_int_equal(json_array_size(f->api.json), 2);
	answers(f, "Content-Type: text/plain\r\n", "{cut", 4);
	assert_int_equal(call(f, &post), 0);
	assert_null(f->api.json);
	teardown(f);
}

static void
an_answer_past_its_ceiling_is_an_error(void **state)
{
	struct fixture *f = setup();
	struct wxapi_ask ask = post;
	static char much[5000];

	(void)state;
	answers(f, "", much, sizeof(much));
	ask.answer_top = 4096;
	assert_int_equal(call(f, &ask), ERR_ANSWER_BIG);
	assert_non_null(strstr(f->api.job.why.text, "larger"));
	ask.answer_top = 5000;
	assert_int_equal(call(f, &ask), 0);
	teardown(f);
}

static void
a_call_is_never_repeated_when_no_answer_came(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(call(f, &post), 0);
	f->fake.mode = FAKE_CLOSE;
	f->calls = 0;
	assert_int_equal(call(f, &post), ERR_UPSTREAM);
	assert_int_equal(f->calls, 1);
	f->fake.mode = FAKE_ANSWER;
	f->status = 503;
	assert_int_equal(call(f, &post), ERR_UPSTREAM_BUSY);
	assert_null(strstr(f->api.job.why.text, "one"));
	teardown(f);
}

static void
the_tokens_trouble_is_the_calls(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->tokens_given[0] = "not a word";
	assert_int_equal(call(f, &post), ERR_UPSTREAM);
	assert_non_null(strstr(f->api.job.why.text, "no access_token"));
	assert_int_equal(f->calls, 0);
	teardown(f);
}

static void
a_call_can_be_left_at_any_moment(void **state)
{
	(void)state;
	for (int turns = 0; turns < 12; turns++) {
		struct fixture *f = setup();

		f->ask = post;
		f->ask.app = f->app;
		f->good = "two";
		job_init(&f->api.job, on_done);
		wxapi_start(&f->api, &f->loop, f->fetcher, f->tokens, &f->ask);
		for (int i = 0; i < turns && !f->done; i++)
			loop_turn(&f->loop, true);
		wxapi_done(&f->api);
		teardown(f);
	}
}

static int
group_setup(void **state)
{
	struct fault why = {0};

	(void)state;
	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_token_stands_in_the_query_and_the_body_goes_as_it_is),
		cmocka_unit_test(
			a_refused_token_is_replaced_and_the_call_made_once_more),
		cmocka_unit_test(
			a_call_that_is_refused_twice_gives_the_refusal),
		cmocka_unit_test(
			a_next_token_that_has_ended_too_is_replaced_once),
		cmocka_unit_test(
			an_answer_that_repeats_the_token_is_given_to_nobody),
		cmocka_unit_test(other_errors_are_not_asked_again),
		cmocka_unit_test(media_come_as_bytes_with_their_type),
		cmocka_unit_test(
			json_is_known_by_its_first_byte_not_by_its_type),
		cmocka_unit_test(an_answer_past_its_ceiling_is_an_error),
		cmocka_unit_test(a_call_is_never_repeated_when_no_answer_came),
		cmocka_unit_test(the_tokens_trouble_is_the_calls),
		cmocka_unit_test(a_call_can_be_left_at_any_moment),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
