/*
 * Changes and whole documents: the statement's text is made of our own words
 * only, every jsonb parameter is JSON, every path a list, and a document's
 * stored form is JSON without $ members but those of tagged values.
 *
 * An object with a member "update" is a request: its "query" and "filters" go
 * with it.
 */
#include "base/text.h"
#include "documents/sql.h"
#include "documents/update.h"
#include "tests/fuzz/fuzz.h"

/* The type that the text gives to parameter `n`, from 1. */
static bool
has_type(const struct sql *s, int n, const char *type)
{
	char word[40];
	const char *at;

	(void)snprintf(word, sizeof(word), "$%d::%s", n, type);
	at = strstr(s->text.ptr, word);
	return at && !strchr("abcdefghijklmnopqrstuvwxyz",
			     at[strlen(word)] ? at[strlen(word)] : ' ');
}

/* Our words have no double quote, no backslash, no semicolon, no comment. */
static void
check_sql(const struct sql *s)
{
	must(strspn(s->text.ptr ? s->text.ptr : "",
		     "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		     "0123456789 .,()$:=<>@?&~*+|#-'{}[]") == s->text.len);
	must(!s->text.ptr || !strstr(s->text.ptr, "--"));
	for (int i = 0; i < s->count; i++) {
		must(!memchr(s->param[i].ptr, '\0', s->param[i].len));
		must(text_is_utf8(s->param[i]));
		if (has_type(s, i + 1, "jsonb"))
			must(val_check(s->param[i]) == 0);
		if (has_type(s, i + 1, "text[]"))
			must(s->param[i].len >= 2 && s->param[i].ptr[0] == '{');
	}
}

static void
check_update(const struct update_ask *ask)
{
	struct update *u = NULL;
	struct arena arena;
	struct sql s;
	int r;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	r = update_parse(&u, ask, &arena, 1000, NULL);
	must(r == 0 || r == ERR_DB_PARAM || r == ERR_DB_OPERATOR ||
		r == ERR_TOO_BIG);
	if (r == 0) {
		r = update_guard(u, NULL);
		must(r == 0 || r == ERR_DB_DENIED);
		sql_update(&s, u, "doc");
		if (sql_check(&s, NULL) == 0)
			check_sql(&s);
	}
	update_done(&u);
	sql_done(&s);
	arena_done(&arena);
}

/* What an upsert makes of a condition. */
static void
check_start(const json_t *query)
{
	_json_ json_t *start = json_object();
	struct arena arena;
	int r;

	arena_init(&arena, 64 << 20);
	r = update_start(start, query, &arena, NULL);
	must(r == 0 || r == ERR_DB_PARAM || r == ERR_TOO_BIG);
	must(!json_object_get(start, "_id"));
	(void)update_start_id(query);
	arena_done(&arena);
}

static void
check_request(const json_t *v)
{
	const json_t *update = json_object_get(v, "update");
	struct update_ask ask = {.data = update ? update : v};

	if (update) {
		ask.query = json_object_get(v, "query");
		ask.array_filters = json_object_get(v, "filters");
	}
	check_update(&ask);
	ask.makes = true;
	check_update(&ask);
	check_start(ask.query ? ask.query : v);
}

/* What is stored reads back as itself. */
static void
check_document(const json_t *v)
{
	_json_ json_t *stored = NULL;
	_buf_ struct buf one, two;

	buf_init(&one, VALUE_SIZE_TOP);
	buf_init(&two, VALUE_SIZE_TOP);
	if (value_put_doc(&one, v, "o\"x", 1000, NULL) < 0)
		return;
	must(val_check(buf_all(&one)) == 0);
	if (val_parse(&stored, buf_all(&one), NULL) < 0)
		return; /* "_openid" twice */
	must(value_put(&two, stored, 9999, NULL) == 0);
	must(slice_eq(buf_all(&one), buf_all(&two)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;

	if (val_parse(&v, slice_of(data, size), NULL) < 0)
		return 0;
	check_request(v);
	check_document(v);
	return 0;
}
