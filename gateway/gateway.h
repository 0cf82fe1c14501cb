#pragma once

/*
 * What all requests of one gateway process share.  src/gatewayd.c makes it,
 * fills it and takes it down; everybody here borrows.
 */

#include "base/conf.h"
#include "base/loop.h"
#include "base/shm.h"
#include "documents/doc.h"
#include "gateway/access.h"
#include "http/http.h"

#include <jansson.h>

struct access_tokens;
struct api_keys;
struct apps;
struct merchants;
struct auth;
struct cors;
struct crews;
struct forward;
struct function_log;
struct http_paths;
struct guard;
struct known;
struct declared_table;
struct expire;
struct fetcher;
struct files;
struct index_work;
struct lane;
struct merchants;
struct pay;
struct pool;
struct project_routes;
struct queue;
struct seal;
struct token_keys;
struct trust;
struct txs;
struct valkey;
struct watch_relay;
struct watch_sessions;
struct sockets;

/* Bits: a route names the listeners it exists on. */
enum listener_kind {
	LISTENER_TCP = 1, /* plain HTTP */
	LISTENER_TLS = 2,
	LISTENER_CLOUD = 4,    /* unix, for workers' SDKs */
	LISTENER_OPS = 8,      /* unix, for the operator: the caller is admin */
	LISTENER_METRICS = 16, /* plain HTTP, for Prometheus alone */
	LISTENER_OPEN = LISTENER_TCP | LISTENER_TLS,
	LISTENER_ANY = LISTENER_OPEN | LISTENER_CLOUD | LISTENER_OPS |
		       LISTENER_METRICS,
};

struct listener {
	struct gateway *gateway;
	struct http *http;
	struct http_ops ops;
	enum listener_kind kind;
	int fd;
};

enum { GATEWAY_LISTENERS = 32 };

struct gateway {
	struct loop *loop;
	unsigned index;
	const struct conf *conf;
	struct pool *pool;
	struct docs docs;  /* documents, on the same pool */
	struct lane *lane; /* of imports and exports, or NULL */
	struct txs *txs;   /* clients' transactions of this gateway */
	struct index_work *index_work; /* or NULL, before all is ready */
	struct expire *expire;         /* the same */
	struct forward *forward;       /* to those of other gateways */
	struct apps *apps;             /* of the configuration in force */
	struct merchants *merchants;   /* the same */
	struct access_tokens *tokens;
	struct fetcher *fetcher;
	struct auth *auth;
	struct pay *pay; /* NULL: payment is off */
	struct seal *seal;
	const struct token_keys *keys; /* of the configuration in force */
	const char *metrics_token;     /* the same; NULL: none is asked for */
	struct known *known;
	struct crews *crews;
	struct queue *queue;             /* of calls that nobody waits for */
	struct http_paths *paths;        /* of functions */
	struct declared_table *declared; /* in force; never NULL when ready */
	json_t *fn_doors;                /* the same; fn_door.h */
	struct project_routes *project_routes;
	struct cors *web_origins; /* whose pages may use the built-in paths */
	struct files *files;
	/* of the configuration in force; NULL: none */
	const char *origin_secret, *cdn_key;
	struct trust *trust;       /* or NULL: nobody is believed */
	struct api_keys *api_keys; /* auth/api_key.h */
	struct valkey *valkey;     /* or NULL: limits count on this machine */
	struct guard *guard;       /* shedding and breakers, or NULL */
	struct watch_relay *watch;
	struct watch_sessions *sessions; /* what they share */
	struct sockets *sockets;
	struct function_log *log;
	struct shm *shm;
	struct shm_gateway *count; /* our own */
	struct gcra_table *cells;
	struct gcra_rule ip_rule, user_rule;
	struct access access;
	struct listener listeners[GATEWAY_LISTENERS];
	size_t listener_count;
	bool draining;
};
