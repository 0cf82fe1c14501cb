#pragma once

/*
 * Cross-origin requests of browsers (the Fetch standard, "HTTP CORS protocol"):
 * which pages' scripts may read our answers.  One for each route that declares
 * it, and one for the built-in paths (server.web_origins).
 */

#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

struct cors;
struct exchange;

enum { CORS_ORIGINS_TOP = 100 };

/* Separated by spaces, as server.web_origins says; "*" is any.
 * ERR_PARAM with a text. */
int cors_new(
	struct cors **ret, const char *origins, struct fault *why) _must_check_;
/* {"origins", "methods", "headers", "expose", "credentials", "maxAge"}, or
 * true: any origin.  The text begins with the member's name. */
int cors_read(
	struct cors **ret, const json_t *v, struct fault *why) _must_check_;
struct cors *cors_free(struct cors *c);
DEFINE_CLEANUP(struct cors *, cors_free)

/* Whether a page of `origin` may read what comes from `host` (the request's
 * Host header): it is listed, or the same; over TLS its page came so, too. */
bool cors_allows(const struct cors *c, struct slice origin, struct slice host,
	bool is_tls);
bool cors_is_preflight(const struct exchange *x);
/* Whether answers differ by origin: Vary: Origin is the caller's to add. */
bool cors_varies(const struct cors *c);
/* The headers of an answer for a page that may read it; none for others.
 * `methods`: for a preflight, else NULL. */
void cors_say(const struct cors *c, struct exchange *x, const char *methods);
