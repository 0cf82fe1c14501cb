/*
 * A document says its length in front and what is wrong inside costs only
 * itself; a length that cannot be is the end of all reading.
 */
#include "formats/bson_doc.h"

#include "base/scan.h"
#include "base/val.h"

/* libbson's headers cast const away. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <bson/bson.h>
#pragma GCC diagnostic pop

enum {
	LEAST = 5,
	/* MongoDB's own 16 MiB and what it allows itself beyond. */
	MOST = (16 << 20) + (64 << 10),
};

static size_t
length_of(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (size_t)b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 |
	       (size_t)b[3] << 24;
}

int
bson_doc_peek(struct input *in, struct slice *ret, struct fault *why)
{
	size_t len;
	int e = input_peek(in, 4, ret, why);

	if (e < 0 || !ret->len)
		return e;
	len = ret->len < 4 ? 0 : length_of(ret->ptr);
	if (len < LEAST || len > MOST)
		return fault_set(why, ERR_FORMAT,
			"no BSON document begins here (its length would be "
			"%zu): the file is damaged, or of another format; "
			"--format names it",
			len);
	e = input_peek(in, len, ret, why);
	if (e < 0)
		return e;
	if (ret->len < len)
		return fault_set(why, ERR_FORMAT,
			"the file ends in the middle of this document: it is "
			"cut off");
	ret->len = len;
	return 1;
}

static int
check(bson_t *ret, struct slice doc, struct fault *why)
{
	const bson_validate_flags_t flags =
		BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL;
	bson_error_t error = {0};

	if (!bson_init_static(ret, (const uint8_t *)doc.ptr, doc.len))
		return fault_set(why, ERR_PARAM,
			"damaged BSON: it does not end where its length says");
	if (!bson_validate_with_error(ret, flags, &error))
		return fault_set(
			why, ERR_PARAM, "damaged BSON: %.180s", error.message);
	return 0;
}

/* Damage deep inside passes the check and leaves a hole in the text. */
static int
put(struct buf *to, char *text, size_t len, struct fault *why)
{
	bool ok = text && scan_text(slice_of(text, len)) == 0;

	if (ok)
		buf_add(to, text, len);
	bson_free(text);
	return ok ? 0 : fault_set(why, ERR_PARAM, "damaged BSON");
}

int
bson_doc_put(struct buf *to, struct slice doc, struct fault *why)
{
	bson_t b;
	size_t len = 0;
	char *text;
	int e = check(&b, doc, why);

	if (e < 0)
		return e;
	text = bson_as_canonical_extended_json(&b, &len);
	return put(to, text, len, why);
}

int
bson_doc_read(json_t **ret, struct slice doc, struct fault *why)
{
	_buf_ struct buf json = {0};
	bson_t b;
	size_t len = 0;
	char *text;
	int e = check(&b, doc, why);

	if (e < 0)
		return e;
	buf_init(&json, 8 * MOST);
	text = bson_as_relaxed_extended_json(&b, &len);
	e = put(&json, text, len, why);
	return e < 0 ? e : val_parse(ret, buf_all(&json), why);
}
