/*
 * Definitions of indexes: whatever JSON comes, one that is taken can be read
 * back as it is stored, and what a query becomes with it is made of our own
 * words and quoted names only.
 */
#include "base/text.h"
#include "documents/catalog.h"
#include "documents/index.h"
#include "documents/plan.h"
#include "tests/fuzz/fuzz.h"

/* Names stand in double quotes and are ours: k_, ks_, p_, t_, g_ and a hash. */
static void
check_text(const struct sql *s)
{
	must(strspn(s->text.ptr ? s->text.ptr : "",
		     "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		     "0123456789 .,()$:=<>|#'{}[]@?&!%-+*/\"\\") ==
		s->text.len);
	must(!s->text.ptr ||
		(!strstr(s->text.ptr, "--") && !strstr(s->text.ptr, "/*")));
	for (int i = 0; i < s->count; i++)
		must(!memchr(s->param[i].ptr, '\0', s->param[i].len));
}

static void
check_query(const json_t *v, const struct coll_info *info, struct arena *arena)
{
	const struct sql_from from = {.doc = "doc", .id = "_id", .info = info};
	struct sql_order order = {0};
	struct query *q;
	struct sql s;

	sql_init(&s, arena);
	if (query_parse(&q, v, arena, 1000, NULL) == 0) {
		sql_query(&s, q, &from);
		check_text(&s);
		sql_add(&s, " ");
		order.path = info->indexes->fields[0].path;
		if (sql_plan_ordered(&s, q, &order, 1, 20, &from))
			check_text(&s);
	}
	sql_done(&s);
}

static void
check(const json_t *v, const json_t *query)
{
	_json_ json_t *definition = NULL, *again = NULL, *build = NULL;
	_json_ json_t *named = NULL;
	struct coll_info info = {.version = 1};
	struct index_info *index;
	struct slice name, same;
	struct arena arena;

	arena_init(&arena, 64 << 20);
	if (index_define(&definition, &name, v, &arena, NULL) == 0 &&
		definition) {
		must(name.len > 0 && name.len <= INDEX_NAME_TOP);
		must(coll_parse(&info.coll, "e", SLICE("c"), &arena, NULL) ==
			0);
		must(index_load(&index, &info.coll, name, definition, &arena,
			     NULL) == 0);
		must(index->relation.len <= 63);
		must(text_is_utf8(index->relation));
		must(index_build(&build, &info.coll, index, &arena, NULL) <= 0);
		/* what is stored is, with its name, a definition too */
		named = json_copy(definition);
		(void)json_object_set_new(
			named, "name", json_stringn(name.ptr, name.len));
		must(index_define(&again, &same, named, &arena, NULL) == 0);
		must(json_equal(definition, again) && slice_eq(name, same));
		info.indexes = index;
		check_query(query, &info, &arena);
	}
	arena_done(&arena);
}

/* [definition, query] */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_json_ json_t *v = NULL;

	if (size < 1 << 16 && val_parse(&v, slice_of(data, size), NULL) == 0 &&
		json_is_array(v))
		check(json_array_get(v, 0), json_array_get(v, 1));
	return 0;
}
