/*
 * Two gateways' files on one database and one folder.
 */
#include "tests/unit/file_driver.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "db/schema.h"
#include "storage/file_copy.h"
#include "storage/file_remove.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct testpg *pg;
char got[4096];
struct file_info got_info;

#define USER(name) \
	{ \
		.role = CALLER_USER, .uid = "u-" name, .appid = "wx1", \
		.openid = "o-" name, .unionid = "", .sid = 1 \
	}
const struct caller anna = USER("anna"), ben = USER("ben");
const struct caller nobody = {
	.uid = "", .appid = "", .openid = "", .unionid = ""};

const char *
sql(const char *fmt, ...)
{
	static char text[8192];
	const char *answer;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	answer = testpg_query(pg, text);
	return answer ? answer : "";
}

int
group_setup(void **state)
{
	struct fault why = {0};

	(void)state;
	event_init("test", EVENT_ERROR);
	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

int
group_teardown(void **state)
{
	(void)state;
	pg = testpg_free(pg);
	return 0;
}

static void
on_woke(void *owner)
{
	struct fixture *f = owner;

	f->woken++;
}

static void
open_gateway(struct fixture *f, unsigned i)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.writers = 2,
		.slow = 2,
		.timeout_ms = 10000,
		.waiting_top = 10000,
	};
	struct fault why = {0};

	assert_int_equal(pool_new(&f->pool[i], &f->loop, &conf, NULL), 0);
	f->conf.lane = i;
	assert_int_equal(files_new(&f->files[i], &f->loop, f->pool[i], NULL,
				 &f->conf, &why),
		0);
}

static void
close_gateway(struct fixture *f, unsigned i)
{
	f->files[i] = files_free(f->files[i]);
	f->pool[i] = pool_free(f->pool[i]);
}

void
restart(struct fixture *f)
{
	close_gateway(f, 0);
	open_gateway(f, 0);
}

void
reconfigure(struct fixture *f)
{
	for (unsigned i = 0; i < GATEWAYS; i++)
		files_configure(f->files[i], &f->conf);
}

struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);

	(void)sql(
		"SET client_min_messages = error; TRUNCATE mpcloud.files, "
		"mpcloud.file_gone,"
		" mpcloud.file_usage, mpcloud.file_total, mpcloud.file_rules,"
		" mpcloud.file_uploads, mpcloud.file_leases, mpcloud.triggers,"
		" mpcloud.queue CASCADE");
	assert_int_equal(loop_init(&f->loop), 0);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/mpcloud-files.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	clock_set(T0 * CLOCK_MS);
	arena_init(&f->arena, 64 << 20);
	f->conf = (struct files_conf){
		.dir = f->dir,
		.env = ENV,
		.bucket = "bucket",
		.file_top = 1 << 30,
		.thumb_program = FILES_THUMB_PROGRAM,
		.marks = &f->marks,
		.hot_memory = 1 << 20,
		.hot_age = 1000,
		.woke = on_woke,
		.owner = f,
	};
	mark_table_init(&f->marks);
	for (unsigned i = 0; i < GATEWAYS; i++)
		open_gateway(f, i);
	return f;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
teardown(struct fixture *f)
{
	for (unsigned i = 0; i < GATEWAYS; i++)
		close_gateway(f, i);
	arena_done(&f->arena);
	loop_done(&f->loop);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	clock_set(-1);
	free(f);
}

void
on_done(struct job *job)
{
	(void)job;
}

int
wait_job(struct fixture *f, struct job *job)
{
	/* what is deferred happens before the loop sleeps, and may be all */
	while (job->busy)
		loop_turn(&f->loop, list_empty(&f->loop.deferred));
	return job->err;
}

int
put(struct fixture *f, struct file_scope who, const char *path,
	const char *text)
{
	struct file_put p = {
		.arena = &f->arena,
		.scope = who,
		.path = slice_str(path),
		.type = SLICE("text/plain"),
		.size = (int64_t)strlen(text),
	};
	int r;

	job_init(&p.job, on_done);
	file_put_begin(f->files[0], &p);
	r = wait_job(f, &p.job);
	if (r == 0)
		r = file_put_data(&p, slice_str(text));
	if (r == 0) {
		file_put_end(&p);
		r = wait_job(f, &p.job);
	}
	file_put_done(&p);
	return r;
}

int
get(struct fixture *f, struct file_scope who, const char *path)
{
	struct file_get g = {
		.arena = &f->arena, .scope = who, .path = slice_str(path)};
	ssize_t n;
	int r;

	job_init(&g.job, on_done);
	file_get(f->files[0], &g);
	r = wait_job(f, &g.job);
	got[0] = '\0';
	got_info = g.info;
	if (r < 0)
		return r;
	n = read(g.fd, got, sizeof(got) - 1);
	(void)close(g.fd);
	assert_true(n >= 0);
	got[n] = '\0';
	return 0;
}

int
rm(struct fixture *f, struct file_scope who, const char *path)
{
	struct file_remove op = {
		.arena = &f->arena, .scope = who, .path = slice_str(path)};

	job_init(&op.job, on_done);
	file_remove(f->files[0], &op);
	return wait_job(f, &op.job);
}

int
copy(struct fixture *f, struct file_scope who, const char *from, const char *to,
	bool overwrite, bool move)
{
	struct file_copy op = {
		.arena = &f->arena,
		.scope = who,
		.from = slice_str(from),
		.to = slice_str(to),
		.overwrite = overwrite,
		.move = move,
	};

	job_init(&op.job, on_done);
	file_copy(f->files[0], &op);
	return wait_job(f, &op.job);
}

static unsigned counted;

static int
count_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path, (void)st, (void)ftw;
	counted += type == FTW_F;
	return 0;
}

unsigned
count_files(const struct fixture *f, const char *sub)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, sub);
	counted = 0;
	(void)nftw(path, count_one, 8, FTW_PHYS);
	return counted;
}

void
until_objects(struct fixture *f, unsigned count)
{
	while (count_files(f, "objects") != count)
		loop_turn(&f->loop, true);
}
