#pragma once

/*
 * An update evaluated by a real server on one document, without a collection:
 * shared by the test programs of updates.  JSON is written with ' for ".
 */

#include "base/mem.h"
#include "db/schema.h"
#include "documents/sql.h"
#include "documents/update.h"
#include "tests/unit/pool_driver.h"

/* a case may leave out its last members */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* What is changed, how, and what comes of it: a document, or when it does not
 * begin with {, words of the error. */
struct update_case {
	const char *before, *update, *after;
	const char *query, *filters; /* or NULL */
};

static struct fixture fixture;

struct changing {
	struct ask ask;
	bool done;
	int err;
	char why[300];
	json_t *after;
};

static _unused_ json_t *
parse(const char *text)
{
	_free_ char *copy = mem_dup(text, strlen(text) + 1);
	json_error_t error;
	json_t *v;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	v = json_loads(copy, JSON_DECODE_ANY, &error);
	if (!v)
		print_error("%s: %s\n", copy, error.text);
	assert_non_null(v);
	return v;
}

static _unused_ void
on_changed(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct changing *c = container_of(ask, struct changing, ask);

	c->done = true;
	c->err = job->err;
	loop_stop(job->loop);
	if (job->err)
		(void)snprintf(c->why, sizeof(c->why), "%s",
			fault_text(&job->why, job->err));
	else
		c->after = json_loadb(ask_value(ask, 0, 0).ptr,
			ask_value(ask, 0, 0).len, 0, NULL);
}

/* SELECT the change of $1. */
static _unused_ void
ask_change(struct changing *c, const struct update *u, struct arena *arena,
	const json_t *before)
{
	struct sql s;
	struct slice doc;

	sql_init(&s, arena);
	assert_int_equal(value_get(&doc, before, arena, 1000, NULL), 0);
	assert_int_equal(sql_hold(&s, doc), 1);
	sql_add(&s, "SELECT ");
	sql_update(&s, u, "doc");
	sql_add(&s, " FROM (SELECT $1::jsonb AS doc OFFSET 0) d");
	assert_int_equal(sql_check(&s, NULL), 0);
	job_init(&c->ask.job, on_changed);
	c->ask.is_read = true;
	pool_ask_shape(
		fixture.pool, &c->ask, buf_all(&s.text), s.param, s.count);
	while (!c->done)
		loop_turn(&fixture.loop, true);
	sql_done(&s);
}

/* c->err, c->why; c->after is the caller's. */
static _unused_ void
change(struct changing *c, const struct update_case *one, bool makes)
{
	_json_ json_t *before = parse(one->before);
	_json_ json_t *data = parse(one->update);
	_json_ json_t *query = parse(one->query ? one->query : "null");
	_json_ json_t *filters = parse(one->filters ? one->filters : "null");
	const struct update_ask ask = {data, query, filters, makes};
	struct update *u = NULL;
	struct fault why = {0};
	struct arena arena;

	*c = (struct changing){0};
	arena_init(&arena, 64 << 20);
	c->err = update_parse(&u, &ask, &arena, 1700000000123, &why);
	if (c->err < 0)
		(void)snprintf(
			c->why, sizeof(c->why), "%s", fault_text(&why, c->err));
	else
		ask_change(c, u, &arena, before);
	update_done(&u);
	arena_done(&arena);
}

/* "" or what is wrong. */
static _unused_ void
check_case(const struct update_case *one, bool makes)
{
	struct changing c;
	_json_ json_t *want = NULL;

	change(&c, one, makes);
	if (one->after[0] == '{')
		want = parse(one->after);
	if (want ? !json_equal(c.after, want)
		 : (c.err == 0 || !strstr(c.why, one->after))) {
		_free_ char *got = c.after ? json_dumps(c.after, 0) : NULL;

		print_error("%s of %s: %s%s, not %s\n", one->update,
			one->before, got ? got : "", c.why, one->after);
		fail();
	}
	json_decref(c.after);
}

#define check_cases(cases) \
	for (size_t i_ = 0; i_ < array_size(cases); i_++) \
	check_case(&cases[i_], false)

static _unused_ int
group_start(void **state)
{
	int r = start(state);

	if (r == 0 && schema_migrate(testpg_url(server), NULL) < 0)
		return -1;
	setup(&fixture);
	return r;
}

static _unused_ int
group_stop(void **state)
{
	teardown(&fixture);
	return stop(state);
}
