/*
 * POST /ops/import/begin {import, collection, source, anew?} and
 * POST /ops/import/end {imports: […]}: the frame of an import, whose parts are
 * in endpoint_bulk_part.c.
 */
#include "gateway/endpoint_bulk.h"
#include "base/val.h"
#include "documents/sql.h"
#include "gateway/endpoint.h"
#include "gateway/lane.h"

enum { NAME_TOP = 256, SOURCE_TOP = 4096 };

int
bulk_act_take(struct bulk_act *a, struct request *r)
{
	a->r = r;
	a->gateway = r->gateway;
	return lane_take(a->gateway, &a->pool, &r->why);
}

int
bulk_act_find(struct bulk_act *a, struct request *r, struct slice name)
{
	const char *env = r->gateway->conf->server_env;
	int e = coll_parse(&a->coll, env, name, request_arena(r), &r->why);

	return e < 0 ? e : bulk_act_take(a, r);
}

void
bulk_act_done(struct bulk_act *a)
{
	job_cancel(&a->op.job);
	if (a->pool)
		lane_put(a->gateway);
	a->pool = NULL;
}

void
bulk_act_op(struct bulk_act *a, job_fn *done)
{
	a->op = (struct bulk_op){0};
	job_init(&a->op.job, done);
}

struct bulk_act *
bulk_act_of(struct job *job)
{
	struct bulk_op *op = container_of(job, struct bulk_op, job);

	return container_of(op, struct bulk_act, op);
}

static void
on_end(struct request *r)
{
	bulk_act_done(r->act);
}

static void
on_begun(struct job *job)
{
	struct bulk_act *a = bulk_act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, ask_value(&a->op.ask, 0, 0));
	request_finish(a->r, job->err, &job->why);
}

static void
on_ended(struct job *job)
{
	struct bulk_act *a = bulk_act_of(job);

	(void)request_reply(a->r, 200, SLICE("{}"));
	request_finish(a->r, job->err, &job->why);
}

static struct bulk_act *
act_new(struct request *r)
{
	struct bulk_act *a = arena_new(request_arena(r), struct bulk_act);

	r->act = a;
	r->end = on_end;
	return a;
}

int
endpoint_ops_import_begin(struct request *r)
{
	struct slice import, collection, source;
	struct bulk_act *a = act_new(r);
	bool anew = false;
	int e = request_json(r);

	if (e == 0)
		e = val_str(
			r->json, "import", BULK_IMPORT_TOP, &import, &r->why);
	if (e == 0)
		e = val_str(
			r->json, "collection", NAME_TOP, &collection, &r->why);
	if (e == 0)
		e = val_str(r->json, "source", SOURCE_TOP, &source, &r->why);
	if (e == 0)
		e = val_bool_or(r->json, "anew", false, &anew, &r->why);
	if (e == 0)
		e = bulk_act_find(a, r, collection);
	if (e < 0)
		return e;
	bulk_act_op(a, on_begun);
	bulk_begin(a->pool, &a->op, &a->coll, import, source, anew);
	return STEP_WAIT;
}

static int
put_ids(struct buf *to, const json_t *list, struct fault *why)
{
	size_t i;
	json_t *v;

	buf_char(to, '{');
	json_array_foreach (list, i, v) {
		if (!json_is_string(v) ||
			json_string_length(v) > BULK_IMPORT_TOP)
			return fault_set(
				why, ERR_PARAM, "imports: a list of ids");
		if (i)
			buf_char(to, ',');
		sql_array_item(to, slice_str(json_string_value(v)));
	}
	buf_char(to, '}');
	return buf_check(to);
}

int
endpoint_ops_import_end(struct request *r)
{
	struct bulk_act *a = act_new(r);
	_buf_ struct buf ids = {0};
	int e = request_json(r);

	buf_init(&ids, 1 << 20);
	if (e == 0)
		e = put_ids(&ids, json_object_get(r->json, "imports"), &r->why);
	if (e == 0)
		e = bulk_act_take(a, r);
	if (e < 0)
		return e;
	bulk_act_op(a, on_ended);
	bulk_end(a->pool, &a->op, buf_all(&ids));
	return STEP_WAIT;
}
