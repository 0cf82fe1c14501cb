/*
 * One look after the other, on a timer:
 *
 *   facts of the database → judge → note how all stand (one statement, which
 *   decides what has to be told) → claim notices → send each → say it is told
 *
 * Only gateway 0 of a machine looks.  A database that cannot be asked is itself
 * an alert; that one is told straight from memory, since nothing can be noted.
 */
#include "gateway/alert.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/fetch.h"
#include "base/mem.h"
#include "db/pool.h"
#include "gateway/alert_notice.h"
#include "gateway/alert_view.h"
#include "gateway/gateway.h"
#include "trigger/queue.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	NOTICES_TOP = 20,
	LEASE_MS = 30000,
	SEND_MS = 10000,
	BODY_TOP = 16384,
	ANSWER_TOP = 4096,
	NODE_TOP = 256,
};

/* One notice on its way to the webhook. */
struct notice {
	struct alerts *alerts;
	struct fetch fetch;
	struct ask told;
	char name[64], node[NODE_TOP];
	int64_t at_ms;
	bool busy, remembered; /* remembered: there is a row to say it to */
};

struct alerts {
	struct gateway *g;
	struct timer tick;
	struct ask ask;
	struct alert_ring ring;
	struct alert_view view;
	struct notice notices[NOTICES_TOP];
	char node[NODE_TOP];
	int64_t cert_until_ms;
	char cert_whose[ALERT_WHOSE];
	int64_t down_since_ms; /* the database; 0: it answers */
	bool down_told;
};

static void look(struct alerts *a);

static void
on_tick(struct timer *timer)
{
	look(container_of(timer, struct alerts, tick));
}

static void
rest(struct alerts *a)
{
	timer_set(&a->tick, a->g->loop, (uint64_t)a->g->conf->alerts_interval,
		on_tick);
}

/* --- telling --- */

static void
on_told(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);

	/* Not noted: it is told once more, which is better than not at all. */
	container_of(ask, struct notice, told)->busy = false;
}

static void
say_told(struct notice *n, const char *failure)
{
	struct params p _params_;

	params_init(&p);
	params_text(&p, slice_str(n->alerts->g->conf->server_env));
	params_text(&p, slice_str(n->name));
	params_text(&p, slice_str(n->node));
	params_int(&p, n->at_ms);
	params_word(&p, slice_str(failure));
	params_int(&p, clock_now_ms());
	n->told = (struct ask){0};
	job_init(&n->told.job, on_told);
	pool_ask(n->alerts->g->pool, &n->told,
		"SELECT mpcloud.alert_told($1, $2, $3, $4::bigint, $5,"
		" $6::bigint)",
		p.v, p.count);
}

static void
on_sent(struct job *job)
{
	struct fetch *fetch = container_of(job, struct fetch, job);
	struct notice *n = container_of(fetch, struct notice, fetch);
	char failure[128] = "";

	if (job->err < 0)
		(void)snprintf(failure, sizeof(failure), "%.120s",
			fault_text(&job->why, job->err));
	else if (fetch->status / 100 != 2)
		(void)snprintf(failure, sizeof(failure),
			"the webhook answered %ld", fetch->status);
	fetch_done(fetch);
	if (*failure)
		event(EVENT_ALERT_BAD, "alert", n->name, "why", failure, NULL);
	if (n->remembered)
		say_told(n, failure);
	else
		n->busy = false;
}

static void
notice_send(struct notice *n, const struct alert_notice *what)
{
	static const char *const headers[] = {
		"Content-Type: application/json", NULL};
	const struct conf *conf = n->alerts->g->conf;
	_buf_ struct buf body;

	buf_init(&body, BODY_TOP);
	alert_notice_put(&body, conf->alerts_format, what);
	n->busy = true;
	n->fetch = (struct fetch){0};
	job_init(&n->fetch.job, on_sent);
	fetch_start(n->alerts->g->fetcher, &n->fetch,
		&(struct fetch_ask){.method = "POST",
			.url = conf->alerts_webhook,
			.headers = headers,
			.body = buf_all(&body),
			.timeout_ms = SEND_MS,
			.answer_top = ANSWER_TOP});
}

static struct notice *
notice_take(struct alerts *a, struct slice name, struct slice node)
{
	for (size_t i = 0; i < NOTICES_TOP; i++) {
		struct notice *n = &a->notices[i];

		if (n->busy)
			continue;
		n->alerts = a;
		n->remembered = true;
		(void)snprintf(
			n->name, sizeof(n->name), "%.*s", SLICE_ARG(name));
		(void)snprintf(
			n->node, sizeof(n->node), "%.*s", SLICE_ARG(node));
		return n;
	}
	return NULL;
}

enum {
	COL_NAME,
	COL_NODE,
	COL_SEVERITY,
	COL_TEXT,
	COL_NOTICE,
	COL_STARTED,
	COL_ENDED,
	COL_AT
};

static void
on_claimed(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct alerts *a = container_of(ask, struct alerts, ask);

	for (int i = 0; job->err == 0 && i < ask_rows(ask); i++) {
		struct notice *n = notice_take(a, ask_value(ask, i, COL_NAME),
			ask_value(ask, i, COL_NODE));

		if (!n)
			break; /* its lease ends */
		n->at_ms = ask_int(ask, i, COL_AT);
		notice_send(n,
			&(struct alert_notice){
				.name = ask_value(ask, i, COL_NAME),
				.node = ask_value(ask, i, COL_NODE),
				.severity = ask_value(ask, i, COL_SEVERITY),
				.text = ask_value(ask, i, COL_TEXT),
				.resolved =
					slice_eq(ask_value(ask, i, COL_NOTICE),
						SLICE("resolved")),
				.started_ms = ask_int(ask, i, COL_STARTED),
				.ended_ms = ask_int(ask, i, COL_ENDED),
			});
	}
	rest(a);
}

static void
claim(struct alerts *a)
{
	struct params p _params_ = {0};

	if (!*a->g->conf->alerts_webhook) {
		rest(a);
		return;
	}
	params_init(&p);
	params_text(&p, slice_str(a->g->conf->server_env));
	params_int(&p, LEASE_MS);
	params_int(&p, clock_now_ms());
	a->ask = (struct ask){0};
	job_init(&a->ask.job, on_claimed);
	pool_ask(a->g->pool, &a->ask,
		"SELECT name, node, severity, text, notice, started_at,"
		" coalesce(ended_at, 0), notice_at"
		" FROM mpcloud.alerts_claim($1, $2::bigint, $3::bigint)",
		p.v, p.count);
}

/* --- judging --- */

static void
on_noted(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct alerts *a = container_of(ask, struct alerts, ask);

	if (job->err < 0) {
		rest(a);
		return;
	}
	if (ask_int(ask, 0, 0) && *a->g->conf->alerts_function)
		queue_wake(a->g->queue);
	claim(a);
}

static void
fact_put(struct buf *to, const struct alerts *a, const struct alert_row *row)
{
	char text[ALERT_TEXT] = "";
	int64_t value = 0;
	bool holds = row->judge(&a->view, a->g->conf, &value, text);

	buf_printf(to,
		"%s{\"name\":\"%s\",\"severity\":\"%s\",\"for_ms\":%lld,"
		"\"holds\":%s,\"value\":%lld,\"node\":",
		to->len > 1 ? "," : "", row->name, row->severity,
		(long long)row->for_ms, holds ? "true" : "false",
		(long long)value);
	buf_json(to, slice_str(row->whose == ALERT_NODE ? a->node : ""));
	buf_str(to, ",\"text\":");
	buf_json(to, slice_str(text));
	buf_char(to, '}');
}

static void
note(struct alerts *a)
{
	const struct conf *conf = a->g->conf;
	struct params p _params_;
	_buf_ struct buf facts;

	buf_init(&facts, BODY_TOP * 4);
	buf_char(&facts, '[');
	for (size_t i = 0; i < alert_count; i++)
		fact_put(&facts, a, &alert_rows[i]);
	buf_char(&facts, ']');
	params_init(&p);
	params_text(&p, slice_str(conf->server_env));
	params_text(&p, buf_all(&facts));
	params_bool(&p, *conf->alerts_webhook != '\0');
	params_text(&p, slice_str(conf->alerts_function));
	params_int(&p, conf->alerts_repeat);
	params_int(&p, clock_now_ms());
	a->ask = (struct ask){0};
	job_init(&a->ask.job, on_noted);
	pool_ask(a->g->pool, &a->ask,
		"SELECT mpcloud.alerts_note($1, $2::jsonb, $3::boolean, $4,"
		" $5::bigint, $6::bigint)",
		p.v, p.count);
}

/* What the database cannot remember is told from here: at the first time, and
 * when it is over. */
static void
tell_database(struct alerts *a, bool resolved)
{
	const struct alert_row *row = NULL;
	struct notice *n;

	for (size_t i = 0; i < alert_count; i++)
		if (!strcmp(alert_rows[i].name, "database"))
			row = &alert_rows[i];
	n = row ? notice_take(a, slice_str(row->name), slice_str(a->node))
		: NULL;
	if (!n || !*a->g->conf->alerts_webhook)
		return;
	n->remembered = false;
	notice_send(n, &(struct alert_notice){
			       .name = slice_str(row->name),
			       .node = slice_str(a->node),
			       .severity = slice_str(row->severity),
			       .text = slice_str(row->meaning),
			       .resolved = resolved,
			       .started_ms = a->down_since_ms,
			       .ended_ms = clock_now_ms(),
		       });
}

enum { DOWN_MS = 30000 };

static void
database_is_down(struct alerts *a)
{
	int64_t now = clock_now_ms();

	if (!a->down_since_ms)
		a->down_since_ms = now;
	if (!a->down_told && now - a->down_since_ms >= DOWN_MS) {
		a->down_told = true;
		tell_database(a, false);
	}
	rest(a);
}

static void
database_is_up(struct alerts *a)
{
	if (a->down_told)
		tell_database(a, true);
	a->down_told = false;
	a->down_since_ms = 0;
	a->view.database = true;
}

static void
on_facts(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct alerts *a = container_of(ask, struct alerts, ask);

	if (job->err < 0) {
		database_is_down(a);
		return;
	}
	database_is_up(a);
	a->view.waiting = ask_int(ask, 0, 0);
	a->view.dead = ask_int(ask, 0, 1);
	a->view.differences = ask_int(ask, 0, 2);
	a->view.quarantined = ask_int(ask, 0, 3);
	a->view.abnormal = ask_int(ask, 0, 4);
	note(a);
}

static void
look(struct alerts *a)
{
	struct params p _params_;
	struct alert_sums now;

	alert_sums_read(&now, a->g->shm, clock_now_ms());
	a->view = (struct alert_view){0};
	alert_ring_add(&a->ring, &now, &a->view);
	a->view.cert_left_ms = a->cert_until_ms == INT64_MAX
				       ? INT64_MAX
				       : a->cert_until_ms - now.at_ms;
	a->view.cert_whose = a->cert_whose;
	params_init(&p);
	params_text(&p, slice_str(a->g->conf->server_env));
	params_int(&p, now.at_ms);
	a->ask = (struct ask){.is_read = true};
	job_init(&a->ask.job, on_facts);
	pool_ask(a->g->pool, &a->ask,
		"SELECT * FROM mpcloud.alert_facts($1, $2::bigint)", p.v,
		p.count);
}

struct alerts *
alerts_new(struct gateway *g)
{
	struct alerts *a = mem_new(struct alerts);

	a->g = g;
	a->cert_until_ms = INT64_MAX;
	return a;
}

void
alerts_set_certificate(
	struct alerts *a, int64_t cert_until_ms, const char *whose)
{
	a->cert_until_ms = cert_until_ms;
	(void)snprintf(a->cert_whose, sizeof(a->cert_whose), "%s", whose);
}

void
alerts_start(struct alerts *a)
{
	if (a->g->index != 0)
		return;
	if (gethostname(a->node, sizeof(a->node) - 1) < 0)
		(void)snprintf(a->node, sizeof(a->node), "node");
	timer_set(&a->tick, a->g->loop, 0, on_tick);
}

struct alerts *
alerts_free(struct alerts *a)
{
	if (!a)
		return NULL;
	timer_clear(&a->tick);
	job_cancel(&a->ask.job);
	for (size_t i = 0; i < NOTICES_TOP; i++) {
		struct notice *n = &a->notices[i];

		if (n->fetch.job.busy)
			fetch_done(&n->fetch);
		job_cancel(&n->told.job);
	}
	return mem_free(a);
}
