/*
 * Usage, as it is counted beside the rows: nothing is added up over the files.
 */
#include "storage/file_usage.h"

#include "storage/files_inside.h"

struct file_usage_asking {
	struct file_usage *usage;
	struct ask ask;
};

/* The first row is everybody's. */
static const char usage_sql[] =
	"SELECT '', coalesce(sum(t.bytes), 0)::bigint,"
	" coalesce(sum(t.files), 0)::bigint, 0 AS place"
	" FROM mpcloud.file_total t WHERE t.env = $1"
	" UNION ALL (SELECT u.owner, u.bytes, u.files,"
	" row_number() OVER (ORDER BY u.bytes DESC, u.owner)"
	" FROM mpcloud.file_usage u WHERE u.env = $1 AND u.files > 0"
	" ORDER BY u.bytes DESC, u.owner LIMIT 100) ORDER BY place";

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct file_usage, job)->inside->ask.job);
}

static void
on_rows(struct job *job)
{
	struct file_usage_asking *g =
		container_of(container_of(job, struct ask, job),
			struct file_usage_asking, ask);
	struct file_usage *u = g->usage;
	int rows = ask_rows(&g->ask);

	if (job->err < 0) {
		u->job.why = job->why;
		job_finish(&u->job, job->err);
		return;
	}
	u->owners =
		arena_get(u->arena, (size_t)(rows + 1) * sizeof(u->owners[0]));
	for (int i = 0; i < rows; i++) {
		struct file_usage_of of = {
			.owner = arena_str(u->arena, ask_value(&g->ask, i, 0)),
			.bytes = ask_int(&g->ask, i, 1),
			.files = ask_int(&g->ask, i, 2)};

		if (i > 0) {
			u->owners[u->count++] = of;
			continue;
		}
		u->bytes = of.bytes;
		u->files = of.files;
	}
	job_finish(&u->job, 0);
}

void
file_usage(struct files *f, struct file_usage *u)
{
	struct file_usage_asking *g =
		arena_new(u->arena, struct file_usage_asking);

	g->usage = u;
	u->inside = g;
	u->count = 0;
	job_begin(&u->job, f->loop, 0, on_drop);
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_rows);
	pool_ask(f->pool, &g->ask, usage_sql,
		(struct slice[]){slice_str(f->conf.env)}, 1);
}
