/*
 * Pages, one asked for while the one before is written.  Whoever is there all
 * the time is in the file once; what is made, changed or removed meanwhile may
 * be there in either state: pages are statements of their own, as those of
 * mongoexport are.
 */
#include "cli/export.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/import.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_TOP = 600 << 20, BODY_TOP = 1 << 20 };
static const int64_t PATIENCE = 60 * CLOCK_S;

static int
ask(struct export *ex, int *fd)
{
	_json_ json_t *body = json_pack("{s:s,s:s%,s:b}", "collection",
		ex->conf->collection, "after",
		ex->after.ptr ? ex->after.ptr : "", ex->after.len, "canonical",
		(int)(ex->conf->canonical || ex->conf->fields));
	_buf_ struct buf text = {0};

	buf_init(&text, BODY_TOP);
	val_put(&text, body);
	return cli_ops_send(ex->cli, "POST", "/ops/export", buf_all(&text), fd);
}

static void
wait_a_little(void)
{
	const struct timespec half = {0, 500000000};

	if (!import_is_stopped())
		(void)nanosleep(&half, NULL);
}

static bool
passes(int http)
{
	return http == 503 || http == 504 || http == 429;
}

/* The page that `*fd` was asked for, asked again as long as that may help; the
 * status, or 0: nobody answers. */
static int
get_page(struct export *ex, int *fd, struct buf *answer)
{
	int64_t since = clock_mono();

	for (bool told = false;; told = true) {
		int http = 0, r = *fd < 0 ? ask(ex, fd) : 0;

		buf_clear(answer);
		if (r == 0)
			r = cli_ops_answer(*fd, &http, answer);
		fd_closep(fd);
		*fd = -1;
		if (r == 0 && !passes(http))
			return http;
		if (clock_mono() - since > PATIENCE || import_is_stopped())
			return 0;
		if (!told) {
			progress_clear(&ex->progress);
			(void)fputs("mpcloud: the daemon does not answer; "
				    "trying again for a minute\n",
				stderr);
		}
		wait_a_little();
	}
}

static int
say_error(struct export *ex, int http, struct slice answer)
{
	_json_ json_t *v = NULL;
	const char *message;

	progress_clear(&ex->progress);
	if (http == 0)
		return cli_fail(EXIT_NO_DAEMON, "the daemon does not answer");
	if (val_parse(&v, answer, NULL) < 0)
		v = json_object();
	message = json_string_value(json_object_get(v, "message"));
	return cli_fail(EXIT_FAILED, "%s: %s", ex->conf->collection,
		message ? message : "the gateway refused");
}

/* The first line: {"documents", "after", "more"}. */
static int
take_head(struct export *ex, struct slice *page, int64_t *documents, bool *more)
{
	_json_ json_t *v = NULL;
	struct fault why = {0};
	struct slice head;
	const json_t *after;

	if (!slice_split(page, '\n', &head) || val_parse(&v, head, &why) < 0)
		return cli_fail(
			EXIT_FAILED, "the gateway's answer: %s", why.text);
	*documents = json_integer_value(json_object_get(v, "documents"));
	*more = json_is_true(json_object_get(v, "more"));
	after = json_object_get(v, "after");
	if (*more) {
		buf_clear(&ex->after);
		buf_add(&ex->after, json_string_value(after),
			json_string_length(after));
	}
	return EXIT_OK;
}

static int
write_page(struct export *ex, struct slice page)
{
	_buf_ struct buf text = {0};
	struct fault why = {0};
	int r;

	if (!ex->conf->fields)
		return export_write(ex, page);
	buf_init(&text, ANSWER_TOP);
	r = export_put_records(&text, ex->conf->fields, page, &why);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s: %s", ex->conf->collection,
			fault_text(&why, r));
	return export_write(ex, buf_all(&text));
}

static int
one_page(struct export *ex, int *fd, bool *more)
{
	_buf_ struct buf answer = {0};
	struct slice page;
	int64_t n = 0;
	int http, status;

	buf_init(&answer, ANSWER_TOP);
	http = get_page(ex, fd, &answer);
	if (http != 200)
		return say_error(ex, http, buf_all(&answer));
	page = buf_all(&answer);
	status = take_head(ex, &page, &n, more);
	if (status != EXIT_OK)
		return status;
	if (*more)
		(void)ask(ex, fd);
	status = write_page(ex, page);
	ex->is_broken = status != EXIT_OK;
	if (ex->is_broken)
		return status;
	ex->result->documents += n;
	ex->progress.documents = ex->progress.done = ex->result->documents;
	progress_show(&ex->progress);
	return export_keep(ex, false);
}

static int
all_pages(struct export *ex)
{
	int fd = -1, status = EXIT_OK;
	bool more = true;

	while (status == EXIT_OK && more && !import_is_stopped())
		status = one_page(ex, &fd, &more);
	fd_closep(&fd);
	ex->result->stopped = more && import_is_stopped();
	return status;
}

static int
run(struct export *ex)
{
	int status = export_open(ex), kept;

	if (status != EXIT_OK)
		return status;
	ex->progress.documents = ex->progress.done = ex->result->before;
	ex->progress.total = ex->conf->documents;
	progress_begin(&ex->progress);
	status = all_pages(ex);
	progress_clear(&ex->progress);
	ex->result->seconds = progress_seconds(&ex->progress);
	if (status == EXIT_OK && !ex->result->stopped)
		return export_close(ex);
	kept = export_keep(ex, true);
	return status != EXIT_OK ? status : kept;
}

int
export_file(struct cli *cli, const struct export_conf *conf,
	struct export_result *ret)
{
	struct export ex = {
		.cli = cli,
		.conf = conf,
		.result = ret,
		.fd = -1,
		.progress = {.name = conf->collection, .quiet = conf->quiet},
	};
	int status;

	*ret = (struct export_result){0};
	buf_init(&ex.after, BODY_TOP);
	status = run(&ex);
	fd_closep(&ex.fd);
	buf_done(&ex.after);
	(void)mem_free(ex.part);
	(void)mem_free(ex.resume);
	return status;
}
