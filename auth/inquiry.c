/*
 * A double tap sends the same code twice, and WeChat refuses the second use of
 * a code; so the second joins the first one's question.
 *
 * Gateways do not see each other's questions: there the second is told that the
 * code was used.  Whoever was told who it is leaves a note of that in shared
 * memory; the second looks there, and goes on when the note is of a moment at
 * which its own question had begun.  A code that comes later stays used.
 */
#include "auth/inquiry.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

enum {
	SEALED_TOP = 512,
	NAME_TOP = 512,
	LOOKS = 15,   /* for a note that is not there yet, */
	LOOK_MS = 20, /* so far apart */
};

void
inquiries_init(struct inquiries *all, struct loop *loop,
	struct fetcher *fetcher, struct shm *shm)
{
	all->shm = shm;
	all->loop = loop;
	all->fetcher = fetcher;
	list_init(&all->open);
}

static struct inquiry *
inquiry_free(struct inquiry *q)
{
	timer_clear(&q->look);
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
inquiry_tell(struct inquiry *q, int err, const struct fault *why)
{
	struct waiter *w;

	list_del(&q->on);
	q->landed = true;
	while ((w = list_first(&q->waiting, struct waiter, on))) {
		list_del(&w->on);
		w->inquiry = NULL;
		w->told(w, q, err, why);
	}
	inquiry_free(q);
}

/* Nobody guesses it who has not got the code. */
static void
note_name(const struct inquiry *q, uint64_t ret[2])
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf text;

	buf_init(&text, NAME_TOP);
	buf_printf(&text, "login %s %s", q->account->appid, q->code);
	crypto_hmac_sha256(shm_secret(q->all->shm), buf_all(&text), sum);
	memcpy(ret, sum, 2 * sizeof(*ret));
}

static void
note_leave(const struct inquiry *q)
{
	uint64_t name[2];
	_buf_ struct buf note;

	buf_init(&note, SHM_NOTE_TOP);
	buf_add(&note, q->wechat.openid, strlen(q->wechat.openid) + 1);
	buf_add(&note, q->wechat.unionid, strlen(q->wechat.unionid) + 1);
	note_name(q, name);
	if (buf_check(&note) == 0)
		shm_note_put(q->all->shm, name, buf_all(&note), clock_mono());
}

static bool
note_take(struct inquiry *q)
{
	char note[SHM_NOTE_TOP], *unionid;
	uint64_t name[2];
	int64_t when;
	int len;

	note_name(q, name);
	len = shm_note_get(q->all->shm, name, note, &when);
	if (len <= 0 || when < q->began || note[len - 1])
		return false;
	unionid = note + strlen(note) + 1;
	if (unionid >= note + len || strlen(note) > OPENID_TOP ||
		strlen(unionid) > OPENID_TOP)
		return false;
	memcpy(q->wechat.openid, note, strlen(note) + 1);
	memcpy(q->wechat.unionid, unionid, strlen(unionid) + 1);
	return true;
}

static void on_look(struct timer *timer);

/* The code was used.  By another gateway just now? */
static void
inquiry_look(struct inquiry *q)
{
	if (note_take(q))
		inquiry_tell(q, 0, NULL);
	else if (q->looks++ < LOOKS)
		timer_set(&q->look, q->all->loop, LOOK_MS, on_look);
	else
		inquiry_tell(q, q->wechat.job.err, &q->wechat.job.why);
}

static void
on_look(struct timer *timer)
{
	inquiry_look(container_of(timer, struct inquiry, look));
}

static void
on_wechat(struct job *job)
{
	struct inquiry *q = container_of(job, struct inquiry, wechat.job);

	if (job->err == 0)
		note_leave(q);
	if (job->err == ERR_CODE_BAD && q->wechat.errcode == CODE_USED)
		inquiry_look(q);
	else
		inquiry_tell(q, job->err, &job->why);
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

	q->all = all;
	q->began = clock_mono();
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
