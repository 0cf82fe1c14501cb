/*
 * A row into a coll_info.  What cannot be read (rules of a later program, an
 * index of another layout) is left out: no rules deny everything, an index that
 * is not known is not used.
 */
#include "documents/catalog_entry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "documents/index.h"
#include "documents/rule.h"

#include <stdlib.h>

enum { ENTRY_TOP = 16 << 20 };

enum column {
	COLUMN_NAME,
	COLUMN_VERSION,
	COLUMN_PERMISSION,
	COLUMN_SHOWS_OPENID,
	COLUMN_RULES,
	COLUMN_KNOWN, /* collections that the rules may mean */
	COLUMN_INDEXES,
};

const char catalog_select[] =
	"SELECT c.name, c.version, c.permission, c.shows_openid, c.rules, "
	"CASE WHEN c.rules::text LIKE '%database.%' THEN (SELECT "
	"jsonb_agg(o.name) FROM mpcloud.collections o WHERE o.env = c.env AND "
	"position('database.' || o.name || '.' IN c.rules::text) > 0) END, "
	"(SELECT jsonb_agg(jsonb_build_array(i.name, i.definition) ORDER BY "
	"i.name) FROM mpcloud.indexes i WHERE i.env = c.env AND i.collection = "
	"c.name AND i.state = 'ready'), (SELECT max(version) FROM "
	"mpcloud.collections) FROM mpcloud.collections c WHERE c.env = $1 AND "
	"c.name = ANY (ARRAY(SELECT jsonb_array_elements_text($2::jsonb)))";

struct catalog_entry *
catalog_entry_new(const char *env, struct slice name, struct fault *why)
{
	struct catalog_entry *e = mem_new(struct catalog_entry);

	arena_init(&e->arena, ENTRY_TOP);
	list_init(&e->on);
	list_init(&e->in);
	e->held = 1;
	e->made_ms = clock_mono() / CLOCK_MS;
	if (coll_parse(&e->info.coll, env, name, &e->arena, why) < 0) {
		catalog_entry_drop(e);
		return NULL;
	}
	return e;
}

void
catalog_entry_drop(struct catalog_entry *e)
{
	if (--e->held)
		return;
	json_decref(e->indexes);
	arena_done(&e->arena);
	free(e);
}

static enum permission
read_permission(struct slice s)
{
	static const char *const names[] = {
		[PERMISSION_ADMINONLY] = "ADMINONLY",
		[PERMISSION_READONLY] = "READONLY",
		[PERMISSION_PRIVATE] = "PRIVATE",
		[PERMISSION_ADMINWRITE] = "ADMINWRITE",
		[PERMISSION_CUSTOM] = "CUSTOM",
	};

	for (size_t i = 0; i < array_size(names); i++)
		if (slice_is(s, names[i]))
			return (enum permission)i;
	return PERMISSION_ADMINONLY;
}

/* A column of JSON, or NULL. */
static json_t *
read_json(const struct ask *ask, int row, int column)
{
	json_t *v = NULL;

	if (ask_is_null(ask, row, column) ||
		val_parse(&v, ask_value(ask, row, column), NULL) < 0)
		return NULL;
	return v;
}

static void
read_rules(struct catalog_entry *e, const struct ask *ask, int row)
{
	_json_ json_t *text = read_json(ask, row, COLUMN_RULES);
	_json_ json_t *known = read_json(ask, row, COLUMN_KNOWN);
	struct rules *rules = NULL;

	if (!known)
		known = json_array();
	if (text && rules_parse(&rules, text, known, &e->arena, NULL) == 0)
		e->info.rules = rules;
}

/* In the order of their names, as the catalog's list. */
static void
read_indexes(struct catalog_entry *e, const struct ask *ask, int row)
{
	const struct index_info **end = &e->info.indexes;
	struct index_info *info;
	json_t *one;
	size_t i;

	e->indexes = read_json(ask, row, COLUMN_INDEXES);
	json_array_foreach (e->indexes, i, one) {
		const json_t *name = json_array_get(one, 0);

		if (index_load(&info, &e->info.coll,
			    slice_of(json_string_value(name),
				    json_string_length(name)),
			    json_array_get(one, 1), &e->arena, NULL) < 0)
			continue;
		*end = info;
		end = &info->next;
	}
}

void
catalog_entry_read(struct catalog_entry *e, const struct ask *ask, int row)
{
	e->info.version = ask_int(ask, row, COLUMN_VERSION);
	e->info.permission =
		read_permission(ask_value(ask, row, COLUMN_PERMISSION));
	e->info.shows_openid =
		slice_is(ask_value(ask, row, COLUMN_SHOWS_OPENID), "t");
	if (e->info.permission == PERMISSION_CUSTOM)
		read_rules(e, ask, row);
	read_indexes(e, ask, row);
}
