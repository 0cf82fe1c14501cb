/*
 * One statement for a case: SELECT condition FROM (SELECT $1::jsonb AS d) n.
 * The documents of other collections are parameters too, and a rule's get()
 * looks there.
 */
#include "documents/rule_try.h"

#include "documents/rule.h"
#include "documents/sql.h"

#include <errno.h>

enum { TABLES_TOP = 20 };

int
rule_act_parse(struct slice name, enum access_act *ret)
{
	static const char *const acts[] = {
		[ACCESS_READ] = "read",
		[ACCESS_CREATE] = "create",
		[ACCESS_UPDATE] = "update",
		[ACCESS_DELETE] = "delete",
	};

	for (size_t i = 0; i < array_size(acts); i++)
		if (slice_is(name, acts[i])) {
			*ret = (enum access_act)i;
			return 0;
		}
	return -EINVAL;
}

/* A case on its way into SQL. */
struct trial {
	const struct rule_case *c;
	struct rule_try *t;
	struct sql sql;
	struct rule_table tables[TABLES_TOP];
	size_t table_count;
	struct coll_info info;
};

static int
hold_value(struct trial *b, const json_t *v, const char *what)
{
	struct slice json;
	int r = value_get(&json, v, b->t->arena, b->c->now_ms, &b->t->job.why);

	if (r < 0)
		return fault_prefix(&b->t->job.why, r, "%s: ", what);
	return sql_hold(&b->sql, json);
}

/* What a user makes carries his name. */
static int
hold_document(struct trial *b)
{
	const struct rule_case *c = b->c;
	_json_ json_t *doc =
		c->doc ? json_copy((json_t *)(uintptr_t)c->doc) : json_object();

	if (c->act == ACCESS_CREATE && !json_object_get(doc, "_openid") &&
		!c->scope.admin)
		(void)json_object_set_new(doc, "_openid",
			json_string(c->scope.openid ? c->scope.openid : ""));
	return hold_value(b, doc, "doc");
}

static int
hold_tables(struct trial *b)
{
	const char *name;
	json_t *list;

	json_object_foreach (
		(json_t *)(uintptr_t)b->c->collections, name, list) {
		int n = hold_value(b, list, name);

		if (n < 0)
			return n;
		if (!json_is_array(list) || b->table_count == TABLES_TOP)
			return fault_set(&b->t->job.why, ERR_DB_PARAM,
				"collections: lists of documents, %d at most",
				TABLES_TOP);
		b->tables[b->table_count++] = (struct rule_table){
			.name = slice_str(name),
			.sql = arena_printf(b->t->arena,
				"(SELECT e ->> '_id', e FROM "
				"jsonb_array_elements($%d::jsonb) e WHERE "
				"jsonb_typeof(e) = 'object')",
				n),
		};
	}
	return 0;
}

static int
find_condition(struct trial *b, struct query **ret)
{
	const struct rule_case *c = b->c;
	const struct rule_call call = {
		.act = c->act,
		.scope = &c->scope,
		.data = c->data,
		.info = &b->info,
		.now_ms = c->now_ms,
		.tables = b->tables,
		.table_count = b->table_count,
	};

	if (c->permission == PERMISSION_CUSTOM && c->rules && !c->scope.admin)
		return rules_bind(
			ret, c->rules, &call, b->t->arena, &b->t->job.why);
	return access_where(ret, &b->info, c->act, &c->scope, c->data,
		b->t->arena, c->now_ms, &b->t->job.why);
}

static int
build(struct trial *b)
{
	const struct sql_from from = {.doc = "n.d"};
	struct query *q = NULL;
	int r = hold_document(b);

	if (r >= 0)
		r = hold_tables(b);
	if (r >= 0)
		r = find_condition(b, &q);
	if (r < 0)
		return r;
	sql_add(&b->sql, "SELECT ");
	sql_query(&b->sql, q, &from);
	sql_add(&b->sql, " FROM (SELECT $1::jsonb AS d");
	/* each parameter is mentioned, so that it has a type */
	for (size_t i = 0; i < b->table_count; i++)
		buf_printf(&b->sql.text, ", $%zu::jsonb", i + 2);
	sql_add(&b->sql, ") n");
	return sql_check(&b->sql, &b->t->job.why);
}

static void
on_answer(struct job *job)
{
	struct rule_try *t = container_of(
		container_of(job, struct ask, job), struct rule_try, ask);

	if (job->err == 0)
		t->allowed = ask_rows(&t->ask) == 1 &&
			     slice_is(ask_value(&t->ask, 0, 0), "t");
	else
		t->job.why = job->why;
	job_finish(&t->job, job->err);
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct rule_try, job)->ask.job);
}

void
rule_try(struct pool *pool, struct rule_try *t, const struct rule_case *c)
{
	struct trial b = {
		.c = c,
		.t = t,
		.info = {.coll = {.env = c->env, .name = SLICE("it")},
			.version = 1,
			.permission = c->permission,
			.rules = c->rules},
	};
	int r;

	t->allowed = false;
	job_init(&t->ask.job, on_answer);
	job_begin(&t->job, pool_loop(pool), 0, on_drop);
	sql_init(&b.sql, t->arena);
	r = build(&b);
	t->ask.is_read = true;
	if (r >= 0)
		pool_ask_once(pool, &t->ask, b.sql.text.ptr, b.sql.param,
			b.sql.count);
	else /* what can be true of nothing is a refusal, not an error */
		job_fail_soon(
			&t->job, pool_loop(pool), r == ERR_DB_DENIED ? 0 : r);
	sql_done(&b.sql);
}
