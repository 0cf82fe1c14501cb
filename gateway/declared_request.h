#pragma once

/*
 * What a declared route (routes/declared.h) means for one request: the request
 * as the route's target is to see it, and the answer as the client is.
 */

#include "http/http.h"
#include "routes/declared.h"

struct request;

/* The path, query, headers and body as the target is to see them, after the
 * route's changes. */

/* step_route: the route of a path that is none of ours: r->declared, r->route.
 * 0, ERR_NOT_FOUND, ERR_METHOD (with the Allow header added), … */
int declared_route_request(struct request *r) _must_check_;
/* As received ("/a%20b") unless changed; begins with a slash. */
struct slice declared_path(struct request *r);
/* As a function behind a path sees it: what follows a prefix, "/" at the least.
 */
struct slice declared_function_path(struct request *r);
struct slice declared_query(struct request *r);
/* Calls `came` for each header of the client's that the route leaves as it is,
 * then `put` for each that the route says. */
void declared_each_header(
	struct request *r, header_fn *came, header_fn *put, void *owner);
/* Whether the request has a route that puts a header of this name into it, in
 * whatever spelling. */
bool declared_sets_header(const struct request *r, struct slice name);
/* The stored file's path or id, captures filled in. */
int declared_file(struct request *r, struct slice *ret) _must_check_;
/* Whether the body is changed, so that it must be had whole. */
bool declared_changes_body(const struct declared_route *d);
/* exchange_body, with the route's changes of JSON fields made. */
int declared_body(struct request *r, struct slice *ret) _must_check_;

/*
 * Answers.  step_answer calls declared_answer for what is answered from
 * memory, also by us with an error.  Who sets r->send calls declared_headers
 * with the status before it sends.
 */

/* Status, JSON fields, headers, CORS, caching, compression; 304 where the
 * client has it. */
int declared_answer(struct request *r, int status);
/* Headers only: those the route sets, CORS, Cache-Control.  The status as the
 * route wants it. */
int declared_headers(struct request *r, int status);
/* Whether the route takes or replaces this header of an upstream's answer. */
bool declared_drops_header(const struct request *r, struct slice name);
