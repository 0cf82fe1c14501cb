#pragma once

/* A login under way for a request; shared by the login and ops endpoints. */

#include "auth/session.h"

struct request;

struct login_act {
	struct request *r;
	struct login login;
};

/* Ends with the tokens as the answer. */
struct login_act *login_act_new(struct request *r) _returns_value_;
