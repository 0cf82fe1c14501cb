#pragma once

/*
 * Headers by which a proxy tells what is behind it who asks, from where, and
 * for what path.  Servers believe them, and so do functions that had others in
 * front: none of them is a client's to say.  A route's author may.
 */

#include "http/http.h"

struct request;

/* Whether a header of this name, in whatever spelling, is one of them. */
bool proxy_words_has(struct slice name);
/* Calls fn with what we say: X-Forwarded-For, -Host, -Proto and X-Real-IP, but
 * for those that the request's route sets. */
void proxy_words_each(const struct request *r, header_fn *fn, void *owner);
