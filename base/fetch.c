/*
 * libcurl's multi interface on our loop.  Curl says which sockets it waits for
 * and when it wants to be called; each socket gets a poll, the time one of
 * our timers.  Nobody's done is called from inside curl: what has finished is
 * collected after curl has returned, so that it may start, cancel or free
 * whatever it likes, the fetcher included.  A stream's callbacks are called
 * from there, and may not.
 *
 * When a kept connection turns out to be closed, curl itself asks again on a
 * new one.  That may repeat a POST; it is kept rare by not keeping connections
 * long, and WeChat's writing calls carry their own number against repetition.
 */
#include "base/fetch_inside.h"

#include "base/fdpoll.h"
#include "base/mem.h"
#include "base/series.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	HEADERS_TOP = 64 * 1024,
	ANSWER_TOP = 1024 * 1024,
	TIMEOUT_MS = 10000,
	CONNECT_MS = 3000,
	IDLE_TOP = 32,
	CONNECTIONS = 64
};

struct fetcher {
	struct loop *loop;
	CURLM *multi;
	struct timer timer;
	struct defer kick; /* curl wants to be called in this turn */
	bool kicking;
	struct list sockets; /* struct wire */
	struct list busy;    /* struct transfer */
	struct list idle;    /* struct transfer, their easy handles kept */
	unsigned idle_len;
	unsigned inside; /* calls of ours on the stack */
	bool ended;      /* freed by a done: the outermost call does it */
	struct series_table *series; /* or NULL */
};

/* One socket of curl's. */
struct wire {
	struct list on;
	struct fdpoll poll;
	struct fetcher *fetcher;
	curl_socket_t fd;
};

static void collect(struct fetcher *f);

void
fetcher_enter(struct fetcher *f)
{
	f->inside++;
}

void
fetcher_leave(struct fetcher *f)
{
	collect(f);
	f->inside--;
	if (f->ended && !f->inside)
		free(f);
}

/* Let curl work, then see what has finished. */
static void
act(struct fetcher *f, curl_socket_t fd, int events)
{
	int running;

	fetcher_enter(f);
	(void)curl_multi_socket_action(f->multi, fd, events, &running);
	f->kicking = false;
	fetcher_leave(f);
}

static void
on_kick(struct defer *defer)
{
	struct fetcher *f = container_of(defer, struct fetcher, kick);

	f->kicking = true;
	act(f, CURL_SOCKET_TIMEOUT, 0);
}

static void
on_timer(struct timer *timer)
{
	act(container_of(timer, struct fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

/* Curl's "at once" means: after this callback.  The end of the turn is soon
 * enough, but asked again from there it must wait for the next turn. */
static int
on_curl_timer(CURLM *multi, long ms, void *arg)
{
	struct fetcher *f = arg;

	(void)multi;
	timer_clear(&f->timer);
	defer_clear(&f->kick);
	if (ms == 0 && !f->kicking)
		loop_defer(f->loop, &f->kick);
	else if (ms >= 0)
		timer_set(&f->timer, f->loop, (uint64_t)ms, on_timer);
	return 0;
}

static void
on_poll(struct fdpoll *poll, int events)
{
	struct wire *w = container_of(poll, struct wire, poll);
	int flags = 0;

	if (!events)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(w->fetcher, w->fd, flags);
}

static void
wire_free(struct wire *w)
{
	list_del(&w->on);
	fdpoll_close(&w->poll);
	free(w);
}

static struct wire *
wire_new(struct fetcher *f, curl_socket_t fd)
{
	struct wire *w = mem_new(struct wire);

	if (fdpoll_open(&w->poll, f->loop, fd, 0, on_poll) < 0)
		return mem_free(w);
	w->fetcher = f;
	w->fd = fd;
	list_add(&f->sockets, &w->on);
	(void)curl_multi_assign(f->multi, fd, w);
	return w;
}

static int
on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct fetcher *f = arg;
	struct wire *w = mine;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			wire_free(w);
			(void)curl_multi_assign(f->multi, fd, NULL);
		}
		return 0;
	}
	if (!w)
		w = wire_new(f, fd);
	if (!w)
		return -1;
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return fdpoll_set(&w->poll, events) < 0 ? -1 : 0;
}

static int
fetcher_setup(struct fetcher *f)
{
	const struct {
		CURLMoption option;
		long value;
	} numbers[] = {{CURLMOPT_MAXCONNECTS, CONNECTIONS},
		{CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS}};
	static bool ready;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	ready = true;
	f->multi = curl_multi_init();
	if (!f->multi)
		return -ENOMEM;
	(void)curl_multi_setopt(
		f->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	(void)curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	(void)curl_multi_setopt(
		f->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	(void)curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	for (size_t i = 0; i < array_size(numbers); i++)
		(void)curl_multi_setopt(
			f->multi, numbers[i].option, numbers[i].value);
	return 0;
}

int
fetcher_new(struct fetcher **ret, struct loop *loop)
{
	_cleanup_(fetcher_freep) struct fetcher *f = mem_new(struct fetcher);
	int r;

	f->loop = loop;
	list_init(&f->sockets);
	list_init(&f->busy);
	list_init(&f->idle);
	defer_init(&f->kick, on_kick);
	r = fetcher_setup(f);
	if (r < 0)
		return r;
	*ret = take(f);
	return 0;
}

void
fetcher_set_connections(struct fetcher *f, unsigned connections)
{
	(void)curl_multi_setopt(
		f->multi, CURLMOPT_MAXCONNECTS, (long)connections);
	(void)curl_multi_setopt(
		f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
}

static void
transfer_free(struct transfer *t)
{
	list_del(&t->on);
	curl_slist_free_all(t->headers);
	curl_easy_cleanup(t->easy);
	free(t);
}

/* Away from curl and from its fetch; kept for the next one. */
static void
transfer_rest(struct transfer *t)
{
	struct fetcher *f = t->fetcher;

	fetch_stream_rest(t);
	(void)curl_multi_remove_handle(f->multi, t->easy);
	t->fetch->inside = NULL;
	t->fetch->resume = NULL;
	t->fetch = NULL;
	if (f->idle_len >= IDLE_TOP) {
		transfer_free(t);
		return;
	}
	curl_easy_reset(t->easy);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	list_del(&t->on);
	list_add_first(&f->idle, &t->on);
	f->idle_len++;
}

struct fetcher *
fetcher_free(struct fetcher *f)
{
	struct transfer *t;
	struct wire *w;

	if (!f)
		return NULL;
	while ((t = list_first(&f->busy, struct transfer, on))) {
		struct job *job = &t->fetch->job;

		transfer_rest(t);
		job_fail_soon(job, f->loop, ERR_SHUTDOWN);
	}
	while ((t = list_first(&f->idle, struct transfer, on)))
		transfer_free(t);
	if (f->multi)
		(void)curl_multi_cleanup(f->multi);
	while ((w = list_first(&f->sockets, struct wire, on)))
		wire_free(w);
	timer_clear(&f->timer);
	defer_clear(&f->kick);
	f->ended = true;
	return f->inside ? NULL : mem_free(f);
}

static bool
was_sent(const struct transfer *t)
{
	long size = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
	return size > 0 || t->begun > 0;
}

void
fetcher_count(struct fetcher *f, struct series_table *series)
{
	f->series = series;
}

enum { NO_ANSWER = 599 };

/* Scheme and authority alone: a path may name a user. */
static void
transfer_count(const struct transfer *t, int status)
{
	char label[SERIES_LABEL];
	const char *url = NULL, *host;
	curl_off_t us = 0;

	if (!t->fetcher->series)
		return;
	(void)curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	(void)curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &us);
	host = url ? strstr(url, "://") : NULL;
	host = host ? host + 3 : "";
	(void)snprintf(label, sizeof(label), "host=\"%.*s\"",
		(int)min(strcspn(host, "/?#\"\\"), (size_t)128), host);
	series_add(series_find(t->fetcher->series, slice_str(label)), status,
		us * 1000);
}

/* The job was cancelled or is past its deadline. */
static void
on_drop(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct transfer *t = fetch->inside;

	fetch->sent = was_sent(t);
	transfer_count(t, NO_ANSWER);
	transfer_rest(t);
}

static size_t
put(struct buf *to, const char *p, size_t len)
{
	buf_add(to, p, len);
	return buf_check(to) < 0 ? 0 : len;
}

static size_t
on_body(char *p, size_t one, size_t len, void *arg)
{
	struct fetch *fetch = arg;

	(void)one;
	if (fetch->stream)
		return fetch_stream_data(fetch, p, len);
	return put(&fetch->body, p, len);
}

static bool
has_whole_head(const struct buf *b)
{
	size_t n = b->len;

	return n > 0 && b->ptr[n - 1] == '\n' &&
	       ((n > 1 && b->ptr[n - 2] == '\n') ||
		       (n > 2 && b->ptr[n - 2] == '\r' &&
			       b->ptr[n - 3] == '\n'));
}

static size_t
on_header(char *p, size_t one, size_t len, void *arg)
{
	struct fetch *fetch = arg;

	(void)one;
	/* An interim answer (1xx) came before: only the last head counts.
	 * What else comes behind one is trailers. */
	if (slice_starts(slice_of(p, len), "HTTP/"))
		buf_clear(&fetch->headers);
	else if (has_whole_head(&fetch->headers))
		return len;
	if (put(&fetch->headers, p, len) != len)
		return 0;
	if (fetch->stream)
		fetch_stream_header(fetch, p, len);
	return len;
}

/* Curl's message, without the address: its query may hold a secret. */
static int
verdict(struct fetch *fetch, CURLcode code)
{
	/* Curl takes a head that was cut off for a whole one. */
	if (code == CURLE_OK && !has_whole_head(&fetch->headers))
		code = CURLE_PARTIAL_FILE;
	if (code == CURLE_OK)
		return 0;
	if (buf_check(&fetch->body) < 0 || buf_check(&fetch->headers) < 0 ||
		code == CURLE_FILESIZE_EXCEEDED)
		return ERR_ANSWER_BIG;
	return fault_set(
		&fetch->job.why, ERR_UPSTREAM, "%s", curl_easy_strerror(code));
}

static void
finish(struct transfer *t, CURLcode code)
{
	struct fetch *fetch = t->fetch;

	(void)curl_easy_getinfo(
		t->easy, CURLINFO_RESPONSE_CODE, &fetch->status);
	transfer_count(t, code == CURLE_OK ? (int)fetch->status : NO_ANSWER);
	fetch->sent = was_sent(t);
	transfer_rest(t);
	job_finish(&fetch->job, verdict(fetch, code));
}

static void
collect(struct fetcher *f)
{
	CURLMsg *msg;
	int left;

	while (!f->ended && (msg = curl_multi_info_read(f->multi, &left))) {
		struct transfer *t;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		finish(t, code);
	}
}

static struct transfer *
transfer_get(struct fetcher *f)
{
	struct transfer *t = list_first(&f->idle, struct transfer, on);

	if (t) {
		list_del(&t->on);
		f->idle_len--;
		return t;
	}
	t = mem_new(struct transfer);
	list_init(&t->on);
	fetch_stream_init(t);
	t->fetcher = f;
	t->easy = curl_easy_init();
	if (!t->easy)
		return mem_free(t);
	return t;
}

#define SET(option, value) (void)curl_easy_setopt(t->easy, (option), (value))

static void
set_answer(struct transfer *t, struct fetch *fetch, size_t top)
{
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, fetch);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, fetch);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)top);
	SET(CURLOPT_PRIVATE, t);
}

void
fetch_begin(struct fetch *fetch, const struct fetch_stream *stream,
	size_t body_top, size_t headers_top)
{
	fetch->status = 0;
	fetch->sent = false;
	fetch->headed = false;
	fetch->switched = 0;
	fetch->stream = stream;
	buf_init(&fetch->body, body_top);
	buf_init(&fetch->headers, headers_top);
}

void
fetch_start(struct fetcher *fetcher, struct fetch *fetch,
	const struct fetch_ask *ask)
{
	uint64_t ms =
		ask->timeout_ms || ask->stream ? ask->timeout_ms : TIMEOUT_MS;
	uint64_t connect_ms = ask->connect_ms ? ask->connect_ms : CONNECT_MS;
	size_t top = ask->answer_top ? ask->answer_top : ANSWER_TOP;
	struct transfer *t = transfer_get(fetcher);

	fetch_begin(fetch, ask->stream, top, HEADERS_TOP);
	fetch->inside = t;
	fetch->resume = t ? &t->resume : NULL;
	if (!t) {
		job_fail_soon(&fetch->job, fetcher->loop, -ENOMEM);
		return;
	}
	t->fetch = fetch;
	t->begun = 0;
	list_add(&fetcher->busy, &t->on);
	transfer_set(t, ask);
	SET(CURLOPT_URL, ask->url);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
		(long)(ms ? min(connect_ms, ms) : connect_ms));
	if (ask->unix_path) {
		SET(CURLOPT_UNIX_SOCKET_PATH, ask->unix_path);
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_FORBID_REUSE, 1L);
	}
	if (ask->sigv4) {
		SET(CURLOPT_AWS_SIGV4, ask->sigv4);
		SET(CURLOPT_USERPWD, ask->sigv4_key);
	}
	if (ask->stream) /* its answer may have any length */
		fetch_stream_set(t, ask);
	set_answer(t, fetch, ask->stream ? 0 : top);
	job_begin(&fetch->job, fetcher->loop, ms, on_drop);
	if (curl_multi_add_handle(fetcher->multi, t->easy) != CURLM_OK) {
		transfer_rest(t);
		job_fail_soon(&fetch->job, fetcher->loop, -ENOMEM);
	}
}

void
fetch_done(struct fetch *f)
{
	job_cancel(&f->job);
	if (f->switched > 0)
		(void)close(f->switched);
	f->switched = 0;
	buf_done(&f->body);
	buf_done(&f->headers);
}

struct slice
fetch_header(const struct fetch *f, const char *name)
{
	struct slice rest = buf_all(&f->headers), line;

	(void)slice_split(&rest, '\n', &line); /* the status line */
	while (slice_split(&rest, '\n', &line)) {
		struct slice value = line, key;

		if (line.len && line.ptr[line.len - 1] == '\r')
			value.len--;
		(void)slice_split(&value, ':', &key);
		if (value.ptr && slice_is_nocase(key, name))
			return slice_trim(value);
	}
	return slice_of("", 0);
}
