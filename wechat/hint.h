#pragma once

/*
 * What people get wrong most often: words that WeChat's errmsg lacks, for the
 * author who reads it.
 */

#include "base/buf.h"

#include <jansson.h>

/* A sentence, or NULL.  `path` is the API's. */
const char *hint_find(const char *path, int64_t errcode);
/* Appends WeChat's answer with the sentence at the end of its errmsg. */
void hint_put(struct buf *to, const json_t *answer, const char *hint);
