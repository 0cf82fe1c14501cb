/*
 * What a child says about itself is shown to people; a byte that is not UTF-8,
 * or a letter cut in two, must not make a whole status answer invalid.
 */
#include "src/words.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

void
words_keep(char *to, size_t size, struct slice text)
{
	size_t len = min(text.len, size - 1);

	/* Not in the middle of a letter: 10xxxxxx follows others. */
	while (len && len < text.len &&
		((unsigned char)text.ptr[len] & 0xc0) == 0x80)
		len--;
	memcpy(to, text.ptr, len);
	to[len] = '\0';
}

json_t *
words_json(const char *text)
{
	_free_ char *plain = NULL;
	json_t *v;

	if (text_is_utf8(slice_str(text))) {
		v = json_string(text);
		if (v)
			return v;
	}
	plain = str_dup(text);
	for (char *c = plain; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(plain);
}
