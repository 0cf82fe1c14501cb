/*
 * The statements on mpcloud.login_keys.  It holds public halves: the private
 * ones are printed once, by `mpcloud keys custom new`, and kept nowhere here.
 */
#include "auth/custom.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/crypto.h"

enum { DEADLINE_MS = 15000, PEM_TOP = 8192 };

static const char find_sql[] = "SELECT public_pem FROM mpcloud.login_keys"
			       " WHERE id = $1 AND retired_at IS NULL";
static const char add_sql[] =
	"INSERT INTO mpcloud.login_keys (id, public_pem, created_at)"
	" VALUES ($1, $2, $3::bigint) ON CONFLICT DO NOTHING";
static const char retire_sql[] =
	"UPDATE mpcloud.login_keys SET retired_at = $2::bigint"
	" WHERE id = $1 AND retired_at IS NULL";
static const char list_sql[] =
	"SELECT id, created_at, retired_at FROM mpcloud.login_keys"
	" ORDER BY created_at DESC, id";

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct login_key, job)->ask.job);
}

static void
key_begin(struct login_key *k, const struct family_home *home, job_fn *done,
	bool reads)
{
	k->public_pem = slice_of("", 0);
	k->changed = 0;
	job_begin(&k->job, home->loop, DEADLINE_MS, on_drop);
	k->ask = (struct ask){.is_read = reads};
	job_init(&k->ask.job, done);
}

static void
on_found(struct job *job)
{
	struct login_key *k = container_of(job, struct login_key, ask.job);
	int err = job->err;

	if (err == 0 && ask_rows(&k->ask) != 1)
		err = fault_set(&k->job.why, ERR_TICKET_BAD,
			"ticket: this server has no such key, or it is "
			"retired (`mpcloud keys custom list`)");
	else if (err == 0)
		k->public_pem = ask_value(&k->ask, 0, 0);
	job_finish(&k->job, err);
}

void
login_key_find(
	struct login_key *k, const struct family_home *home, struct slice id)
{
	key_begin(k, home, on_found, true);
	pool_ask(home->pool, &k->ask, find_sql, &id, 1);
}

static void
on_added(struct job *job)
{
	struct login_key *k = container_of(job, struct login_key, ask.job);
	int err = job->err;

	if (err == 0)
		k->changed = (int)ask_changed(&k->ask);
	if (err == 0 && !k->changed)
		err = fault_set(&k->job.why, ERR_CONFLICT,
			"id: a key of this id is there already");
	job_finish(&k->job, err);
}

static int
check_key(struct slice id, struct slice pem, struct fault *why)
{
	_cleanup_(rsa_freep) struct rsa *key = NULL;

	if (!login_key_id_fits(id))
		return fault_set(
			why, ERR_PARAM, "id: 1 to 64 letters, digits, - and _");
	if (pem.len > PEM_TOP || memchr(pem.ptr, '\0', pem.len) ||
		rsa_load_public(&key, pem, NULL) < 0)
		return fault_set(why, ERR_PARAM,
			"publicKey: an RSA public key in PEM is needed");
	return 0;
}

void
login_key_add(struct login_key *k, const struct family_home *home,
	struct slice id, struct slice public_pem)
{
	_params_ struct params p;
	int e;

	params_init(&p);
	key_begin(k, home, on_added, false);
	e = check_key(id, public_pem, &k->job.why);
	if (e < 0) {
		job_fail_soon(&k->job, home->loop, e);
		return;
	}
	params_text(&p, id);
	params_text(&p, public_pem);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &k->ask, add_sql, p.v, p.count);
}

static void
on_answered(struct job *job)
{
	struct login_key *k = container_of(job, struct login_key, ask.job);

	if (job->err == 0 && !k->ask.is_read)
		k->changed = (int)ask_changed(&k->ask);
	job_finish(&k->job, job->err);
}

void
login_key_retire(
	struct login_key *k, const struct family_home *home, struct slice id)
{
	_params_ struct params p;

	params_init(&p);
	key_begin(k, home, on_answered, false);
	params_text(&p, id);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &k->ask, retire_sql, p.v, p.count);
}

void
login_key_list(struct login_key *k, const struct family_home *home)
{
	key_begin(k, home, on_answered, true);
	pool_ask(home->pool, &k->ask, list_sql, NULL, 0);
}
