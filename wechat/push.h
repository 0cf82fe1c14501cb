#pragma once

/*
 * Message push: what WeChat sends this server about a mini program (messages of
 * customers, events, results of checks), from the bytes of a request to the
 * message.  Pure: no sockets, no database, no clock.
 * (WeChat: "消息推送"; the sums and the cipher are the published
 * WXBizMsgCrypt's.)
 */

#include "base/val.h"

/* What the console and mpcloud.conf agree on. */
struct push_home {
	const char *appid;
	const char *token; /* wechat.push_token_file; not "" */
	const char *key;   /* EncodingAESKey; "": plain mode */
};

/* A request's query, unescaped, and its body. */
struct push_ask {
	struct slice signature, timestamp, nonce, msg_signature;
	struct slice body;
};

enum {
	PUSH_KEY_TEXT = 43,
	PUSH_BODY_TOP = 64 * 1024,
	PUSH_NAME_TOP = 160,
	/* A timestamp that is further off is no try of WeChat's any more; rows
	 * of mpcloud.pushes are kept longer than that, so that none runs twice.
	 */
	PUSH_AGE_S = 24 * 3600
};

/* A key as the console shows it: 43 letters and digits.  ERR_CONFIG. */
int push_key_check(struct slice key, struct fault *why) _must_check_;
/* GET, the check of the address: the three signed strings are WeChat's.
 * ERR_PUSH_UNSIGNED, ERR_PUSH_TOKEN. */
int push_check(const struct push_home *home, const struct push_ask *ask,
	struct fault *why) _must_check_;
/*
 * POST: the message, whatever the console's mode and format are, in one shape:
 * an object, CreateTime a number, MsgId a text (it is beyond what JavaScript's
 * numbers hold).  The caller owns *ret.  With a key, only what was sealed
 * counts. ERR_PUSH_UNSIGNED, _TOKEN, _ALTERED, _MODE, _KEY, _APPID, _FORMAT:
 * each names the probable cause.
 */
int push_open(const struct push_home *home, const struct push_ask *ask,
	json_t **ret, struct fault *why) _must_check_;
/* What `encrypt` seals, behind its random bytes and before the appid: *ret lies
 * in `plain`, whose ceiling is PUSH_BODY_TOP.  ERR_PUSH_KEY, _APPID, _FORMAT.
 */
int push_unseal(const struct push_home *home, struct slice encrypt,
	struct buf *plain, struct slice *ret, struct fault *why) _must_check_;
/* The signed timestamp is near `now_s`; ERR_PUSH_STALE. */
int push_fresh(const struct push_ask *ask, int64_t now_s,
	struct fault *why) _must_check_;

/* What is the same each time the message is sent: its MsgId, else who, when,
 * which event, and a sum of the rest (two results of one second are two). */
void push_name(const json_t *msg, char ret[PUSH_NAME_TOP]);
/* What triggers may call it: ["text","message"], ["event","event.X","X"]. */
json_t *push_events(const json_t *msg) _returns_value_;
/* The sender's openid; empty when there is none.  Borrowed from `msg`. */
struct slice push_sender(const json_t *msg);
