/*
 * A followed query is asked in two ways, and both are doc_run's own statement:
 * over the table, for the result; over rows that are given, for whether they
 * fit.  The first of them, text and parameters, is also its identity: where
 * neither query, permission nor rule mention the caller he is not in it.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "documents/access.h"
#include "documents/watch_inside.h"
#include "documents/watch_text.h"

static int
begin(struct doc_build *b, struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct sql *s, int64_t now_ms,
	struct fault *why)
{
	*b = (struct doc_build){
		.docs = &w->docs,
		.req = &want->req,
		.info = info,
		.coll = info->coll,
		.sql = s,
		.arena = &w->scratch,
		.now_ms = now_ms,
		.why = why,
	};
	if (info->version == 0)
		return fault_set(why, ERR_DB_NO_COLLECTION,
			"[ResourceNotFound] Db or Table not exist: %.*s.",
			SLICE_ARG(want->req.collection));
	return doc_prepare_where(b, ACCESS_READ);
}

static void
add_snapshot(struct sql *s, const struct coll_info *info)
{
	sql_add(s, " UNION ALL SELECT NULL, NULL, NULL, "
		   "pg_current_snapshot()::text, mpcloud.is_published(");
	sql_param(s, info->coll.schema, "text");
	sql_add(s, ", ");
	sql_param(s, info->coll.table, "text");
	sql_add(s, ")");
}

int
watch_sql_result(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct sql *s, struct fault *why)
{
	struct doc_build b;
	int r = begin(&b, w, want, info, s, clock_now_ms(), why);

	if (r < 0)
		return r;
	b.with_key = true;
	sql_add(s, "SELECT k, d, i, NULL::text, NULL::boolean FROM (");
	r = doc_sql_find(&b);
	sql_add(s, ") AS rows");
	add_snapshot(s, info);
	return r < 0 ? r : sql_check(s, why);
}

int
watch_sql_judge(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct slice rows, struct sql *s,
	struct fault *why)
{
	struct doc_build b;
	int r = begin(&b, w, want, info, s, clock_now_ms(), why);

	if (r < 0)
		return r;
	b.loose = true;
	sql_add(s, "SELECT n FROM (SELECT n, (e ->> 0) COLLATE \"C\" AS _id, "
		   "e -> 1 AS doc FROM jsonb_array_elements(");
	sql_param(s, rows, "jsonb");
	sql_add(s, ") WITH ORDINALITY AS t(e, n) OFFSET 0) AS rows");
	doc_sql_where(&b);
	return sql_check(s, why);
}

/* A moment that all share: `now` in a rule is no difference between callers. */
int
watch_sql_identity(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct buf *to, struct fault *why)
{
	struct doc_build b;
	struct sql s;
	int r;

	sql_init(&s, &w->scratch);
	r = begin(&b, w, want, info, &s, 0, why);
	if (r == 0)
		r = doc_sql_find(&b);
	if (r == 0)
		r = sql_check(&s, why);
	buf_printf(to, "%d%d %lld ",
		access_shows_openid(info, &want->req.scope), want->bounded,
		(long long)info->version);
	buf_slice(to, info->coll.quoted);
	buf_slice(to, buf_all(&s.text));
	for (int i = 0; i < s.count; i++) {
		buf_printf(to,
			" %zd:", s.param[i].ptr ? (ssize_t)s.param[i].len : -1);
		buf_slice(to, s.param[i]);
	}
	sql_done(&s);
	return r < 0 ? r : buf_check(to);
}

/* A text as PostgreSQL writes it in a jsonb's text form. */
static char *
database_json(struct slice text)
{
	static const char special[] = "\"\\\b\f\n\r\t";
	static const char letters[] = "\"\\bfnrt";
	_buf_ struct buf b;

	buf_init(&b, 64 << 10);
	buf_char(&b, '"');
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		const char *at = c ? strchr(special, c) : NULL;

		if (at)
			buf_printf(&b, "\\%c", letters[at - special]);
		else if (c < 0x20)
			buf_printf(&b, "\\u%04x", c);
		else
			buf_char(&b, (char)c);
	}
	buf_char(&b, '"');
	return buf_check(&b) < 0 ? NULL : str_ndup(b.ptr, b.len);
}

/* The collection's place for a field; -1: there is no room. */
static int
place_of(struct watch_coll *coll, const char *quoted)
{
	for (int i = 0; i < WATCH_FIELDS; i++) {
		if (coll->field[i] && strcmp(coll->field[i], quoted) == 0)
			return i;
		if (!coll->field[i]) {
			coll->field[i] = str_dup(quoted);
			return i;
		}
	}
	return -1;
}

/* An equality with a text, on a member of the document. */
static void
hint_by(struct watch_one *one, const struct query *q)
{
	_free_ char *quoted = NULL;

	if (one->hint_field >= 0 || q->op != QUERY_EQ ||
		q->kind != VALUE_STRING || q->path.count != 1 ||
		q->path.has_index || path_starts(&q->path, "_id"))
		return;
	quoted = database_json(q->path.step[0]);
	if (!quoted)
		return;
	one->hint_text = database_json(q->text);
	if (one->hint_text)
		one->hint_field = place_of(one->coll, quoted);
	if (one->hint_field < 0)
		one->hint_text = mem_free(one->hint_text);
}

static void
hint_in(struct watch_one *one, const struct query *q)
{
	hint_by(one, q);
	if (q->op == QUERY_AND)
		for (const struct query *at = q->parts; at; at = at->next)
			hint_in(one, at);
}

void
watch_sql_hint(struct watch_one *one, const struct coll_info *info)
{
	struct watches *w = one->w;
	struct doc_build b;
	struct sql s;
	struct slice key;

	one->hint_field = -1;
	sql_init(&s, &w->scratch);
	if (begin(&b, w, one->want, info, &s, clock_now_ms(), NULL) == 0) {
		if (query_id(b.where, &key))
			one->hint_key = str_ndup(key.ptr, key.len);
		hint_in(one, b.where);
		hint_in(one, b.allowed);
		one->want->ordered |= query_near(b.where) != NULL;
	}
	sql_done(&s);
}

static struct slice
field_of(const struct watch_coll *coll, struct watch_row *row, int i)
{
	if (!row->found[i]) {
		row->found[i] = true;
		row->field[i] = text_field(row->doc, coll->field[i]);
	}
	return row->field[i];
}

bool
watch_may_fit(const struct watch_one *one, struct watch_row *row)
{
	struct slice value;

	if (one->hint_key && !slice_is(row->key, one->hint_key))
		return false;
	if (one->hint_field < 0)
		return true;
	value = field_of(one->coll, row, one->hint_field);
	if (value.len == 0)
		return false;
	if (value.ptr[0] == '"')
		return slice_is(value, one->hint_text);
	/* an element of an array is meant, too */
	return value.ptr[0] == '[' &&
	       memmem(value.ptr, value.len, one->hint_text,
		       strlen(one->hint_text));
}
