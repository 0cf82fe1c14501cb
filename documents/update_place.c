/*
 * Where an update changes something.  Places that lead through the elements of
 * an array ("a.$[].b") are gathered under that array, so that it is walked
 * once: what comes out is a tree of lists whose places do not overlap.
 */
#include "base/buf.h"
#include "documents/query.h"
#include "documents/update_parse.h"

#include <stdio.h>
#include <string.h>

enum { FILTERS_TOP = 50, NAME_TOP = 1100 };

/* {"x.a": {$gt: 1}} for the places $[x]. */
struct update_filter {
	struct update_filter *next;
	struct slice id;
	const struct query *where;
	bool is_used;
};

/* {"x.a": 1} becomes {"e.a": 1}; `id` gets x, which every member must begin
 * with. */
static int filter_rename(json_t *to, struct slice *id, const json_t *v);

static int
filter_rename_list(
	json_t *to, const char *name, struct slice *id, const json_t *v)
{
	json_t *list = json_array(), *part;
	size_t i;
	int r = json_object_set_new(to, name, list);

	json_array_foreach (v, i, part) {
		json_t *inner = json_object();

		if (json_array_append_new(list, inner) < 0 || r < 0)
			return ERR_TOO_BIG;
		r = filter_rename(inner, id, part);
	}
	return r;
}

static int
filter_rename_member(
	json_t *to, const char *name, struct slice *id, const json_t *v)
{
	struct slice rest = slice_str(name), first;
	char text[NAME_TOP];

	if (!slice_split(&rest, '.', &first) ||
		(id->ptr && !slice_eq(*id, first)) ||
		rest.len >= sizeof(text) - 3)
		return ERR_DB_PARAM;
	*id = first;
	(void)snprintf(text, sizeof(text), "e%s%.*s", rest.len ? "." : "",
		SLICE_ARG(rest));
	return json_object_set(to, text, (json_t *)(uintptr_t)v);
}

static int
filter_rename(json_t *to, struct slice *id, const json_t *v)
{
	const char *name;
	json_t *item;

	if (!json_is_object(v))
		return ERR_DB_PARAM;
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		int r = name[0] == '$'
				? filter_rename_list(to, name, id, item)
				: filter_rename_member(to, name, id, item);

		if (r < 0)
			return r;
	}
	return 0;
}

static struct update_filter *
filter_find(const struct update_parse *p, struct slice id)
{
	struct update_filter *f = p->filters;

	while (f && !slice_eq(f->id, id))
		f = f->next;
	return f;
}

static int
filter_add(struct update_parse *p, const json_t *v)
{
	struct update_filter *f = arena_try(p->arena, sizeof(*f));
	_json_ json_t *cond = json_object();

	if (!f)
		return update_too_big(p);
	if (filter_rename(cond, &f->id, v) < 0 || !f->id.ptr)
		return fault_set(p->why, ERR_DB_PARAM,
			"each array filter must be an object about one name");
	if (filter_find(p, f->id))
		return fault_set(p->why, ERR_DB_PARAM,
			"Found multiple array filters with the same top-level "
			"field name %.*s",
			(int)min(f->id.len, (size_t)60), f->id.ptr);
	f->next = p->filters;
	p->filters = f;
	return update_keep(p, &f->where, json_incref(cond));
}

int
update_filters(struct update_parse *p, const json_t *list)
{
	json_t *v;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_array_size(list) > FILTERS_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"arrayFilters is a list of %d at most", FILTERS_TOP);
	json_array_foreach (list, i, v) {
		int r = filter_add(p, v);

		if (r < 0)
			return r;
	}
	return 0;
}

int
update_check_filters(struct update_parse *p)
{
	for (const struct update_filter *f = p->filters; f; f = f->next)
		if (!f->is_used)
			return fault_set(p->why, ERR_DB_PARAM,
				"The array filter for identifier '%.*s' was "
				"not used in the update",
				(int)min(f->id.len, (size_t)60), f->id.ptr);
	return 0;
}

/* `low` to before `high`. */
static struct path
cut(const struct path *p, unsigned low, unsigned high)
{
	struct path part = {.step = p->step + low, .count = high - low};

	if (part.count) {
		const struct slice *last = &part.step[part.count - 1];

		part.text = slice_of(part.step[0].ptr,
			(size_t)(last->ptr + last->len - part.step[0].ptr));
	}
	return part;
}

static struct slice
name_to(const struct path *p, unsigned high)
{
	return cut(p, 0, high).text;
}

int
update_conflict(struct update_parse *p, struct slice a, struct slice b)
{
	struct slice at = a.len < b.len ? a : b;

	return fault_set(p->why, ERR_DB_PARAM,
		"Updating the path '%.*s' would create a conflict at '%.*s'",
		(int)min(b.len, (size_t)80), b.ptr,
		(int)min(at.len, (size_t)80), at.ptr);
}

static int
check_place(struct update_parse *p, const struct update_item *items,
	const struct path *place, struct slice name)
{
	for (const struct update_item *i = items; i; i = i->next)
		if (path_covers(&i->path, place) ||
			path_covers(place, &i->path))
			return update_conflict(p, i->name, name);
	return 0;
}

static void
append(struct update_item **items, struct update_item *item)
{
	while (*items)
		items = &(*items)->next;
	*items = item;
}

/* The item that holds what is done with the elements of an array. */
static int
get_each(struct update_parse *p, struct update_item **items,
	const struct path *place, struct slice name, struct update_item **ret)
{
	struct update_item *each;
	int r;

	for (each = *items; each; each = each->next)
		if (each->op == UPDATE_EACH &&
			each->path.count == place->count &&
			path_covers(&each->path, place)) {
			*ret = each;
			return 0;
		}
	r = check_place(p, *items, place, name);
	if (r < 0)
		return r;
	each = arena_try(p->arena, sizeof(*each));
	if (!each)
		return update_too_big(p);
	each->op = UPDATE_EACH;
	each->path = *place;
	each->name = name;
	append(items, each);
	*ret = each;
	return 0;
}

/* $: what the request's condition says about this array. */
static int
read_matched(
	struct update_parse *p, struct slice array, struct update_part *part)
{
	_json_ json_t *list = json_array();
	json_t *last;
	int r = update_match(list, p->ask->query, array, 0);

	if (r < 0)
		return update_too_big(p);
	if (json_array_size(list) == 0)
		return 0;
	last = json_array_get(list, json_array_size(list) - 1);
	r = update_keep(p, &part->last, json_incref(last));
	return r < 0 ? r
		     : update_keep(p, &part->where,
			       json_pack("{s:O}", "$and", list));
}

static bool
is_filter_name(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= 'a' && s.ptr[i] <= 'z') &&
			(i == 0 ||
				(!(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') &&
					!(s.ptr[i] >= '0' && s.ptr[i] <= '9'))))
			return false;
	return s.len > 0;
}

static int
read_filtered(struct update_parse *p, const struct update_item *item,
	struct slice step, struct update_part *part)
{
	struct update_filter *f = NULL;

	part->id = slice_of(step.ptr + 2, step.len - 3);
	if (is_filter_name(part->id))
		f = filter_find(p, part->id);
	if (!f)
		return fault_set(p->why, ERR_DB_PARAM,
			"No array filter found for identifier '%.*s' in path "
			"'%.*s'",
			(int)min(part->id.len, (size_t)60), part->id.ptr,
			(int)min(item->name.len, (size_t)80), item->name.ptr);
	f->is_used = true;
	part->where = f->where;
	return 0;
}

static bool
is_place_of(const struct update_part *part, enum update_which which,
	struct slice step)
{
	if (part->which != which)
		return false;
	return which != UPDATE_WHERE ||
	       slice_eq(part->id, slice_of(step.ptr + 2, step.len - 3));
}

/* The part of an array that step `at` of an item's place means. */
static int
get_part(struct update_parse *p, struct update_item *each,
	const struct update_item *item, unsigned at, struct update_part **ret)
{
	struct slice step = item->path.step[at];
	enum update_which which = step.len == 1   ? UPDATE_MATCHED
				  : step.len == 3 ? UPDATE_ALL
						  : UPDATE_WHERE;
	struct update_part **end = &each->parts, *part;
	int r = 0;

	for (; *end; end = &(*end)->next) {
		if (is_place_of(*end, which, step)) {
			*ret = *end;
			return 0;
		}
		if ((which == UPDATE_MATCHED) !=
			((*end)->which == UPDATE_MATCHED))
			return update_conflict(p, each->name, item->name);
	}
	part = arena_try(p->arena, sizeof(*part));
	if (!part)
		return update_too_big(p);
	part->which = which;
	if (which == UPDATE_WHERE)
		r = read_filtered(p, item, step, part);
	else if (which == UPDATE_MATCHED)
		r = read_matched(p, name_to(&item->path, at), part);
	*end = *ret = part;
	return r;
}

static bool
is_dynamic(struct slice step)
{
	return step.ptr[0] == '$';
}

/* Into the list `items`, whose places begin after step `at`. */
static int
put_item(struct update_parse *p, struct update_item **items,
	struct update_item *item, unsigned at)
{
	const struct path *full = &item->path;
	unsigned stop = at;
	struct path place;
	struct update_item *each = NULL;
	struct update_part *part = NULL;
	int r;

	while (stop < full->count && !is_dynamic(full->step[stop]))
		stop++;
	place = cut(full, at, stop);
	if (stop == full->count) {
		r = check_place(p, *items, &place, item->name);
		if (r < 0)
			return r;
		item->path = place;
		append(items, item);
		return 0;
	}
	r = get_each(p, items, &place, name_to(full, stop), &each);
	if (r == 0)
		r = get_part(p, each, item, stop, &part);
	return r < 0 ? r : put_item(p, &part->items, item, stop + 1);
}

/* $, $[] and $[name] where they may stand. */
int
update_check_steps(struct update_parse *p, const struct update_item *item)
{
	bool after = false; /* a dynamic step */

	for (unsigned i = 0; i < item->path.count; i++) {
		struct slice s = item->path.step[i];
		bool is_list = s.len >= 3 && s.ptr[1] == '[' &&
			       s.ptr[s.len - 1] == ']';

		if (!is_dynamic(s))
			continue;
		if (i == 0)
			return fault_set(p->why, ERR_DB_PARAM,
				"Cannot have positional (i.e. '$') element in "
				"the first position in path '%.*s'",
				(int)min(item->name.len, (size_t)80),
				item->name.ptr);
		if (s.len == 1 && after)
			return fault_set(p->why, ERR_DB_PARAM,
				"$ can only be the first positional element "
				"in path '%.*s'",
				(int)min(item->name.len, (size_t)80),
				item->name.ptr);
		if (s.len > 1 && !is_list)
			return fault_set(p->why, ERR_DB_PARAM,
				"The dollar ($) prefixed field '%.*s' in "
				"'%.*s' is not allowed in the context of an "
				"update",
				(int)min(s.len, (size_t)60), s.ptr,
				(int)min(item->name.len, (size_t)80),
				item->name.ptr);
		after = true;
	}
	return 0;
}

int
update_put(struct update_parse *p, struct update_item *item)
{
	return put_item(p, &p->update->items, item, 0);
}
