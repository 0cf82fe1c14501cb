/*
 * host.fetch: libcurl's multi interface in a worker.  base/fetch stands on
 * libuv's loop, which this process does not have; here curl waits for its own
 * sockets and for the worker's in one call.
 *
 * A function has no network: the cloud is a unix socket, and everything else
 * goes through the proxy at MPCLOUD_EGRESS or nowhere.  Curl is initialised at
 * the first request, so after the fork for whoever asks in an invocation; what
 * the code asks for while it is loaded is over before the first fork.
 */
#include "functions/script_wire.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/val.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	BODY_TOP = 32 * 1024 * 1024,
	HEAD_TOP = 256 * 1024,
	URL_TOP = 64 * 1024,
	AT_ONCE = 64,
	WAITING_TOP = 10000,
	CONNECT_MS = 10000,
	REDIRECTS = 20,
	HOST_TOP = 256
};

static void
wire_free(struct fetches *f, struct wire *w)
{
	list_del(&w->on);
	f->len--;
	if (w->easy) {
		(void)curl_multi_remove_handle(f->multi, w->easy);
		curl_easy_cleanup(w->easy);
	}
	curl_slist_free_all(w->headers);
	buf_done(&w->url);
	buf_done(&w->method);
	buf_done(&w->ask);
	buf_done(&w->head);
	buf_done(&w->body);
	free(w);
}

static struct fetches *
fetches_get(struct script *s)
{
	struct fetches *f = s->fetches;

	if (f)
		return f;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	f = s->fetches = mem_new(struct fetches);
	f->script = s;
	f->multi = curl_multi_init();
	list_init(&f->busy);
	list_init(&f->over);
	(void)curl_multi_setopt(
		f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)AT_ONCE);
	return f;
}

bool
script_fetches_busy(const struct script *s)
{
	return s->fetches && s->fetches->len > 0;
}

void
script_fetches_done(struct script *s)
{
	struct fetches *f = take(s->fetches);
	struct wire *w;

	if (!f)
		return;
	while ((w = list_first(&f->busy, struct wire, on)) ||
		(w = list_first(&f->over, struct wire, on)))
		wire_free(f, w);
	(void)curl_multi_cleanup(f->multi);
	curl_global_cleanup();
	free(f);
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
	struct wire *w = arg;

	(void)one;
	return put(&w->body, p, len);
}

static size_t
on_head(char *p, size_t one, size_t len, void *arg)
{
	struct wire *w = arg;

	(void)one;
	/* Of interim answers, proxies and redirects only the last counts. */
	if (slice_starts(slice_of(p, len), "HTTP/"))
		buf_clear(&w->head);
	return put(&w->head, p, len);
}

#define SET(option, value) (void)curl_easy_setopt(w->easy, (option), (value))

/* The names that lead to the cloud: ours, and those that Tencent's SDKs have
 * built in (functions/node/preload.cjs has the same). */
static bool
is_cloud(const char *host)
{
	static const char *const ends[] = {"mpcloud.internal",
		"tencentcloudapi.com", "tencentyun.com",
		"tcloudbasegateway.com"};
	size_t len = strlen(host);

	for (size_t i = 0; i < array_size(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len >= n && !strcasecmp(host + len - n, ends[i]) &&
			(len == n || host[len - n - 1] == '.'))
			return true;
	}
	return false;
}

static int
host_of(const char *url, char ret[HOST_TOP])
{
	CURLU *u = curl_url();
	char *host = NULL;
	int r = ERR_PARAM;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		strlen(host) < HOST_TOP) {
		memcpy(ret, host, strlen(host) + 1);
		r = 0;
	}
	curl_free(host);
	curl_url_cleanup(u);
	return r;
}

/* A worker belongs to one gateway; every invocation names that one's socket. */
static void
cloud_path(const struct script *s, char path[PATH_MAX])
{
	struct slice raw = SLICE("\"cloud-0.sock\"");
	const char *slash;

	(void)!val_find_raw(buf_all(&s->context), "cloudSocket", &raw);
	raw = slice_of(raw.ptr + 1, raw.len - 2);
	slash = memrchr(raw.ptr, '/', raw.len);
	if (slash)
		raw = slice_of(
			slash + 1, raw.len - (size_t)(slash + 1 - raw.ptr));
	(void)snprintf(
		path, PATH_MAX, "%s/%.*s", s->conf->cloud_dir, SLICE_ARG(raw));
}

static int
set_way(struct script *s, struct wire *w, bool follow)
{
	char host[HOST_TOP], path[PATH_MAX];

	if (host_of(w->url.ptr, host) < 0) {
		w->code = "ERR_INVALID_URL";
		(void)snprintf(w->why, sizeof(w->why), "Invalid URL: %.300s",
			w->url.ptr);
		return ERR_PARAM;
	}
	SET(CURLOPT_PROXY, "");
	if (is_cloud(host)) {
		cloud_path(s, path);
		SET(CURLOPT_UNIX_SOCKET_PATH, path);
		return 0;
	}
	if (!s->conf->egress || !*s->conf->egress) {
		w->code = "ENETUNREACH";
		(void)snprintf(w->why, sizeof(w->why),
			"fetch failed: this function has no network: set "
			"\"mpcloud\": {\"network\": \"internet\"} or "
			"{\"network\": [\"%s\"]} in its entry of "
			"cloudbaserc.json and deploy it again",
			host);
		return ERR_PARAM;
	}
	(void)snprintf(
		path, sizeof(path), "socks5h://localhost%s", s->conf->egress);
	SET(CURLOPT_PROXY, path);
	SET(CURLOPT_FOLLOWLOCATION, follow ? 1L : 0L);
	SET(CURLOPT_MAXREDIRS, (long)REDIRECTS);
	return 0;
}

static void
set_rules(struct wire *w)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_ACCEPT_ENCODING, "");
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, w);
	SET(CURLOPT_HEADERFUNCTION, on_head);
	SET(CURLOPT_HEADERDATA, w);
	SET(CURLOPT_PRIVATE, w);
}

static void
set_method(struct wire *w)
{
	const char *method = w->method.ptr;
	bool post = strcmp(method, "POST") == 0;

	if (strcmp(method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (!post && strcmp(method, "GET") != 0)
		SET(CURLOPT_CUSTOMREQUEST, method);
	if (!post && !w->ask.len)
		return;
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)w->ask.len);
	SET(CURLOPT_POSTFIELDS, w->ask.len ? w->ask.ptr : "");
}

/* One header, "Name: value", or "Name;" when its value is empty. */
static bool
add_header(JSContextRef js, struct wire *w, JSValueRef pair, bool *typed)
{
	struct buf line _buf_ = {0};
	size_t name;

	buf_init(&line, HEAD_TOP);
	(void)js_utf8(js, js_get(js, pair, "0"), &line);
	name = line.len;
	buf_str(&line, ": ");
	(void)js_utf8(js, js_get(js, pair, "1"), &line);
	if (buf_check(&line) < 0 || name == 0 ||
		strcspn(line.ptr, "\r\n") != line.len)
		return false;
	*typed |= name == 12 && !strncasecmp(line.ptr, "content-type", 12);
	if (line.len == name + 2)
		(void)strcpy(line.ptr + name, ";");
	w->headers = curl_slist_append(w->headers, line.ptr);
	return true;
}

static int
set_headers(JSContextRef js, struct wire *w, JSValueRef headers)
{
	JSObjectRef list = JSValueIsObject(js, headers)
				   ? JSValueToObject(js, headers, NULL)
				   : NULL;
	unsigned n = js_u32(js, js_get(js, headers, "length"));
	bool typed = false;

	/* Curl's own ideas are taken out: a question before the body, a form.
	 */
	w->headers = curl_slist_append(NULL, "Expect:");
	for (unsigned i = 0; list && i < n; i++) {
		JSValueRef pair = JSObjectGetPropertyAtIndex(js, list, i, NULL);

		if (!add_header(js, w, pair, &typed)) {
			w->code = "ERR_INVALID_CHAR";
			(void)snprintf(w->why, sizeof(w->why),
				"fetch failed: not a header");
			return ERR_PARAM;
		}
	}
	if (!typed)
		w->headers = curl_slist_append(w->headers, "Content-Type:");
	SET(CURLOPT_HTTPHEADER, w->headers);
	return 0;
}

static bool
read_text(JSContextRef js, JSValueRef request, const char *name, size_t top,
	struct buf *to)
{
	buf_init(to, top);
	return js_utf8(js, js_get(js, request, name), to) &&
	       !memchr(to->ptr, '\0', to->len);
}

static int
prepare(struct script *s, struct wire *w, JSValueRef request)
{
	JSContextRef js = s->js;
	struct buf redirect _buf_ = {0};
	double ms = js_double(js, js_get(js, request, "timeoutMs"));
	struct slice bytes;
	int r;

	buf_init(&w->head, HEAD_TOP);
	buf_init(&w->body, BODY_TOP);
	buf_init(&w->ask, BODY_TOP);
	if (!read_text(js, request, "url", URL_TOP, &w->url) ||
		!read_text(js, request, "method", HOST_TOP, &w->method) ||
		!read_text(js, request, "redirect", HOST_TOP, &redirect))
		return ERR_PARAM;
	if (js_slice(js, js_get(js, request, "body"), &bytes))
		buf_slice(&w->ask, bytes);
	if (buf_check(&w->ask) < 0) {
		w->code = "ERR_BODY_TOO_LARGE";
		(void)snprintf(w->why, sizeof(w->why),
			"fetch failed: the body is larger than 32 MiB");
		return ERR_TOO_BIG;
	}
	w->easy = curl_easy_init();
	set_rules(w);
	w->refuse_redirect = slice_is(buf_all(&redirect), "error");
	SET(CURLOPT_URL, w->url.ptr);
	SET(CURLOPT_TIMEOUT_MS, ms >= 1 ? (long)min(ms, 1e9) : 0L);
	r = set_way(s, w,
		!w->refuse_redirect && !slice_is(buf_all(&redirect), "manual"));
	if (r == 0)
		r = set_headers(js, w, js_get(js, request, "headers"));
	set_method(w);
	return r;
}

static JSValueRef
host_fetch(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct fetches *f = fetches_get(s);
	struct wire *w;

	if (!f || f->len >= WAITING_TOP)
		return js_throw(s->js, exc, "EAGAIN",
			"fetch failed: too many requests at once");
	w = mem_new(struct wire);
	w->number = js_u32(s->js, v[0]);
	f->len++;
	list_init(&w->on);
	if (prepare(s, w, v[1]) < 0) {
		if (!w->code)
			w->code = "ERR_INVALID_ARG_VALUE";
		list_add(&f->over, &w->on);
	} else {
		list_add(&f->busy, &w->on);
		(void)curl_multi_add_handle(f->multi, w->easy);
	}
	return JSValueMakeUndefined(s->js);
}

static JSValueRef
host_unfetch(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	uint32_t number = js_u32(s->js, v[0]);
	struct list *lists[2];

	(void)exc;
	if (!s->fetches)
		return JSValueMakeUndefined(s->js);
	lists[0] = &s->fetches->busy;
	lists[1] = &s->fetches->over;
	for (size_t i = 0; i < array_size(lists); i++) {
		list_for_each_safe (at, lists[i]) {
			struct wire *w = container_of(at, struct wire, on);

			if (w->number == number)
				wire_free(s->fetches, w);
		}
	}
	return JSValueMakeUndefined(s->js);
}

static void
collect(struct fetches *f)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = msg->data.result;
		struct wire *w;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &w);
		wire_judge(w, code);
		list_del(&w->on);
		list_add(&f->over, &w->on);
	}
}

void
script_fetches_run(struct script *s)
{
	struct fetches *f = s->fetches;
	struct wire *w;
	int running;

	if (!f || !f->len)
		return;
	(void)curl_multi_perform(f->multi, &running);
	collect(f);
	while ((w = list_first(&f->over, struct wire, on))) {
		JSValueRef v[3] = {js_number(s->js, w->number),
			JSValueMakeNull(s->js), JSValueMakeUndefined(s->js)};

		if (w->code)
			v[1] = wire_error(s->js, w);
		else
			v[2] = wire_response(s->js, w);
		wire_free(f, w);
		script_call(s, ENTRY_ON_FETCH, array_size(v), v);
	}
}

void
script_fetches_wait(struct script *s, int fd, int ms)
{
	struct curl_waitfd also = {fd, CURL_WAIT_POLLIN, 0};
	int n;

	if (!list_empty(&s->fetches->over))
		ms = 0;
	(void)curl_multi_poll(s->fetches->multi, fd < 0 ? NULL : &also,
		fd < 0 ? 0 : 1, ms < 0 ? INT_MAX : ms, &n);
}

const struct script_host_row script_host_fetch[] = {
	{"fetch", 2, host_fetch},
	{"unfetch", 1, host_unfetch},
	{NULL, 0, NULL},
};
