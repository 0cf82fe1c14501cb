#pragma once

/*
 * Open data of the user who asks: his session_keys read, his data opened.  The
 * one way for POST /v1/wechat/open-data, the functions' actions and events.
 */

#include "auth/caller.h"
#include "base/job.h"
#include "wechat/cloudid_ask.h"
#include "wechat/opendata.h"

struct arena;
struct gateway;

/* Embedded in its owner. */
struct open_data {
	struct job job;
	json_t *data; /* the answer; NULL: only the signature was asked about */
	/* its own */
	struct gateway *gateway;
	const struct caller *who;
	struct opendata_ask ask;
	struct session_key_ask keys;
};

/* {encryptedData, iv, rawData, signature} as they came from the page; borrowed
 * from `body`.  ERR_PARAM. */
int open_data_read(const json_t *body, struct opendata_ask *ret,
	struct fault *why) _must_check_;
/* Whose, and how old it may be, filled in. */
void open_data_ask(struct opendata_ask *ask, const struct gateway *g,
	const struct caller *who);
/* job_init(&o->job, …) first.  ERR_OPEN_DATA_… */
void open_data_start(struct open_data *o, struct gateway *g,
	const struct caller *who, const struct opendata_ask *ask);
/* Cancels it when it still runs; lets go of the answer. */
void open_data_done(struct open_data *o);

/* An event of a page's in which {"$cloudID": …} or {"$openData": {…}} may
 * stand. */
bool open_event_is_meant(struct slice event);

enum { OPEN_EVENT_TOP = 5 }; /* of them in one event, as at CloudBase */

/* Embedded in its owner. */
struct open_event {
	struct job job;
	struct slice event; /* the answer, in the arena */
	size_t built;       /* about the bytes that it holds until its end */
	/* its own */
	struct gateway *gateway;
	const struct caller *who;
	struct arena *arena;
	json_t *root;
	json_t *foreign; /* WeChat's own ids */
	struct session_key_ask keys;
	struct cloudid_ask ask;
	bool with_data;
};

/* job_init(&e->job, …) first.  Each of the event's members that is one of those
 * becomes {cloudID, data} or {cloudID, errCode, errMsg, code}. */
void open_event_start(struct open_event *e, struct gateway *g,
	struct arena *arena, const struct caller *who, struct slice event);
