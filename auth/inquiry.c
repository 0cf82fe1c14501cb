/*
 * A double tap sends the same code twice, and WeChat refuses the second use of
 * a code; so the second joins the first one's question.  Two gateways do not
 * see each other's questions: there the second is refused by WeChat, and the
 * client calls wx.login again.
 */
#include "auth/inquiry.h"

#include "base/mem.h"

enum { SEALED_TOP = 512 };

void
inquiries_init(
	struct inquiries *all, struct loop *loop, struct fetcher *fetcher)
{
	all->loop = loop;
	all->fetcher = fetcher;
	list_init(&all->open);
}

static struct inquiry *
inquiry_free(struct inquiry *q)
{
	job_cancel(&q->wechat.job);
	wechat_done(&q->wechat);
	list_del(&q->on);
	buf_done(&q->sealed);
	account_unref(q->account);
	return mem_free(q);
}

/* Telling one may make others leave or start, so the list is read afresh each
 * time; nobody can join by then. */
static void
on_wechat(struct job *job)
{
	struct inquiry *q = container_of(job, struct inquiry, wechat.job);
	struct fault why = job->why;
	int err = job->err;
	struct waiter *w;

	list_del(&q->on);
	q->landed = true;
	while ((w = list_first(&q->waiting, struct waiter, on))) {
		list_del(&w->on);
		w->inquiry = NULL;
		w->told(w, q, err, &why);
	}
	inquiry_free(q);
}

static struct inquiry *
inquiry_find(
	struct inquiries *all, const struct account *account, struct slice code)
{
	list_for_each (at, &all->open) {
		struct inquiry *q = container_of(at, struct inquiry, on);

		if (slice_is(code, q->code) && q->account == account)
			return q;
	}
	return NULL;
}

static struct inquiry *
inquiry_new(struct inquiries *all, struct account *account, struct slice code)
{
	struct inquiry *q = mem_new(struct inquiry);

	list_init(&q->waiting);
	list_add(&all->open, &q->on);
	buf_init(&q->sealed, SEALED_TOP);
	q->account = account_ref(account);
	q->conf = (struct wechat_conf){
		.api_base = account->api_base,
		.appid = account->appid,
		.secret = account->secret,
		.is_first = account->is_first,
	};
	memcpy(q->code, code.ptr, code.len);
	job_init(&q->wechat.job, on_wechat);
	wechat_login(&q->wechat, all->loop, all->fetcher, &q->conf, q->code);
	return q;
}

void
waiter_init(struct waiter *w, void (*told)(struct waiter *, struct inquiry *,
				      int, const struct fault *))
{
	list_init(&w->on);
	w->inquiry = NULL;
	w->told = told;
}

void
waiter_join(struct waiter *w, struct inquiries *all, struct account *account,
	struct slice code)
{
	w->inquiry = inquiry_find(all, account, code);
	if (!w->inquiry)
		w->inquiry = inquiry_new(all, account, code);
	list_add(&w->inquiry->waiting, &w->on);
}

void
waiter_leave(struct waiter *w)
{
	struct inquiry *q = w->inquiry;

	list_del(&w->on);
	w->inquiry = NULL;
	if (q && !q->landed && list_empty(&q->waiting))
		inquiry_free(q);
}
