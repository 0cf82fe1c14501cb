#pragma once

/*
 * Indexes made and dropped on the private server of doc_call.h: shared by the
 * test programs of indexes.
 */

#include "documents/coll_op.h"
#include "documents/index.h"
#include "documents/index_work.h"
#include "tests/unit/doc_call.h"

static struct index_work *work;

struct op {
	struct coll_op op;
	struct arena arena;
	int done;
};

static _unused_ void
on_op(struct job *job)
{
	container_of(job, struct op, op.job)->done = 1;
	loop_stop(&loop);
}

static _unused_ void
op_begin(struct op *o)
{
	*o = (struct op){0};
	arena_init(&o->arena, 64 << 20);
	o->op.arena = &o->arena;
	job_init(&o->op.job, on_op);
}

static _unused_ int
op_end(struct op *o)
{
	while (!o->done)
		loop_turn(&loop, true);
	return o->op.job.err;
}

static _unused_ const char *
indexes_of(const char *coll)
{
	static char ret[8192];
	struct op o;

	op_begin(&o);
	coll_op_indexes(pool, &o.op, "test", slice_str(coll));
	assert_int_equal(op_end(&o), 0);
	(void)snprintf(ret, sizeof(ret), "%.*s", SLICE_ARG(o.op.json));
	arena_done(&o.arena);
	return ret;
}

/* Adds it and waits until it stands; the error's sentence when it cannot. */
static _unused_ const char *
add_index(const char *coll, const char *text)
{
	static char ret[512];
	_json_ json_t *v = parse(text);
	struct op o;
	int r;

	op_begin(&o);
	coll_op_add_index(pool, &o.op, "test", slice_str(coll), v);
	r = op_end(&o);
	(void)snprintf(ret, sizeof(ret), "%s",
		r < 0 ? fault_text(&o.op.job.why, r) : "");
	arena_done(&o.arena);
	if (r < 0)
		return ret;
	index_work_kick(work);
	while (strstr(indexes_of(coll), "building"))
		loop_turn(&loop, true);
	return ret;
}

static _unused_ void
drop_index(const char *coll, const char *name)
{
	struct op o;

	op_begin(&o);
	coll_op_drop_index(
		pool, &o.op, "test", slice_str(coll), slice_str(name));
	assert_int_equal(op_end(&o), 0);
	assert_true(o.op.done);
	arena_done(&o.arena);
	index_work_kick(work);
	while (strstr(indexes_of(coll), "dropping"))
		loop_turn(&loop, true);
}

static _unused_ int
start_all(void **state)
{
	struct index_work_conf conf = {.check_ms = 1000};

	if (group_start(state))
		return -1;
	conf.url = testpg_url(server);
	return index_work_new(&work, pool, &conf);
}

static _unused_ int
stop_all(void **state)
{
	work = index_work_free(work);
	return group_stop(state);
}
