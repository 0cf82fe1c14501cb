/*
 * The grammar of MongoDB's update:
 *
 *   update = { "$op": { place: argument … } … } | { place: value … }, a $set
 *
 * Two operations on one place would make the result depend on their order, so
 * they are refused, as MongoDB does.
 */
#include "documents/update.h"

#include "base/buf.h"
#include "documents/query.h"
#include "documents/update_parse.h"

#include <string.h>

enum { ITEMS_TOP = 1000 };

int
update_too_big(struct update_parse *p)
{
	return fault_set(p->why, ERR_TOO_BIG, "the request is too large");
}

int
update_keep(struct update_parse *p, const struct query **ret, json_t *cond)
{
	struct query *q;
	int r;

	if (json_array_append_new(p->update->kept, cond) < 0)
		return update_too_big(p);
	r = query_parse(&q, cond, p->arena, p->now_ms, p->why);
	if (r == 0)
		*ret = q;
	return r;
}

static int
refuse_id(struct update_parse *p, struct slice name)
{
	return fault_set(p->why, ERR_DB_PARAM,
		"Performing an update on the path '%.*s' would modify the "
		"immutable field '_id'",
		(int)min(name.len, (size_t)80), name.ptr);
}

/* $set and $setOnInsert may say what it is. */
static int
read_id(struct update_parse *p, const struct update_operator *op,
	struct update_item *item, const json_t *v)
{
	if (item->op != UPDATE_SET || item->path.count != 1 ||
		strcmp(op->name, "$currentDate") == 0)
		return refuse_id(p, item->name);
	if (p->update->id)
		return update_conflict(p, item->name, item->name);
	if (!op->only_makes || p->ask->makes)
		p->update->id = v;
	return 0;
}

/* The old name goes, the new one gets what it had. */
static int
put_move(struct update_parse *p, struct update_item *item)
{
	struct update_item *gone = arena_try(p->arena, sizeof(*gone));
	int r;

	if (!gone)
		return update_too_big(p);
	for (unsigned i = 0; i < item->moved.count; i++)
		if (item->moved.step[i].ptr[0] == '$')
			return fault_set(p->why, ERR_DB_PARAM,
				"The source field for $rename may not be "
				"dynamic: %.*s",
				(int)min(item->name.len, (size_t)80),
				item->name.ptr);
	if (path_starts(&item->path, "_id"))
		return refuse_id(p, item->path.text);
	gone->op = UPDATE_UNSET;
	gone->path = item->moved;
	gone->name = item->name;
	item->name = item->path.text;
	r = update_put(p, gone);
	return r < 0 ? r : update_put(p, item);
}

static int
parse_item(struct update_parse *p, const struct update_operator *op,
	const char *name, const json_t *v)
{
	struct update_item *item = arena_try(p->arena, sizeof(*item));
	int r;

	if (!item)
		return update_too_big(p);
	if (++p->count > ITEMS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"an update may have %d changes", ITEMS_TOP);
	item->op = op->op;
	item->name = slice_str(name);
	item->is_idle = op->only_makes && !p->ask->makes;
	r = path_parse_change(&item->path, item->name, p->arena, p->why);
	if (r == 0)
		r = update_check_steps(p, item);
	if (r < 0)
		return r;
	if (path_starts(&item->path, "_id"))
		return read_id(p, op, item, v);
	r = op->read(p, v, item);
	if (r < 0)
		return r;
	return item->op == UPDATE_MOVE ? put_move(p, item)
				       : update_put(p, item);
}

static int
parse_items(struct update_parse *p, const struct update_operator *op,
	const json_t *v)
{
	const char *name;
	json_t *arg;

	if (!json_is_object(v))
		return fault_set(p->why, ERR_DB_PARAM,
			"Modifiers operate on fields: %s takes an object, "
			"{%s: {field: …}}",
			op->name, op->name);
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		int r = parse_item(p, op, name, arg);

		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_op(struct update_parse *p, const char *name, const json_t *v)
{
	const struct update_operator *op = update_operator_find(name);

	if (op)
		return parse_items(p, op, v);
	if (name[0] == '$')
		return fault_set(p->why, ERR_DB_OPERATOR,
			"Unknown modifier: %.60s. Expected a valid update "
			"modifier, such as $set or $inc",
			name);
	return parse_item(p, update_operator_find("$set"), name, v);
}

static int
parse_all(struct update_parse *p)
{
	const json_t *v = p->ask->data;
	const char *name;
	json_t *arg;
	int r = update_filters(p, p->ask->array_filters);

	if (r < 0)
		return r;
	if (!json_is_object(v) || json_object_size(v) == 0)
		return fault_set(p->why, ERR_DB_PARAM,
			"an update must be an object that is not empty");
	json_object_foreach ((json_t *)(uintptr_t)v, name, arg) {
		r = parse_op(p, name, arg);
		if (r < 0)
			return r;
	}
	return update_check_filters(p);
}

int
update_parse(struct update **ret, const struct update_ask *ask,
	struct arena *arena, int64_t now_ms, struct fault *why)
{
	struct update_parse p = {
		.arena = arena, .now_ms = now_ms, .why = why, .ask = ask};
	int r;

	p.update = arena_try(arena, sizeof(*p.update));
	if (!p.update)
		return update_too_big(&p);
	p.update->kept = json_array();
	r = parse_all(&p);
	if (r < 0)
		update_done(&p.update);
	else
		*ret = p.update;
	return r;
}

void
update_done(struct update **u)
{
	if (!*u)
		return;
	json_decref((*u)->kept);
	*u = NULL;
}

int
update_guard(const struct update *u, struct fault *why)
{
	for (const struct update_item *i = u->items; i; i = i->next)
		if (path_starts(&i->path, "_openid"))
			return fault_set(why, ERR_DB_DENIED,
				"_openid belongs to the server: it cannot be "
				"changed");
	return 0;
}
