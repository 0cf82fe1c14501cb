/*
 * The operator's statements; each is a function of db/routines/queue.sql.
 */
#include "trigger/queue_op.h"

#include "base/clock.h"
#include "trigger/queue_inside.h"

enum { IDS_TOP = 1 << 20 };

void
queue_op_list(struct pool *pool, struct queue_op *op)
{
	struct number top;

	op->ask.is_read = true;
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.queue_list($1::text, $2::text, $3::text, "
		"$4::integer)::text",
		(struct slice[]){slice_str(op->env), slice_str(op->function),
			slice_str(op->state), number_of(&top, op->limit)},
		4);
}

void
queue_op_show(struct pool *pool, struct queue_op *op)
{
	struct number id;

	op->ask.is_read = true;
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.queue_show($1::text, $2::bigint)::text",
		(struct slice[]){slice_str(op->env), number_of(&id, op->id)},
		2);
}

/* '{1,2}'; what is no number is none of ours and left out. */
static void
put_ids(struct buf *to, const json_t *ids)
{
	size_t i;
	json_t *v;
	char sep = '{';

	json_array_foreach (ids, i, v) {
		uint64_t n;

		if (json_is_integer(v))
			n = (uint64_t)json_integer_value(v);
		else if (slice_to_u64(slice_str(json_string_value(v)),
				 INT64_MAX, &n) < 0)
			continue;
		buf_char(to, sep);
		buf_i64(to, (int64_t)n);
		sep = ',';
	}
	buf_str(to, sep == '{' ? "{}" : "}");
}

void
queue_op_replay(struct pool *pool, struct queue_op *op)
{
	struct number now;
	_buf_ struct buf ids;

	buf_init(&ids, IDS_TOP);
	put_ids(&ids, op->ids);
	op->ask.is_read = false;
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.queue_replay($1::text, $2::bigint[], $3::text, "
		"$4::bigint)",
		(struct slice[]){slice_str(op->env),
			op->ids ? buf_all(&ids) : slice_of(NULL, 0),
			slice_str(op->function),
			number_of(&now, clock_now_ms())},
		4);
}

void
queue_op_drop(struct pool *pool, struct queue_op *op)
{
	_buf_ struct buf ids;

	buf_init(&ids, IDS_TOP);
	put_ids(&ids, op->ids);
	op->ask.is_read = false;
	pool_ask(pool, &op->ask,
		"SELECT mpcloud.queue_drop($1::text, $2::bigint[])",
		(struct slice[]){slice_str(op->env), buf_all(&ids)}, 2);
}
