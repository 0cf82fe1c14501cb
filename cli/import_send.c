/*
 * Parts → the gateway, two under way: while one is written the next is read.
 * An answer that does not come is asked for again; a part that is in already
 * says so.  A part that is refused is cut where it must be, or loses the
 * documents that cannot be taken.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/import.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_TOP = 64 << 20, PATH_TOP = 4096 };
static const int64_t PATIENCE = 60 * CLOCK_S;

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	stopped = number;
}

void
import_catch_signals(void)
{
	struct sigaction act = {
		.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
}

bool
import_is_stopped(void)
{
	return stopped != 0;
}

static void
put_path(struct buf *to, const struct import *im, const struct import_part *p)
{
	buf_str(to, "/ops/import?collection=");
	text_url(to, slice_str(im->conf->collection));
	buf_printf(to,
		"&mode=%s&import=%s&first=%lld&last=%lld&digest=%08x&number="
		"%lld&at=%lld",
		im->conf->mode, im->id, (long long)p->first, (long long)p->last,
		p->sum, (long long)p->number, (long long)im->started_at);
}

static int
send_part(struct import *im, struct import_slot *slot)
{
	_buf_ struct buf path = {0};

	buf_init(&path, PATH_TOP);
	put_path(&path, im, slot->part);
	return cli_ops_send(im->cli, "POST", path.ptr,
		buf_all(&slot->part->body), &slot->fd);
}

/* Worth asking again: nobody there, too busy, the database away. */
static bool
passes(int http)
{
	return http == 503 || http == 504 || http == 429;
}

static void
wait_a_little(unsigned times)
{
	const struct timespec ms250 = {0, 250000000};

	for (unsigned i = 0; i < min(times, 8U) && !stopped; i++)
		(void)nanosleep(&ms250, NULL);
}

/* The answer to a part, however often it must be sent; 0: given up. */
static int
get_answer(struct import *im, struct import_slot *slot, struct buf *answer)
{
	int64_t since = clock_mono();
	unsigned tries = 0;

	for (;;) {
		int http = 0, r = 0;

		buf_clear(answer);
		if (slot->fd < 0)
			r = send_part(im, slot);
		if (r == 0)
			r = cli_ops_answer(slot->fd, &http, answer);
		fd_closep(&slot->fd);
		slot->fd = -1;
		if (r == 0 && !passes(http))
			return http;
		if (clock_mono() - since > PATIENCE || (tries && stopped))
			return 0;
		if (tries++ == 0 && !stopped) {
			progress_clear(&im->progress);
			(void)fprintf(stderr,
				"mpcloud: %s; trying again for a minute\n",
				http ? "the daemon is busy or has lost its "
				       "database"
				     : "the daemon does not answer");
		}
		wait_a_little(tries);
	}
}

static int
say_error(struct import *im, int http, struct slice answer)
{
	_json_ json_t *v = NULL;
	const char *message;

	progress_clear(&im->progress);
	if (im->is_failed)
		return EXIT_FAILED;
	if (http == 0)
		return cli_fail(EXIT_NO_DAEMON, "the daemon does not answer");
	if (val_parse(&v, answer, NULL) < 0)
		v = json_object();
	message = json_string_value(json_object_get(v, "message"));
	return cli_fail(EXIT_FAILED, "%s: the gateway refused (HTTP %d): %s",
		im->conf->path, http, message ? message : "no message");
}

static void
push(struct import *im, struct import_part *p)
{
	p->next = im->todo;
	im->todo = p;
}

/* What stands first is done first. */
static int
cut_part(struct import *im, struct import_slot *slot, size_t at)
{
	struct import_part *p = take(slot->part);

	at = max(min(at, p->count - 1), (size_t)1);
	push(im, import_part_split(p, at));
	push(im, p);
	return EXIT_OK;
}

static int
refuse_line(
	struct import *im, struct import_part *p, size_t at, const char *why)
{
	struct import_line where = p->lines[at];

	return import_refuse(im, &where,
		p->raw.len ? import_part_raw(p, at) : import_part_line(p, at),
		why);
}

/* Lines come in no order that matters; from the last, so that the places of
 * the others stay. */
static int
drop_lines(struct import *im, struct import_slot *slot, const json_t *list)
{
	struct import_part *p = slot->part;
	_free_ char *gone = mem_alloc(p->count + 1);
	const json_t *v;
	int status = EXIT_OK;
	size_t i;

	json_array_foreach (list, i, v) {
		size_t at =
			(size_t)json_integer_value(json_object_get(v, "at"));
		const char *why = json_string_value(json_object_get(v, "why"));

		if (at >= p->count || gone[at])
			continue;
		gone[at] = 1;
		status = refuse_line(im, p, at, why ? why : "refused");
		if (status != EXIT_OK)
			return status;
	}
	for (i = p->count; i-- > 0;)
		if (gone[i])
			import_part_del(p, i);
	push(im, take(slot->part));
	return EXIT_OK;
}

static int
take_undivided(struct import *im, struct import_slot *slot, const char *why)
{
	struct import_part *p = slot->part;
	int status;

	if (p->count > 1)
		return cut_part(im, slot, p->count / 2);
	if (p->count == 0)
		return cli_fail(EXIT_FAILED, "%s: %s", im->conf->path, why);
	status = refuse_line(im, p, 0, why);
	if (status == EXIT_OK) {
		import_part_del(p, 0);
		push(im, take(slot->part));
	}
	return status;
}

static int
take_done(struct import *im, struct import_slot *slot, const json_t *v)
{
	struct import_result *result = im->result;
	int64_t n = (int64_t)slot->part->count;

	result->documents += n;
	if (!json_is_true(json_object_get(v, "repeated")))
		result->written +=
			json_integer_value(json_object_get(v, "written"));
	else
		result->written += n;
	slot->part = import_part_free(slot->part);
	im->progress.documents = result->documents;
	im->progress.done = input_place(im->in);
	progress_show(&im->progress);
	return EXIT_OK;
}

static int
take_answer(struct import *im, struct import_slot *slot, struct slice text)
{
	_json_ json_t *v = NULL;
	struct fault why = {0};
	json_t *what;

	if (val_parse(&v, text, &why) < 0)
		return cli_fail(
			EXIT_FAILED, "the gateway's answer: %s", why.text);
	what = json_object_get(v, "refused");
	if (what)
		return drop_lines(im, slot, what);
	what = json_object_get(v, "again");
	if (what && slot->part->count > 1)
		return cut_part(im, slot, (size_t)json_integer_value(what));
	what = json_object_get(v, "undivided");
	if (what)
		return take_undivided(im, slot, json_string_value(what));
	return take_done(im, slot, v);
}

static int
settle(struct import *im, struct import_slot *slot)
{
	_buf_ struct buf answer = {0};
	int http, status;

	if (!slot->part)
		return EXIT_OK;
	buf_init(&answer, ANSWER_TOP);
	http = get_answer(im, slot, &answer);
	status = http == 200 ? take_answer(im, slot, buf_all(&answer))
			     : say_error(im, http, buf_all(&answer));
	if (status != EXIT_OK)
		slot->part = import_part_free(slot->part);
	return status;
}

static int
next_part(struct import *im, struct import_part **ret)
{
	*ret = im->todo;
	if (!*ret)
		return import_read(im, ret);
	im->todo = (*ret)->next;
	(*ret)->next = NULL;
	return EXIT_OK;
}

/* The next part is read while the one before is written; pieces of that one,
 * when it is refused, still come first. */
static int
send_all(struct import *im)
{
	for (unsigned turn = 0;; turn++) {
		struct import_slot *slot = &im->slot[turn % im->slots];
		struct import_part *p = NULL;
		int status = stopped ? EXIT_OK : next_part(im, &p);

		if (status != EXIT_OK)
			return status;
		if (!p && !im->slot[0].part && !im->slot[im->slots - 1].part)
			return EXIT_OK;
		if (p)
			push(im, p);
		status = settle(im, slot);
		if (status != EXIT_OK)
			return status;
		if (stopped || !im->todo)
			continue;
		slot->part = im->todo;
		im->todo = slot->part->next;
		slot->fd = -1;
		(void)send_part(im, slot);
	}
}

int
import_send(struct import *im)
{
	int status = send_all(im);

	im->is_failed = status != EXIT_OK;
	for (unsigned i = 0; i < im->slots; i++) {
		/* After an error, what is under way is waited for. */
		if (status != EXIT_OK && im->slot[i].part &&
			status != EXIT_NO_DAEMON)
			(void)settle(im, &im->slot[i]);
		im->slot[i].part = import_part_free(im->slot[i].part);
		fd_closep(&im->slot[i].fd);
	}
	while (im->todo) {
		struct import_part *next = im->todo->next;

		(void)import_part_free(im->todo);
		im->todo = next;
	}
	im->result->stopped = stopped != 0;
	return status;
}
