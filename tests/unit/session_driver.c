/*
 * The WeChat that the tests of logins speak to, and the gateways that ask it.
 */
#include "tests/unit/session_driver.h"

#include "base/clock.h"
#include "base/mem.h"
#include "db/schema.h"

#include <stdlib.h>
#include <unistd.h>

#define MASTER \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEYS "k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"

struct testpg *pg;

static void
on_ask(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	char body[512];

	(void)snprintf(f->asked, sizeof(f->asked), "%.*s %.*s",
		SLICE_ARG(fake_param(r, "appid")),
		SLICE_ARG(fake_param(r, "secret")));
	if (f->codes_are_used && fake->requests > 1)
		(void)snprintf(body, sizeof(body), "{\"errcode\":40163}");
	else if (f->errcode)
		(void)snprintf(
			body, sizeof(body), "{\"errcode\":%s}", f->errcode);
	else
		(void)snprintf(body, sizeof(body),
			"{\"openid\":\"%s\",\"session_key\":\"%s\","
			"\"unionid\":\"uTest\"}",
			f->openid, f->session_key);
	fake_say(to, 200, "", slice_str(body));
}

static void
pools_open(struct fixture *f)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 1000,
	};

	for (int i = 0; i < GATEWAYS; i++) {
		assert_int_equal(
			pool_new(&f->pool[i], &f->loop, &conf, NULL), 0);
		assert_int_equal(
			auth_new(&f->auth[i], &f->loop, f->pool[i], f->fetcher,
				f->keys, f->seal, f->shm, &f->conf),
			0);
	}
}

static void
apps_make(struct fixture *f)
{
	f->apps = apps_free(f->apps);
	f->apps = apps_new();
	for (size_t i = 0; i < array_size(f->app); i++)
		assert_int_equal(
			apps_add(f->apps, app_new(&f->app[i]), NULL), 0);
	f->conf.apps = f->apps;
}

void
reconfigure(struct fixture *f)
{
	apps_make(f);
	auth_configure(f->auth[0], f->keys, &f->conf);
}

struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);
	int fd;

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	assert_int_equal(token_keys_parse(&f->keys, SLICE(KEYS), NULL), 0);
	assert_int_equal(seal_new(&f->seal, SLICE(MASTER), NULL), 0);
	assert_int_equal(shm_create(&fd), 0);
	assert_int_equal(shm_open_fd(&f->shm, fd), 0);
	(void)close(fd);
	fake_start(&f->fake, &f->loop, on_ask);
	f->fake.owner = f;
	f->openid = "oTest1";
	f->session_key = SESSION_KEY;
	f->app[0] = f->app[1] = (struct app_conf){
		.appid = APPID,
		.secret = "app-s3cret",
		.api_base = f->fake.base,
	};
	f->app[1].appid = OTHER_APPID;
	f->app[1].secret = "other-s3cret";
	f->conf = (struct auth_conf){
		.access_ttl_s = ACCESS_S,
		.refresh_ttl_s = REFRESH_S,
		.env = ENV,
		.password_memory_kib = 64,
		.password_iterations = 1,
	};
	apps_make(f);
	arena_init(&f->arena, 1024 * 1024);
	(void)testpg_query(pg, "TRUNCATE mpcloud.users CASCADE");
	pools_open(f);
	return f;
}

void
teardown(struct fixture *f)
{
	clock_set(-1);
	for (int i = 0; i < GATEWAYS; i++) {
		f->auth[i] = auth_free(f->auth[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	f->apps = apps_free(f->apps);
	token_keys_free(f->keys);
	seal_free(f->seal);
	shm_close(f->shm);
	arena_done(&f->arena);
	loop_done(&f->loop);
	free(f);
}

void
on_done(struct job *job)
{
	container_of(job, struct asked, login.job)->done++;
}

void
asked_init(struct asked *a, struct fixture *f)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->login.job, on_done);
	a->login.arena = &f->arena;
}

int
wait_for(struct fixture *f, struct asked *a)
{
	assert_int_equal(a->done, 0); /* never answered inside the call */
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->login.job.err;
}

int
login(struct fixture *f, struct asked *a, const char *code)
{
	asked_init(a, f);
	login_start(f->auth[0], &a->login, slice_str(code));
	return wait_for(f, a);
}

int
refresh(struct fixture *f, struct asked *a, const char *token)
{
	asked_init(a, f);
	login_refresh(f->auth[0], &a->login, slice_str(token));
	return wait_for(f, a);
}

int
know(struct fixture *f, const char *token, struct caller *who)
{
	char header[4096];

	(void)snprintf(header, sizeof(header), "Bearer %s", token);
	return auth_know(f->auth[0], slice_str(header), &f->arena, who, NULL);
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
