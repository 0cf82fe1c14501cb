#pragma once

/*
 * The gateway process: what it owns.  gateway/gateway.h is the part of it that
 * requests see.
 */

#include "auth/app.h"
#include "auth/seal.h"
#include "auth/session.h"
#include "auth/upkeep.h"
#include "base/channel.h"
#include "base/crypto.h"
#include "base/shm.h"
#include "base/timer.h"
#include "db/pool.h"
#include "functions/crew.h"
#include "gateway/function_log.h"
#include "gateway/gateway.h"
#include "pay/cert.h"
#include "pay/daily.h"
#include "pay/merchant.h"
#include "pay/order.h"
#include "pay/poll.h"

/* One reading of mpcloud.conf and of the files it names. */
struct gatewayd_conf {
	struct gatewayd_conf *next; /* older; work that began with it may run */
	int64_t retired_at;         /* clock_mono */
	struct conf *conf;
	struct token_keys *keys;
	struct apps *apps;
	struct merchants *merchants;
	char *wechat_secret, *master_key, *metrics_token;
	char *valkey_password;
	char *origin_secret, *cdn_key, *s3_secret;
	char *tls_cert, *tls_key;
	struct http_cert *certs; /* these, then those of [tls NAME] */
	size_t cert_count;
	struct trust *trust;
	json_t *routes;          /* the operator's routes.json, or NULL */
	uint8_t sum[DIGEST_TOP]; /* of all the rest, as it was read */
};

enum gatewayd_state {
	GATEWAYD_WAITING,   /* for GATE_CONF */
	GATEWAYD_MIGRATING, /* for the database, as long as it takes */
	GATEWAYD_RUNNING,
	GATEWAYD_DRAINING,
	GATEWAYD_ENDED,
};

struct gatewayd {
	struct gateway gateway;
	struct loop loop;
	enum gatewayd_state state;
	int status; /* of the process */
	char who[32];
	/* from the command line */
	unsigned index;
	int control_fd, shm_fd;
	int watch_fd; /* of gateway 0: where the others come for watches */
	const char *state_dir;
	/* parts, in the order they are made */
	struct channel control;
	struct shm *shm;
	struct gatewayd_conf *conf;
	struct pool *pool;
	struct fetcher *fetcher;
	struct seal *seal;
	struct access_tokens *tokens;
	struct auth *auth;
	struct upkeep *upkeep;
	struct pay *pay;
	struct poll *poll;
	struct daily *daily;
	struct cert_keeper *certs;
	struct function_log *log;
	struct crews *crews;
	struct timers *timers;
	struct triggers *triggers;
	struct alerts *alerts;
	uint64_t cold_seen;   /* of our cold starts, in shared memory already */
	struct list versions; /* gatewayd_triggers.c's */
	/* waiting */
	uv_work_t migrate;
	char *migrate_url;
	struct fault migrate_why;
	int migrate_err;
	bool migrating;
	uint64_t backoff_ms;
	struct timer retry, beat, drain;
	int64_t drain_until; /* clock_mono */
	uv_signal_t term;
};

/* gatewayd_conf.c: everything that can be wrong with a configuration is found
 * here, before anything is changed. */
int gatewayd_conf_read(struct gatewayd_conf **ret, struct slice text,
	struct fault *why) _must_check_;
/* Whether they differ in nothing but certificates and routes. */
bool gatewayd_conf_same(
	const struct gatewayd_conf *a, const struct gatewayd_conf *b);
/* c's certificates and routes are those of `fresh`, and the other way round. */
void gatewayd_conf_inherit(
	struct gatewayd_conf *c, struct gatewayd_conf *fresh);
struct gatewayd_conf *gatewayd_conf_free(struct gatewayd_conf *c);
DEFINE_CLEANUP(struct gatewayd_conf *, gatewayd_conf_free)
/* Settings that only a restart takes up stay as `old` has them. */
void gatewayd_conf_keep(struct gatewayd_conf *c, struct gatewayd_conf *old);
struct auth_conf gatewayd_conf_auth(const struct gatewayd_conf *c);
bool gatewayd_conf_pays(const struct gatewayd_conf *c);
/* The whole of a file that a setting names; "" or NULL: nothing is read.  A
 * secret is refused when others may read it. */
int gatewayd_conf_secret(const char *setting, const char *path, char **ret,
	struct fault *why) _must_check_;
int gatewayd_conf_file(const char *setting, const char *path, char **ret,
	struct fault *why) _must_check_;

/* gatewayd_files.c */
int gatewayd_files_setup(struct gatewayd *d, struct fault *why) _must_check_;
void gatewayd_files_take_up(struct gatewayd *d);

/* [wechat], then each [wechat APPID]: of c->conf and c->wechat_secret alone. */
int gatewayd_conf_apps(struct gatewayd_conf *c, struct fault *why) _must_check_;
/* gatewayd_conf_pay.c: of c->conf alone; [pay] and each [pay MCHID], with their
 * files. */
int gatewayd_conf_merchants(
	struct gatewayd_conf *c, struct fault *why) _must_check_;

/* gatewayd_conf_tls.c: of c->conf, c->tls_cert and c->tls_key;
 * server.trusted_proxies too. */
int gatewayd_conf_tls(struct gatewayd_conf *c, struct fault *why) _must_check_;
void gatewayd_conf_tls_done(struct gatewayd_conf *c);
/* gatewayd_tls.c */
/* Do connections to this socket begin with a PROXY header? */
bool gatewayd_is_proxied(const struct conf *conf, int fd);
/* The certificates of `c` for new connections. */
int gatewayd_tls_take_up(
	struct gatewayd *d, const struct gatewayd_conf *c, struct fault *why);
void gatewayd_limits_take_up(struct gatewayd *d);

/* gatewayd_setup.c */
int gatewayd_setup(struct gatewayd *d, struct fault *why) _must_check_;
/* Starts what auth does from time to time; `first` as upkeep_new has it. */
void gatewayd_upkeep(struct gatewayd *d, upkeep_fn *first);
int gatewayd_listen(struct gatewayd *d, struct fault *why) _must_check_;
/* The configuration `fresh` (taken when 0 is returned) in place of d->conf. */
int gatewayd_reload(struct gatewayd *d, struct gatewayd_conf *fresh,
	struct fault *why) _must_check_;
void gatewayd_take_down(struct gatewayd *d);

/* gatewayd_control.c */
int gatewayd_control_open(struct gatewayd *d) _must_check_;
/* GATE_FN_TROUBLE: the guard of a version on trial struck. */
void gatewayd_trouble(struct gatewayd *d, const char *function,
	unsigned version, const char *why);
/* Finish what runs within `ms`, then end the loop. */
void gatewayd_drain(struct gatewayd *d, uint64_t ms);

/* gatewayd_triggers.c: the queue, and what sets functions off. */
int gatewayd_triggers_setup(struct gatewayd *d, struct fault *why) _must_check_;
/* Once the schema is there. */
void gatewayd_triggers_start(struct gatewayd *d);
void gatewayd_triggers_take_up(struct gatewayd *d);
/* GATE_FN_ADD, GATE_FN_RELEASE (before the crews take it), GATE_FN_DEL. */
void gatewayd_triggers_added(
	struct gatewayd *d, const struct fn_settings *settings);
void gatewayd_triggers_released(
	struct gatewayd *d, const struct fn_release *release);
void gatewayd_triggers_deleted(struct gatewayd *d, const char *name);
/* Nothing new; true when nothing of the queue runs. */
bool gatewayd_triggers_drain(struct gatewayd *d);
void gatewayd_triggers_done(struct gatewayd *d);

/* gatewayd_limits.c */
int gatewayd_limits_setup(struct gatewayd *d, struct fault *why) _must_check_;
/* API keys, once there is a seal. */
void gatewayd_limits_keys(struct gatewayd *d);
void gatewayd_limits_configure(struct gatewayd *d);
void gatewayd_limits_done(struct gatewayd *d);

/* gatewayd_routes.c */
int gatewayd_routes_setup(struct gatewayd *d, struct fault *why) _must_check_;
/* `first`: the project's routes were read. */
void gatewayd_routes_start(struct gatewayd *d, void (*first)(void *owner));
/* The table with the operator's file of `fresh`, not yet in force. */
int gatewayd_routes_try(struct gatewayd *d, const struct gatewayd_conf *fresh,
	struct declared_table **ret, struct fault *why) _must_check_;
/* In force, with d->conf. */
void gatewayd_routes_take(struct gatewayd *d, struct declared_table *table);
void gatewayd_routes_take_up(struct gatewayd *d);
void gatewayd_routes_done(struct gatewayd *d);
/* `mpcloud route check`: prints what it found; an exit status. */
int gatewayd_routes_check(const char *path);

/* gatewayd_watch.c */
int gatewayd_watch_setup(struct gatewayd *d, struct fault *why) _must_check_;
void gatewayd_watch_take_up(struct gatewayd *d);
void gatewayd_watch_done(struct gatewayd *d);

/* gatewayd_docs.c */
int gatewayd_docs_setup(struct gatewayd *d, struct fault *why) _must_check_;
/* What works in the background, once the schema is there. */
int gatewayd_docs_start(struct gatewayd *d) _must_check_;
/* What may change with a reload. */
void gatewayd_docs_take_up(struct gatewayd *d);
void gatewayd_docs_done(struct gatewayd *d);
