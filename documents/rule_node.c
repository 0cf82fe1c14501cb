/*
 * Nodes of a rule's tree, and the texts of literals.
 */
#include "base/buf.h"
#include "base/val.h"
#include "documents/rule_tree.h"

#include <ctype.h>
#include <string.h>

struct rule_node *
rule_node_new(struct arena *arena, enum rule_op op, unsigned at,
	struct rule_node *const *part, unsigned count)
{
	struct rule_node *n = arena_new(arena, struct rule_node);
	struct rule_node **copy =
		arena_get(arena, (count + 1) * sizeof(copy[0]));

	*n = (struct rule_node){
		.op = op, .at = at, .weight = 1, .part = copy, .count = count};
	for (unsigned i = 0; i < count; i++) {
		copy[i] = part[i];
		n->weight += part[i]->weight;
	}
	return n;
}

struct slice
rule_json(struct arena *arena, struct slice text)
{
	_buf_ struct buf b = {0};

	buf_init(&b, 64 << 20);
	buf_json(&b, text);
	return slice_of(arena_str(arena, buf_all(&b)), b.len);
}

/* 5.0 → 5, as JavaScript writes it. */
static struct slice
number_text(struct slice s)
{
	if (!memchr(s.ptr, '.', s.len) || memchr(s.ptr, 'e', s.len) ||
		memchr(s.ptr, 'E', s.len))
		return s;
	while (s.ptr[s.len - 1] == '0')
		s.len--;
	s.len -= s.ptr[s.len - 1] == '.';
	return s;
}

bool
rule_literal_text(
	const struct rule_node *n, struct arena *arena, struct slice *ret)
{
	struct slice s = n->text;
	_json_ json_t *v = NULL;

	if (n->op != RULE_LITERAL || !s.len)
		return false;
	if (s.ptr[0] != '"') {
		*ret = number_text(s);
		return s.ptr[0] == '-' || (s.ptr[0] >= '0' && s.ptr[0] <= '9');
	}
	*ret = slice_of(s.ptr + 1, s.len - 2);
	if (!memchr(s.ptr, '\\', s.len))
		return true;
	v = json_loadb(s.ptr, s.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!v)
		return false;
	*ret = slice_of(json_string_value(v), json_string_length(v));
	ret->ptr = arena_str(arena, *ret);
	return true;
}

bool
rule_is_text(const struct rule_node *n, struct arena *arena, struct slice *ret)
{
	if (n->op != RULE_LITERAL || n->text.ptr[0] != '"' ||
		!rule_literal_text(n, arena, ret))
		return false;
	for (size_t i = 0; i < ret->len; i++)
		if (!isxdigit((unsigned char)ret->ptr[i]))
			return true;
	return ret->len != 24;
}

bool
rule_asks_get(const struct rule_node *n)
{
	bool yes = n->op == RULE_GET;

	for (unsigned i = 0; i < n->count && !yes; i++)
		yes = rule_asks_get(n->part[i]);
	for (unsigned i = 0; i < n->steps && !yes; i++)
		yes = rule_asks_get(n->step[i]);
	return yes;
}
