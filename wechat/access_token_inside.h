#pragma once

/* What access_token.c, access_token_row.c and access_token_ask.c share. */

#include "base/list.h"
#include "wechat/access_token.h"

enum {
	TOKEN_GRACE_MS = 60 * 1000,  /* before its end it is used no more */
	TOKEN_EARLY_MS = 300 * 1000, /* before its end the next is fetched */
	TOKEN_FETCH_MS = 10 * 1000,
	TOKEN_LEASE_MS = 15 * 1000, /* longer than a fetch */
	TOKEN_WAIT_MS = 20 * 1000,  /* longer than a lease of somebody killed */
	TOKEN_POLL_MS = 50,         /* somebody waits for another's fetch */
	TOKEN_LOOK_MS = 1000,       /* nobody does */
	TOKEN_SAME_MS = 1000,       /* WeChat gave again what it had refused */
	TOKEN_KEY_MS = 5000,        /* the stored token does not open */
	TOKEN_REST_MS = 60 * 1000,  /* at the most, after a failure */
	TOKEN_OWNER = 24,
};

struct access_tokens {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct seal *seal;
	struct list entries;             /* struct entry */
	char owner[TOKEN_OWNER * 2 + 1]; /* of leases: this object */
};

enum entry_state {
	ENTRY_REST,
	ENTRY_TAKING,  /* the row is asked, and the lease with it */
	ENTRY_ASKING,  /* WeChat is */
	ENTRY_STORING, /* the answer goes into the row */
};

/* One mini program's. */
struct entry {
	struct list on;
	struct access_tokens *all;
	struct app *app;     /* as it was asked for last */
	struct list waiting; /* struct token_ask, by what is inside */
	enum entry_state state;
	/* The row as it was seen last; token_len 0: no token. */
	char token[ACCESS_TOKEN_TOP + 1];
	size_t token_len;
	uint8_t mark[SEAL_MARK];
	int64_t fetches, refresh_at, expires_at; /* unix ms */
	bool refused;       /* WeChat refused it: this mark of this fetch */
	int64_t keep_until; /* clock_mono: refusals mean something else */
	/* Why there is none, and until when nobody asks again (unix ms). */
	struct fault failure;
	int64_t rest_until;
	unsigned failures; /* of ours, in a row */
	/* at work */
	struct ask ask;
	struct fetch fetch;
	bool fetched; /* `fetch` holds something */
	struct timer look;
	bool leisurely; /* `look` is far away: nobody waits */
};

/* access_token.c */
bool entry_is_good(const struct entry *e, int64_t now_ms);
/* Turns to what is to be done next, if anything is. */
void entry_work(struct entry *e);
/* Back to rest, and again after a while. */
void entry_look_later(struct entry *e);
/* All that wait are answered; 0: with the token. */
void entry_answer(struct entry *e, int err, const struct fault *why);

/* access_token_row.c */
void entry_take(struct entry *e);
/* A token that WeChat gave just now. */
void entry_store(struct entry *e, struct slice token, int64_t expires_s);
/* WeChat gave none: nobody asks for `rest_ms`. */
void entry_store_failure(struct entry *e, int64_t errcode,
	const struct fault *why, int64_t rest_ms);

/* access_token_ask.c */
void entry_ask(struct entry *e);
/* What an errcode of stable_token means here. */
int token_errcode(int64_t errcode, struct fault *why);
void entry_fetch_done(struct entry *e);
