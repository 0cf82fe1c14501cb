/*
 * Bodies that pass through in pieces.  Curl calls back and may be told to wait;
 * it is called again from the end of a turn, never from inside itself.
 */
#include "base/fetch_inside.h"

#include "base/loop.h"

static void
on_resume(struct defer *defer)
{
	struct transfer *t = container_of(defer, struct transfer, resume);
	struct fetcher *f = t->fetcher;

	fetcher_enter(f);
	(void)curl_easy_pause(t->easy, CURLPAUSE_CONT);
	fetcher_leave(f);
}

void
fetch_stream_init(struct transfer *t)
{
	defer_init(&t->resume, on_resume);
}

void
fetch_stream_rest(struct transfer *t)
{
	defer_clear(&t->resume);
}

void
fetch_go_on(struct fetch *fetch)
{
	if (fetch->resume)
		loop_defer(fetch->job.loop, fetch->resume);
}

size_t
fetch_stream_data(struct fetch *fetch, const char *p, size_t len)
{
	int r = fetch->stream->on_data(fetch, slice_of(p, len));

	if (r == FETCH_WAIT)
		return CURL_WRITEFUNC_PAUSE;
	return r < 0 ? 0 : len;
}

static int64_t
announced(const struct fetch *fetch)
{
	uint64_t n;

	if (fetch_header(fetch, "transfer-encoding").len ||
		slice_to_u64(fetch_header(fetch, "content-length"), INT64_MAX,
			&n) < 0)
		return -1;
	return (int64_t)n;
}

void
fetch_stream_header(struct fetch *fetch, const char *p, size_t len)
{
	const struct transfer *t = fetch->inside;
	bool empty =
		len > 0 &&
		(p[0] == '\n' || (len > 1 && p[0] == '\r' && p[1] == '\n'));

	if (!empty)
		return;
	(void)curl_easy_getinfo(
		t->easy, CURLINFO_RESPONSE_CODE, &fetch->status);
	if (fetch->status >= 200 && !fetch->headed) {
		fetch->headed = true;
		fetch->length = announced(fetch);
		fetch->stream->on_head(fetch);
	}
}

static size_t
on_read(char *to, size_t one, size_t room, void *arg)
{
	struct fetch *fetch = arg;
	ssize_t n = fetch->stream->read(fetch, to, one * room);

	if (n == FETCH_READ_WAIT)
		return CURL_READFUNC_PAUSE;
	return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

#define SET(option, value) (void)curl_easy_setopt(t->easy, (option), (value))

void
fetch_stream_set(struct transfer *t, const struct fetch_ask *ask)
{
	SET(CURLOPT_PATH_AS_IS, 1L);
	if (ask->target)
		SET(CURLOPT_REQUEST_TARGET, ask->target);
	if (ask->length == 0)
		return;
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_CUSTOMREQUEST, ask->method);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, t->fetch);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)ask->length);
}
