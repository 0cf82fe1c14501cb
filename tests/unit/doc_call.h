#pragma once

/*
 * Calls of doc.h as JSON text in and out, on a private server: shared by the
 * test programs of documents.
 */

#include "base/clock.h"
#include "base/mem.h"
#include "db/schema.h"
#include "documents/coll_op.h"
#include "documents/doc.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct testpg *server;
static struct loop loop;
static struct pool *pool;
static struct docs docs;

/* One call and its answer. */
struct call {
	struct doc_op op;
	struct arena arena;
	int done;
	const char *user; /* NULL: admin */
	bool multi, upsert, replace, total;
	int64_t skip, limit;
	const char *order, *projection, *filters;
	struct tx *tx;
	json_t *json[5]; /* of the request, until the next or end */
	char text[8192]; /* of the list */
};

static _unused_ void
on_done(struct job *job)
{
	struct doc_op *op = container_of(job, struct doc_op, job);
	struct call *c = container_of(op, struct call, op);
	size_t at = 0;

	c->done = 1;
	loop_stop(&loop); /* do not sleep in this turn */
	c->text[0] = '\0';
	if (job->err)
		return;
	for (size_t i = 0; i < op->count && op->list && at < sizeof(c->text);
		i++)
		at += (size_t)snprintf(c->text + at, sizeof(c->text) - at,
			"%s%.*s", i ? "\n" : "", SLICE_ARG(op->list[i]));
}

static _unused_ json_t *
parse(const char *text)
{
	json_error_t error;
	json_t *v;

	if (!text)
		return NULL;
	v = json_loads(text, JSON_DECODE_ANY, &error);
	if (!v)
		print_error("%s: %s\n", text, error.text);
	assert_non_null(v);
	return v;
}

static _unused_ void
end(struct call *c)
{
	if (c->done)
		arena_done(&c->arena);
	c->done = 0;
	for (size_t i = 0; i < array_size(c->json); i++) {
		json_decref(c->json[i]);
		c->json[i] = NULL;
	}
}

static _unused_ void
begin(struct call *c)
{
	end(c);
	arena_init(&c->arena, 64 << 20);
	c->op.arena = &c->arena;
	job_init(&c->op.job, on_done);
}

static _unused_ void
start(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	struct doc_request request = {
		.verb = verb,
		.env = "test",
		.collection = slice_str(coll),
		.skip = c->skip,
		.limit = c->limit ? c->limit : -1,
		.multi = c->multi,
		.merge = !c->replace,
		.upsert = c->upsert,
		.want_total = c->total,
		.tx = c->tx,
		.may_be_stale = c->user != NULL,
		.session = slice_str(c->user ? c->user : ""),
		.scope = {.admin = !c->user, .openid = c->user},
	};

	begin(c);
	request.query = c->json[0] = parse(query);
	request.data = c->json[1] = parse(data);
	request.order = c->json[2] = parse(c->order);
	request.projection = c->json[3] = parse(c->projection);
	request.array_filters = c->json[4] = parse(c->filters);
	if (verb == DOC_AGGREGATE)
		request.stages = request.data;
	doc_run(&docs, &c->op, &request);
}

static _unused_ int
finish(struct call *c)
{
	while (!c->done)
		loop_turn(&loop, true);
	return c->op.job.err;
}

static _unused_ int
run(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	start(c, verb, coll, query, data);
	return finish(c);
}

static _unused_ void
ok(struct call *c, enum doc_verb verb, const char *coll, const char *query,
	const char *data)
{
	int r = run(c, verb, coll, query, data);

	if (r < 0)
		print_error("%s %s: %s\n", query ? query : "", data ? data : "",
			fault_text(&c->op.job.why, r));
	assert_int_equal(r, 0);
}

/* A collection of its own for each test. */
static _unused_ const char *
fresh(struct call *c)
{
	static char name[32];
	static int n;

	(void)snprintf(name, sizeof(name), "coll%d", n++);
	*c = (struct call){0};
	ok(c, DOC_ADD_COLLECTION, name, NULL, NULL);
	return name;
}

static _unused_ void
on_permitted(struct job *job)
{
	(void)job;
	loop_stop(&loop);
}

static _unused_ void
permit(const char *coll, const char *permission)
{
	struct coll_op op = {0};
	struct arena arena;

	arena_init(&arena, 1 << 20);
	op.arena = &arena;
	job_init(&op.job, on_permitted);
	coll_op_permit(pool, &op, "test", slice_str(coll),
		slice_str(permission), NULL, -1);
	while (op.job.busy)
		loop_turn(&loop, true);
	assert_int_equal(op.job.err, 0);
	catalog_forget(docs.catalog, "test", slice_str(coll));
	arena_done(&arena);
}

/* The ids that a query finds, in their order: "a b". */
static _unused_ const char *
ids_of(struct call *c, const char *coll, const char *query)
{
	static char ids[512];
	size_t at = 0;

	c->projection = "{\"_id\": 1}";
	ok(c, DOC_FIND, coll, query, NULL);
	c->projection = NULL;
	ids[0] = '\0';
	for (size_t i = 0; i < c->op.count; i++) {
		_json_ json_t *v = json_loadb(
			c->op.list[i].ptr, c->op.list[i].len, 0, NULL);

		at += (size_t)snprintf(ids + at, sizeof(ids) - at, "%s%s",
			i ? " " : "",
			json_string_value(json_object_get(v, "_id")));
	}
	return ids;
}

/* The document after an update of `before`. */
static _unused_ const char *
after(struct call *c, const char *coll, const char *before, const char *update)
{
	c->multi = true;
	ok(c, DOC_REMOVE, coll, NULL, NULL);
	c->multi = false;
	ok(c, DOC_INSERT, coll, NULL, before);
	if (run(c, DOC_UPDATE, coll, "{\"_id\": \"x\"}", update) < 0)
		return fault_text(&c->op.job.why, c->op.job.err);
	assert_int_equal(c->op.total, 1);
	c->projection = "{\"_id\": 0}";
	ok(c, DOC_FIND, coll, "{\"_id\": \"x\"}", NULL);
	c->projection = NULL;
	return c->text;
}

static _unused_ int
as(struct call *c, const char *user, enum doc_verb verb, const char *coll,
	const char *query, const char *data)
{
	int r;

	c->user = user;
	r = run(c, verb, coll, query, data);
	c->user = NULL;
	return r;
}

static _unused_ int
group_start(void **state)
{
	struct pool_conf conf = {
		.connections = 3, .timeout_ms = 10000, .waiting_top = 5000};

	struct fault why = {0};

	(void)state;
	server = testpg_new();
	if (schema_migrate(testpg_url(server), &why) < 0) {
		print_error("schema_migrate: %s\n", why.text);
		return -1;
	}
	conf.url = testpg_url(server);
	if (loop_init(&loop) < 0 || pool_new(&pool, &loop, &conf, NULL) < 0)
		return -1;
	docs = (struct docs){.pool = pool, .limits = doc_limits_preset};
	return catalog_new(&docs.catalog, pool);
}

static _unused_ int
group_stop(void **state)
{
	(void)state;
	docs.catalog = catalog_free(docs.catalog);
	pool = pool_free(pool);
	loop_done(&loop);
	server = testpg_free(server);
	return 0;
}
