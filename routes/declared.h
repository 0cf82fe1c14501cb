#pragma once

/*
 * Routes that the project and the operator declare (routes.json): host, path,
 * method and headers → a function, a static site, a stored file, an upstream,
 * or a redirect, with what holds for such requests.  One table is in force; a
 * new one replaces it whole, or nothing changes.  Requests under way keep the
 * table they began with.
 *
 * Paths that are ours (route.def) come first.  Of those declared, the
 * operator's come before the project's, and within each the most specific
 * answers: an exact path, then parameters, then prefixes (the longest), then
 * expressions; within one kind a host goes before none, then a literal segment
 * before a parameter, then more conditions before fewer, then the file's order.
 */

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "routes/breaker.h"
#include "routes/shed.h"

#include <jansson.h>

struct buf;
struct limit_rules;
struct loop;
struct site;
struct upstream;

enum declared_target {
	DECLARED_FUNCTION, /* an HTTP trigger's event (http_trigger.h) */
	DECLARED_STATIC,   /* a folder: site.h */
	DECLARED_FILE,     /* of the object store: gateway/file_serve.h */
	DECLARED_UPSTREAM, /* upstream.h */
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

/* Programs come with a key of theirs, not users. */
static inline bool
declared_auth_is_key(enum declared_auth auth)
{
	return auth == DECLARED_AUTH_API_KEY || auth == DECLARED_AUTH_HMAC;
}

struct declared_route {
	const char *name; /* for metrics, logs and `route test`; unique */
	enum declared_target target;
	enum declared_auth auth;
	/* by target */
	const char *function, *folder, *file, *location;
	int redirect_status;
	struct upstream *upstream;
	const char *upstream_name;
	struct site *site; /* NULL: not deployed on this machine */
	/* what holds */
	struct limit_rules *limits;  /* limit_rule.h, or NULL */
	uint64_t body_top;           /* 0: the target's own */
	uint64_t timeout_ms;         /* 0: the target's own */
	bool idempotent;             /* Idempotency-Key is honoured */
	enum shed_priority priority; /* SHED_UNSAID: by the request */
	struct breaker_rule breaker; /* errors 0: none */
	bool compress;
	void *inside; /* declared_*.c's: conditions, transformations, CORS */
};

struct declared_table;

/* One routes.json. */
struct declared_source {
	const json_t *file;
	const char *name; /* messages begin with it: "routes.json" */
	/* A project's static folders by their deployed copies, {"dist":
	 * "/var/lib/…"}; NULL: folders are absolute paths (the operator's). */
	const json_t *sites;
	/* It may name sockets of this machine. */
	bool is_operator_s;
	/* Nothing is opened and nobody reached: only whether it is right. */
	bool check_only;
};

enum {
	DECLARED_ROUTES_TOP = 5000,
	DECLARED_PATTERNS_TOP = 64, /* paths that are expressions, in a file */
	DECLARED_HEADERS_TOP = 8,
	DECLARED_CAPTURES_TOP = 40,
};

/* `sources` in the order in which they answer; messages say where:
 * "routes.json: routes[3].to: …".  `loop` may be NULL with check_only. */
int declared_table_new(struct declared_table **ret,
	const struct declared_source *sources, size_t count, struct loop *loop,
	struct fault *why) _must_check_;
struct declared_table *declared_ref(struct declared_table *t);
struct declared_table *declared_unref(struct declared_table *t);
size_t declared_count(const struct declared_table *t);
/* By place, in the files' order. */
const struct declared_route *declared_at(
	const struct declared_table *t, size_t i);
/* All files' top-level "limits", or NULL. */
const struct limit_rules *declared_limits(const struct declared_table *t);

/* What {…} of a template stands for, in the order of the path: names of
 * parameters, "*" what follows a prefix (without its slash), groups by number
 * and name. */
struct declared_captures {
	size_t count;
	struct {
		struct slice name, value;
	} list[DECLARED_CAPTURES_TOP];
};

/* What a request is matched by. */
struct declared_ask {
	struct slice host; /* with or without its port */
	struct slice path; /* decoded */
	struct slice method;
	struct slice (*header)(const void *request, const char *name);
	const void *request;
	struct arena *arena;
	/* answer */
	const struct declared_route *route;
	struct slice rest; /* of a prefix: what follows it, with its "/" */
	const struct declared_route *evaded; /* ERR_BAD_REQUEST */
	unsigned allowed; /* ERR_METHOD: bits of functions/http_path.h */
	const struct declared_captures *captures; /* in the arena */
	unsigned steps; /* segments and conditions looked at: for tests */
};
/* Slashes side by side are one; in the arena. */
struct slice declared_merge(struct arena *a, struct slice path);
/* 0, ERR_NOT_FOUND, ERR_METHOD, ERR_BAD_REQUEST: a "." or ".." segment, or a
 * spelling that evades ask->evaded (declared_loose.c).  Merges ask->path. */
int declared_find(
	const struct declared_table *t, struct declared_ask *ask) _must_check_;

/* One line for a reader about each route that fits the path, the one that
 * answers first: [{"route", "place", "to", "answers", "why"}]. */
json_t *declared_explain(const struct declared_table *t,
	const struct declared_ask *ask) _returns_value_;
/* [{"name", "place", "methods", "host", "path", "to", "auth"}] */
json_t *declared_list(const struct declared_table *t) _returns_value_;
