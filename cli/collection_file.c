/*
 * The extension decides whether a file is one of data; metadata and what is
 * hidden are not.
 */
#include "cli/collection_file.h"

#include "base/text.h"

#include <errno.h>
#include <strings.h>

static const char *const extensions[] = {
	".jsonl", ".ndjson", ".json", ".csv", ".bson"};

void
collection_put_file(struct buf *to, struct slice collection)
{
	for (size_t i = 0; i < collection.len; i++) {
		unsigned char c = (unsigned char)collection.ptr[i];

		if (c == '/' || c == '%' || c < 0x20 || (c == '.' && i == 0))
			buf_printf(to, "%%%02X", c);
		else
			buf_char(to, (char)c);
	}
}

/* Without `end`, when it ends so and something is left. */
static bool
cut_end(struct slice *s, const char *end)
{
	size_t n = strlen(end);

	if (s->len <= n || strncasecmp(s->ptr + s->len - n, end, n) != 0)
		return false;
	s->len -= n;
	return true;
}

int
collection_of_file(struct buf *to, const char *file)
{
	struct slice name = slice_str(file), meta;

	(void)cut_end(&name, ".gz");
	meta = name;
	if (file[0] == '.' || cut_end(&meta, ".metadata.json") ||
		slice_starts(name, "system.") ||
		slice_is(name, "prelude.json") || slice_is(name, "oplog.bson"))
		return -ENOENT;
	for (size_t i = 0; i < array_size(extensions); i++)
		if (cut_end(&name, extensions[i]))
			return text_unurl(to, name, false);
	return -ENOENT;
}
