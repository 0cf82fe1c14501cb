/*
 * Documents that cannot be taken: the first ends the import, or with
 * --keep-going each is told and kept in a file beside, as it came, so that it
 * can be mended and imported alone.
 */
#include "cli/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TOLD_TOP = 20 };

static void
tell(struct import *im, const struct import_line *where, const char *why)
{
	progress_clear(&im->progress);
	if (im->reader.format->is_text)
		(void)cli_fail(0, "%s:%lld: %s", im->conf->path,
			(long long)where->line, why);
	else
		(void)cli_fail(0, "%s: document %lld, at byte %lld: %s",
			im->conf->path, (long long)where->number,
			(long long)where->offset, why);
}

static int
open_refused(struct import *im)
{
	bool stdin_ = strcmp(im->conf->path, "-") == 0;
	struct slice head = buf_all(&im->reader.head);

	buf_printf(&im->refused, "%s.refused",
		stdin_ ? im->conf->collection : im->conf->path);
	im->refused_fd = open(im->refused.ptr,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
			(im->result->before ? 0 : O_TRUNC),
		0644);
	if (im->refused_fd < 0)
		return cli_fail(EXIT_FAILED,
			"%s: %s; refused documents are collected there",
			im->refused.ptr, strerror(errno));
	if (lseek(im->refused_fd, 0, SEEK_END) == 0 && head.len &&
		write(im->refused_fd, head.ptr, head.len) < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", im->refused.ptr,
			strerror(errno));
	return EXIT_OK;
}

/* Whole lines only, whatever ends us. */
static int
collect(struct import *im, struct slice raw)
{
	int status = im->refused_fd < 0 ? open_refused(im) : EXIT_OK;
	_buf_ struct buf line = {0};

	if (status != EXIT_OK)
		return status;
	buf_init(&line, INPUT_WINDOW_TOP + 1);
	buf_slice(&line, raw);
	if (!line.len || line.ptr[line.len - 1] != '\n')
		buf_char(&line, '\n');
	if (write(im->refused_fd, line.ptr, line.len) != (ssize_t)line.len)
		return cli_fail(EXIT_FAILED, "%s: %s", im->refused.ptr,
			strerror(errno));
	return EXIT_OK;
}

int
import_refuse(struct import *im, const struct import_line *where,
	struct slice raw, const char *why)
{
	if (!im->conf->keep_going) {
		if (!im->is_failed)
			tell(im, where, why);
		im->result->is_bad = true;
		return EXIT_FAILED;
	}
	im->result->refused++;
	if (im->told++ < TOLD_TOP)
		tell(im, where, why);
	else if (im->told == TOLD_TOP + 1)
		(void)cli_fail(0, "… and more like these, not listed");
	/* BSON that cannot be read is no line of anything. */
	return raw.len ? collect(im, raw) : EXIT_OK;
}
