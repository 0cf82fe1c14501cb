/*
 * What becomes of a request of host.fetch: its answer as main.js wants it, or a
 * code and words that say what the author can do.
 */
#include "functions/script_wire.h"

#include <string.h>

static const char *
code_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "ENOTFOUND";
	case CURLE_COULDNT_CONNECT:
		return "ECONNREFUSED";
	case CURLE_OPERATION_TIMEDOUT:
		return "ETIMEDOUT";
	case CURLE_PROXY:
		return "ENETUNREACH";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "CERT_UNTRUSTED";
	case CURLE_TOO_MANY_REDIRECTS:
		return "ERR_TOO_MANY_REDIRECTS";
	case CURLE_WRITE_ERROR:
		return "ERR_BODY_TOO_LARGE";
	default:
		return "ECONNRESET";
	}
}

/* What the proxy said (RFC 1928): mostly that a function may not go there. */
static const char *
proxy_words(const struct wire *w)
{
	long said = 0;

	(void)curl_easy_getinfo(w->easy, CURLINFO_PROXY_ERROR, &said);
	switch (said) {
	case CURLPX_REPLY_NOT_ALLOWED:
		return "the function's \"network\" does not allow this host";
	case CURLPX_REPLY_HOST_UNREACHABLE:
		return "the host cannot be found or reached";
	case CURLPX_REPLY_CONNECTION_REFUSED:
		return "the host refused the connection";
	case CURLPX_REPLY_NETWORK_UNREACHABLE:
		return "the network cannot be reached";
	case CURLPX_REPLY_TTL_EXPIRED:
		return "the host did not answer in time";
	default:
		return NULL;
	}
}

void
wire_judge(struct wire *w, CURLcode code)
{
	const char *words = NULL;
	long status = 0;

	(void)curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK && w->refuse_redirect && status >= 300 &&
		status < 400 && status != 304) {
		w->code = "ERR_REDIRECT";
		words = "unexpected redirect";
	} else if (code != CURLE_OK) {
		w->code = code_of(code);
		words = code == CURLE_PROXY ? proxy_words(w) : NULL;
	}
	if (code == CURLE_WRITE_ERROR)
		words = buf_check(&w->head) < 0
				? "the answer's headers are too large"
				: "the answer is larger than 32 MiB";
	if (w->code)
		(void)snprintf(w->why, sizeof(w->why), "fetch failed: %s",
			words ? words : curl_easy_strerror(code));
}

/* "HTTP/1.1 404 Not Found" and the lines below. */
static void
put_head(JSContextRef js, const struct wire *w, JSObjectRef to)
{
	struct slice rest = buf_all(&w->head), line, part;
	JSObjectRef all = JSObjectMakeArray(js, 0, NULL, NULL);
	unsigned n = 0;

	(void)slice_split(&rest, '\n', &line);
	(void)slice_split(&line, ' ', &part);
	(void)slice_split(&line, ' ', &part);
	while (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	js_set_text(js, to, "statusText", line);
	while (slice_split(&rest, '\n', &line)) {
		JSValueRef pair[2];

		while (line.len && line.ptr[line.len - 1] == '\r')
			line.len--;
		if (!memchr(line.ptr, ':', line.len))
			continue;
		(void)slice_split(&line, ':', &part);
		pair[0] = js_text(js, part);
		pair[1] = js_text(js, slice_trim(line));
		JSObjectSetPropertyAtIndex(js, all, n++,
			JSObjectMakeArray(js, 2, pair, NULL), NULL);
	}
	js_set(js, to, "headers", all);
}

JSValueRef
wire_response(JSContextRef js, struct wire *w)
{
	JSObjectRef ret = JSObjectMake(js, NULL, NULL);
	JSValueRef exc = NULL;
	const char *url = NULL;
	long status = 0;

	(void)curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(w->easy, CURLINFO_EFFECTIVE_URL, &url);
	js_set(js, ret, "status", js_number(js, (double)status));
	js_set_text(js, ret, "url", slice_str(url));
	put_head(js, w, ret);
	js_set(js, ret, "body", js_bytes(js, buf_all(&w->body), &exc));
	return ret;
}

JSValueRef
wire_error(JSContextRef js, const struct wire *w)
{
	JSObjectRef ret = JSObjectMake(js, NULL, NULL);

	js_set_text(js, ret, "code", slice_str(w->code));
	js_set_text(js, ret, "message",
		slice_str(*w->why ? w->why : "fetch failed"));
	return ret;
}
