/*
 * Security rules: whatever is written, what comes out is an error that names a
 * column, or a condition whose text is made of our own words and quoted names
 * only, with parameters that PostgreSQL can read.
 *
 * Input: JSON {"rules", "data", "auth"}, or a bare expression.
 */
#include "base/text.h"
#include "documents/query.h"
#include "documents/rule.h"
#include "documents/sql.h"
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

/* The text without its quoted names. */
static void
put_outside(struct buf *to, struct slice text)
{
	bool quoted = false;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			buf_char(to, text.ptr[i]);
	}
	must(!quoted);
}

/* Our words have no quote, no backslash, no semicolon, no comment. */
static void
check_text(struct slice text)
{
	must(strspn(text.ptr, "abcdefghijklmnopqrstuvwxyz_"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789 .,()$:=<>|#'[]-{}") == text.len);
	must(!memmem(text.ptr, text.len, "--", 2));
}

static void
check_params(const struct sql *s, struct slice text)
{
	for (int i = 0; i < s->count; i++) {
		struct slice p = s->param[i];
		char word[40];

		must(!memchr(p.ptr, '\0', p.len));
		must(text_is_utf8(p));
		(void)snprintf(word, sizeof(word), "$%d::jsonb", i + 1);
		if (strstr(text.ptr, word))
			must(val_check(p) == 0);
	}
}

static void
check_sql(const struct sql *s)
{
	_buf_ struct buf outside = {0};

	buf_init(&outside, 1 << 20);
	put_outside(&outside, buf_all(&s->text));
	check_text(buf_all(&outside));
	check_params(s, buf_all(&outside));
}

static void
check(const struct rules *rules, enum access_act act, const json_t *data,
	const struct doc_scope *scope)
{
	const struct coll_info info = {.coll = {.env = "test"}};
	const struct rule_call call = {
		.act = act,
		.scope = scope,
		.data = data,
		.info = &info,
		.now_ms = 1000,
	};
	const struct sql_from from = {.doc = "doc", .id = "_id"};
	struct query *q = NULL;
	struct arena arena;
	struct sql s;

	arena_init(&arena, 256 << 20);
	sql_init(&s, &arena);
	must(rules_bind(&q, rules, &call, &arena, NULL) == 0);
	sql_query(&s, q, &from);
	if (sql_check(&s, NULL) == 0)
		check_sql(&s);
	sql_done(&s);
	arena_done(&arena);
}

static void
check_all(const struct rules *rules, const json_t *data, const json_t *auth)
{
	const struct doc_scope alice = {
		.openid = "a\"x", .uid = "u1", .custom = auth};
	const struct doc_scope guest = {
		.openid = "u2", .uid = "u2", .login_type = "ANONYMOUS"};
	const struct doc_scope nobody = {.openid = ""};

	for (int act = ACCESS_READ; act <= ACCESS_DELETE; act++) {
		check(rules, (enum access_act)act, data, &alice);
		check(rules, (enum access_act)act, data, &guest);
		check(rules, (enum access_act)act, data, &nobody);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;
	const json_t *said;
	struct rules *rules = NULL;
	struct fault why = {0};
	struct arena arena;
	int r;

	if (val_parse(&v, slice_of(data, size), NULL) < 0 ||
		!json_is_object(v)) {
		json_decref(v);
		v = json_pack("{s:{s:s%,s:s%}}", "rules", "read", data, size,
			"write", data, size);
		if (!v)
			return 0; /* not UTF-8 */
	}
	arena_init(&arena, 16 << 20);
	said = json_object_get(v, "rules");
	r = rules_parse(&rules, said, NULL, &arena, &why);
	must(r == 0 || r == ERR_DB_PARAM);
	must(r == 0 || why.text[0]);
	if (r == 0)
		check_all(rules, json_object_get(v, "data"),
			json_object_get(v, "auth"));
	arena_done(&arena);
	return 0;
}
