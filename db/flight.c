/*
 * One allocation holds the struct, the parameters and, where it must be kept,
 * the text.
 */
#include "db/flight.h"

#include "base/event.h"
#include "base/mem.h"
#include "db/pool.h"
#include "db/sqlstate.h"
#include "db/stmt.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static char *
put(char **to, struct slice s)
{
	char *at = *to;

	if (s.len)
		memcpy(at, s.ptr, s.len);
	at[s.len] = '\0';
	*to += s.len + 1;
	return at;
}

struct flight *
flight_new(struct ask *ask, struct slice sql, bool copy,
	const struct slice *params, int count)
{
	size_t size = sizeof(struct flight) + (size_t)count * sizeof(char *);
	struct flight *f;
	char *to;

	for (int i = 0; i < count; i++)
		size += params[i].len + 1;
	f = mem_alloc(size + (copy ? sql.len + 1 : 0));
	list_init(&f->on);
	f->ask = ask;
	f->count = count;
	f->params = (const char **)(void *)(f + 1);
	to = (char *)(f->params + count);
	for (int i = 0; i < count; i++)
		f->params[i] = params[i].ptr ? put(&to, params[i]) : NULL;
	f->sql = copy ? slice_of(put(&to, sql), sql.len) : sql;
	f->hash = stmt_hash(f->sql);
	return f;
}

struct flight *
flight_free(struct flight *f)
{
	if (!f)
		return NULL;
	list_del(&f->on);
	PQclear(f->result);
	return mem_free(f);
}

static const char *
state_of(const struct flight *f)
{
	const char *state = PQresultErrorField(f->result, PG_DIAG_SQLSTATE);

	return state ? state : "";
}

const struct sqlstate_row *
flight_judge(const struct flight *f)
{
	return sqlstate_find(state_of(f));
}

void
flight_answer(struct flight *flight, int err)
{
	_cleanup_(flight_freep) struct flight *f = flight;
	struct ask *ask = f->ask;

	if (!ask)
		return;
	ask->inside[0] = NULL;
	ask->result = err == 0 ? f->result : NULL;
	job_finish(&ask->job, err);
}

/* The server's sentence up to the first quoted value after a colon: "invalid
 * input syntax for type bigint". */
static void
report(const struct flight *f)
{
	const char *text =
		PQresultErrorField(f->result, PG_DIAG_MESSAGE_PRIMARY);
	char room[160];
	char *end;

	(void)snprintf(room, sizeof(room), "%s", text ? text : "");
	end = strstr(room, ": \"");
	if (end)
		*end = '\0';
	event(EVENT_DB_ERROR, "sqlstate", state_of(f), "message", room, NULL);
}

void
flight_refuse(struct flight *f, const struct sqlstate_row *row)
{
	const char *text =
		PQresultErrorField(f->result, PG_DIAG_MESSAGE_PRIMARY);
	struct ask *ask = f->ask;

	if (!ask) {
		(void)flight_free(f);
		return;
	}
	if (row->verdict == STATE_REPORT || row->verdict == STATE_ANEW)
		report(f);
	(void)snprintf(ask->sqlstate, sizeof(ask->sqlstate), "%s", state_of(f));
	if (row->tell && text)
		(void)fault_set(&ask->job.why, row->err, "%s", text);
	else if (row->err == ERR_DB)
		(void)fault_set(&ask->job.why, row->err,
			"the database refused the request (SQLSTATE %s)",
			ask->sqlstate);
	flight_answer(f, row->err);
}
