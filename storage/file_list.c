/*
 * Listing.  Simple permissions say whose files a caller may read, so the
 * database leaves the others out; of CUSTOM rules each row is asked here, and a
 * page may then have fewer rows than its limit, or none, though more follow
 * (`next` is set).  Of a folder its own path and the owner of the first file in
 * it are asked.
 */
#include "storage/file_list.h"

#include "base/clock.h"
#include "storage/files_inside.h"

struct file_listing {
	struct files *f;
	struct file_list *list;
	struct file_look look; /* for the rules in force */
	struct ask ask;
};

static const char list_sql[] =
	"SELECT " FILE_COLUMNS " FROM mpcloud.file_list($1, $2, $3, $4, $5,"
	" $6::integer) f";

static void
on_drop(struct job *job)
{
	struct file_listing *g =
		container_of(job, struct file_list, job)->inside;

	job_cancel(&g->look.job);
	job_cancel(&g->ask.job);
}

static bool
may_see(const struct file_listing *g, const struct file_info *info)
{
	const struct file_scope *scope = &g->list->scope;
	const char *self = file_scope_owner(scope);
	int64_t now = clock_now_ms();
	bool own =
		*self && info->owner && slice_is(slice_str(info->owner), self);

	if (info->expire_ms && info->expire_ms <= now)
		return false;
	if (scope->admin)
		return true;
	return (!info->pending || own) &&
	       file_may(g->f->rules, ACCESS_READ, scope, slice_str(info->path),
		       info->owner, now, NULL) == 0;
}

static void
on_rows(struct job *job)
{
	struct file_listing *g = container_of(
		container_of(job, struct ask, job), struct file_listing, ask);
	struct file_list *list = g->list;
	int rows = ask_rows(&g->ask);

	if (job->err < 0) {
		list->job.why = job->why;
		job_finish(&list->job, job->err);
		return;
	}
	list->files = arena_get(
		list->arena, ((size_t)rows + 1) * sizeof(list->files[0]));
	for (int i = 0; i < rows; i++) {
		struct file_info *info = &list->files[list->count];

		file_row(info, list->arena, &g->ask, i, 0);
		if (i == rows - 1 && rows >= list->limit)
			list->next = info->path;
		if (!may_see(g, info))
			continue;
		if (!info->content)
			*info = (struct file_info){.path = info->path};
		list->count++;
	}
	job_finish(&list->job, 0);
}

static void
on_looked(struct job *job)
{
	struct file_listing *g =
		container_of(container_of(job, struct file_look, job),
			struct file_listing, look);
	struct file_list *list = g->list;
	const char *owner = NULL;

	if (job->err < 0) {
		list->job.why = job->why;
		job_finish(&list->job, job->err);
		return;
	}
	if (!list->scope.admin)
		owner = file_rules_owner(g->f->rules, &list->scope);
	g->ask = (struct ask){.is_read = true};
	job_init(&g->ask.job, on_rows);
	pool_ask(g->f->pool, &g->ask, list_sql,
		(struct slice[]){slice_str(g->f->conf.env),
			list->prefix.len ? list->prefix : SLICE(""),
			list->after.len ? list->after : SLICE(""),
			list->delimiter.len ? list->delimiter : SLICE(""),
			slice_str(owner),
			file_number(list->arena, list->limit)},
		6);
}

void
file_list(struct files *f, struct file_list *list)
{
	struct file_listing *g = arena_new(list->arena, struct file_listing);

	g->f = f;
	g->list = list;
	list->inside = g;
	list->count = 0;
	list->next = NULL;
	list->limit = max(min(list->limit, (int64_t)FILE_LIST_TOP), (int64_t)1);
	g->look = (struct file_look){.arena = list->arena, .path = SLICE("/")};
	job_init(&g->look.job, on_looked);
	job_init(&g->ask.job, on_rows);
	job_begin(&list->job, f->loop, 0, on_drop);
	file_look(f, &g->look, "");
}
