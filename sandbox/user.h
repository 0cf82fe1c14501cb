#pragma once

/* Login codes, for the control endpoints. */

#include "sandbox.h"

/* What wx.login would give: good once, for five minutes.  An empty openid: a
 * new user.  Borrowed until the sandbox forgets it. */
const char *code_issue(struct sandbox *s, struct slice openid,
	struct slice unionid, bool blocked) _returns_value_;
