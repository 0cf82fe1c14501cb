#pragma once

/*
 * Between query.c, which knows how conditions are put together, and the files
 * that know what each operator takes.
 */

#include "documents/query.h"

enum { QUERY_CONDITIONS = 400, QUERY_NESTING = 20 };

struct query_parse {
	struct arena *arena;
	int64_t now_ms;
	struct fault *why;
	const char *const *vars; /* that expressions may name */
	unsigned conditions, depth;
	bool inside; /* an element: no operators of whole documents */
};

/* What an operator of a field gets. */
struct query_arg {
	const char *name;    /* "$gt" */
	const json_t *v;     /* what it takes */
	const json_t *about; /* the object it stands in, for $options */
	const struct path *path;
	enum query_op op;
};

/* Words for ERR_TOO_BIG. */
int query_too_big(struct query_parse *p);
int query_unknown(struct query_parse *p, const char *name);
/* A new last part of `parent`. */
int query_add(struct query_parse *p, struct query *parent, enum query_op op,
	struct query **ret) _must_check_;
int query_add_leaf(struct query_parse *p, struct query *parent,
	enum query_op op, const struct path *path,
	struct query **ret) _must_check_;
/* One step further in; query_leave when done. */
int query_enter(struct query_parse *p) _must_check_;
void query_leave(struct query_parse *p);
/* Text into the arena: the tree does not point into the JSON. */
int query_keep(struct query_parse *p, struct slice *ret,
	const struct buf *text) _must_check_;
int query_copy(struct query_parse *p, struct slice *ret,
	struct slice text) _must_check_;

/* {"a": …, "$or": […]} into parts of `all`. */
int query_put_top(
	struct query_parse *p, const json_t *v, struct query *all) _must_check_;
/* {"$gt": 5, "$lt": 8} */
int query_put_ops(struct query_parse *p, const json_t *v,
	const struct path *path, struct query *all) _must_check_;
/* One operator of a field. */
int query_put_op(struct query_parse *p, struct query_arg *a,
	struct query *all) _must_check_;
/* Equal to a plain value, or fit for a regular expression. */
int query_put_value(struct query_parse *p, const json_t *v,
	const struct path *path, struct query *all) _must_check_;
/* An object of operators; a tagged value and a plain object are values. */
bool query_has_ops(const json_t *v);

/* query_leaf.c, query_set.c, query_geo.c, query_text.c, query_schema.c: what
 * operators take. */
typedef int query_put(
	struct query_parse *p, const struct query_arg *a, struct query *all);
query_put query_put_eq, query_put_compare, query_put_exists, query_put_not,
	query_put_size, query_put_mod, query_put_type, query_put_regex,
	query_put_aside;
query_put query_put_in, query_put_all, query_put_elem;
query_put query_put_near, query_put_within, query_put_intersects;
int query_put_text(
	struct query_parse *p, const json_t *v, struct query *all) _must_check_;
int query_put_schema(
	struct query_parse *p, const json_t *v, struct query *all) _must_check_;
/* The stored form of `v` and what goes with it. */
int query_read(
	struct query_parse *p, const json_t *v, struct query *q) _must_check_;

static inline bool
query_is_id(const struct path *path)
{
	return path->count == 1 && path_starts(path, "_id");
}
