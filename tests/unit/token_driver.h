#pragma once

/*
 * What the tests of access tokens share: gateways (each with its own pool, as
 * in life) on one PostgreSQL, and a WeChat on loopback that counts what it is
 * asked.
 *
 * That WeChat keeps the rules of api_getstableaccesstoken.html: the same token
 * until 300 s before its end, with the seconds that are left.
 */

#include "base/clock.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"
#include "wechat/access_token.h"

#define APPID  "wx0123456789abcdef"
#define SECRET "app-s3cret"

enum { GATEWAYS = 8, LIFE_S = 7200, START_S = 1800000000 };

extern struct testpg *pg;

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct seal *seal;
	struct app *app;
	struct pool *pool[GATEWAYS];
	struct access_tokens *tokens[GATEWAYS];
	/* WeChat's */
	int64_t expires_s;
	unsigned made;       /* tokens */
	const char *refusal; /* instead of a token */
	int status;
	char body[512]; /* of the last request */
	int64_t now_s;
};

struct asked {
	struct token_ask ask;
	int done;
};

/* Whole program: the database. */
int group_setup(void **state);
int group_teardown(void **state);
/* Each test: no token, the clock stands at START_S. */
struct fixture *setup(void);
void teardown(struct fixture *f);
void time_is(struct fixture *f, int64_t s);
struct app *app_of(
	const struct fixture *f, const char *appid, const char *secret);

void on_done(struct job *job);
/* Of f->app, at this gateway. */
void begin(struct fixture *f, int gateway, struct asked *a);
/* Turns the loop until `a` is answered; its error. */
int finish(struct fixture *f, struct asked *a);
/* Both; it must go well.  The text lives until the next call. */
const char *get(struct fixture *f, int gateway);
