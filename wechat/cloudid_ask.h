#pragma once

/*
 * WeChat's own cloudIDs: a mini program that has an environment in WeChat's
 * cloud gets them beside encryptedData, and WeChat exchanges them for the data.
 *
 * Source: developers.weixin.qq.com, cloudbase.getOpenData (wxa/getopendata).
 */

#include "wechat/wxapi.h"

/* Embedded in its owner, zeroed. */
struct cloudid_ask {
	struct job job;
	json_t *items; /* answer: {id: what stands in its place}, of those known
			*/
	/* its own */
	struct wxapi api;
	struct wxapi_ask ask;
	struct app *app;
	struct buf query, body;
};

/* job_init(&a->job, …) first.  `ids`: an array of texts.  wxapi's errors; what
 * WeChat refuses is ERR_CLOUDID_BAD, with its words. */
void cloudid_ask_start(struct cloudid_ask *a, struct loop *loop,
	struct fetcher *fetcher, struct access_tokens *tokens, struct app *app,
	const char *openid, const json_t *ids);
/* Cancels it when it still runs; lets go of the answer. */
void cloudid_ask_done(struct cloudid_ask *a);
