/*
 * Five minutes of skew stop all payment, and show first as "every answer is
 * forged"; long before that the times in the answers tell it.
 */
#include "pay/watch.h"

#include "base/clock.h"
#include "base/event.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EACH_S = 3600, KEPT = 128 };

/* When each merchant's trouble was told last. */
struct told {
	char mchid[40];
	int64_t clock_s, serial_s;
};

static struct told told[KEPT];
static int64_t worst_s, worst_at_s;

static struct told *
told_of(const struct merchant *m)
{
	for (size_t i = 0; i < KEPT; i++) {
		if (!told[i].mchid[0])
			(void)snprintf(told[i].mchid, sizeof(told[i].mchid),
				"%s", m->mchid);
		if (strncmp(told[i].mchid, m->mchid,
			    sizeof(told[i].mchid) - 1) == 0)
			return &told[i];
	}
	return &told[0];
}

/* True once an hour. */
static bool
is_due(int64_t *at_s)
{
	int64_t now = clock_now_s();

	if (*at_s && now - *at_s < EACH_S && now >= *at_s)
		return false;
	*at_s = now;
	return true;
}

void
watch_time(const struct merchant *m, int64_t their_s)
{
	int64_t now = clock_now_s(), skew = their_s - now;

	if (now - worst_at_s >= EACH_S || now < worst_at_s ||
		llabs(skew) >= llabs(worst_s)) {
		worst_s = skew;
		worst_at_s = now;
	}
	if (llabs(skew) <= WATCH_SKEW_S || !is_due(&told_of(m)->clock_s))
		return;
	event(EVENT_PAY_CLOCK, "mchid", m->mchid, "seconds", EVENT_INT(skew),
		"what",
		skew > 0 ? "this server's clock is slow, or WeChat Pay's fast"
			 : "this server's clock is fast, or WeChat Pay's slow",
		NULL);
}

static bool
date_read(struct slice date, int64_t *ret)
{
	char text[64];
	struct tm tm = {0};
	const char *end;

	if (!date.len || date.len >= sizeof(text))
		return false;
	memcpy(text, date.ptr, date.len);
	text[date.len] = '\0';
	end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end)
		return false;
	*ret = (int64_t)timegm(&tm);
	return true;
}

int64_t
watch_clock(const struct merchant *m, const struct fetch *f)
{
	struct slice stamp = fetch_header(f, "Wechatpay-Timestamp");
	int64_t their;
	uint64_t n;

	if (slice_to_u64(stamp, INT32_MAX * 4LL, &n) == 0)
		their = (int64_t)n;
	else if (!date_read(fetch_header(f, "Date"), &their))
		return 0;
	watch_time(m, their);
	return their - clock_now_s();
}

void
watch_serial(const struct merchant *m, struct slice serial)
{
	bool is_id = slice_starts(serial, "PUB_KEY_ID_");
	bool wants_id =
		slice_starts(slice_str(m->public_key_id), "PUB_KEY_ID_");
	char text[80];

	if (is_id == wants_id || (!wants_id && !is_id) ||
		!is_due(&told_of(m)->serial_s))
		return;
	(void)snprintf(text, sizeof(text), "%.*s",
		SLICE_ARG(slice_of(serial.ptr, min(serial.len, 79UL))));
	event(EVENT_PAY_SERIAL, "mchid", m->mchid, "serial", text, "what",
		is_id ? "signed with a public key; only certificates are "
			"configured"
		      : "signed with a certificate; the public key was asked "
			"for",
		NULL);
}

int64_t
watch_skew(void)
{
	return clock_now_s() - worst_at_s < EACH_S ? worst_s : 0;
}
