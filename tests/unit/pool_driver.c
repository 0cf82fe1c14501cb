/*
 * The server and the asks of the tests of connections.
 */
#include "tests/unit/pool_driver.h"

struct testpg *server;

void
on_done(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct one *o = container_of(ask, struct one, ask);

	o->done++;
	loop_stop(job->loop); /* do not sleep in this turn */
	o->err = job->err;
	(void)snprintf(
		o->why, sizeof(o->why), "%s", fault_text(&job->why, job->err));
	if (ask_rows(ask) > 0)
		(void)snprintf(o->value, sizeof(o->value), "%.*s",
			SLICE_ARG(ask_value(ask, 0, 0)));
	o->changed = ask_changed(ask);
}

void
setup_with(struct fixture *f, unsigned connections, uint64_t timeout_ms,
	unsigned waiting_top)
{
	const struct pool_conf conf = {
		.url = testpg_url(server),
		.connections = connections,
		.writers = connections, /* as a gateway has it */
		.timeout_ms = timeout_ms,
		.waiting_top = waiting_top,
	};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(pool_new(&f->pool, &f->loop, &conf, NULL), 0);
}

void
setup(struct fixture *f)
{
	setup_with(f, 2, 20000, 10000);
}

void
teardown(struct fixture *f)
{
	f->pool = pool_free(f->pool);
	loop_turn(&f->loop, false); /* takes a loop_stop with it */
	loop_done(&f->loop);
}

void
ask_with(struct fixture *f, struct one *o, const char *sql, bool is_read,
	const char *param)
{
	const struct slice p = slice_str(param);

	memset(o, 0, sizeof(*o));
	job_init(&o->ask.job, on_done);
	o->ask.is_read = is_read;
	pool_ask(f->pool, &o->ask, sql, &p, param ? 1 : 0);
}

void
wait_for(struct fixture *f, const struct one *o, int count)
{
	for (int i = 0; i < count; i++)
		while (!o[i].done)
			loop_turn(&f->loop, true);
}

void
run(struct fixture *f, struct one *o, const char *sql, const char *param)
{
	ask_with(f, o, sql, false, param);
	wait_for(f, o, 1);
}

int
start(void **state)
{
	(void)state;
	server = testpg_new();
	(void)testpg_query(server, "CREATE SCHEMA mpcloud");
	return 0;
}

int
stop(void **state)
{
	(void)state;
	server = testpg_free(server);
	return 0;
}
