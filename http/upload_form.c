/*
 * A form read as it comes.
 *
 * What divides a form, CR LF "--" and the boundary, begins with a byte that
 * stands nowhere else in it.  So a divider that breaks off is data up to there,
 * and the next one can begin only at the byte that broke it: bytes are looked
 * at once, and what must be remembered between two pieces is a number.
 *
 * An owner who cannot take bytes now says so; he is asked again with the same
 * bytes, and `at` says how many of them he has had.
 */
#include "http/upload_form.h"

#include <string.h>

enum { BOUNDARY_TOP = 70, DIVIDER_TOP = BOUNDARY_TOP + 4, LINE_TOP = 256 };

enum state {
	PREAMBLE, /* before the first divider; and after the last: ignored */
	LINE,     /* what stands behind the boundary */
	HEAD,     /* of a part */
	BEGIN,    /* the file's head is there, its owner is not ready */
	TEXT,
	FILE_,
	OVER,
};

struct upload_form {
	const struct upload_form_ops *ops;
	void *owner;
	struct arena *arena;
	enum state state;
	struct part part;
	size_t at;      /* of the bytes of this take that are used */
	size_t matched; /* bytes of the divider that came last */
	size_t broken;  /* the same of a divider that was none */
	unsigned parts;
	bool has_file;
	size_t divider_len, kept_len;
	char divider[DIVIDER_TOP];
	char kept[UPLOAD_FORM_TEXT + 4]; /* a line, a head, a text */
};

int
upload_form_new(struct upload_form **ret, struct arena *arena,
	struct slice content_type, const struct upload_form_ops *ops,
	void *owner, struct fault *why)
{
	struct upload_form *f;
	struct slice boundary;
	int e = multipart_boundary(content_type, &boundary, why);

	if (e < 0)
		return e;
	f = arena_new(arena, struct upload_form);
	f->ops = ops;
	f->owner = owner;
	f->arena = arena;
	memcpy(f->divider, "\r\n--", 4);
	memcpy(f->divider + 4, boundary.ptr, boundary.len);
	f->divider_len = 4 + boundary.len;
	/* The first one may stand at the very beginning. */
	f->matched = 2;
	*ret = f;
	return 0;
}

/* ---- what lies between two dividers ---- */

static int
keep(struct upload_form *f, struct slice bytes, size_t top, const char *what,
	struct fault *why)
{
	if (bytes.len > top - f->kept_len)
		return fault_set(why, ERR_TOO_BIG,
			"part %u of the form: its %s is longer than %zu bytes",
			f->parts, what, top);
	memcpy(f->kept + f->kept_len, bytes.ptr, bytes.len);
	f->kept_len += bytes.len;
	return 0;
}

static int
give(struct upload_form *f, struct slice bytes, struct fault *why)
{
	if (!bytes.len)
		return 0;
	switch (f->state) {
	case TEXT:
		return keep(f, bytes, UPLOAD_FORM_TEXT, "text", why);
	case FILE_:
		return f->ops->data(f->owner, bytes);
	case PREAMBLE:
	case LINE:
	case HEAD:
	case BEGIN:
	case OVER:
	default:
		return 0;
	}
}

/* A divider was read whole: what came before it is over. */
static int
part_over(struct upload_form *f)
{
	int e = 0;

	if (f->state == TEXT)
		e = f->ops->text(
			f->owner, f->part.name, slice_of(f->kept, f->kept_len));
	f->kept_len = 0;
	f->matched = 0;
	f->state = LINE;
	return e;
}

/* How many bytes of the divider stand at `s`'s front, after `matched`. */
static size_t
match(const struct upload_form *f, struct slice s, size_t matched)
{
	size_t n = 0;

	while (n < s.len && matched + n < f->divider_len &&
		s.ptr[n] == f->divider[matched + n])
		n++;
	return n;
}

/* The divider that the last bytes may have begun. */
static int
go_on_matching(struct upload_form *f, struct slice rest)
{
	size_t n = match(f, rest, f->matched);

	f->at += n;
	f->matched += n;
	if (f->matched == f->divider_len)
		return part_over(f);
	if (n < rest.len) {
		f->broken = f->matched;
		f->matched = 0;
	}
	return 0;
}

/* Bytes up to the next divider, or to where one may begin. */
static int
look_for_divider(struct upload_form *f, struct slice rest, struct fault *why)
{
	size_t from = 0, n = 0;
	int e;

	while (from < rest.len) {
		const char *cr = memchr(rest.ptr + from, '\r', rest.len - from);

		if (!cr) {
			from = rest.len;
			break;
		}
		from = (size_t)(cr - rest.ptr);
		n = match(f, slice_of(cr, rest.len - from), 0);
		if (n == f->divider_len || from + n == rest.len)
			break;
		from++;
		n = 0;
	}
	e = give(f, slice_of(rest.ptr, from), why);
	if (e)
		return e;
	f->at += from + n;
	f->matched = n;
	return n == f->divider_len ? part_over(f) : 0;
}

static int
between_dividers(struct upload_form *f, struct slice rest, struct fault *why)
{
	int e;

	if (f->broken) {
		/* Its first byte may have belonged to no part: the line end
		 * before the first divider is thought, not read. */
		e = give(f, slice_of(f->divider, f->broken), why);
		if (e)
			return e;
		f->broken = 0;
	}
	return f->matched ? go_on_matching(f, rest)
			  : look_for_divider(f, rest, why);
}

/* ---- what a divider is followed by ---- */

/* Bytes until `end` are in f->kept: 1, without it; 0: more is needed. */
static int
keep_until(struct upload_form *f, struct slice rest, const char *end,
	size_t top, const char *what, struct fault *why)
{
	size_t len = strlen(end);

	for (size_t i = 0; i < rest.len; i++) {
		int e = keep(f, slice_of(rest.ptr + i, 1), top, what, why);

		if (e < 0)
			return e;
		f->at++;
		if (f->kept_len < len ||
			memcmp(f->kept + f->kept_len - len, end, len) != 0)
			continue;
		f->kept_len -= len;
		return 1;
	}
	return 0;
}

/* "--", and white space: the last divider. */
static bool
is_last(const struct upload_form *f)
{
	struct slice line = slice_of(f->kept, f->kept_len);

	return slice_starts(line, "--") &&
	       !slice_trim(slice_of(line.ptr + 2, line.len - 2)).len;
}

static int
line_over(struct upload_form *f, struct fault *why)
{
	if (is_last(f)) {
		f->state = OVER;
		return 0;
	}
	if (slice_trim(slice_of(f->kept, f->kept_len)).len)
		return fault_set(why, ERR_PARAM,
			"the form: a line begins with its boundary and does "
			"not end there");
	if (++f->parts > UPLOAD_FORM_PARTS)
		return fault_set(why, ERR_TOO_BIG,
			"the form has more than %d parts", UPLOAD_FORM_PARTS);
	/* A head may be empty: its end is this line's. */
	memcpy(f->kept, "\r\n", 2);
	f->kept_len = 2;
	f->state = HEAD;
	return 0;
}

static int
take_line(struct upload_form *f, struct slice rest, struct fault *why)
{
	int e = keep_until(f, rest, "\r\n", LINE_TOP, "boundary", why);

	return e > 0 ? line_over(f, why) : e;
}

static int
begin_file(struct upload_form *f)
{
	int e = f->ops->begin(f->owner, &f->part);

	if (e == 0)
		f->state = FILE_;
	return e;
}

/* Parts point into what is kept, which goes. */
static struct slice
own(struct upload_form *f, struct slice s)
{
	char *copy = s.ptr ? arena_try(f->arena, s.len + 1) : NULL;

	if (!copy)
		return (struct slice){NULL, 0};
	memcpy(copy, s.ptr, s.len);
	return slice_of(copy, s.len);
}

static int
head_over(struct upload_form *f, struct fault *why)
{
	struct slice head = slice_of(f->kept, f->kept_len);
	struct part part = {.name = {NULL, 0}};

	if (head.len >= 2) /* the line end that was put before it */
		head = slice_of(head.ptr + 2, head.len - 2);
	else
		head.len = 0;
	if (multipart_head(&part, head) < 0)
		return fault_set(why, ERR_PARAM,
			"part %u of the form: a head with "
			"Content-Disposition: form-data; name=\"…\" is needed",
			f->parts);
	f->part = (struct part){.name = own(f, part.name),
		.filename = own(f, part.filename),
		.type = own(f, part.type)};
	f->kept_len = 0;
	if (!f->part.name.ptr)
		return fault_set(
			why, ERR_TOO_BIG, "the form's heads are too long");
	f->state = TEXT;
	if (!part.filename.ptr && !slice_is(part.name, "file"))
		return 0;
	if (f->has_file)
		return fault_set(why, ERR_PARAM,
			"part %u of the form: one file a form, and there was "
			"one before",
			f->parts);
	f->has_file = true;
	f->state = BEGIN;
	return 0;
}

static int
take_head(struct upload_form *f, struct slice rest, struct fault *why)
{
	int e = keep_until(f, rest, "\r\n\r\n", MULTIPART_HEAD, "head", why);

	return e > 0 ? head_over(f, why) : e;
}

static int
step(struct upload_form *f, struct slice rest, struct fault *why)
{
	switch (f->state) {
	case LINE:
		return take_line(f, rest, why);
	case HEAD:
		return take_head(f, rest, why);
	case BEGIN:
		return begin_file(f);
	case OVER:
		f->at += rest.len;
		return 0;
	case PREAMBLE:
	case TEXT:
	case FILE_:
	default:
		return between_dividers(f, rest, why);
	}
}

int
upload_form_take(struct upload_form *f, struct slice data, struct fault *why)
{
	int e;

	while (f->at < data.len) {
		e = step(f, slice_of(data.ptr + f->at, data.len - f->at), why);
		if (e)
			return e;
	}
	f->at = 0;
	return 0;
}

int
upload_form_end(const struct upload_form *f, struct fault *why)
{
	/* The last divider may end with the body, without a line end. */
	if (f->state != OVER && !(f->state == LINE && is_last(f)))
		return fault_set(why, ERR_PARAM, "the form ends within part %u",
			f->parts);
	if (!f->has_file)
		return fault_set(why, ERR_PARAM,
			"the form has no file: a part named \"file\", or one "
			"with a filename, is needed");
	return 0;
}
