#pragma once

/*
 * What a server's refusal means to who wants its change stream.
 */

#include "base/err.h"

/* `state`: SQLSTATE, or NULL where only words are there; `words`: libpq's.
 * why->code is ERR_WATCH_STREAM where an operator has to do something, which
 * the text says, else ERR_DB_DOWN. */
void changes_trouble(struct fault *why, const char *state, const char *words);
