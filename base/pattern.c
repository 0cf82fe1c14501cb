/*
 * PCRE2 with its brakes on: no JIT (its limits count differently), a limit of
 * steps and of memory for each match, no \C, no look into what is outside of
 * the subject.  A pattern has the room for one match, since the loop matches
 * one at a time.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <pcre2.h>

enum { HEAP_KIB = 256 };

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
	unsigned groups;
	char *names[PATTERN_GROUPS];
	char *prefix;
};

struct pattern *
pattern_free(struct pattern *p)
{
	if (!p)
		return NULL;
	pcre2_match_data_free(p->match);
	pcre2_match_context_free(p->context);
	pcre2_code_free(p->code);
	for (size_t i = 0; i < PATTERN_GROUPS; i++)
		p->names[i] = mem_free(p->names[i]);
	p->prefix = mem_free(p->prefix);
	return mem_free(p);
}

static void
names_read(struct pattern *p)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR at = NULL;

	(void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMECOUNT, &count);
	(void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(p->code, PCRE2_INFO_NAMETABLE, &at);
	for (uint32_t i = 0; i < count; i++, at += size) {
		unsigned n = (unsigned)at[0] << 8 | at[1];

		if (n < PATTERN_GROUPS && !p->names[n])
			p->names[n] = str_dup((const char *)at + 2);
	}
}

/* Plain characters behind "^", but for the last when it may be left out. */
static char *
prefix_of(struct slice text)
{
	size_t n = 1;

	if (!text.len || text.ptr[0] != '^' || memchr(text.ptr, '|', text.len))
		return str_dup("");
	while (n < text.len &&
		(isalnum((unsigned char)text.ptr[n]) ||
			(text.ptr[n] && strchr("/_-~@%=,:;!", text.ptr[n]))))
		n++;
	if (n < text.len && strchr("?*{", text.ptr[n]) && n > 1)
		n--;
	return str_ndup(text.ptr + 1, n - 1);
}

static int
compile(struct pattern *p, struct slice text, struct fault *why)
{
	uint32_t groups = 0;
	PCRE2_UCHAR said[120] = "";
	PCRE2_SIZE at = 0;
	int code = 0;

	p->code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len,
		PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY, &code, &at,
		NULL);
	if (!p->code) {
		(void)pcre2_get_error_message(code, said, sizeof(said));
		return fault_set(why, ERR_PARAM,
			"at character %zu of the expression: %s", at + 1,
			(const char *)said);
	}
	(void)pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (groups >= PATTERN_GROUPS)
		return fault_set(why, ERR_PARAM,
			"the expression has more than %d groups",
			PATTERN_GROUPS - 1);
	p->groups = groups;
	return 0;
}

int
pattern_new(struct pattern **ret, struct slice text, struct fault *why)
{
	_cleanup_(pattern_freep) struct pattern *p = NULL;
	int e;

	if (text.len > PATTERN_TOP)
		return fault_set(why, ERR_PARAM,
			"the expression is longer than %d bytes", PATTERN_TOP);
	p = mem_new(struct pattern);
	e = compile(p, text, why);
	if (e < 0)
		return e;
	names_read(p);
	p->prefix = prefix_of(text);
	p->match = pcre2_match_data_create(PATTERN_GROUPS, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (!p->match || !p->context)
		return -ENOMEM;
	(void)pcre2_set_match_limit(p->context, PATTERN_STEPS);
	(void)pcre2_set_depth_limit(p->context, PATTERN_STEPS);
	(void)pcre2_set_heap_limit(p->context, HEAP_KIB);
	*ret = take(p);
	return 0;
}

static void
groups_read(const struct pattern *p, struct slice subject, int count,
	struct pattern_match *ret)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(p->match);

	*ret = (struct pattern_match){.count = p->groups + 1};
	for (size_t i = 0; i < (size_t)count && i < PATTERN_GROUPS; i++)
		if (at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1])
			ret->group[i] = slice_of(subject.ptr + at[2 * i],
				at[2 * i + 1] - at[2 * i]);
}

int
pattern_match(const struct pattern *p, struct slice subject,
	struct pattern_match *ret)
{
	int n = pcre2_match(p->code,
		(PCRE2_SPTR)(subject.ptr ? subject.ptr : ""), subject.len, 0, 0,
		p->match, p->context);

	if (n == PCRE2_ERROR_NOMATCH)
		return -ENOENT;
	if (n < 0)
		return -ERANGE;
	if (ret)
		groups_read(p, subject, n, ret);
	return 0;
}

unsigned
pattern_groups(const struct pattern *p)
{
	return p->groups;
}

const char *
pattern_group_name(const struct pattern *p, unsigned n)
{
	return n < PATTERN_GROUPS ? p->names[n] : NULL;
}

struct slice
pattern_prefix(const struct pattern *p)
{
	return slice_str(p->prefix);
}
