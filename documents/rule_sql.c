/*
 * What is left of a rule, as SQL: a boolean with SQL's own three answers, so
 * that AND, OR and NOT need no thought, and only at the very top is NULL a no.
 *
 * A comparison that asks another collection stands inside the subselect that
 * finds the document there,
 *   (SELECT rule_d1 -> 'role' = $3 FROM "env"."users" rule_g1 (rule_k1,
 *   rule_d1) WHERE rule_k1 = $2)
 * so that a document that does not exist makes the answer NULL by itself.  The
 * columns are renamed: `doc` inside still means the document that is asked
 * about.
 */
#include "base/buf.h"
#include "documents/rule.h"
#include "documents/rule_tree.h"
#include "documents/sql.h"

#include <stdio.h>
#include <string.h>

/* The get() around a comparison, outermost first. */
struct frame {
	const struct rule_node *get[2 * RULE_GETS_TOP];
	unsigned count;
};

struct text {
	struct sql *s;
	const struct sql_from *from;
	struct frame frame;
	int first; /* of our own parameters */
	const char *type[ASK_PARAMS];
};

static void put_value(struct text *t, const struct rule_node *n);

static void
put(struct text *t, const char *text)
{
	sql_add(t->s, text);
}

/* What is mentioned again is one parameter still. */
static void
put_param(struct text *t, struct slice value, const char *type)
{
	const struct slice *param = t->s->param;

	for (int i = t->first; i < t->s->count; i++)
		if (param[i].ptr == value.ptr && param[i].len == value.len &&
			strcmp(t->type[i], type) == 0) {
			buf_printf(&t->s->text, "$%d::%s", i + 1, type);
			return;
		}
	if (t->s->count < ASK_PARAMS)
		t->type[t->s->count] = type;
	sql_param(t->s, value, type);
}

static unsigned
frame_find(const struct text *t, const struct rule_node *get)
{
	for (unsigned i = 0; i < t->frame.count; i++)
		if (t->frame.get[i] == get)
			return i + 1;
	return 0;
}

static bool
is_index(struct slice s)
{
	if (s.len == 0 || s.len > 9 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return true;
}

/* The name of a step that is written or known. */
static bool
step_name(const struct text *t, const struct rule_node *n, unsigned i,
	struct slice *ret)
{
	return i < n->steps && rule_literal_text(n->step[i], t->s->arena, ret);
}

/* mpcloud.whole(id, doc), or less when the first step needs only the document.
 */
static void
put_whole(struct text *t, const char *id, const char *doc, bool whole)
{
	if (whole && id) {
		put(t, "mpcloud.whole(");
		put(t, id);
		put(t, ", ");
	}
	put(t, doc);
	put(t, whole && id ? ")" : "");
}

/* What the steps start from. */
static void
put_base(struct text *t, const struct rule_node *n)
{
	struct slice name = {0};
	bool whole = !step_name(t, n, 0, &name) || slice_is(name, "_id");
	char id[24], doc[24];

	if (n->op != RULE_GET) {
		put_whole(t, t->from->id, t->from->doc, whole);
		return;
	}
	(void)snprintf(id, sizeof(id), "rule_k%u", frame_find(t, n));
	(void)snprintf(doc, sizeof(doc), "rule_d%u", frame_find(t, n));
	put_whole(t, id, doc, whole || n->steps == 0);
}

/* The value after `steps` of its steps.  `->` with a text finds members of
 * objects only, an index needs `#>`. */
static void
put_steps(struct text *t, const struct rule_node *n, unsigned steps)
{
	struct slice name = {0};

	if (steps == 0) {
		put_base(t, n);
		return;
	}
	if (!step_name(t, n, steps - 1, &name)) {
		put(t, "mpcloud.rule_member(");
		put_steps(t, n, steps - 1);
		put(t, ", ");
		put_value(t, n->step[steps - 1]);
		put(t, ")");
		return;
	}
	put_steps(t, n, steps - 1);
	put(t, is_index(name) ? " #> ARRAY[" : " -> ");
	put_param(t, name, "text");
	put(t, is_index(name) ? "]" : "");
}

/* The text of all pieces, NULL when one has none. */
static void
put_pieces(struct text *t, const struct rule_node *n)
{
	for (unsigned i = 0; i < n->count; i++) {
		struct slice piece = {0};

		if (i)
			put(t, " || ");
		if (rule_literal_text(n->part[i], t->s->arena, &piece)) {
			put_param(t, piece, "text");
			continue;
		}
		put(t, "mpcloud.rule_text(");
		put_value(t, n->part[i]);
		put(t, ")");
	}
}

/* A jsonb expression, NULL for what is not there. */
static void
put_value(struct text *t, const struct rule_node *n)
{
	switch (n->op) {
	case RULE_LITERAL:
		put_param(t, n->text, "jsonb");
		break;
	case RULE_DOC:
	case RULE_GET:
		put(t, "(");
		put_steps(t, n, n->steps);
		put(t, ")");
		break;
	case RULE_TEMPLATE:
		put(t, "to_jsonb(");
		put_pieces(t, n);
		put(t, ")");
		break;
	default:
		put(t, "NULL::jsonb");
	}
}

static void
put_call(struct text *t, const char *name, const struct rule_node *x,
	const struct rule_node *y)
{
	put(t, name);
	put_value(t, x);
	if (y) {
		put(t, ", ");
		put_value(t, y);
	}
	put(t, ")");
}

/* Most rules ask whether a member is a given text. */
static void
put_equal(struct text *t, const struct rule_node *n)
{
	struct slice name;

	for (unsigned i = 0; i < 2; i++) {
		const struct rule_node *x = n->part[i], *y = n->part[!i];

		if (!rule_is_text(y, t->s->arena, &name) &&
			!slice_is(y->text, "true") &&
			!slice_is(y->text, "false"))
			continue;
		put(t, "(");
		put_value(t, x);
		put(t, " = ");
		put_value(t, y);
		put(t, ") IS TRUE");
		return;
	}
	put_call(t, "mpcloud.rule_eq(", n->part[0], n->part[1]);
}

static void
put_in(struct text *t, const struct rule_node *n)
{
	struct slice text;

	if (n->part[1]->op == RULE_LITERAL ||
		!rule_is_text(n->part[0], t->s->arena, &text)) {
		put_call(t, "mpcloud.rule_in(", n->part[0], n->part[1]);
		return;
	}
	put(t, "mpcloud.rule_has(");
	put_value(t, n->part[1]);
	put(t, ", ");
	put_param(t, text, "text");
	put(t, ")");
}

static bool
is_number(const struct rule_node *n)
{
	return n->op == RULE_LITERAL &&
	       (n->text.ptr[0] == '-' ||
		       (n->text.ptr[0] >= '0' && n->text.ptr[0] <= '9'));
}

/* jsonb orders two numbers by itself; all else takes a call. */
static void
put_order(struct text *t, const struct rule_node *n)
{
	static const char *const signs[] = {
		[RULE_LT] = " < ",
		[RULE_LTE] = " <= ",
		[RULE_GT] = " > ",
		[RULE_GTE] = " >= ",
	};
	const struct rule_node *x = n->part[0], *y = n->part[1];
	const struct rule_node *open = is_number(x) ? y : x;

	if (is_number(x) || is_number(y)) {
		put(t, "CASE jsonb_typeof(");
		put_value(t, open);
		put(t, ") WHEN 'number' THEN ");
		put_value(t, x);
		put(t, signs[n->op]);
		put_value(t, y);
		put(t, " ELSE ");
	}
	put_call(t, "mpcloud.rule_order(", x, y);
	put(t, signs[n->op]);
	put(t, "0");
	if (is_number(x) || is_number(y))
		put(t, " END");
}

static void
put_found(struct text *t, const struct rule_node *get)
{
	put(t, "EXISTS (SELECT 1 FROM ");
	buf_slice(&t->s->text, get->text);
	put(t, " rule_g (rule_k, rule_d) WHERE rule_k = ");
	put_pieces(t, get);
	put(t, ")");
}

static void
put_comparison(struct text *t, const struct rule_node *n)
{
	const struct rule_node *x = n->part[0];

	switch (n->op) {
	case RULE_TRUTH:
		put_call(t, "mpcloud.rule_truth(", x, NULL);
		break;
	case RULE_MISSING:
		put_value(t, x);
		put(t, " IS NULL");
		break;
	case RULE_NULLISH:
		put(t, "coalesce(");
		put_value(t, x);
		put(t, " = 'null'::jsonb, ");
		put(t, n->strict ? "FALSE)" : "TRUE)");
		break;
	case RULE_APART:
		put(t, "CASE WHEN ");
		put_value(t, x);
		put(t, " IS NOT NULL THEN FALSE END");
		break;
	case RULE_FOUND:
		put_found(t, x);
		break;
	case RULE_EQ:
		put_equal(t, n);
		break;
	case RULE_IN:
		put_in(t, n);
		break;
	default:
		put_order(t, n);
	}
}

static void collect(struct frame *f, const struct rule_node *n);

static void
collect_all(struct frame *f, struct rule_node *const *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		collect(f, list[i]);
}

/* The get() of a value, those first that others' ids are made of. */
static void
collect(struct frame *f, const struct rule_node *n)
{
	collect_all(f, n->part, n->count);
	collect_all(f, n->step, n->steps);
	if (n->op == RULE_GET && f->count < array_size(f->get))
		f->get[f->count++] = n;
}

static void
put_leaf(struct text *t, const struct rule_node *n)
{
	struct frame *f = &t->frame;

	f->count = 0;
	if (n->op == RULE_FOUND)
		collect_all(f, n->part[0]->part, n->part[0]->count);
	else
		collect_all(f, n->part, n->count);
	for (unsigned i = 0; i < f->count; i++)
		put(t, "(SELECT ");
	put_comparison(t, n);
	for (unsigned i = f->count; i-- > 0;) {
		put(t, " FROM ");
		buf_slice(&t->s->text, f->get[i]->text);
		buf_printf(&t->s->text,
			" rule_g%u (rule_k%u, rule_d%u) WHERE rule_k%u = ",
			i + 1, i + 1, i + 1, i + 1);
		put_pieces(t, f->get[i]);
		put(t, ")");
	}
}

static void put_condition(struct text *t, const struct rule_node *n);

static void
put_joined(struct text *t, const struct rule_node *n, const char *between)
{
	for (unsigned i = 0; i < n->count; i++) {
		put(t, i ? between : "(");
		put_condition(t, n->part[i]);
	}
	put(t, ")");
}

static void
put_if(struct text *t, const struct rule_node *n)
{
	static const char *const words[] = {
		"(CASE ", " WHEN TRUE THEN ", " WHEN FALSE THEN "};

	for (unsigned i = 0; i < 3; i++) {
		put(t, words[i]);
		put_condition(t, n->part[i]);
	}
	put(t, " END)");
}

static void
put_condition(struct text *t, const struct rule_node *n)
{
	switch (n->op) {
	case RULE_TRUE:
		put(t, "TRUE");
		break;
	case RULE_FALSE:
		put(t, "FALSE");
		break;
	case RULE_UNKNOWN:
		put(t, "NULL::boolean");
		break;
	case RULE_AND:
		put_joined(t, n, " AND ");
		break;
	case RULE_OR:
		put_joined(t, n, " OR ");
		break;
	case RULE_NOT:
		put(t, "(NOT ");
		put_condition(t, n->part[0]);
		put(t, ")");
		break;
	case RULE_IF:
		put_if(t, n);
		break;
	default:
		put(t, "(");
		put_leaf(t, n);
		put(t, ")");
	}
}

void
rule_sql(struct sql *s, const struct rule_node *rule,
	const struct sql_from *from)
{
	struct text t = {.s = s, .from = from, .first = s->count};

	put_condition(&t, rule);
	sql_add(s, " IS TRUE");
}
