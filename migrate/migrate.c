/*
 * The table and what was found.  An item is made with its first place; the
 * places of one item have a ceiling, beyond which they are only counted.
 */
#include "migrate/migrate.h"

#include "base/mem.h"
#include "base/val.h"
#include "wechat/openapi.h"

#include <string.h>

enum { PLACES_TOP = 200, ITEMS_TOP = 2000, NAME_TOP = 100 };

const struct migrate_row migrate_rows[] = {
#define YES     MIGRATE_YES
#define NO      MIGRATE_NO
#define DIFFERS MIGRATE_DIFFERS
#define X(scope, names, state, result, note) \
	{SCOPE_##scope, SCOPE_##result, names, state, note},
#include "migrate/migrate.def"
#undef YES
#undef NO
#undef DIFFERS
};
const size_t migrate_row_count = array_size(migrate_rows);

static const char *const words[] = {
#define SCOPE(name, word) word,
#include "migrate/migrate.def"
};

const char *
migrate_word(enum migrate_scope scope)
{
	return words[scope];
}

const struct migrate_row *
migrate_find(enum migrate_scope scope, struct slice name)
{
	for (size_t i = 0; i < migrate_row_count; i++) {
		struct slice rest = slice_str(migrate_rows[i].names), word;

		if (migrate_rows[i].scope != scope)
			continue;
		while (slice_split(&rest, ' ', &word))
			if (slice_eq(word, name))
				return &migrate_rows[i];
	}
	return NULL;
}

enum migrate_scope
migrate_leads(enum migrate_scope scope, struct slice name)
{
	const struct migrate_row *row = migrate_find(scope, name);

	return row ? row->result : SCOPE_NOTHING;
}

void
migrate_problem(struct migrate *m, const char *why)
{
	(void)json_array_append_new(
		m->problems, json_pack("{s:s, s:s}", "file",
				     m->file ? m->file : "", "why", why));
}

void
migrate_init(struct migrate *m)
{
	*m = (struct migrate){.apis = json_object(), .problems = json_array()};
}

void
migrate_done(struct migrate *m)
{
	json_decref(m->apis);
	json_decref(m->problems);
	m->apis = m->problems = NULL;
}

/* {state, note}: of the row, of WeChat's API, or unknown. */
static json_t *
item_new(enum migrate_scope scope, struct slice name)
{
	static const char *const states[] = {"no", "differs", "yes"};
	const struct migrate_row *row = migrate_find(scope, name);
	struct openapi_route route;
	struct fault why = {0};

	if (row)
		return json_pack("{s:s, s:s, s:i, s:[]}", "state",
			states[row->state], "note", row->note, "uses", 0,
			"places");
	if (scope == SCOPE_OPENAPI) {
		int r = openapi_find(&route, name, &why);

		return json_pack("{s:s, s:s, s:i, s:[]}", "state",
			r == 0 ? "yes" : "unknown", "note",
			r == 0 ? ""
			       : "Not a name of WeChat's that is known here: "
				 "cloud.callOpenAPI({ api: '/its/path', data "
				 "}) "
				 "asks by the path (docs/wechat-api.md).",
			"uses", 0, "places");
	}
	if (scope == SCOPE_PACKAGE)
		return json_pack("{s:s, s:s, s:i, s:[]}", "state", "yes",
			"note", "", "uses", 0, "places");
	return json_pack("{s:s, s:s, s:i, s:[]}", "state", "unknown", "note",
		"Not a name of wx.cloud's that is known here: look "
		"whether it is one, or misspelled.",
		"uses", 0, "places");
}

void
migrate_add(struct migrate *m, enum migrate_scope scope, struct slice name,
	unsigned line)
{
	_free_ char *key = str_printf("%s%.*s", words[scope],
		(int)min(name.len, (size_t)NAME_TOP), name.ptr);
	json_t *item = json_object_get(m->apis, key), *places;

	if (!item && json_object_size(m->apis) < ITEMS_TOP) {
		item = item_new(scope, name);
		/* Names are bytes of a stranger's file. */
		if (json_object_set_new(m->apis, key, item) < 0)
			return;
	}
	if (!item)
		return;
	(void)json_object_set_new(
		item, "uses", json_integer(val_number(item, "uses") + 1));
	places = json_object_get(item, "places");
	if (json_array_size(places) < PLACES_TOP)
		(void)json_array_append_new(places,
			json_pack("{s:s, s:I}", "file", m->file ? m->file : "",
				"line", (json_int_t)line));
}
