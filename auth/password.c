/*
 * Why a queue of our own before libuv's: its few threads also look up names and
 * read files, and each hash holds its memory; two at a time leave room for
 * both. A work whose job was cancelled goes on in its thread, unowned, to its
 * end.
 *
 * For a name that nobody has, a hash of the same cost is made and thrown away:
 * the time of an answer does not say who exists.
 */
#include "auth/password.h"

#include "base/crypto.h"
#include "base/mem.h"

#include <argon2.h>
#include <stdio.h>

enum {
	DEADLINE_MS = 20000,
	SALT = 16, /* RFC 9106, section 3.1 */
	SUM = 32,
	HEAD_TOP = 64,
};

struct passwords {
	unsigned refs; /* ours and each work's */
	struct loop *loop;
	struct password_conf conf;
	struct list waiting; /* struct password_work */
	unsigned running, queued;
	bool ended;
};

struct password_work {
	uv_work_t work;
	struct list on; /* waiting */
	struct passwords *all;
	struct password *owner; /* NULL: it has gone */
	struct password_conf conf;
	bool checks, good, began;
	int err;
	size_t plain_len;
	char plain[PASSWORD_TOP], encoded[PASSWORD_ENCODED + 1];
};

struct passwords *
passwords_new(struct loop *loop)
{
	struct passwords *all = mem_new(struct passwords);

	all->refs = 1;
	all->loop = loop;
	list_init(&all->waiting);
	all->conf = (struct password_conf){.memory_kib = 19456,
		.iterations = 2,
		.lanes = 1,
		.waiting_top = 32};
	return all;
}

static void
passwords_unref(struct passwords *all)
{
	if (--all->refs == 0)
		mem_free(all);
}

void
passwords_configure(struct passwords *all, const struct password_conf *conf)
{
	all->conf = *conf;
}

static void
work_free(struct password_work *w)
{
	list_del(&w->on);
	mem_wipe(w->plain, sizeof(w->plain));
	passwords_unref(w->all);
	mem_free(w);
}

struct passwords *
passwords_free(struct passwords *all)
{
	struct password_work *w;

	if (!all)
		return NULL;
	all->ended = true;
	while ((w = list_first(&all->waiting, struct password_work, on)))
		work_free(w);
	passwords_unref(all);
	return NULL;
}

static int
hash_make(struct password_work *w)
{
	uint8_t salt[SALT];

	crypto_random(salt, sizeof(salt));
	return argon2id_hash_encoded(w->conf.iterations, w->conf.memory_kib,
		       w->conf.lanes, w->plain, w->plain_len, salt,
		       sizeof(salt), SUM, w->encoded,
		       sizeof(w->encoded)) == ARGON2_OK
		       ? 0
		       : -ENOMEM;
}

/* In a thread: touches nothing but `w`. */
static void
on_work(uv_work_t *work)
{
	struct password_work *w =
		container_of(work, struct password_work, work);
	int r;

	if (!w->checks || !w->encoded[0]) {
		w->err = hash_make(w);
		return;
	}
	r = argon2id_verify(w->encoded, w->plain, w->plain_len);
	w->good = r == ARGON2_OK;
	w->err = r == ARGON2_OK || r == ARGON2_VERIFY_MISMATCH ? 0
		 : r == ARGON2_MEMORY_ALLOCATION_ERROR         ? -ENOMEM
							       : ERR_FORMAT;
}

/* "$argon2id$v=19$m=19456,t=2,p=1$": other parameters are another beginning. */
static bool
is_stale(const struct password_work *w)
{
	char head[HEAD_TOP];
	int n = snprintf(head, sizeof(head), "$argon2id$v=%d$m=%u,t=%u,p=%u$",
		ARGON2_VERSION_NUMBER, w->all->conf.memory_kib,
		w->all->conf.iterations, w->all->conf.lanes);

	return strncmp(w->encoded, head, (size_t)n) != 0;
}

static void works_start(struct passwords *all);

static void
on_worked(uv_work_t *work, int status)
{
	struct password_work *w =
		container_of(work, struct password_work, work);
	struct passwords *all = w->all;
	struct password *p = w->owner;
	int err = status < 0 ? status : w->err;

	all->running--;
	if (p) {
		p->work = NULL;
		p->good = w->good;
		p->stale = w->good && is_stale(w);
		if (!w->checks)
			memcpy(p->encoded, w->encoded, sizeof(p->encoded));
	}
	all->refs++;
	work_free(w);
	if (!all->ended)
		works_start(all);
	passwords_unref(all);
	if (p)
		job_finish(&p->job, err);
}

static void
works_start(struct passwords *all)
{
	struct password_work *w;

	while (all->running < PASSWORD_RUNNING &&
		(w = list_first(&all->waiting, struct password_work, on))) {
		list_del(&w->on);
		all->queued--;
		all->running++;
		w->began = true;
		/* fails only without a callback */
		(void)uv_queue_work(
			&all->loop->uv, &w->work, on_work, on_worked);
	}
}

static void
on_drop(struct job *job)
{
	struct password *p = container_of(job, struct password, job);
	struct password_work *w = p->work;

	p->work = NULL;
	if (!w)
		return;
	w->owner = NULL;
	if (!w->began) {
		w->all->queued--;
		work_free(w);
	}
}

static void
work_start(struct passwords *all, struct password *p, struct slice plain,
	struct slice encoded, bool checks)
{
	struct password_work *w;

	p->good = p->stale = false;
	p->encoded[0] = '\0';
	job_begin(&p->job, all->loop, DEADLINE_MS, on_drop);
	if (plain.len > PASSWORD_TOP || encoded.len > PASSWORD_ENCODED) {
		job_fail_soon(&p->job, all->loop, ERR_TOO_BIG);
		return;
	}
	if (all->queued >= all->conf.waiting_top) {
		job_fail_soon(&p->job, all->loop, ERR_BUSY);
		return;
	}
	w = mem_new(struct password_work);
	w->all = all;
	all->refs++;
	w->conf = all->conf;
	w->owner = p;
	w->checks = checks;
	w->plain_len = plain.len;
	if (plain.len)
		memcpy(w->plain, plain.ptr, plain.len);
	if (encoded.len)
		memcpy(w->encoded, encoded.ptr, encoded.len);
	p->work = w;
	list_add(&all->waiting, &w->on);
	all->queued++;
	works_start(all);
}

void
password_make(struct passwords *all, struct password *p, struct slice plain)
{
	work_start(all, p, plain, slice_of("", 0), false);
}

void
password_check(struct passwords *all, struct password *p, struct slice plain,
	struct slice encoded)
{
	work_start(all, p, plain, encoded, true);
}
