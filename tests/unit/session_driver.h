#pragma once

/*
 * What the tests of logins share: a real PostgreSQL, a WeChat on loopback, and
 * two auth objects on two pools, which play two gateways.
 */

#include "auth/session.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"

#define APPID       "wx0123456789abcdef"
#define OTHER_APPID "wxfedcba9876543210"
#define SESSION_KEY "tiihtNczf5v6AKRyjwEUhQ=="
#define ENV         "env1"

enum { GATEWAYS = 2, ACCESS_S = 7200, REFRESH_S = 30 * 86400 };

extern struct testpg *pg;

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct token_keys *keys;
	struct seal *seal;
	struct shm *shm;
	struct pool *pool[GATEWAYS];
	struct auth *auth[GATEWAYS];
	struct arena arena;
	struct app_conf app[2]; /* APPID is the first */
	struct apps *apps;
	struct auth_conf conf;
	bool codes_are_used; /* it answers one question only */
	char asked[128]; /* the appid and secret of WeChat's last question */
	const char *openid, *session_key, *errcode; /* what WeChat says */
};

/* A login that was asked for, and how often it was answered. */
struct asked {
	struct login login;
	int done;
};

/* Whole program: the database. */
int group_setup(void **state);
int group_teardown(void **state);
/* Each test: no users, WeChat knows oTest1. */
struct fixture *setup(void);
void teardown(struct fixture *f);

void on_done(struct job *job);
void asked_init(struct asked *a, struct fixture *f);
/* Turns the loop until `a` is answered; its error. */
int wait_for(struct fixture *f, struct asked *a);

/* The first gateway takes up f->app and f->conf. */
void reconfigure(struct fixture *f);

/* At the first gateway, waited for. */
int login(struct fixture *f, struct asked *a, const char *code);
int refresh(struct fixture *f, struct asked *a, const char *token);
/* auth_know() of a Bearer header with this token. */
int know(struct fixture *f, const char *token, struct caller *who);
