#pragma once

/*
 * Cloud calls that come as a form, as wx-server-sdk sends those of WeChat's
 * APIs: with bytes among their parameters.
 */

#include "base/util.h"

struct request;

bool request_form_is(const struct request *r);
/* Sets r->parts, and r->json to an object of the parts that are texts.
 * ERR_PARAM, ERR_TOO_BIG, … */
int request_form_parse(struct request *r) _must_check_;
