#pragma once

/*
 * Names of headers: tokens (RFC 9110, 5.6.2), as HTTP's methods are.
 */

#include "base/slice.h"

/* How many bytes at the beginning of `s` make a token; 0: none. */
size_t header_name_len(struct slice s);
/* Whether all of `s` is a token. */
bool header_name_is_valid(struct slice s);
/* Whether `name` begins with `with`, in letters of either case.  Programs that
 * get headers under CGI's names (WSGI, PHP) do not tell "_" from "-", so to
 * them X_Real_IP is X-Real-IP; so it is here. */
bool header_name_begins(struct slice name, struct slice with);
/* As above, the whole name. */
static inline bool
header_name_is(struct slice name, struct slice other)
{
	return name.len == other.len && header_name_begins(name, other);
}
