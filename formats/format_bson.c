/*
 * BSON, as mongodump writes it: documents one after the other, each with its
 * length in front.
 */
#include "formats/bson_doc.h"
#include "formats/format.h"

static int
open_bson(struct reader *r, struct fault *why)
{
	(void)r;
	(void)why;
	return 0;
}

static int
next_bson(struct reader *r, struct buf *to, struct fault *why)
{
	int e;

	r->line = 0;
	r->offset = input_offset(r->in);
	e = bson_doc_peek(r->in, &r->raw, why);
	if (e != 1)
		return e;
	input_take(r->in, r->raw.len);
	e = bson_doc_put(to, r->raw, why);
	return e < 0 ? e : 1;
}

const struct format format_bson = {
	.name = "bson",
	.extensions = ".bson",
	.open = open_bson,
	.next = next_bson,
};
