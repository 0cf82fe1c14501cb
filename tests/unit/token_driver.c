/*
 * The gateways, and the WeChat they ask.
 */
#include "tests/unit/token_driver.h"

#include "base/mem.h"
#include "db/schema.h"

#include <stdlib.h>

#define MASTER \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct testpg *pg;

static int64_t
now_s(const struct fixture *f)
{
	return f->now_s;
}

void
time_is(struct fixture *f, int64_t s)
{
	f->now_s = s;
	clock_set(s * CLOCK_S);
}

static void
on_request(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	char body[512];

	assert_true(slice_is(r->target, "/cgi-bin/stable_token"));
	assert_true(slice_is(r->method, "POST"));
	(void)snprintf(f->body, sizeof(f->body), "%.*s", SLICE_ARG(r->body));
	if (f->refusal) {
		fake_say(to, f->status, "", slice_str(f->refusal));
		return;
	}
	if (f->expires_s - now_s(f) <= 300) {
		f->made++;
		f->expires_s = now_s(f) + LIFE_S;
	}
	(void)snprintf(body, sizeof(body),
		"{\"access_token\":\"tok-%u\",\"expires_in\":%lld}", f->made,
		(long long)(f->expires_s - now_s(f)));
	fake_say(to, 200, "", slice_str(body));
}

static struct pool *
pool_make(struct fixture *f)
{
	const struct pool_conf conf = {.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 1000};
	struct pool *pool;

	assert_int_equal(pool_new(&pool, &f->loop, &conf, NULL), 0);
	return pool;
}

struct app *
app_of(const struct fixture *f, const char *appid, const char *secret)
{
	return app_new(&(struct app_conf){.appid = appid,
		.secret = secret,
		.api_base = f->fake.base,
		.push_token = "",
		.push_key = ""});
}

struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	assert_int_equal(seal_new(&f->seal, SLICE(MASTER), NULL), 0);
	fake_start(&f->fake, &f->loop, on_request);
	f->fake.owner = f;
	f->status = 200;
	f->app = app_of(f, APPID, SECRET);
	/* what the last test's gateways had under way may still come */
	while (strcmp(testpg_query(pg,
			      "SELECT count(*) FROM pg_stat_activity WHERE "
			      "backend_type = 'client backend' AND "
			      "pid <> pg_backend_pid()"),
		       "0") != 0)
		continue;
	(void)testpg_query(pg, "TRUNCATE mpcloud.access_tokens");
	for (int i = 0; i < GATEWAYS; i++) {
		f->pool[i] = pool_make(f);
		assert_int_equal(access_tokens_new(&f->tokens[i], &f->loop,
					 f->pool[i], f->fetcher, f->seal),
			0);
	}
	time_is(f, START_S);
	return f;
}

void
teardown(struct fixture *f)
{
	for (int i = 0; i < GATEWAYS; i++) {
		f->tokens[i] = access_tokens_free(f->tokens[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	seal_free(f->seal);
	(void)app_unref(f->app);
	loop_done(&f->loop);
	clock_set(-1);
	free(f);
}

void
on_done(struct job *job)
{
	container_of(job, struct asked, ask.job)->done++;
}

void
begin(struct fixture *f, int gateway, struct asked *a)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->ask.job, on_done);
	access_token_get(f->tokens[gateway], &a->ask, f->app);
	assert_int_equal(a->done, 0); /* never inside the call */
}

int
finish(struct fixture *f, struct asked *a)
{
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->ask.job.err;
}

const char *
get(struct fixture *f, int gateway)
{
	static char token[ACCESS_TOKEN_TOP + 1];
	struct asked a;

	begin(f, gateway, &a);
	if (finish(f, &a) != 0)
		fail_msg("%d: %s", a.ask.job.err, a.ask.job.why.text);
	memcpy(token, a.ask.token, sizeof(token));
	token_ask_done(&a.ask);
	return token;
}

int
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

int
group_teardown(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}
