/*
 * Troubles of callbacks, as a test asks for them.
 */

#include "pay_control.h"

#include "control.h"

#include "base/mem.h"

#define X(name, word, what) " " word
static const char kinds[] =
#include "notice_fault.def"
	;
#undef X

enum {
	WORD_TOP = 64,
	NAME_TOP = 128,
	COUNT_TOP = 1000000,
	COPIES = 4,
	COPIES_TOP = 50,
	DELAY_PRESET_MS = 1000,
	DELAY_TOP_MS = 24 * 3600 * 1000
};

static int
number(unsigned *ret, const json_t *ask, const char *name, int64_t low,
	int64_t top, int64_t preset, struct fault *why)
{
	int64_t n;
	int r = val_int_or(ask, name, low, top, preset, &n, why);

	if (r == 0)
		*ret = (unsigned)n;
	return r;
}

static int
kind_parse(enum notice_fault *ret, const json_t *ask, struct fault *why)
{
	struct slice word;
	int r = val_str(ask, "kind", WORD_TOP, &word, why);

	if (r < 0)
		return r;
	*ret = notice_fault_find(word);
	if (*ret == NOTICE_FAULTS && fault_kind_find(word) != FAULT_KINDS)
		return fault_set(why, ERR_PARAM,
			"kind: %.*s is a trouble of requests: name their "
			"path, too",
			SLICE_ARG(word));
	return *ret == NOTICE_FAULTS
		       ? fault_set(why, ERR_PARAM,
				 "kind: callbacks have these troubles:%s",
				 kinds)
		       : 0;
}

int
armed_parse(struct notice_armed *ret, const json_t *ask, struct fault *why)
{
	int64_t seed = 1;
	int r = kind_parse(&ret->kind, ask, why);

	if (r == 0)
		r = number(&ret->percent, ask, "percent", 1, 100, 100, why);
	if (r == 0) /* by percent: until it is taken back */
		r = number(&ret->left, ask, "count", 1, COUNT_TOP,
			ret->percent < 100 ? 0 : 1, why);
	if (r == 0)
		r = number(&ret->deliveries, ask, "deliveries", 1, COUNT_TOP, 1,
			why);
	if (r == 0)
		r = number(&ret->copies, ask, "copies", 2, COPIES_TOP, COPIES,
			why);
	if (r == 0)
		r = number(&ret->delay_ms, ask, "delay", 0, DELAY_TOP_MS,
			DELAY_PRESET_MS, why);
	if (r == 0)
		r = val_int_or(ask, "seed", 0, INT64_MAX, 1, &seed, why);
	ret->dice = (uint64_t)seed;
	return r;
}

static int
limits_parse(struct notice_armed *ret, const json_t *ask, struct fault *why)
{
	struct slice order, event;
	int r = val_str_or(
		ask, "out_trade_no", NAME_TOP, SLICE(""), &order, why);

	if (r == 0)
		r = val_str_or(ask, "event", WORD_TOP, SLICE(""), &event, why);
	if (r < 0)
		return r;
	if (order.len)
		ret->order = str_ndup(order.ptr, order.len);
	if (event.len)
		ret->event = str_ndup(event.ptr, event.len);
	return 0;
}

/* {kind, count?, percent?, seed?, deliveries?, copies?, delay?, out_trade_no?,
 * event?}; "none" takes all back. */
void
control_notify_fault(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct notice_armed armed = {0};
	struct fault why = {0};
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = armed_parse(&armed, ask, &why);
	if (r == 0)
		r = limits_parse(&armed, ask, &why);
	if (r == 0 && armed.kind == NOTICE_NONE)
		notice_faults_clear(&s->pay->notices);
	else if (r == 0 && !notice_fault_add(&s->pay->notices, &armed))
		r = fault_set(&why, ERR_TOO_BIG, "too many faults wait");
	if (r < 0 || armed.kind == NOTICE_NONE) {
		mem_free(armed.order);
		mem_free(armed.event);
	}
	if (r < 0)
		control_refuse(a, &why);
	else
		buf_str(&a->body, "{}");
}
