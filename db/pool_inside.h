#pragma once

/*
 * What pool.c and pool_line.c share.  A pool has lines, each with connections
 * of its own.
 */

#include "base/list.h"
#include "base/series.h"
#include "base/timer.h"
#include "db/flight.h"
#include "db/pg.h"
#include "db/pool.h"
#include "db/shape.h"

struct dsn;

enum line_kind {
	LINE_READ,  /* reads at first; deep pipelines */
	LINE_WRITE, /* writes at first; one commit at a time on a connection */
	LINE_SLOW,  /* what takes long; one at a time on a connection */
	LINE_LOCK,  /* what waits for another's lock; the same */
	LINES,
};

struct pool_pg {
	struct pg pg;
	struct pool *pool;
	enum line_kind line;
	bool dirty;  /* sent to in this turn: flush it */
	bool open;   /* this turn's writes that share: more may join them */
	bool rested; /* nothing was sent since the last look */
};

struct line {
	struct list waiting; /* struct flight */
	struct list held;    /* those whose connection commits just now */
	struct dsn *dsn;
	unsigned depth; /* flights on one connection */
	unsigned count;
	struct pool_pg *pgs;
};

struct pool {
	struct loop *loop;
	uint64_t timeout_ms;
	unsigned waiting_top, waiting_len;
	struct defer send;
	struct timer watch, rest;
	bool closing;
	struct shapes shapes;
	struct shapes failing; /* writes that undid their neighbours */
	struct line line[LINES];
	struct series *reads, *writes; /* what is counted, or NULL */
};

/* pool_line.c */
int lines_init(struct pool *pool, const struct pool_conf *conf,
	struct fault *why) _must_check_;
void lines_done(struct pool *pool);
/* To the end of its line, or to the head. */
void line_wait(struct pool *pool, struct flight *f, bool first);
void line_take_out(struct pool *pool, struct flight *f);
/* The line a new flight goes to. */
enum line_kind line_for(const struct pool *pool, const struct flight *f);
/* It has written its row: what waits for the lock of that row may go on. */
void line_free_row(struct pool *pool, const struct flight *f);
bool line_is_up(const struct line *line);
/* One of the two where everything begins. */
bool line_is_first(enum line_kind kind);

/* pool.c */
extern const struct pg_ops pool_ops;
