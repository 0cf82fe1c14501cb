/*
 * A rule for one call.  Values that are known become literals (rule_value.c),
 * comparisons of literals a yes or a no, and so on upwards, until what is left
 * speaks of the document.  A rule that then says no, or "unknown", needs no
 * statement at all.
 *
 * What is absent equals only a question for it: `x == undefined` asks whether x
 * is there, `x == null` whether it is there and more than null.  Two values
 * neither of which is there are no reason to say that they are equal: a
 * document without an owner does not belong to everyone without a uid.
 */
#include "documents/rule_bind.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static struct rule_node *
answer(const struct rule_bind *b, enum rule_op op, unsigned at)
{
	return rule_plain(b, op, at);
}

static struct rule_node *
make(const struct rule_bind *b, enum rule_op op, unsigned at,
	struct rule_node *x, struct rule_node *y)
{
	struct rule_node *part[2] = {x, y};

	return rule_node_new(b->arena, op, at, part, y ? 2 : 1);
}

static struct rule_node *
negate(const struct rule_bind *b, struct rule_node *n)
{
	switch (n->op) {
	case RULE_TRUE:
		return answer(b, RULE_FALSE, n->at);
	case RULE_FALSE:
		return answer(b, RULE_TRUE, n->at);
	case RULE_UNKNOWN:
		return n;
	case RULE_NOT:
		return n->part[0];
	default:
		return make(b, RULE_NOT, n->at, n, NULL);
	}
}

/* Is it asked for in the document? */
static bool
is_open(const struct rule_node *n)
{
	return n->op == RULE_DOC || n->op == RULE_GET || n->op == RULE_TEMPLATE;
}

enum kind { K_NULL, K_BOOL, K_NUMBER, K_TEXT, K_OTHER };

static enum kind
kind_of(const struct rule_node *literal)
{
	switch (literal->text.ptr[0]) {
	case 'n':
		return K_NULL;
	case 't':
	case 'f':
		return K_BOOL;
	case '"':
		return K_TEXT;
	case '{':
	case '[':
		return K_OTHER;
	default:
		return K_NUMBER;
	}
}

/* A number of so few digits that a double tells it from its neighbours. */
static bool
is_short(const struct rule_node *n, double *ret)
{
	char text[20];

	if (n->text.len >= 16)
		return false;
	memcpy(text, n->text.ptr, n->text.len);
	text[n->text.len] = '\0';
	*ret = strtod(text, NULL);
	return true;
}

/* Is a get() that stands for the whole document? */
static bool
is_whole(const struct rule_node *n)
{
	return n->op == RULE_GET && n->steps == 0;
}

/* x == undefined */
static struct rule_node *
missing(const struct rule_bind *b, unsigned at, struct rule_node *x)
{
	if (x->op == RULE_UNDEFINED || x->op == RULE_ABSENT ||
		x->op == RULE_NONE)
		return answer(b, RULE_TRUE, at);
	if (!is_open(x))
		return answer(b, RULE_FALSE, at);
	if (is_whole(x))
		return negate(b, make(b, RULE_FOUND, at, x, NULL));
	return make(b, RULE_MISSING, at, x, NULL);
}

/* x == null, as written in the rule; with `strict`, that and nothing less. */
static struct rule_node *
nullish(const struct rule_bind *b, unsigned at, struct rule_node *x,
	bool strict)
{
	struct rule_node *n;
	bool yes;

	if (x->op == RULE_PRESENT)
		return answer(b, RULE_UNKNOWN, at);
	if (!is_open(x)) {
		yes = x->op == RULE_NONE ||
		      (x->op == RULE_LITERAL && kind_of(x) == K_NULL) ||
		      (!strict && (x->op == RULE_ABSENT ||
					  x->op == RULE_UNDEFINED));
		return answer(b, yes ? RULE_TRUE : RULE_FALSE, at);
	}
	if (is_whole(x))
		return negate(b, make(b, RULE_FOUND, at, x, NULL));
	n = make(b, RULE_NULLISH, at, x, NULL);
	n->strict = strict;
	return n;
}

/* x == what is not there, though nobody asked for that. */
static struct rule_node *
apart(const struct rule_bind *b, unsigned at, struct rule_node *x)
{
	if (is_open(x))
		return make(b, RULE_APART, at, x, NULL);
	return answer(b, x->op == RULE_LITERAL ? RULE_FALSE : RULE_UNKNOWN, at);
}

static struct rule_node *
equal_literals(const struct rule_bind *b, unsigned at, struct rule_node *x,
	struct rule_node *y)
{
	enum kind kind = kind_of(x);
	double n, m;

	if (kind == K_OTHER || kind_of(y) == K_OTHER)
		return make(b, RULE_EQ, at, x, y);
	if (kind != kind_of(y))
		return answer(b, RULE_FALSE, at);
	if (kind == K_NUMBER) {
		if (!is_short(x, &n) || !is_short(y, &m))
			return make(b, RULE_EQ, at, x, y);
		return answer(b, n == m ? RULE_TRUE : RULE_FALSE, at);
	}
	return answer(
		b, slice_eq(x->text, y->text) ? RULE_TRUE : RULE_FALSE, at);
}

/* How much is known of a value, least first: which side of == decides. */
static int
rank(const struct rule_node *n)
{
	static const enum rule_op order[] = {RULE_HIDDEN, RULE_UNDEFINED,
		RULE_LITERAL /* null */, RULE_ABSENT, RULE_NONE, RULE_PRESENT,
		RULE_OBJECT};
	bool is_null = n->op == RULE_LITERAL && kind_of(n) == K_NULL;

	for (int i = 0; i < (int)array_size(order); i++)
		if (n->op == order[i] && (n->op != RULE_LITERAL || is_null))
			return i;
	return (int)array_size(order);
}

/* A literal with what is known better than it. */
static struct rule_node *
equal_literal(const struct rule_bind *b, unsigned at, struct rule_node *x,
	struct rule_node *y, bool strict)
{
	if (kind_of(x) != K_NULL)
		return y->op == RULE_LITERAL ? equal_literals(b, at, x, y)
					     : make(b, RULE_EQ, at, x, y);
	if (x->strict && (y->op == RULE_NONE || y->op == RULE_OBJECT))
		return answer(b, RULE_UNKNOWN, at);
	return nullish(b, at, y, strict || x->strict);
}

static struct rule_node *
equal(const struct rule_bind *b, unsigned at, struct rule_node *x,
	struct rule_node *y, bool strict)
{
	struct rule_node *low = rank(x) <= rank(y) ? x : y;
	struct rule_node *high = low == x ? y : x;

	switch (low->op) {
	case RULE_UNDEFINED:
		return missing(b, at, high);
	case RULE_ABSENT:
		return apart(b, at, high);
	case RULE_HIDDEN:
	case RULE_NONE:
	case RULE_PRESENT:
	case RULE_OBJECT:
		return answer(b, RULE_UNKNOWN, at);
	case RULE_LITERAL:
		return equal_literal(b, at, low, high, strict);
	default:
		return make(b, RULE_EQ, at, low, high);
	}
}

static bool
compare_numbers(enum rule_op op, double n, double m)
{
	switch (op) {
	case RULE_LT:
		return n < m;
	case RULE_LTE:
		return n <= m;
	case RULE_GT:
		return n > m;
	default:
		return n >= m;
	}
}

/* Something that < may have an answer for. */
static bool
has_order(const struct rule_node *n)
{
	return is_open(n) || (n->op == RULE_LITERAL && kind_of(n) != K_NULL &&
				     kind_of(n) != K_BOOL);
}

static struct rule_node *
relate_literals(const struct rule_bind *b, const struct rule_node *n,
	struct rule_node *x, struct rule_node *y)
{
	double l, r;

	if (kind_of(x) != K_OTHER && kind_of(y) != K_OTHER &&
		kind_of(x) != kind_of(y))
		return answer(b, RULE_UNKNOWN, n->at);
	if (kind_of(x) == K_NUMBER && kind_of(y) == K_NUMBER &&
		is_short(x, &l) && is_short(y, &r))
		return answer(b,
			compare_numbers(n->op, l, r) ? RULE_TRUE : RULE_FALSE,
			n->at);
	return make(b, n->op, n->at, x, y);
}

/* <, <=, >, >=: between numbers (a Date is one) and between texts. */
static struct rule_node *
relate(const struct rule_bind *b, const struct rule_node *n,
	struct rule_node *x, struct rule_node *y)
{
	if (!has_order(x) || !has_order(y))
		return answer(b, RULE_UNKNOWN, n->at);
	return is_open(x) || is_open(y) ? make(b, n->op, n->at, x, y)
					: relate_literals(b, n, x, y);
}

static bool
is_plain(const struct rule_node *n)
{
	return n->op == RULE_LITERAL && kind_of(n) != K_OTHER &&
	       kind_of(n) != K_NULL;
}

/* [a, b] of plain literals as one JSON array. */
static struct rule_node *
list_literal(const struct rule_bind *b, const struct rule_node *list)
{
	_buf_ struct buf text = {0};

	for (unsigned i = 0; i < list->count; i++)
		if (!is_plain(list->part[i]))
			return NULL;
	buf_init(&text, 64 << 20);
	buf_char(&text, '[');
	for (unsigned i = 0; i < list->count; i++) {
		if (i)
			buf_char(&text, ',');
		buf_slice(&text, list->part[i]->text);
	}
	buf_char(&text, ']');
	return rule_literal(b, list->at,
		slice_of(arena_str(b->arena, buf_all(&text)), text.len));
}

static struct rule_node *join(const struct rule_bind *b, enum rule_op op,
	unsigned at, struct rule_node *const *part, unsigned count);

static struct rule_node *
in_list(const struct rule_bind *b, unsigned at, struct rule_node *x,
	const struct rule_node *list)
{
	struct rule_node *json = list_literal(b, list), **part;

	if (json && is_open(x) && list->count > 1)
		return make(b, RULE_IN, at, x, json);
	part = arena_get(b->arena, (list->count + 1) * sizeof(part[0]));
	for (unsigned i = 0; i < list->count; i++)
		part[i] = equal(b, at, x, list->part[i], false);
	return join(b, RULE_OR, at, part, list->count);
}

static struct rule_node *
inside(const struct rule_bind *b, unsigned at, struct rule_node *x,
	struct rule_node *list)
{
	if (list->op == RULE_LIST)
		return in_list(b, at, x, list);
	if (x->op == RULE_HIDDEN || x->op == RULE_PRESENT ||
		x->op == RULE_OBJECT || x->op == RULE_NONE)
		return answer(b, RULE_UNKNOWN, at);
	/* what get() does not find is unknown in no list, too */
	if (list->op == RULE_ABSENT && !rule_asks_get(x))
		return answer(b, RULE_FALSE, at);
	if (list->op == RULE_ABSENT)
		return make(b, RULE_IN, at, x, list);
	if (list->op == RULE_LITERAL && list->text.ptr[0] == '[')
		return make(b, RULE_IN, at, x, list);
	if (!is_open(list))
		return answer(b, RULE_UNKNOWN, at);
	return make(b, RULE_IN, at, x, list);
}

static struct rule_node *
truth_of_literal(const struct rule_bind *b, const struct rule_node *n)
{
	double number = 1;
	bool yes;

	switch (kind_of(n)) {
	case K_NULL:
		yes = false;
		break;
	case K_BOOL:
		yes = n->text.ptr[0] == 't';
		break;
	case K_NUMBER:
		yes = strspn(n->text.ptr, "-0.eE+") < n->text.len;
		if (is_short(n, &number))
			yes = number != 0;
		break;
	case K_TEXT:
		yes = n->text.len > 2;
		break;
	case K_OTHER:
	default:
		yes = !slice_is(n->text, "{\"$numberDouble\":\"NaN\"}");
	}
	return answer(b, yes ? RULE_TRUE : RULE_FALSE, n->at);
}

static struct rule_node *
truth(const struct rule_bind *b, unsigned at, struct rule_node *x)
{
	switch (x->op) {
	case RULE_UNDEFINED:
	case RULE_ABSENT:
	case RULE_NONE:
		return answer(b, RULE_FALSE, at);
	case RULE_LITERAL:
		return truth_of_literal(b, x);
	case RULE_LIST:
	case RULE_OBJECT:
		return answer(b, RULE_TRUE, at);
	case RULE_DOC:
	case RULE_GET:
	case RULE_TEMPLATE:
		return make(
			b, is_whole(x) ? RULE_FOUND : RULE_TRUTH, at, x, NULL);
	default:
		return answer(b, RULE_UNKNOWN, at);
	}
}

/* && or || of bound conditions. */
static struct rule_node *
join(const struct rule_bind *b, enum rule_op op, unsigned at,
	struct rule_node *const *part, unsigned count)
{
	enum rule_op decides = op == RULE_AND ? RULE_FALSE : RULE_TRUE;
	enum rule_op neutral = op == RULE_AND ? RULE_TRUE : RULE_FALSE;
	struct rule_node **left =
		arena_get(b->arena, (count + 1) * sizeof(left[0]));
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		if (part[i]->op == decides)
			return part[i];
		if (part[i]->op != neutral)
			left[n++] = part[i];
	}
	if (n == 0)
		return answer(b, neutral, at);
	return n == 1 ? left[0] : rule_node_new(b->arena, op, at, left, n);
}

static struct rule_node *
bind_join(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node **part =
		arena_get(b->arena, (n->count + 1) * sizeof(part[0]));

	for (unsigned i = 0; i < n->count; i++)
		part[i] = rule_bind(b, n->part[i]);
	return join(b, n->op, n->at, part, n->count);
}

static struct rule_node *
bind_if(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node *part[3];

	part[0] = rule_bind(b, n->part[0]);
	if (part[0]->op == RULE_UNKNOWN)
		return part[0];
	if (part[0]->op == RULE_TRUE || part[0]->op == RULE_FALSE)
		return rule_bind(b, n->part[part[0]->op == RULE_TRUE ? 1 : 2]);
	part[1] = rule_bind(b, n->part[1]);
	part[2] = rule_bind(b, n->part[2]);
	return rule_node_new(b->arena, RULE_IF, n->at, part, 3);
}

struct rule_node *
rule_bind(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node *x, *y;

	switch (n->op) {
	case RULE_AND:
	case RULE_OR:
		return bind_join(b, n);
	case RULE_NOT:
		return negate(b, rule_bind(b, n->part[0]));
	case RULE_IF:
		return bind_if(b, n);
	case RULE_TRUTH:
		return truth(b, n->at, rule_value(b, n->part[0]));
	case RULE_EQ:
	case RULE_LT:
	case RULE_LTE:
	case RULE_GT:
	case RULE_GTE:
	case RULE_IN:
		x = rule_value(b, n->part[0]);
		y = rule_value(b, n->part[1]);
		if (n->op == RULE_EQ)
			return equal(b, n->at, x, y, n->strict);
		return n->op == RULE_IN ? inside(b, n->at, x, y)
					: relate(b, n, x, y);
	default:
		return n;
	}
}
