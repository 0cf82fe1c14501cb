#pragma once

/*
 * Custom login: the developer's own server says who a user is, by a ticket that
 * CloudBase's server SDKs make (createTicket of @cloudbase/node-sdk and
 * tcb-admin-node): KEY_ID "/@@/" JWT, signed RS256 with the private half of a
 * pair of which mpcloud.login_keys has the public half.
 */

#include "auth/family.h"
#include "base/val.h"

enum {
	TICKET_TOP = 4096,
	LOGIN_KEY_ID = 64,
};

/* Wherever a ticket comes from; json_decref'ed by custom_ticket_done. */
struct custom_ticket {
	char key_id[LOGIN_KEY_ID + 1];
	struct slice signed_part; /* header "." payload; borrowed */
	char signature[700];      /* base64 with padding */
	json_t *claims;
	/* after custom_ticket_check */
	char uid[CUSTOM_ID_TOP + 1];
	int64_t ends_ms; /* when the login ends, 0: not said */
};

/* Splits it and reads its header and claims; `ticket` is borrowed.  Nothing of
 * it is believed yet.  ERR_TICKET_BAD. */
int custom_ticket_read(struct custom_ticket *t, struct slice ticket,
	struct fault *why) _must_check_;
/* The signature under this public key (PEM), then what it says: env, iat, exp,
 * nbf, uid, expire.  ERR_TICKET_BAD. */
int custom_ticket_check(struct custom_ticket *t, struct slice public_pem,
	const char *env, int64_t now_ms, struct fault *why) _must_check_;
/* The second half of that. */
int custom_ticket_says(struct custom_ticket *t, const char *env, int64_t now_ms,
	struct fault *why) _must_check_;
void custom_ticket_done(struct custom_ticket *t);

/* The user of a custom id, made when absent: who shows a ticket at a route has
 * no login.  Embedded in its owner; job_init(&u->job, …) first. */
struct custom_user {
	struct job job;
	char uid[UID_LEN + 1]; /* answer */
	/* its own */
	struct ask ask;
};
/* ERR_USER_BLOCKED. */
void custom_user_find(struct custom_user *u, const struct family_home *home,
	const char *appid, const char *custom_id);

/* mpcloud.login_keys.  Embedded in its owner; job_init(&k->job, …) first. */
struct login_key {
	struct job job;
	/* answer of login_key_find: the public half, until done returns */
	struct slice public_pem;
	int changed; /* of login_key_add and _retire: rows */
	/* its own */
	struct ask ask;
};

/* 1 to 64 letters, digits, - and _. */
bool login_key_id_fits(struct slice id);
/* One that signs now; ERR_TICKET_BAD when there is none, or it is retired. */
void login_key_find(
	struct login_key *k, const struct family_home *home, struct slice id);
/* ERR_PARAM: no RSA key; ERR_CONFLICT: the id is taken. */
void login_key_add(struct login_key *k, const struct family_home *home,
	struct slice id, struct slice public_pem);
/* Tickets that it signed are refused from now on; k->changed is 0 when there is
 * no such key, or it is retired already. */
void login_key_retire(
	struct login_key *k, const struct family_home *home, struct slice id);
/* All, the newest first.  In done, ask_rows(&k->ask) rows: id, created_at,
 * retired_at (NULL: signs), in ms. */
void login_key_list(struct login_key *k, const struct family_home *home);
