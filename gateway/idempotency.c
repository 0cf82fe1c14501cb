/*
 * One row for a key, claimed before the request is run and filled before its
 * answer is sent.
 *
 * Only the holder, by his request id, may fill or free it, so that one who was
 * slow and lost his lease changes nothing.  When the database is away the
 * request is not run: that it would run twice is what its sender does not want.
 */
#include "gateway/idempotency.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "base/val.h"
#include "db/pool.h"
#include "gateway/reply.h"
#include "gateway/request.h"
#include "routes/declared.h"

#include <inttypes.h>
#include <string.h>

enum { HEADERS_TOP = 16384, ROOM = 64 };
static const int64_t KEEP_MS = 24 * 3600 * 1000LL;

static const char claim_sql[] =
	"SELECT verdict, status, headers, body FROM mpcloud.idempotency_claim("
	"$1::bytea, $2::bytea, $3, $4::bigint, $5::bigint, $6::bigint)";
static const char keep_sql[] =
	"UPDATE mpcloud.idempotency SET status = $3::int, headers = $4,"
	" body = $5::bytea WHERE scope = $1::bytea AND holder = $2"
	" AND status IS NULL";
static const char free_sql[] =
	"DELETE FROM mpcloud.idempotency WHERE scope = $1::bytea"
	" AND holder = $2 AND status IS NULL";
static const char renew_sql[] =
	"UPDATE mpcloud.idempotency SET lease_until = $3::bigint"
	" WHERE scope = $1::bytea AND holder = $2 AND status IS NULL";

enum once_state {
	ONCE_ASKED,    /* the claim is on its way */
	ONCE_REPLAYED, /* answered from the row */
	ONCE_HELD,     /* ours to run; `renew` is set */
	ONCE_STORING,
	ONCE_DONE,
};

struct once {
	struct request *r;
	enum once_state state;
	uint8_t scope[SHA256_LEN], fingerprint[SHA256_LEN];
	struct ask ask, renewal;
	struct timer renew;
};

static void on_renew(struct timer *timer);

/* Length before each part, so that no two lists of parts look alike. */
static void
sum_parts(uint8_t ret[SHA256_LEN], const struct slice *parts, size_t count)
{
	struct digest *d = digest_new("sha256");
	uint8_t sum[DIGEST_TOP];

	for (size_t i = 0; i < count; i++) {
		uint64_t n = parts[i].len;

		digest_add(d, slice_of(&n, sizeof(n)));
		digest_add(d, parts[i]);
	}
	(void)digest_end(d, sum);
	memcpy(ret, sum, SHA256_LEN);
	(void)digest_free(d);
}

static bool
is_for(const struct request *r)
{
	const char *path = r->route->path;

	if (strcmp(exchange_method(r->x), "POST") != 0 ||
		!(r->on->kind & LISTENER_OPEN))
		return false;
	if (r->declared)
		return r->declared->idempotent;
	return strcmp(path, "/v1/functions/{name}") == 0 ||
	       strcmp(path, "/v1/pay/orders") == 0;
}

/* The draft writes it as a structured field, a string in quotes; most write it
 * bare. */
static int
read_key(struct request *r, struct slice *key)
{
	struct slice k = *key;

	if (k.len >= 2 && k.ptr[0] == '"' && k.ptr[k.len - 1] == '"')
		k = slice_of(k.ptr + 1, k.len - 2);
	for (size_t i = 0; i < k.len; i++)
		if (k.ptr[i] < '!' || k.ptr[i] > '~')
			k.len = 0;
	if (k.len == 0 || k.len > IDEMPOTENCY_KEY_TOP)
		return fault_set(&r->why, ERR_PARAM,
			"Idempotency-Key: 1 to %d printable characters without "
			"spaces",
			IDEMPOTENCY_KEY_TOP);
	*key = k;
	return 0;
}

static void
mark(struct once *o, struct slice key)
{
	static const char *const roles[] = {[CALLER_NOBODY] = "nobody",
		[CALLER_USER] = "user",
		[CALLER_FUNCTION] = "function",
		[CALLER_ADMIN] = "admin",
		[CALLER_PROGRAM] = "program"};
	const struct request *r = o->r;
	const struct caller *c = &r->caller;
	const char *who = c->role == CALLER_USER      ? c->uid
			  : c->role == CALLER_PROGRAM ? c->key
						      : exchange_peer(r->x);
	const struct slice scope[] = {slice_str(roles[c->role]), slice_str(who),
		slice_str(
			r->declared ? r->declared->name : exchange_path(r->x)),
		key};
	const struct slice print[] = {slice_str(exchange_method(r->x)),
		exchange_target(r->x), exchange_body(r->x)};

	sum_parts(o->scope, scope, array_size(scope));
	sum_parts(o->fingerprint, print, array_size(print));
}

static void
params_of(struct params *p, const struct once *o)
{
	params_init(p);
	params_hex(p, slice_of(o->scope, SHA256_LEN));
}

static struct slice
holder(const struct once *o)
{
	return slice_str(exchange_id(o->r->x));
}

/* A header of the first answer; the exchange copies both. */
static int
add_headers(struct request *r, struct slice json)
{
	_json_ json_t *all = NULL;
	const char *name;
	json_t *list, *v;
	size_t i;

	if (val_parse(&all, json, NULL) < 0)
		return ERR_FORMAT;
	json_object_foreach (all, name, list)
		json_array_foreach (list, i, v)
			exchange_add_any_header(r->x, slice_str(name),
				slice_str(json_string_value(v)));
	r->typed = json_object_get(all, "Content-Type") != NULL;
	return 0;
}

static int
replay(struct once *o)
{
	struct request *r = o->r;
	struct slice hex = ask_value(&o->ask, 0, 3);
	struct buf body _buf_;

	o->state = ONCE_REPLAYED;
	if (ask_is_null(&o->ask, 0, 3))
		return fault_set(&r->why, ERR_IDEMPOTENT_RUNNING,
			"the first request with this Idempotency-Key was "
			"answered with %" PRId64
			", and its answer was too large to be kept",
			ask_int(&o->ask, 0, 1));
	buf_init(&body, IDEMPOTENCY_BODY_TOP);
	if (hex.len < 2 ||
		text_unhex(&body, slice_of(hex.ptr + 2, hex.len - 2)) < 0)
		return ERR_FORMAT;
	r->status = (int)ask_int(&o->ask, 0, 1);
	r->answer =
		slice_of(arena_str(request_arena(r), buf_all(&body)), body.len);
	exchange_add_header(r->x, "Idempotency-Replayed", "true");
	r->gateway->count->replayed++;
	return add_headers(r, ask_value(&o->ask, 0, 2));
}

static void
on_claimed(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct once *o = container_of(ask, struct once, ask);
	struct request *r = o->r;
	struct slice verdict;

	if (job->err < 0) {
		o->state = ONCE_DONE;
		request_finish(r, job->err, &job->why);
		return;
	}
	verdict = ask_value(ask, 0, 0);
	if (slice_is(verdict, "run")) {
		o->state = ONCE_HELD;
		timer_set(&o->renew, r->gateway->loop, IDEMPOTENCY_LEASE_MS / 3,
			on_renew);
		request_go_on(r, 0, NULL);
		return;
	}
	o->state = ONCE_DONE;
	if (slice_is(verdict, "replay"))
		request_finish(r, replay(o), &r->why);
	else if (slice_is(verdict, "other"))
		request_finish(r, ERR_IDEMPOTENT_OTHER, NULL);
	else
		request_finish(r, ERR_IDEMPOTENT_RUNNING, NULL);
}

static int
claim(struct once *o)
{
	struct request *r = o->r;
	_params_ struct params p;

	params_of(&p, o);
	params_hex(&p, slice_of(o->fingerprint, SHA256_LEN));
	params_text(&p, holder(o));
	params_int(&p, clock_now_ms());
	params_int(&p, IDEMPOTENCY_LEASE_MS);
	params_int(&p, KEEP_MS);
	job_init(&o->ask.job, on_claimed);
	pool_ask(r->gateway->pool, &o->ask, claim_sql, p.v, p.count);
	return request_hold(r, &o->ask.job);
}

int
idempotency_step(struct request *r)
{
	struct slice key;
	struct once *o;
	int e;

	if (!is_for(r))
		return 0;
	key = exchange_header(r->x, "Idempotency-Key");
	if (!key.ptr)
		return 0;
	e = read_key(r, &key);
	if (e < 0)
		return e;
	if (r->route->body == BODY_STREAM)
		return fault_set(&r->why, ERR_PARAM,
			"Idempotency-Key: not for this route, whose requests "
			"pass through without being kept");
	if (!r->whole)
		return STEP_WAIT;
	o = arena_new(request_arena(r), struct once);
	o->r = r;
	r->once = o;
	mark(o, key);
	return claim(o);
}

static void
on_renewed(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct once *o = container_of(ask, struct once, renewal);

	timer_set(&o->renew, o->r->gateway->loop, IDEMPOTENCY_LEASE_MS / 3,
		on_renew);
}

static void
on_renew(struct timer *timer)
{
	struct once *o = container_of(timer, struct once, renew);
	_params_ struct params p;

	params_of(&p, o);
	params_text(&p, holder(o));
	params_int(&p, clock_now_ms() + IDEMPOTENCY_LEASE_MS);
	o->renewal = (struct ask){0};
	job_init(&o->renewal.job, on_renewed);
	pool_ask(o->r->gateway->pool, &o->renewal, renew_sql, p.v, p.count);
}

/* Nothing was done that a second try would do twice. */
static bool
is_refusal(const struct request *r)
{
	switch (r->err) {
	case ERR_LIMITED:
	case ERR_UPSTREAM:
	case ERR_UPSTREAM_BUSY:
		return true;
	default:
		return r->err < 0 ? err_info(r->err)->status == 503
				  : r->status == 503 || r->status == 429;
	}
}

static void
keep_header(void *owner, struct slice name, struct slice value)
{
	static const char *const own[] = {"X-Request-Id", "Date", "Connection",
		"Content-Length", "Transfer-Encoding", "Set-Cookie"};
	json_t *all = owner, *list;
	char key[ROOM];

	for (size_t i = 0; i < array_size(own); i++)
		if (slice_is_nocase(name, own[i]))
			return;
	if (name.len >= sizeof(key) || slice_starts(name, "RateLimit") ||
		slice_starts(name, "Access-Control-"))
		return;
	memcpy(key, name.ptr, name.len);
	key[name.len] = '\0';
	if (slice_is_nocase(name, "Content-Type"))
		strcpy(key, "Content-Type");
	list = json_object_get(all, key);
	if (!list) {
		list = json_array();
		(void)json_object_set_new(all, key, list);
	}
	(void)json_array_append_new(list, json_stringn(value.ptr, value.len));
}

static void
on_kept(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct once *o = container_of(ask, struct once, ask);

	/* What is done is done: it is told also when it could not be kept. */
	o->state = ONCE_DONE;
	request_again(o->r);
}

static int
store(struct once *o, const char *sql, struct params *p)
{
	o->state = ONCE_STORING;
	o->ask = (struct ask){0};
	job_init(&o->ask.job, on_kept);
	pool_ask(o->r->gateway->pool, &o->ask, sql, p->v, p->count);
	return request_hold(o->r, &o->ask.job);
}

static int
store_answer(struct once *o)
{
	struct request *r = o->r;
	struct slice body = r->answer;
	int status = r->status;
	struct buf headers _buf_, hex _buf_;
	_json_ json_t *all = json_object();
	_params_ struct params p;

	if (r->err < 0) {
		status = err_info(r->err)->status;
		body = reply_error(
			request_arena(r), r->err, &r->why, exchange_id(r->x));
	} else {
		exchange_each_added(r->x, keep_header, all);
	}
	buf_init(&headers, HEADERS_TOP);
	val_put(&headers, all);
	buf_init(&hex, 2 * IDEMPOTENCY_BODY_TOP + 8);
	buf_str(&hex, "\\x");
	text_hex(&hex, body);
	params_of(&p, o);
	params_text(&p, holder(o));
	params_int(&p, status);
	params_text(&p, headers.full ? SLICE("{}") : buf_all(&headers));
	if (r->send || hex.full || headers.full)
		params_null(&p);
	else
		params_text(&p, buf_all(&hex));
	return store(o, keep_sql, &p);
}

static int
store_freedom(struct once *o)
{
	_params_ struct params p;

	params_of(&p, o);
	params_text(&p, holder(o));
	return store(o, free_sql, &p);
}

static void
stop_renewing(struct once *o)
{
	timer_clear(&o->renew);
	if (o->renewal.job.done)
		job_cancel(&o->renewal.job);
}

int
idempotency_keep(struct request *r)
{
	struct once *o = r->once;

	if (!o || o->state != ONCE_HELD)
		return 0;
	stop_renewing(o);
	return is_refusal(r) ? store_freedom(o) : store_answer(o);
}

void
idempotency_end(struct request *r)
{
	struct once *o = r->once;

	if (o)
		stop_renewing(o);
}
