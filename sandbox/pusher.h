#pragma once

/* Message push, WeChat's side: what a mini program's server is sent. */

#include "mini.h"

#include "base/fetch.h"

/* Ceilings of the bufs for push_form_write. */
enum { PUSH_URL_TOP = 4096, PUSH_BODY_TOP = 4 << 20 };

/* How one message is to be sent; strings are its own. */
struct push_form {
	char *url, *token, *aes_key, *appid;
	bool safe;      /* Encrypt and msg_signature */
	bool plain_too; /* the members besides */
	bool xml;
	json_t *msg;
};

void push_form_done(struct push_form *f);
/* One try's address and body: fresh timestamp, nonce and random bytes, as
 * WeChat's own retries have.  ERR_PARAM: aesKey, or a member that XML cannot
 * say. */
int push_form_write(const struct push_form *f, struct buf *url,
	struct buf *body, struct fault *why) _must_check_;
/* The address of a check of the URL. */
int push_form_check(const struct push_form *f, struct slice echostr,
	struct buf *url, struct fault *why) _must_check_;

/* How often, and how patiently. */
struct push_wish {
	int64_t repeat, tries, timeout_ms, pause_ms;
	bool together, wait;
};

/* Sends it; takes over `f` and `echostr` (NULL: a message, else a check of the
 * address).  `a` is answered at the end, or at once when nobody waits. */
void pusher_begin(struct sandbox *s, struct exchange *x, struct answer *a,
	struct push_form *f, const struct push_wish *w, char *echostr);
/* What every message has, in WeChat's order, unless `said` (taken over) says
 * otherwise.  The caller's. */
json_t *pusher_complete(
	struct sandbox *s, const struct mini *m, json_t *said) _returns_value_;
/* To the app's own address, if it has one, without waiting; takes over `msg`,
 * to which ToUserName, CreateTime and so on are added. */
void pusher_post(struct sandbox *s, struct mini *m, json_t *msg);
/* Before the loop ends. */
void pusher_stop(struct sandbox *s);
