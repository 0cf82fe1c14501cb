/*
 * request.data of an update: what its rule can know of {"$set": {"a.b": 5},
 * "$inc": {"n": 1}} when it asks for one path.
 *
 * Only what is set is known.  A field that any other operator touches is there,
 * with a value that is not known: "request.data.price == undefined" is to hold
 * only when the price stays as it is.  A whole document that is sent instead is
 * all known.
 */
#include "documents/rule_bind.h"
#include "documents/value.h"

#include <stdlib.h>
#include <string.h>

enum match {
	APART,
	INSIDE, /* the field is a part of what is asked for */
	WHOLE,  /* the field is it, or holds it */
};

/* `field`: as the change writes it; $, $[] and $[x] may be any step.  *rest:
 * how many steps are left to go from the field. */
static enum match
match_field(struct slice field, const struct slice *step, unsigned steps,
	unsigned *rest, bool *is_exact)
{
	struct slice one;
	unsigned at = 0;

	*is_exact = true;
	while (slice_split(&field, '.', &one)) {
		if (at == steps)
			return INSIDE;
		if (one.len && one.ptr[0] == '$')
			*is_exact = false;
		else if (!slice_eq(one, step[at]))
			return APART;
		at++;
	}
	*rest = steps - at;
	return WHOLE;
}

static const json_t *
member(const json_t *v, struct slice name)
{
	char *end = NULL;
	char text[12];
	unsigned long i;

	if (json_is_object(v) && !value_is_tagged(v))
		return json_object_getn(v, name.ptr, name.len);
	if (!json_is_array(v) || name.len == 0 || name.len > 9)
		return NULL;
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	if (text[0] < '0' || text[0] > '9')
		return NULL;
	i = strtoul(text, &end, 10);
	return *end ? NULL : json_array_get(v, i);
}

/* {"$inc": 1} where generation 1 writes a command for a value. */
static bool
is_command(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	return at && json_object_iter_key(at)[0] == '$' && !value_is_tagged(v);
}

static struct rule_node *
known(const struct rule_bind *b, unsigned at, const json_t *v,
	const struct slice *step, unsigned steps)
{
	struct slice json;

	for (unsigned i = 0; i < steps && v; i++) {
		if (is_command(v))
			return rule_plain(b, RULE_HIDDEN, at);
		v = member(v, step[i]);
	}
	if (!v || value_is_undefined(v))
		return rule_plain(b, RULE_ABSENT, at);
	if (is_command(v) ||
		value_get(&json, v, b->arena, b->call->now_ms, NULL) < 0)
		return rule_plain(b, RULE_PRESENT, at);
	return rule_literal(b, at, json);
}

/* What `field`, changed by operator `op` (NULL: set), says of the path; NULL
 * when nothing. */
static struct rule_node *
ask_field(const struct rule_bind *b, unsigned at, const char *op,
	struct slice field, const json_t *v, const struct slice *step,
	unsigned steps)
{
	unsigned rest = 0;
	bool is_exact;

	switch (match_field(field, step, steps, &rest, &is_exact)) {
	case APART:
		return NULL;
	case INSIDE:
		return rule_plain(b, RULE_OBJECT, at);
	case WHOLE:
		break;
	}
	if (is_exact && (!op || strcmp(op, "$set") == 0))
		return known(b, at, v, step + (steps - rest), rest);
	return rule_plain(b, rest ? RULE_HIDDEN : RULE_PRESENT, at);
}

/* Two changes that both touch the path. */
static struct rule_node *
merge(const struct rule_bind *b, struct rule_node *a, struct rule_node *c)
{
	if (!a || !c)
		return a ? a : c;
	return rule_plain(b,
		a->op == RULE_OBJECT && c->op == RULE_OBJECT ? RULE_OBJECT
							     : RULE_PRESENT,
		a->at);
}

static struct rule_node *
ask_operator(const struct rule_bind *b, unsigned at, const char *op,
	const json_t *fields, const struct slice *step, unsigned steps)
{
	struct rule_node *n = NULL;
	const char *name;
	json_t *v;
	size_t len;

	json_object_keylen_foreach((json_t *)(uintptr_t)fields, name, len, v)
	{
		n = merge(b, n,
			ask_field(b, at, op, slice_of(name, len), v, step,
				steps));
		/* both places change */
		if (strcmp(op, "$rename") == 0 && json_is_string(v))
			n = merge(b, n,
				ask_field(b, at, op,
					slice_of(json_string_value(v),
						json_string_length(v)),
					v, step, steps));
	}
	return n;
}

struct rule_node *
rule_data(const struct rule_bind *b, unsigned at, const struct slice *step,
	unsigned steps)
{
	const json_t *data = b->call->data;
	struct rule_node *n = NULL;
	const char *name;
	json_t *v;
	size_t len;

	json_object_keylen_foreach((json_t *)(uintptr_t)data, name, len, v) n =
		merge(b, n,
			len && name[0] == '$'
				? ask_operator(b, at, name, v, step, steps)
				: ask_field(b, at, NULL, slice_of(name, len), v,
					  step, steps));
	return n ? n : rule_plain(b, RULE_ABSENT, at);
}
