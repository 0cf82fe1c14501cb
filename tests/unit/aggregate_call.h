#pragma once

/*
 * Pipelines on the private server of doc_call.h, and what they should give.
 */

#include "tests/unit/doc_call.h"

#include <math.h>

/* Numbers are equal when their values are, within what summing may do. */
static _unused_ bool
same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return fabs(x - y) <= 1e-12 * fmax(fabs(x), fabs(y));
	}
	if (json_typeof(a) != json_typeof(b) ||
		json_array_size(a) != json_array_size(b) ||
		json_object_size(a) != json_object_size(b))
		return false;
	json_array_foreach (a, i, item) {
		if (!same(item, json_array_get(b, i)))
			return false;
	}
	json_object_foreach ((json_t *)(uintptr_t)a, key, item) {
		if (!json_object_get(b, key) ||
			!same(item, json_object_get(b, key)))
			return false;
	}
	return json_is_array(a) || json_is_object(a) || json_equal(a, b);
}

static _unused_ json_t *
answer(const struct call *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->op.count; i++)
		(void)json_array_append_new(
			list, json_loadb(c->op.list[i].ptr, c->op.list[i].len,
				      JSON_DECODE_ANY, NULL));
	return list;
}

static _unused_ int
pipe_as(struct call *c, const char *user, const char *coll, const char *stages)
{
	return as(c, user, DOC_AGGREGATE, coll, NULL, stages);
}

static _unused_ void
gives(struct call *c, const char *user, const char *coll, const char *stages,
	const char *expect)
{
	_json_ json_t *want = parse(expect);
	_json_ json_t *got = NULL;
	int r = pipe_as(c, user, coll, stages);

	if (r < 0)
		print_error("%s: %s\n", stages, fault_text(&c->op.job.why, r));
	assert_int_equal(r, 0);
	got = answer(c);
	if (!same(want, got))
		print_error("%s as %s:\n  got %s\n  not %s\n", stages,
			user ? user : "admin", c->text, expect);
	assert_true(same(want, got));
}

static _unused_ json_t *
load(const char *name)
{
	const char *source = getenv("MPCLOUD_SOURCE");
	_free_ char *path =
		source ? str_printf("%s/tests/unit/data/%s", source, name)
		       : str_printf("%.*sdata/%s",
				 (int)(strrchr(__FILE__, '/') - __FILE__ + 1),
				 __FILE__, name);
	json_error_t error;
	json_t *v = json_load_file(path, 0, &error);

	if (!v)
		print_error("%s:%d: %s\n", path, error.line, error.text);
	assert_non_null(v);
	return v;
}

/* Collections anew with these documents, the administrator's or a user's own.
 */
static _unused_ void
fill(const json_t *colls, const char *user)
{
	struct call c = {0};
	const char *name;
	json_t *docs_of;

	json_object_foreach ((json_t *)(uintptr_t)colls, name, docs_of) {
		_free_ char *text = json_dumps(docs_of, 0);

		(void)run(&c, DOC_ADD_COLLECTION, name, NULL, NULL);
		if (user)
			permit(name, "PRIVATE");
		c.multi = true;
		ok(&c, DOC_REMOVE, name, NULL, NULL);
		assert_int_equal(as(&c, user, DOC_INSERT, name, NULL, text), 0);
	}
	end(&c);
}
