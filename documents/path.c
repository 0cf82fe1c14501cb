/*
 * Dotted paths: "a.b.0.c".
 */
#include "documents/path.h"

enum { STEPS_TOP = 50 };

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

static int
parse(struct path *ret, struct slice text, bool is_change, struct arena *arena,
	struct fault *why)
{
	struct path p = {.text = text};
	struct slice rest = text;

	if (text.len == 0 || text.len > 1024 ||
		memchr(text.ptr, '\0', text.len))
		return fault_set(why, ERR_DB_PARAM,
			"a field's name must have 1 to 1024 bytes");
	p.count = 1;
	for (size_t i = 0; i < text.len; i++)
		p.count += text.ptr[i] == '.';
	if (p.count > STEPS_TOP)
		return fault_set(why, ERR_DB_PARAM,
			"a field's path may have %d steps", STEPS_TOP);
	p.step = arena_try(arena, p.count * sizeof(p.step[0]));
	if (!p.step)
		return fault_set(why, ERR_TOO_BIG, "the request is too large");
	for (unsigned i = 0; i < p.count; i++) {
		(void)slice_split(&rest, '.', &p.step[i]);
		if (p.step[i].len == 0)
			return fault_set(why, ERR_DB_PARAM,
				"a field's path has an empty step");
		if (p.step[i].ptr[0] == '$' && !is_change)
			return fault_set(why, ERR_DB_PARAM,
				"%.*s: no step of a field's path may begin "
				"with $ here",
				(int)min(p.step[i].len, (size_t)60),
				p.step[i].ptr);
		p.has_index |= is_index(p.step[i]);
	}
	*ret = p;
	return 0;
}

int
path_parse(struct path *ret, struct slice text, struct arena *arena,
	struct fault *why)
{
	return parse(ret, text, false, arena, why);
}

int
path_parse_change(struct path *ret, struct slice text, struct arena *arena,
	struct fault *why)
{
	return parse(ret, text, true, arena, why);
}

bool
path_covers(const struct path *a, const struct path *b)
{
	if (a->count > b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++)
		if (!slice_eq(a->step[i], b->step[i]))
			return false;
	return true;
}

bool
path_starts(const struct path *p, const char *name)
{
	return slice_is(p->step[0], name);
}
