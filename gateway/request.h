#pragma once

/*
 * One HTTP request's way through the gateway: the steps of request.def, taken
 * by one function.  The struct lies in the exchange's arena and ends with it.
 */

#include "base/job.h"
#include "gateway/admit.h"
#include "gateway/gateway.h"
#include "gateway/route.h"
#include "gateway/timeline.h"
#include "gateway/trace.h"

#include <jansson.h>

struct declared_route;
struct declared_table;
struct multipart;

enum request_step {
#define X(step, function, text) step,
#include "gateway/request.def"
#undef X
	STEP_DONE
};

enum { STEP_WAIT = 1 };

struct request {
	struct exchange *x;
	struct listener *on;
	struct gateway *gateway;
	const struct route *route;
	struct slice param; /* the path's {…} */
	/* a declared route (r->route is then its target's row), and the table
	 * it lies in, which is kept until the end */
	const struct declared_route *declared;
	struct declared_table *declared_in;
	struct slice rest;    /* of the path, behind a prefix */
	const void *captures; /* declared.h's */
	enum request_step step;
	bool whole; /* the body is there */
	struct admit admit;
	struct caller caller;
	unsigned allowed;              /* methods, for 405 */
	const char *function, *action; /* for the access line */
	struct trace trace;
	struct timeline timeline;
	json_t *json;            /* the body, when it was parsed */
	struct multipart *parts; /* the same, of a form */
	json_t *kept;            /* a step's own, until the end */
	/* the act's */
	void *act;
	struct job *job; /* cancelled when the client leaves */
	bool from_page;  /* it has an Origin (gateway/web_origin.h) */
	bool waits;      /* a step waits for its job: not for the body */
	void *limits;    /* limit.h's */
	void *guarded;   /* guard.h's */
	void *once;      /* idempotency.h's */
	void (*end)(struct request *r);
	/* its outcome */
	bool typed; /* Content-Type was added as a header */
	int err, status;
	struct fault why;
	uint32_t retry_ms; /* for Retry-After, 0: its row's */
	struct slice answer;
	/* Instead of `answer`, set before the step ANSWER: it sends by
	 * exchange_answer_file, exchange_answer_stream or exchange_upgrade,
	 * after the headers that all answers have were added. */
	void (*send)(struct request *r);
	void *sending; /* file_send.h's */
	/* BODY_STREAM: the endpoint is called when the head is allowed and
	 * gives the body a sink (exchange_set_sink); this is called when the
	 * body has come whole. */
	void (*on_whole)(struct request *r);
};

/* The listener's http_ops; `owner` is the struct listener. */
void request_ops(struct http_ops *ret, struct listener *on);

/* For endpoints. */

static inline struct arena *
request_arena(const struct request *r)
{
	return exchange_arena(r->x);
}

/* A header of `request`, a struct request; as fn_call.header wants it. */
struct slice request_header(const void *request, const char *name);
/* traceparent for those that are asked in its name, or NULL. */
const char *request_traceparent(const struct request *r);
/* The body as a JSON object, parsed once; ERR_JSON, ERR_PARAM.  Where calls
 * come from functions (KNOW_SESSION) it may be a form: its texts are the
 * object's members, and all of it is in r->parts. */
int request_json(struct request *r) _must_check_;
/* The answer; the bytes lie in the arena, are constant, or stay until the
 * endpoint (or its job's done) returns. */
int request_reply(struct request *r, int status, struct slice json);
/* r->act must be left to `job`: done ends with request_finish. */
int request_wait(struct request *r, struct job *job);
/* A step before ACT waits for `job`, whose done ends with request_go_on: the
 * next step follows, or with an error the answer. */
int request_hold(struct request *r, struct job *job);
void request_go_on(struct request *r, int err, const struct fault *why);
/* From a job's done, of a step that waited: the same step once more. */
void request_again(struct request *r);
/* From a job's done: go on to the answer.  `why` may be NULL. */
void request_finish(struct request *r, int err, const struct fault *why);
