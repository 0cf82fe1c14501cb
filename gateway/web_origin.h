#pragma once

/*
 * Web pages that use the built-in paths: server.web_origins, CloudBase's "web
 * security domains".
 */

#include "base/util.h"

struct request;

/* step_route, on the network: ERR_ORIGIN when a page of an origin that is not
 * listed asks. */
int web_origin_check(struct request *r) _must_check_;
/* A browser asks whether it may; false: it is no preflight. */
bool web_origin_preflight(struct request *r);
/* The answer's headers, for a page that may read it. */
void web_origin_say(struct request *r);
