#pragma once

/*
 * Which version of a function answers which call.  Kept by the supervisor in
 * state_dir/functions/NAME/active.json, sent to every gateway as
 * GATE_FN_RELEASE after the versions it names (GATE_FN_ADD): versions that it
 * does not name finish what they have and go.
 *
 * JSON: {"name", "stable": 7,
 *        "gray": {"version": 8, "percent": 10, "header": "x-gray: yes",
 *                 "openids": ["o1"]},
 *        "aliases": {"prod": 7},
 *        "guard": {"errors": 5, "latency_ms": 800, "calls": 100}}
 */

#include "base/err.h"
#include "base/val.h"

struct fn_release {
	char name[64];
	unsigned stable;  /* version; 0: none */
	unsigned gray;    /* version on trial; 0: none */
	unsigned percent; /* of callers that get it */
	char *header,
		*value;  /* those that send it get it, NULL: no such rule */
	json_t *openids; /* those get it: object with a member each, or NULL */
	json_t *aliases; /* {name: version} */
	/* The gray one is taken back when of its last `guard_calls` calls more
	 * than `guard_errors` percent fail (0: no such rule), or half of them
	 * take longer than guard_ms (0: no such rule). */
	unsigned guard_errors, guard_calls;
	int64_t guard_ms;
};

/* What a call says of itself. */
struct release_call {
	const char *qualifier; /* "", "$LATEST", a number, an alias */
	const char *openid;    /* "" when nobody is known */
	const char *route_key; /* stickiness of nested calls; "" none */
	/* The value of a header, empty when there is none; NULL: no headers. */
	struct slice (*header)(const void *owner, const char *name);
	const void *owner;
};

int release_parse(struct fn_release *ret, const json_t *from,
	struct fault *why) _must_check_;
json_t *release_build(const struct fn_release *r) _returns_value_;
void release_done(struct fn_release *r);

/* Whether a live version: it is named by stable, gray or an alias. */
bool release_names(const struct fn_release *r, unsigned version);

/* The version that answers; 0: the qualifier names none.  The same openid or
 * route key always gets the same answer while the release stays, and whoever
 * has the gray one keeps it when the percentage grows. */
unsigned release_pick(
	const struct fn_release *r, const struct release_call *call);
