/*
 * WeChat Pay's beginning and end, and what a test may set.
 */

#include "pay.h"

#include "control.h"

#include "base/mem.h"

enum { URL_TOP = 255, DAY_MS = 24 * 3600 * 1000 };

/* WeChat Pay's page "支付成功回调通知": 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/
 * 3h/3h/3h/6h/6h. */
static const int64_t schedule_s[] = {15, 15, 30, 180, 600, 1200, 1800, 1800,
	1800, 3600, 10800, 10800, 10800, 21600, 21600};

static void
schedule_preset(struct pay *p)
{
	p->settings.schedule_count = array_size(schedule_s);
	for (size_t i = 0; i < array_size(schedule_s); i++)
		p->settings.schedule[i] = schedule_s[i] * 1000;
}

void
pay_init(struct sandbox *s)
{
	struct pay *p = mem_new(struct pay);

	s->pay = p;
	p->settings.refund_ms = 1000;
	p->settings.refund_outcome = REFUND_SUCCESS;
	schedule_preset(p);
	sellers_init(&p->sellers);
	trades_init(s);
	notices_init(&p->notices);
	bills_init(&p->bills);
}

int
pay_open(struct sandbox *s, const char *dir, const char *notify_to,
	struct fault *why)
{
	int r;

	s->pay->dir = str_dup(dir);
	if (notify_to)
		s->pay->settings.notify_to = str_dup(notify_to);
	agenda_init(&s->pay->agenda, &s->loop);
	r = sellers_open(s, dir, why);
	if (r == 0)
		r = platform_open(s, dir, why);
	return r < 0 ? r : notices_start(s);
}

void
pay_stop(struct sandbox *s)
{
	notices_done(&s->pay->notices);
	agenda_done(&s->pay->agenda);
}

void
pay_done(struct sandbox *s)
{
	struct pay *p = s->pay;

	trades_done(s);
	store_done(&p->sellers);
	platform_done(&p->platform);
	bills_done(&p->bills);
	mem_free(p->settings.notify_to);
	mem_free(p->settings.refund_notify_url);
	mem_free(p->dir);
	s->pay = mem_free(p);
}

/* ---- settings ---- */

static int
schedule_set(struct pay *p, const json_t *list, struct fault *why)
{
	size_t n = json_array_size(list);

	if (!list)
		return 0;
	if (json_is_null(list)) {
		schedule_preset(p);
		return 0;
	}
	if (!json_is_array(list) || n > SCHEDULE_TOP)
		return fault_set(why, ERR_PARAM,
			"notify_schedule: a list of ms is needed, %d at most, "
			"or null",
			SCHEDULE_TOP);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		if (!json_is_integer(one) || json_integer_value(one) < 0 ||
			json_integer_value(one) > DAY_MS)
			return fault_set(why, ERR_PARAM,
				"notify_schedule: whole ms from 0 to %d",
				DAY_MS);
		p->settings.schedule[i] = json_integer_value(one);
	}
	p->settings.schedule_count = (unsigned)n;
	return 0;
}

static int
ms_set(int64_t *to, const json_t *ask, const char *name, struct fault *why)
{
	return val_int_or(ask, name, 0, DAY_MS, *to, to, why);
}

static int
url_set(char **to, const json_t *ask, const char *name, struct fault *why)
{
	const json_t *given = json_object_get(ask, name);
	struct slice url;
	int r;

	if (!given)
		return 0;
	r = val_str_or(ask, name, URL_TOP, SLICE(""), &url, why);
	if (r < 0)
		return r;
	mem_free(*to);
	*to = url.len ? str_ndup(url.ptr, url.len) : NULL;
	return 0;
}

static int
outcome_set(struct pay *p, const json_t *ask, struct fault *why)
{
	struct slice word;
	enum refund_state state;
	int r = val_str_or(ask, "refund_result", 32, SLICE(""), &word, why);

	if (r < 0 || word.len == 0)
		return r;
	state = refund_state_find(word);
	if (state == REFUND_STATES || state == REFUND_PROCESSING)
		return fault_set(why, ERR_PARAM,
			"refund_result: SUCCESS, ABNORMAL or CLOSED");
	p->settings.refund_outcome = state;
	return 0;
}

static int
answers_set(struct pay *p, const json_t *ask, struct fault *why)
{
	static const char *const words[] = {
		[ANSWERS_ASKED] = "asked",
		[ANSWERS_CERTIFICATE] = "certificate",
		[ANSWERS_PUBLIC] = "public_key",
	};
	struct slice word;
	int r = val_str_or(ask, "answers", 32, SLICE(""), &word, why);

	if (r < 0 || word.len == 0)
		return r;
	for (unsigned i = 0; i < array_size(words); i++)
		if (slice_is(word, words[i])) {
			p->platform.answers = i;
			return 0;
		}
	return fault_set(
		why, ERR_PARAM, "answers: asked, certificate or public_key");
}

static int
settings_set(struct pay *p, const json_t *ask, struct fault *why)
{
	int r = schedule_set(p, json_object_get(ask, "notify_schedule"), why);

	if (r == 0)
		r = ms_set(&p->settings.refund_ms, ask, "refund_delay", why);
	if (r == 0)
		r = ms_set(
			&p->settings.refund_apart_ms, ask, "refund_apart", why);
	if (r == 0)
		r = ms_set(
			&p->settings.close_after_ms, ask, "close_after", why);
	if (r == 0)
		r = outcome_set(p, ask, why);
	if (r == 0)
		r = answers_set(p, ask, why);
	if (r == 0)
		r = val_bool_or(ask, "v2_certificate",
			p->settings.v2_certificate, &p->settings.v2_certificate,
			why);
	if (r == 0)
		r = url_set(&p->settings.notify_to, ask, "notify_to", why);
	if (r == 0)
		r = url_set(&p->settings.refund_notify_url, ask,
			"refund_notify_url", why);
	return r;
}

static json_t *
settings_show(const struct pay *p)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < p->settings.schedule_count; i++)
		(void)json_array_append_new(
			list, json_integer(p->settings.schedule[i]));
	return json_pack("{s:o,s:I,s:I,s:I,s:s,s:s?,s:s?,s:b}",
		"notify_schedule", list, "refund_delay",
		(json_int_t)p->settings.refund_ms, "refund_apart",
		(json_int_t)p->settings.refund_apart_ms, "close_after",
		(json_int_t)p->settings.close_after_ms, "refund_result",
		refund_state_word(p->settings.refund_outcome), "notify_to",
		p->settings.notify_to, "refund_notify_url",
		p->settings.refund_notify_url, "v2_certificate",
		(int)p->settings.v2_certificate);
}

/* POST changes what is named; both answer what holds. */
void
control_settings(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = settings_set(s->pay, ask, &why);
	if (r < 0)
		control_refuse(a, &why);
	else
		answer_json(a, settings_show(s->pay));
}

/* ---- keys and merchants ---- */

void
control_rotate(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct platform *p = &s->pay->platform;
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	struct slice what = SLICE("");
	int64_t percent = p->public_percent;
	bool alone = false;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str_or(ask, "what", 32, what, &what, &why);
	if (r == 0)
		r = val_int_or(ask, "public_key_percent", 0, 100, percent,
			&percent, &why);
	if (r == 0)
		r = val_bool_or(ask, "alone", false, &alone, &why);
	if (r == 0 && what.len && !slice_is(what, "certificate"))
		r = fault_set(&why, ERR_PARAM,
			"what: \"certificate\", or only public_key_percent");
	if (r == 0 && what.len)
		r = platform_rotate(p, alone, &why);
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	p->public_percent = (unsigned)percent;
	answer_json(a, json_pack("{s:s,s:i,s:i}", "certificate",
			       p->certs[p->count - 1].serial, "certificates",
			       (int)min(p->count, p->listed),
			       "public_key_percent", (int)p->public_percent));
}

void
control_merchants_new(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct fault why = {0};
	struct slice mchid = SLICE("");
	struct seller *m = NULL;
	const json_t *apps;
	int r = control_parse(x, &ask, &why);

	apps = json_object_get(ask, "appids");
	if (r == 0)
		r = val_str_or(ask, "mchid", 32, mchid, &mchid, &why);
	if (r == 0)
		m = seller_find(s, mchid);
	if (r == 0)
		r = m ? seller_bind(m, apps, &why)
		      : seller_make(s, mchid, apps, &m, &why);
	if (r < 0)
		control_refuse(a, &why);
	else
		answer_json(a, seller_describe(m));
}

void
control_merchants(struct sandbox *s, struct exchange *x, struct answer *a)
{
	const struct store *sellers = &s->pay->sellers;
	json_t *all = json_array();

	(void)x;
	list_for_each (at, (struct list *)(uintptr_t)&sellers->age)
		(void)json_array_append_new(
			all, seller_describe(container_of(
				     container_of(at, struct item, in_age),
				     struct seller, item)));
	answer_json(a, all);
}
