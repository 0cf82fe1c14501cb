/*
 * Leaves of a condition as SQL.
 *
 * Plain values are compared by jsonpath in lax mode, which enters arrays the
 * way MongoDB does and compares within a type only; path and value are one
 * parameter, so that few shapes of text exist.  What jsonpath cannot say
 * (objects as values, "missing", steps that may be a member or an index) goes
 * through the functions of routines/match.sql.
 */
#include "documents/index.h"
#include "documents/query_sql.h"

enum { JSONPATH_TOP = 16 << 20 };

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

/* Of a path without steps the value itself is meant, not its elements. */
static void
put_mode(struct buf *to, const struct path *path)
{
	if (path->count == 0)
		buf_str(to, "strict ");
}

/* What stands behind the tag of {"$date":5}. */
static struct slice
untagged(struct slice stored)
{
	const char *colon = memchr(stored.ptr, ':', stored.len);
	size_t head = (size_t)(colon + 1 - stored.ptr);

	return slice_of(colon + 1, stored.len - head - 1);
}

static const char *
tag_of(enum value_kind kind)
{
	return kind == VALUE_DATE  ? ".\"$date\""
	       : kind == VALUE_OID ? ".\"$oid\""
				   : "";
}

static bool
is_plain(const struct query *q)
{
	return !q->path.has_index && q->kind != VALUE_NULL &&
	       q->kind != VALUE_REGEX && q->kind != VALUE_OTHER;
}

static const char *
sign_of(enum query_op op)
{
	static const char *const signs[] = {
		[QUERY_EQ] = " == ",
		[QUERY_GT] = " > ",
		[QUERY_GTE] = " >= ",
		[QUERY_LT] = " < ",
		[QUERY_LTE] = " <= ",
	};

	return signs[op];
}

/* Infinity is stored apart from the finite numbers. */
static void
put_infinite(struct buf *to, const struct query *q)
{
	if (q->kind != VALUE_NUMBER || q->op == QUERY_EQ)
		return;
	buf_str(to, " || ");
	put_steps(to, &q->path);
	buf_str(to, q->op == QUERY_GT || q->op == QUERY_GTE
			    ? ".\"$numberDouble\" == \"Infinity\""
			    : ".\"$numberDouble\" == \"-Infinity\"");
}

/* doc @@ '$."a" == 5' */
static void
add_test(struct sql *s, const struct query *q, const struct sql_from *from)
{
	_buf_ struct buf test;

	buf_init(&test, JSONPATH_TOP);
	put_mode(&test, &q->path);
	put_steps(&test, &q->path);
	buf_str(&test, tag_of(q->kind));
	buf_str(&test, sign_of(q->op));
	buf_slice(&test, tag_of(q->kind)[0] ? untagged(q->value) : q->value);
	put_infinite(&test, q);
	sql_add(s, from->doc);
	sql_add(s, " @@ ");
	sql_param_buf(s, &test, "jsonpath");
}

static void
open_call(struct sql *s, const char *function, const struct query *q,
	const struct sql_from *from)
{
	sql_add(s, "mpcloud.");
	sql_add(s, function);
	sql_add(s, "(");
	sql_add(s, from->doc);
	sql_add(s, ", ");
	sql_param_path(s, &q->path);
}

static void
close_call(struct sql *s, struct slice value)
{
	sql_add(s, ", ");
	sql_param(s, value, "jsonb");
	sql_add(s, ")");
}

/* doc -> 'a', of a path of one step that no array can stand before. */
static void
add_member(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, from->doc);
	sql_add(s, " -> ");
	sql_param(s, q->path.step[0], "text");
}

static bool
is_member(const struct query *q)
{
	return q->path.count == 1 && !q->path.has_index;
}

/* An array contains a null that is its element, nothing else does. */
static void
add_eq(struct sql *s, const struct query *q, const struct sql_from *from)
{
	if (is_plain(q)) {
		add_test(s, q, from);
	} else if (q->kind == VALUE_NULL && is_member(q)) {
		sql_add(s, "coalesce(");
		add_member(s, q, from);
		sql_add(s, ", 'null') @> 'null'");
	} else {
		open_call(s, "doc_eq", q, from);
		close_call(s, q->value);
	}
}

static void
add_compare(struct sql *s, const struct query *q, const struct sql_from *from)
{
	static const char *const ops[] = {
		[QUERY_GT] = ", 2",
		[QUERY_GTE] = ", 1",
		[QUERY_LT] = ", -2",
		[QUERY_LTE] = ", -1",
	};

	if (is_plain(q)) {
		add_test(s, q, from);
		return;
	}
	open_call(s, "doc_compare", q, from);
	sql_add(s, ops[q->op]);
	close_call(s, q->value);
}

/* jsonb_path_match(doc, '$."a" == $v[*]', '{"v": […]}', true) */
static void
add_in_path(struct sql *s, const struct query *q, const struct sql_from *from)
{
	_buf_ struct buf test, vars;

	buf_init(&test, 16384);
	buf_init(&vars, VALUE_SIZE_TOP + 64);
	put_steps(&test, &q->path);
	buf_printf(&test, "%s == $v[*]%s", tag_of(q->kind), tag_of(q->kind));
	buf_str(&vars, "{\"v\":");
	buf_slice(&vars, q->value);
	buf_char(&vars, '}');
	sql_add(s, "jsonb_path_match(");
	sql_add(s, from->doc);
	sql_add(s, ", ");
	sql_param_buf(s, &test, "jsonpath");
	sql_add(s, ", ");
	sql_param_buf(s, &vars, "jsonb");
	sql_add(s, ", true)");
}

/* Strict mode, which a path without steps needs, gives up at the first value of
 * another type. */
static void
add_in(struct sql *s, const struct query *q, const struct sql_from *from)
{
	if (q->path.count && !q->path.has_index) {
		add_in_path(s, q, from);
		return;
	}
	if (q->path.count) {
		open_call(s, "tried", q, from);
		sql_add(s, ") && ARRAY(");
	} else {
		sql_add(s, from->doc);
		sql_add(s, " = ANY (ARRAY(");
	}
	sql_add(s, "SELECT jsonb_array_elements(");
	sql_param(s, q->value, "jsonb");
	sql_add(s, q->path.count ? "))" : ")))");
}

static void
add_exists(struct sql *s, const struct query *q, const struct sql_from *from)
{
	_buf_ struct buf path = {0};

	if (is_member(q)) {
		sql_add(s, "(");
		add_member(s, q, from);
		sql_add(s, ") IS NOT NULL");
	} else if (q->path.has_index || q->path.count == 0) {
		open_call(s, "doc_exists", q, from);
		sql_add(s, ")");
	} else {
		buf_init(&path, 16384);
		put_steps(&path, &q->path);
		sql_add(s, from->doc);
		sql_add(s, " @? ");
		sql_param_buf(s, &path, "jsonpath");
	}
}

static void
add_type(struct sql *s, const struct query *q, const struct sql_from *from)
{
	open_call(s, "doc_type", q, from);
	close_call(s, q->value);
}

static void
add_size(struct sql *s, const struct query *q, const struct sql_from *from)
{
	open_call(s, "doc_size", q, from);
	sql_add(s, ", ");
	sql_param_i64(s, q->number);
	sql_add(s, ")");
}

static void
add_mod(struct sql *s, const struct query *q, const struct sql_from *from)
{
	open_call(s, "doc_mod", q, from);
	sql_add(s, ", ");
	sql_param_i64(s, q->divisor);
	sql_add(s, ", ");
	sql_param_i64(s, q->number);
	sql_add(s, ")");
}

static void
add_regex(struct sql *s, const struct query *q, const struct sql_from *from)
{
	open_call(s, "doc_regex", q, from);
	sql_add(s, ", ");
	sql_param(s, q->text, "text");
	close_call(s, q->value);
}

/* The document, to a caller who may not see _openid without it. */
static void
add_shown(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, q->hides_openid ? "(" : "");
	sql_add(s, from->doc);
	sql_add(s, q->hides_openid ? " - '_openid')" : "");
}

static void
add_schema(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, "mpcloud.fits(");
	add_shown(s, q, from);
	close_call(s, q->value);
}

/* All texts of the document: an index on some of them is plan.h's business. */
static void
add_text(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, "mpcloud.text_vector(mpcloud.text_all(");
	add_shown(s, q, from);
	sql_add(s, ")) @@ mpcloud.text_query(");
	sql_param(s, q->value, "jsonb");
	sql_add(s, ")");
}

/* The plane needs no PostGIS, and a sphere's absence is told in words. */
static void
add_geo(struct sql *s, const struct query *q, const struct sql_from *from)
{
	bool flat = slice_starts(q->value, "{\"kind\":\"box\"") ||
		    slice_starts(q->value, "{\"kind\":\"circle\"") ||
		    slice_starts(q->value, "{\"kind\":\"polygon\"");

	if (!flat)
		sql_add(s, "CASE WHEN (SELECT mpcloud.geo_ready()) THEN ");
	open_call(s,
		q->op == QUERY_NEAR     ? "geo_near"
		: q->op == QUERY_WITHIN ? "geo_within"
					: "geo_intersects",
		q, from);
	close_call(s, q->value);
	if (!flat)
		sql_add(s, " END");
}

void
sql_query_distance(
	struct sql *s, const struct query *near, const struct sql_from *from)
{
	sql_add(s, "CASE WHEN (SELECT mpcloud.geo_ready()) THEN ");
	open_call(s, "geo_distance", near, from);
	sql_add(s, ", ");
	sql_param(s, near->value, "jsonb");
	sql_add(s, " -> 'at') END");
}

void
query_sql_leaf(
	struct sql *s, const struct query *q, const struct sql_from *from)
{
	static void (*const leaves[])(struct sql * s, const struct query *q,
		const struct sql_from *from) = {
		[QUERY_EQ] = add_eq,
		[QUERY_GT] = add_compare,
		[QUERY_GTE] = add_compare,
		[QUERY_LT] = add_compare,
		[QUERY_LTE] = add_compare,
		[QUERY_IN] = add_in,
		[QUERY_EXISTS] = add_exists,
		[QUERY_TYPE] = add_type,
		[QUERY_SIZE] = add_size,
		[QUERY_MOD] = add_mod,
		[QUERY_REGEX] = add_regex,
		[QUERY_SCHEMA] = add_schema,
		[QUERY_TEXT] = add_text,
		[QUERY_WITHIN] = add_geo,
		[QUERY_INTERSECTS] = add_geo,
		[QUERY_NEAR] = add_geo,
	};

	leaves[q->op](s, q, from);
}

/* _id IN a list: of texts, or of ObjectIds by their digits. */
static void
add_id_in(struct sql *s, const struct query *q, const struct sql_from *from)
{
	sql_add(s, from->id);
	sql_add(s, q->kind == VALUE_OID
			   ? " = ANY (ARRAY(SELECT i ->> '$oid' FROM "
			     "jsonb_array_elements("
			   : " = ANY (ARRAY(SELECT "
			     "jsonb_array_elements_text(");
	sql_param(s, q->value, "jsonb");
	sql_add(s, q->kind == VALUE_OID ? ") i))" : ")))");
}

/* Keys of values that are no texts begin with U+0001, before all texts. */
static void
add_id_compare(
	struct sql *s, const struct query *q, const struct sql_from *from)
{
	bool up = q->op == QUERY_GT || q->op == QUERY_GTE;

	sql_add(s, "(");
	sql_add(s, from->id);
	sql_add(s, q->op == QUERY_GT    ? " > "
		   : q->op == QUERY_GTE ? " >= "
		   : q->op == QUERY_LT  ? " < "
					: " <= ");
	sql_param(s, q->text, "text");
	if (!up || q->text.len == 0) {
		sql_add(s, " AND ");
		sql_add(s, from->id);
		sql_add(s, " >= chr(2)");
	}
	sql_add(s, ")");
}

/* An ObjectId and the text of its digits are the same as an _id: clients see
 * the text only. */
bool
query_sql_id(struct sql *s, const struct query *q, const struct sql_from *from)
{
	if (q->path.count != 1)
		return false;
	if (q->op == QUERY_EXISTS) {
		sql_add(s, "TRUE");
	} else if (q->op == QUERY_EQ && q->text.ptr) {
		sql_add(s, from->id);
		sql_add(s, " = ");
		sql_param(s, q->text, "text");
	} else if (q->op == QUERY_IN) {
		add_id_in(s, q, from);
	} else if (q->op >= QUERY_GT && q->op <= QUERY_LTE &&
		   (q->kind == VALUE_STRING || q->kind == VALUE_OID)) {
		add_id_compare(s, q, from);
	} else {
		return false;
	}
	return true;
}
