#pragma once

/* Texts with {captures} and changes of JSON, for one request. */

#include "routes/declared_full.h"

struct request;

/* What is put into a text is made harmless for its place. */
enum declared_place {
	PLACE_HEADER, /* ERR_BAD_REQUEST when it holds control characters */
	PLACE_PATH,   /* %XX but for "/" */
	PLACE_QUERY,  /* %XX */
	PLACE_JSON,   /* as it is */
};

/* In r's arena. */
int declared_fill(const struct declared_text *t, struct request *r,
	enum declared_place place, struct slice *ret) _must_check_;
/* "{$host}" …: what a request itself has. */
struct slice declared_fill_value(struct request *r, const char *name);
/* `in`: a JSON object, else ERR_JSON; *ret in r's arena. */
int declared_fill_json(const struct declared_change *c, struct request *r,
	struct slice in, struct slice *ret, struct fault *why) _must_check_;
