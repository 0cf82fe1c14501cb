/*
 * FILE.resume is written after what it speaks of is on the disk: it may say
 * less than FILE.part holds, never more.  What FILE.part holds beyond it is cut
 * off before it goes on.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "cli/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RESUME_TOP = 1 << 20 };

static int
fail(const char *path)
{
	return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
}

static json_t *
describe(const struct export *ex)
{
	const struct export_conf *c = ex->conf;

	return json_pack("{s:s,s:s,s:b,s:s%,s:I,s:I}", "collection",
		c->collection, "fields", c->fields ? c->fields : "",
		"canonical", (int)c->canonical, "after",
		ex->after.ptr ? ex->after.ptr : "", ex->after.len, "bytes",
		(json_int_t)ex->bytes, "documents",
		(json_int_t)ex->result->documents);
}

/* Is FILE.resume about the same? */
static bool
is_same(const struct export *ex, const json_t *v)
{
	_json_ json_t *mine = describe(ex);

	return json_equal(json_object_get(v, "collection"),
		       json_object_get(mine, "collection")) &&
	       json_equal(json_object_get(v, "fields"),
		       json_object_get(mine, "fields")) &&
	       json_equal(json_object_get(v, "canonical"),
		       json_object_get(mine, "canonical"));
}

static bool
take_up(struct export *ex)
{
	_free_ char *text = NULL;
	_json_ json_t *v = NULL;
	const json_t *after;
	int64_t bytes;
	size_t len;

	if (ex->conf->restart ||
		file_read(ex->resume, RESUME_TOP, &text, &len, NULL) < 0 ||
		val_parse(&v, slice_of(text, len), NULL) < 0 || !is_same(ex, v))
		return false;
	after = json_object_get(v, "after");
	bytes = json_integer_value(json_object_get(v, "bytes"));
	if (lseek(ex->fd, 0, SEEK_END) < bytes)
		return false;
	buf_add(&ex->after, json_string_value(after),
		json_string_length(after));
	ex->bytes = bytes;
	ex->result->documents = ex->result->before =
		json_integer_value(json_object_get(v, "documents"));
	return true;
}

static int
write_head(struct export *ex)
{
	_buf_ struct buf head = {0};

	if (!ex->conf->fields)
		return EXIT_OK;
	buf_init(&head, 1 << 20);
	export_put_head(&head, ex->conf->fields);
	return export_write(ex, buf_all(&head));
}

int
export_open(struct export *ex)
{
	bool goes_on;

	if (!ex->conf->path) {
		ex->fd = dup(STDOUT_FILENO);
		return ex->fd < 0 ? fail("standard output") : write_head(ex);
	}
	ex->part = str_printf("%s.part", ex->conf->path);
	ex->resume = str_printf("%s.resume", ex->conf->path);
	ex->fd = open(ex->part, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (ex->fd < 0)
		return fail(ex->part);
	goes_on = take_up(ex);
	if (ftruncate(ex->fd, ex->bytes) < 0 ||
		lseek(ex->fd, ex->bytes, SEEK_SET) < 0)
		return fail(ex->part);
	if (!goes_on)
		return write_head(ex);
	if (!ex->conf->quiet)
		(void)fprintf(stderr,
			"%s: going on after %s in %s "
			"(--restart begins anew)\n",
			ex->conf->collection,
			progress_documents(ex->result->before), ex->part);
	return EXIT_OK;
}

int
export_write(struct export *ex, struct slice text)
{
	while (text.len) {
		ssize_t n = write(ex->fd, text.ptr, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		/* Who reads us has enough: `| head`. */
		if (n < 0 && errno == EPIPE && !ex->part)
			return EXIT_FAILED;
		if (n < 0)
			return fail(ex->part ? ex->part : "standard output");
		text = slice_of(text.ptr + n, text.len - (size_t)n);
		ex->bytes += n;
	}
	return EXIT_OK;
}

int
export_keep(struct export *ex, bool now)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf text = {0};
	struct fault why = {0};

	if (!ex->part || ex->is_broken ||
		(!now && clock_mono() - ex->kept_at < CLOCK_S))
		return EXIT_OK;
	if (fdatasync(ex->fd) < 0)
		return fail(ex->part);
	v = describe(ex);
	buf_init(&text, RESUME_TOP);
	val_put(&text, v);
	buf_char(&text, '\n');
	if (file_write(ex->resume, text.ptr, text.len, 0644, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	ex->kept_at = clock_mono();
	return EXIT_OK;
}

int
export_close(struct export *ex)
{
	if (!ex->part)
		return EXIT_OK;
	if (fsync(ex->fd) < 0 || rename(ex->part, ex->conf->path) < 0)
		return fail(ex->conf->path);
	(void)unlink(ex->resume);
	return EXIT_OK;
}
