/*
 * Which bytes a header's name is made of, and which names are one to those who
 * read them.
 */
#include "base/header_name.h"

static const bool token[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['!'] = true,
	['#' ... '\''] = true,
	['*'] = true,
	['+'] = true,
	['-'] = true,
	['.'] = true,
	['^' ... '`'] = true,
	['|'] = true,
	['~'] = true,
};

size_t
header_name_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && token[(unsigned char)s.ptr[n]])
		n++;
	return n;
}

bool
header_name_is_valid(struct slice s)
{
	return s.len > 0 && header_name_len(s) == s.len;
}

static char
plain_of(char c)
{
	if (c == '_')
		return '-';
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool
header_name_begins(struct slice name, struct slice with)
{
	if (name.len < with.len)
		return false;
	for (size_t i = 0; i < with.len; i++)
		if (plain_of(name.ptr[i]) != plain_of(with.ptr[i]))
			return false;
	return true;
}
