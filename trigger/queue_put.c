/*
 * Into the queue.  Asked for once: the caller hears 0 only after the commit, so
 * whoever was promised a call has it on the disk.
 */
#include "trigger/queue_inside.h"

#include "base/clock.h"
#include "base/mem.h"

enum { CALLER_TOP = 8192 };

static const char put_sql[] =
	"SELECT id, existed FROM mpcloud.queue_put($1::text, $2::text, "
	"$3::text, $4::text, $5::text, $6::jsonb, $7::integer, $8::text, "
	"$9::text, $10::bigint, $11::integer, $12::bigint, $13::integer)";

static void
on_put(struct job *job)
{
	struct queue_put *put = container_of(
		container_of(job, struct ask, job), struct queue_put, ask);
	struct slice id;

	if (job->err == 0 && ask_rows(&put->ask) == 1) {
		id = ask_value(&put->ask, 0, 0);
		memcpy(put->id, id.ptr, min(id.len, sizeof(put->id) - 1));
		put->existed = slice_is(ask_value(&put->ask, 0, 1), "t");
		queue_wake(put->queue);
	} else if (job->err == 0) {
		job->err = ERR_INTERNAL;
	}
	put->told(job);
}

static void
member(struct buf *to, const char *name, const char *value)
{
	buf_char(to, to->len ? ',' : '{');
	buf_json(to, slice_str(name));
	buf_char(to, ':');
	buf_json(to, slice_str(value ? value : ""));
}

static void
put_caller(struct buf *to, const struct queue_put *put)
{
	const struct caller *who = put->caller;

	member(to, "source", put->source ? put->source : "wx_trigger");
	if (who) {
		member(to, "uid", who->uid);
		member(to, "openid", who->openid);
		member(to, "unionid", who->unionid);
		member(to, "kind", who->kind);
		member(to, "customId", who->custom_id);
		member(to, "appid", who->appid);
	}
	buf_char(to, '}');
}

void
queue_put_async(struct queue *queue, struct queue_put *put)
{
	struct number depth, run_at, retries, now, top;
	int64_t now_ms = clock_now_ms();
	_buf_ struct buf who;

	buf_init(&who, CALLER_TOP);
	put_caller(&who, put);
	put->queue = queue;
	put->told = put->ask.job.done;
	put->ask.job.done = on_put;
	put->ask.is_read = false;
	put->ask.shares = true;
	put->existed = false;
	put->id[0] = '\0';
	pool_ask(queue->conf.pool, &put->ask, put_sql,
		(struct slice[]){slice_str(queue->env),
			slice_str(queue_kind_name(put->kind)),
			slice_str(put->function),
			slice_str(put->qualifier ? put->qualifier : ""),
			put->event, buf_all(&who),
			number_of(&depth, put->caller ? put->caller->depth : 0),
			slice_str(put->request_id),
			slice_str(put->key ? put->key : ""),
			number_of(&run_at,
				put->run_at ? put->run_at / CLOCK_MS : now_ms),
			number_of(&retries, put->retries),
			number_of(&now, now_ms),
			number_of(&top, put->user_top)},
		13);
}
