/*
 * /ops/files/rules: what a project's storage/rules.json says, taken up (POST)
 * and shown (GET).
 */
#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "storage/file_rules_set.h"

struct rules_set_act {
	struct request *r;
	struct file_rules_op op;
};

static void
on_done(struct job *job)
{
	struct rules_set_act *a =
		container_of(container_of(job, struct file_rules_op, job),
			struct rules_set_act, op);
	int e = job->err;

	if (e >= 0)
		e = request_reply(a->r, 200,
			slice_str(arena_printf(request_arena(a->r),
				"{\"changed\":%s,\"storage\":%.*s}",
				a->op.changed ? "true" : "false",
				SLICE_ARG(a->op.now))));
	request_finish(a->r, e, &job->why);
}

static struct rules_set_act *
begin(struct request *r)
{
	struct rules_set_act *a =
		arena_new(request_arena(r), struct rules_set_act);

	a->r = r;
	a->op.arena = request_arena(r);
	job_init(&a->op.job, on_done);
	(void)request_wait(r, &a->op.job);
	return a;
}

int
endpoint_ops_file_rules_set(struct request *r)
{
	int e = request_json(r);
	struct rules_set_act *a;

	if (e < 0)
		return e;
	a = begin(r);
	file_rules_set(r->gateway->files, &a->op, r->json);
	return STEP_WAIT;
}

int
endpoint_ops_file_rules(struct request *r)
{
	file_rules_show(r->gateway->files, &begin(r)->op);
	return STEP_WAIT;
}
