#pragma once

/*
 * CloudIDs of our own: open data that this server has opened for a user, sealed
 * so that he can carry it to a function without being able to read or change
 * it. Nothing is stored; any gateway of any machine with the master key takes
 * it.
 *
 * WeChat's own cloudIDs are exchanged by WeChat: cloudid_ask.h.
 */

#include "auth/seal.h"
#include "base/val.h"

enum { CLOUDID_LIFE_S = 300, CLOUDID_TOP = 70 * 1024 };

/* One that this server issued, not WeChat's (cloudid_ask.h). */
bool cloudid_is_ours(struct slice id);
/* Appends the id of `data` for this user. */
int cloudid_make(struct seal *seal, struct slice appid, struct slice openid,
	const json_t *data, int64_t now_s, struct buf *to) _must_check_;
/* The data; ERR_CLOUDID_BAD, ERR_CLOUDID_OLD, ERR_CLOUDID_USER. */
int cloudid_open(struct seal *seal, struct slice appid, struct slice openid,
	struct slice id, int64_t now_s, json_t **ret) _must_check_;

/* What CloudBase puts in a cloudID's place, for an event or for getOpenData:
 * {cloudID, data}, or when `err` is negative {cloudID, errCode, errMsg, code}.
 * `data` is borrowed, `why` may be NULL. */
json_t *cloudid_item(struct slice id, json_t *data, int err,
	const struct fault *why) _returns_value_;
