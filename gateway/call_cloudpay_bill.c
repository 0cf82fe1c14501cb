/*
 * cloudPay's bills, as WeChat Pay writes them.
 */
#include "gateway/call_cloudpay.h"

#include "gateway/gateway.h"
#include "pay/gunzip.h"

#include <string.h>

enum { FLOW_TOP = 64 << 20 };

/* Bills may be larger than the call's memory. */
static void
answer_large(struct cloudpay *p, struct slice text)
{
	char *copy = arena_try(p->call->arena, text.len + 1);

	if (!copy) {
		struct fault why = {0};

		(void)fault_set(&why, ERR_ANSWER_BIG,
			"this bill is too large for a function: the operator "
			"has `mpcloud pay bill`");
		call_end(p->call, ERR_ANSWER_BIG, &why);
		return;
	}
	memcpy(copy, text.ptr, text.len);
	cloudpay_answer(p, slice_of(copy, text.len));
}

/* The SDKs take bytes of downloadBill alone: {…, data}. */
static void
flow_answer(struct cloudpay *p)
{
	_buf_ struct buf b = {0};

	buf_init(&b, FLOW_TOP);
	buf_str(&b, "{\"return_code\":\"SUCCESS\",\"return_msg\":\"OK\","
		    "\"result_code\":\"SUCCESS\",\"data\":");
	buf_json(&b, buf_all(&p->gate.bill));
	buf_char(&b, '}');
	if (buf_check(&b) < 0)
		call_end(p->call, ERR_ANSWER_BIG, NULL);
	else
		answer_large(p, buf_all(&b));
}

static void
bill_answer(struct cloudpay *p)
{
	struct slice text = buf_all(&p->gate.bill);
	const char *tar;
	_buf_ struct buf packed = {0};

	buf_init(&packed, GATE_BILL_TOP);
	if (cloudpay_text(p, "tar_type", 16, &tar) == 0 &&
		!strcmp(tar, "GZIP")) {
		if (gzip(&packed, text) < 0) {
			call_end(p->call, ERR_ANSWER_BIG, NULL);
			return;
		}
		text = buf_all(&packed);
	}
	answer_large(p, text);
}

static void
on_bill(struct job *job)
{
	struct cloudpay *p = container_of(job, struct cloudpay, gate.job);

	if (job->err == 0) {
		(p->gate.account ? flow_answer : bill_answer)(p);
		return;
	}
	if (job->err == ERR_PAY_REFUSED &&
		!strcmp(p->gate.code, "NO_STATEMENT_EXIST")) {
		cloudpay_answer(p, SLICE("{\"return_code\":\"FAIL\","
					 "\"return_msg\":\"No Bill Exist\","
					 "\"error_code\":\"20002\"}"));
		return;
	}
	if (job->err == ERR_PAY_REFUSED &&
		!strcmp(p->gate.code, "STATEMENT_CREATING")) {
		cloudpay_answer(p, SLICE("{\"return_code\":\"FAIL\","
					 "\"return_msg\":\"Bill Creating\","
					 "\"error_code\":\"20001\"}"));
		return;
	}
	/* v2 has no result_code here */
	cloudpay_refused(p, job->err == ERR_PAY_REFUSED ? ERR_PARAM : job->err,
		&job->why);
}

/* bill_date 20261120 → 2026-11-20. */
static int
bill_day(struct cloudpay *p, const char **ret)
{
	const char *date;
	uint64_t n;
	int e = cloudpay_text(p, "bill_date", 8, &date);

	if (e < 0)
		return e;
	if (strlen(date) != 8 ||
		slice_to_u64(slice_str(date), 99999999, &n) < 0)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"billDate: a day as 20261120 is needed");
	*ret = arena_printf(
		p->call->arena, "%.4s-%.2s-%.2s", date, date + 4, date + 6);
	return 0;
}

static void
bill_begin(struct cloudpay *p)
{
	p->has_gate = true;
	job_init(&p->gate.job, on_bill);
	call_wait(p->call, &p->gate.job);
}

int
cloudpay_bill(struct cloudpay *p)
{
	const struct gateway *g = p->call->gateway;
	const struct gate_home home = {g->loop, g->fetcher};
	const char *day, *type;
	int e = bill_day(p, &day);

	if (e == 0)
		e = cloudpay_text(p, "bill_type", 16, &type);
	if (e < 0)
		return e;
	if (*type && strcmp(type, "ALL") != 0)
		return fault_set(&p->call->job.why, ERR_PARAM,
			"billType: only ALL is offered here");
	bill_begin(p);
	gate_bill(&p->gate, &home, p->merchant, p->call->arena,
		p->merchant->appid, day);
	return 0;
}

int
cloudpay_flow(struct cloudpay *p)
{
	static const char *const accounts[] = {"BASIC", "OPERATION", "FEES"};
	const struct gateway *g = p->call->gateway;
	const struct gate_home home = {g->loop, g->fetcher};
	const char *day, *account;
	size_t i = 0;
	int e = bill_day(p, &day);

	if (e == 0)
		e = cloudpay_text(p, "account_type", 16, &account);
	if (e < 0)
		return e;
	while (i < array_size(accounts) &&
		!slice_is_nocase(slice_str(account), accounts[i]))
		i++;
	if (*account && i == array_size(accounts))
		return fault_set(&p->call->job.why, ERR_PARAM,
			"accountType: Basic, Operation or Fees");
	bill_begin(p);
	gate_flow(&p->gate, &home, p->merchant, p->call->arena,
		p->merchant->appid, day, accounts[*account ? i : 0]);
	return 0;
}
