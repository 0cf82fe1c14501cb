/*
 * How many statements a second one loop gets through the pool:
 *
 *   bench_pool [URL [CONNECTIONS [CLIENTS [SECONDS]]]]
 *
 * Each of CLIENTS asks again as soon as it is answered.  One JSON line per
 * kind: point reads by key, and durable inserts (a commit each).  Without a URL
 * a private server is started, with fsync off: read its write figure so.
 */
#include "base/mem.h"
#include "db/pool.h"
#include "tests/lib/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { ROWS = 10000 };

static struct loop loop;
static struct pool *pool;
static uint64_t count, failed;
static bool stopping;
static unsigned busy, turn;

struct client {
	struct ask ask;
	const char *sql;
	bool is_read;
};

static void
ask_one(struct client *c)
{
	char key[12];
	struct slice p = {
		key, (size_t)snprintf(key, sizeof(key), "%u",
			     (turn = turn * 1664525u + 1013904223u) % ROWS)};

	c->ask.is_read = c->is_read;
	pool_ask(pool, &c->ask, c->sql, &p, 1);
	busy++;
}

static void
on_done(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct client *c = container_of(ask, struct client, ask);

	busy--;
	count++;
	failed += job->err != 0;
	if (!stopping)
		ask_one(c);
}

static double
cpu_us(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
measure(const char *name, const char *sql, bool is_read, unsigned clients,
	unsigned seconds)
{
	struct client *all = mem_array(clients, struct client);
	uint64_t from = uv_hrtime(), until = from + seconds * 1000000000ull;
	double cpu = cpu_us(), s;

	count = failed = 0;
	stopping = false;
	for (unsigned i = 0; i < clients; i++) {
		all[i].sql = sql;
		all[i].is_read = is_read;
		job_init(&all[i].ask.job, on_done);
		ask_one(&all[i]);
	}
	while (uv_hrtime() < until)
		loop_turn(&loop, true);
	s = (double)(uv_hrtime() - from) / 1e9;
	printf("{\"scenario\":\"pool.%s\",\"clients\":%u,\"per_second\":%.0f,"
	       "\"cpu_us\":%.2f,\"failed\":%llu}\n",
		name, clients, (double)count / s,
		(cpu_us() - cpu) / (double)count, (unsigned long long)failed);
	stopping = true;
	while (busy)
		loop_turn(&loop, true);
	free(all);
}

static void
once(const char *sql)
{
	struct client c = {.sql = sql};

	stopping = true;
	job_init(&c.ask.job, on_done);
	pool_ask(pool, &c.ask, sql, NULL, 0);
	busy++;
	while (busy)
		loop_turn(&loop, true);
}

int
main(int argc, char **argv)
{
	struct testpg *server = argc > 1 ? NULL : testpg_new();
	const struct pool_conf conf = {
		.url = server ? testpg_url(server) : argv[1],
		.connections = argc > 2 ? (unsigned)atoi(argv[2]) : 1,
		.timeout_ms = 10000,
		.waiting_top = 100000,
	};
	unsigned clients = argc > 3 ? (unsigned)atoi(argv[3]) : 64;
	unsigned seconds = argc > 4 ? (unsigned)atoi(argv[4]) : 3;

	if (loop_init(&loop) < 0 || pool_new(&pool, &loop, &conf, NULL) < 0)
		return 1;
	once("DROP TABLE IF EXISTS public.bench_pool");
	once("CREATE TABLE public.bench_pool AS SELECT n::text AS _id, "
	     "jsonb_build_object('n', n, 's', repeat('x', 100)) AS doc "
	     "FROM generate_series(0, 9999) n");
	once("ALTER TABLE public.bench_pool ADD PRIMARY KEY (_id)");
	once("CREATE TABLE IF NOT EXISTS public.bench_pool_in (a text)");
	measure("read",
		"SELECT _id, doc FROM public.bench_pool WHERE _id = $1::text",
		true, clients, seconds);
	measure("insert", "INSERT INTO public.bench_pool_in VALUES ($1::text)",
		false, clients, seconds);
	once("DROP TABLE public.bench_pool");
	once("DROP TABLE public.bench_pool_in");
	pool = pool_free(pool);
	loop_done(&loop);
	server = testpg_free(server);
	return 0;
}
