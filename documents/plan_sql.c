/*
 * Conditions on keys.  A key is made here when its form is plain (a number
 * [2.2, n], a text [3, s], …: see routines/keys.sql) and by mpcloud.key when it
 * is not; bounds of the value's own type stand beside each range, because
 * MongoDB compares within a type only.
 */
#include "documents/plan_inside.h"

#define ARRAYS "'[200, null]'::jsonb"

static void
put_call(struct sql *s, struct slice function, const char *doc)
{
	buf_slice(&s->text, function);
	sql_add(s, "(");
	sql_add(s, doc);
	sql_add(s, ")");
}

void
plan_put_key(struct sql *s, const struct index_field *field, const char *doc)
{
	put_call(s, field->key, doc);
}

static const struct rank {
	const char *of;         /* "[3, " before the value */
	const char *low, *high; /* of the type */
	const char *below;      /* how `high` is compared */
} ranks[] = {
	[VALUE_BOOL] = {"[8, ", "'[8, null]'", "'[9, null]'", " < "},
	[VALUE_NUMBER] = {"[2.2, ", "'[2.1, null]'", "'[2.3, null]'", " <= "},
	[VALUE_STRING] = {"[3, ", "'[3, null]'", "'[4, null]'", " < "},
	[VALUE_DATE] = {"[9, ", "'[9, null]'", "'[10, null]'", " < "},
	[VALUE_OID] = {"[7, ", "'[7, null]'", "'[8, null]'", " < "},
};

/* {"$date":5} → 5, {"$oid":"…"} → "…" */
static struct slice
untag(const struct query *q)
{
	const char *colon;

	if (q->kind != VALUE_DATE && q->kind != VALUE_OID)
		return q->value;
	colon = memchr(q->value.ptr, ':', q->value.len);
	if (!colon)
		return q->value;
	return slice_of(colon + 1,
		(size_t)(q->value.ptr + q->value.len - 1 - (colon + 1)));
}

static void
put_value(struct sql *s, const struct query *q)
{
	_buf_ struct buf key = {0};

	if (q->kind == VALUE_NULL) {
		sql_add(s, "'[1, null]'::jsonb");
		return;
	}
	if (q->kind == VALUE_STRING && q->text.len > PLAN_TEXT) {
		sql_add(s, "mpcloud.key(");
		sql_param(s, q->value, "jsonb");
		sql_add(s, ")");
		return;
	}
	buf_init(&key, 8192);
	buf_str(&key, ranks[q->kind].of);
	buf_slice(&key, untag(q));
	buf_char(&key, ']');
	sql_param_buf(s, &key, "jsonb");
}

/* jsonb[]: the keys of all that an EQ, IN or OR of such names. */
static void
put_values(struct sql *s, const struct query *q)
{
	if (q->op == QUERY_EQ) {
		sql_add(s, "ARRAY[");
		put_value(s, q);
		sql_add(s, "]");
	} else if (q->op == QUERY_IN) {
		sql_add(s, "ARRAY(SELECT mpcloud.key(e) FROM "
			   "jsonb_array_elements(");
		sql_param(s, q->value, "jsonb");
		sql_add(s, ") e)");
	} else {
		for (const struct query *at = q->parts; at; at = at->next) {
			if (at != q->parts)
				sql_add(s, " || ");
			put_values(s, at);
		}
	}
}

/* Where the value's type begins or ends.  `with_id`: said of key and _id
 * together, which PostgreSQL does not take for the other end of a range; it
 * would guess that the range holds one document in 200, and plan anew for each
 * value that holds more. */
static void
put_edge(struct sql *s, const struct plan_field *use, const struct query *q,
	bool with_id, const char *doc)
{
	const struct rank *rank = &ranks[q->kind];
	bool up = q->op == QUERY_GT || q->op == QUERY_GTE;

	sql_add(s, with_id ? "(" : "");
	plan_put_key(s, use->field, doc);
	sql_add(s, with_id ? ", _id)" : "");
	sql_add(s, up ? rank->below : " >= ");
	sql_add(s, with_id ? "(" : "");
	sql_add(s, up ? rank->high : rank->low);
	sql_add(s, "::jsonb");
	if (with_id)
		sql_add(s, up && rank->below[2] == '=' ? ", U&'\\+10FFFF')"
						       : ", '')");
}

static void
put_range(struct sql *s, const struct plan_field *use, const struct query *q,
	bool with_id, const char *doc)
{
	static const char *const ops[] = {
		[QUERY_GT] = " > ",
		[QUERY_GTE] = " >= ",
		[QUERY_LT] = " < ",
		[QUERY_LTE] = " <= ",
	};

	plan_put_key(s, use->field, doc);
	sql_add(s, ops[q->op]);
	put_value(s, q);
	sql_add(s, " AND ");
	put_edge(s, use, q, with_id, doc);
}

/* For documents with an array. */
static void
put_exact(struct sql *s, const struct plan_field *use,
	const struct sql_from *from)
{
	if (use->equal) {
		sql_add(s, " AND ");
		sql_query(s, use->equal, from);
	}
	for (unsigned i = 0; i < use->ranges; i++) {
		sql_add(s, " AND ");
		sql_query(s, use->range[i], from);
	}
}

/* _id stands behind the last field, of an index that is not unique. */
static bool
is_before_id(const struct plan *plan, unsigned at)
{
	return !plan->index->unique && at + 1 == plan->index->count &&
	       !plan->use[at].field->descends;
}

void
plan_put_scalar(struct sql *s, const struct plan *plan, unsigned at,
	bool bounded, const char *doc)
{
	const struct plan_field *use = &plan->use[at];
	bool with_id = bounded && use->ranges == 1 && is_before_id(plan, at);

	if (use->equal) {
		plan_put_key(s, use->field, doc);
		sql_add(s, use->is_one ? " = " : " = ANY (");
		if (use->is_one)
			put_value(s, use->equal);
		else
			put_values(s, use->equal);
		if (!use->is_one)
			sql_add(s, ")");
		return;
	}
	for (unsigned i = 0; i < use->ranges; i++) {
		if (i)
			sql_add(s, " AND ");
		put_range(s, use, use->range[i], with_id, doc);
	}
	if (bounded && !use->ranges) {
		plan_put_key(s, use->field, doc);
		sql_add(s, " < " ARRAYS);
	}
}

/* Only the first field has its arrays' elements in an index. */
static void
put_elements(struct sql *s, const struct plan_field *use, const char *doc)
{
	if (!use->equal)
		return;
	sql_add(s, " AND ");
	put_call(s, use->field->keys, doc);
	sql_add(s, use->is_one ? " @> " : " && (");
	put_values(s, use->equal);
	if (!use->is_one)
		sql_add(s, ")");
}

/* The fields before number `at` hold no arrays, that one does. */
static void
put_arm(struct sql *s, const struct plan *plan, unsigned at, bool bounded,
	const struct sql_from *from)
{
	for (unsigned i = 0; i < at; i++) {
		plan_put_scalar(s, plan, i, bounded, from->doc);
		sql_add(s, " AND ");
	}
	plan_put_key(s, plan->use[at].field, from->doc);
	sql_add(s, " >= " ARRAYS);
	if (at == 0)
		put_elements(s, &plan->use[0], from->doc);
	for (unsigned i = at; i < plan->used; i++)
		put_exact(s, &plan->use[i], from);
}

void
plan_put_arrays(struct sql *s, const struct plan *plan, bool bounded,
	const struct sql_from *from)
{
	struct sql_from plain = *from;

	plain.info = NULL;
	for (unsigned i = 0; i < plan->used; i++) {
		if (i)
			sql_add(s, " OR ");
		put_arm(s, plan, i, bounded, &plain);
	}
}

void
plan_put_holds(struct sql *s, const struct index_info *index, const char *doc)
{
	if (!index->holds.len)
		return;
	sql_add(s, " AND ");
	put_call(s, index->holds, doc);
}

void
plan_put_rest(struct sql *s, const struct plan_parts *parts,
	const struct sql_from *from)
{
	struct sql_from plain = *from;

	plain.info = NULL;
	for (unsigned i = 0; i < parts->count; i++) {
		if (parts->taken[i])
			continue;
		sql_add(s, " AND ");
		sql_query(s, parts->part[i], &plain);
	}
}

bool
plan_is_flat(const struct query *q)
{
	return slice_starts(q->value, "{\"kind\":\"box\"") ||
	       slice_starts(q->value, "{\"kind\":\"circle\"") ||
	       slice_starts(q->value, "{\"kind\":\"polygon\"");
}

void
plan_put_special(struct sql *s, const struct index_info *index,
	const struct query *q, const char *doc)
{
	put_call(s, index->fields[0].key, doc);
	if (index->kind == INDEX_TEXT) {
		sql_add(s, " @@ mpcloud.text_query(");
	} else {
		sql_add(s, " && ");
		buf_slice(&s->text, index->fields[0].keys);
		sql_add(s, "(");
	}
	sql_param(s, q->value, "jsonb");
	sql_add(s, ")");
}
