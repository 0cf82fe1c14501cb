#pragma once

/*
 * A declared route with all that holds for it: conditions, texts, changes.
 * declared.h has what others need of it; this is for those who find routes and
 * for the gateway's declared_*.c, which carry them out.
 */

#include "base/pattern.h"
#include "functions/http_path.h"
#include "routes/cors.h"
#include "routes/declared.h"

/* --- declared_text.c: texts with {captures} --- */

/* Pieces: plain text, or a name. */
struct declared_piece {
	char *text;
	bool is_name;
};

struct declared_text {
	size_t count;
	struct declared_piece *piece;
	char *whole; /* as written */
};

/* --- declared_change.c: headers, query, JSON fields --- */

enum { CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE, CHANGE_RENAME };

struct declared_header {
	char *name;
	struct declared_text value;
	int what; /* CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE */
};

struct declared_field {
	char *path; /* "a.b.0.c", of at most DECLARED_FIELD_TOP bytes */
	json_t *value;
	struct declared_text text; /* of a value that is a text */
	char *to;                  /* of a rename */
	int what; /* CHANGE_SET, CHANGE_REMOVE, CHANGE_RENAME */
};

enum { CHANGES_TOP = 32, DECLARED_FIELD_TOP = 256 };

struct declared_change {
	size_t nheaders, nquery, nfields; /* at most CHANGES_TOP */
	struct declared_header *headers;
	struct declared_header *query; /* set and remove */
	struct declared_field *fields;
	struct declared_text path; /* request only; piece NULL: as it came */
	int status;                /* answer only; 0: as it is */
	struct declared_status {
		int from, to;
	} statuses[16];
	size_t nstatuses;
};

/* The change for a header or name that is set or removed, or NULL. */
const struct declared_header *declared_change_of(
	const struct declared_header *list, size_t count, struct slice name);
int declared_change_status(const struct declared_change *c, int status);

/* --- the route --- */

enum declared_kind {
	PATH_EXACT,
	PATH_PARAMS,
	PATH_PREFIX,
	PATH_PATTERN,
	PATH_KINDS_
};

/* A condition on a header. */
struct declared_condition {
	char *name, *equals;
	struct pattern *pattern;
	char *regex; /* what it was made of */
	bool absent;
};

enum { DECLARED_SEGMENTS = 32, DECLARED_NAMES = DECLARED_CAPTURES_TOP + 1 };

struct declared_full {
	struct declared_route pub; /* first; its .inside is us */
	char *place;               /* "routes.json: routes[3]" */
	char *host;                /* "*.example.com", lower case; NULL: any */
	enum declared_kind kind;
	char *path;   /* the pattern as written */
	char *loose;  /* of a guard: the same in lower case */
	size_t depth; /* segments, those of a prefix without its star */
	struct pattern *pattern;
	const char *names[DECLARED_NAMES]; /* of captures, NULL-ended */
	char *names_own[DECLARED_NAMES];
	unsigned methods; /* bits; HTTP_ANY_METHOD: any */
	size_t nheaders;
	struct declared_condition header[DECLARED_HEADERS_TOP];
	size_t order, source;
	struct declared_full *next; /* of the same node */
	/* what holds */
	struct declared_change request, answer;
	struct declared_text location;
	struct declared_text file;
	struct cors *cors;
	char *cache;
	char *index, *fallback, *not_found;
};

static inline const struct declared_full *
declared_full_of(const struct declared_route *d)
{
	return d->inside;
}
