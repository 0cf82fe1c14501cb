/*
 * Keys looked up, kept for a moment, made and revoked.
 *
 * A key's place in shared memory's list of ended sessions is the first 64 bits
 * of its id's sum, so that revoking it is heard by every gateway of the machine
 * like the end of a session.
 */
#include "auth/api_key.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

enum { DEADLINE_MS = 10000, KEPT = 64, SECRET = 32, ROUTES_TOP = 8192 };
enum { SEALED_TOP = 512, WHAT_TOP = 32 };

struct kept {
	struct api_key key;
	int64_t until; /* clock_mono */
};

struct api_keys {
	struct family_home home;
	struct seal *seal;
	struct kept kept[KEPT];
};

static const char find_sql[] =
	"SELECT id, name, hash, sealed, array_to_string(routes, ' '),"
	" coalesce(expires_at, 0) FROM mpcloud.api_keys"
	" WHERE id = $1 AND revoked_at IS NULL";
static const char add_sql[] =
	"INSERT INTO mpcloud.api_keys (id, name, hash, sealed, routes,"
	" created_at, expires_at) VALUES ($1, $2, $3::bytea, $4::bytea,"
	" string_to_array($5, ' '), $6::bigint, nullif($7::bigint, 0))"
	" ON CONFLICT DO NOTHING";
static const char revoke_sql[] =
	"UPDATE mpcloud.api_keys SET revoked_at = $2::bigint"
	" WHERE (id = $1 OR name = $1) AND revoked_at IS NULL RETURNING id";
static const char list_sql[] =
	"SELECT id, name, array_to_string(routes, ' '), created_at, expires_at,"
	" revoked_at FROM mpcloud.api_keys ORDER BY created_at DESC, id";
static const char nonce_sql[] =
	"INSERT INTO mpcloud.api_nonces (key_id, nonce, seen_at)"
	" VALUES ($1, $2, $3::bigint) ON CONFLICT DO NOTHING";

struct api_keys *
api_keys_new(const struct family_home *home, struct seal *seal)
{
	struct api_keys *keys = mem_new(struct api_keys);

	keys->home = *home;
	keys->seal = seal;
	return keys;
}

static void
kept_clear(struct kept *k)
{
	mem_free(k->key.routes);
	mem_wipe(k, sizeof(*k));
}

struct api_keys *
api_keys_free(struct api_keys *keys)
{
	if (!keys)
		return NULL;
	for (size_t i = 0; i < KEPT; i++)
		kept_clear(&keys->kept[i]);
	return mem_free(keys);
}

static bool
is_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') ||
			    (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
			return false;
	return true;
}

bool
api_key_id(struct slice text, char ret[API_KEY_ID + 1])
{
	struct slice id = slice_of(text.ptr + 4, API_KEY_ID);

	if (text.len != API_KEY_TEXT || !slice_starts(text, "mpk_") ||
		!is_hex(id) || text.ptr[4 + API_KEY_ID] != '_')
		return false;
	memcpy(ret, id.ptr, API_KEY_ID);
	ret[API_KEY_ID] = '\0';
	return true;
}

bool
api_key_is(const struct api_key *key, struct slice text)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(text, sum);
	return crypto_eq(slice_of(sum, sizeof(sum)),
		slice_of(key->hash, sizeof(key->hash)));
}

bool
api_key_may(const struct api_key *key, const char *route)
{
	struct slice rest = slice_str(key->routes), one;

	if (!*key->routes)
		return true;
	while (slice_split(&rest, ' ', &one))
		if (slice_is(one, route))
			return true;
	return false;
}

uint64_t
api_key_sid(const char *id)
{
	uint8_t sum[SHA256_LEN];
	uint64_t sid;
	char text[API_KEY_ID + 9] = "api_key:";

	memcpy(text + 8, id, API_KEY_ID);
	crypto_sha256(slice_of(text, sizeof(text) - 1), sum);
	memcpy(&sid, sum, sizeof(sid));
	return sid | 1;
}

static struct kept *
place_of(struct api_keys *keys, const char *id)
{
	return &keys->kept[api_key_sid(id) / 2 % KEPT];
}

static void
on_drop(struct job *job)
{
	struct api_key_ask *a = container_of(job, struct api_key_ask, job);

	defer_clear(&a->defer);
	job_cancel(&a->ask.job);
}

static void
begin(struct api_key_ask *a, struct api_keys *keys, job_fn *done, bool reads)
{
	a->keys = keys;
	a->key = NULL;
	a->changed = 0;
	a->text[0] = '\0';
	list_init(&a->defer.on);
	job_begin(&a->job, keys->home.loop, DEADLINE_MS, on_drop);
	a->ask = (struct ask){.is_read = reads};
	job_init(&a->ask.job, done);
}

static void
key_what(char ret[WHAT_TOP], const char *id)
{
	memcpy(ret, "api_key:", 8);
	memcpy(ret + 8, id, API_KEY_ID);
	ret[8 + API_KEY_ID] = '\0';
}

static int
unhex(struct slice bytea, struct buf *to)
{
	if (!slice_starts(bytea, "\\x"))
		return ERR_FORMAT;
	return text_unhex(to, slice_of(bytea.ptr + 2, bytea.len - 2)) < 0
		       ? ERR_FORMAT
		       : 0;
}

static int
row_read(struct api_keys *keys, const struct ask *ask, struct api_key *ret)
{
	struct buf hash _buf_ = {0}, sealed _buf_ = {0}, text _buf_ = {0};
	struct slice id = ask_value(ask, 0, 0), name = ask_value(ask, 0, 1);
	char what[WHAT_TOP];

	buf_init(&hash, SHA256_LEN);
	buf_init(&sealed, SEALED_TOP);
	buf_init(&text, API_KEY_TEXT);
	if (id.len != API_KEY_ID || name.len > API_KEY_NAME ||
		unhex(ask_value(ask, 0, 2), &hash) < 0 ||
		hash.len != SHA256_LEN ||
		unhex(ask_value(ask, 0, 3), &sealed) < 0)
		return ERR_FORMAT;
	memcpy(ret->id, id.ptr, id.len);
	memcpy(ret->name, name.ptr, name.len);
	memcpy(ret->hash, hash.ptr, SHA256_LEN);
	key_what(what, ret->id);
	if (seal_open(keys->seal, slice_str(what), buf_all(&sealed), &text) <
			0 ||
		text.len != API_KEY_TEXT)
		return ERR_FORMAT;
	memcpy(ret->text, text.ptr, API_KEY_TEXT);
	mem_wipe(text.ptr, text.len);
	ret->routes =
		str_ndup(ask_value(ask, 0, 4).ptr, ask_value(ask, 0, 4).len);
	ret->expires_ms = ask_int(ask, 0, 5);
	return 0;
}

static int
none(struct fault *why)
{
	return fault_set(why, ERR_API_KEY,
		"this API key is not known here, has expired, or is revoked "
		"(`mpcloud apikeys list`)");
}

static bool
is_over(const struct api_key *key)
{
	return key->expires_ms && key->expires_ms <= clock_now_ms();
}

static void
on_found(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct api_key_ask *a = container_of(ask, struct api_key_ask, ask);
	struct kept *k;
	int e = job->err;

	if (e == 0 && ask_rows(ask) != 1)
		e = none(&a->job.why);
	if (e == 0) {
		k = place_of(a->keys, a->id);
		kept_clear(k);
		e = row_read(a->keys, ask, &k->key);
		if (e < 0)
			kept_clear(k);
		k->until =
			e < 0 ? 0 : clock_mono() + API_KEY_KEEP_MS * CLOCK_MS;
		if (e == 0 && is_over(&k->key))
			e = none(&a->job.why);
		a->key = e == 0 ? &k->key : NULL;
	}
	job_finish(&a->job, e);
}

static void
on_kept(struct defer *defer)
{
	struct api_key_ask *a = container_of(defer, struct api_key_ask, defer);

	/* It was there when we were asked; another may have its place now. */
	if (!a->key || strcmp(a->key->id, a->id) != 0 || is_over(a->key) ||
		shm_is_revoked(a->keys->home.shm, api_key_sid(a->id)))
		job_finish(&a->job, none(&a->job.why));
	else
		job_finish(&a->job, 0);
}

void
api_key_find(struct api_key_ask *a, struct api_keys *keys, const char *id)
{
	struct slice param = slice_of(id, API_KEY_ID);
	const struct kept *k = place_of(keys, id);

	memcpy(a->id, id, API_KEY_ID + 1);
	begin(a, keys, on_found, true);
	if (strcmp(k->key.id, id) == 0 && clock_mono() < k->until) {
		a->key = &k->key;
		defer_init(&a->defer, on_kept);
		loop_defer(keys->home.loop, &a->defer);
		return;
	}
	pool_ask(keys->home.pool, &a->ask, find_sql, &param, 1);
}

static bool
name_fits(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && !strchr("-_.", c))
			return false;
	}
	return name.len > 0 && name.len <= API_KEY_NAME;
}

static int
check_spec(
	const struct api_key_spec *spec, struct buf *routes, struct fault *why)
{
	if (!name_fits(spec->name))
		return fault_set(why, ERR_PARAM,
			"name: 1 to %d letters, digits, - _ and .",
			API_KEY_NAME);
	if (spec->route_count > API_KEY_ROUTES)
		return fault_set(why, ERR_PARAM, "routes: %d at the most",
			API_KEY_ROUTES);
	if (spec->expires_ms && spec->expires_ms <= clock_now_ms())
		return fault_set(why, ERR_PARAM, "expires: is over already");
	for (size_t i = 0; i < spec->route_count; i++) {
		struct slice r = spec->routes[i];

		if (!r.len || memchr(r.ptr, ' ', r.len) ||
			memchr(r.ptr, '\0', r.len))
			return fault_set(why, ERR_PARAM,
				"routes: names of declared routes, without "
				"spaces in them");
		if (i)
			buf_char(routes, ' ');
		buf_slice(routes, r);
	}
	return buf_check(routes) < 0
		       ? fault_set(why, ERR_PARAM, "routes: too long")
		       : 0;
}

static void
make_text(struct api_key_ask *a)
{
	struct buf secret _buf_ = {0};
	uint8_t random[SECRET];

	crypto_random(random, sizeof(random));
	text_random_hex(a->id, API_KEY_ID / 2);
	buf_init(&secret, API_KEY_TEXT);
	buf_str(&secret, "mpk_");
	buf_str(&secret, a->id);
	buf_char(&secret, '_');
	text_base64url(&secret, slice_of(random, sizeof(random)));
	memcpy(a->text, secret.ptr, API_KEY_TEXT + 1);
	mem_wipe(secret.ptr, secret.len);
	mem_wipe(random, sizeof(random));
}

static void
on_added(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct api_key_ask *a = container_of(ask, struct api_key_ask, ask);
	int e = job->err;

	if (e == 0 && ask_changed(ask) != 1)
		e = fault_set(&a->job.why, ERR_CONFLICT,
			"name: a key of this name is in force; revoke it "
			"first, or choose another name");
	job_finish(&a->job, e);
}

void
api_key_add(struct api_key_ask *a, struct api_keys *keys,
	const struct api_key_spec *spec)
{
	struct buf routes _buf_ = {0}, sealed _buf_ = {0};
	uint8_t hash[SHA256_LEN];
	char what[WHAT_TOP];
	_params_ struct params p;
	int e;

	params_init(&p);
	begin(a, keys, on_added, false);
	buf_init(&routes, ROUTES_TOP);
	buf_init(&sealed, SEALED_TOP);
	e = check_spec(spec, &routes, &a->job.why);
	make_text(a);
	key_what(what, a->id);
	crypto_sha256(slice_str(a->text), hash);
	if (e == 0)
		e = seal_close(keys->seal, slice_str(what), slice_str(a->text),
			&sealed);
	if (e < 0) {
		job_fail_soon(&a->job, keys->home.loop, e);
		return;
	}
	params_text(&p, slice_str(a->id));
	params_text(&p, spec->name);
	params_hex(&p, slice_of(hash, sizeof(hash)));
	params_hex(&p, buf_all(&sealed));
	params_text(&p, buf_all(&routes));
	params_int(&p, clock_now_ms());
	params_int(&p, spec->expires_ms);
	pool_ask(keys->home.pool, &a->ask, add_sql, p.v, p.count);
}

static void
on_revoked(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct api_key_ask *a = container_of(ask, struct api_key_ask, ask);
	int64_t now_s = clock_now_s();

	for (int i = 0; job->err == 0 && i < ask_rows(ask); i++) {
		struct slice id = ask_value(ask, i, 0);

		if (id.len != API_KEY_ID)
			continue;
		memcpy(a->id, id.ptr, API_KEY_ID);
		a->id[API_KEY_ID] = '\0';
		/* Kept nowhere for longer than that. */
		shm_revoke(a->keys->home.shm, api_key_sid(a->id), now_s + 60,
			now_s);
		a->changed++;
	}
	job_finish(&a->job, job->err);
}

void
api_key_revoke(struct api_key_ask *a, struct api_keys *keys, struct slice which)
{
	_params_ struct params p;

	params_init(&p);
	begin(a, keys, on_revoked, false);
	params_text(&p, which);
	params_int(&p, clock_now_ms());
	pool_ask(keys->home.pool, &a->ask, revoke_sql, p.v, p.count);
}

static void
on_answered(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);

	job_finish(&container_of(ask, struct api_key_ask, ask)->job, job->err);
}

void
api_key_list(struct api_key_ask *a, struct api_keys *keys)
{
	begin(a, keys, on_answered, true);
	pool_ask(keys->home.pool, &a->ask, list_sql, NULL, 0);
}

static void
on_nonce(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct api_key_ask *a = container_of(ask, struct api_key_ask, ask);
	int e = job->err;

	if (e == 0 && ask_changed(ask) != 1)
		e = fault_set(&a->job.why, ERR_API_KEY,
			"nonce: this signature was used already; sign each "
			"request anew with another nonce");
	job_finish(&a->job, e);
}

void
api_key_nonce(struct api_key_ask *a, struct api_keys *keys, const char *id,
	struct slice nonce)
{
	_params_ struct params p;

	params_init(&p);
	begin(a, keys, on_nonce, false);
	a->ask.shares = true;
	params_text(&p, slice_str(id));
	params_text(&p, nonce);
	params_int(&p, clock_now_ms());
	pool_ask(keys->home.pool, &a->ask, nonce_sql, p.v, p.count);
}

void
api_key_done(struct api_key_ask *a)
{
	if (a->job.done)
		job_cancel(&a->job);
	mem_wipe(a->text, sizeof(a->text));
}
