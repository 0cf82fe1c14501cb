#pragma once

/*
 * Functions behind paths of their own: an HTTP request as the event that
 * CloudBase's HTTP access service makes of it, and what the function returns as
 * an HTTP answer (docs.cloudbase.net/service/access-cloud-function).  The two
 * conversions reach nothing and are tried alone.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct request;

/* The route of a path that is none of ours; 0, ERR_NOT_FOUND, ERR_METHOD (with
 * the Allow header added). */
int http_trigger_route(struct request *r) _must_check_;

/* What an event is made of. */
struct http_event {
	const char *method;
	struct slice path;  /* behind the function's, as received: "/a%20b" */
	struct slice whole; /* the path as received */
	struct slice query; /* as received */
	struct slice body;
	const char *request_id, *env, *appid, *client_ip;
	/* of a declared route: "pathParameters" of the event; NULL: none */
	const struct declared_captures *captures;
	/* Calls fn for each header. */
	void (*each_header)(const void *request,
		void (*fn)(void *owner, struct slice name, struct slice value),
		void *owner);
	const void *request;
};

/* ERR_TOO_BIG when `to` is full. */
int http_event_build(struct buf *to, struct arena *arena,
	const struct http_event *event) _must_check_;
/* Whether a body of this type is shown as text, when it is UTF-8. */
bool http_type_is_text(struct slice content_type);
/* What is left of a path as received when a path's decoded `prefix` is taken
 * away: "/" when nothing is; {NULL, 0} when it ends inside of an escape. */
struct slice http_path_rest(struct slice received, size_t prefix);

enum { HTTP_ANSWER_HEADERS = 100 };

/* An answer made of what a function returned. */
struct http_answer {
	int status;
	struct slice body; /* in the JSON or the arena */
	size_t count;
	struct {
		struct slice name, value;
	} headers[HTTP_ANSWER_HEADERS];
};

/* `result`: JSON.  ERR_FN_BAD_ANSWER with a text for the author. */
int http_answer_parse(struct http_answer *ret, struct arena *arena,
	struct slice result, struct fault *why) _must_check_;
