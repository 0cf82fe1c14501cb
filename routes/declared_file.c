/*
 * The whole file: its routes into the table and its tree, its upstreams, its
 * limits.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "routes/declared_inside.h"
#include "routes/limit_rule.h"

#include <string.h>

static void
table_put(struct declared_table *t, struct declared_full *f)
{
	if (t->count == t->room) {
		t->room = t->room * 2 + 16;
		t->routes = mem_resize(t->routes, t->room * sizeof(*t->routes));
	}
	t->routes[t->count++] = f;
}

static int
read_route(struct declared_reading *rd, const json_t *v)
{
	struct declared_full *f = mem_new(struct declared_full);

	rd->route = f;
	f->pub.inside = f;
	f->order = rd->table->count;
	f->source = rd->table->nsources - 1;
	f->place = str_printf("%s: %.*s", rd->source->name, (int)rd->where->len,
		rd->where->ptr);
	table_put(rd->table, f);
	return declared_read_route(rd, v);
}

/* "routes.json: routes[1]" → "routes[1]". */
static const char *
place_in_file(const struct declared_full *f)
{
	const char *s = strstr(f->place, ": ");

	return s ? s + 2 : f->place;
}

/* A route that no request reaches is a mistake, and perhaps the one that asks
 * for more. */
static int
put_in_tree(struct declared_reading *rd, struct declared_full *f)
{
	struct declared_table *t = rd->table;
	const struct declared_full *first =
		declared_tree_add(t->tree[t->nsources - 1], f);

	declared_guard(t, f);
	return first ? declared_refuse(rd,
			       "can never answer: %s has the same conditions%s",
			       place_in_file(first),
			       first->methods == f->methods &&
					       first->nheaders == f->nheaders
				       ? ""
				       : ", or fewer")
		     : 0;
}

static int
read_routes(struct declared_reading *rd, const json_t *v)
{
	struct declared_table *t = rd->table;
	size_t i, patterns = 0;
	json_t *one;

	if (!json_is_array(v))
		return declared_refuse(rd, "an array […] is wanted");
	if (json_array_size(v) > DECLARED_ROUTES_TOP)
		return declared_refuse(
			rd, "%d routes at the most", DECLARED_ROUTES_TOP);
	json_array_foreach (v, i, one) {
		size_t mark = declared_enter_at(rd, i);
		int e = read_route(rd, one);

		if (e < 0)
			return e;
		patterns += t->routes[t->count - 1]->pattern != NULL;
		if (patterns > DECLARED_PATTERNS_TOP)
			return declared_refuse(rd,
				"path: more than %d expressions: each costs "
				"every request a look; use {parameters}",
				DECLARED_PATTERNS_TOP);
		e = put_in_tree(rd, t->routes[t->count - 1]);
		if (e < 0)
			return e;
		declared_leave(rd, mark);
	}
	return 0;
}

static int
read_all_limits(struct declared_reading *rd, const json_t *v)
{
	_free_ char *where = str_printf("%s: limits", rd->source->name);
	struct limit_rules *rules = NULL;
	/* read once more with the other file's; here for a message's place */
	int e = limit_rules_new(&rules, v, where, rd->why);

	if (e < 0)
		return e;
	(void)limit_rules_free(rules);
	(void)json_array_extend(rd->table->limits_json, (json_t *)(uintptr_t)v);
	return 0;
}

static int
read_upstreams(struct declared_reading *rd, const json_t *v)
{
	const char *name;
	json_t *spec;

	if (!json_is_object(v))
		return declared_refuse(rd, "{\"name\": {…}} is wanted");
	json_object_foreach ((json_t *)(uintptr_t)v, name, spec) {
		size_t mark = declared_enter(rd, name);
		struct declared_table *t = rd->table;
		struct fault why = {0};

		if (t->nupstreams == DECLARED_UPSTREAMS_TOP)
			return declared_refuse(rd, "%d upstreams at the most",
				DECLARED_UPSTREAMS_TOP);
		if (declared_upstream_new(&t->upstreams[t->nupstreams],
			    rd->loop, name, spec, rd->source->is_operator_s,
			    &why) < 0)
			return declared_refuse(rd, "%s", why.text);
		(void)json_object_set_new(rd->upstreams, name,
			json_integer((json_int_t)t->nupstreams++));
		declared_leave(rd, mark);
	}
	return 0;
}

static const struct declared_member file_members[] = {
	{"upstreams", read_upstreams},
	{"limits", read_all_limits},
	{"routes", read_routes},
};

int
declared_read_file(struct declared_reading *rd)
{
	return declared_members(
		rd, rd->source->file, file_members, array_size(file_members));
}
