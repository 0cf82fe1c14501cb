/*
 * /auth/v1: the logins of js-sdk 2.x and 3.x (and of 1.x's successors by name:
 * signInWithUsernameAndPassword, customAuthProvider).  Tokens are those of
 * /v1/login; only their spelling is OAuth 2's.
 */
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"
#include "trigger/queue.h"

enum {
	TOKEN_TOP = 4096,
	ANSWER_TOP = 16384,
	TICKET_TOP = 8192,
	WORD_TOP = 1024
};

static const struct slice none = {"", 0};

static void
on_tokens(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);
	const struct login *l = &act->login;
	struct request *r = act->r;
	struct buf b _buf_;

	buf_init(&b, ANSWER_TOP);
	if (job->err >= 0) {
		buf_str(&b, "{\"token_type\":\"Bearer\",\"access_token\":");
		buf_json(&b, slice_str(l->access_token));
		buf_str(&b, ",\"refresh_token\":");
		buf_json(&b, slice_str(l->refresh_token));
		buf_str(&b, ",\"expires_in\":");
		buf_i64(&b, l->expires_in_s);
		buf_str(&b, ",\"scope\":");
		buf_json(&b, l->anonymous ? SLICE("anonymous") : SLICE(""));
		buf_str(&b, ",\"sub\":");
		buf_json(&b, slice_str(l->uid));
		buf_str(&b, ",\"groups\":[]}");
		r->caller.uid = l->uid;
		if (r->gateway->queue)
			queue_heard(r->gateway->queue);
		(void)request_reply(r, 200, buf_all(&b));
	}
	login_act_finish(act);
}

static void
on_ended(struct job *job)
{
	struct login_act *act = container_of(job, struct login_act, login.job);

	(void)request_reply(act->r, 200, SLICE("{}"));
	request_finish(act->r, job->err, &job->why);
}

/* NULL: what it says of itself is refused, and *e says how. */
static struct login_act *
login_begin(struct request *r, int *e)
{
	struct login_act *act = login_act_with(r, on_tokens);

	*e = login_act_from(act);
	if (*e < 0)
		return NULL;
	r->gateway->count->logins++;
	return act;
}

int
endpoint_auth_anonymous(struct request *r)
{
	struct login_act *act;
	int e;

	if (!r->gateway->conf->auth_anonymous)
		return fault_set(&r->why, ERR_FORBIDDEN,
			"anonymous login is off on this server ([auth] "
			"anonymous)");
	act = login_begin(r, &e);
	if (!act)
		return e;
	login_anonymous(r->gateway->auth, &act->login);
	return request_wait(r, &act->login.job);
}

int
endpoint_auth_custom(struct request *r)
{
	struct login_act *act;
	struct slice ticket;
	int e = request_json(r);

	if (e == 0)
		e = val_str(r->json, "ticket", TICKET_TOP, &ticket, &r->why);
	if (e < 0)
		return e;
	act = login_begin(r, &e);
	if (!act)
		return e;
	login_custom(r->gateway->auth, &act->login, ticket);
	return request_wait(r, &act->login.job);
}

/* What the body asks for beside a name and a password. */
static int
check_password_login(struct request *r)
{
	static const char *const others[] = {"verification_token",
		"verification_code", "phone_number", "email", "provider_token",
		"public_key_thumbprint"};

	for (size_t i = 0; i < array_size(others); i++)
		if (json_object_get(r->json, others[i]))
			return fault_set(&r->why, ERR_UNIMPLEMENTED,
				"not offered by this server: %s; it knows "
				"username and password, tickets, visitors and "
				"wx.login",
				others[i]);
	if (!r->gateway->conf->auth_password)
		return fault_set(&r->why, ERR_FORBIDDEN,
			"login by password is off on this server ([auth] "
			"password)");
	return 0;
}

static int
login_words(struct request *r, struct slice *username, struct slice *password)
{
	int e = request_json(r);

	if (e == 0)
		e = check_password_login(r);
	if (e == 0)
		e = val_str(r->json, "username", WORD_TOP, username, &r->why);
	if (e == 0)
		e = val_str(r->json, "password", WORD_TOP, password, &r->why);
	if (e < 0)
		return e;
	return attempt_password(r->gateway, exchange_peer(r->x), *username,
		&r->retry_ms, &r->why);
}

int
endpoint_auth_signin(struct request *r)
{
	struct slice username, password;
	struct login_act *act;
	int e = login_words(r, &username, &password);

	if (e < 0)
		return e;
	act = login_begin(r, &e);
	if (!act)
		return e;
	login_password(r->gateway->auth, &act->login, username, password);
	return request_wait(r, &act->login.job);
}

int
endpoint_auth_signup(struct request *r)
{
	struct slice username, password;
	struct login_act *act;
	int e = login_words(r, &username, &password);

	if (e == 0 && !r->gateway->conf->auth_signup)
		e = fault_set(&r->why, ERR_FORBIDDEN,
			"sign-up is off on this server ([auth] signup)");
	if (e < 0)
		return e;
	act = login_begin(r, &e);
	if (!act)
		return e;
	login_signup(r->gateway->auth, &act->login, username, password);
	return request_wait(r, &act->login.job);
}

int
endpoint_auth_token(struct request *r)
{
	struct slice grant, token;
	struct login_act *act;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str(r->json, "grant_type", 64, &grant, &r->why);
	if (e < 0)
		return e;
	if (!slice_is(grant, "refresh_token"))
		return fault_set(&r->why, ERR_PARAM,
			"grant_type: only refresh_token is known here");
	e = val_str(r->json, "refresh_token", TOKEN_TOP, &token, &r->why);
	if (e < 0)
		return e;
	act = login_act_with(r, on_tokens);
	login_refresh(r->gateway->auth, &act->login, token);
	return request_wait(r, &act->login.job);
}

static int
end_session(struct request *r)
{
	struct login_act *act = login_act_with(r, on_ended);

	login_logout(r->gateway->auth, &act->login, &r->caller);
	return request_wait(r, &act->login.job);
}

int
endpoint_auth_signout(struct request *r)
{
	return end_session(r);
}

/* RFC 7009: the token to end stands in the body, and one that is good no more
 * is fine. */
int
endpoint_auth_revoke(struct request *r)
{
	struct login_act *act;
	struct slice token;
	const char *text;
	int e = request_json(r);

	if (e < 0)
		return e;
	e = val_str_or(r->json, "token", TOKEN_TOP, none, &token, &r->why);
	if (e < 0)
		return e;
	text = arena_printf(request_arena(r), "Bearer %.*s", SLICE_ARG(token));
	if (text && token.len &&
		auth_know(r->gateway->auth, slice_str(text), request_arena(r),
			&r->caller, NULL) == 0 &&
		r->caller.role == CALLER_USER)
		return end_session(r);
	act = login_act_with(r, on_ended);
	login_forget(r->gateway->auth, &act->login, token);
	return request_wait(r, &act->login.job);
}

/* All the rest of CloudBase's: said plainly, as a 404 would be taken for a
 * wrong address. */
int
endpoint_auth_other(struct request *r)
{
	return fault_set(&r->why, ERR_UNIMPLEMENTED,
		"not offered by this server: %s %s (logins by SMS, e-mail, "
		"third parties and captcha, user profiles); there are "
		"wx.login, "
		"tickets, visitors, username and password",
		exchange_method(r->x), exchange_path(r->x));
}
