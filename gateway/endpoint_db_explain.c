/*
 * POST /ops/db/explain {collection, verb, query, order, skip, limit, stages,
 * openid}: how such a request would be answered, without asking it.  With an
 * openid, as that user's, his permission included.
 */
#include "base/val.h"
#include "documents/doc.h"
#include "documents/explain.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

#include <string.h>

enum { NAME_TOP = 256, OPENID_TOP = 128, ANSWER_TOP = 16 << 20 };

struct explain_act {
	struct request *r;
	struct doc_op op;
	struct doc_request ask;
};

/* {"summary", …, "plan": what PostgreSQL says} */
static void
on_planned(struct job *job)
{
	struct explain_act *a = container_of(job, struct explain_act, op.job);
	struct buf b _buf_ = {0};
	int e = job->err;

	buf_init(&b, ANSWER_TOP);
	if (e == 0 && a->op.count == 0)
		e = ERR_INTERNAL;
	if (e == 0)
		e = explain_tell(&b, a->op.list[0], &job->why);
	if (e == 0) {
		b.len--; /* the closing brace */
		buf_str(&b, ",\"plan\":");
		buf_slice(&b, a->op.list[0]);
		buf_char(&b, '}');
		(void)request_reply(a->r, 200, buf_all(&b));
	}
	request_finish(a->r, e, &job->why);
}

static int
parse_verb(struct explain_act *a)
{
	static const struct {
		const char *name;
		enum doc_verb verb;
	} verbs[] = {{"find", DOC_FIND}, {"count", DOC_COUNT},
		{"remove", DOC_REMOVE}, {"aggregate", DOC_AGGREGATE}};
	struct request *r = a->r;
	struct slice word;
	int e = val_str_or(r->json, "verb", 16, SLICE("find"), &word, &r->why);

	if (e < 0)
		return e;
	for (size_t i = 0; i < array_size(verbs); i++)
		if (slice_is(word, verbs[i].name)) {
			a->ask.verb = verbs[i].verb;
			return 0;
		}
	return fault_set(
		&r->why, ERR_PARAM, "verb: find, count, remove or aggregate");
}

static int
parse(struct explain_act *a)
{
	struct request *r = a->r;
	struct doc_request *d = &a->ask;
	struct slice openid;
	int e = val_str(
		r->json, "collection", NAME_TOP, &d->collection, &r->why);

	if (e == 0)
		e = parse_verb(a);
	if (e == 0)
		e = val_str_or(r->json, "openid", OPENID_TOP, SLICE(""),
			&openid, &r->why);
	if (e == 0)
		e = val_int_or(
			r->json, "skip", 0, INT32_MAX, 0, &d->skip, &r->why);
	if (e == 0)
		e = val_int_or(r->json, "limit", -1, INT32_MAX, -1, &d->limit,
			&r->why);
	if (e < 0)
		return e;
	d->query = json_object_get(r->json, "query");
	d->order = json_object_get(r->json, "order");
	d->stages = json_object_get(r->json, "stages");
	d->multi = true;
	d->scope = (struct doc_scope){.admin = openid.len == 0,
		.openid = arena_str(request_arena(r), openid)};
	return 0;
}

int
endpoint_ops_explain(struct request *r)
{
	struct explain_act *a;
	int e = request_json(r);

	if (e < 0)
		return e;
	a = arena_new(request_arena(r), struct explain_act);
	a->r = r;
	a->ask = (struct doc_request){
		.env = r->gateway->conf->server_env, .explain = true};
	e = parse(a);
	if (e < 0)
		return e;
	a->op.arena = request_arena(r);
	job_init(&a->op.job, on_planned);
	r->act = a;
	doc_run(&r->gateway->docs, &a->op, &a->ask);
	return request_wait(r, &a->op.job);
}
