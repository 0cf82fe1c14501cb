/*
 * $bucket is a $group by the boundary below a value.  $bucketAuto counts the
 * documents of each value first and lets mpcloud.stage_cuts say which bucket
 * each value falls into.
 */
#include "documents/stage.h"

struct bucket {
	const json_t *by, *boundaries, *preset, *buckets;
	struct expr *expr;
	struct group *group;
};

static int
read_output(struct pipe *p, const json_t *output, struct bucket *b)
{
	static const char preset[] = "{\"count\": {\"$count\": {}}}";
	json_t *v;

	if (output && !json_is_object(output))
		return stage_wrong(p, "The 'output' option must be an object");
	if (output)
		return group_parse(p, output, NULL, &b->group);
	/* kept as long as the statement is built */
	v = json_loads(preset, 0, NULL);
	if (!v)
		return -ENOMEM;
	if (group_parse(p, v, NULL, &b->group) == 0)
		group_rename(b->group, "count");
	json_decref(v);
	return 0;
}

static int
read_bucket(
	struct pipe *p, const json_t *v, const char *stage, struct bucket *b)
{
	int r;

	b->by = json_object_get(v, "groupBy");
	if (!json_is_object(v) || !b->by)
		return stage_wrong(
			p, "%s requires 'groupBy' to be specified", stage);
	if (!json_is_object(b->by) &&
		!(json_is_string(b->by) && json_string_value(b->by)[0] == '$'))
		return stage_wrong(p,
			"The %s 'groupBy' field must be defined as a "
			"$-prefixed path or an expression",
			stage);
	r = stage_expr(p, b->by, &b->expr);
	return r < 0 ? r : read_output(p, json_object_get(v, "output"), b);
}

static int
check_names(struct pipe *p, const json_t *v, const char *stage,
	const char *const *names, size_t count)
{
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known |= strcmp(key, names[i]) == 0;
		if (!known)
			return stage_wrong(p,
				"Unrecognized option to %s: %.60s", stage, key);
	}
	return 0;
}

/* A constant, in the stored form. */
static int
put_constant(struct pipe *p, const json_t *v, const char *what)
{
	struct expr *e;
	int r = stage_expr(p, v, &e);

	if (r == 0 && !expr_value(e))
		return stage_wrong(p, "%s must be constant", what);
	if (r == 0)
		sql_param(p->s, *expr_value(e), "jsonb");
	return r;
}

static int
put_bucket(struct pipe *p, const struct bucket *b)
{
	struct sql_from from = stage_document(p);
	bool ordered = p->sorted && group_has_order(b->group);
	struct sql *s = p->s;
	unsigned n = stage_open(p);
	int r;

	p->sorted = ordered;
	sql_add(s, "SELECT jsonb_build_object('_id', k)");
	group_put_outputs(p, b->group);
	sql_add(s, " AS doc FROM (SELECT mpcloud.stage_bucket(");
	sql_expr(s, b->expr, &from);
	sql_add(s, ", mpcloud.stage_bounds(");
	r = put_constant(p, b->boundaries, "The $bucket 'boundaries'");
	sql_add(s, ", ");
	if (r == 0 && b->preset)
		r = put_constant(p, b->preset, "The $bucket 'default' field");
	else
		sql_add(s, "NULL");
	sql_add(s, "), ");
	if (r == 0 && b->preset)
		r = put_constant(p, b->preset, "The $bucket 'default' field");
	else
		sql_add(s, "NULL");
	sql_add(s, ") AS k");
	group_put_inputs(p, b->group, &from);
	sql_add(s, ordered ? ", row_number() OVER () AS n" : "");
	stage_from(p);
	sql_add(s, " OFFSET 0) g GROUP BY k ORDER BY mpcloud.key(k) OFFSET 0");
	stage_close(p, n);
	stage_made(p);
	p->sorted = true;
	return r;
}

int
stage_put_bucket(struct pipe *p, const json_t *v)
{
	static const char *const names[] = {
		"groupBy", "boundaries", "default", "output"};
	struct bucket b = {0};
	int r = check_names(p, v, "$bucket", names, array_size(names));

	if (r == 0)
		r = read_bucket(p, v, "$bucket", &b);
	if (r < 0)
		return r;
	b.boundaries = json_object_get(v, "boundaries");
	b.preset = json_object_get(v, "default");
	if (!json_is_array(b.boundaries) || json_array_size(b.boundaries) < 2)
		return stage_wrong(p, "The $bucket 'boundaries' field must be "
				      "an array of at least 2 values");
	return put_bucket(p, &b);
}

/* s5: the rows with their value k; s6: each value once with its bucket; s7: the
 * least and the next bucket's least value of each bucket. */
static void
put_buckets(struct pipe *p, const struct bucket *b, int64_t buckets)
{
	struct sql_from from = stage_document(p);
	bool ordered = p->sorted && group_has_order(b->group);
	struct sql *s = p->s;
	unsigned rows = stage_open(p), values, limits, n;

	p->sorted = ordered;
	sql_add(s, "SELECT coalesce(");
	sql_expr(s, b->expr, &from);
	sql_add(s, ", 'null') AS k");
	group_put_inputs(p, b->group, &from);
	sql_add(s, ordered ? ", row_number() OVER () AS n" : "");
	stage_from(p);
	sql_add(s, " OFFSET 0");
	stage_close(p, rows);

	values = stage_open(p);
	sql_add(s, "SELECT c.k, c.r, a.cuts[c.r] AS b FROM (SELECT k, count(*) "
		   "AS c, row_number() OVER (ORDER BY mpcloud.key(k)) AS r");
	stage_from(p);
	sql_add(s, " GROUP BY k) c, LATERAL (SELECT mpcloud.stage_cuts("
		   "array_agg(d.c ORDER BY d.r), ");
	sql_param_i64(s, buckets);
	sql_add(s, ") AS cuts FROM (SELECT count(*) AS c, row_number() OVER "
		   "(ORDER BY mpcloud.key(k)) AS r");
	stage_from(p);
	sql_add(s, " GROUP BY k) d) a OFFSET 0");
	stage_close(p, values);

	limits = stage_open(p);
	sql_add(s, "SELECT b, (array_agg(k ORDER BY r))[1] AS low, "
		   "(array_agg(k ORDER BY r DESC))[1] AS high");
	stage_from(p);
	sql_add(s, " GROUP BY b");
	stage_close(p, limits);

	n = stage_open(p);
	sql_add(s, "SELECT jsonb_build_object('_id', jsonb_build_object('min', "
		   "l.low, 'max', coalesce(m.low, l.high)))");
	group_put_outputs(p, b->group);
	buf_printf(&s->text,
		" AS doc FROM s%u g JOIN s%u v ON v.k = g.k JOIN s%u l ON l.b "
		"= v.b LEFT JOIN s%u m ON m.b = l.b + 1 GROUP BY l.b, l.low, "
		"l.high, m.low ORDER BY l.b OFFSET 0",
		rows, values, limits, limits);
	stage_close(p, n);
	stage_made(p);
	p->sorted = true;
}

int
stage_put_bucket_auto(struct pipe *p, const json_t *v)
{
	static const char *const names[] = {
		"groupBy", "buckets", "output", "granularity"};
	struct bucket b = {0};
	int64_t buckets;
	int r = check_names(p, v, "$bucketAuto", names, array_size(names));

	if (r == 0)
		r = read_bucket(p, v, "$bucketAuto", &b);
	if (r < 0)
		return r;
	if (value_int(json_object_get(v, "buckets"), 1, INT32_MAX, &buckets,
		    NULL) < 0)
		return stage_wrong(p, "The $bucketAuto 'buckets' field must be "
				      "a positive whole number");
	if (json_object_get(v, "granularity"))
		return stage_wrong(p, "$bucketAuto: 'granularity' is not "
				      "offered: name the boundaries in a "
				      "$bucket instead");
	put_buckets(p, &b, buckets);
	return 0;
}
