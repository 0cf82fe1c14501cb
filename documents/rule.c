/*
 * A collection's rules: parsed together, bound one at a time.
 *
 * What is left of a rule after binding becomes a part of the statement's own
 * query tree, so that && and || at its top are the planner's too.  A leaf that
 * an index can serve stands there twice: as the query's own condition, which
 * finds at least what the rule allows, and as the rule itself, which decides.
 */
#include "documents/rule.h"

#include "documents/index.h"
#include "documents/query.h"
#include "documents/rule_bind.h"

#include <string.h>

struct rules {
	struct rule_node *expr[4]; /* by enum access_act; NULL: never */
	struct slice *known;       /* see rules_parse; NULL: any */
	size_t known_count;
	bool get;
};

/* In the order in which a later one decides. */
static const struct {
	const char *name;
	unsigned acts; /* bits of enum access_act */
} names[] = {
	{"read", 1u << ACCESS_READ},
	{"write", 1u << ACCESS_CREATE | 1u << ACCESS_UPDATE |
			  1u << ACCESS_DELETE},
	{"create", 1u << ACCESS_CREATE},
	{"update", 1u << ACCESS_UPDATE},
	{"delete", 1u << ACCESS_DELETE},
};

static int
parse_one(struct rules *r, const char *name, unsigned bits, const json_t *v,
	struct arena *arena, struct fault *why)
{
	struct rule_node *n = NULL;
	int e = 0;

	if (json_is_boolean(v))
		n = json_is_true(v)
			    ? rule_node_new(arena, RULE_TRUE, 1, NULL, 0)
			    : NULL;
	else if (json_is_string(v))
		e = rule_parse(&n,
			slice_of(json_string_value(v), json_string_length(v)),
			arena, why);
	else
		e = fault_set(why, ERR_DB_PARAM,
			"a rule is true, false or an expression in a text");
	if (e < 0)
		return fault_prefix(why, e, "%s: ", name);
	for (unsigned act = 0; act < array_size(r->expr); act++)
		if (bits & 1u << act)
			r->expr[act] = n;
	r->get = r->get || (n && rule_asks_get(n));
	return 0;
}

static int
check_names(const json_t *v, struct fault *why)
{
	const char *name;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)v, name, member) {
		bool known = false;

		for (size_t i = 0; i < array_size(names); i++)
			known |= strcmp(name, names[i].name) == 0;
		if (!known)
			return fault_set(why, ERR_DB_PARAM,
				"there is no rule \"%.60s\": there are read, "
				"write, create, update and delete",
				name);
	}
	return 0;
}

static void
keep_known(struct rules *r, const json_t *known, struct arena *arena)
{
	const json_t *v;
	size_t i;

	if (!json_is_array(known))
		return;
	r->known = arena_get(
		arena, (json_array_size(known) + 1) * sizeof(r->known[0]));
	json_array_foreach (known, i, v)
		if (json_is_string(v))
			r->known[r->known_count++] = slice_str(arena_str(
				arena, slice_of(json_string_value(v),
					       json_string_length(v))));
}

int
rules_parse(struct rules **ret, const json_t *v, const json_t *known,
	struct arena *arena, struct fault *why)
{
	struct rules *r = arena_new(arena, struct rules);
	_json_ json_t *parsed = NULL;
	int e = 0;

	if (json_is_string(v)) {
		e = val_parse(&parsed,
			slice_of(json_string_value(v), json_string_length(v)),
			why);
		v = parsed;
	}
	if (e < 0)
		return fault_prefix(why, ERR_DB_PARAM, "rules: ");
	if (!json_is_object(v))
		return fault_set(why, ERR_DB_PARAM,
			"rules are an object: {\"read\": true, \"write\": "
			"\"doc._openid == auth.openid\"}");
	e = check_names(v, why);
	for (size_t i = 0; i < array_size(names) && e == 0; i++) {
		const json_t *one = json_object_get(v, names[i].name);

		if (one)
			e = parse_one(r, names[i].name, names[i].acts, one,
				arena, why);
	}
	if (e < 0)
		return e;
	keep_known(r, known, arena);
	*ret = r;
	return 0;
}

bool
rules_get(const struct rules *rules)
{
	return rules && rules->get;
}

/* What makes query trees of conditions. */
struct weave {
	const struct coll_info *info;
	struct arena *arena;
};

static struct query *
leaf(const struct weave *w, enum query_op op)
{
	struct query *q = arena_new(w->arena, struct query);

	q->op = op;
	return q;
}

static bool
is_indexed(const struct weave *w, const struct path *path)
{
	if (path->count == 1 && path_starts(path, "_id"))
		return true;
	for (const struct index_info *i = w->info->indexes; i; i = i->next)
		for (unsigned n = 0; n < i->count && i->kind == INDEX_PLAIN;
			n++)
			if (slice_eq(i->fields[n].path.text, path->text))
				return true;
	return false;
}

/* doc.a.b of written names only, as a query's path. */
static bool
doc_path(const struct weave *w, const struct rule_node *n, struct path *ret)
{
	_buf_ struct buf text = {0};
	struct slice name;

	buf_init(&text, RULE_TOP + 64);
	for (unsigned i = 0; i < n->steps; i++) {
		if (!rule_literal_text(n->step[i], w->arena, &name) ||
			memchr(name.ptr, '.', name.len))
			return false;
		if (i)
			buf_char(&text, '.');
		buf_slice(&text, name);
	}
	return n->op == RULE_DOC && buf_check(&text) == 0 &&
	       path_parse(ret,
		       slice_of(arena_str(w->arena, buf_all(&text)), text.len),
		       w->arena, NULL) == 0;
}

/* The query's condition that an index may serve for it: at least what the rule
 * allows; NULL when there is none. */
static struct query *
hint(const struct weave *w, const struct rule_node *n)
{
	const struct rule_node *doc, *value;
	struct query *q = leaf(w, QUERY_EQ);

	if (n->op != RULE_EQ && n->op != RULE_IN)
		return NULL;
	/* doc.x == 'a', or 'a' in doc.x, which an array's == means too */
	doc = n->part[n->op == RULE_IN || n->part[1]->op == RULE_DOC];
	value = n->part[doc == n->part[0]];
	if (!rule_is_text(value, w->arena, &q->text) ||
		!doc_path(w, doc, &q->path) || !is_indexed(w, &q->path))
		return NULL;
	q->kind = VALUE_STRING;
	q->value = value->text;
	return q;
}

static struct query *
weave(const struct weave *w, const struct rule_node *n)
{
	struct query *q, **end;

	switch (n->op) {
	case RULE_TRUE:
		return leaf(w, QUERY_ALL);
	case RULE_FALSE:
	case RULE_UNKNOWN:
		return leaf(w, QUERY_NONE);
	case RULE_AND:
	case RULE_OR:
		q = leaf(w, n->op == RULE_AND ? QUERY_AND : QUERY_OR);
		end = &q->parts;
		for (unsigned i = 0; i < n->count; i++) {
			*end = weave(w, n->part[i]);
			end = &(*end)->next;
		}
		return q;
	default:
		q = leaf(w, QUERY_RULE);
		q->rule = n;
		return q;
	}
}

/* && with "unknown" is never a yes; || with it is what the others say. */
static struct query *
settle(const struct weave *w, struct query *q)
{
	struct query **at = &q->parts, *part, *first;

	if (q->op == QUERY_RULE) {
		first = hint(w, q->rule);
		if (!first)
			return q;
		part = leaf(w, QUERY_AND);
		part->parts = first;
		first->next = q;
		return part;
	}
	if (q->op != QUERY_AND && q->op != QUERY_OR)
		return q;
	while (*at) {
		struct query *next = (*at)->next;

		(*at)->next = NULL;
		part = settle(w, *at);
		if (part->op == QUERY_NONE && q->op == QUERY_AND)
			return part;
		part->next = next;
		if (part->op == QUERY_NONE)
			*at = next;
		else
			*at = part, at = &part->next;
	}
	if (!q->parts)
		return leaf(w, q->op == QUERY_AND ? QUERY_ALL : QUERY_NONE);
	return q;
}

int
rules_bind(struct query **ret, const struct rules *rules,
	const struct rule_call *call, struct arena *arena, struct fault *why)
{
	const struct rule_bind b = {
		.call = call,
		.known = rules->known,
		.known_count = rules->known_count,
		.arena = arena,
	};
	const struct weave w = {.info = call->info, .arena = arena};
	struct rule_node *expr = rules->expr[call->act];

	(void)why;
	*ret = expr ? settle(&w, weave(&w, rule_bind(&b, expr)))
		    : leaf(&w, QUERY_NONE);
	return 0;
}
