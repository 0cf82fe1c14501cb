/*
 * A followed query is asked in two ways, and both are doc_run's own statement:
 * over the table, for the result; over rows that are given, for whether they
 * fit.  The first of them, text and parameters, is also its identity: where
 * neither query, permission nor rule mention the caller he is not in it.
 */
#include "base/clock.h"
#include "documents/access.h"
#include "watch/watch_inside.h"

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

int
watch_sql_parts(struct watches *w, const struct watch_want *want,
	const struct coll_info *info, struct sql *s, const struct query **where,
	const struct query **allowed)
{
	struct doc_build b;
	int r = begin(&b, w, want, info, s, clock_now_ms(), NULL);

	if (r < 0)
		return r;
	*where = b.where;
	*allowed = b.allowed;
	return 0;
}
