#pragma once

/*
 * The paths of tests/lib/httpd whose bodies do not lie in memory.
 */

#include "http/http.h"

/* From on_head: true when the path was one of ours. */
bool more_head(struct loop *loop, struct exchange *x);
/* From on_request. */
bool more_request(struct loop *loop, struct exchange *x, const char *file);
/* From on_end. */
void more_end(struct exchange *x, bool sent);
/* ,"upgrades":… for /stats */
const char *more_stats(void);
