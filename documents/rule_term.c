/*
 * The values of a rule's expression: literals, templates, lists, the variables
 * and their members, get().
 */
#include "documents/rule_parse.h"

#include <string.h>

struct rule_cell {
	struct rule_node *node;
	struct rule_cell *before;
};

void
rule_list_add(struct rule_parser *p, struct rule_list *l, struct rule_node *n)
{
	struct rule_cell *c = arena_new(p->arena, struct rule_cell);

	*c = (struct rule_cell){n, l->last};
	l->last = c;
	l->count++;
}

struct rule_node **
rule_list_get(struct rule_parser *p, const struct rule_list *l)
{
	struct rule_node **all =
		arena_get(p->arena, (l->count + 1) * sizeof(all[0]));
	unsigned at = l->count;

	for (const struct rule_cell *c = l->last; c; c = c->before)
		all[--at] = c->node;
	return all;
}

static struct rule_node *
leaf(struct rule_parser *p, enum rule_op op, struct slice text)
{
	struct rule_node *n = rule_node_new(p->arena, op, p->lex.at, NULL, 0);

	n->text = text;
	return n;
}

static struct rule_node *
text_leaf(struct rule_parser *p, struct slice text)
{
	return leaf(p, RULE_LITERAL, rule_json(p->arena, text));
}

/* A condition is made of what was read: (op a b …). */
int
rule_make(struct rule_parser *p, enum rule_op op, unsigned at,
	struct rule_node *const *part, unsigned count, struct rule_node **ret)
{
	struct rule_node *n = rule_node_new(p->arena, op, at, part, count);

	if (n->weight > RULE_WEIGHT_TOP)
		return rule_lex_fail(
			&p->lex, at, "the expression is too complex");
	*ret = n;
	return 0;
}

int
rule_expect(struct rule_parser *p, const char *sign, const char *what)
{
	if (!rule_lex_is(&p->lex, sign))
		return rule_lex_fail(
			&p->lex, p->lex.at, "%s is missing%s", sign, what);
	return rule_lex_next(&p->lex);
}

int
rule_check_value(struct rule_parser *p, const struct rule_node *n)
{
	if (!rule_is_condition(n))
		return 0;
	return rule_lex_fail(&p->lex, n->at,
		"a condition is no value: join conditions with && and ||");
}

/* A value inside a list, a template, a member's brackets. */
static int
parse_plain(struct rule_parser *p, struct rule_node **ret)
{
	int r = rule_parse_ternary(p, ret);

	if (r == 0)
		r = rule_check_value(p, *ret);
	if (r == 0 && (*ret)->op == RULE_PICK)
		r = rule_lex_fail(
			&p->lex, (*ret)->at, "?: cannot stand inside a value");
	if (r == 0 && (*ret)->op == RULE_LIST)
		r = rule_lex_fail(
			&p->lex, (*ret)->at, "a list cannot stand here");
	return r;
}

/* Literals, and the words that stand for a value. */
static int
parse_name(struct rule_parser *p, struct rule_node **ret)
{
	enum { IN_DOCS = 1, IN_FILES = 2, IN_ALL = 3 };
	static const struct {
		const char *name;
		enum rule_op op;
		const char *literal;
		unsigned where;
	} names[] = {
		{"true", RULE_LITERAL, "true", IN_ALL},
		{"false", RULE_LITERAL, "false", IN_ALL},
		{"null", RULE_LITERAL, "null", IN_ALL},
		{"undefined", RULE_UNDEFINED, "", IN_ALL},
		{"now", RULE_NOW, "", IN_ALL},
		{"auth", RULE_AUTH, "", IN_ALL},
		{"doc", RULE_DOC, "", IN_DOCS},
		{"request", RULE_DATA, "", IN_DOCS},
		{"get", RULE_GET, "", IN_DOCS},
		{"resource", RULE_RESOURCE, "", IN_FILES},
	};
	unsigned where = p->of_files ? IN_FILES : IN_DOCS;

	for (size_t i = 0; i < array_size(names); i++)
		if ((names[i].where & where) &&
			slice_is(p->lex.text, names[i].name)) {
			*ret = leaf(
				p, names[i].op, slice_str(names[i].literal));
			return rule_lex_next(&p->lex);
		}
	return rule_lex_fail(&p->lex, p->lex.at,
		"%.*s is not known: there are %s",
		(int)min(p->lex.text.len, (size_t)60), p->lex.text.ptr,
		p->of_files ? "auth, resource.openid, resource.path and now"
			    : "auth, doc, request.data, now and get()");
}

/* `text${value}…` */
static int
parse_template(struct rule_parser *p, struct rule_node **ret)
{
	unsigned at = p->lex.at;
	struct rule_list l = {0};
	bool ends = false;
	int r = 0;

	while (r == 0 && !ends) {
		struct rule_node *n = NULL;
		struct slice piece = {0};

		r = rule_lex_piece(&p->lex, &piece, &ends);
		if (r == 0 && piece.len)
			rule_list_add(p, &l, text_leaf(p, piece));
		if (r < 0 || ends)
			break;
		r = rule_lex_next(&p->lex);
		if (r == 0)
			r = parse_plain(p, &n);
		if (r == 0 && !rule_lex_is(&p->lex, "}"))
			r = rule_lex_fail(
				&p->lex, p->lex.at, "} is missing after ${");
		if (r == 0)
			rule_list_add(p, &l, n);
	}
	if (r == 0)
		r = rule_lex_next(&p->lex);
	return r < 0 ? r
		     : rule_make(p, RULE_TEMPLATE, at, rule_list_get(p, &l),
			       l.count, ret);
}

static int
parse_list(struct rule_parser *p, struct rule_node **ret)
{
	unsigned at = p->lex.at;
	struct rule_list l = {0};
	int r = rule_lex_next(&p->lex);

	while (r == 0 && !rule_lex_is(&p->lex, "]")) {
		struct rule_node *n = NULL;

		if (l.count)
			r = rule_expect(
				p, ",", " between the values of a list");
		if (r == 0)
			r = parse_plain(p, &n);
		if (r == 0)
			rule_list_add(p, &l, n);
	}
	if (r == 0)
		r = rule_lex_next(&p->lex);
	return r < 0 ? r
		     : rule_make(p, RULE_LIST, at, rule_list_get(p, &l),
			       l.count, ret);
}

/* "database.users." and what follows: the collection's name, and what is left
 * as a first piece of the id. */
static bool
split_path(struct slice head, struct slice *collection, struct slice *id)
{
	size_t skip = strlen("database.");
	const char *dot;

	if (!slice_starts(head, "database."))
		return false;
	head = slice_of(head.ptr + skip, head.len - skip);
	dot = memchr(head.ptr, '.', head.len);
	if (!dot || dot == head.ptr)
		return false;
	*collection = slice_of(head.ptr, (size_t)(dot - head.ptr));
	*id = slice_of(dot + 1, head.len - collection->len - 1);
	return true;
}

static int
make_get(struct rule_parser *p, const struct rule_node *path, unsigned at,
	struct rule_node **ret)
{
	const struct rule_node *first = path;
	struct slice head = {0}, collection = {0}, id = {0};
	struct rule_list l = {0};
	int r;

	if (path->op == RULE_TEMPLATE && path->count)
		first = path->part[0];
	if (first->op != RULE_LITERAL || first->text.ptr[0] != '"' ||
		!rule_literal_text(first, p->arena, &head) ||
		!split_path(head, &collection, &id) ||
		(id.len == 0 && path->count < 2))
		return rule_lex_fail(&p->lex, path->at,
			"get() takes `database.COLLECTION.ID`: the collection "
			"written out, the id with ${…}");
	if (id.len)
		rule_list_add(p, &l, text_leaf(p, id));
	for (unsigned i = 1; i < path->count; i++)
		rule_list_add(p, &l, path->part[i]);
	r = rule_make(p, RULE_GET, at, rule_list_get(p, &l), l.count, ret);
	if (r == 0)
		(*ret)->text = collection;
	return r;
}

/* After "get". */
static int
parse_get(struct rule_parser *p, unsigned at, struct rule_node **ret)
{
	struct rule_node *path = NULL;
	int r;

	if (++p->gets > RULE_GETS_TOP)
		return rule_lex_fail(&p->lex, at,
			"an expression may have %d get()", RULE_GETS_TOP);
	if (++p->get_depth > RULE_GET_DEPTH_TOP)
		return rule_lex_fail(&p->lex, at, "get() may be nested %d deep",
			RULE_GET_DEPTH_TOP);
	r = rule_expect(p, "(", " after get");
	if (r == 0)
		r = parse_plain(p, &path);
	if (r == 0)
		r = rule_expect(p, ")", " after get's path");
	p->get_depth--;
	return r < 0 ? r : make_get(p, path, at, ret);
}

static int
bad_request(struct rule_parser *p)
{
	return rule_lex_fail(
		&p->lex, p->lex.at, "of request there is request.data only");
}

/* request → request.data */
static int
parse_request(struct rule_parser *p)
{
	bool is_dot = rule_lex_is(&p->lex, ".");
	int r;

	if (!is_dot && !rule_lex_is(&p->lex, "["))
		return bad_request(p);
	r = rule_lex_next(&p->lex);
	if (r == 0 &&
		(!slice_is(p->lex.text, "data") ||
			p->lex.word != (is_dot ? WORD_NAME : WORD_STRING)))
		r = bad_request(p);
	if (r == 0)
		r = rule_lex_next(&p->lex);
	if (r == 0 && !is_dot)
		r = rule_expect(p, "]", "");
	return r;
}

static int
parse_negative(struct rule_parser *p, struct rule_node **ret)
{
	struct slice text;
	int r = rule_lex_next(&p->lex);

	if (r < 0)
		return r;
	if (p->lex.word != WORD_NUMBER)
		return rule_lex_fail(
			&p->lex, p->lex.at, "- stands before a number only");
	text = slice_str(
		arena_printf(p->arena, "-%.*s", SLICE_ARG(p->lex.text)));
	*ret = leaf(p, RULE_LITERAL, text);
	return rule_lex_next(&p->lex);
}

/* A word, with what belongs to it. */
static int
parse_word(struct rule_parser *p, struct rule_node **ret)
{
	unsigned at = p->lex.at;
	int r = parse_name(p, ret);

	if (r == 0 && (*ret)->op == RULE_GET)
		return parse_get(p, at, ret);
	if (r == 0 && (*ret)->op == RULE_DATA)
		return parse_request(p);
	return r;
}

static int
parse_sign(struct rule_parser *p, struct rule_node **ret)
{
	int r;

	if (rule_lex_is(&p->lex, "["))
		return parse_list(p, ret);
	if (rule_lex_is(&p->lex, "-"))
		return parse_negative(p, ret);
	if (!rule_lex_is(&p->lex, "("))
		return rule_lex_fail(&p->lex, p->lex.at,
			"a value is missing before \"%.*s\"",
			SLICE_ARG(p->lex.text));
	r = rule_lex_next(&p->lex);
	if (r == 0)
		r = rule_parse_ternary(p, ret);
	return r < 0 ? r : rule_expect(p, ")", "");
}

static int
parse_primary(struct rule_parser *p, struct rule_node **ret)
{
	switch (p->lex.word) {
	case WORD_NAME:
		return parse_word(p, ret);
	case WORD_NUMBER:
		*ret = leaf(p, RULE_LITERAL, p->lex.text);
		return rule_lex_next(&p->lex);
	case WORD_STRING:
		*ret = text_leaf(p, p->lex.text);
		return rule_lex_next(&p->lex);
	case WORD_TEMPLATE:
		return parse_template(p, ret);
	case WORD_SIGN:
		return parse_sign(p, ret);
	case WORD_END:
	default:
		return rule_lex_fail(
			&p->lex, p->lex.at, "the expression is not ended");
	}
}

/* .name or [value] */
static int
parse_step(struct rule_parser *p, struct rule_node **ret)
{
	bool is_dot = rule_lex_is(&p->lex, ".");
	int r = rule_lex_next(&p->lex);

	if (r < 0)
		return r;
	if (!is_dot) {
		r = parse_plain(p, ret);
		return r < 0 ? r
			     : rule_expect(p, "]", " after a member's name");
	}
	if (p->lex.word != WORD_NAME)
		return rule_lex_fail(
			&p->lex, p->lex.at, "a member's name is missing");
	*ret = text_leaf(p, p->lex.text);
	return rule_lex_next(&p->lex);
}

static bool
is_auth_member(struct slice name)
{
	return slice_is(name, "openid") || slice_is(name, "uid") ||
	       slice_is(name, "loginType") || slice_is(name, "custom");
}

static int
check_resource(struct rule_parser *p, const struct rule_node *n)
{
	struct slice name = {0};

	if (n->steps == 1 && rule_literal_text(n->step[0], p->arena, &name) &&
		(slice_is(name, "openid") || slice_is(name, "path")))
		return 0;
	return rule_lex_fail(&p->lex, n->at, "resource has openid and path");
}

static int
check_steps(struct rule_parser *p, const struct rule_node *n)
{
	struct slice name;

	for (unsigned i = 0; i < n->steps; i++)
		if (rule_literal_text(n->step[i], p->arena, &name) &&
			name.len && name.ptr[0] == '$')
			return rule_lex_fail(&p->lex, n->step[i]->at,
				"a member's name does not begin with $");
	if (n->op == RULE_RESOURCE)
		return check_resource(p, n);
	if (n->op != RULE_AUTH || n->steps == 0)
		return 0;
	if (!rule_literal_text(n->step[0], p->arena, &name) ||
		!is_auth_member(name))
		return rule_lex_fail(&p->lex, n->step[0]->at,
			"auth has openid, uid, loginType and custom");
	return 0;
}

/* doc['a.b'] is doc.a.b: a path, as conditions and changes write it. */
static void
add_steps(struct rule_parser *p, struct rule_list *l, struct rule_node *step)
{
	struct slice name = {0}, one;

	if (step->op != RULE_LITERAL || step->text.ptr[0] != '"' ||
		!rule_literal_text(step, p->arena, &name) ||
		!memchr(name.ptr, '.', name.len)) {
		rule_list_add(p, l, step);
		return;
	}
	while (slice_split(&name, '.', &one)) {
		struct rule_node *n = text_leaf(p, one);

		n->at = step->at;
		rule_list_add(p, l, n);
	}
}

static bool
has_members(const struct rule_node *n)
{
	return n->op == RULE_AUTH || n->op == RULE_DATA || n->op == RULE_DOC ||
	       n->op == RULE_GET || n->op == RULE_RESOURCE;
}

int
rule_parse_member(struct rule_parser *p, struct rule_node **ret)
{
	struct rule_node *n = NULL, *step = NULL;
	struct rule_list l = {0};
	int r = parse_primary(p, &n);

	*ret = n;
	while (r == 0 &&
		(rule_lex_is(&p->lex, ".") || rule_lex_is(&p->lex, "["))) {
		if (!has_members(n))
			return rule_lex_fail(&p->lex, p->lex.at,
				p->of_files ? "only auth and resource have "
					      "members"
					    : "only auth, doc, request.data "
					      "and get() have members");
		r = parse_step(p, &step);
		if (r == 0)
			add_steps(p, &l, step);
	}
	if (r == 0 && rule_lex_is(&p->lex, "("))
		return rule_lex_fail(&p->lex, p->lex.at,
			"the only function of a rule is get()");
	if (r < 0 || (l.count == 0 && n->op != RULE_RESOURCE))
		return r;
	n->step = rule_list_get(p, &l);
	n->steps = l.count;
	for (unsigned i = 0; i < l.count; i++)
		n->weight += n->step[i]->weight;
	return check_steps(p, n);
}
