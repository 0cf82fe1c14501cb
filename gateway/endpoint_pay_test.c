/*
 * POST /ops/pay/selftest: `mpcloud pay selftest` and `notify-test`; the checks
 * are pay/selftest.h's.
 */
#include "base/mem.h"
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "pay/selftest.h"

enum { ANSWER_TOP = 64 * 1024 };

struct test_act {
	struct request *r;
	struct merchant *merchant;
	struct selftest test;
};

static void
put_lines(struct buf *to, const struct test_act *a)
{
	const struct selftest *s = &a->test;

	buf_str(to, "{\"mchid\":");
	buf_json(to, slice_str(a->merchant->mchid));
	buf_str(to, ",\"notifyUrl\":");
	buf_json(to, slice_str(a->merchant->notify_url));
	buf_printf(to, ",\"verdict\":\"%s\",\"checks\":[",
		selftest_word(selftest_verdict(s)));
	for (size_t i = 0; i < s->count; i++) {
		buf_str(to, i ? ",{\"name\":" : "{\"name\":");
		buf_json(to, slice_str(s->line[i].name));
		buf_printf(to, ",\"verdict\":\"%s\",\"words\":",
			selftest_word(s->line[i].verdict));
		buf_json(to, slice_str(s->line[i].words));
		buf_char(to, '}');
	}
	buf_str(to, "]}");
}

static void
on_tested(struct job *job)
{
	struct test_act *a = container_of(job, struct test_act, test.job);
	_buf_ struct buf text = {0};
	struct arena *arena = request_arena(a->r);

	buf_init(&text, ANSWER_TOP);
	put_lines(&text, a);
	if (job->err == 0)
		(void)request_reply(a->r, 200,
			slice_of(arena_str(arena, buf_all(&text)), text.len));
	request_finish(a->r, job->err, &job->why);
}

static void
test_end(struct request *r)
{
	struct test_act *a = r->act;

	selftest_done(&a->test);
	(void)merchant_unref(a->merchant);
	(void)mem_free(a);
}

int
endpoint_ops_pay_selftest(struct request *r)
{
	const struct gateway *g = r->gateway;
	const struct gate_home home = {g->loop, g->fetcher};
	struct slice mchid;
	struct merchant *m;
	struct test_act *a;
	int e = request_json(r);

	if (e == 0)
		e = val_str_or(
			r->json, "mchid", 32, SLICE(""), &mchid, &r->why);
	if (e < 0)
		return e;
	m = merchants_find(g->merchants, mchid);
	if (!m)
		return fault_set(&r->why, ERR_NOT_FOUND,
			mchid.len ? "mchid: no merchant of this server"
				  : "payment is off: [pay] mchid is not set");
	a = mem_new(struct test_act);
	a->r = r;
	a->merchant = merchant_ref(m);
	r->act = a;
	r->end = test_end;
	job_init(&a->test.job, on_tested);
	selftest_start(&a->test, &home, m);
	return request_wait(r, &a->test.job);
}
