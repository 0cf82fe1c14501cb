/*
 * code2Session against a server that fails in WeChat's ways.
 */
#include "auth/wechat.h"
#include "base/mem.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"

#include <stdlib.h>

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct wechat_conf conf;
	struct wechat wechat;
	/* what the fake says; bodies used in order, the last one again */
	int status;
	const char *bodies[2];
	struct buf target;
	int done;
};

static void
on_ask(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	const char *body = f->bodies[fake->requests == 2 && f->bodies[1]];

	buf_clear(&f->target);
	buf_slice(&f->target, r->target);
	fake_say(to, f->status, "", slice_str(body));
}

static void
on_done(struct job *job)
{
	container_of(job, struct fixture, wechat.job)->done++;
}

static struct fixture *
setup(const char *body)
{
	struct fixture *f = mem_new(struct fixture);

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	fake_start(&f->fake, &f->loop, on_ask);
	f->fake.owner = f;
	f->status = 200;
	f->bodies[0] = body;
	buf_init(&f->target, 4096);
	f->conf = (struct wechat_conf){.api_base = f->fake.base,
		.appid = "wx0123456789abcdef",
		.secret = "s3cret/of app"};
	return f;
}

static void
teardown(struct fixture *f)
{
	wechat_done(&f->wechat);
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	buf_done(&f->target);
	loop_done(&f->loop);
	free(f);
}

static int
login(struct fixture *f, const char *code)
{
	job_init(&f->wechat.job, on_done);
	f->done = 0;
	wechat_login(&f->wechat, &f->loop, f->fetcher, &f->conf, code);
	assert_int_equal(f->done, 0);
	while (!f->done)
		loop_turn(&f->loop, true);
	return f->wechat.job.err;
}

#define GOOD \
	"{\"openid\":\"oTest1\",\"session_key\":\"tiihtNczf5v6AKRyjwEUhQ==\"," \
	"\"unionid\":\"uTest1\"}"

static void
an_answer_gives_openid_session_key_and_unionid(void **state)
{
	struct fixture *f = setup(GOOD);

	(void)state;
	assert_int_equal(login(f, "0a1 b&c"), 0);
	assert_string_equal(f->wechat.openid, "oTest1");
	assert_string_equal(f->wechat.unionid, "uTest1");
	assert_string_equal(f->wechat.session_key, "tiihtNczf5v6AKRyjwEUhQ==");
	assert_string_equal(f->target.ptr,
		"/sns/jscode2session?appid=wx0123456789abcdef"
		"&secret=s3cret%2Fof%20app&js_code=0a1%20b%26c"
		"&grant_type=authorization_code");
	teardown(f);
}

static void
an_errcode_of_zero_is_success_and_unionid_may_be_absent(void **state)
{
	struct fixture *f =
		setup("{\"errcode\":0,\"errmsg\":\"ok\",\"openid\":\"oTest1\","
		      "\"session_key\":\"tiihtNczf5v6AKRyjwEUhQ==\"}");

	(void)state;
	assert_int_equal(login(f, "code"), 0);
	assert_string_equal(f->wechat.unionid, "");
	teardown(f);
}

static void
every_errcode_is_told_as_what_it_means(void **state)
{
	/* wechat docs, code2Session, errcode; and the token API's for 40164
	 * and 40243 */
	static const struct {
		int errcode, err;
		unsigned requests;
	} rows[] = {
		{-1, ERR_UPSTREAM_BUSY, 2},
		{40029, ERR_CODE_BAD, 1},
		{40163, ERR_CODE_BAD, 1},
		{45011, ERR_LIMITED, 1},
		{40226, ERR_USER_BLOCKED, 1},
		{40013, ERR_UPSTREAM_CONFIG, 1},
		{40125, ERR_UPSTREAM_CONFIG, 1},
		{40164, ERR_UPSTREAM_CONFIG, 1},
		{40243, ERR_UPSTREAM_CONFIG, 1},
		{41002, ERR_UPSTREAM_CONFIG, 1},
		{41004, ERR_UPSTREAM_CONFIG, 1},
		{41008, ERR_CODE_BAD, 1},
		{45009, ERR_LIMITED, 1},
		{40002, ERR_UPSTREAM_CONFIG, 1},
		{50002, ERR_UPSTREAM_CONFIG, 1},
		{89501, ERR_UPSTREAM_CONFIG, 1},
		{89503, ERR_UPSTREAM_CONFIG, 1},
		{89506, ERR_UPSTREAM_CONFIG, 1},
		{89507, ERR_UPSTREAM_CONFIG, 1},
		{99999, ERR_UPSTREAM, 1},
	};
	char body[128];

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup(body);

		(void)snprintf(body, sizeof(body),
			"{\"errcode\":%d,\"errmsg\":\"oLeaky hint\"}",
			rows[i].errcode);
		assert_int_equal(login(f, "code"), rows[i].err);
		assert_int_equal(f->fake.requests, rows[i].requests);
		assert_null(strstr(f->wechat.job.why.text, "oLeaky"));
		assert_null(strstr(f->wechat.job.why.text, "s3cret"));
		/* the operator's say where */
		assert_int_equal(
			strncmp(f->wechat.job.why.text, "[wechat wx", 10) == 0,
			rows[i].err == ERR_UPSTREAM_CONFIG);
		teardown(f);
	}
}

static void
a_busy_answer_is_asked_once_more(void **state)
{
	struct fixture *f = setup("{\"errcode\":-1}");

	(void)state;
	f->bodies[1] = GOOD;
	assert_int_equal(login(f, "code"), 0);
	assert_int_equal(f->fake.requests, 2);
	assert_string_equal(f->wechat.openid, "oTest1");
	teardown(f);
}

static void
a_code_is_never_sent_again_once_it_may_have_arrived(void **state)
{
	static const struct {
		enum fake_mode mode;
		int err;
	} rows[] = {
		{FAKE_HANG, ERR_TIMEOUT},
		{FAKE_CLOSE, ERR_UPSTREAM},
		{FAKE_CUT, ERR_UPSTREAM},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup(GOOD);

		f->fake.mode = rows[i].mode;
		f->conf.timeout_ms = rows[i].mode == FAKE_HANG ? 300 : 0;
		assert_int_equal(login(f, "code"), rows[i].err);
		assert_int_equal(f->fake.requests, 1);
		assert_non_null(strstr(f->wechat.job.why.text, "wx.login"));
		teardown(f);
	}
}

/* Curl would send it again by itself: the connection was kept from before. */
static void
a_code_is_not_sent_again_on_a_kept_connection_either(void **state)
{
	struct fixture *f = setup(GOOD);

	(void)state;
	assert_int_equal(login(f, "code1"), 0);
	wechat_done(&f->wechat);
	f->fake.mode = FAKE_CLOSE;
	assert_int_equal(login(f, "code2"), ERR_UPSTREAM);
	assert_int_equal(f->fake.requests, 2);
	assert_non_null(strstr(f->wechat.job.why.text, "wx.login"));
	/* and the next one is well */
	wechat_done(&f->wechat);
	f->fake.mode = FAKE_ANSWER;
	assert_int_equal(login(f, "code3"), 0);
	teardown(f);
}

static void
a_server_that_is_not_there_is_an_upstream_error(void **state)
{
	struct fixture *f = setup(GOOD);

	(void)state;
	fake_stop(&f->fake);
	assert_int_equal(login(f, "code"), ERR_UPSTREAM);
	assert_int_equal(f->wechat.tries, 2); /* nothing was sent */
	teardown(f);
}

static void
answers_that_are_not_wechat_s_are_refused(void **state)
{
	static const struct {
		int status;
		const char *body;
		int err;
	} rows[] = {
		{200, "", ERR_UPSTREAM},
		{200, "<html>captive portal</html>", ERR_UPSTREAM},
		{200, "[]", ERR_UPSTREAM},
		{200, "{}", ERR_UPSTREAM},
		{200, "{\"openid\":\"o1\"}", ERR_UPSTREAM},
		{200, "{\"session_key\":\"k\"}", ERR_UPSTREAM},
		{200, "{\"openid\":1,\"session_key\":\"k\"}", ERR_UPSTREAM},
		{200, "{\"openid\":\"\",\"session_key\":\"k\"}", ERR_UPSTREAM},
		{200, "{\"openid\":\"o\\\"1\",\"session_key\":\"k\"}",
			ERR_UPSTREAM},
		{200, "{\"openid\":\"o\\u00001\",\"session_key\":\"k\"}",
			ERR_UPSTREAM},
		{302, GOOD, ERR_UPSTREAM},
		{404, GOOD, ERR_UPSTREAM},
		{429, GOOD, ERR_UPSTREAM_BUSY},
		{502, GOOD, ERR_UPSTREAM_BUSY},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup(rows[i].body);

		f->status = rows[i].status;
		assert_int_equal(login(f, "code"), rows[i].err);
		assert_int_equal(f->fake.requests, 1);
		teardown(f);
	}
}

static void
a_cancelled_login_is_forgotten(void **state)
{
	struct fixture *f = setup(GOOD);

	(void)state;
	f->fake.mode = FAKE_HANG;
	job_init(&f->wechat.job, on_done);
	wechat_login(&f->wechat, &f->loop, f->fetcher, &f->conf, "code");
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	job_cancel(&f->wechat.job);
	loop_turn(&f->loop, false);
	assert_int_equal(f->done, 0);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_answer_gives_openid_session_key_and_unionid),
		cmocka_unit_test(
			an_errcode_of_zero_is_success_and_unionid_may_be_absent),
		cmocka_unit_test(every_errcode_is_told_as_what_it_means),
		cmocka_unit_test(a_busy_answer_is_asked_once_more),
		cmocka_unit_test(
			a_code_is_never_sent_again_once_it_may_have_arrived),
		cmocka_unit_test(
			a_code_is_not_sent_again_on_a_kept_connection_either),
		cmocka_unit_test(
			a_server_that_is_not_there_is_an_upstream_error),
		cmocka_unit_test(answers_that_are_not_wechat_s_are_refused),
		cmocka_unit_test(a_cancelled_login_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
