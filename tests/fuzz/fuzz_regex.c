/*
 * Regular expressions: whatever pattern comes, what is said to PostgreSQL is
 * made of its syntax, letters, digits and numbered characters only, with every
 * parenthesis and bracket closed.  The first byte chooses the options.
 */
#include "base/text.h"
#include "documents/regex.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Inside a bracket: letters, digits, ranges, numbers, [:name:]. */
static const char *
check_bracket(const char *at)
{
	at += at[1] == '^' ? 2 : 1;
	must(*at != ']');
	for (; *at != ']'; at++) {
		if (at[0] == '[') {
			must(at[1] == ':');
			at = strstr(at, ":]");
			must(at != NULL);
			at++;
			continue;
		}
		must(*at && strchr("abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789\\-_",
				    *at));
	}
	return at;
}

static void
check(const char *at)
{
	int open = 0;

	for (; *at; at++) {
		must(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
			    "YZ0123456789\\_()[]{},?*+|^$.:=!<",
			     *at) != NULL);
		if (*at == '[')
			at = check_bracket(at);
		open += (*at == '(') - (*at == ')');
		must(open >= 0);
	}
	must(open == 0);
}

static void
try(struct slice pattern, const char *options, enum regex_use use)
{
	struct fault why = {0};
	struct buf b;
	int r;

	buf_init(&b, 32 * REGEX_TOP);
	r = regex_translate(&b, pattern, slice_str(options), use, &why);
	must(r == 0 || (r == ERR_DB_PARAM && why.text[0]) || r == ERR_TOO_BIG);
	if (r == 0 && b.ptr)
		check(b.ptr);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const options[] = {"", "i", "m", "s", "x", "imsx"};
	struct slice pattern;

	if (size == 0)
		return 0;
	pattern = slice_of(data + 1, size - 1);
	try(pattern, options[data[0] % array_size(options)], REGEX_TEST);
	try(pattern, options[data[0] % array_size(options)], REGEX_FIND);
	return 0;
}
