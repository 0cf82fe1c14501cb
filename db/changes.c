/*
 * One replication connection, from nothing to a stream and again after a loss.
 *
 * Walsenders take no pipeline and no prepared statements, so this is libpq's
 * plain asynchronous way: what is asked before the stream is a table of steps
 * (publish the tables, make a slot, start), each sent when the one before was
 * answered.  Tables are published before the slot is made, because making it
 * waits for every transaction under way: none can have begun to write to a
 * table that was not published then.
 */
#include "db/changes.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "base/event.h"
#include "base/fdpoll.h"
#include "base/mem.h"
#include "base/resolve.h"
#include "base/text.h"
#include "base/timer.h"
#include "db/changes_trouble.h"
#include "db/dsn.h"
#include "db/pg.h"
#include "db/pgoutput.h"

#include <libpq-fe.h>

enum {
	OPEN_MS = 5000,
	/* making a slot waits for transactions that write, which may take as
	 * long as they like; then it is told */
	SLOT_MS = 60000,
	REST_LEAST_MS = 50,
	REST_MOST_MS = 5000,
	SAY_MS = 10000,     /* between two words of ours to the server */
	SILENT_TOP = 3,     /* so many of them without any of its */
	TURN_TOP = 1 << 20, /* bytes that are looked at in one turn */
};

enum state { RESTING, RESOLVING, CONNECTING, ASKING, STREAMING, CLOSED };

struct changes {
	struct loop *loop;
	struct dsn *dsn;
	char *schema;
	struct changes_ops ops;
	enum state state;
	struct timer timer; /* of the state: rest, deadline, next word */
	struct timer more;  /* of a turn that looked at enough */
	uint64_t rest_ms;
	PGconn *conn;
	struct fdpoll poll;
	struct resolve resolve;
	struct pgoutput decoder;
	unsigned step, silent;
	char *publication;
	char slot[32];
	uint64_t seen; /* position that the server has told of last */
	bool paused;
	bool told; /* of the trouble that lasts */
};

static void on_socket(struct fdpoll *poll, int events);

/* Opened anew for each step of the handshake: see pg_open.c. */
static int
watch(struct changes *c, int events)
{
	if (!fdpoll_is_open(&c->poll))
		return fdpoll_open(&c->poll, c->loop, PQsocket(c->conn), events,
			on_socket);
	return fdpoll_set(&c->poll, events);
}

static void
stop(struct changes *c)
{
	timer_clear(&c->timer);
	timer_clear(&c->more);
	fdpoll_close(&c->poll);
	resolve_cancel(&c->resolve);
	if (c->conn)
		PQfinish(take(c->conn));
	c->publication = mem_free(c->publication);
	pgoutput_done(&c->decoder);
	c->state = CLOSED;
}

static void open_it(struct changes *c);

static void
on_rested(struct timer *timer)
{
	open_it(container_of(timer, struct changes, timer));
}

static void
rest(struct changes *c)
{
	uint64_t ms = max(c->rest_ms, (uint64_t)REST_LEAST_MS);

	stop(c);
	c->rest_ms = min(ms * 2, (uint64_t)REST_MOST_MS);
	c->state = RESTING;
	timer_set(&c->timer, c->loop,
		ms / 2 + uv_hrtime() / 1000 % (ms / 2 + 1), on_rested);
}

static void
fail(struct changes *c, const struct fault *why)
{
	if (!c->told)
		event(EVENT_WATCH_DOWN, "why", why->text, NULL);
	c->told = true;
	rest(c);
	c->ops.on_trouble(c->ops.owner, why);
}

static void
fail_with(struct changes *c, const char *text)
{
	struct fault why = {0};

	(void)fault_set(&why, ERR_DB_DOWN, "the change stream: %s", text);
	fail(c, &why);
}

/* `words`: libpq's, which name the server, no secret. */
static void
fail_server(struct changes *c, const char *state, const char *words)
{
	struct fault why = {0};

	changes_trouble(&why, state, words);
	fail(c, &why);
}

static void
fail_connection(struct changes *c)
{
	fail_server(c, NULL, c->conn ? PQerrorMessage(c->conn) : "no memory");
}

static void
on_late(struct timer *timer)
{
	struct changes *c = container_of(timer, struct changes, timer);

	fail_with(c, c->state == ASKING
			     ? "it waits for transactions that have been "
			       "writing for a minute (pg_stat_activity): it is "
			       "tried again"
			     : "no answer while opening");
}

/* What is asked before the stream, in this order. */
static void
put_publish(struct changes *c, struct buf *to)
{
	char *name = PQescapeLiteral(c->conn, c->schema, strlen(c->schema));

	buf_printf(to, "SELECT mpcloud.publish(%s)", name ? name : "NULL");
	PQfreemem(name);
}

/* Gone with the connection.  Its name must only be nobody else's. */
static void
put_slot(struct changes *c, struct buf *to)
{
	uint8_t random[8];
	_buf_ struct buf hex;

	buf_init(&hex, 2 * sizeof(random) + 1);
	crypto_random(random, sizeof(random));
	text_hex(&hex, slice_of((const char *)random, sizeof(random)));
	(void)snprintf(c->slot, sizeof(c->slot), "mpcloud_%s", hex.ptr);
	buf_printf(to,
		"CREATE_REPLICATION_SLOT \"%s\" TEMPORARY LOGICAL pgoutput "
		"NOEXPORT_SNAPSHOT",
		c->slot);
}

/* The option is a list of identifiers in a literal. */
static void
put_start(struct changes *c, struct buf *to)
{
	_buf_ struct buf list;
	char *literal;

	buf_init(&list, 256);
	buf_char(&list, '"');
	for (const char *p = c->publication; *p; p++)
		buf_printf(&list, *p == '"' ? "\"\"" : "%c", *p);
	buf_char(&list, '"');
	literal = PQescapeLiteral(c->conn, list.ptr, list.len);
	buf_printf(to,
		"START_REPLICATION SLOT \"%s\" LOGICAL 0/0 (proto_version "
		"'1', messages 'true', publication_names %s)",
		c->slot, literal ? literal : "''");
	PQfreemem(literal);
}

static void (*const steps[])(struct changes *c, struct buf *to) = {
	put_publish, put_slot, put_start};

static void
want(struct changes *c)
{
	int unsent = PQflush(c->conn);
	int events =
		(c->paused ? 0 : UV_READABLE) | (unsent > 0 ? UV_WRITABLE : 0);

	if (unsent < 0 || watch(c, events) < 0)
		fail_connection(c);
}

static void
ask_step(struct changes *c)
{
	_buf_ struct buf text;

	buf_init(&text, 1024);
	steps[c->step](c, &text);
	if (buf_check(&text) < 0 || !PQsendQuery(c->conn, text.ptr)) {
		fail_connection(c);
		return;
	}
	timer_set(&c->timer, c->loop, SLOT_MS, on_late);
	want(c);
}

static void on_say(struct timer *timer);

/* From here on every commit is told. */
static void
stream(struct changes *c)
{
	pgoutput_init(&c->decoder, slice_str(c->schema), &c->ops);
	c->state = STREAMING;
	c->rest_ms = 0;
	c->told = false;
	c->seen = 0;
	c->silent = 0;
	timer_set(&c->timer, c->loop, SAY_MS, on_say);
	event(EVENT_WATCH_UP, "schema", c->schema, NULL);
	c->ops.on_start(c->ops.owner);
}

/* False: the connection is another now. */
static bool
take_answer(struct changes *c, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_COPY_BOTH && c->step + 1 == array_size(steps)) {
		PQclear(result);
		stream(c);
		return false;
	}
	if (status != PGRES_TUPLES_OK || PQntuples(result) != 1) {
		fail_server(c, PQresultErrorField(result, PG_DIAG_SQLSTATE),
			PQresultErrorMessage(result));
		PQclear(result);
		return false;
	}
	if (c->step == 0)
		c->publication = str_dup(PQgetvalue(result, 0, 0));
	PQclear(result);
	return true;
}

static void
read_answers(struct changes *c)
{
	PGresult *result;

	while (!PQisBusy(c->conn)) {
		result = PQgetResult(c->conn);
		if (!result) {
			c->step++;
			ask_step(c);
			return;
		}
		if (!take_answer(c, result))
			return;
	}
	want(c);
}

/* How far we are: what is done need not be kept.  Between transactions that is
 * all that the server has told of. */
static bool
say(struct changes *c, bool want_answer)
{
	uint64_t done = c->decoder.inside ? c->decoder.end
					  : max(c->seen, c->decoder.end);
	char word[34] = {'r'};

	pgoutput_put_u64(word + 1, done);
	pgoutput_put_u64(word + 9, done);
	pgoutput_put_u64(word + 17, done);
	word[33] = want_answer ? 1 : 0; /* its time means nothing to it */
	return PQputCopyData(c->conn, word, sizeof(word)) == 1;
}

static void
on_say(struct timer *timer)
{
	struct changes *c = container_of(timer, struct changes, timer);

	if (!c->paused && ++c->silent > SILENT_TOP) {
		fail_with(c, "nothing was heard for half a minute");
		return;
	}
	timer_set(&c->timer, c->loop, SAY_MS, on_say);
	if (!say(c, true))
		fail_connection(c);
	else
		want(c);
}

/* 'w': start, end, time, a message of the plugin; 'k': end, time, answer? */
static bool
take_message(struct changes *c, struct slice m)
{
	enum { DATA_HEAD = 25, KEEPALIVE = 18 };

	c->silent = 0;
	if (m.len >= DATA_HEAD && m.ptr[0] == 'w') {
		c->seen = max(c->seen, pgoutput_u64(m.ptr + 1));
		return pgoutput_take(&c->decoder, slice_of(m.ptr + DATA_HEAD,
							  m.len - DATA_HEAD)) ==
		       0;
	}
	if (m.len == KEEPALIVE && m.ptr[0] == 'k') {
		c->seen = max(c->seen, pgoutput_u64(m.ptr + 1));
		return !m.ptr[KEEPALIVE - 1] || say(c, false);
	}
	return false;
}

static void on_more(struct timer *timer);

static void
read_stream(struct changes *c)
{
	size_t bytes = 0;

	while (!c->paused) {
		char *data = NULL;
		int len = PQgetCopyData(c->conn, &data, 1);
		bool fine;

		if (len == 0)
			break;
		if (len < 0) {
			fail_connection(c);
			return;
		}
		fine = take_message(c, slice_of(data, (size_t)len));
		PQfreemem(data);
		if (!fine) {
			fail_with(c, "a message that cannot be read");
			return;
		}
		bytes += (size_t)len;
		if (bytes > TURN_TOP) {
			timer_set(&c->more, c->loop, 0, on_more);
			break;
		}
	}
	want(c);
}

/* In another turn: others are waiting. */
static void
on_more(struct timer *timer)
{
	struct changes *c = container_of(timer, struct changes, more);

	if (c->state == STREAMING)
		read_stream(c);
}

static void
on_ready(struct changes *c)
{
	if (!PQconsumeInput(c->conn))
		fail_connection(c);
	else if (c->state == ASKING)
		read_answers(c);
	else
		read_stream(c);
}

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static void
shake(struct changes *c)
{
	PostgresPollingStatusType status = PQconnectPoll(c->conn);

	fdpoll_close(&c->poll);
	if (status == PGRES_POLLING_FAILED) {
		fail_connection(c);
	} else if (status != PGRES_POLLING_OK) {
		if (watch(c, status == PGRES_POLLING_WRITING ? UV_WRITABLE
							     : UV_READABLE) < 0)
			fail_with(c, "cannot watch the socket");
	} else if (PQsetnonblocking(c->conn, 1) < 0) {
		fail_connection(c);
	} else {
		c->state = ASKING;
		c->step = 0;
		ask_step(c);
	}
}

static void
on_socket(struct fdpoll *poll, int events)
{
	struct changes *c = container_of(poll, struct changes, poll);

	(void)events;
	if (c->state == CONNECTING)
		shake(c);
	else
		on_ready(c);
}

static void
connect_to(struct changes *c, const char *addrs, unsigned count)
{
	c->state = CONNECTING;
	c->conn = (PGconn *)dsn_connect(c->dsn, addrs, count);
	if (!c->conn || PQstatus(c->conn) == CONNECTION_BAD) {
		fail_connection(c);
		return;
	}
	(void)PQsetNoticeReceiver(c->conn, ignore_notice, NULL);
	if (watch(c, UV_WRITABLE) < 0)
		fail_with(c, "cannot watch the socket");
}

static void
on_resolved(struct resolve *resolve, int status, const struct addrinfo *all)
{
	struct changes *c = container_of(resolve, struct changes, resolve);
	_buf_ struct buf addrs;
	unsigned count;

	(void)status;
	buf_init(&addrs, 1024);
	count = resolve_text(&addrs, all, PG_ADDRESSES);
	if (count)
		connect_to(c, addrs.ptr, count);
	else
		fail_with(c, "the host name cannot be resolved");
}

static void
look_up(struct changes *c)
{
	c->state = RESOLVING;
	c->resolve.on_done = on_resolved;
	if (resolve_start(&c->resolve, c->loop, dsn_host(c->dsn), NULL) < 0)
		fail_with(c, "the host name cannot be looked up");
}

static void
open_it(struct changes *c)
{
	timer_set(&c->timer, c->loop, OPEN_MS, on_late);
	if (dsn_host(c->dsn))
		look_up(c);
	else
		connect_to(c, NULL, 0);
}

int
changes_new(struct changes **ret, struct loop *loop, const char *url,
	const char *schema, const struct changes_ops *ops, struct fault *why)
{
	struct changes *c = mem_new(struct changes);
	int r = dsn_parse(&c->dsn, url, OPEN_MS, why);

	if (r < 0) {
		(void)mem_free(c);
		return r;
	}
	dsn_set_replication(c->dsn);
	dsn_set_option(c->dsn, "lock_timeout=4000");
	c->loop = loop;
	c->schema = str_dup(schema);
	c->ops = *ops;
	c->state = RESTING;
	timer_set(&c->timer, loop, 0, on_rested);
	*ret = c;
	return 0;
}

struct changes *
changes_free(struct changes *c)
{
	if (!c)
		return NULL;
	stop(c);
	c->dsn = dsn_free(c->dsn);
	(void)mem_free(c->schema);
	return mem_free(c);
}

void
changes_pause(struct changes *c, bool on)
{
	if (c->paused == on)
		return;
	c->paused = on;
	c->silent = 0;
	/* what libpq has read already does not make the socket readable */
	if (c->state == STREAMING)
		timer_set(&c->more, c->loop, 0, on_more);
}

void
changes_again(struct changes *c)
{
	rest(c);
}
