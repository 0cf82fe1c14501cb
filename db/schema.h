#pragma once

/*
 * Migrations: numbered SQL files built into the program, applied in order in
 * one transaction under an advisory lock, so that any number of gateways and
 * daemons may start at once.  Routines (functions, which hold no data) are
 * replaced when their file's hash is another than the one noted.
 */

#include "db/pool.h"

/* Blocking, on its own connection, before the loop runs. */
int schema_migrate(const char *url, struct fault *why) _must_check_;
/* Whether that would work, without doing it: blocking, for a few seconds at the
 * most.  `why` has words in any case. */
int schema_check(const char *url, struct fault *why) _must_check_;
/* The newest number this program knows. */
int schema_newest(void);
