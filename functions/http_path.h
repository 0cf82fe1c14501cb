#pragma once

/*
 * Paths that functions answer at: triggers of type "http".  A function has the
 * path itself and all below it; where several fit, the longest.
 */

#include "base/err.h"
#include "base/slice.h"

enum { HTTP_PATH_TOP = 256 };

/* "/api/orders" or "/"; ERR_PARAM with a text that says what is wrong with it,
 * also when it is one of our own. */
int http_path_check(struct slice path, struct fault *why) _must_check_;
/* Whether the first segment of `path` belongs to the platform. */
bool http_path_is_ours(struct slice path);
/* Whether `path` is `prefix` or below it. */
bool http_path_covers(struct slice prefix, struct slice path);

/* A set of methods: bits, in the order of http_method_name. */
enum { HTTP_METHODS = 7, HTTP_ANY_METHOD = (1 << HTTP_METHODS) - 1 };
const char *http_method_name(unsigned which) _returns_value_;
/* The bit of "GET" …; HEAD comes with GET.  0: none of them. */
unsigned http_method_bits(struct slice name);
