/*
 * The grammar of a rule's expression, JavaScript's without what changes or
 * calculates:
 *
 *   ternary  = or [ "?" ternary ":" ternary ]
 *   or       = and { "||" and }
 *   and      = equality { "&&" equality }
 *   equality = relation [ ("==" | "!=" | "===" | "!==") relation ]
 *   relation = unary [ ("<" | "<=" | ">" | ">=" | "in") unary ]
 *   unary    = "!" unary | member
 *   member   = primary { "." name | "[" ternary "]" }
 *   primary  = "(" ternary ")" | list | literal | "-" number | template | "now"
 *            | "auth" | "doc" | "request" "." "data" | "get" "(" path ")"
 *
 * Values and conditions are told apart: a value where a condition is wanted is
 * asked for its truth, a condition is no value.  A ?: of values is moved out of
 * the comparison that it stands in, so that what remains compares plain values:
 * (c ? a : b) == d  is  c ? a == d : b == d.
 */
#include "documents/rule_parse.h"

#include "base/text.h"

#include <string.h>

/* What a value says as a condition. */
static int
to_condition(struct rule_parser *p, struct rule_node *n, struct rule_node **ret)
{
	struct rule_node *part[3];
	int r;

	*ret = n;
	if (rule_is_condition(n))
		return 0;
	if (n->op == RULE_LITERAL && slice_is(n->text, "true"))
		return rule_make(p, RULE_TRUE, n->at, NULL, 0, ret);
	if (n->op == RULE_LITERAL && slice_is(n->text, "false"))
		return rule_make(p, RULE_FALSE, n->at, NULL, 0, ret);
	if (n->op != RULE_PICK)
		return rule_make(p, RULE_TRUTH, n->at, &n, 1, ret);
	part[0] = n->part[0];
	r = to_condition(p, n->part[1], &part[1]);
	if (r == 0)
		r = to_condition(p, n->part[2], &part[2]);
	return r < 0 ? r : rule_make(p, RULE_IF, n->at, part, 3, ret);
}

/* A list stands to the right of `in`, and only something that may be one. */
static int
check_lists(struct rule_parser *p, enum rule_op op, const struct rule_node *a,
	const struct rule_node *b)
{
	bool in = op == RULE_IN;

	if (a->op == RULE_LIST || (!in && b->op == RULE_LIST))
		return rule_lex_fail(&p->lex,
			a->op == RULE_LIST ? a->at : b->at,
			"a list stands to the right of in only");
	if (in && (b->op == RULE_LITERAL || b->op == RULE_TEMPLATE ||
			  b->op == RULE_NOW || b->op == RULE_UNDEFINED))
		return rule_lex_fail(&p->lex, b->at,
			"in wants a list: [a, b] or a member that holds one");
	return 0;
}

/* a op b, with each ?: of a and b moved outside. */
static int
compare(struct rule_parser *p, enum rule_op op, bool strict, unsigned at,
	struct rule_node *a, struct rule_node *b, struct rule_node **ret)
{
	struct rule_node *sides[2] = {a, b}, *branch[3];
	int which = a->op == RULE_PICK ? 0 : 1, r = 0;
	struct rule_node *pick = sides[which];

	if (pick->op != RULE_PICK) {
		r = check_lists(p, op, a, b);
		if (r == 0)
			r = rule_make(p, op, at, sides, 2, ret);
		if (r == 0)
			(*ret)->strict = strict;
		return r;
	}
	branch[0] = pick->part[0];
	for (int i = 1; i < 3 && r == 0; i++) {
		sides[which] = pick->part[i];
		r = compare(p, op, strict, at, sides[0], sides[1], &branch[i]);
	}
	return r < 0 ? r : rule_make(p, RULE_IF, at, branch, 3, ret);
}

static int
negate(struct rule_parser *p, struct rule_node *n, unsigned at,
	struct rule_node **ret)
{
	struct rule_node *c = NULL;
	int r = to_condition(p, n, &c);

	return r < 0 ? r : rule_make(p, RULE_NOT, at, &c, 1, ret);
}

static int
enter(struct rule_parser *p)
{
	if (++p->depth > RULE_DEPTH_TOP)
		return rule_lex_fail(&p->lex, p->lex.at,
			"an expression may be nested %d deep", RULE_DEPTH_TOP);
	return 0;
}

static int
parse_unary(struct rule_parser *p, struct rule_node **ret)
{
	unsigned at = p->lex.at;
	struct rule_node *n = NULL;
	int r = enter(p);

	if (r < 0)
		return r;
	if (rule_lex_is(&p->lex, "!")) {
		r = rule_lex_next(&p->lex);
		if (r == 0)
			r = parse_unary(p, &n);
		if (r == 0)
			r = negate(p, n, at, ret);
	} else {
		r = rule_parse_member(p, ret);
	}
	p->depth--;
	return r;
}

static const struct binary {
	const char *sign;
	enum rule_op op;
	bool strict, negated, is_relation;
} binaries[] = {
	{"==", RULE_EQ, false, false, false},
	{"!=", RULE_EQ, false, true, false},
	{"===", RULE_EQ, true, false, false},
	{"!==", RULE_EQ, true, true, false},
	{"<", RULE_LT, false, false, true},
	{"<=", RULE_LTE, false, false, true},
	{">", RULE_GT, false, false, true},
	{">=", RULE_GTE, false, false, true},
};

static const struct binary *
find_binary(const struct rule_parser *p, bool is_relation)
{
	static const struct binary in = {"in", RULE_IN, false, false, true};

	if (is_relation && p->lex.word == WORD_NAME &&
		slice_is(p->lex.text, "in"))
		return &in;
	for (size_t i = 0; i < array_size(binaries); i++)
		if (binaries[i].is_relation == is_relation &&
			rule_lex_is(&p->lex, binaries[i].sign))
			return &binaries[i];
	return NULL;
}

static int
parse_binary(struct rule_parser *p, bool is_relation, struct rule_node **ret)
{
	struct rule_node *a = NULL, *b = NULL;
	const struct binary *op;
	unsigned at;
	int r = is_relation ? parse_unary(p, &a) : parse_binary(p, true, &a);

	if (r < 0)
		return r;
	*ret = a;
	op = find_binary(p, is_relation);
	at = p->lex.at;
	if (!op)
		return 0;
	r = rule_lex_next(&p->lex);
	if (r == 0)
		r = is_relation ? parse_unary(p, &b)
				: parse_binary(p, true, &b);
	if (r == 0)
		r = rule_check_value(p, a);
	if (r == 0)
		r = rule_check_value(p, b);
	if (r == 0)
		r = compare(p, op->op, op->strict, at, a, b, ret);
	if (r == 0 && op->negated)
		r = negate(p, *ret, at, ret);
	if (r == 0 && find_binary(p, is_relation))
		r = rule_lex_fail(&p->lex, p->lex.at,
			"a comparison is no value: write && between two");
	return r;
}

/* && or || */
static int
parse_join(struct rule_parser *p, bool is_or, struct rule_node **ret)
{
	const char *sign = is_or ? "||" : "&&";
	unsigned at;
	struct rule_list l = {0};
	struct rule_node *n = NULL;
	int r = is_or ? parse_join(p, false, &n) : parse_binary(p, false, &n);

	*ret = n;
	at = p->lex.at;
	if (r < 0 || !rule_lex_is(&p->lex, sign))
		return r;
	for (;;) {
		r = to_condition(p, n, &n);
		if (r < 0)
			return r;
		rule_list_add(p, &l, n);
		if (!rule_lex_is(&p->lex, sign))
			break;
		r = rule_lex_next(&p->lex);
		if (r == 0)
			r = is_or ? parse_join(p, false, &n)
				  : parse_binary(p, false, &n);
		if (r < 0)
			return r;
	}
	return rule_make(p, is_or ? RULE_OR : RULE_AND, at,
		rule_list_get(p, &l), l.count, ret);
}

/* Of values it is a value, else a condition. */
static int
make_ternary(struct rule_parser *p, unsigned at, struct rule_node *part[3],
	struct rule_node **ret)
{
	bool is_value =
		!rule_is_condition(part[1]) && !rule_is_condition(part[2]);
	int r = to_condition(p, part[0], &part[0]);

	if (r == 0 && is_value)
		return rule_make(p, RULE_PICK, at, part, 3, ret);
	for (int i = 1; i < 3 && r == 0; i++)
		r = to_condition(p, part[i], &part[i]);
	return r < 0 ? r : rule_make(p, RULE_IF, at, part, 3, ret);
}

int
rule_parse_ternary(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *part[3] = {0};
	unsigned at;
	int r = enter(p);

	if (r == 0)
		r = parse_join(p, true, &part[0]);
	*ret = part[0];
	at = p->lex.at;
	if (r == 0 && rule_lex_is(&p->lex, "?")) {
		r = rule_lex_next(&p->lex);
		if (r == 0)
			r = rule_parse_ternary(p, &part[1]);
		if (r == 0)
			r = rule_expect(p, ":", " after ?");
		if (r == 0)
			r = rule_parse_ternary(p, &part[2]);
		if (r == 0)
			r = make_ternary(p, at, part, ret);
	}
	p->depth--;
	return r;
}

static int
parse(struct rule_node **ret, struct slice text, bool of_files,
	struct arena *arena, struct fault *why)
{
	struct rule_parser p = {
		.lex = {.rest = text, .arena = arena, .why = why, .column = 1},
		.arena = arena,
		.of_files = of_files,
	};
	struct rule_node *n = NULL;
	int r;

	if (text.len > RULE_TOP)
		return fault_set(why, ERR_DB_PARAM,
			"an expression has %d bytes at most", RULE_TOP);
	if ((text.len && memchr(text.ptr, '\0', text.len)) ||
		!text_is_utf8(text))
		return fault_set(why, ERR_DB_PARAM,
			"an expression is UTF-8 text without NUL");
	r = rule_lex_next(&p.lex);
	if (r == 0)
		r = rule_parse_ternary(&p, &n);
	if (r == 0 && p.lex.word != WORD_END)
		r = rule_lex_fail(&p.lex, p.lex.at,
			"\"%.*s\" is not expected here",
			(int)min(p.lex.text.len, (size_t)60), p.lex.text.ptr);
	return r < 0 ? r : to_condition(&p, n, ret);
}

int
rule_parse(struct rule_node **ret, struct slice text, struct arena *arena,
	struct fault *why)
{
	return parse(ret, text, false, arena, why);
}

int
rule_parse_file(struct rule_node **ret, struct slice text, struct arena *arena,
	struct fault *why)
{
	return parse(ret, text, true, arena, why);
}
