/*
 * POST /ops/collections {name, permission, rules, showOpenid, indexes,
 * documents}: what a project's `database/` says, made so.  Safe to repeat: the
 * collection is made when absent, its permission set, indexes that are missing
 * are noted (and built in the background), and documents are inserted whose _id
 * is not there yet, one after the other.  Nothing is dropped: what is there
 * beyond the file is told.  With "check": true nothing is done: is it right?
 */
#include "base/val.h"
#include "documents/coll_op.h"
#include "documents/doc.h"
#include "documents/index.h"
#include "documents/index_work.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

struct collection_act {
	struct request *r;
	struct coll_op coll;
	struct doc_op op;
	struct doc_request ask;
	struct slice name, permission;
	const json_t *rules; /* object or NULL */
	int shows_openid;    /* -1: not said */
	json_t *indexes;     /* array, without that of _id, or NULL */
	const json_t *documents;
	json_t *one;                  /* the array of one that is inserted */
	json_t *made, *kept, *others; /* names of indexes */
	size_t index_at, at, inserted;
};

static void act_index(struct collection_act *a);
static void act_insert(struct collection_act *a);

static void
on_end(struct request *r)
{
	struct collection_act *a = r->act;

	json_decref(a->one);
	json_decref(a->indexes);
	json_decref(a->made);
	json_decref(a->kept);
	json_decref(a->others);
	a->one = a->indexes = a->made = a->kept = a->others = NULL;
}

static void
act_op(struct collection_act *a, job_fn *done)
{
	a->op = (struct doc_op){.arena = request_arena(a->r)};
	job_init(&a->op.job, done);
	a->r->job = &a->op.job;
}

static void
act_coll(struct collection_act *a, job_fn *done)
{
	a->coll = (struct coll_op){.arena = request_arena(a->r)};
	job_init(&a->coll.job, done);
	a->r->job = &a->coll.job;
}

static struct collection_act *
act_of(struct job *job)
{
	return container_of(job, struct collection_act, op.job);
}

static struct collection_act *
act_of_coll(struct job *job)
{
	return container_of(job, struct collection_act, coll.job);
}

static void
act_answer(struct collection_act *a)
{
	_json_ json_t *v = json_pack("{s:s%,s:I,s:I}", "name", a->name.ptr,
		a->name.len, "inserted", (json_int_t)a->inserted, "kept",
		(json_int_t)(a->at - a->inserted));
	struct buf b _buf_ = {0};

	buf_init(&b, 1 << 20);
	if (a->indexes)
		(void)json_object_set_new(v, "indexes",
			json_pack("{s:O,s:O,s:O}", "made", a->made, "kept",
				a->kept, "others", a->others));
	val_put(&b, v);
	(void)request_reply(a->r, 200, buf_all(&b));
	request_finish(a->r, 0, NULL);
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

static bool
holds_name(const json_t *list, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (strcmp(json_string_value(v), name) == 0)
			return true;
	return false;
}

/* What is there and not in the file. */
static void
on_indexes(struct job *job)
{
	struct collection_act *a = act_of_coll(job);
	_json_ json_t *list = NULL;
	json_t *index;
	size_t i;

	if (job->err < 0 || val_parse(&list, a->coll.json, &job->why) < 0) {
		request_finish(a->r, job->err < 0 ? job->err : ERR_INTERNAL,
			&job->why);
		return;
	}
	json_array_foreach (list, i, index) {
		const char *name =
			json_string_value(json_object_get(index, "name"));

		if (name && strcmp(name, "_id_") != 0 &&
			!holds_name(a->made, name) &&
			!holds_name(a->kept, name))
			(void)json_array_append_new(
				a->others, json_string(name));
	}
	act_insert(a);
}

static void
on_index(struct job *job)
{
	struct collection_act *a = act_of_coll(job);
	_json_ json_t *name = NULL;

	if (job->err < 0) {
		(void)fault_prefix(
			&job->why, job->err, "indexes[%zu]: ", a->index_at);
		request_finish(a->r, job->err, &job->why);
		return;
	}
	name = json_loadb(
		a->coll.json.ptr, a->coll.json.len, JSON_DECODE_ANY, NULL);
	if (name)
		(void)json_array_append(a->coll.done ? a->made : a->kept, name);
	a->index_at++;
	act_index(a);
}

static void
act_index(struct collection_act *a)
{
	struct gateway *g = a->r->gateway;
	const json_t *v = json_array_get(a->indexes, a->index_at);

	if (v) {
		act_coll(a, on_index);
		coll_op_add_index(g->pool, &a->coll, a->ask.env, a->name, v);
		return;
	}
	if (!a->indexes) {
		act_insert(a);
		return;
	}
	if (g->index_work && json_array_size(a->made))
		index_work_kick(g->index_work);
	act_coll(a, on_indexes);
	coll_op_indexes(g->pool, &a->coll, a->ask.env, a->name);
}

static void
on_permitted(struct job *job)
{
	struct collection_act *a = act_of_coll(job);

	catalog_forget(a->r->gateway->docs.catalog, a->ask.env, a->name);
	if (job->err < 0)
		request_finish(a->r, job->err, &job->why);
	else
		act_index(a);
}

static void
on_made(struct job *job)
{
	struct collection_act *a = act_of(job);

	if (job->err < 0 && job->err != ERR_DB_EXISTS) {
		request_finish(a->r, job->err, &job->why);
		return;
	}
	if (!a->permission.len && a->shows_openid < 0) {
		act_index(a);
		return;
	}
	act_coll(a, on_permitted);
	coll_op_permit(a->r->gateway->pool, &a->coll, a->ask.env, a->name,
		a->permission, a->rules, a->shows_openid);
}

/* `ours`, or CloudBase's word for it. */
static const json_t *
member(const json_t *v, const char *ours, const char *theirs)
{
	const json_t *found = json_object_get(v, ours);

	if (!found || json_is_null(found))
		found = json_object_get(v, theirs);
	return json_is_null(found) ? NULL : found;
}

static int
parse_documents(struct collection_act *a)
{
	struct request *r = a->r;
	json_t *v;
	size_t i;

	a->documents = member(r->json, "documents", "documents");
	if (!a->documents)
		return 0;
	if (!json_is_array(a->documents))
		return fault_set(
			&r->why, ERR_PARAM, "documents: an array is needed");
	json_array_foreach (a->documents, i, v)
		if (!json_object_get(v, "_id"))
			return fault_set(&r->why, ERR_PARAM,
				"documents[%zu]: needs an _id, so that it is "
				"not inserted twice",
				i);
	return 0;
}

/* All of them before anything is done. */
static int
parse_indexes(struct collection_act *a)
{
	struct request *r = a->r;
	const json_t *list = member(r->json, "indexes", "Indexes");
	struct slice name;
	json_t *v;
	size_t i;

	if (!list)
		return 0;
	if (!json_is_array(list))
		return fault_set(
			&r->why, ERR_PARAM, "indexes: an array is needed");
	a->indexes = json_array();
	a->made = json_array();
	a->kept = json_array();
	a->others = json_array();
	json_array_foreach (list, i, v) {
		_json_ json_t *definition = NULL;
		int e = index_define(
			&definition, &name, v, request_arena(r), &r->why);

		if (e < 0)
			return fault_prefix(&r->why, e, "indexes[%zu]: ", i);
		if (definition)
			(void)json_array_append(a->indexes, v);
	}
	return 0;
}

static int
parse_permission(struct collection_act *a)
{
	struct request *r = a->r;
	const json_t *permission = member(r->json, "permission", "aclTag");
	const json_t *shows = json_object_get(r->json, "showOpenid");

	a->rules = member(r->json, "rules", "rule");
	if (permission && !json_is_string(permission))
		return fault_set(
			&r->why, ERR_PARAM, "permission: a text is needed");
	if (permission)
		a->permission = slice_of(json_string_value(permission),
			json_string_length(permission));
	else if (a->rules)
		a->permission = SLICE("CUSTOM");
	a->shows_openid = json_is_boolean(shows) ? json_is_true(shows) : -1;
	if (shows && a->shows_openid < 0 && !json_is_null(shows))
		return fault_set(
			&r->why, ERR_PARAM, "showOpenid: true or false");
	return 0;
}

static int
act_parse(struct collection_act *a)
{
	struct request *r = a->r;
	int e = val_str(r->json, "name", 256, &a->name, &r->why);

	if (e == 0)
		e = parse_permission(a);
	if (e == 0)
		e = parse_documents(a);
	return e < 0 ? e : parse_indexes(a);
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
	r->act = a;
	r->end = on_end;
	e = act_parse(a);
	if (e == 0)
		e = coll_check_rules(
			a->permission, a->rules, request_arena(r), &r->why);
	if (e < 0)
		return e;
	if (json_is_true(json_object_get(r->json, "check")))
		return request_reply(r, 200, SLICE("{\"checked\":true}"));
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
