/*
 * Who asks at a declared route, as its "auth" says.
 *
 * Users show an access token; programs of the operator an API key, as it is or
 * as a signature; a page of the developer's own accounts may show a custom
 * login's ticket.  A program is nobody to everything behind the route but the
 * route itself, which has let it in.
 */
#include "gateway/know.h"

#include "auth/api_key.h"
#include "auth/api_sign.h"
#include "auth/custom.h"
#include "auth/session.h"
#include "base/clock.h"
#include "gateway/known.h"
#include "gateway/request.h"
#include "routes/declared.h"

/* A ticket that was found good is good for so long without a look. */
enum { TICKET_KEPT_S = 60 };

struct by_key {
	struct request *r;
	struct api_key_ask ask;
	struct slice shown; /* the key as it is; or */
	struct api_sign sign;
	bool is_sign;
};

struct by_ticket {
	struct request *r;
	struct slice shown; /* its name in known.h's table */
	struct family_home home;
	struct custom_ticket ticket;
	struct login_key key;
	struct custom_user user;
};

static struct slice
authorization(const struct request *r)
{
	return exchange_header(r->x, "Authorization");
}

static struct slice
behind(struct slice value, const char *scheme)
{
	size_t n = strlen(scheme);

	if (value.len < n || !slice_is_nocase(slice_of(value.ptr, n), scheme))
		return slice_of(NULL, 0);
	return slice_trim(slice_of(value.ptr + n, value.len - n));
}

static int
user_only(struct request *r, int e)
{
	if (e != 0)
		return e;
	return r->caller.role == CALLER_USER ? 0 : ERR_NO_LOGIN;
}

static void
become_program(struct request *r, const struct api_key *key)
{
	r->caller.role = CALLER_PROGRAM;
	r->caller.sid = api_key_sid(key->id);
	r->caller.key = arena_str(request_arena(r), slice_str(key->name));
}

static int
may(struct by_key *b, const struct api_key *key, struct fault *why)
{
	if (api_key_may(key, b->r->declared->name))
		return 0;
	return fault_set(why, ERR_DENIED,
		"the API key %s is not for the route %s (`mpcloud apikeys "
		"list`)",
		key->name, b->r->declared->name);
}

static void
on_nonce(struct job *job)
{
	struct api_key_ask *ask = container_of(job, struct api_key_ask, job);
	struct by_key *b = container_of(ask, struct by_key, ask);

	request_go_on(b->r, job->err, &job->why);
}

static int
check_sign(struct by_key *b, const struct api_key *key, struct fault *why)
{
	struct request *r = b->r;
	const struct api_signed what = {
		.method = slice_str(exchange_method(r->x)),
		.target = exchange_target(r->x),
		.body = exchange_body(r->x),
	};

	return api_sign_check(
		&b->sign, &what, slice_str(key->text), clock_now_s(), why);
}

static void
on_key(struct job *job)
{
	struct api_key_ask *ask = container_of(job, struct api_key_ask, job);
	struct by_key *b = container_of(ask, struct by_key, ask);
	const struct api_key *key = ask->key;
	struct fault why = job->why;
	int e = job->err;

	if (e == 0 && b->is_sign)
		e = check_sign(b, key, &why);
	else if (e == 0 && !api_key_is(key, b->shown))
		e = fault_set(&why, ERR_API_KEY,
			"the API key is not valid: its second half is not the "
			"one that was shown when it was made");
	if (e == 0)
		e = may(b, key, &why);
	if (e < 0) {
		request_go_on(b->r, e, &why);
		return;
	}
	become_program(b->r, key);
	if (!b->is_sign) {
		request_go_on(b->r, 0, NULL);
		return;
	}
	job_init(&b->ask.job, on_nonce);
	api_key_nonce(&b->ask, b->r->gateway->api_keys, b->sign.key_id,
		b->sign.nonce);
	(void)request_hold(b->r, &b->ask.job);
}

static int
look_up(struct by_key *b, const char *id)
{
	job_init(&b->ask.job, on_key);
	api_key_find(&b->ask, b->r->gateway->api_keys, id);
	return request_hold(b->r, &b->ask.job);
}

static int
know_key(struct request *r)
{
	struct by_key *b = arena_new(request_arena(r), struct by_key);
	char id[API_KEY_ID + 1];

	b->r = r;
	b->shown = exchange_header(r->x, "X-Api-Key");
	if (!b->shown.len)
		b->shown = behind(authorization(r), "Bearer ");
	if (!api_key_id(b->shown, id))
		return fault_set(&r->why, ERR_API_KEY,
			"an API key is needed: Authorization: Bearer mpk_… "
			"(`mpcloud apikeys add NAME` makes one)");
	return look_up(b, id);
}

static int
know_sign(struct request *r)
{
	struct by_key *b;
	int e;

	/* The signature is over the body. */
	if (r->route->body == BODY_STREAM)
		return fault_set(&r->why, ERR_API_KEY,
			"this route's bodies pass through without being kept, "
			"so that a signature over them cannot be checked");
	if (!r->whole)
		return STEP_WAIT;
	b = arena_new(request_arena(r), struct by_key);
	b->r = r;
	b->is_sign = true;
	e = api_sign_parse(&b->sign, authorization(r), &r->why);
	return e < 0 ? e : look_up(b, b->sign.key_id);
}

static void
on_user(struct job *job)
{
	struct custom_user *u = container_of(job, struct custom_user, job);
	struct by_ticket *b = container_of(u, struct by_ticket, user);
	struct request *r = b->r;
	struct arena *arena = request_arena(r);
	int64_t now_s = clock_now_s();

	if (job->err == 0) {
		r->caller.role = CALLER_USER;
		r->caller.uid = arena_str(arena, slice_str(u->uid));
		r->caller.kind = FAMILY_CUSTOM;
		r->caller.custom_id =
			arena_str(arena, slice_str(b->ticket.uid));
		r->caller.expires_s = now_s + TICKET_KEPT_S;
		known_keep(r->gateway->known, b->shown, &r->caller);
	}
	request_go_on(r, job->err, &job->why);
}

static void
on_ticket_key(struct job *job)
{
	struct login_key *k = container_of(job, struct login_key, job);
	struct by_ticket *b = container_of(k, struct by_ticket, key);
	struct request *r = b->r;
	struct fault why = job->why;
	int e = job->err;

	if (e == 0)
		e = custom_ticket_check(&b->ticket, k->public_pem,
			r->gateway->conf->server_env, clock_now_ms(), &why);
	if (e < 0) {
		request_go_on(r, e, &why);
		return;
	}
	job_init(&b->user.job, on_user);
	custom_user_find(&b->user, &b->home, r->caller.appid, b->ticket.uid);
	(void)request_hold(r, &b->user.job);
}

static int
know_shown(struct request *r, struct slice ticket)
{
	struct by_ticket *b = arena_new(request_arena(r), struct by_ticket);
	int e;

	b->r = r;
	/* Kept beside the access tokens, under a name that no header can have:
	 * elsewhere a ticket is none. */
	b->shown = slice_str(
		arena_printf(request_arena(r), "\001%.*s", SLICE_ARG(ticket)));
	b->home = auth_home(r->gateway->auth);
	if (known_find(r->gateway->known, b->shown, clock_now_s(),
		    request_arena(r), &r->caller))
		return 0;
	e = custom_ticket_read(&b->ticket, ticket, &r->why);
	r->kept = b->ticket.claims; /* whatever becomes of the request */
	if (e < 0)
		return e;
	job_init(&b->key.job, on_ticket_key);
	login_key_find(&b->key, &b->home, slice_str(b->ticket.key_id));
	return request_hold(r, &b->key.job);
}

static int
know_ticket(struct request *r)
{
	struct slice ticket = behind(authorization(r), "Ticket ");

	return ticket.len ? know_shown(r, ticket)
			  : user_only(r, know_header(r));
}

int
know_declared(struct request *r)
{
	switch (r->declared->auth) {
	case DECLARED_AUTH_NONE:
		return know_maybe(r);
	case DECLARED_AUTH_USER:
		return user_only(r, know_header(r));
	case DECLARED_AUTH_TICKET:
		return know_ticket(r);
	case DECLARED_AUTH_API_KEY:
		return know_key(r);
	case DECLARED_AUTH_HMAC:
		return know_sign(r);
	default:
		return ERR_DENIED;
	}
}
