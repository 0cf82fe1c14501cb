/*
 * What is known of a rule's values when a call is made: auth and request
 * become literals, or one of the words for what is less than a value.
 *
 * A caller who is not logged in has no auth at all: asking for auth.openid is
 * an error in JavaScript, and "unknown" here, so that no rule says yes because
 * of it.  What has a login but no openid (anonymous and custom logins) has an
 * auth without that member.
 */
#include "base/buf.h"
#include "documents/rule_bind.h"
#include "documents/value.h"

#include <stdlib.h>
#include <string.h>

struct rule_node *
rule_literal(const struct rule_bind *b, unsigned at, struct slice json)
{
	struct rule_node *n =
		rule_node_new(b->arena, RULE_LITERAL, at, NULL, 0);

	n->text = json;
	/* its null is a null, not the question whether there is anything */
	n->strict = true;
	return n;
}

struct rule_node *
rule_plain(const struct rule_bind *b, enum rule_op op, unsigned at)
{
	return rule_node_new(b->arena, op, at, NULL, 0);
}

static bool
is_nobody(const struct doc_scope *s)
{
	return (!s->openid || !s->openid[0]) && (!s->uid || !s->uid[0]);
}

static struct rule_node *
text_or_absent(const struct rule_bind *b, unsigned at, const char *text)
{
	if (!text || !text[0])
		return rule_plain(b, RULE_ABSENT, at);
	return rule_literal(b, at, rule_json(b->arena, slice_str(text)));
}

/* Requests of a mini program have no loginType (as CloudBase has it), those
 * without an openid have only the uid. */
static struct rule_node *
auth_member(const struct rule_bind *b, unsigned at, struct slice name)
{
	const struct doc_scope *s = b->call->scope;
	bool is_uid = s->uid && s->openid && strcmp(s->uid, s->openid) == 0;
	bool is_mini = s->login_type && strcmp(s->login_type, "WECHAT") == 0;

	if (slice_is(name, "openid"))
		return text_or_absent(b, at, is_uid ? NULL : s->openid);
	if (slice_is(name, "uid"))
		return text_or_absent(b, at, s->uid);
	if (slice_is(name, "loginType"))
		return text_or_absent(b, at, is_mini ? NULL : s->login_type);
	return rule_plain(b, RULE_ABSENT, at);
}

/* auth.custom.a.b */
static struct rule_node *
auth_custom(const struct rule_bind *b, const struct rule_node *n,
	const struct slice *step)
{
	const json_t *v = b->call->scope->custom;
	struct slice json;

	for (unsigned i = 1; i < n->steps && v; i++)
		v = json_object_getn(v, step[i].ptr, step[i].len);
	if (!v || value_is_undefined(v))
		return rule_plain(b, RULE_ABSENT, n->at);
	if (value_get(&json, v, b->arena, b->call->now_ms, NULL) < 0)
		return rule_plain(b, RULE_HIDDEN, n->at);
	return rule_literal(b, n->at, json);
}

/* The names of the steps when all are known. */
static struct slice *
step_names(const struct rule_bind *b, const struct rule_node *n)
{
	struct slice *step =
		arena_get(b->arena, (n->steps + 1) * sizeof(step[0]));

	for (unsigned i = 0; i < n->steps; i++)
		if (!rule_literal_text(n->step[i], b->arena, &step[i]))
			return NULL;
	return step;
}

/* resource.openid, resource.path */
static struct rule_node *
value_resource(const struct rule_bind *b, const struct rule_node *n)
{
	const struct rule_file *file = b->call->file;
	struct slice name = {0};

	if (file && rule_literal_text(n->step[0], b->arena, &name) &&
		slice_is(name, "path"))
		return rule_literal(b, n->at, rule_json(b->arena, file->path));
	return text_or_absent(b, n->at, file ? file->openid : NULL);
}

static struct rule_node *
value_auth(const struct rule_bind *b, struct rule_node *n)
{
	struct slice *step = step_names(b, n);

	if (n->steps == 0)
		return rule_plain(b,
			is_nobody(b->call->scope) ? RULE_NONE : RULE_OBJECT,
			n->at);
	if (is_nobody(b->call->scope) || !step)
		return rule_plain(b, RULE_HIDDEN, n->at);
	if (slice_is(step[0], "custom"))
		return auth_custom(b, n, step);
	return n->steps > 1 ? rule_plain(b, RULE_ABSENT, n->at)
			    : auth_member(b, n->at, step[0]);
}

/* Of a step: may it be a name?  null and undefined name nothing. */
static enum rule_op
step_kind(const struct rule_bind *b, const struct rule_node *step)
{
	struct slice name;

	switch (step->op) {
	case RULE_LITERAL:
		return rule_literal_text(step, b->arena, &name) ? RULE_LITERAL
								: RULE_ABSENT;
	case RULE_DOC:
	case RULE_GET:
	case RULE_TEMPLATE:
		return RULE_DOC;
	case RULE_UNDEFINED:
	case RULE_ABSENT:
		return RULE_ABSENT;
	default:
		return RULE_HIDDEN;
	}
}

/* Binds the values in `list`; the worst that was met is said. */
static enum rule_op
bind_list(const struct rule_bind *b, struct rule_node *const *list,
	unsigned count, struct rule_node **to)
{
	enum rule_op worst = RULE_LITERAL;

	for (unsigned i = 0; i < count; i++) {
		enum rule_op kind;

		to[i] = rule_value(b, list[i]);
		kind = step_kind(b, to[i]);
		if (kind == RULE_HIDDEN || worst == RULE_HIDDEN)
			worst = RULE_HIDDEN;
		else if (kind != RULE_LITERAL && worst != RULE_ABSENT)
			worst = kind;
	}
	return worst;
}

/* doc or get() with its steps; RULE_ABSENT, RULE_HIDDEN when a step is. */
static struct rule_node *
with_steps(const struct rule_bind *b, struct rule_node *n,
	struct rule_node *const *step, unsigned steps)
{
	struct rule_node **bound =
		arena_get(b->arena, (steps + 1) * sizeof(bound[0]));
	enum rule_op worst = bind_list(b, step, steps, bound);

	if (worst == RULE_HIDDEN || worst == RULE_ABSENT)
		return rule_plain(b, worst, n->at);
	n->step = bound;
	n->steps = steps;
	return n;
}

static struct rule_node *
value_doc(const struct rule_bind *b, struct rule_node *n)
{
	if (n->steps == 0)
		return rule_plain(b, RULE_OBJECT, n->at);
	return with_steps(b, rule_plain(b, RULE_DOC, n->at), n->step, n->steps);
}

/* Of a new document it is the document; whatever its author sent, _openid was
 * not among it. */
static struct rule_node *
value_data(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node *bound;
	struct slice *step;

	if (b->call->act != ACCESS_CREATE && b->call->act != ACCESS_UPDATE)
		return rule_plain(
			b, n->steps ? RULE_HIDDEN : RULE_ABSENT, n->at);
	if (n->steps == 0)
		return rule_plain(b, RULE_OBJECT, n->at);
	bound = with_steps(
		b, rule_plain(b, RULE_DOC, n->at), n->step, n->steps);
	if (bound->op != RULE_DOC)
		return bound;
	if (b->call->act == ACCESS_UPDATE) {
		step = step_names(b, bound);
		return step ? rule_data(b, n->at, step, n->steps)
			    : rule_plain(b, RULE_HIDDEN, n->at);
	}
	step = arena_new(b->arena, struct slice);
	if (!rule_literal_text(bound->step[0], b->arena, step))
		return rule_plain(b, RULE_HIDDEN, n->at);
	return slice_is(*step, "_openid") ? rule_plain(b, RULE_ABSENT, n->at)
					  : bound;
}

static bool
is_known(const struct rule_bind *b, struct slice collection)
{
	for (size_t i = 0; i < b->known_count; i++)
		if (slice_eq(collection, b->known[i]))
			return true;
	return !b->known;
}

/* SQL of another collection's table; false: there is none. */
static bool
find_table(const struct rule_bind *b, struct slice name, struct slice *ret)
{
	const struct rule_call *call = b->call;
	struct coll coll;

	for (size_t i = 0; i < call->table_count; i++)
		if (slice_eq(call->tables[i].name, name)) {
			*ret = slice_str(call->tables[i].sql);
			return true;
		}
	if (call->tables || !is_known(b, name) ||
		coll_parse(&coll, call->info->coll.env, name, b->arena, NULL) <
			0)
		return false;
	*ret = coll.quoted;
	return true;
}

/* Bound, the SQL takes the place of the name. */
static struct rule_node *
value_get_of(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node *get,
		**part = arena_get(b->arena, (n->count + 1) * sizeof(part[0]));
	enum rule_op worst = bind_list(b, n->part, n->count, part);
	struct slice table;

	if (worst == RULE_HIDDEN)
		return rule_plain(b, RULE_HIDDEN, n->at);
	/* no such document: null, which has no members */
	if (worst == RULE_ABSENT || !find_table(b, n->text, &table))
		return rule_plain(b, n->steps ? RULE_HIDDEN : RULE_NONE, n->at);
	get = rule_node_new(b->arena, RULE_GET, n->at, part, n->count);
	get->text = table;
	return with_steps(b, get, n->step, n->steps);
}

static struct rule_node *
value_template(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node **part =
		arena_get(b->arena, (n->count + 1) * sizeof(part[0]));
	enum rule_op worst = bind_list(b, n->part, n->count, part);
	_buf_ struct buf text = {0};

	if (worst == RULE_HIDDEN || worst == RULE_ABSENT)
		return rule_plain(b, worst, n->at);
	if (worst != RULE_LITERAL)
		return rule_node_new(
			b->arena, RULE_TEMPLATE, n->at, part, n->count);
	buf_init(&text, 1 << 20);
	for (unsigned i = 0; i < n->count; i++) {
		struct slice one = {0};

		(void)rule_literal_text(part[i], b->arena, &one);
		buf_slice(&text, one);
	}
	if (buf_check(&text) < 0)
		return rule_plain(b, RULE_HIDDEN, n->at);
	return rule_literal(b, n->at, rule_json(b->arena, buf_all(&text)));
}

struct rule_node *
rule_value(const struct rule_bind *b, struct rule_node *n)
{
	struct rule_node **part;

	switch (n->op) {
	case RULE_NOW:
		return rule_literal(b, n->at,
			slice_str(arena_printf(
				b->arena, "%lld", (long long)b->call->now_ms)));
	case RULE_AUTH:
		return value_auth(b, n);
	case RULE_DATA:
		return value_data(b, n);
	case RULE_RESOURCE:
		return value_resource(b, n);
	case RULE_DOC:
		return value_doc(b, n);
	case RULE_GET:
		return value_get_of(b, n);
	case RULE_TEMPLATE:
		return value_template(b, n);
	case RULE_LIST:
		part = arena_get(b->arena, (n->count + 1) * sizeof(part[0]));
		(void)bind_list(b, n->part, n->count, part);
		return rule_node_new(
			b->arena, RULE_LIST, n->at, part, n->count);
	default:
		return n;
	}
}
