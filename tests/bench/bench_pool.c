/*
 * How many statements a second one loop gets through the pool:
 *
 *   bench_pool [URL [CONNECTIONS [CLIENTS [SECONDS]]]]
 *
 * Each of CLIENTS asks again as soon as it is answered.  One JSON line per
 * kind: point reads by key, durable inserts and updates (a commit each, or
 * those of a turn under one), and point reads while one more client asks
 * statements of 300 ms, in a pool without and with lines for slow ones. Without
 * a URL a private server is started, with fsync off: read its write figure so.
 */
#include "base/mem.h"
#include "db/pool.h"
#include "tests/lib/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { ROWS = 10000 };
enum kind { READ, WRITE, SHARING };

static struct loop loop;
static struct pool *pool;
static uint64_t count, failed, longest;
static bool stopping;
static unsigned busy, turn;

struct client {
	struct ask ask;
	const char *sql;
	uint64_t began; /* ns */
	bool is_read, shares;
};

static void
ask_one(struct client *c)
{
	char key[12];
	struct slice p = {
		key, (size_t)snprintf(key, sizeof(key), "%u",
			     (turn = turn * 1664525u + 1013904223u) % ROWS)};

	c->ask.is_read = c->is_read;
	c->ask.shares = c->shares;
	c->began = uv_hrtime();
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
	longest = max(longest, uv_hrtime() - c->began);
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
measure(const char *name, const char *sql, enum kind kind, unsigned clients,
	unsigned seconds)
{
	struct client *all = mem_array(clients, struct client);
	uint64_t from = uv_hrtime(), until = from + seconds * 1000000000ull;
	double cpu = cpu_us(), s;

	count = failed = longest = 0;
	stopping = false;
	for (unsigned i = 0; i < clients; i++) {
		all[i].sql = sql;
		all[i].is_read = kind == READ;
		all[i].shares = kind == SHARING;
		job_init(&all[i].ask.job, on_done);
		ask_one(&all[i]);
	}
	while (uv_hrtime() < until)
		loop_turn(&loop, true);
	s = (double)(uv_hrtime() - from) / 1e9;
	printf("{\"scenario\":\"pool.%s\",\"clients\":%u,\"per_second\":%.0f,"
	       "\"cpu_us\":%.2f,\"longest_ms\":%.1f,\"failed\":%llu}\n",
		name, clients, (double)count / s,
		(cpu_us() - cpu) / (double)count, (double)longest / 1e6,
		(unsigned long long)failed);
	(void)fflush(stdout);
	stopping = true;
	while (busy)
		loop_turn(&loop, true);
	free(all);
}

/* Beside the others, not counted. */
struct slow {
	struct ask ask;
};

static void
ask_slow(struct slow *s)
{
	s->ask.is_read = true;
	pool_ask(pool, &s->ask, "SELECT pg_sleep(0.3)", NULL, 0);
	busy++;
}

static void
on_slow(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);

	busy--;
	if (!stopping)
		ask_slow(container_of(ask, struct slow, ask));
}

static const char by_key[] =
	"SELECT _id, doc FROM public.bench_pool WHERE _id = $1::text";

static const char insert[] =
	"INSERT INTO public.bench_pool_in VALUES ($1::text)";

static const char update[] =
	"UPDATE public.bench_pool SET doc = doc || '{\"m\": 1}' "
	"WHERE _id = $1::text";

static void
measure_beside_slow(const struct pool_conf *conf, const char *name,
	unsigned lines, unsigned clients, unsigned seconds)
{
	struct pool_conf other = *conf;
	struct pool *first = pool;
	struct slow slow;

	other.slow = lines;
	if (pool_new(&pool, &loop, &other, NULL) < 0)
		abort();
	job_init(&slow.ask.job, on_slow);
	ask_slow(&slow);
	measure(name, by_key, READ, clients, seconds);
	(void)pool_free(pool);
	pool = first;
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
	measure("read", by_key, READ, clients, seconds);
	measure("insert", insert, WRITE, clients, seconds);
	measure("insert.shared", insert, SHARING, clients, seconds);
	measure("update", update, WRITE, clients, seconds);
	measure("update.shared", update, SHARING, clients, seconds);
	measure_beside_slow(
		&conf, "read.beside_slow.one_line", 0, clients, seconds);
	measure_beside_slow(
		&conf, "read.beside_slow.lines", 2, clients, seconds);
	once("DROP TABLE public.bench_pool");
	once("DROP TABLE public.bench_pool_in");
	pool = pool_free(pool);
	loop_done(&loop);
	server = testpg_free(server);
	return 0;
}
