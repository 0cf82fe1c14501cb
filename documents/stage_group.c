/*
 * $group: PostgreSQL's own aggregates over columns v1, v2 …, each accumulator's
 * argument, which an inner select computes once.
 *
 * Sums keep integers and doubles apart, because an integer's sum is exact;
 * $min and $max compare numbers as numbers and call a function only for
 * values of other types.
 */
#include "documents/stage.h"

enum acc_flags {
	ACC_NUMBERED = 1, /* takes {"input", "n"} */
	ACC_ORDERED = 2,  /* the order of rows matters */
	ACC_NO_ARG = 4,
};

/* SQL of an accumulator: @ is its column, # the order of rows ("" or
 * " ORDER BY n"), ~ the same backwards, ! the argument n. */
static const struct acc {
	const char *name;
	int flags;
	const char *sql;
} accs[] = {
	{"$addToSet", 0,
		"mpcloud.array_set(coalesce(jsonb_agg(@) FILTER (WHERE @ IS "
		"NOT NULL), '[]'))"},
	{"$avg", 0,
		"mpcloud.avg_of(sum(CASE WHEN mpcloud.is_int(@) THEN "
		"@::numeric END), sum(CASE WHEN mpcloud.is_int(@) THEN NULL "
		"ELSE mpcloud.to_double(@) END), count(*) FILTER (WHERE "
		"mpcloud.is_num(@)))"},
	{"$count", ACC_NO_ARG, "to_jsonb(count(*))"},
	{"$first", ACC_ORDERED, "coalesce((array_agg(@#))[1], 'null')"},
	{"$firstN", ACC_ORDERED | ACC_NUMBERED,
		"mpcloud.op_some('$firstN', coalesce(jsonb_agg(@#), '[]'), !)"},
	{"$last", ACC_ORDERED, "coalesce((array_agg(@~))[*], 'null')"},
	{"$lastN", ACC_ORDERED | ACC_NUMBERED,
		"mpcloud.op_some('$lastN', coalesce(jsonb_agg(@#), '[]'), !)"},
	{"$max", 0,
		"mpcloud.greater_of(max(CASE jsonb_typeof(@) WHEN 'number' "
		"THEN @::numeric END), mpcloud.greatest(@) FILTER (WHERE "
		"jsonb_typeof(@) NOT IN ('number', 'null')))"},
	{"$maxN", ACC_NUMBERED,
		"mpcloud.op_some('$maxN', coalesce(jsonb_agg(@), '[]'), !)"},
	{"$mergeObjects", ACC_ORDERED,
		"coalesce(mpcloud.merged(mpcloud.op_merge_objects(ARRAY[@])#), "
		"'{}')"},
	{"$min", 0,
		"mpcloud.lesser_of(min(CASE jsonb_typeof(@) WHEN 'number' "
		"THEN @::numeric END), mpcloud.least(@) FILTER (WHERE "
		"jsonb_typeof(@) NOT IN ('number', 'null')))"},
	{"$minN", ACC_NUMBERED,
		"mpcloud.op_some('$minN', coalesce(jsonb_agg(@), '[]'), !)"},
	{"$push", ACC_ORDERED,
		"coalesce(jsonb_agg(@#) FILTER (WHERE @ IS NOT NULL), '[]')"},
	{"$stdDevPop", 0,
		"coalesce(mpcloud.num(stddev_pop(mpcloud.to_double(@))), "
		"'null')"},
	{"$stdDevSamp", 0,
		"coalesce(mpcloud.num(stddev_samp(mpcloud.to_double(@))), "
		"'null')"},
	{"$sum", 0,
		"mpcloud.sum_of(sum(CASE WHEN mpcloud.is_int(@) THEN "
		"@::numeric END), sum(CASE WHEN mpcloud.is_int(@) THEN NULL "
		"ELSE mpcloud.to_double(@) END))"},
};

enum { OUTPUTS_TOP = 40 }; /* PostgreSQL: 100 arguments of a function */

struct member {
	struct member *next;
	const char *name;
	const struct acc *acc;
	struct expr *expr;       /* or NULL */
	int64_t n;               /* of an ACC_NUMBERED */
	const struct slice *one; /* $sum of an integer: it is counted */
};

struct group {
	struct member *members;
	bool has_order;
};

static const struct acc *
find_acc(const char *name)
{
	for (size_t i = 0; i < array_size(accs); i++)
		if (strcmp(accs[i].name, name) == 0)
			return &accs[i];
	return NULL;
}

bool
group_has_order(const struct group *g)
{
	return g->has_order;
}

void
group_rename(struct group *g, const char *name)
{
	g->members->name = name;
}

static bool
is_integer(const struct slice *value)
{
	if (!value || value->len == 0 || value->len > 15)
		return false;
	for (size_t i = 0; i < value->len; i++)
		if (!strchr("-0123456789", value->ptr[i]))
			return false;
	return true;
}

static int
read_arg(struct pipe *p, struct member *m, const json_t *v)
{
	const json_t *n = json_object_get(v, "n");
	int r;

	if (m->acc->flags & ACC_NO_ARG) {
		if (json_is_object(v) && json_object_size(v) == 0)
			return 0;
		return stage_wrong(
			p, "%s takes no arguments, i.e. {}", m->acc->name);
	}
	if (m->acc->flags & ACC_NUMBERED) {
		v = json_object_get(v, "input");
		if (!v || value_int(n, 1, INT32_MAX, &m->n, NULL) < 0)
			return stage_wrong(p,
				"%s takes 'input' and a positive whole number "
				"'n'",
				m->acc->name);
	} else if (json_is_array(v) && json_array_size(v) == 1) {
		v = json_array_get(v, 0);
	} else if (json_is_array(v) && json_array_size(v) > 1) {
		return stage_wrong(p, "The %s accumulator is a unary operator",
			m->acc->name);
	}
	r = stage_expr(p, v, &m->expr);
	if (r == 0 && strcmp(m->acc->name, "$sum") == 0 &&
		is_integer(expr_value(m->expr)))
		m->one = expr_value(m->expr);
	return r;
}

static int
read_member(struct pipe *p, const char *name, const json_t *v, struct member *m)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);
	const char *op = at ? json_object_iter_key(at) : "";
	int r = stage_check_name(p, "$group", name);

	if (r < 0)
		return r;
	if (!json_is_object(v) || json_object_size(v) != 1 || op[0] != '$')
		return stage_wrong(p,
			"The field '%.60s' must be an "
			"accumulator object",
			name);
	m->name = name;
	m->acc = find_acc(op);
	if (!m->acc)
		return fault_set(p->why, ERR_DB_OPERATOR,
			"unknown group operator '%.60s'", op);
	return read_arg(p, m, json_object_iter_value(at));
}

int
group_parse(
	struct pipe *p, const json_t *v, const char *except, struct group **ret)
{
	struct group *g = arena_new(p->arena, struct group);
	struct member **at = &g->members;
	const char *name;
	json_t *item;
	int r = 0;

	if (json_object_size(v) > STAGE_FIELDS_TOP)
		return stage_wrong(
			p, "$group may have %d fields", STAGE_FIELDS_TOP);
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		if (except && strcmp(name, except) == 0)
			continue;
		*at = arena_new(p->arena, struct member);
		r = read_member(p, name, item, *at);
		if (r < 0)
			return r;
		g->has_order |= ((*at)->acc->flags & ACC_ORDERED) != 0;
		at = &(*at)->next;
	}
	*ret = g;
	return 0;
}

void
group_put_inputs(
	struct pipe *p, const struct group *g, const struct sql_from *from)
{
	unsigned i = 0;

	for (const struct member *m = g->members; m; m = m->next, i++) {
		if (!m->expr || m->one)
			continue;
		sql_add(p->s, ", ");
		sql_expr(p->s, m->expr, from);
		buf_printf(&p->s->text, " AS v%u", i);
	}
}

static void
put_acc(struct pipe *p, const struct member *m, unsigned i)
{
	struct buf *to = &p->s->text;

	for (const char *c = m->acc->sql; *c; c++) {
		if (*c == '@') {
			buf_printf(to, "v%u", i);
		} else if (*c == '#') {
			buf_str(to, p->sorted ? " ORDER BY n" : "");
		} else if (*c == '~') {
			buf_str(to, p->sorted ? " ORDER BY n DESC" : "");
		} else if (*c == '*' && c[-1] == '[') {
			buf_str(to, p->sorted ? "1" : "count(*)");
		} else if (*c == '!') {
			sql_add(p->s, "to_jsonb(");
			sql_param_i64(p->s, m->n);
			sql_add(p->s, ")");
		} else {
			buf_char(to, *c);
		}
	}
}

static void
put_output(struct pipe *p, const struct member *m, unsigned i)
{
	struct sql *s = p->s;

	sql_param(s, slice_str(m->name), "text");
	sql_add(s, ", ");
	if (m->one) {
		sql_add(s, "to_jsonb(count(*) * ");
		sql_param(s, *m->one, "numeric");
		sql_add(s, ")");
	} else {
		put_acc(p, m, i);
	}
}

void
group_put_outputs(struct pipe *p, const struct group *g)
{
	unsigned i = 0;

	for (const struct member *m = g->members; m; m = m->next, i++) {
		sql_add(p->s,
			i % OUTPUTS_TOP ? ", " : " || jsonb_build_object(");
		put_output(p, m, i);
		if (!m->next || (i + 1) % OUTPUTS_TOP == 0)
			sql_add(p->s, ")");
	}
}

/* "(SELECT key AS k, … FROM s1 OFFSET 0) g"; n: the order of rows. */
static void
put_inner(struct pipe *p, const struct group *g, const struct expr *id)
{
	struct sql_from from = stage_document(p);
	struct sql *s = p->s;

	sql_add(s, "(SELECT ");
	sql_add(s, expr_is_total(id) ? "" : "coalesce(");
	sql_expr(s, id, &from);
	sql_add(s, expr_is_total(id) ? " AS k" : ", 'null') AS k");
	group_put_inputs(p, g, &from);
	if (p->sorted && g->has_order)
		sql_add(s, ", row_number() OVER () AS n");
	stage_from(p);
	sql_add(s, " OFFSET 0) g");
}

static int
put_group(struct pipe *p, const struct group *g, const struct expr *id,
	bool by_count)
{
	bool one = expr_value(id) != NULL;
	struct sql *s = p->s;
	unsigned n = stage_open(p);

	p->sorted = p->sorted && g->has_order;
	sql_add(s, "SELECT jsonb_build_object('_id', ");
	if (one)
		sql_param(s, *expr_value(id), "jsonb");
	else
		sql_add(s, "k");
	sql_add(s, ")");
	group_put_outputs(p, g);
	sql_add(s, " AS doc FROM ");
	put_inner(p, g, id);
	sql_add(s, one ? " HAVING count(*) > 0" : " GROUP BY k");
	if (by_count)
		sql_add(s, one ? " ORDER BY 1"
			       : " ORDER BY count(*) DESC, mpcloud.key(k)");
	sql_add(s, " OFFSET 0");
	stage_close(p, n);
	stage_made(p);
	p->sorted = by_count;
	return 0;
}

int
stage_put_group(struct pipe *p, const json_t *v)
{
	const json_t *key = json_object_get(v, "_id");
	struct group *g;
	struct expr *id;
	int r;

	if (!json_is_object(v))
		return stage_wrong(
			p, "a group's fields must be specified in an object");
	if (!key)
		return stage_wrong(
			p, "a group specification must include an _id");
	r = stage_expr(p, key, &id);
	if (r == 0)
		r = group_parse(p, v, "_id", &g);
	return r < 0 ? r : put_group(p, g, id, false);
}

int
stage_put_sort_by_count(struct pipe *p, const json_t *v)
{
	_json_ json_t *count = json_pack("{s:{s:i}}", "count", "$sum", 1);
	struct group *g;
	struct expr *id;
	int r;

	if (!(json_is_object(v) ||
		    (json_is_string(v) && json_string_value(v)[0] == '$')))
		return stage_wrong(p, "the sortByCount field must be defined "
				      "as a $-prefixed path or an expression "
				      "inside an object");
	r = stage_expr(p, v, &id);
	if (r == 0)
		r = group_parse(p, count, NULL, &g);
	if (r == 0)
		group_rename(g, "count");
	return r < 0 ? r : put_group(p, g, id, true);
}

int
stage_put_count(struct pipe *p, const json_t *v)
{
	const char *name = json_string_value(v);
	unsigned n;
	int r;

	if (!name)
		return stage_wrong(
			p, "the count field must be a non-empty string");
	r = stage_check_name(p, "$count", name);
	if (r < 0)
		return r;
	n = stage_open(p);
	sql_add(p->s, "SELECT jsonb_build_object(");
	sql_param(p->s, slice_str(name), "text");
	sql_add(p->s, ", count(*)) AS doc");
	stage_from(p);
	sql_add(p->s, " HAVING count(*) > 0");
	stage_close(p, n);
	stage_made(p);
	p->sorted = false;
	return 0;
}
