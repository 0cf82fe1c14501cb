/*
 * Pipelines: whatever JSON comes as stages, the statement's text is made of our
 * own words and of quoted identifiers only, and every parameter is something
 * PostgreSQL can read as what the text says it is.
 */
#include "base/text.h"
#include "documents/aggregate.h"
#include "documents/doc_sql.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our words have no backslash, no semicolon and no comment; a double quote
 * begins or ends an identifier. */
static void
check_text(const struct sql *s)
{
	const char *text = s->text.ptr ? s->text.ptr : "";
	size_t len = s->text.len, quotes = 0, ticks = 0;

	must(!memchr(text, '\0', len));
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\'' && quotes % 2 == 0) {
			ticks++;
		} else if (text[i] == '"' && ticks % 2 == 0) {
			quotes++;
		} else if (quotes % 2 == 0) {
			must(text[i] != '\\' && text[i] != ';');
			must(ticks % 2 || text[i] != '-' || text[i + 1] != '-');
			must((unsigned char)text[i] >= ' ' &&
				(unsigned char)text[i] < 127);
		}
	}
	must(quotes % 2 == 0 && ticks % 2 == 0);
}

/* The text with the names in it blank; the caller frees. */
static char *
without_names(const struct sql *s)
{
	char *text = strdup(s->text.ptr ? s->text.ptr : "");
	bool in_name = false, in_text = false;

	must(text != NULL);
	for (char *c = text; *c; c++) {
		in_text ^= *c == '\'' && !in_name;
		in_name ^= *c == '"' && !in_text;
		if (in_name)
			*c = ' ';
	}
	return text;
}

/* The type that the text gives to parameter `n`, from 1. */
static bool
has_type(const char *text, int n, const char *type)
{
	char word[40];
	const char *at;

	(void)snprintf(word, sizeof(word), "$%d::%s", n, type);
	at = strstr(text, word);
	return at && !strchr("abcdefghijklmnopqrstuvwxyz[",
			     at[strlen(word)] ? at[strlen(word)] : ' ');
}

static void
check_params(const struct sql *s)
{
	char *text = without_names(s);

	for (int i = 0; i < s->count; i++) {
		struct slice p = s->param[i];

		must(!memchr(p.ptr, '\0', p.len));
		must(text_is_utf8(p));
		if (has_type(text, i + 1, "jsonb"))
			must(val_check(p) == 0);
		if (has_type(text, i + 1, "text[]"))
			must(p.len >= 2 && p.ptr[0] == '{' &&
				p.ptr[p.len - 1] == '}');
	}
	free(text);
}

/* Every collection that is named exists and is open to all. */
static void
know(struct catalog_ask *names, struct coll_info *infos, struct arena *arena)
{
	for (size_t i = 0; i < names->count; i++) {
		struct coll_info *info = &infos[i];

		*info = (struct coll_info){
			.version = 1, .permission = PERMISSION_READONLY};
		if (coll_parse(&info->coll, "e", names->name[i], arena, NULL) <
			0)
			must(coll_parse(&info->coll, "e", SLICE("other"), arena,
				     NULL) == 0);
		names->info[i] = info;
	}
}

static void
check(const json_t *stages, bool admin)
{
	static const struct docs docs = {.limits = {.stages_top = 100}};
	const struct doc_request req = {
		.verb = DOC_AGGREGATE,
		.env = "e",
		.collection = SLICE("c"),
		.stages = stages,
		.scope = {.admin = admin, .openid = "o\"x"},
	};
	struct catalog_ask names = {.env = "e", .count = 1};
	struct coll_info infos[CATALOG_NAMES];
	struct query all = {.op = QUERY_ALL};
	struct arena arena;
	struct sql s;
	int r;

	names.name[0] = req.collection;
	arena_init(&arena, 256 << 20);
	sql_init(&s, &arena);
	(void)aggregate_writes(stages);
	r = aggregate_names(stages, names.name, &names.count, NULL);
	must(names.count <= CATALOG_NAMES);
	know(&names, infos, &arena);
	if (r == 0) {
		struct doc_build b = {
			.docs = &docs,
			.req = &req,
			.names = &names,
			.info = names.info[0],
			.coll = names.info[0]->coll,
			.where = &all,
			.allowed = &all,
			.sql = &s,
			.arena = &arena,
			.now_ms = 1000,
			.why = &(struct fault){0},
		};

		r = doc_sql_aggregate(&b);
	}
	must(r == 0 || r == ERR_DB_PARAM || r == ERR_DB_OPERATOR ||
		r == ERR_TOO_BIG || r == ERR_DB_DENIED);
	if (r == 0 && sql_check(&s, NULL) == 0) {
		check_text(&s);
		check_params(&s);
	}
	sql_done(&s);
	arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;

	if (val_parse(&v, slice_of(data, size), NULL) < 0)
		return 0;
	check(v, true);
	check(v, false);
	return 0;
}
