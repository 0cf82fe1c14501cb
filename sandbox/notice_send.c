/*
 * Deliveries under way: so many at once and no more, five seconds each, as
 * WeChat Pay waits.
 */

#include "notice.h"

#include "pay.h"

#include "base/clock.h"
#include "base/mem.h"

enum { HANDS = 60, TIMEOUT_MS = 5000, ANSWER_TOP = 64 * 1024 };

struct attempt {
	struct fetch fetch;
	struct list on;
	struct notice *notice;
	enum notice_fault kind;
	char *serial;
	int64_t at_ms;
};

int
notices_start(struct sandbox *s)
{
	struct notices *n = &s->pay->notices;

	n->ring = mem_array(DELIVERIES_TOP, struct delivery);
	return fetcher_new(&n->fetcher, &s->loop);
}

static void
attempt_free(struct attempt *a)
{
	list_del(&a->on);
	a->notice->sandbox->pay->notices.flying--;
	fetch_done(&a->fetch);
	mem_free(a->serial);
	mem_free(a);
}

void
notice_forget_attempts(struct notice *n)
{
	while (!list_empty(&n->attempts)) {
		struct attempt *a =
			list_first(&n->attempts, struct attempt, on);

		job_cancel(&a->fetch.job);
		attempt_free(a);
	}
}

/* v3 looks at the status; v2 also at the answer's words. */
static bool
is_taken(const struct attempt *a)
{
	struct slice body = buf_all(&a->fetch.body);

	if (a->fetch.job.err < 0)
		return false;
	if (a->notice->v2)
		return a->fetch.status == 200 &&
		       memmem(body.ptr, body.len, "SUCCESS", 7);
	return a->fetch.status == 200 || a->fetch.status == 204;
}

static void ready_run(struct sandbox *s);

static void
on_answer(struct job *job)
{
	struct attempt *a = container_of(job, struct attempt, fetch.job);
	struct notice *n = a->notice;
	struct sandbox *s = n->sandbox;
	enum notice_fault kind = a->kind;
	bool taken = is_taken(a);

	delivery_note(&s->pay->notices, n, kind, a->at_ms,
		clock_now_ms() - a->at_ms,
		job->err < 0 ? 0 : (int)a->fetch.status, a->serial,
		job->err < 0 ? fault_text(&job->why, job->err) : NULL);
	attempt_free(a);
	notice_answered(n, taken, kind);
	ready_run(s);
}

static bool
is_loopback(struct slice url)
{
	return slice_starts(url, "http://127.0.0.1:") ||
	       slice_starts(url, "http://localhost:") ||
	       slice_starts(url, "http://[::1]:");
}

/* Where it goes really: this machine, or the address that stands for the
 * internet's (settings.notify_to).  NULL: nowhere. */
static char *
address_of(const struct notice *n)
{
	const char *to = n->sandbox->pay->settings.notify_to;
	const char *host = strstr(n->url, "://");
	const char *path = host ? strchr(host + 3, '/') : NULL;

	if (is_loopback(slice_str(n->url)))
		return str_dup(n->url);
	if (!to || !*to)
		return NULL;
	return str_printf("%s%s", to, path ? path : "/");
}

static void
attempt_start(struct notice *n, const char *url, enum notice_fault kind,
	struct parcel *parcel)
{
	struct notices *all = &n->sandbox->pay->notices;
	struct attempt *a = mem_new(struct attempt);
	struct fetch_ask ask = {
		.method = "POST",
		.url = url,
		.timeout_ms = TIMEOUT_MS,
		.answer_top = ANSWER_TOP,
	};

	a->notice = n;
	a->kind = kind;
	a->at_ms = clock_now_ms();
	list_add(&n->attempts, &a->on);
	all->flying++;
	job_init(&a->fetch.job, on_answer);
	ask.body = buf_all(&parcel->body);
	ask.headers = (const char *const *)parcel->headers;
	a->serial = take(parcel->serial);
	fetch_start(all->fetcher, &a->fetch, &ask);
}

/* The first deliveries of news that was born with a trouble suffer from it. */
static enum notice_fault
kind_of(const struct notice *n)
{
	enum notice_trouble what = notice_fault_trouble(n->trouble.kind);

	if ((what == TROUBLE_HEADERS || what == TROUBLE_FACTS) &&
		n->tries <= n->trouble.deliveries)
		return n->trouble.kind;
	if (n->trouble.kind == NOTICE_DUPLICATE && n->tries > 1)
		return NOTICE_DUPLICATE;
	return n->trouble.kind == NOTICE_CONCURRENT && n->tries == 1
		       ? NOTICE_CONCURRENT
		       : NOTICE_NONE;
}

/* It cannot be sent at all. */
static void
give_up(struct notice *n, const char *error)
{
	delivery_note(&n->sandbox->pay->notices, n, NOTICE_NONE, clock_now_ms(),
		0, 0, NULL, error);
	notice_drop(n);
}

static void
ready_one(struct notice *n)
{
	_free_ char *url = address_of(n);
	enum notice_fault kind = kind_of(n);
	_cleanup_(parcel_done) struct parcel parcel = {0};

	if (!url) {
		give_up(n, "the notify_url is not on this machine: set "
			   "notify_to (POST /sandbox/settings)");
		return;
	}
	if (parcel_make(&parcel, n, kind) < 0) {
		give_up(n, "the callback could not be built");
		return;
	}
	if (--n->wanted == 0)
		list_del(&n->ready);
	attempt_start(n, url, kind, &parcel);
}

static void
ready_run(struct sandbox *s)
{
	struct notices *all = &s->pay->notices;

	while (all->flying < HANDS && !list_empty(&all->ready))
		ready_one(list_first(&all->ready, struct notice, ready));
}

void
notice_send(struct notice *n, unsigned count)
{
	n->tries++;
	n->wanted += count;
	if (list_empty(&n->ready))
		list_add(&n->sandbox->pay->notices.ready, &n->ready);
	ready_run(n->sandbox);
}
