#pragma once

/*
 * Functions that have a door.  A declared route with auth "apikey" or "hmac"
 * says that its function is for those programs, so users do not reach it by its
 * name, where they would write the whole event themselves, headers and address
 * included.  Functions and the operator call what they like.
 */

#include "base/util.h"

#include <jansson.h>

struct caller;
struct declared_table;
struct fault;
struct gateway;

/* The functions with a door, as members of an object; NULL: none. */
json_t *fn_door_all(const struct declared_table *t) _must_check_;
/* 0 or ERR_DENIED: may `who` call it by its name? */
int fn_door_check(const struct gateway *g, const struct caller *who,
	const char *function, struct fault *why) _must_check_;
