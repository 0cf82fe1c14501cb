#pragma once

/*
 * Routes: method and path, to the endpoint that answers and the rules that
 * hold for it.  The rows are in route.def.
 */

#include "base/slice.h"
#include "gateway/who.h"

struct request;

/* 0: r->status and r->answer are set; STEP_WAIT: a job will call
 * request_finish; negative: refused. */
typedef int endpoint_fn(struct request *r);

enum route_method {
	METHOD_GET = 1,
	METHOD_POST = 2,
	METHOD_PATCH = 4,
	METHOD_DELETE = 8,
	METHOD_PUT = 16,
	METHOD_OPTIONS = 32,
};

enum route_know {
	KNOW_NOT,   /* no token is looked at */
	KNOW_PROBE, /* the same, and no rate limit */
	KNOW_HEADER,
	KNOW_MAYBE, /* the header, when it holds a token of ours */
	KNOW_BODY,
	KNOW_LINK, /* a signed link (?sign=), which counts; else the header */
	KNOW_SESSION,
};

enum route_style { STYLE_REST, STYLE_CALL, STYLE_AUTH };

enum route_body {
	BODY_NONE,   /* 0 */
	BODY_SMALL,  /* 64 KiB */
	BODY_PLAIN,  /* limits.body */
	BODY_EVENT,  /* functions.event_size */
	BODY_CALL,   /* what a worker may send in one frame */
	BODY_BULK,   /* a part of an import: one document at the least */
	BODY_STREAM, /* as long as the endpoint takes; see request.h */
};

struct route {
	unsigned method;
	const char *path;
	endpoint_fn *endpoint;
	enum route_know know;
	unsigned who;
	unsigned listeners;
	enum route_style style;
	enum route_body body;
};

extern const struct route route_table[];
extern const size_t route_count;

struct route_ask {
	unsigned listener; /* one bit of enum listener_kind */
	const char *method, *path;
	/* answer */
	const struct route *route;
	struct slice param; /* what {…} stood for; borrowed from path */
	unsigned allowed;   /* ERR_METHOD: methods that this path takes */
};

/* ERR_NOT_FOUND, ERR_METHOD.  HEAD goes where GET does. */
int route_find(struct route_ask *ask) _must_check_;
/* "GET, HEAD" for the Allow header (RFC 9110 10.2.1). */
const char *route_allow(unsigned methods) _returns_value_;
/* Whether `path` fits `pattern`; *param is the {…} segment, never empty; at the
 * end {…*} stands for all that is left. */
bool route_fits(const char *pattern, const char *path, struct slice *param);
