/*
 * POST /ops/export {collection, after, canonical?, top?}: one page of documents
 * as lines of Extended JSON in the order of their keys, behind a first line
 * {"documents", "after", "more"} that says where the next page begins.
 * GET /ops/definitions: what collections are besides their documents.
 */
#include "base/val.h"
#include "gateway/endpoint.h"
#include "gateway/endpoint_bulk.h"

enum {
	NAME_TOP = 256,
	KEY_TOP = 64 << 10,
	PAGE_DOCS = 1000,
	PAGE_BYTES = 1 << 20,
	PAGE_TOP = 512 << 20, /* of one document in Extended JSON, and a page */
};

struct page_act {
	struct bulk_act act;
	enum ejson_form form;
	int64_t top;
};

static void
on_end(struct request *r)
{
	struct page_act *a = r->act;

	bulk_act_done(&a->act);
}

static void
put_head(struct buf *to, int rows, struct slice key, bool more)
{
	buf_printf(to, "{\"documents\":%d,\"more\":%s,\"after\":", rows,
		more ? "true" : "false");
	buf_json(to, key);
	buf_str(to, "}\n");
}

static void
put_page(struct buf *to, const struct page_act *a)
{
	const struct ask *ask = &a->act.op.ask;
	int rows = ask_rows(ask);
	struct slice key = slice_of("", 0);

	put_head(to, rows, rows ? ask_value(ask, rows - 1, 0) : key, rows > 0);
	for (int i = 0; i < rows; i++)
		bulk_put_row(to, &a->act.op, i, a->form, &key);
}

static void
on_page(struct job *job)
{
	struct bulk_act *act = bulk_act_of(job);
	struct request *r = act->r;
	_buf_ struct buf page = {0};
	int e = job->err;

	buf_init(&page, PAGE_TOP);
	if (e == 0) {
		put_page(&page, container_of(act, struct page_act, act));
		(void)request_reply(r, 200, buf_all(&page));
		if (buf_check(&page) < 0)
			e = fault_set(&job->why, ERR_ANSWER_BIG,
				"a page of documents is larger than %d MiB",
				PAGE_TOP >> 20);
	}
	request_finish(r, e, &job->why);
}

int
endpoint_ops_export(struct request *r)
{
	struct page_act *a = arena_new(request_arena(r), struct page_act);
	struct slice collection = {0}, after = {0};
	bool canonical = false;
	int e = request_json(r);

	r->act = a;
	r->end = on_end;
	if (e == 0)
		e = val_str(
			r->json, "collection", NAME_TOP, &collection, &r->why);
	if (e == 0)
		e = val_str_or(r->json, "after", KEY_TOP, slice_of("", 0),
			&after, &r->why);
	if (e == 0)
		e = val_bool_or(
			r->json, "canonical", false, &canonical, &r->why);
	if (e == 0)
		e = val_int_or(r->json, "top", 1, PAGE_DOCS, PAGE_DOCS, &a->top,
			&r->why);
	if (e == 0)
		e = bulk_act_find(&a->act, r, collection);
	if (e < 0)
		return e;
	a->form = canonical ? EJSON_CANONICAL : EJSON_RELAXED;
	bulk_act_op(&a->act, on_page);
	bulk_page(a->act.pool, &a->act.op, &a->act.coll, after, a->top,
		PAGE_BYTES);
	return STEP_WAIT;
}

static void
on_definitions(struct job *job)
{
	struct bulk_act *a = bulk_act_of(job);

	if (job->err == 0)
		(void)request_reply(a->r, 200, ask_value(&a->op.ask, 0, 0));
	request_finish(a->r, job->err, &job->why);
}

int
endpoint_ops_definitions(struct request *r)
{
	struct page_act *a = arena_new(request_arena(r), struct page_act);
	int e;

	r->act = a;
	r->end = on_end;
	e = bulk_act_take(&a->act, r);
	if (e < 0)
		return e;
	bulk_act_op(&a->act, on_definitions);
	bulk_definitions(a->act.pool, &a->act.op, r->gateway->conf->server_env);
	return STEP_WAIT;
}
