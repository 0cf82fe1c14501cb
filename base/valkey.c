/*
 * Asking Valkey, and what is held there.
 *
 * A flight is one command on its way.  Its asker may give up (the deadline, a
 * client that leaves); the flight then lives on until the answer comes, so that
 * places it was given after all are returned at once.
 */
#include "base/valkey.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/valkey_inside.h"
#include "base/valkey_script.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	LATE_TOP = 3, /* answers in a row that did not come */
	ARG = 40,
	PREFIX_TOP = 40,
	FIXED_ARGS = 3, /* now, lease, name */
	RULE_ARGS = 4,
	ARGS_TOP = 3 + FIXED_ARGS + VALKEY_TAKES * (2 + RULE_ARGS),
};

struct flight {
	struct valkey *v;
	struct valkey_ask *ask;     /* NULL: nobody waits */
	struct valkey_lease *lease; /* that it would give */
};

/* A command put together; its texts lie in `room`. */
struct command {
	const char *argv[ARGS_TOP];
	size_t len[ARGS_TOP];
	int count;
	char room[ARGS_TOP][ARG];
	char key[2 * VALKEY_TAKES][VALKEY_KEY + 64];
};

static void on_renew(struct timer *timer);

static void
sha_of(const char *script, char ret[41])
{
	uint8_t sum[SHA1_LEN];

	crypto_sha1(slice_str(script), sum);
	text_hex_string(ret, sum, sizeof(sum));
}

int
valkey_check(const char *url, struct fault *why)
{
	struct valkey room = {0};
	int e = valkey_address(&room, url, why);

	mem_free(room.host);
	mem_free(room.path);
	mem_free(room.user);
	return e;
}

int
valkey_new(struct valkey **ret, struct loop *loop,
	const struct valkey_conf *conf, struct fault *why)
{
	struct valkey *v = mem_new(struct valkey);
	int e;

	v->loop = loop;
	list_init(&v->leases);
	e = valkey_address(v, conf->url, why);
	if (e < 0) {
		(void)valkey_free(v);
		return e;
	}
	v->password = conf->password ? str_dup(conf->password) : NULL;
	v->prefix = str_ndup(
		conf->prefix, min(strlen(conf->prefix), (size_t)PREFIX_TOP));
	v->timeout_ms = conf->timeout_ms;
	v->lease_ms = conf->lease_ms ? conf->lease_ms : VALKEY_LEASE_MS;
	v->backoff_ms = 100;
	text_random_hex(v->id, 8);
	sha_of(valkey_take_script, v->take_sha);
	sha_of(valkey_renew_script, v->renew_sha);
	valkey_open(v);
	*ret = v;
	return 0;
}

struct valkey *
valkey_free(struct valkey *v)
{
	struct valkey_lease *l;

	if (!v)
		return NULL;
	valkey_shut(v);
	timer_clear(&v->renew);
	while ((l = list_first(&v->leases, struct valkey_lease, on))) {
		list_del(&l->on);
		mem_free(l);
	}
	if (v->password)
		mem_wipe(v->password, strlen(v->password));
	mem_free(v->password);
	mem_free(v->host);
	mem_free(v->path);
	mem_free(v->user);
	mem_free(v->prefix);
	return mem_free(v);
}

bool
valkey_is_up(const struct valkey *v)
{
	return v->state == VALKEY_UP && !v->lost;
}

struct valkey_count
valkey_count(const struct valkey *v)
{
	return v->count;
}

static void
arg(struct command *c, const char *text)
{
	c->argv[c->count] = text;
	c->len[c->count++] = strlen(text);
}

static void
arg_int(struct command *c, int64_t n)
{
	char *room = c->room[c->count];

	(void)snprintf(room, ARG, "%" PRId64, n);
	arg(c, room);
}

static void
arg_key(struct command *c, int at, const struct valkey *v, char kind,
	const char *key)
{
	(void)snprintf(c->key[at], sizeof(c->key[at]), "%s%c:%s", v->prefix,
		kind, key);
	arg(c, c->key[at]);
}

static void
arg_now(struct command *c)
{
	arg_int(c, clock_is_set() ? clock_now() / 1000 : 0);
}

static void
put_rule(struct command *c, const struct valkey_take *t)
{
	char *room = c->room[c->count];

	(void)snprintf(
		room, ARG, "%.6f", (double)t->take.rule.interval_ns / 1000.0);
	arg(c, room);
	arg_int(c, t->take.rule.burst);
	arg_int(c, t->take.cost);
	arg_int(c, t->concurrent);
}

static void
command_take(struct command *c, const struct valkey *v,
	const struct valkey_ask *ask, const char *lease)
{
	arg(c, "EVALSHA");
	arg(c, v->take_sha);
	arg_int(c, (int64_t)(2 * ask->count));
	for (size_t i = 0; i < ask->count; i++) {
		arg_key(c, (int)(2 * i), v, 'r', ask->takes[i].key);
		arg_key(c, (int)(2 * i + 1), v, 'p', ask->takes[i].key);
	}
	arg_now(c);
	arg_int(c, (int64_t)v->lease_ms);
	arg(c, lease);
	for (size_t i = 0; i < ask->count; i++)
		put_rule(c, &ask->takes[i]);
}

static struct valkey_lease *
lease_new(struct valkey *v, const struct valkey_ask *ask)
{
	struct valkey_lease *l;
	size_t count = 0;

	for (size_t i = 0; i < ask->count; i++)
		count += ask->takes[i].concurrent > 0;
	if (!count)
		return NULL;
	l = mem_alloc(sizeof(*l) + count * sizeof(l->keys[0]));
	list_init(&l->on);
	(void)snprintf(
		l->name, sizeof(l->name), "%s-%" PRIu64, v->id, ++v->serial);
	for (size_t i = 0; i < ask->count; i++)
		if (ask->takes[i].concurrent > 0)
			memcpy(l->keys[l->count++], ask->takes[i].key,
				VALKEY_KEY);
	return l;
}

static int64_t
number(const redisReply *r, size_t at)
{
	return at < r->elements && r->element[at]->type == REDIS_REPLY_INTEGER
		       ? r->element[at]->integer
		       : 0;
}

static int
read_answer(struct valkey_ask *ask, const redisReply *r)
{
	size_t refused;

	if (r->type != REDIS_REPLY_ARRAY || r->elements < 2 + 3 * ask->count)
		return ERR_GONE;
	refused = (size_t)number(r, 0);
	ask->by_place = number(r, 1) == 1;
	for (size_t i = 0; i < ask->count; i++) {
		struct gcra_verdict *v = &ask->takes[i].verdict;
		size_t at = 2 + 3 * i;

		v->allowed = refused != i + 1 || ask->by_place;
		v->remaining = number(r, at);
		v->reset_ns = number(r, at + 1) * 1000;
		v->retry_ns = number(r, at + 2) * 1000;
	}
	if (refused > ask->count)
		return ERR_GONE;
	ask->refused = refused ? refused - 1 : 0;
	return refused ? ERR_LIMITED : 0;
}

static void
keep(struct valkey *v, struct valkey_lease *l)
{
	if (list_empty(&v->leases))
		timer_set(&v->renew, v->loop, v->lease_ms / 3, on_renew);
	list_add(&v->leases, &l->on);
}

/* SCRIPT FLUSH, a fail-over, a restart: they are put there again. */
static void
check_scripts(struct valkey *v, const redisReply *r)
{
	if (r->type == REDIS_REPLY_ERROR)
		valkey_lose(v, r->str);
}

static void
flight_end(struct flight *f, const redisReply *r)
{
	struct valkey_ask *ask = f->ask;
	struct valkey_lease *lease = f->lease;
	struct valkey *v = f->v;
	int e = ERR_GONE;

	mem_free(f);
	if (r && ask)
		e = read_answer(ask, r);
	else if (r && r->type == REDIS_REPLY_ARRAY && number(r, 0) == 0)
		e = 0;
	if (lease && e == 0) {
		keep(v, lease);
		if (ask)
			ask->lease = lease;
		else
			valkey_release(v, lease);
	} else {
		mem_free(lease);
	}
	if (!ask)
		return;
	v->count.lost += e == ERR_GONE;
	ask->flight = NULL;
	job_finish(&ask->job, e);
}

static void
on_taken(redisAsyncContext *c, void *answer, void *data)
{
	struct flight *f = data;
	struct valkey *v = f->v;

	(void)c;
	if (answer)
		v->late = 0;
	flight_end(f, answer);
	/* After the asker: losing it ends all other flights. */
	if (answer && c->data)
		check_scripts(v, answer);
}

static void
on_drop(struct job *job)
{
	struct valkey_ask *ask = container_of(job, struct valkey_ask, job);
	struct flight *f = ask->flight;

	if (!f)
		return;
	f->ask = NULL;
	ask->flight = NULL;
	if (job->err != ERR_TIMEOUT)
		return;
	f->v->count.late++;
	if (++f->v->late >= LATE_TOP && f->v->state == VALKEY_UP)
		valkey_lose_soon(f->v);
}

void
valkey_take(struct valkey *v, struct valkey_ask *ask)
{
	struct command c;
	struct flight *f;

	ask->lease = NULL;
	ask->flight = NULL;
	ask->refused = 0;
	ask->by_place = false;
	if (!valkey_is_up(v)) {
		v->count.lost++;
		job_fail_soon(&ask->job, v->loop, ERR_GONE);
		return;
	}
	c.count = 0;
	f = mem_new(struct flight);
	f->v = v;
	f->ask = ask;
	f->lease = lease_new(v, ask);
	v->count.asked++;
	command_take(&c, v, ask, f->lease ? f->lease->name : "-");
	job_begin(&ask->job, v->loop, v->timeout_ms, on_drop);
	ask->flight = f;
	if (redisAsyncCommandArgv(v->context, on_taken, f, c.count, c.argv,
		    c.len) != REDIS_OK) {
		ask->flight = NULL;
		mem_free(f->lease);
		mem_free(f);
		job_fail_soon(&ask->job, v->loop, ERR_GONE);
	}
}

void
valkey_release(struct valkey *v, struct valkey_lease *lease)
{
	for (size_t i = 0; valkey_is_up(v) && i < lease->count; i++)
		(void)redisAsyncCommand(v->context, NULL, NULL,
			"ZREM %sp:%s %s", v->prefix, lease->keys[i],
			lease->name);
	list_del(&lease->on);
	mem_free(lease);
	if (list_empty(&v->leases))
		timer_clear(&v->renew);
}

static void
lease_renew(struct valkey *v, const struct valkey_lease *l)
{
	struct command c;

	c.count = 0;
	arg(&c, "EVALSHA");
	arg(&c, v->renew_sha);
	arg_int(&c, (int64_t)l->count);
	for (size_t i = 0; i < l->count; i++)
		arg_key(&c, (int)i, v, 'p', l->keys[i]);
	arg_now(&c);
	arg_int(&c, (int64_t)v->lease_ms);
	arg(&c, l->name);
	(void)redisAsyncCommandArgv(
		v->context, NULL, NULL, c.count, c.argv, c.len);
}

static void
renew_all(struct valkey *v)
{
	list_for_each (at, &v->leases)
		lease_renew(v, container_of(at, struct valkey_lease, on));
}

static void
on_renew(struct timer *timer)
{
	struct valkey *v = container_of(timer, struct valkey, renew);

	if (valkey_is_up(v))
		renew_all(v);
	timer_set(&v->renew, v->loop, v->lease_ms / 3, on_renew);
}

/* What ran while it was away may be forgotten there. */
void
valkey_on_up(struct valkey *v)
{
	renew_all(v);
}
