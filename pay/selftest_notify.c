/*
 * Does WeChat Pay reach us?  notify_url's host must resolve to a public
 * address, and what is sent there must come out at our own callback endpoint
 * with its headers.  What is sent is a probe like WeChat Pay's own
 * (WECHATPAY/SIGNTEST/), which changes nothing; the endpoint's words tell it
 * from a callback whose headers a proxy has eaten.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "pay/address.h"
#include "pay/selftest_part.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 6000, CONNECT_MS = 3000, ANSWER_TOP = 64 * 1024 };

#define NAME "notify_url"

static bool
has(const struct fetch *f, const char *words)
{
	return f->body.ptr && strstr(f->body.ptr, words);
}

static void
say_strange(struct selftest *s, long status)
{
	const char *url = s->merchant->notify_url;

	if (status >= 300 && status < 400)
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s answers with a redirect (%ld), which WeChat Pay "
			"does not follow: set notify_url to where it leads.",
			url, status);
	else if (status == 404)
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s answers 404: the proxy in front does not pass this "
			"path on to this server, or the path is not "
			"/v1/pay/notify.",
			url);
	else if (status == 401 || status == 403)
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s answers %ld before it reaches this server: a login "
			"or a firewall stands in front. WeChat Pay has no "
			"login; exempt this path.",
			url, status);
	else if (status >= 200 && status < 300)
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s answers %ld to a callback that is not signed: "
			"something else than this server stands there, and "
			"takes WeChat Pay's callbacks for done.",
			url, status);
	else
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s answers %ld: it is not this server's callback "
			"address, or the server behind the proxy is down.",
			url, status);
}

static void
say_answer(struct selftest *s, int err)
{
	const struct fetch *f = &s->fetch;
	const char *url = s->merchant->notify_url;
	bool v2 = s->merchant->api == MERCHANT_V2;

	if (err < 0)
		selftest_say(s, NAME, SELFTEST_BAD,
			"%s cannot be reached from here: %s. (When only this "
			"server may not call its own public address, that is "
			"no matter: try it from elsewhere with curl.)",
			url, fault_text(&f->job.why, err));
	else if (v2 ? has(f, "<return_code><![CDATA[FAIL]]>")
		    : has(f, err_info(ERR_PAY_PROBE)->text))
		selftest_say(s, NAME, SELFTEST_GOOD,
			"A callback sent to %s arrives here with its headers.",
			url);
	else if (!v2 && has(f, "Wechatpay-"))
		selftest_say(s, NAME, SELFTEST_BAD,
			"A callback sent to %s arrives without its Wechatpay-* "
			"headers: the proxy in front must pass them on "
			"(docs/wechat-pay.md has the lines for nginx).",
			url);
	else
		say_strange(s, f->status);
}

static void
on_answer(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, fetch.job);

	say_answer(s, job->err);
	selftest_notify_done(s);
	selftest_next(s);
}

static void
callback_send(struct selftest *s)
{
	bool v2 = s->merchant->api == MERCHANT_V2;
	char timestamp[64], nonce[96], word[33];

	(void)snprintf(timestamp, sizeof(timestamp),
		"Wechatpay-Timestamp: %" PRId64, clock_now_s());
	text_random_hex(word, 16);
	(void)snprintf(nonce, sizeof(nonce), "Wechatpay-Nonce: %s", word);
	job_init(&s->fetch.job, on_answer);
	s->fetching = true;
	fetch_start(s->home.fetcher, &s->fetch,
		&(struct fetch_ask){
			.method = "POST",
			.url = s->merchant->notify_url,
			.headers = (const char *const[]){timestamp, nonce,
				"Wechatpay-Serial: SELFTEST",
				"Wechatpay-Signature: "
				"WECHATPAY/SIGNTEST/mpcloudselftest",
				"Wechatpay-Signature-Type: "
				"WECHATPAY2-SHA256-RSA2048",
				v2 ? "Content-Type: text/xml"
				   : "Content-Type: application/json",
				"User-Agent: mpcloud selftest", NULL},
			.body = v2 ? SLICE("<xml><return_code>SUCCESS"
					   "</return_code></xml>")
				   : SLICE("{}"),
			.timeout_ms = TIMEOUT_MS,
			.connect_ms = CONNECT_MS,
			.answer_top = ANSWER_TOP,
		});
}

/* The resolver's request may outlive the test: it is its own. */
static void
on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
	struct selftest *s = req->data;
	size_t open = 0, inner = 0;

	for (const struct addrinfo *a = found; a; a = a->ai_next)
		*(address_is_private_ip(a->ai_addr) ? &inner : &open) += 1;
	uv_freeaddrinfo(found);
	mem_free(req);
	if (!s)
		return;
	s->resolver = NULL;
	if (status < 0) {
		selftest_say(s, NAME, SELFTEST_BAD,
			"The name %s does not resolve (%s): WeChat Pay cannot "
			"call it.",
			s->host, uv_strerror(status));
		selftest_next(s);
		return;
	}
	if (inner)
		selftest_say(s, NAME, open ? SELFTEST_WARN : SELFTEST_BAD,
			"%s resolves to an address of an inner network%s: what "
			"WeChat Pay resolves must be public. (Behind a name "
			"service of your own this may be so only here.)",
			s->host, open ? ", among others" : "");
	callback_send(s);
}

static void
resolve(struct selftest *s, struct slice host)
{
	uv_getaddrinfo_t *req = mem_new(uv_getaddrinfo_t);
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

	(void)snprintf(s->host, sizeof(s->host), "%.*s", SLICE_ARG(host));
	req->data = s;
	s->resolver = req;
	if (uv_getaddrinfo(&s->home.loop->uv, req, on_resolved, s->host, NULL,
		    &hints) < 0) {
		s->resolver = mem_free(req);
		callback_send(s);
	}
}

void
selftest_check_notify(struct selftest *s)
{
	struct slice url = slice_str(s->merchant->notify_url), host;
	bool sandbox =
		slice_starts(slice_str(s->merchant->api_base), "http://");

	if (sandbox && slice_starts(url, "https://")) {
		selftest_say(s, NAME, SELFTEST_UNKNOWN,
			"Beside a sandbox, callbacks go where the sandbox was "
			"told to send them, not to %s.",
			s->merchant->notify_url);
		selftest_next(s);
	} else if (sandbox || !address_host(url, &host)) {
		callback_send(s);
	} else {
		resolve(s, host);
	}
}

void
selftest_notify_done(struct selftest *s)
{
	if (s->resolver) {
		s->resolver->data = NULL;
		(void)uv_cancel((uv_req_t *)s->resolver);
		s->resolver = NULL;
	}
	if (s->fetching)
		fetch_done(&s->fetch);
	s->fetching = false;
}
