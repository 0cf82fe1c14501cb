/*
 * The self test's steps, in the order in which one failing explains the next:
 *
 *   keys ─ signature (a question about an order that cannot exist) ─ clock
 *    ─ answers (with which key?) ─ certificates (opened by the APIv3 key)
 *    ─ appid (an order without a payer, for each mini program) ─ notify_url
 *
 * WeChat Pay's refusals are its answers here: ORDER_NOT_EXIST says that serial
 * and key are right, INVALID_REQUEST about the payer that appid and mchid fit.
 */
#include "pay/selftest.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "pay/address.h"
#include "pay/selftest_part.h"
#include "pay/sign.h"
#include "pay/watch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ARENA = 1 << 20, DEADLINE_MS = 120000, NO_BYTES = 12 };

static const int64_t DAY_MS = 24LL * 3600 * 1000;

void
selftest_say(struct selftest *s, const char *name,
	enum selftest_verdict verdict, const char *form, ...)
{
	struct selftest_line *line = &s->line[s->count];
	va_list args;

	if (s->count == SELFTEST_TOP)
		return;
	line->name = name;
	line->verdict = verdict;
	va_start(args, form);
	(void)vsnprintf(line->words, sizeof(line->words), form, args);
	va_end(args);
	s->count++;
}

static void
check_keys(struct selftest *s)
{
	const struct merchant *m = s->merchant;
	const char *text = "mpcloud";
	_buf_ struct buf sign;

	buf_init(&sign, 4096);
	if (!merchant_has_v3(m)) {
		selftest_say(s, "keys", SELFTEST_GOOD,
			"API v2 alone: the key of v2 is there%s.",
			m->certificate_pem[0]
				? ", and the certificate for refunds"
				: "; refunds need v2_certificate_file, too");
	} else if (rsa_sign(m->private_key, slice_str(text), &sign) < 0 ||
		   rsa_verify(m->private_key, slice_str(text), buf_all(&sign)) <
			   0) {
		selftest_say(s, "keys", SELFTEST_BAD,
			"private_key_file does not sign: it is damaged. Take "
			"apiclient_key.pem from the merchant platform's "
			"download again.");
	} else {
		selftest_say(s, "keys", SELFTEST_GOOD,
			"The private key signs; answers are verified with %s.",
			m->public_key && m->certs
				? "the public key and platform certificates"
			: m->public_key ? "the public key"
					: "platform certificates");
	}
	selftest_next(s);
}

/* What a 401 means: WeChat Pay tells the serial from the key, in Chinese. */
static void
say_sign_error(struct selftest *s, const char *message)
{
	int64_t skew = s->wxpay.skew_s;

	if (strstr(message, "序列号") || strstr(message, "serial"))
		selftest_say(s, "signature", SELFTEST_BAD,
			"WeChat Pay does not know the serial %s for merchant "
			"%s. Compare it with the merchant platform (account "
			"centre, API security, merchant API certificate), or "
			"read it with `openssl x509 -in apiclient_cert.pem "
			"-noout -serial`.",
			s->merchant->serial, s->merchant->mchid);
	else if (skew > WATCH_SKEW_S || skew < -WATCH_SKEW_S)
		selftest_say(s, "signature", SELFTEST_BAD,
			"WeChat Pay refused the signature; this server's clock "
			"is %" PRId64 " s off, which is the probable cause.",
			-skew);
	else
		selftest_say(s, "signature", SELFTEST_BAD,
			"WeChat Pay refused the signature (%.120s): "
			"private_key_file is not the key of certificate %s, or "
			"mchid %s is not its merchant.",
			message, s->merchant->serial, s->merchant->mchid);
}

/* "平台证书序列号Wechatpay-Serial错误": the key that it shall answer with. */
static bool
refuses_our_choice(const struct wxpay *w)
{
	return strstr(w->message, "Wechatpay-Serial") != NULL;
}

static void
say_signature(struct selftest *s, int err)
{
	const struct wxpay *w = &s->wxpay;

	if (w->status == 0)
		selftest_say(s, "signature", SELFTEST_BAD,
			"%s cannot be reached: a firewall, the name service or "
			"api_base is wrong.",
			s->merchant->api_base);
	else if (strcmp(w->code, "ORDER_NOT_EXIST") == 0 || err == 0)
		selftest_say(s, "signature", SELFTEST_GOOD,
			"WeChat Pay accepts serial %s and its private key.",
			s->merchant->serial);
	else if (strcmp(w->code, "SIGN_ERROR") == 0 || w->status == 401)
		say_sign_error(s, w->message);
	else if (strcmp(w->code, "MCH_NOT_EXISTS") == 0)
		selftest_say(s, "signature", SELFTEST_BAD,
			"WeChat Pay knows no merchant %s: mchid is wrong.",
			s->merchant->mchid);
	else if (strcmp(w->code, "NO_AUTH") == 0)
		selftest_say(s, "signature", SELFTEST_BAD,
			"Merchant %s may not use this API (NO_AUTH): JSAPI "
			"payment is not opened in the merchant platform.",
			s->merchant->mchid);
	else if (refuses_our_choice(w))
		selftest_say(s, "signature", SELFTEST_UNKNOWN,
			"WeChat Pay did not come to it (see answers).");
	else
		selftest_say(s, "signature", SELFTEST_UNKNOWN,
			"WeChat Pay answered %ld %s: %.200s", w->status,
			w->code, w->message);
}

static void
say_clock(struct selftest *s)
{
	int64_t skew = s->wxpay.skew_s, size = skew < 0 ? -skew : skew;

	if (!s->wxpay.status)
		return;
	if (size <= WATCH_SKEW_S)
		selftest_say(s, "clock", SELFTEST_GOOD,
			"This server's clock and WeChat Pay's are %" PRId64
			" s apart.",
			size);
	else
		selftest_say(s, "clock",
			size < 300 ? SELFTEST_WARN : SELFTEST_BAD,
			"This server's clock is %" PRId64 " s %s: at 300 s "
			"every request and every callback is refused. Switch "
			"on time synchronisation (timedatectl set-ntp true).",
			size, skew > 0 ? "slow" : "fast");
}

/* Refusals are signed, too, nearly always; nothing is decided by them, but they
 * show the key. */
static void
say_answers(struct selftest *s)
{
	const struct merchant *m = s->merchant;
	const struct wxpay *w = &s->wxpay;
	struct slice serial = slice_str(w->serial);
	bool is_id = slice_starts(serial, "PUB_KEY_ID_");
	struct rsa *key = merchant_key(m, serial);

	if (!w->status)
		return;
	if (refuses_our_choice(w))
		selftest_say(s, "answers", SELFTEST_BAD,
			"WeChat Pay has no key %s: compare public_key_id with "
			"the merchant platform (account centre, API security, "
			"WeChat Pay public key).",
			merchant_wants_serial(m));
	else if (!serial.len)
		selftest_say(s, "answers", SELFTEST_UNKNOWN,
			"This answer was not signed; the first order will "
			"tell.");
	else if (!is_id && m->public_key && !m->certs)
		selftest_say(s, "answers", SELFTEST_BAD,
			"WeChat Pay signs with certificate %s although its "
			"public key was asked for: open the public key in the "
			"merchant platform (API security, WeChat Pay public "
			"key), or set pay.certificates = yes until it changes "
			"over.",
			w->serial);
	else if (!is_id && m->public_key)
		selftest_say(s, "answers", SELFTEST_WARN,
			"WeChat Pay signs with certificate %s although its "
			"public key was asked for. Both are known here, so "
			"all works; the change-over is not finished in the "
			"merchant platform.",
			w->serial);
	else if (is_id && !key)
		selftest_say(s, "answers", SELFTEST_BAD,
			"WeChat Pay signs with public key %s, which is not "
			"public_key_id: put that key and id into [pay].",
			w->serial);
	else if (!key)
		selftest_say(s, "answers", SELFTEST_UNKNOWN,
			"Signed with certificate %s, which is not downloaded "
			"yet.",
			w->serial);
	else if (selftest_verifies(s, key))
		selftest_say(s, "answers", SELFTEST_GOOD,
			"Answers verify with %s.", w->serial);
	else
		selftest_say(s, "answers", SELFTEST_BAD,
			"An answer does not verify with %s: public_key_file "
			"and public_key_id do not belong together.",
			w->serial);
}

bool
selftest_verifies(const struct selftest *s, struct rsa *key)
{
	const struct fetch *f = &s->wxpay.fetch;
	struct slice stamp = fetch_header(f, "Wechatpay-Timestamp");
	uint64_t at;

	/* the clock has a line of its own */
	if (slice_to_u64(stamp, INT64_MAX / 2, &at) < 0)
		return false;
	return sign_verify(key, stamp, fetch_header(f, "Wechatpay-Nonce"),
		       buf_all(&f->body),
		       fetch_header(f, "Wechatpay-Signature"),
		       (int64_t)at) == 0;
}

static void
on_question(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, wxpay.job);

	say_signature(s, job->err);
	say_clock(s);
	say_answers(s);
	wxpay_done(&s->wxpay);
	selftest_next(s);
}

/* Any key will do: what it is about is looked at afterwards. */
static void
check_signature(struct selftest *s)
{
	_buf_ struct buf path;

	buf_init(&path, 256);
	if (!merchant_has_v3(s->merchant)) {
		selftest_next(s);
		return;
	}
	buf_printf(&path, "/v3/pay/transactions/out-trade-no/%s?mchid=%s",
		s->no, s->merchant->mchid);
	job_init(&s->wxpay.job, on_question);
	wxpay_start(&s->wxpay, s->home.loop, s->home.fetcher, s->merchant,
		"GET", arena_str(&s->arena, buf_all(&path)), slice_of(NULL, 0));
}

static void
say_certificates(struct selftest *s, struct certs *brought, int err,
	const struct fault *why)
{
	int64_t now = clock_now_ms();
	const struct cert *c = certs_newest(brought, now);
	int64_t days = c ? (c->facts.to_ms - now) / DAY_MS : 0;

	if (err < 0)
		selftest_say(s, "certificates", SELFTEST_BAD, "%s.",
			fault_text(why, err));
	else if (!c)
		selftest_say(s, "certificates", SELFTEST_BAD,
			"All platform certificates have expired: change over "
			"to WeChat Pay's public key.");
	else
		selftest_say(s, "certificates",
			days < 30 ? SELFTEST_WARN : SELFTEST_GOOD,
			"The APIv3 key opens %zu platform certificate%s; the "
			"newest is %s and good for %" PRId64 " days.%s",
			brought->count, brought->count == 1 ? "" : "s",
			c->facts.serial, days,
			days < 30 ? " Ask for a new one in the merchant "
				    "platform, or change over to the public "
				    "key."
				  : "");
}

static struct rsa *
any_key(struct wxpay *w, struct slice serial)
{
	return merchant_key(w->merchant, serial);
}

/* Verified or not, it is the APIv3 key that makes them believable. */
static void
on_certificates(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, wxpay.job);
	_cleanup_(certs_unrefp) struct certs *brought =
		certs_new(s->merchant->mchid);
	struct fault why = job->why;
	int err = job->err;

	if (s->wxpay.status == 200)
		err = certs_read(brought, s->merchant,
			buf_all(&s->wxpay.fetch.body), &why);
	say_certificates(s, brought, err, &why);
	wxpay_done(&s->wxpay);
	selftest_next(s);
}

static void
check_certificates(struct selftest *s)
{
	const struct merchant *m = s->merchant;

	if (!m->certs) {
		if (merchant_has_v3(m))
			selftest_say(s, "certificates", SELFTEST_UNKNOWN,
				"With a public key alone none are downloaded "
				"(that would keep the merchant platform's "
				"change-over from ending), so the APIv3 key "
				"shows only at the first callback: see "
				"`mpcloud pay notify-test`.");
		selftest_next(s);
		return;
	}
	job_init(&s->wxpay.job, on_certificates);
	s->wxpay.key_of = any_key;
	wxpay_start(&s->wxpay, s->home.loop, s->home.fetcher, s->merchant,
		"GET", "/v3/certificates", slice_of(NULL, 0));
}

static void check_app(struct selftest *s);

static void
on_closed(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, gate.job);

	s->app++;
	check_app(s);
}

static void
say_app(struct selftest *s, int err)
{
	const char *appid = s->merchant->appids[s->app];
	const struct gate *g = &s->gate;

	if (strcmp(g->code, "APPID_MCHID_NOT_MATCH") == 0 ||
		strcmp(g->code, "APPID_NOT_EXIST") == 0)
		selftest_say(s, "appid", SELFTEST_BAD,
			"Mini program %s does not belong to merchant %s (%s): "
			"connect them in the merchant platform (product "
			"centre, appid accounts) and confirm it in the mini "
			"program's.",
			appid, s->merchant->mchid, g->code);
	else if (err == 0 || err == ERR_PAY_REFUSED)
		selftest_say(s, "appid", SELFTEST_GOOD,
			"Mini program %s pays through merchant %s.", appid,
			s->merchant->mchid);
	else
		selftest_say(s, "appid", SELFTEST_UNKNOWN,
			"Of mini program %s nothing is known: %.300s", appid,
			fault_text(&g->job.why, err));
}

static void
on_ordered(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, gate.job);
	int err = job->err;

	say_app(s, err);
	gate_done(&s->gate);
	job_init(&s->gate.job, on_closed);
	if (err == 0) /* a sandbox takes any payer */
		gate_close(&s->gate, &s->home, s->merchant, &s->arena,
			s->merchant->appids[s->app], s->no);
	else
		job_fail_soon(&s->gate.job, s->home.loop, 0);
}

static void
check_app(struct selftest *s)
{
	const struct merchant *m = s->merchant;
	const char *appid = m->appids[s->app];
	_buf_ struct buf body = {0};

	gate_done(&s->gate);
	if (!appid || s->count + 4 > SELFTEST_TOP) {
		selftest_next(s);
		return;
	}
	(void)snprintf(s->no, sizeof(s->no), "selftest");
	text_random_hex(s->no + strlen(s->no), NO_BYTES);
	buf_init(&body, 4096);
	buf_printf(&body,
		"{\"appid\":\"%s\",\"mchid\":\"%s\",\"description\":"
		"\"mpcloud pay selftest\",\"out_trade_no\":\"%s\","
		"\"notify_url\":\"%s\",\"amount\":{\"total\":1,\"currency\":"
		"\"CNY\"},\"payer\":{\"openid\":\"selftest-has-no-payer\"}}",
		appid, m->mchid, s->no, m->notify_url);
	job_init(&s->gate.job, on_ordered);
	gate_order(&s->gate, &s->home, s->merchant, &s->arena, buf_all(&body));
}

static void
check_apps(struct selftest *s)
{
	s->app = 0;
	check_app(s);
}

static void
finish(struct selftest *s)
{
	job_finish(&s->job, 0);
}

void
selftest_next(struct selftest *s)
{
	static void (*const steps[])(struct selftest *) = {
		check_keys,
		check_signature,
		check_certificates,
		check_apps,
		selftest_check_notify,
		finish,
	};

	steps[s->step++](s);
}

static void
on_drop(struct job *job)
{
	struct selftest *s = container_of(job, struct selftest, job);

	wxpay_done(&s->wxpay);
	job_cancel(&s->gate.job);
	gate_done(&s->gate);
	selftest_notify_done(s);
}

static void
on_begin(struct defer *defer)
{
	selftest_next(container_of(defer, struct selftest, soon));
}

void
selftest_start(
	struct selftest *s, const struct gate_home *home, struct merchant *m)
{
	s->home = *home;
	s->merchant = merchant_ref(m);
	s->count = s->step = 0;
	arena_init(&s->arena, ARENA);
	(void)snprintf(s->no, sizeof(s->no), "selftest");
	text_random_hex(s->no + strlen(s->no), NO_BYTES);
	job_begin(&s->job, home->loop, DEADLINE_MS, on_drop);
	defer_init(&s->soon, on_begin);
	loop_defer(home->loop, &s->soon);
}

void
selftest_done(struct selftest *s)
{
	if (!s->merchant)
		return;
	job_cancel(&s->job);
	defer_clear(&s->soon);
	on_drop(&s->job);
	arena_done(&s->arena);
	s->merchant = merchant_unref(s->merchant);
}

enum selftest_verdict
selftest_verdict(const struct selftest *s)
{
	enum selftest_verdict worst = SELFTEST_GOOD;

	for (size_t i = 0; i < s->count; i++) {
		enum selftest_verdict v = s->line[i].verdict;

		if (v == SELFTEST_BAD)
			return v;
		if (v == SELFTEST_WARN)
			worst = v;
	}
	return worst;
}

const char *
selftest_word(enum selftest_verdict verdict)
{
	static const char *const words[] = {
		[SELFTEST_GOOD] = "ok",
		[SELFTEST_WARN] = "warning",
		[SELFTEST_BAD] = "FAILED",
		[SELFTEST_UNKNOWN] = "not checked",
	};

	return words[verdict];
}
