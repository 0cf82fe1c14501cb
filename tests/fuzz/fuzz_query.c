/*
 * Conditions: whatever JSON comes, the statement's text is made of our own
 * words only, and every parameter is something PostgreSQL can read as what the
 * text says it is.
 */
#include "base/text.h"
#include "documents/query.h"
#include "documents/sql.h"
#include "documents/sql_from.h"
#include "tests/fuzz/fuzz.h"

/* Our words have no double quote, no backslash, no
 * semicolon, no comment. */
static void
check_text(const struct sql *s)
{
	must(strspn(s->text.ptr ? s->text.ptr : "",
		     "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		     "0123456789 .,()$:=<>|#'{}[]@?&!%-+*/") == s->text.len);
	must(!s->text.ptr ||
		(!strstr(s->text.ptr, "--") && !strstr(s->text.ptr, "/*")));
}

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

static void
check_params(const struct sql *s)
{
	for (int i = 0; i < s->count; i++) {
		struct slice p = s->param[i];

		must(!memchr(p.ptr, '\0', p.len));
		must(text_is_utf8(p));
		if (has_type(s, i + 1, "jsonb"))
			must(val_check(p) == 0);
		if (has_type(s, i + 1, "jsonpath"))
			must(slice_starts(p, "$") ||
				slice_starts(p, "strict $"));
	}
}

/* `whole`: the document holds its _id. */
static void
check(const json_t *v, bool admin, bool whole)
{
	const struct sql_from from = {.doc = "doc", .id = whole ? NULL : "_id"};
	struct query *q = NULL;
	struct arena arena;
	struct slice id;
	struct sql s;
	int r;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	r = query_parse(&q, v, &arena, 1000, NULL);
	must(r == 0 || r == ERR_DB_PARAM || r == ERR_DB_OPERATOR ||
		r == ERR_TOO_BIG);
	if (r == 0 && !admin)
		r = query_guard(q, "o\"x", &arena, NULL);
	if (r == 0) {
		(void)query_id(q, &id);
		(void)query_near(q);
		sql_query(&s, q, &from);
	}
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
	check(v, true, false);
	check(v, true, true);
	check(v, false, false);
	return 0;
}
