#pragma once

/*
 * One call of api.weixin.qq.com's API with the app's access_token.  A token
 * that is refused is dropped, and the call is made once more with the next one
 * (and once again if that was another token and it has ended meanwhile, too).
 */

#include "base/val.h"
#include "wechat/access_token.h"

/* What to ask; borrowed while it runs. */
struct wxapi_ask {
	struct app *app;
	const char *method; /* "GET", "POST" */
	const char *path;   /* "/wxa/business/getuserphonenumber" */
	struct slice query; /* "openid=o1&…", escaped, without access_token */
	struct slice body;
	const char *content_type; /* NULL: application/json */
	size_t answer_top;        /* bytes; 0: 1 MiB */
};

/* Embedded in its owner. */
struct wxapi {
	struct job job; /* err 0: WeChat answered, whatever it says */
	/* answer, until wxapi_done */
	long status;
	int64_t errcode;   /* 0 when it has none */
	char errmsg[256];  /* "" when it has none */
	json_t *json;      /* NULL: media, see body */
	struct slice body; /* as received */
	struct slice content_type;
	/* its own */
	struct access_tokens *tokens;
	struct fetcher *fetcher;
	struct loop *loop;
	const struct wxapi_ask *ask;
	struct token_ask token;
	struct fetch fetch;
	unsigned tries;
	uint8_t refused[32]; /* sum of the first token that WeChat refused */
};

/* job_init(&w->job, …) first. */
void wxapi_start(struct wxapi *w, struct loop *loop, struct fetcher *fetcher,
	struct access_tokens *tokens, const struct wxapi_ask *ask);
/* Cancels it when it still runs; wipes what it held. */
void wxapi_done(struct wxapi *w);
