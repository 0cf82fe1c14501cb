/*
 * What stands in parentheses, and references back to it.  Groups inside
 * look-arounds have no number in PostgreSQL: hence two numberings.
 */
#include "documents/regex_parse.h"

static int
close_group(struct regex_parse *p)
{
	if (!regex_starts(p, ")"))
		return regex_fail(p, "a ( is not closed");
	regex_skip(p, 1);
	buf_char(p->to, ')');
	return 0;
}

/* What stands in a group, behind its opening. */
static int
put_inside(struct regex_parse *p, struct regex_cost *cost)
{
	int r;

	if (++p->deep > REGEX_DEEP)
		return regex_fail(
			p, "groups are nested deeper than %d", REGEX_DEEP);
	*cost = (struct regex_cost){.weight = 1};
	r = regex_put_branches(p, cost);
	p->deep--;
	return r < 0 ? r : close_group(p);
}

/* Groups inside look-arounds have no number in PostgreSQL. */
static int
put_group(struct regex_parse *p, struct slice name, struct regex_cost *cost)
{
	struct regex_group *g;
	int r;

	if (p->groups == REGEX_GROUPS)
		return regex_fail(
			p, "it has more than %d groups", REGEX_GROUPS);
	g = &p->group[p->groups++];
	g->name = name;
	g->number = p->around ? 0 : ++p->numbered;
	buf_char(p->to, '(');
	r = put_inside(p, cost);
	g->closed = true;
	return r;
}

static int
put_named(struct regex_parse *p, size_t opening, char end,
	struct regex_cost *cost)
{
	const char *stop;
	struct slice name;

	regex_skip(p, opening);
	stop = memchr(p->at.ptr, end, p->at.len);
	if (!stop || stop == p->at.ptr)
		return regex_fail(p, "a group's name is not ended");
	name = slice_of(p->at.ptr, (size_t)(stop - p->at.ptr));
	regex_skip(p, name.len + 1);
	return put_group(p, name, cost);
}

static int
put_around(struct regex_parse *p, const char *opening, struct regex_cost *cost)
{
	int r;

	regex_skip(p, strlen(opening));
	buf_str(p->to, opening);
	p->around++;
	r = put_inside(p, cost);
	p->around--;
	return r;
}

static int
skip_comment(struct regex_parse *p)
{
	const char *end = memchr(p->at.ptr, ')', p->at.len);

	if (!end)
		return regex_fail(p, "a (?# is not closed");
	regex_skip(p, (size_t)(end + 1 - p->at.ptr));
	return 0;
}

/* \1, (?P=name), \k<name>: what the group matched. */
static int
put_back(struct regex_parse *p, const struct regex_group *g)
{
	if (!g || !g->closed)
		return regex_fail(p, "it refers back to a group that is not "
				     "there or not closed yet");
	if (p->around || g->number == 0)
		return regex_fail(p, "a reference back cannot stand in or "
				     "lead into a look-around");
	buf_printf(p->to, "(?:\\%d)", g->number);
	return 0;
}

static const struct regex_group *
find_group(const struct regex_parse *p, struct slice name)
{
	for (int i = 0; i < p->groups; i++)
		if (name.len && slice_eq(p->group[i].name, name))
			return &p->group[i];
	return NULL;
}

int
regex_put_back_named(struct regex_parse *p, size_t opening, char end)
{
	const char *stop;
	struct slice name;

	regex_skip(p, opening);
	stop = memchr(p->at.ptr, end, p->at.len);
	if (!stop)
		return regex_fail(p, "a group's name is not ended");
	name = slice_of(p->at.ptr, (size_t)(stop - p->at.ptr));
	regex_skip(p, name.len + 1);
	return put_back(p, find_group(p, name));
}

int
regex_put_parenthesis(
	struct regex_parse *p, struct regex_cost *cost, bool *is_atom)
{
	static const char *const around[] = {"(?=", "(?!", "(?<=", "(?<!"};

	*is_atom = true;
	if (!regex_starts(p, "(?")) {
		regex_skip(p, 1);
		return put_group(p, slice_of("", 0), cost);
	}
	if (regex_starts(p, "(?:")) {
		regex_skip(p, 3);
		buf_str(p->to, "(?:");
		return put_inside(p, cost);
	}
	*is_atom = false;
	for (size_t i = 0; i < array_size(around); i++)
		if (regex_starts(p, around[i]))
			return put_around(p, around[i], cost);
	if (regex_starts(p, "(?#"))
		return skip_comment(p);
	*is_atom = true;
	if (regex_starts(p, "(?P="))
		return regex_put_back_named(p, 4, ')');
	if (regex_starts(p, "(?P<"))
		return put_named(p, 4, '>', cost);
	if (regex_starts(p, "(?<"))
		return put_named(p, 3, '>', cost);
	if (regex_starts(p, "(?'"))
		return put_named(p, 3, '\'', cost);
	return regex_fail(p,
		"(?%.*s…) cannot be said here: groups are ( ), (?: ), (?= ), "
		"(?! ), (?<= ), (?<! ) and (?<name> ); options stand in "
		"$options",
		(int)(p->at.len > 2 ? slice_utf8(slice_of(
					      p->at.ptr + 2, p->at.len - 2))
				    : 0),
		p->at.ptr + 2);
}

int
regex_put_back_number(struct regex_parse *p)
{
	int n = 0;

	regex_skip(p, 1);
	while (p->at.len && n < 10 && p->at.ptr[0] >= '0' &&
		p->at.ptr[0] <= '9') {
		n = n * 10 + (p->at.ptr[0] - '0');
		regex_skip(p, 1);
	}
	return put_back(p, n <= p->groups ? &p->group[n - 1] : NULL);
}
