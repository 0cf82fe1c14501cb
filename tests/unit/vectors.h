#pragma once

/*
 * Reading tests/unit/data/wechat-vectors-*.json: published known answers, and
 * ones made by node:crypto and openssl.
 */

#include "base/arena.h"
#include "base/val.h"
#include "pay/merchant.h"
#include "tests/unit/test.h"

extern json_t *vectors_own, *vectors_pay;

/* For cmocka's group. */
int vectors_setup(void **state);
int vectors_teardown(void **state);

/* By id; must be there. */
const json_t *vector(const json_t *file, const char *id);
/* The same, and it is noted that it was looked at. */
const json_t *vector_see(const json_t *file, const char *id);
/* How many of the file begin so and were looked at; fails at one that was not.
 * Those that other programs look at do not count. */
int vectors_seen(const json_t *file, const char *prefix);
/* A string of it; must be there. */
const char *vector_text(const json_t *v, const char *name);
struct slice vector_slice(const json_t *v, const char *name);
/* A key of the file. */
const char *vector_key(const json_t *file, const char *name);
/* [pay] with the keys of the own file; `certificates`: "yes", "auto", "no". The
 * platform certificate is there with "yes". */
struct merchant *vector_merchant(const char *certificates);
