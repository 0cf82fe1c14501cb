#pragma once

/* access_tokens: who has which, and which are still good. */

#include "mini.h"

void credential_init(struct sandbox *s);
void credential_done(struct sandbox *s);
/*
 * What every endpoint of the platform's API begins with: the method ("GET",
 * "POST", or NULL: either), the access_token of the query, and an answer that
 * POST /sandbox/answer armed for the path.  NULL: `a` is complete.
 */
struct mini *api_enter(struct sandbox *s, struct exchange *x, struct answer *a,
	const char *method);
/* The body of a POST, an object; NULL: `a` is complete (44002, 47001).  The
 * caller owns it. */
json_t *api_body(struct exchange *x, struct answer *a);
/* Only the armed answer, for doors that need no token.  True: `a` is complete.
 */
bool api_armed(struct sandbox *s, struct exchange *x, struct answer *a);
