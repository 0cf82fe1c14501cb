#pragma once

/*
 * Routes that the project and the operator declare (routes.json): host, path,
 * method and headers → a function, a static site, a stored file, an upstream,
 * or a redirect, with what holds for such requests.  One table is in force; a
 * new one replaces it whole, or nothing changes.  Requests under way keep the
 * table they began with.
 *
 * Paths that are ours (route.def) come first.  Of those declared, the most
 * specific answers: an exact path, then parameters, then prefixes (the longest),
 * then expressions; within one kind a host and more conditions go before none,
 * then the file's order.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

struct request;
struct limit_rules;
struct upstream;

enum declared_target {
	DECLARED_FUNCTION, /* an HTTP trigger's event (http_trigger.h) */
	DECLARED_STATIC,   /* a folder: gateway/site.h */
	DECLARED_FILE,     /* of the object store: gateway/file_serve.h */
	DECLARED_UPSTREAM, /* gateway/upstream.h */
	DECLARED_REDIRECT,
	DECLARED_TARGETS_
};

enum declared_auth {
	DECLARED_AUTH_NONE,
	DECLARED_AUTH_USER,    /* our access token */
	DECLARED_AUTH_TICKET,  /* a custom login ticket, or the above */
	DECLARED_AUTH_API_KEY, /* auth/api_key.h */
	DECLARED_AUTH_HMAC,    /* the same keys, as a signature */
};

struct declared_route {
	const char *name; /* for metrics, logs and `route test`; unique */
	enum declared_target target;
	enum declared_auth auth;
	/* by target */
	const char *function, *folder, *file, *location;
	struct upstream *upstream;
	/* what holds */
	const struct limit_rules *limits; /* gateway/limit.h, or NULL */
	uint64_t body_top;
	uint64_t timeout_ms; /* 0: the target's own */
	bool idempotent;     /* Idempotency-Key is honoured */
	bool compress;
	void *inside; /* declared_*.c's: conditions, transformations, CORS */
};

struct declared_table;

/* `file`: a parsed routes.json; messages begin with `name` and say where:
 * "routes.json: routes[3].to: …". */
int declared_table_new(struct declared_table **ret, const json_t *file,
	const char *name, struct fault *why) _must_check_;
struct declared_table *declared_ref(struct declared_table *t);
struct declared_table *declared_unref(struct declared_table *t);

/* What a request is matched by. */
struct declared_ask {
	struct slice host, path, method;
	struct slice (*header)(const void *request, const char *name);
	const void *request;
	struct arena *arena;
	/* answer */
	const struct declared_route *route;
	struct slice rest;    /* of a prefix: what follows it, with its "/" */
	unsigned allowed;     /* ERR_METHOD */
	const void *captures; /* {name}s and groups, in the arena */
};
/* 0, ERR_NOT_FOUND, ERR_METHOD. */
int declared_find(const struct declared_table *t,
	struct declared_ask *ask) _must_check_;
