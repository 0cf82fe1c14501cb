#pragma once

/*
 * A private PostgreSQL cluster for one test program: made in a new folder under
 * /tmp, reached by a unix socket only, gone with the program however it ends.
 */

#include <stdbool.h>
#include <sys/types.h>

struct testpg;

/* Made and started; aborts with a sentence when that cannot be. */
struct testpg *testpg_new(void);
/* A streaming replica of it, which must outlive it. */
struct testpg *testpg_new_replica(const struct testpg *primary);
struct testpg *testpg_free(struct testpg *t);

/* libpq connection string of the superuser. */
const char *testpg_url(const struct testpg *t);
/* The server stops at once, as after kill -9 of all of it. */
void testpg_kill(struct testpg *t);
/* It starts again on the same data; returns when it answers. */
void testpg_start(struct testpg *t);
/* A setting, "name=value", of later starts; borrowed. */
void testpg_set(struct testpg *t, const char *setting);
pid_t testpg_pid(const struct testpg *t);

/* One statement on a connection of its own; its first value, or NULL.  The
 * text lives until the next call. */
const char *testpg_query(struct testpg *t, const char *sql);
