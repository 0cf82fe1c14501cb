/*
 * The judges.  A share is judged only of enough cases: two failures of three
 * requests in the night are no alarm.
 */
#include "gateway/alert_view.h"

#include "gateway/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENOUGH = 100 };
#define DAY_MS 86400000LL

static bool
share(uint64_t part, uint64_t all, int64_t top, int64_t *percent)
{
	*percent = all ? (int64_t)(part * 100 / all) : 0;
	return top > 0 && all >= ENOUGH && *percent >= top;
}

static bool
judge_error_rate(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	bool holds =
		share(v->errors, v->answers, conf->alerts_error_rate, value);

	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " %% of %" PRIu64 " answers in five minutes were "
		"5xx (alerts.error_rate: %" PRId64 " %%)",
		*value, v->answers, conf->alerts_error_rate);
	return holds;
}

/* The edge that 95 of 100 stay under. */
static int64_t
latency_ms(const struct alert_view *v)
{
	uint64_t seen = 0;

	for (int i = 0; i < SERIES_EDGES; i++) {
		seen += v->below[i];
		if (seen * 100 >= v->answers * 95)
			return series_edges[i] / 1000;
	}
	return series_edges[SERIES_EDGES - 1] / 1000 + 1;
}

static bool
judge_latency(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	*value = latency_ms(v);
	(void)snprintf(text, ALERT_TEXT,
		"5 of 100 requests in five minutes took up to %" PRId64
		" ms or longer (alerts.latency: %" PRId64 " ms)",
		*value, conf->alerts_latency);
	return conf->alerts_latency > 0 && v->answers >= ENOUGH &&
	       *value > conf->alerts_latency;
}

static bool
judge_cold_starts(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	bool holds = share(v->cold, v->calls, conf->alerts_cold_starts, value);

	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " %% of %" PRIu64 " calls in five minutes waited "
		"for a worker to start (alerts.cold_starts: %" PRId64 " %%)",
		*value, v->calls, conf->alerts_cold_starts);
	return holds;
}

static bool
judge_certificate(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	*value = v->cert_left_ms < 0 ? 0 : v->cert_left_ms / DAY_MS;
	(void)snprintf(text, ALERT_TEXT,
		"the TLS certificate of [%s] %s %" PRId64 " %s", v->cert_whose,
		v->cert_left_ms < 0 ? "has ended:" : "ends in", *value,
		v->cert_left_ms < 0 ? "days are left" : "days");
	return conf->alerts_certificate > 0 &&
	       v->cert_left_ms < conf->alerts_certificate;
}

static bool
judge_database(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	(void)conf;
	*value = v->database;
	(void)snprintf(text, ALERT_TEXT,
		"PostgreSQL cannot be reached from this machine");
	return !v->database;
}

static bool
judge_queue(const struct alert_view *v, const struct conf *conf, int64_t *value,
	char text[ALERT_TEXT])
{
	*value = v->waiting;
	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " calls of the queue wait although their time has "
		"come (alerts.queue: %" PRId64 "); see mpcloud queue list",
		*value, conf->alerts_queue);
	return conf->alerts_queue > 0 && *value >= conf->alerts_queue;
}

static bool
judge_dead(const struct alert_view *v, const struct conf *conf, int64_t *value,
	char text[ALERT_TEXT])
{
	*value = v->dead;
	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64
		" calls of the queue failed for the last time within "
		"an hour; mpcloud queue list --state dead shows them",
		*value);
	return conf->alerts_dead > 0 && *value >= conf->alerts_dead;
}

static bool
judge_differences(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	(void)conf;
	*value = v->differences;
	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " differences between WeChat Pay's bills and our "
		"orders are open; mpcloud pay reconcile shows them",
		*value);
	return *value > 0;
}

static bool
judge_quarantine(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	(void)conf;
	*value = v->quarantined;
	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " callbacks of WeChat Pay do not fit their orders "
		"and were not applied; mpcloud pay inbox shows them",
		*value);
	return *value > 0;
}

static bool
judge_abnormal(const struct alert_view *v, const struct conf *conf,
	int64_t *value, char text[ALERT_TEXT])
{
	(void)conf;
	*value = v->abnormal;
	(void)snprintf(text, ALERT_TEXT,
		"%" PRId64 " refunds did not reach their users and have to be "
		"finished in the merchant platform; mpcloud pay refunds",
		*value);
	return *value > 0;
}

const struct alert_row alert_rows[] = {
#define X(id, name, whose, severity, for_ms, judge, meaning) \
	{name, whose, severity, for_ms, judge, meaning},
#include "gateway/alert.def"
#undef X
};
const size_t alert_count = array_size(alert_rows);

static void
series_sum(struct alert_sums *to, const struct series_table *t)
{
	for (size_t i = 0; i < SERIES_ROWS; i++) {
		const struct series *s = &t->row[i];

		if (!s->len || strncmp(s->label, "route=", 6) != 0)
			continue;
		for (int k = 0; k <= SERIES_EDGES; k++)
			to->below[k] += s->below[k];
	}
}

void
alert_sums_read(struct alert_sums *ret, struct shm *shm, int64_t now_ms)
{
	*ret = (struct alert_sums){.at_ms = now_ms};
	for (unsigned i = 0; i < SHM_GATEWAYS; i++) {
		const struct shm_gateway *n = shm_gateway(shm, i);

		if (!n->beat)
			continue;
		ret->errors += n->answered_5xx;
		ret->calls += n->calls;
		ret->cold += n->cold_starts;
		series_sum(ret, shm_series(shm, i));
	}
	for (int k = 0; k <= SERIES_EDGES; k++)
		ret->answers += ret->below[k];
}

/* The oldest that is still inside of the window. */
static const struct alert_sums *
window_start(const struct alert_ring *ring, int64_t now_ms)
{
	const struct alert_sums *oldest = NULL;

	for (unsigned i = 0; i < ring->count; i++) {
		const struct alert_sums *s = &ring->sums[i];

		if (s->at_ms >= now_ms - ALERT_WINDOW_MS &&
			(!oldest || s->at_ms < oldest->at_ms))
			oldest = s;
	}
	return oldest;
}

void
alert_ring_add(struct alert_ring *ring, const struct alert_sums *now,
	struct alert_view *view)
{
	const struct alert_sums *from;

	ring->sums[ring->next] = *now;
	ring->next = (ring->next + 1) % ALERT_VIEWS;
	ring->count = min(ring->count + 1, (unsigned)ALERT_VIEWS);
	from = window_start(ring, now->at_ms);
	view->answers = now->answers - from->answers;
	view->errors = now->errors - from->errors;
	view->calls = now->calls - from->calls;
	view->cold = now->cold - from->cold;
	for (int k = 0; k <= SERIES_EDGES; k++)
		view->below[k] = now->below[k] - from->below[k];
}
