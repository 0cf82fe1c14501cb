/*
 * Changes and whole documents: the statement's text is made of our own words
 * only, every jsonb parameter is JSON, and a document's stored form is JSON
 * without $ members but those of tagged values.
 */
#include "base/text.h"
#include "db/sql.h"
#include "db/update.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
check_sql(const struct sql *s)
{
	must(strspn(s->text.ptr ? s->text.ptr : "",
		     "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		     "0123456789 .,()$:|-'{}[]") == s->text.len);
	for (int i = 0; i < s->count; i++) {
		char word[24];

		(void)snprintf(word, sizeof(word), "$%d::jsonb", i + 1);
		must(!memchr(s->param[i].ptr, '\0', s->param[i].len));
		must(text_is_utf8(s->param[i]));
		if (strstr(s->text.ptr, word))
			must(val_check(s->param[i]) == 0);
	}
}

static void
check_update(const json_t *v)
{
	struct update *u = NULL;
	struct arena arena;
	struct sql s;
	int r;

	arena_init(&arena, 64 << 20);
	sql_init(&s, &arena);
	r = update_parse(&u, v, &arena, 1000, NULL);
	must(r == 0 || r == ERR_DB_PARAM || r == ERR_TOO_BIG);
	if (r == 0) {
		r = update_guard(u, NULL);
		must(r == 0 || r == ERR_DB_DENIED);
		sql_update(&s, u, "doc");
		if (sql_check(&s, NULL) == 0)
			check_sql(&s);
	}
	sql_done(&s);
	arena_done(&arena);
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
	check_update(v);
	check_document(v);
	return 0;
}
