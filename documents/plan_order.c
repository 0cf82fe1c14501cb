/*
 * A page of a list in an index's order.  Documents whose keys are scalars are
 * read from the b-tree as far as the page needs; those with an array in one of
 * the fields, of which MongoDB takes the least or the greatest element, are
 * sorted beside them, and the outer statement merges the two.
 *
 * The limit inside stands in the text, rounded up to a power of two: a generic
 * plan must know that few rows are wanted, and few texts should exist.
 */
#include "documents/plan_inside.h"

#include "documents/catalog.h"

#include <inttypes.h>

struct ordering {
	const struct sql_order *by;
	unsigned count; /* without a last _id */
	bool names_id, id_descends;
};

struct ordered {
	struct plan plan;
	unsigned place[SQL_ORDER_TOP]; /* of each order in plan.use */
	bool backward;
};

static bool
is_id(const struct path *path)
{
	return path->count == 1 && path_starts(path, "_id");
}

/* The fields of an index from the first on: each is the next of the order, in
 * its direction or all of them against it, or fixed to one value. */
static bool
fits(struct ordered *o, const struct index_info *index,
	const struct ordering *by, const struct plan_parts *parts)
{
	unsigned next = 0;

	o->plan = (struct plan){.index = index};
	if (index->kind != INDEX_PLAIN || !plan_holds(index, parts))
		return false;
	while (next < by->count) {
		const struct index_field *f = &index->fields[o->plan.used];
		struct plan_field *use = &o->plan.use[o->plan.used];
		const struct sql_order *at = &by->by[next];

		if (o->plan.used == index->count || f->is_id)
			return false;
		plan_field(use, f, parts);
		if (f->path.count == at->path.count &&
			path_covers(&f->path, &at->path)) {
			bool against = f->descends != at->descends;

			if (next && against != o->backward)
				return false;
			o->backward = against;
			o->place[next++] = o->plan.used;
		} else if (!use->is_one) {
			return false;
		}
		o->plan.score += use->equal ? 4 : use->ranges ? 2 : 1;
		o->plan.used++;
	}
	return true;
}

static bool
choose(struct ordered *best, const struct ordering *by,
	const struct plan_parts *parts, const struct coll_info *info)
{
	struct ordered o;

	best->plan.score = 0;
	for (const struct index_info *at = info->indexes; at; at = at->next)
		if (fits(&o, at, by, parts) && o.plan.score > best->plan.score)
			*best = o;
	return best->plan.score > 0;
}

/* "SELECT _id, doc, … AS o1 FROM …" */
static void
put_select(struct sql *s, const struct ordered *o, const struct ordering *by,
	bool scalar, const struct coll_info *info)
{
	sql_add(s, "(SELECT _id, doc");
	for (unsigned i = 0; i < by->count; i++) {
		sql_add(s, ", ");
		if (scalar) {
			plan_put_key(s, o->plan.use[o->place[i]].field, "doc");
		} else {
			sql_add(s, "mpcloud.key_at(doc, ");
			sql_param_path(s, &by->by[i].path);
			sql_add(s, by->by[i].descends ? ", TRUE)" : ", FALSE)");
		}
		buf_printf(&s->text, " AS o%u", i + 1);
	}
	if (by->names_id)
		buf_printf(&s->text, ", _id AS o%u", by->count + 1);
	sql_add(s, " FROM ");
	buf_slice(&s->text, info->coll.quoted);
	sql_add(s, " WHERE ");
}

static void
put_top(struct sql *s, const struct ordering *by, int64_t top)
{
	int64_t round = 1;

	while (round < top && round < INT64_C(1) << 40)
		round *= 2;
	sql_add(s, " ORDER BY ");
	for (unsigned i = 0; i < by->count; i++)
		buf_printf(&s->text, "%u%s, ", i + 3,
			by->by[i].descends ? " DESC" : "");
	sql_add(s, by->id_descends ? "_id DESC" : "_id");
	buf_printf(&s->text, " LIMIT %" PRId64 ")", round);
}

/* What the index does not say, with another's help where there is one. */
static void
put_rest(struct sql *s, const struct plan_parts *parts,
	const struct sql_from *from)
{
	struct query list[PLAN_PARTS], all = {.op = QUERY_AND};
	struct query **to = &all.parts;

	for (unsigned i = 0; i < parts->count; i++) {
		if (parts->taken[i])
			continue;
		list[i] = *parts->part[i];
		*to = &list[i];
		to = &list[i].next;
	}
	*to = NULL;
	if (!all.parts)
		return;
	sql_add(s, " AND ");
	sql_query(s, &all, from);
}

static void
put_page(struct sql *s, const struct ordered *o, const struct ordering *by,
	const struct plan_parts *parts, int64_t top,
	const struct sql_from *from)
{
	const struct plan *plan = &o->plan;

	sql_add(s, "(");
	put_select(s, o, by, true, from->info);
	for (unsigned i = 0; i < plan->used; i++) {
		if (i)
			sql_add(s, " AND ");
		plan_put_scalar(s, plan, i, true, "doc");
	}
	plan_put_holds(s, plan->index, "doc");
	put_rest(s, parts, from);
	put_top(s, by, top);
	sql_add(s, " UNION ALL ");
	put_select(s, o, by, false, from->info);
	sql_add(s, "(");
	plan_put_arrays(s, plan, true, from);
	sql_add(s, ")");
	plan_put_holds(s, plan->index, "doc");
	put_rest(s, parts, from);
	put_top(s, by, top);
	sql_add(s, ") AS page");
}

bool
sql_plan_ordered(struct sql *s, const struct query *q,
	const struct sql_order *order, unsigned count, int64_t top,
	const struct sql_from *from)
{
	struct ordering by = {.by = order, .count = count};
	const struct sql_from table = {.doc = "doc",
		.id = "_id",
		.info = from->info,
		.vars = from->vars};
	struct plan_parts parts;
	struct ordered o;

	if (!from->info || count > SQL_ORDER_TOP)
		return false;
	if (count && is_id(&order[count - 1].path)) {
		by.names_id = true;
		by.id_descends = order[--by.count].descends;
	}
	plan_parts(&parts, q);
	if (by.count == 0 || parts.too_many ||
		!choose(&o, &by, &parts, from->info))
		return false;
	plan_take(&parts, &o.plan);
	put_page(s, &o, &by, &parts, top, &table);
	return true;
}
