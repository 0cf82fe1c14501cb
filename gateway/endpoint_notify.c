/*
 * POST /v1/pay/notify[/{mchid}] and /v1/pay/notify-v2/{mchid}: WeChat Pay's
 * callbacks.  The bytes as they came are verified, opened, and applied by the
 * ledger; the answer is given after its commit and before any function hears
 * of it, so it comes within WeChat's seconds whatever functions do.
 *
 *   read ── verified ── apply ── committed: 200, also for what was
 *     │                    │     quarantined: sent again it would not fit
 * better │                    └─ the database is away: 503, WeChat repeats ├─
 * unknown key of what WeChat Pay sealed: ask for the certificates, once, and
 * read again └─ probe, forged, stale, without headers: 401
 *
 * No token, no rate limit: the signature alone says who it is.
 */
#include "base/clock.h"
#include "base/event.h"
#include "gateway/endpoint.h"
#include "gateway/pay_metrics.h"
#include "gateway/request.h"
#include "pay/cert.h"
#include "pay/ledger.h"
#include "trigger/queue.h"

#include <string.h>

#define V2_ANSWER \
	"<xml><return_code><![CDATA[%s]]></return_code>" \
	"<return_msg><![CDATA[%s]]></return_msg></xml>"

/* WeChat waits for five seconds; what is not committed by then it sends again.
 */
enum { ANSWER_MS = 4000 };

struct notify_act {
	struct request *r;
	struct merchant *merchant;
	struct notify_in in;
	struct notify n;
	bool is_v2;
	struct ask ask;
	struct certs_ask certs;
};

/* What is told, counted and logged of each refusal. */
static const struct {
	int err;
	enum noted noted;
	enum event_name name;
} refusals[] = {
	{ERR_PAY_PROBE, NOTED_PROBE, EVENT_PAY_PROBE},
	{ERR_PAY_UNSIGNED, NOTED_UNSIGNED, EVENT_PAY_CALLBACK_BAD},
	{ERR_PAY_STALE, NOTED_STALE, EVENT_PAY_CALLBACK_BAD},
	{ERR_PAY_FORGED_NOTIFY, NOTED_FORGED, EVENT_PAY_CALLBACK_BAD},
	{ERR_PAY_UNKNOWN_KEY, NOTED_UNKNOWN_KEY, EVENT_PAY_CALLBACK_BAD},
	{ERR_PAY_DECRYPT, NOTED_SEALED, EVENT_PAY_CALLBACK_ERROR},
	{ERR_NOT_FOUND, NOTED_STRANGE, EVENT_PAY_CALLBACK_BAD},
	{ERR_PARAM, NOTED_STRANGE, EVENT_PAY_CALLBACK_BAD},
	{ERR_FORMAT, NOTED_STRANGE, EVENT_PAY_CALLBACK_BAD},
};

static void
act_count(const struct notify_act *act, enum noted what)
{
	act->r->gateway->count->notified[what]++;
}

static void
act_answer(struct notify_act *act, int status, const char *code,
	const char *message)
{
	struct request *r = act->r;
	struct arena *arena = request_arena(r);
	_buf_ struct buf b;

	buf_init(&b, 4096);
	if (act->is_v2) {
		r->typed = true;
		exchange_add_header(
			r->x, "Content-Type", "text/xml; charset=utf-8");
		buf_printf(&b, V2_ANSWER, code, message);
	} else {
		buf_printf(&b, "{\"code\":\"%s\",\"message\":", code);
		buf_json(&b, slice_str(message));
		buf_char(&b, '}');
	}
	(void)request_reply(
		r, status, slice_of(arena_str(arena, buf_all(&b)), b.len));
}

static void
act_refuse(struct notify_act *act, int err, const struct fault *why)
{
	int status = err_info(err)->status;
	enum event_name name = EVENT_PAY_CALLBACK_ERROR;
	enum noted noted = NOTED_FAILED;
	char serial[80];

	for (size_t i = 0; i < array_size(refusals); i++)
		if (refusals[i].err == err) {
			noted = refusals[i].noted;
			name = refusals[i].name;
		}
	act_count(act, noted);
	(void)snprintf(serial, sizeof(serial), "%.*s",
		(int)min(act->in.serial.len, sizeof(serial) - 1),
		act->in.serial.len ? act->in.serial.ptr : "");
	event(name, "path", exchange_path(act->r->x), "ip",
		exchange_peer(act->r->x), "serial", serial, "why",
		fault_text(why, err), NULL);
	act_answer(act, status, "FAIL",
		act->is_v2 ? err_info(err)->name : fault_text(why, err));
}

static void
act_took(struct notify_act *act, enum ledger_outcome outcome, struct slice why)
{
	static const enum noted noted[] = {
		[LEDGER_APPLIED] = NOTED_APPLIED,
		[LEDGER_REPEAT] = NOTED_REPEAT,
		[LEDGER_QUARANTINED] = NOTED_QUARANTINED,
		[LEDGER_IGNORED] = NOTED_IGNORED,
	};
	struct gateway *g = act->r->gateway;

	act_count(act, noted[outcome]);
	ledger_tell(&act->n, "notify", outcome, why);
	if (outcome == LEDGER_APPLIED)
		queue_wake(g->queue);
	act_answer(act, 200, "SUCCESS", act->is_v2 ? "OK" : "成功");
}

static void
on_applied(struct job *job)
{
	struct notify_act *act = container_of(
		container_of(job, struct ask, job), struct notify_act, ask);
	enum ledger_outcome outcome;
	struct slice why;
	int e = job->err;

	if (e == 0)
		e = ledger_read(&act->ask, &outcome, &why);
	if (e == 0)
		act_took(act, outcome, why);
	else
		act_refuse(act, e, &job->why);
	request_finish(act->r, 0, NULL);
}

static void
count_key(const struct notify_act *act)
{
	enum noted_key key = KEY_CERTIFICATE;

	if (act->is_v2)
		key = KEY_V2;
	else if (slice_starts(act->in.serial, "PUB_KEY_ID_"))
		key = KEY_PUBLIC;
	act->r->gateway->count->notify_keys[key]++;
}

static int
act_apply(struct notify_act *act)
{
	struct request *r = act->r;

	count_key(act);
	job_init(&act->ask.job, on_applied);
	ledger_apply(r->gateway->pool, &act->ask, &act->n,
		r->gateway->conf->server_env, "notify", act->in.body,
		act->in.serial, clock_now_ms());
	job_within(&act->ask.job, ANSWER_MS);
	return request_wait(r, &act->ask.job);
}

/* 0, and it is for this merchant. */
static int
act_read(struct notify_act *act)
{
	struct request *r = act->r;
	int e = (act->is_v2 ? notify_read_v2 : notify_read)(
		&act->n, act->merchant, &act->in, request_arena(r), &r->why);

	if (e == 0 && strcmp(act->n.mchid, act->merchant->mchid) != 0)
		return fault_set(&r->why, ERR_PAY_FORGED_NOTIFY,
			"the callback is about merchant %s, but was sealed "
			"for %s",
			act->n.mchid, act->merchant->mchid);
	return e;
}

static void
on_refreshed(struct job *job)
{
	struct notify_act *act =
		container_of(container_of(job, struct certs_ask, job),
			struct notify_act, certs);
	struct request *r = act->r;
	int e;

	r->job = NULL;
	act->in.now_s = clock_now_s();
	e = act_read(act);
	if (e == 0) {
		(void)act_apply(act);
		return;
	}
	act_refuse(act, e, &r->why);
	request_finish(r, 0, NULL);
}

static void
on_end(struct request *r)
{
	struct notify_act *act = r->act;

	act->merchant = merchant_unref(act->merchant);
}

static int
act_begin(struct notify_act *act)
{
	struct request *r = act->r;
	struct merchant *m = NULL;

	if (r->gateway->merchants)
		m = merchants_find(r->gateway->merchants, r->param);
	if (!m)
		return fault_set(&r->why, ERR_NOT_FOUND,
			"no merchant of this number is served here: the "
			"address ends in a [pay] mchid");
	act->merchant = merchant_ref(m);
	r->act = act;
	r->end = on_end;
	act->in = (struct notify_in){
		.timestamp = exchange_header(r->x, "Wechatpay-Timestamp"),
		.nonce = exchange_header(r->x, "Wechatpay-Nonce"),
		.serial = exchange_header(r->x, "Wechatpay-Serial"),
		.signature = exchange_header(r->x, "Wechatpay-Signature"),
		.signature_type =
			exchange_header(r->x, "Wechatpay-Signature-Type"),
		.body = exchange_body(r->x),
		.now_s = clock_now_s(),
	};
	return act_read(act);
}

static int
notify(struct request *r, bool is_v2)
{
	struct notify_act *act = arena_new(request_arena(r), struct notify_act);
	int e;

	act->r = r;
	act->is_v2 = is_v2;
	e = act_begin(act);
	if (e == 0)
		return act_apply(act);
	if (e == ERR_PAY_UNKNOWN_KEY && act->merchant->certs &&
		notify_is_sealed(
			act->merchant, act->in.body, request_arena(r))) {
		r->why = (struct fault){0};
		job_init(&act->certs.job, on_refreshed);
		certs_refresh(act->merchant, r->gateway->loop, &act->certs,
			act->in.serial);
		return request_wait(r, &act->certs.job);
	}
	act_refuse(act, e, &r->why);
	return 0;
}

int
endpoint_notify(struct request *r)
{
	return notify(r, false);
}

int
endpoint_notify_v2(struct request *r)
{
	return notify(r, true);
}
