/*
 * The statements of imports and exports.  A batch is an INSERT that depends on
 * another INSERT, of the part's row, in the same statement: asked again after
 * an answer that was lost, the row is there, and nothing happens.
 */
#include "documents/bulk.h"

#include "base/clock.h"

#include <stdio.h>

static struct bulk_op *
op_of(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);

	return container_of(ask, struct bulk_op, ask);
}

static void
on_dropped(struct job *job)
{
	struct bulk_op *op = container_of(job, struct bulk_op, job);

	job_cancel(&op->ask.job);
}

static void
finish(struct job *job)
{
	struct bulk_op *op = op_of(job);

	op->job.why = job->why;
	job_finish(&op->job, job->err);
}

/* The ask has the deadline; our job only hands its end on. */
static void
begin(struct pool *pool, struct bulk_op *op, job_fn *done, bool is_read)
{
	job_begin(&op->job, pool_loop(pool), 0, on_dropped);
	op->ask = (struct ask){.is_read = is_read};
	job_init(&op->ask.job, done);
}

static struct slice
number(char room[24], int64_t n)
{
	int len = snprintf(room, 24, "%lld", (long long)n);

	return slice_of(room, (size_t)len);
}

void
bulk_begin(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	struct slice import, struct slice source, bool anew)
{
	char now[24];
	const struct slice params[] = {
		import,
		slice_str(coll->env),
		coll->name,
		source,
		number(now, clock_now_ms()),
		ask_flag(anew),
	};

	begin(pool, op, finish, false);
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.import_begin($1::text, $2::text, $3::text, "
		"$4::text, $5::bigint, $6::boolean)::text",
		params, array_size(params));
}

/* What is done about an _id that exists. */
static const char *const conflicts[] = {
	[BULK_INSERT] = "",
	[BULK_UPSERT] = " ON CONFLICT (_id) DO UPDATE SET doc = "
			"t.doc || excluded.doc",
	[BULK_REPLACE] = " ON CONFLICT (_id) DO UPDATE SET doc = excluded.doc",
	[BULK_SKIP] = " ON CONFLICT (_id) DO NOTHING",
};

static void
put_write(struct buf *sql, const struct coll *coll, enum bulk_mode mode)
{
	/* an import is no news: it sets off no triggers (queue_change) */
	buf_str(sql, "/*mpcloud import*/ "
		     "WITH part AS (INSERT INTO mpcloud.import_parts (import, "
		     "first, last, documents, digest) VALUES ($3::text, "
		     "$4::bigint, $5::bigint, $6::bigint, $7::text) "
		     "ON CONFLICT DO NOTHING RETURNING 1), "
		     "put AS (INSERT INTO ");
	buf_slice(sql, coll->quoted);
	buf_str(sql, " AS t (_id, doc) SELECT r.k, r.d::jsonb FROM "
		     "ROWS FROM (unnest($1::text[]), "
		     "string_to_table($2::text, E'\n')) AS r (k, d) "
		     "WHERE EXISTS (SELECT 1 FROM part)");
	buf_str(sql, conflicts[mode]);
	buf_str(sql, " RETURNING 1) SELECT (SELECT count(*) FROM part), "
		     "(SELECT count(*) FROM put)");
}

static void
on_written(struct job *job)
{
	struct bulk_op *op = op_of(job);

	if (job->err == 0) {
		op->repeated = ask_int(&op->ask, 0, 0) == 0;
		op->written = ask_int(&op->ask, 0, 1);
	}
	finish(job);
}

void
bulk_write(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	enum bulk_mode mode, const struct bulk_batch *b,
	const struct bulk_part *part)
{
	char first[24], last[24], count[24];
	const struct slice params[] = {
		buf_all(&b->keys),
		b->count ? buf_all(&b->docs) : slice_of(NULL, 0),
		part->import,
		number(first, part->first),
		number(last, part->last),
		number(count, (int64_t)b->count),
		part->digest,
	};
	_buf_ struct buf sql;

	buf_init(&sql, 4096);
	put_write(&sql, coll, mode);
	begin(pool, op, on_written, false);
	pool_ask_shape(
		pool, &op->ask, buf_all(&sql), params, array_size(params));
}

void
bulk_find(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	const struct bulk_batch *b)
{
	const struct slice keys = buf_all(&b->keys);
	_buf_ struct buf sql;

	buf_init(&sql, 4096);
	buf_str(&sql, "SELECT k.n FROM unnest($1::text[]) WITH ORDINALITY AS "
		      "k (id, n) JOIN ");
	buf_slice(&sql, coll->quoted);
	buf_str(&sql, " AS t ON t._id = k.id ORDER BY k.n");
	begin(pool, op, finish, true);
	pool_ask_shape(pool, &op->ask, buf_all(&sql), &keys, 1);
}

void
bulk_end(struct pool *pool, struct bulk_op *op, struct slice imports)
{
	begin(pool, op, finish, false);
	pool_ask(pool, &op->ask,
		"DELETE FROM mpcloud.imports WHERE id = ANY ($1::text[])",
		&imports, 1);
}

void
bulk_definitions(struct pool *pool, struct bulk_op *op, const char *env)
{
	const struct slice name = slice_str(env);

	begin(pool, op, finish, false);
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.export_definitions($1::text)::text", &name, 1);
}

void
bulk_page(struct pool *pool, struct bulk_op *op, const struct coll *coll,
	struct slice after, int64_t top, int64_t bytes)
{
	char how_many[24], how_much[24];
	const struct slice params[] = {
		coll->schema,
		coll->table,
		after,
		number(how_many, top),
		number(how_much, bytes),
	};

	begin(pool, op, finish, true);
	pool_ask(pool, &op->ask,
		"SELECT key, typed, whole FROM mpcloud.export_page($1::text, "
		"$2::text, $3::text, $4::integer, $5::bigint)",
		params, array_size(params));
}

void
bulk_put_row(struct buf *to, const struct bulk_op *op, int row,
	enum ejson_form form, struct slice *key)
{
	*key = ask_value(&op->ask, row, 0);
	ejson_put_doc(to, *key, ask_value(&op->ask, row, 1),
		ask_value(&op->ask, row, 2), form);
	buf_char(to, '\n');
}
