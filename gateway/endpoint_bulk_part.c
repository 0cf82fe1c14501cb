/*
 * POST /ops/import?collection=&mode=&import=&first=&last=&digest=&number=&at=
 * with documents as lines: one part of a file.  Answers {"documents",
 * "written", "repeated"}, or, when nothing was written, {"refused": [{"at",
 * "why"}…]} for lines that cannot be stored, {"again": line} for an _id that
 * comes twice in the part, {"undivided": why} for a part that PostgreSQL
 * refused as a whole: whoever asks sends smaller ones.
 *
 * Reading a megabyte of JSON takes ten milliseconds, which nobody else on this
 * loop should wait for: it is done on a thread of libuv's pool.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "documents/index.h"
#include "gateway/endpoint.h"
#include "gateway/endpoint_bulk.h"

enum { REFUSED_SHOWN = 1 << 20 };

struct part_act {
	struct bulk_act act; /* act.r is NULL when the client has left */
	enum bulk_mode mode;
	struct bulk_part part;
	struct bulk_batch batch;
	char *body;
	size_t body_len;
	int64_t id_us, now_ms;
	uv_work_t work;
	bool working;
};

static void
act_free(struct part_act *a)
{
	bulk_act_done(&a->act);
	bulk_batch_done(&a->batch);
	(void)mem_free(a->body);
	(void)mem_free(a);
}

static void
on_end(struct request *r)
{
	struct part_act *a = r->act;

	/* A thread that still reads wants nothing of the gateway. */
	bulk_act_done(&a->act);
	a->act.r = NULL;
	if (!a->working)
		act_free(a);
}

static struct part_act *
act_of(struct job *job)
{
	return container_of(bulk_act_of(job), struct part_act, act);
}

static void answer(struct part_act *a, const char *fmt, ...) _printf_(2, 3);

static void
answer(struct part_act *a, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)request_reply(a->act.r, 200,
		slice_of(text, min((size_t)n, sizeof(text) - 1)));
	request_finish(a->act.r, 0, NULL);
}

static void
answer_refused(struct part_act *a)
{
	_buf_ struct buf b = {0};

	buf_init(&b, 2 * REFUSED_SHOWN);
	buf_str(&b, "{\"refused\":[");
	buf_slice(&b, buf_all(&a->batch.refused));
	buf_str(&b, "]}");
	(void)request_reply(a->act.r, 200, buf_all(&b));
	request_finish(a->act.r, 0, NULL);
}

static void
answer_undivided(struct part_act *a, const char *why)
{
	_buf_ struct buf text = {0};

	buf_init(&text, 2048);
	buf_json(&text, slice_str(why));
	answer(a, "{\"undivided\":%s}", text.ptr);
}

/* Lines count from the first of the body, empty ones too. */
static void
on_found(struct job *job)
{
	struct part_act *a = act_of(job);
	int rows = job->err == 0 ? ask_rows(&a->act.op.ask) : 0;

	if (job->err < 0) {
		request_finish(a->act.r, job->err, &job->why);
		return;
	}
	for (int i = 0; i < rows; i++)
		bulk_refuse(&a->batch,
			(size_t)ask_int(&a->act.op.ask, i, 0) - 1,
			"a document with this _id exists already; --mode "
			"upsert, replace or skip says what becomes of it");
	if (rows)
		answer_refused(a);
	else /* it has gone meanwhile: each is tried alone */
		answer_undivided(a, "a document with this _id existed");
}

/* What another try would meet again, because of what is in the part. */
static bool
is_of_content(int err)
{
	return err == ERR_DB || err == ERR_DB_PARAM || err == ERR_TOO_BIG ||
	       err == ERR_DB_EXISTS;
}

static void
on_refused(struct part_act *a, int err, const struct fault *why)
{
	struct fault index = {0};

	if (err == ERR_DB_EXISTS &&
		index_tell_duplicate(a->act.coll.name, why->text, &index)) {
		answer_undivided(a, index.text);
	} else if (err == ERR_DB_EXISTS && a->mode == BULK_INSERT) {
		bulk_act_op(&a->act, on_found);
		bulk_find(a->act.pool, &a->act.op, &a->act.coll, &a->batch);
	} else if (err == ERR_TOO_BIG && !*why->text) {
		answer_undivided(
			a, "this would make a document of more than 16 MiB");
	} else if (strcmp(a->act.op.ask.sqlstate, "23503") == 0) {
		(void)fault_set(&index, ERR_CONFLICT,
			"this import was ended, or begun anew, by another run "
			"of the command");
		request_finish(a->act.r, ERR_CONFLICT, &index);
	} else if (is_of_content(err)) {
		answer_undivided(a, fault_text(why, err));
	} else {
		request_finish(a->act.r, err, why);
	}
}

static void
on_written(struct job *job)
{
	struct part_act *a = act_of(job);
	const struct bulk_op *op = &a->act.op;
	struct fault why = job->why;

	if (job->err < 0)
		on_refused(a, job->err, &why);
	else
		answer(a,
			"{\"documents\":%zu,\"written\":%lld,\"repeated\":%s}",
			a->batch.count, (long long)op->written,
			op->repeated ? "true" : "false");
}

static void
on_work(uv_work_t *work)
{
	struct part_act *a = container_of(work, struct part_act, work);

	bulk_read(&a->batch, a->mode, slice_of(a->body, a->body_len), a->id_us,
		a->now_ms);
}

static void
on_read(uv_work_t *work, int status)
{
	struct part_act *a = container_of(work, struct part_act, work);

	a->working = false;
	if (!a->act.r) {
		act_free(a);
	} else if (status < 0) {
		request_finish(a->act.r, status, NULL);
	} else if (a->batch.refused_count) {
		answer_refused(a);
	} else if (a->batch.again) {
		answer(a, "{\"again\":%zu}", a->batch.again);
	} else {
		bulk_act_op(&a->act, on_written);
		bulk_write(a->act.pool, &a->act.op, &a->act.coll, a->mode,
			&a->batch, &a->part);
	}
}

static int
number(struct request *r, const char *name, int64_t *ret)
{
	uint64_t n;

	if (slice_to_u64(exchange_query(r->x, name), INT64_MAX, &n) < 0)
		return fault_set(&r->why, ERR_PARAM,
			"%s: a whole number is needed", name);
	*ret = (int64_t)n;
	return 0;
}

static int
parse(struct part_act *a, struct request *r)
{
	int64_t number_of = 0, at = 0;
	int e = bulk_mode_parse(
		exchange_query(r->x, "mode"), &a->mode, &r->why);

	a->part.import = exchange_query(r->x, "import");
	a->part.digest = exchange_query(r->x, "digest");
	if (e == 0 &&
		(!a->part.import.len || a->part.import.len > BULK_IMPORT_TOP))
		e = fault_set(&r->why, ERR_PARAM, "import: is needed");
	if (e == 0)
		e = number(r, "first", &a->part.first);
	if (e == 0)
		e = number(r, "last", &a->part.last);
	if (e == 0)
		e = number(r, "number", &number_of);
	if (e == 0)
		e = number(r, "at", &at);
	a->id_us = (at & ((INT64_C(1) << 50) - 1)) * 1000 +
		   (number_of & ((INT64_C(1) << 50) - 1));
	a->now_ms = clock_now_ms();
	return e;
}

/* The thread may outlive the exchange and its body. */
static int
start(struct part_act *a, struct request *r)
{
	struct slice body = exchange_body(r->x);
	int e = exchange_hold(r->x, 3 * body.len);

	if (e < 0)
		return e;
	a->body = mem_dup(body.ptr ? body.ptr : "", max(body.len, (size_t)1));
	a->body_len = body.len;
	e = uv_queue_work(&r->gateway->loop->uv, &a->work, on_work, on_read);
	if (e < 0)
		return e;
	a->working = true;
	return STEP_WAIT;
}

int
endpoint_ops_import(struct request *r)
{
	struct part_act *a = mem_new(struct part_act);
	int e;

	bulk_batch_init(&a->batch);
	r->act = a;
	r->end = on_end;
	e = parse(a, r);
	if (e == 0)
		e = bulk_act_find(
			&a->act, r, exchange_query(r->x, "collection"));
	return e < 0 ? e : start(a, r);
}
