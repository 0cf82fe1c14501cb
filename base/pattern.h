#pragma once

/*
 * Regular expressions over short texts of strangers (paths, header values),
 * written by the operator or a project's author.  PCRE2's, so that an
 * expression means what it means in nginx; each match costs a bounded number of
 * steps, so that one that backtracks cannot hold up the loop.  The only user of
 * PCRE2.
 */

#include "base/err.h"
#include "base/slice.h"

enum {
	PATTERN_TOP = 1024,  /* bytes of an expression */
	PATTERN_GROUPS = 32, /* the whole match is group 0 */
	PATTERN_STEPS = 20000,
};

struct pattern;

/* ERR_PARAM: where it is not valid, and why. */
int pattern_new(struct pattern **ret, struct slice text,
	struct fault *why) _must_check_;
struct pattern *pattern_free(struct pattern *p);
DEFINE_CLEANUP(struct pattern *, pattern_free)

struct pattern_match {
	size_t count;
	struct slice group[PATTERN_GROUPS]; /* {NULL,0}: took no part */
};

/* Anywhere in `subject`, unless ^ and $ say otherwise.  0, -ENOENT, or -ERANGE
 * when it takes more than PATTERN_STEPS.  `ret` may be NULL. */
int pattern_match(const struct pattern *p, struct slice subject,
	struct pattern_match *ret) _must_check_;

/* Groups, the whole match not counted; the name of group `n`, or NULL. */
unsigned pattern_groups(const struct pattern *p);
const char *pattern_group_name(const struct pattern *p, unsigned n);
/* What every match begins with, if the expression is anchored ("^/api/"): at
 * least nothing. */
struct slice pattern_prefix(const struct pattern *p);
