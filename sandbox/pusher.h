#pragma once

/* Message push, WeChat's side: what a mini program's server is sent. */

#include "mini.h"

#include "base/fetch.h"

/* How one message is to be sent; strings are its own. */
struct push_form {
	char *url, *token, *aes_key, *appid;
	bool safe;      /* Encrypt and msg_signature */
	bool plain_too; /* the members besides */
	bool xml;
	json_t *msg;
};

void push_form_done(struct push_form *f);
/* One try's address and body: fresh timestamp, nonce and random bytes, as WeChat's
 * own retries have.  ERR_PARAM: aesKey, or a member that XML cannot say. */
int push_form_write(const struct push_form *f, struct buf *url, struct buf *body,
	struct fault *why) _must_check_;
/* The address of a check of the URL. */
int push_form_check(const struct push_form *f, struct slice echostr,
	struct buf *url, struct fault *why) _must_check_;

/* To the app's own address, if it has one, without waiting; takes over `msg`, to
 * which ToUserName, CreateTime and so on are added. */
void pusher_post(struct sandbox *s, struct mini *m, json_t *msg);
/* Before the loop ends. */
void pusher_stop(struct sandbox *s);
