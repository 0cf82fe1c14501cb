/*
 * The database floor on standard input and output, for tests in JavaScript: a
 * JSON object a line in, one a line out, on a private PostgreSQL.
 *
 *   {"do": "permit", "name", "permission", "rules", "showOpenid"}
 *   {"do": "fill", "name", "documents"}   all others are removed
 *   {"do": "run", "name", "verb", "scope", "query", "data", "order",
 *    "projection", "stages", "multi", "merge", "upsert", "skip", "limit"}
 * scope: {"openid", "uid", "loginType", "custom"} or absent, an admin.
 * Out: {"err": "ERR_DB_DENIED" or null, "text", "list", "total", "ids",
 * "upserted"}.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db/schema.h"
#include "documents/coll_op.h"
#include "documents/doc.h"
#include "tests/lib/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct testpg *server;
static struct loop loop;
static struct pool *pool;
static struct docs docs;

struct call {
	struct doc_op op;
	struct arena arena;
	bool done;
};

static void
on_done(struct job *job)
{
	struct doc_op *op = container_of(job, struct doc_op, job);

	container_of(op, struct call, op)->done = true;
	loop_stop(&loop);
}

static void
begin(struct call *c)
{
	*c = (struct call){0};
	arena_init(&c->arena, 256 << 20);
	c->op.arena = &c->arena;
	job_init(&c->op.job, on_done);
}

static void
finish(struct call *c)
{
	while (!c->done)
		loop_turn(&loop, true);
}

static struct slice
text_of(const json_t *v, const char *key)
{
	const json_t *s = json_object_get(v, key);

	return slice_of(json_is_string(s) ? json_string_value(s) : "",
		json_string_length(s));
}

static const char *const verbs[] = {
	[DOC_ADD_COLLECTION] = "addCollection",
	[DOC_INSERT] = "insert",
	[DOC_FIND] = "find",
	[DOC_COUNT] = "count",
	[DOC_UPDATE] = "update",
	[DOC_UPDATE_RETURN] = "updateReturn",
	[DOC_REMOVE] = "remove",
	[DOC_AGGREGATE] = "aggregate",
};

static enum doc_verb
verb_of(const json_t *in)
{
	struct slice name = text_of(in, "verb");

	for (size_t i = 0; i < array_size(verbs); i++)
		if (slice_is(name, verbs[i]))
			return (enum doc_verb)i;
	(void)fprintf(stderr, "verb %.*s?\n", SLICE_ARG(name));
	exit(1);
}

static struct doc_scope
scope_of(const json_t *v)
{
	return (struct doc_scope){
		.admin = !json_is_object(v),
		.openid = text_of(v, "openid").ptr,
		.uid = text_of(v, "uid").ptr,
		.login_type = text_of(v, "loginType").ptr,
		.custom = json_object_get(v, "custom"),
	};
}

static int64_t
number(const json_t *in, const char *key, int64_t preset)
{
	const json_t *v = json_object_get(in, key);

	return json_is_integer(v) ? json_integer_value(v) : preset;
}

static void
run(struct call *c, const json_t *in, enum doc_verb verb)
{
	const struct doc_request request = {
		.verb = verb,
		.env = "test",
		.collection = text_of(in, "name"),
		.query = json_object_get(in, "query"),
		.data = json_object_get(in, "data"),
		.order = json_object_get(in, "order"),
		.projection = json_object_get(in, "projection"),
		.stages = json_object_get(in, "stages"),
		.skip = number(in, "skip", 0),
		.limit = number(in, "limit", 1000),
		.multi = json_is_true(json_object_get(in, "multi")),
		.merge = json_is_true(json_object_get(in, "merge")),
		.upsert = json_is_true(json_object_get(in, "upsert")),
		.scope = scope_of(json_object_get(in, "scope")),
	};

	begin(c);
	doc_run(&docs, &c->op, &request);
	finish(c);
}

static void
on_permitted(struct job *job)
{
	(void)job;
	loop_stop(&loop);
}

/* The collection is made when absent. */
static void
permit(struct call *c, const json_t *in)
{
	struct coll_op op = {0};
	const json_t *shows = json_object_get(in, "showOpenid");

	run(c, in, DOC_ADD_COLLECTION);
	if (c->op.job.err < 0 && c->op.job.err != ERR_DB_EXISTS)
		return;
	op.arena = &c->arena;
	job_init(&op.job, on_permitted);
	coll_op_permit(pool, &op, "test", text_of(in, "name"),
		text_of(in, "permission"), json_object_get(in, "rules"),
		json_is_true(shows));
	while (op.job.busy)
		loop_turn(&loop, true);
	c->op.job.err = op.job.err;
	c->op.job.why = op.job.why;
	catalog_forget(docs.catalog, "test", text_of(in, "name"));
}

static void
fill(struct call *c, const json_t *in)
{
	_json_ json_t *all = json_pack(
		"{s:O,s:b}", "name", json_object_get(in, "name"), "multi", 1);
	_json_ json_t *docs_in =
		json_pack("{s:O,s:O}", "name", json_object_get(in, "name"),
			"data", json_object_get(in, "documents"));

	run(c, all, DOC_REMOVE);
	if (c->op.job.err < 0)
		return;
	arena_done(&c->arena);
	run(c, docs_in, DOC_INSERT);
}

static void
print(const struct call *c)
{
	_buf_ struct buf b;
	int err = c->op.job.err;

	buf_init(&b, 64 << 20);
	buf_str(&b, "{\"err\":");
	if (err < 0) {
		buf_json(&b, slice_str(err_info(err)->name));
		buf_str(&b, ",\"text\":");
		buf_json(&b, slice_str(fault_text(&c->op.job.why, err)));
	} else {
		buf_str(&b, "null");
	}
	buf_printf(&b, ",\"total\":%lld,\"list\":[", (long long)c->op.total);
	for (size_t i = 0; err == 0 && c->op.list && i < c->op.count; i++) {
		buf_str(&b, i ? "," : "");
		buf_slice(&b, c->op.list[i]);
	}
	buf_str(&b, "],\"ids\":[");
	for (size_t i = 0; err == 0 && c->op.ids && i < c->op.count; i++) {
		buf_str(&b, i ? "," : "");
		buf_str(&b, c->op.ids[i]);
	}
	buf_str(&b, "],\"upserted\":");
	buf_str(&b, c->op.upserted_id ? c->op.upserted_id : "null");
	buf_str(&b, "}\n");
	(void)fwrite(b.ptr, 1, b.len, stdout);
	(void)fflush(stdout);
}

static void
serve(struct slice line)
{
	_json_ json_t *in = NULL;
	struct fault why = {0};
	struct slice act;
	struct call c;

	if (val_parse(&in, line, &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		exit(1);
	}
	act = text_of(in, "do");
	if (slice_is(act, "permit"))
		permit(&c, in);
	else if (slice_is(act, "fill"))
		fill(&c, in);
	else
		run(&c, in, verb_of(in));
	print(&c);
	arena_done(&c.arena);
}

static int
start(struct fault *why)
{
	struct pool_conf conf = {
		.connections = 2, .timeout_ms = 20000, .waiting_top = 100};
	int r;

	server = testpg_new();
	conf.url = testpg_url(server);
	r = schema_migrate(conf.url, why);
	if (r == 0)
		r = loop_init(&loop);
	if (r == 0)
		r = pool_new(&pool, &loop, &conf, why);
	docs = (struct docs){.pool = pool, .limits = doc_limits_preset};
	return r < 0 ? r : catalog_new(&docs.catalog, pool);
}

int
main(void)
{
	struct fault why = {0};
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	if (start(&why) < 0) {
		(void)fprintf(stderr, "rule-driver: %s\n", why.text);
		return 1;
	}
	while ((len = getline(&line, &room, stdin)) > 0)
		serve(slice_of(line, (size_t)len));
	free(line);
	catalog_free(docs.catalog);
	pool_free(pool);
	loop_done(&loop);
	testpg_free(server);
	return 0;
}
