/*
 * Choosing an index for a condition.  For an AND that is the index of which
 * most leading fields are compared for equality, with a range on the one after;
 * PostgreSQL then weighs it against reading the whole table.  An OR uses
 * indexes only when each of its parts can.
 */
#include "documents/plan_inside.h"

#include "documents/catalog.h"

static void
gather(struct plan_parts *to, const struct query *q)
{
	if (q->op == QUERY_ALL)
		return;
	if (q->op == QUERY_AND ||
		(q->op == QUERY_OR && q->parts && !q->parts->next)) {
		for (q = q->parts; q; q = q->next)
			gather(to, q);
		return;
	}
	if (to->count == PLAN_PARTS) {
		to->too_many = true;
		return;
	}
	to->part[to->count++] = q;
}

void
plan_parts(struct plan_parts *to, const struct query *q)
{
	*to = (struct plan_parts){0};
	gather(to, q);
}

bool
plan_same_path(const struct path *a, const struct path *b)
{
	return a->count == b->count && path_covers(a, b);
}

/* A value that has a short key of its own. */
static bool
has_key(const struct query *q)
{
	switch (q->kind) {
	case VALUE_NULL:
	case VALUE_BOOL:
	case VALUE_NUMBER:
	case VALUE_STRING:
	case VALUE_DATE:
	case VALUE_OID:
		return true;
	default:
		return false;
	}
}

/* EQ, IN or an OR of such, all on `path`. */
static bool
is_equal(const struct query *q, const struct path *path)
{
	if (q->op == QUERY_EQ)
		return has_key(q) && plan_same_path(&q->path, path);
	if (q->op == QUERY_IN)
		return plan_same_path(&q->path, path);
	if (q->op != QUERY_OR || !q->parts)
		return false;
	for (const struct query *at = q->parts; at; at = at->next)
		if (!is_equal(at, path))
			return false;
	return true;
}

static bool
is_range(const struct query *q, const struct path *path)
{
	if (q->op < QUERY_GT || q->op > QUERY_LTE || !has_key(q) ||
		q->kind == VALUE_NULL)
		return false;
	if (q->kind == VALUE_STRING && q->text.len > PLAN_TEXT)
		return false;
	return plan_same_path(&q->path, path);
}

void
plan_field(struct plan_field *to, const struct index_field *field,
	const struct plan_parts *parts)
{
	*to = (struct plan_field){.field = field};
	if (field->is_id)
		return;
	for (unsigned i = 0; i < parts->count; i++) {
		const struct query *q = parts->part[i];

		if (parts->taken[i])
			continue;
		if (!to->equal && is_equal(q, &field->path)) {
			to->equal = q;
			to->is_one = q->op == QUERY_EQ;
		} else if (to->ranges < PLAN_RANGES &&
			   is_range(q, &field->path)) {
			to->range[to->ranges++] = q;
		}
	}
	if (to->equal)
		to->ranges = 0;
}

static bool
takes(const struct plan_field *use, const struct query *q)
{
	if (use->equal == q)
		return true;
	for (unsigned i = 0; i < use->ranges; i++)
		if (use->range[i] == q)
			return true;
	return false;
}

void
plan_take(struct plan_parts *parts, const struct plan *plan)
{
	for (unsigned i = 0; i < parts->count; i++)
		for (unsigned f = 0; f < plan->used; f++)
			parts->taken[i] |= takes(&plan->use[f], parts->part[i]);
}

/* Fields from the first on, as far as something is asked of them. */
static void
weigh(struct plan *plan, const struct index_info *index,
	const struct plan_parts *parts)
{
	*plan = (struct plan){.index = index};
	if (index->kind != INDEX_PLAIN || !plan_holds(index, parts))
		return;
	while (plan->used < index->count) {
		struct plan_field *use = &plan->use[plan->used];

		plan_field(use, &index->fields[plan->used], parts);
		if (!use->equal && !use->ranges)
			break;
		plan->used++;
		plan->score += use->equal ? 4 : 2;
		if (!use->equal)
			break;
	}
	if (plan->score && index->unique && plan->used == index->count)
		plan->score++;
}

static bool
choose(struct plan *best, const struct plan_parts *parts,
	const struct coll_info *info)
{
	struct plan plan;

	best->score = 0;
	for (const struct index_info *at = info->indexes; at; at = at->next) {
		weigh(&plan, at, parts);
		if (plan.score > best->score)
			*best = plan;
	}
	return best->score > 0;
}

static bool
asks_for_id(const struct plan_parts *parts)
{
	for (unsigned i = 0; i < parts->count; i++) {
		const struct query *q = parts->part[i];

		if ((q->op == QUERY_EQ || q->op == QUERY_IN) &&
			q->path.count == 1 && path_starts(&q->path, "_id"))
			return true;
	}
	return false;
}

static bool can_plan(const struct query *q, const struct coll_info *info);

/* An OR all of whose parts have an index. */
static const struct query *
find_or(const struct plan_parts *parts, const struct coll_info *info)
{
	for (unsigned i = 0; i < parts->count; i++) {
		const struct query *either = parts->part[i], *at;

		if (either->op != QUERY_OR || !either->parts)
			continue;
		at = either->parts;
		while (at && can_plan(at, info))
			at = at->next;
		if (!at)
			return either;
	}
	return NULL;
}

static bool
can_plan(const struct query *q, const struct coll_info *info)
{
	struct plan_parts parts;
	struct plan plan;

	plan_parts(&parts, q);
	if (parts.too_many)
		return false;
	return asks_for_id(&parts) || choose(&plan, &parts, info) ||
	       find_or(&parts, info);
}

static bool
has_openid(const struct index_info *index)
{
	for (unsigned i = 0; i < index->count; i++)
		if (path_starts(&index->fields[i].path, "_openid"))
			return true;
	return false;
}

/* A text index says which fields a $text looks at; a place's index leaves few
 * documents to be measured.  A condition on the plane is not for it. */
static const struct index_info *
special(const struct query *q, const struct coll_info *info,
	const struct plan_parts *parts)
{
	const struct index_info *at;

	if (q->op != QUERY_TEXT && q->op != QUERY_NEAR &&
		q->op != QUERY_WITHIN && q->op != QUERY_INTERSECTS)
		return NULL;
	for (at = info->indexes; at; at = at->next) {
		if (!plan_holds(at, parts))
			continue;
		if (q->op == QUERY_TEXT && at->kind == INDEX_TEXT &&
			!(q->hides_openid && has_openid(at)))
			return at;
		if (q->op != QUERY_TEXT && at->kind == INDEX_GEO &&
			plan_same_path(&q->path, &at->fields[0].path) &&
			!plan_is_flat(q))
			return at;
	}
	return NULL;
}

static const struct index_info *
find_special(struct plan_parts *parts, const struct coll_info *info,
	const struct query **ret)
{
	const struct index_info *at;

	for (unsigned i = 0; i < parts->count; i++) {
		at = special(parts->part[i], info, parts);
		if (!at)
			continue;
		parts->taken[i] = at->kind == INDEX_TEXT;
		*ret = parts->part[i];
		return at;
	}
	return NULL;
}

static void
put_index(struct sql *s, struct plan_parts *parts, const struct plan *plan,
	const struct sql_from *from)
{
	sql_add(s, "((");
	for (unsigned i = 0; i < plan->used; i++) {
		if (i)
			sql_add(s, " AND ");
		plan_put_scalar(s, plan, i, false, from->doc);
	}
	sql_add(s, " OR ");
	plan_put_arrays(s, plan, false, from);
	sql_add(s, ")");
	plan_put_holds(s, plan->index, from->doc);
	plan_take(parts, plan);
	plan_put_rest(s, parts, from);
	sql_add(s, ")");
}

static void
put_or(struct sql *s, struct plan_parts *parts, const struct query *any,
	const struct sql_from *from)
{
	struct sql_from plain = *from;

	plain.info = NULL;
	sql_add(s, "((");
	for (const struct query *at = any->parts; at; at = at->next) {
		if (at != any->parts)
			sql_add(s, " OR ");
		if (!sql_plan(s, at, from))
			sql_query(s, at, &plain);
	}
	sql_add(s, ")");
	for (unsigned i = 0; i < parts->count; i++)
		parts->taken[i] |= parts->part[i] == any;
	plan_put_rest(s, parts, from);
	sql_add(s, ")");
}

bool
sql_plan(struct sql *s, const struct query *q, const struct sql_from *from)
{
	const struct index_info *other;
	const struct query *any;
	struct plan_parts parts;
	struct plan plan;

	if (!from->info || !from->info->indexes)
		return false;
	plan_parts(&parts, q);
	if (parts.too_many)
		return false;
	other = find_special(&parts, from->info, &any);
	if (other) {
		sql_add(s, "(");
		plan_put_special(s, other, any, from->doc);
		plan_put_holds(s, other, from->doc);
		plan_put_rest(s, &parts, from);
		sql_add(s, ")");
		return true;
	}
	if (asks_for_id(&parts))
		return false;
	if (choose(&plan, &parts, from->info)) {
		put_index(s, &parts, &plan, from);
		return true;
	}
	any = find_or(&parts, from->info);
	if (!any)
		return false;
	put_or(s, &parts, any, from);
	return true;
}
