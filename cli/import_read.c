/*
 * The file → parts.  Where the database has noted a part that begins here, the
 * file is passed over to its end, and must still say what it said then.
 */
#include "base/mem.h"
#include "cli/import.h"

#include <errno.h>

/* Of a part; a document that is larger is a part alone. */
enum { DOCUMENTS = 1000, BYTES = 1 << 20 };

static int
changed(const struct import *im)
{
	return cli_fail(EXIT_FAILED,
		"%s: has changed where it was imported already (before byte "
		"%lld). --restart begins anew; with --mode replace or upsert "
		"what is there already gives no error",
		im->conf->path, (long long)input_offset(im->in));
}

/* 1: a part that is in was passed over. */
static int
pass_over(struct import *im)
{
	const struct import_done *d = &im->done[im->done_at];
	struct fault why = {0};
	int r;

	if (im->done_at == im->done_count || d->first != input_offset(im->in))
		return 0;
	input_mark(im->in);
	r = reader_skip(&im->reader, d->last, &why);
	if (r == -ENODATA || (r == 0 && input_sum(im->in) != d->sum))
		return -changed(im);
	if (r < 0)
		return -cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	im->number += d->documents;
	im->done_at++;
	return 1;
}

static void
add(struct import *im, struct import_part *p, size_t from, size_t raw)
{
	const struct reader *r = &im->reader;
	struct import_line line = {
		.from = from,
		.raw = raw,
		.line = r->line,
		.offset = r->offset,
		.number = im->number,
		.end = input_offset(im->in),
		.sum = input_sum(im->in),
	};

	/* What it looked like is kept where the line does not say it. */
	if (r->head.len)
		buf_slice(&p->raw, r->raw);
	buf_char(&p->body, '\n');
	import_part_add(p, &line);
}

/* One document that the format itself refuses. */
static int
bad(struct import *im, int err, const struct fault *why)
{
	const struct reader *r = &im->reader;
	const struct import_line where = {
		.line = r->line, .offset = r->offset, .number = im->number};

	if (err == ERR_PARAM)
		return import_refuse(im, &where,
			r->format->is_text ? r->raw : slice_of("", 0),
			fault_text(why, err));
	if (r->line)
		return cli_fail(EXIT_FAILED, "%s:%lld: %s", im->conf->path,
			(long long)r->line, fault_text(why, err));
	return cli_fail(EXIT_FAILED, "%s: document %lld, at byte %lld: %s",
		im->conf->path, (long long)im->number, (long long)r->offset,
		fault_text(why, err));
}

static int
read_one(struct import *im, struct import_part *p)
{
	size_t from = p->body.len, raw = p->raw.len;
	struct fault why = {0};
	int r = reader_next(&im->reader, &p->body, &why);

	if (r == 0) {
		im->at_end = true;
		return EXIT_OK;
	}
	im->number++;
	if (r > 0) {
		add(im, p, from, raw);
		return EXIT_OK;
	}
	p->body.len = from;
	return bad(im, r, &why);
}

static int
fill(struct import *im, struct import_part *p)
{
	int64_t limit = im->done_at < im->done_count
				? im->done[im->done_at].first
				: INT64_MAX;
	int status = EXIT_OK;

	p->first = input_offset(im->in);
	p->number = im->number;
	input_mark(im->in);
	while (status == EXIT_OK && !im->at_end && p->count < DOCUMENTS &&
		p->body.len < BYTES && input_offset(im->in) < limit)
		status = read_one(im, p);
	p->last = input_offset(im->in);
	p->sum = input_sum(im->in);
	if (status == EXIT_OK && p->last > limit)
		return changed(im);
	return status;
}

int
import_read(struct import *im, struct import_part **ret)
{
	_cleanup_(import_part_freep) struct import_part *p = NULL;
	int r;

	*ret = NULL;
	do
		r = pass_over(im);
	while (r > 0);
	if (r < 0)
		return -r;
	if (im->at_end)
		return EXIT_OK;
	p = import_part_new();
	r = fill(im, p);
	if (r == EXIT_OK && (p->count || p->last > p->first))
		*ret = take(p);
	return r;
}
