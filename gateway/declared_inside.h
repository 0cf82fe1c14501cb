#pragma once

/*
 * What the declared*.c files share, and nobody else sees.
 */

#include "base/pattern.h"
#include "functions/http_path.h"
#include "gateway/cors.h"
#include "gateway/declared.h"

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

/* What is put into a text is made harmless for its place. */
enum declared_place {
	PLACE_HEADER, /* ERR_BAD_REQUEST when it holds control characters */
	PLACE_PATH,   /* %XX but for "/" */
	PLACE_QUERY,  /* %XX */
	PLACE_JSON,   /* as it is */
};

/* `names`: NULL-ended, those that may stand in it. */
int declared_text_parse(struct declared_text *ret, const char *text,
	const char *const *names, struct fault *why) _must_check_;
void declared_text_done(struct declared_text *t);
/* In r's arena. */
int declared_text_put(const struct declared_text *t, struct request *r,
	enum declared_place place, struct slice *ret) _must_check_;
/* "{$host}" …: what a request itself has. */
struct slice declared_text_value(struct request *r, const char *name);

/* --- declared_change.c: headers, query, JSON fields --- */

enum { CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE, CHANGE_RENAME };

struct declared_header {
	char *name;
	struct declared_text value;
	int what; /* CHANGE_SET, CHANGE_ADD, CHANGE_REMOVE */
};

struct declared_field {
	char *path; /* "a.b.0.c" */
	json_t *value;
	struct declared_text text; /* of a value that is a text */
	char *to;                  /* of a rename */
	int what; /* CHANGE_SET, CHANGE_REMOVE, CHANGE_RENAME */
};

enum { CHANGES_TOP = 32 };

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

struct declared_reading;

/* "request" and "response" of a route. */
int declared_change_read(struct declared_change *c, struct declared_reading *rd,
	const json_t *v, bool of_answer) _must_check_;
void declared_change_done(struct declared_change *c);
/* `in`: a JSON object, else ERR_JSON; *ret in r's arena. */
int declared_change_json(const struct declared_change *c, struct request *r,
	struct slice in, struct slice *ret, struct fault *why) _must_check_;
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

struct declared_full *declared_full_free(struct declared_full *f);
/* "function hello", for a reader. */
void declared_put_target(struct buf *to, const struct declared_route *d);

/* --- declared_read.c: a file → routes --- */

struct declared_reading {
	const struct declared_source *source;
	struct loop *loop;
	json_t *upstreams; /* {name: integer}, its place in table */
	struct declared_table *table;
	struct declared_full *route; /* under way */
	struct declared_change *change;
	bool of_answer;
	int what;          /* set, add, remove or rename */
	struct buf *where; /* "routes[3].to" */
	struct fault *why;
};

/* A row of a table of members: what an object may hold, and who reads it. */
struct declared_member {
	const char *name;
	int (*read)(struct declared_reading *rd, const json_t *v);
};

/* Sets "routes.json: routes[3].to: …". */
int declared_refuse(struct declared_reading *rd, const char *fmt, ...)
	_printf_(2, 3);
/* Begin and end of a member: `mark = declared_enter(rd, "to")`. */
size_t declared_enter(struct declared_reading *rd, const char *name);
size_t declared_enter_at(struct declared_reading *rd, size_t i);
void declared_leave(struct declared_reading *rd, size_t mark);
/* Each member of the object `v` by its row; one without is refused, with the
 * nearest that is known. */
int declared_members(struct declared_reading *rd, const json_t *v,
	const struct declared_member *rows, size_t count) _must_check_;
int declared_read_string(struct declared_reading *rd, const json_t *v,
	size_t top, const char **ret) _must_check_;
int declared_read_text(struct declared_reading *rd, const json_t *v,
	struct declared_text *ret) _must_check_;
int declared_read_target(
	struct declared_reading *rd, const json_t *v) _must_check_;
/* Into rd->route. */
int declared_read_route(
	struct declared_reading *rd, const json_t *v) _must_check_;
int declared_read_file(struct declared_reading *rd) _must_check_;
/* upstream_new, where it is built. */
int declared_upstream_new(struct upstream **ret, struct loop *loop,
	const char *name, const json_t *spec, bool trusted,
	struct fault *why) _must_check_;
void declared_upstream_drop(struct upstream *u);
/* A header's name as RFC 9110, 5.1 has it, and none that is ours to set. */
int declared_read_header_name(
	struct declared_reading *rd, const char *name) _must_check_;

/* --- declared_path.c: patterns and the tree --- */

/* f->path → kind, depth, names. */
int declared_path_read(struct declared_full *f, struct fault *why) _must_check_;
/* Whether the path fits this route alone; *captures may be NULL. */
bool declared_path_fits(const struct declared_full *f, struct slice path,
	struct declared_captures *captures, struct slice *rest);
/* The same of a guard, `path` as declared_loose.c has loosened it. */
bool declared_path_fits_loosely(
	const struct declared_full *f, struct slice path);
bool declared_host_fits(const char *pattern, struct slice host);
/* "Example.com:8080" → "example.com", in the arena. */
struct slice declared_host_of(struct arena *a, struct slice host);

enum declared_why {
	FITS,
	WHY_HOST,
	WHY_PATH,
	WHY_METHOD,
	WHY_HEADER, /* + its number */
};
/* The conditions beside the path. */
enum declared_why declared_check(const struct declared_full *f,
	const struct declared_ask *ask, struct slice host, size_t *which);
/* Whether `a` fits wherever `b` does, by the same path. */
bool declared_covers(
	const struct declared_full *a, const struct declared_full *b);
/* Negative: `a` answers before `b`, both of one file, both fitting. */
int declared_compare(
	const struct declared_full *a, const struct declared_full *b);

/* --- declared_loose.c: spellings of one path --- */

bool declared_has_dots(struct slice path);
/* Notes a route that asks for something. */
void declared_guard(struct declared_table *t, struct declared_full *f);
/* The guard that `f` would be a way around, or NULL: a reader more careless
 * than we are may take ask->path for one of the guard's. */
const struct declared_route *declared_evaded(const struct declared_table *t,
	const struct declared_ask *ask, struct slice host,
	const struct declared_full *f);

struct declared_tree;
struct declared_tree *declared_tree_new(void) _returns_value_;
struct declared_tree *declared_tree_free(struct declared_tree *t);
/* Returns a route that takes all requests which `f` could, and goes first;
 * NULL: there is none. */
const struct declared_full *declared_tree_add(
	struct declared_tree *t, struct declared_full *f);
/* The route that answers, or NULL; ask->allowed gathers methods. */
const struct declared_full *declared_tree_find(const struct declared_tree *t,
	struct declared_ask *ask, struct slice host);

enum { DECLARED_SOURCES = 4, DECLARED_UPSTREAMS_TOP = 100 };

struct declared_table {
	unsigned refs;
	size_t count, room;
	struct declared_full **routes; /* in the files' order */
	size_t nsources;
	struct declared_tree *tree[DECLARED_SOURCES];
	size_t nguards, guards_room;
	struct declared_full **guards; /* declared_loose.c */
	bool guards_upper;             /* upper case is in a path of theirs */
	size_t nupstreams;
	struct upstream *upstreams[DECLARED_UPSTREAMS_TOP];
	struct limit_rules *limits;
	json_t *limits_json; /* all files', put together */
	json_t *names;       /* {name: place} */
};
