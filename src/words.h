#pragma once

/* Sentences from other processes, for status and answers: cut to size, valid
 * UTF-8 whatever they were. */

#include "base/slice.h"

#include <jansson.h>

void words_keep(char *to, size_t size, struct slice text);
json_t *words_json(const char *text) _returns_value_;
