/*
 * What `mpcloud pay` reads: one function of db/routines/pay_ops.sql each, whose
 * answer is the answer.  A question is a row: its statement, and which words of
 * the query go into it.
 */
#include "base/clock.h"
#include "base/val.h"
#include "db/pool.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

#include <stdio.h>
#include <string.h>

enum { WORDS = 6, LIST_TOP = 1000 };

struct pay_list {
	const char *sql;
	/* of the query; "#since" a time in ms, "#limit" a count; NULL: that is
	 * all */
	const char *words[WORDS];
};

static const struct pay_list lists[] = {
	{"SELECT mpcloud.pay_list($1, $2, $3, $4::bigint, $5::bigint,"
	 " $6::integer)::text",
		{"mchid", "state", "openid", "#since", "#until", "#limit"}},
	{"SELECT mpcloud.refund_list($1, $2, $3::bigint, $4::bigint,"
	 " $5::integer)::text",
		{"mchid", "state", "#since", "#until", "#limit"}},
	{"SELECT mpcloud.pay_inbox_list($1, $2, $3::bigint, $4::integer)::text",
		{"mchid", "outcome", "#since", "#limit"}},
	{"SELECT mpcloud.bill_show($1, $2, $3)::text", {"mchid", "from", "to"}},
};

struct pay_ops {
	struct request *r;
	struct ask ask;
	const char *missing; /* what an answer of NULL says */
};

static void
on_json(struct job *job)
{
	struct pay_ops *a = container_of(
		container_of(job, struct ask, job), struct pay_ops, ask);

	if (job->err == 0 && ask_is_null(&a->ask, 0, 0))
		job->err = fault_set(
			&job->why, ERR_ORDER_NOT_FOUND, "%s", a->missing);
	if (job->err == 0)
		(void)request_reply(a->r, 200, ask_value(&a->ask, 0, 0));
	request_finish(a->r, job->err, &job->why);
}

static struct pay_ops *
ops_new(struct request *r)
{
	struct pay_ops *a = arena_new(request_arena(r), struct pay_ops);

	a->r = r;
	a->missing = "";
	job_init(&a->ask.job, on_json);
	return a;
}

/* A word of the query as a parameter; what is not there is "" or 0. */
static int
read_word(struct request *r, const char *word, struct slice *ret)
{
	bool is_number = *word == '#';
	struct slice s = exchange_query(r->x, word + is_number);
	bool is_limit = !strcmp(word, "#limit");
	uint64_t n;

	if (!is_number) {
		*ret = s.ptr ? s : SLICE("");
		return 0;
	}
	if (s.len && slice_to_u64(s, is_limit ? LIST_TOP : INT64_MAX, &n) < 0)
		return fault_set(&r->why, ERR_PARAM,
			is_limit ? "limit: 0 to 1000"
				 : "%s: milliseconds since 1970",
			word + 1);
	*ret = s.len ? s : is_limit ? SLICE("20") : SLICE("0");
	return 0;
}

static int
list(struct request *r, const struct pay_list *l)
{
	struct slice params[WORDS];
	struct pay_ops *a = ops_new(r);
	int n = 0;

	for (; n < WORDS && l->words[n]; n++) {
		int e = read_word(r, l->words[n], &params[n]);

		if (e < 0)
			return e;
	}
	a->ask.is_read = true;
	pool_ask(r->gateway->pool, &a->ask, l->sql, params, n);
	return request_wait(r, &a->ask.job);
}

int
endpoint_ops_pay_orders(struct request *r)
{
	return list(r, &lists[0]);
}

int
endpoint_ops_pay_refunds(struct request *r)
{
	return list(r, &lists[1]);
}

int
endpoint_ops_pay_inbox(struct request *r)
{
	return list(r, &lists[2]);
}

int
endpoint_ops_pay_bills(struct request *r)
{
	return list(r, &lists[3]);
}

int
endpoint_ops_pay_order(struct request *r)
{
	struct slice mchid = exchange_query(r->x, "mchid");
	struct pay_ops *a = ops_new(r);

	a->missing = "there is no order of this number; `mpcloud pay orders` "
		     "lists them";
	a->ask.is_read = true;
	pool_ask(r->gateway->pool, &a->ask,
		"SELECT mpcloud.pay_show($1, $2)::text",
		(struct slice[]){mchid.ptr ? mchid : SLICE(""), r->param}, 2);
	return request_wait(r, &a->ask.job);
}

int
endpoint_ops_pay_release(struct request *r)
{
	struct pay_ops *a = ops_new(r);
	struct slice why;
	int64_t id = 0;
	char text[24];
	int e = request_json(r);

	if (e == 0)
		e = val_int(r->json, "id", 1, INT64_MAX, &id, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "why", 500, SLICE(""), &why, &r->why);
	if (e < 0)
		return e;
	(void)snprintf(text, sizeof(text), "%lld", (long long)id);
	a->missing = "nothing of this id is in the inbox; `mpcloud pay inbox` "
		     "lists it";
	pool_ask(r->gateway->pool, &a->ask,
		"SELECT mpcloud.pay_release($1::bigint, $2)::text",
		(struct slice[]){slice_str(text), why}, 2);
	return request_wait(r, &a->ask.job);
}

int
endpoint_ops_pay_settle(struct request *r)
{
	struct pay_ops *a = ops_new(r);
	struct slice no, mchid;
	char now[24];
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "outTradeNo", 64, &no, &r->why);
	if (e == 0)
		e = val_str_or(
			r->json, "mchid", 32, SLICE(""), &mchid, &r->why);
	if (e < 0)
		return e;
	(void)snprintf(now, sizeof(now), "%lld", (long long)clock_now_ms());
	pool_ask(r->gateway->pool, &a->ask,
		"SELECT mpcloud.pay_settle($1, $2, $3::bigint)::text",
		(struct slice[]){mchid, no, slice_str(now)}, 3);
	return request_wait(r, &a->ask.job);
}
