/*
 * POST /ops/collections {name, permission, documents?}: what a project's
 * `database/` says, made so.  Safe to repeat: the collection is made when
 * absent, its permission set, and documents are inserted whose _id is not
 * there yet, one after the other.
 */
#include "base/val.h"
#include "db/doc.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

struct collection_act {
	struct request *r;
	struct doc_op op;
	struct doc_request ask;
	struct slice name, permission;
	const json_t *documents; /* array or NULL */
	json_t *one;             /* the array of one that is inserted */
	size_t at, inserted;
};

static void act_insert(struct collection_act *a);

static void
on_end(struct request *r)
{
	struct collection_act *a = r->act;

	json_decref(a->one);
	a->one = NULL;
}

static void
act_op(struct collection_act *a, job_fn *done)
{
	a->op = (struct doc_op){.arena = request_arena(a->r)};
	job_init(&a->op.job, done);
	a->r->job = &a->op.job;
}

static void
act_answer(struct collection_act *a)
{
	struct buf b _buf_;

	buf_init(&b, 4096);
	buf_str(&b, "{\"name\":");
	buf_json(&b, a->name);
	buf_printf(&b, ",\"inserted\":%zu,\"kept\":%zu}", a->inserted,
		a->at - a->inserted);
	(void)request_reply(a->r, 200, buf_all(&b));
	request_finish(a->r, 0, NULL);
}

static struct collection_act *
act_of(struct job *job)
{
	return container_of(job, struct collection_act, op.job);
}

static void
on_inserted(struct job *job)
{
	struct collection_act *a = act_of(job);

	if (job->err < 0 && job->err != ERR_DB_EXISTS) {
		request_finish(a->r, job->err, &job->why);
		return;
	}
	a->inserted += job->err == 0;
	a->at++;
	act_insert(a);
}

static void
act_insert(struct collection_act *a)
{
	if (a->at >= json_array_size(a->documents)) {
		act_answer(a);
		return;
	}
	json_decref(a->one);
	a->one = json_pack("[O]", json_array_get(a->documents, a->at));
	a->ask.verb = DOC_INSERT;
	a->ask.data = a->one;
	act_op(a, on_inserted);
	doc_run(&a->r->gateway->docs, &a->op, &a->ask);
}

static void
on_permission(struct job *job)
{
	struct collection_act *a = act_of(job);

	if (job->err < 0)
		request_finish(a->r, job->err, &job->why);
	else
		act_insert(a);
}

static void
on_made(struct job *job)
{
	struct collection_act *a = act_of(job);

	if (job->err < 0 && job->err != ERR_DB_EXISTS) {
		request_finish(a->r, job->err, &job->why);
		return;
	}
	if (!a->permission.len) {
		act_insert(a);
		return;
	}
	act_op(a, on_permission);
	doc_set_permission(&a->r->gateway->docs, &a->op, a->ask.env, a->name,
		a->permission, NULL);
}

static int
act_parse(struct collection_act *a)
{
	struct request *r = a->r;
	json_t *v;
	size_t i;
	int e;

	e = val_str(r->json, "name", 256, &a->name, &r->why);
	if (e < 0)
		return e;
	e = val_str_or(r->json, "permission", 64, slice_of("", 0),
		&a->permission, &r->why);
	if (e < 0)
		return e;
	a->documents = json_object_get(r->json, "documents");
	if (!a->documents || json_is_null(a->documents))
		return 0;
	if (!json_is_array(a->documents))
		return fault_set(
			&r->why, ERR_PARAM, "documents: an array is needed");
	json_array_foreach (a->documents, i, v)
		if (!json_is_string(json_object_get(v, "_id")))
			return fault_set(&r->why, ERR_PARAM,
				"documents[%zu]: needs an _id, so that it is "
				"not inserted twice",
				i);
	return 0;
}

int
endpoint_ops_collection(struct request *r)
{
	struct collection_act *a;
	int e = request_json(r);

	if (e < 0)
		return e;
	a = arena_new(request_arena(r), struct collection_act);
	a->r = r;
	e = act_parse(a);
	if (e < 0)
		return e;
	r->act = a;
	r->end = on_end;
	a->ask = (struct doc_request){
		.verb = DOC_ADD_COLLECTION,
		.env = r->gateway->conf->server_env,
		.collection = a->name,
		.limit = -1,
		.scope = {.admin = true, .openid = ""},
	};
	act_op(a, on_made);
	doc_run(&r->gateway->docs, &a->op, &a->ask);
	return STEP_WAIT;
}
