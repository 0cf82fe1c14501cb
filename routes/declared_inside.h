#pragma once

/*
 * What the declared*.c files of this folder share, and nobody else sees.
 */

#include "routes/declared_full.h"

struct declared_reading;

/* --- declared_text.c, declared_change.c --- */

/* `names`: NULL-ended, those that may stand in it. */
int declared_text_parse(struct declared_text *ret, const char *text,
	const char *const *names, struct fault *why) _must_check_;
void declared_text_done(struct declared_text *t);
/* "request" and "response" of a route. */
int declared_change_read(struct declared_change *c, struct declared_reading *rd,
	const json_t *v, bool of_answer) _must_check_;
void declared_change_done(struct declared_change *c);

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
/* A header's name as RFC 9110, 5.1 has it: another is in no request. */
int declared_header_token(
	struct declared_reading *rd, const char *name) _must_check_;
/* One that is not ours to set, besides. */
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
