/*
 * The token of each mini program as this process knows it, and who waits for
 * it.
 *
 * A good token is given out at once.  When it is due to be renewed it is still
 * given out, and the next one is seen to beside that.  Only when there is none
 * (or WeChat refused it) do callers wait; then one statement in the database
 * decides which process of which machine asks WeChat (access_token_row.c), and
 * all others look at the row until it is there.
 *
 * A token is refused by its mark and its number: whoever comes with a refusal
 * of an older one finds a newer one in the row, and nothing is fetched.
 */
#include "wechat/access_token_inside.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

/* In token_ask.inside. */
struct wait {
	struct list on;
	struct entry *entry;
};

_Static_assert(sizeof(struct wait) <= sizeof(((struct token_ask *)0)->inside),
	"token_ask.inside is too small");

static struct wait *
wait_of(struct token_ask *a)
{
	return (struct wait *)(void *)a->inside;
}

static struct token_ask *
ask_of(struct list *on)
{
	struct wait *w = container_of(on, struct wait, on);

	return container_of((void *)w, struct token_ask, inside);
}

/* ---- one mini program ---- */

bool
entry_is_good(const struct entry *e, int64_t now_ms)
{
	return e->token_len && !e->refused &&
	       e->expires_at - TOKEN_GRACE_MS > now_ms;
}

static struct entry *
entry_find(const struct access_tokens *t, const struct app *app)
{
	list_for_each (at, &t->entries) {
		struct entry *e = container_of(at, struct entry, on);

		if (strcmp(e->app->appid, app->appid) == 0)
			return e;
	}
	return NULL;
}

/* With the configuration of now: what failed with the old one may go well. */
static struct entry *
entry_get(struct access_tokens *t, struct app *app)
{
	struct entry *e = entry_find(t, app);

	if (e && e->app == app)
		return e;
	if (e) {
		e->rest_until = 0;
		(void)app_unref(e->app);
	} else {
		e = mem_new(struct entry);
		e->all = t;
		list_init(&e->waiting);
		list_add(&t->entries, &e->on);
	}
	e->app = app_ref(app);
	return e;
}

static void
entry_free(struct entry *e)
{
	timer_clear(&e->look);
	job_cancel(&e->ask.job);
	entry_fetch_done(e);
	entry_answer(e, ERR_SHUTDOWN, NULL);
	list_del(&e->on);
	(void)app_unref(e->app);
	mem_wipe(e->token, sizeof(e->token));
	(void)mem_free(e);
}

void
entry_answer(struct entry *e, int err, const struct fault *why)
{
	while (!list_empty(&e->waiting)) {
		struct token_ask *a = ask_of(e->waiting.next);

		list_del(&wait_of(a)->on);
		if (err == 0)
			memcpy(a->token, e->token, e->token_len + 1);
		else if (why)
			a->job.why = *why;
		job_finish(&a->job, err);
	}
}

static void
on_look(struct timer *timer)
{
	entry_work(container_of(timer, struct entry, look));
}

void
entry_look_later(struct entry *e)
{
	e->state = ENTRY_REST;
	e->leisurely = list_empty(&e->waiting);
	timer_set(&e->look, e->all->loop,
		e->leisurely ? TOKEN_LOOK_MS : TOKEN_POLL_MS, on_look);
}

void
entry_work(struct entry *e)
{
	int64_t now = clock_now_ms();

	if (e->state != ENTRY_REST || timer_is_set(&e->look))
		return;
	if (entry_is_good(e, now)) {
		entry_answer(e, 0, NULL);
		if (e->refresh_at <= now && e->rest_until <= now)
			entry_take(e);
	} else if (e->rest_until > now) {
		entry_answer(e, e->failure.code, &e->failure);
	} else if (!list_empty(&e->waiting)) {
		entry_take(e);
	}
}

/* ---- who asks ---- */

int
access_tokens_new(struct access_tokens **ret, struct loop *loop,
	struct pool *pool, struct fetcher *fetcher, struct seal *seal)
{
	struct access_tokens *t = mem_new(struct access_tokens);

	t->loop = loop;
	t->pool = pool;
	t->fetcher = fetcher;
	t->seal = seal;
	list_init(&t->entries);
	text_random_hex(t->owner, TOKEN_OWNER);
	*ret = t;
	return 0;
}

struct access_tokens *
access_tokens_free(struct access_tokens *t)
{
	struct entry *e;

	if (!t)
		return NULL;
	while ((e = list_first(&t->entries, struct entry, on)))
		entry_free(e);
	return mem_free(t);
}

/* Too late, or not wanted any more. */
static void
on_drop(struct job *job)
{
	struct token_ask *a = container_of(job, struct token_ask, job);

	list_del(&wait_of(a)->on);
	if (job->err == ERR_TIMEOUT)
		job->err = fault_set(&job->why, ERR_UPSTREAM_BUSY,
			"WeChat gave no access_token within %d seconds: try "
			"again",
			TOKEN_WAIT_MS / 1000);
}

static void
token_give(struct entry *e, struct token_ask *a)
{
	memcpy(a->token, e->token, e->token_len + 1);
	job_fail_soon(&a->job, e->all->loop, 0);
}

static void
token_refuse(struct entry *e, struct token_ask *a, const struct fault *why)
{
	job_begin(&a->job, e->all->loop, 0, NULL);
	a->job.why = *why;
	job_fail_soon(&a->job, e->all->loop, why->code);
}

/* Which section of mpcloud.conf wants its secret_file. */
static void
secret_refuse(struct entry *e, struct token_ask *a)
{
	struct fault why = {0};

	(void)fault_set(&why, ERR_UPSTREAM_CONFIG,
		"%s has no AppSecret here: set secret_file in its [wechat] "
		"section",
		*e->app->appid ? e->app->appid : "the mini program");
	token_refuse(e, a, &why);
}

static void
token_wait(struct entry *e, struct token_ask *a)
{
	list_add(&e->waiting, &wait_of(a)->on);
	job_begin(&a->job, e->all->loop, TOKEN_WAIT_MS, on_drop);
	if (timer_is_set(&e->look) && e->leisurely)
		timer_clear(&e->look);
}

void
access_token_get(struct access_tokens *t, struct token_ask *a, struct app *app)
{
	struct entry *e = entry_get(t, app);
	int64_t now = clock_now_ms();

	list_init(&wait_of(a)->on);
	a->token[0] = '\0';
	if (entry_is_good(e, now)) {
		token_give(e, a);
	} else if (!*app->secret) {
		secret_refuse(e, a);
		return;
	} else if (e->rest_until > now) {
		token_refuse(e, a, &e->failure);
		return;
	} else {
		token_wait(e, a);
	}
	entry_work(e);
}

void
access_token_drop(struct access_tokens *t, struct app *app, const char *token)
{
	struct entry *e = entry_find(t, app);

	if (!e || !e->token_len || e->keep_until > clock_mono())
		return;
	if (crypto_eq(slice_of(e->token, e->token_len), slice_str(token)))
		e->refused = true;
}

void
token_ask_done(struct token_ask *a)
{
	job_cancel(&a->job);
	mem_wipe(a->token, sizeof(a->token));
}
