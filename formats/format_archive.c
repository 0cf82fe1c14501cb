/*
 * After the head come blocks: the name of a collection, its documents,
 * 0xffffffff.  The documents of one collection are picked out; whoever wants
 * them all reads the file once for each.  (mongo-tools,
 * common/archive: "archive format".)
 */
#include "formats/archive.h"
#include "formats/bson_doc.h"

#include <stdlib.h>
#include <string.h>

static const char magic[4] = {'\x6d', '\xe2', '\x99', '\x81'};
static const char terminator[4] = {'\xff', '\xff', '\xff', '\xff'};

bool
archive_begins(struct slice bytes)
{
	return bytes.len >= 4 && memcmp(bytes.ptr, magic, 4) == 0;
}

/* Takes the terminator when it stands here.  1, 0, or negative. */
static int
take_terminator(struct input *in, struct fault *why)
{
	struct slice s;
	int e = input_peek(in, 4, &s, why);

	if (e < 0 || s.len < 4 || memcmp(s.ptr, terminator, 4) != 0)
		return e;
	input_take(in, 4);
	return 1;
}

static int
next_document(struct input *in, json_t **ret, struct fault *why)
{
	struct slice doc;
	int e = bson_doc_peek(in, &doc, why);

	if (e == 0)
		return fault_set(why, ERR_FORMAT,
			"the archive ends before its documents begin");
	if (e < 0)
		return e;
	e = bson_doc_read(ret, doc, why);
	input_take(in, doc.len);
	return e == ERR_PARAM ? ERR_FORMAT : e;
}

static bool
is_of_server(const char *db, const char *collection)
{
	return strcmp(db, "admin") == 0 || strcmp(db, "config") == 0 ||
	       strcmp(db, "local") == 0 ||
	       strncmp(collection, "system.", 7) == 0;
}

/* {"db", "collection", "metadata": "{\"indexes\": …}"} */
static int
add_collection(json_t *all, char **db, const json_t *v, struct fault *why)
{
	const char *its = val_text(v, "db"), *name = val_text(v, "collection");
	const char *said = val_text(v, "metadata");
	json_t *indexes;
	_json_ json_t *metadata = NULL;

	if (is_of_server(its, name) || !*name)
		return 0;
	if (*db && strcmp(*db, its) != 0)
		return fault_set(why, ERR_FORMAT,
			"the archive holds several databases, %s and %s: dump "
			"one alone with mongodump --db",
			*db, its);
	if (!*db)
		*db = strdup(its);
	if (val_parse(&metadata, slice_str(said), NULL) < 0)
		metadata = NULL;
	indexes = json_object_get(metadata, "indexes");
	(void)json_object_set_new(all, name,
		json_is_array(indexes) ? json_pack("{s:O}", "indexes", indexes)
				       : json_object());
	return 0;
}

static int
read_collections(struct input *in, json_t *all, struct fault *why)
{
	char *db = NULL;
	int e = take_terminator(in, why);

	while (e == 0) {
		_json_ json_t *v = NULL;

		e = next_document(in, &v, why);
		if (e == 0)
			e = add_collection(all, &db, v, why);
		if (e == 0)
			e = take_terminator(in, why);
	}
	free(db);
	return e < 0 ? e : 0;
}

int
archive_read_head(struct input *in, json_t **ret, struct fault *why)
{
	_json_ json_t *all = json_object(), *head = NULL;
	struct slice s;
	int e = input_peek(in, 4, &s, why);

	if (e < 0)
		return e;
	if (!archive_begins(s))
		return fault_set(why, ERR_FORMAT,
			"this is no file of mongodump --archive");
	input_take(in, 4);
	e = next_document(in, &head, why);
	if (e == 0)
		e = read_collections(in, all, why);
	if (e < 0)
		return e;
	*ret = json_incref(all);
	return 0;
}

static int
open_archive(struct reader *r, struct fault *why)
{
	_json_ json_t *all = NULL;
	int e = archive_read_head(r->in, &all, why);

	if (e < 0)
		return e;
	if (json_object_get(all, r->collection))
		return 0;
	return fault_set(why, ERR_FORMAT,
		"the archive has no collection \"%s\"", r->collection);
}

/* The head of a block: are these documents wanted? */
static int
take_name(struct reader *r, struct fault *why)
{
	_json_ json_t *v = NULL;
	int e = next_document(r->in, &v, why);

	if (e < 0)
		return e;
	r->in_block = true;
	r->is_wanted =
		strcmp(val_text(v, "collection"), r->collection) == 0 &&
		!is_of_server(val_text(v, "db"), val_text(v, "collection"));
	return 0;
}

/* Over one thing of the file.  1: a wanted document is in r->raw; 2: something
 * else; 0: the end. */
static int
step(struct reader *r, struct fault *why)
{
	struct slice s;
	int e = input_peek(r->in, 1, &s, why);

	r->offset = input_offset(r->in);
	if (e == 0 && !s.len && r->in_block)
		return fault_set(why, ERR_FORMAT,
			"the archive ends in the middle: it is cut off");
	if (e < 0 || !s.len)
		return e;
	if (!r->in_block) {
		e = take_name(r, why);
		return e < 0 ? e : 2;
	}
	e = take_terminator(r->in, why);
	if (e != 0) {
		r->in_block = false;
		return e < 0 ? e : 2;
	}
	e = bson_doc_peek(r->in, &r->raw, why);
	if (e <= 0)
		return e;
	input_take(r->in, r->raw.len);
	return r->is_wanted ? 1 : 2;
}

static int
next_archived(struct reader *r, struct buf *to, struct fault *why)
{
	int e;

	r->line = 0;
	do
		e = step(r, why);
	while (e == 2);
	if (e == 1) {
		e = bson_doc_put(to, r->raw, why);
		return e < 0 ? e : 1;
	}
	return e;
}

/* Which block it is in is known only by going through. */
static int
skip_archived(struct reader *r, int64_t offset, struct fault *why)
{
	int e = 2;

	while (e > 0 && input_offset(r->in) < offset)
		e = step(r, why);
	return e == 0 ? input_skip(r->in, offset, why) : min(e, 0);
}

const struct format format_archive = {
	.name = "archive",
	.extensions = ".archive",
	.open = open_archive,
	.next = next_archived,
	.skip = skip_archived,
};
