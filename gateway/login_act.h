#pragma once

/*
 * A login under way for a request, and what its endpoints share: where it comes
 * from, how many passwords may be tried, its answers.
 */

#include "auth/session.h"
#include "gateway/request.h"

struct login_act {
	struct request *r;
	struct login login;
};

/* Ends with the tokens as /v1 answers them. */
struct login_act *login_act_new(struct request *r) _returns_value_;
/* The same with another end, which calls login_act_finish or request_finish. */
struct login_act *login_act_with(
	struct request *r, job_fn *done) _returns_value_;
/* From `done`: the error, or r->answer, is the answer. */
void login_act_finish(struct login_act *act);
/* login.from, of the headers and of the body when it is parsed: body.appid or
 * X-WX-APPID or the Referer that a mini program's requests bear; body.device,
 * X-Mpcloud-Device or User-Agent; x-device-id. */
int login_act_from(struct login_act *act) _must_check_;

/* One password is about to be tried for `who` (a name or a uid).  ERR_LIMITED,
 * and in how many ms one more may be. */
int attempt_password(const struct gateway *g, const char *ip, struct slice who,
	uint32_t *retry_ms, struct fault *why) _must_check_;
