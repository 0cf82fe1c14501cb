/*
 * A query tree as a boolean expression.
 *
 * Plain values are compared by jsonpath in lax mode, which enters arrays the
 * way MongoDB does and compares within a type only; the path and the value are
 * parameters, so that few shapes of text exist.  What jsonpath cannot say
 * (objects as values, "missing", steps that may be a member or an index) goes
 * through mpcloud.doc_walk.  Comparisons may be NULL for "unknown": hence IS
 * NOT TRUE.
 */
#include "db/query.h"
#include "db/sql.h"
#include "db/sql_from.h"

static const char *
operator_of(enum query_op op)
{
	static const char *const names[] = {
		[QUERY_EQ] = "==",
		[QUERY_GT] = ">",
		[QUERY_GTE] = ">=",
		[QUERY_LT] = "<",
		[QUERY_LTE] = "<=",
		[QUERY_IN] = "==",
	};

	return names[op];
}

/* $."a"."b" */
static void
put_steps(struct buf *to, const struct path *path)
{
	buf_char(to, '$');
	for (unsigned i = 0; i < path->count; i++) {
		buf_char(to, '.');
		buf_json(to, path->step[i]);
	}
}

/* The value without the tag that `put_test` put into the path. */
static struct slice
bare(const struct query *q)
{
	size_t head = strlen("{\"$date\":");

	if (q->kind != VALUE_DATE || q->op == QUERY_IN)
		return q->value;
	return slice_of(q->value.ptr + head, q->value.len - head - 1);
}

/* ', $1::jsonpath, $2::jsonb, true)': PATH op $v */
static void
add_test(struct sql *s, const struct query *q, const struct path *path)
{
	_buf_ struct buf test, vars;

	buf_init(&test, 8192);
	buf_init(&vars, VALUE_SIZE_TOP + 64);
	put_steps(&test, path);
	if (q->kind == VALUE_DATE)
		buf_str(&test, ".\"$date\"");
	buf_printf(&test, " %s $v%s", operator_of(q->op),
		q->op == QUERY_IN ? "[*]" : "");
	buf_str(&vars, "{\"v\":");
	buf_slice(&vars, bare(q));
	buf_char(&vars, '}');
	sql_add(s, ", ");
	sql_param_buf(s, &test, "jsonpath");
	sql_add(s, ", ");
	sql_param_buf(s, &vars, "jsonb");
	sql_add(s, ", true)");
}

static void
open_walk(struct sql *s, const struct query *q,
	const struct sql_from *from)
{
	sql_add(s, "EXISTS (SELECT 1 FROM mpcloud.doc_walk(");
	sql_add(s, from->doc);
	sql_add(s, ", ");
	sql_param_path(s, &q->path);
	sql_add(s, ", 1) x WHERE ");
}

static void
add_plain(struct sql *s, const struct query *q,
	const struct sql_from *from)
{
	const struct path here = {0};

	if (!q->path.has_index) {
		sql_add(s, "jsonb_path_match(");
		sql_add(s, from->doc);
		add_test(s, q, &q->path);
		return;
	}
	open_walk(s, q, from);
	sql_add(s, "jsonb_path_match(x");
	add_test(s, q, &here);
	sql_add(s, ")");
}

static void
add_eq(struct sql *s, const struct query *q,
	const struct sql_from *from)
{
	if (q->kind != VALUE_NULL && q->kind != VALUE_OTHER) {
		add_plain(s, q, from);
		return;
	}
	open_walk(s, q, from);
	if (q->kind == VALUE_NULL)
		sql_add(s, "x IS NULL OR ");
	sql_add(s, "mpcloud.doc_eq(x, ");
	sql_param(s, q->value, "jsonb");
	sql_add(s, "))");
}

static void
add_exists(struct sql *s, const struct query *q,
	const struct sql_from *from)
{
	open_walk(s, q, from);
	sql_add(s, "x IS NOT NULL)");
}

/* _id is the key: a text, never null, never missing. */
static void
add_id(struct sql *s, const struct query *q)
{
	static const char *const ops[] = {
		[QUERY_EQ] = "_id = ",
		[QUERY_GT] = "_id > ",
		[QUERY_GTE] = "_id >= ",
		[QUERY_LT] = "_id < ",
		[QUERY_LTE] = "_id <= ",
	};

	if (q->op == QUERY_EXISTS) {
		sql_add(s, "TRUE");
	} else if (q->op == QUERY_IN && q->kind != VALUE_DATE) {
		sql_add(s, "_id = ANY (ARRAY(SELECT e #>> '{}' FROM "
			   "jsonb_array_elements(");
		sql_param(s, q->value, "jsonb");
		sql_add(s, ") e WHERE jsonb_typeof(e) = 'string'))");
	} else if (q->kind == VALUE_STRING) {
		sql_add(s, ops[q->op]);
		sql_param(s, q->text, "text");
	} else {
		sql_add(s, "FALSE");
	}
}

static void
add_leaf(struct sql *s, const struct query *q,
	const struct sql_from *from)
{
	if (from->id && q->path.count == 1 && path_starts(&q->path, "_id"))
		add_id(s, q);
	else if (q->op == QUERY_EQ)
		add_eq(s, q, from);
	else if (q->op == QUERY_EXISTS)
		add_exists(s, q, from);
	else
		add_plain(s, q, from);
}

static void
add_parts(struct sql *s, const struct query *q, const struct sql_from *from,
	const char *between, const char *none)
{
	if (!q->parts) {
		sql_add(s, none);
		return;
	}
	sql_add(s, "(");
	for (const struct query *at = q->parts; at; at = at->next) {
		if (at != q->parts)
			sql_add(s, between);
		sql_query(s, at, from);
	}
	sql_add(s, ")");
}

void
sql_query(struct sql *s, const struct query *q, const struct sql_from *from)
{
	switch (q->op) {
	case QUERY_ALL:
		sql_add(s, "TRUE");
		break;
	case QUERY_NONE:
		sql_add(s, "FALSE");
		break;
	case QUERY_AND:
		add_parts(s, q, from, " AND ", "TRUE");
		break;
	case QUERY_OR:
		add_parts(s, q, from, " OR ", "FALSE");
		break;
	case QUERY_NOT:
		sql_add(s, "(");
		sql_query(s, q->parts, from);
		sql_add(s, ") IS NOT TRUE");
		break;
	default:
		add_leaf(s, q, from);
	}
}
