/*
 * Sessions: POST /v1/login, /v1/signup, /v1/token/refresh, GET /v1/session.
 * Neither openid nor session_key leaves the server.
 */
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/login_act.h"
#include "gateway/reply.h"

enum { CODE_TOP = 256, TOKEN_TOP = 4096, TICKET_TOP = 8192, WORD_TOP = 1024 };

static const struct slice none = {"", 0};

static int
word(struct request *r, const char *key, size_t top, struct slice *ret)
{
	return val_str_or(r->json, key, top, none, ret, &r->why);
}

static int
login_words(struct request *r, struct slice *username, struct slice *password)
{
	int e = word(r, "username", WORD_TOP, username);

	if (e == 0)
		e = word(r, "password", WORD_TOP, password);
	if (e < 0)
		return e;
	if (!username->len || !password->len)
		return fault_set(&r->why, ERR_PARAM,
			"username and password: both are needed");
	return attempt_password(r->gateway, exchange_peer(r->x), *username,
		&r->retry_ms, &r->why);
}

static int
password_is_on(struct request *r)
{
	if (r->gateway->conf->auth_password)
		return 0;
	return fault_set(&r->why, ERR_FORBIDDEN,
		"login by password is off on this server ([auth] password)");
}

/* By what is there: code, ticket, or username and password. */
static int
login_by(struct login_act *act, struct auth *auth)
{
	struct request *r = act->r;
	struct slice code, ticket, username, password;
	int e = word(r, "code", CODE_TOP, &code);

	if (e == 0)
		e = word(r, "ticket", TICKET_TOP, &ticket);
	if (e < 0)
		return e;
	if (code.len) {
		login_start(auth, &act->login, code);
		return 0;
	}
	if (ticket.len) {
		login_custom(auth, &act->login, ticket);
		return 0;
	}
	if (!json_object_get(r->json, "username"))
		return fault_set(&r->why, ERR_PARAM,
			"code: wx.login's code is needed (or a ticket, or "
			"username and password)");
	e = password_is_on(r);
	if (e == 0)
		e = login_words(r, &username, &password);
	if (e == 0)
		login_password(auth, &act->login, username, password);
	return e;
}

int
endpoint_login(struct request *r)
{
	struct login_act *act;
	int e = request_json(r);

	if (e < 0)
		return e;
	act = login_act_new(r);
	e = login_act_from(act);
	if (e == 0)
		e = login_by(act, r->gateway->auth);
	if (e < 0)
		return e;
	r->gateway->count->logins++;
	return request_wait(r, &act->login.job);
}

int
endpoint_signup(struct request *r)
{
	struct slice username, password;
	struct login_act *act;
	int e = request_json(r);

	if (e == 0)
		e = password_is_on(r);
	if (e == 0 && !r->gateway->conf->auth_signup)
		e = fault_set(&r->why, ERR_FORBIDDEN,
			"sign-up is off on this server ([auth] signup)");
	if (e == 0)
		e = login_words(r, &username, &password);
	if (e < 0)
		return e;
	act = login_act_new(r);
	e = login_act_from(act);
	if (e < 0)
		return e;
	login_signup(r->gateway->auth, &act->login, username, password);
	return request_wait(r, &act->login.job);
}

int
endpoint_refresh(struct request *r)
{
	struct login_act *act;
	struct slice token;
	int e = request_json(r);

	if (e == 0)
		e = word(r, "refresh_token", TOKEN_TOP, &token);
	if (e == 0)
		e = val_str_or(r->json, "refreshToken", TOKEN_TOP, token,
			&token, &r->why);
	if (e < 0)
		return e;
	if (!token.len)
		return fault_set(&r->why, ERR_PARAM,
			"refreshToken: the token of the last login or refresh "
			"is needed");
	act = login_act_new(r);
	login_refresh(r->gateway->auth, &act->login, token);
	return request_wait(r, &act->login.job);
}

/* The measured path: no buffer, no printf. */
int
endpoint_session(struct request *r)
{
	struct slice uid = slice_str(r->caller.uid);
	struct slice appid = slice_str(r->caller.appid);
	struct reply reply = reply_room(
		request_arena(r), 96 + uid.len + reply_quoted(appid));

	if (!reply.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&reply, "{\"uid\":\""); /* hexadecimal digits of ours */
	reply_put(&reply, uid);
	reply_str(&reply, "\",\"appid\":");
	reply_quote(&reply, appid);
	reply_str(&reply, ",\"expiresAt\":");
	reply_number(&reply, r->caller.expires_s);
	reply_str(&reply, "}");
	return request_reply(r, 200, reply_done(&reply));
}
