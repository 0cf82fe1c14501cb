/*
 * Writing a file.  The one idea: the content is durable before the row names
 * it, and the row, its owner's usage, the end of the content it replaces and
 * the calls of triggers are one transaction.  Whatever stops in between leaves
 * a content that no row names, and nobody sees it.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "storage/s3.h"

#include <unistd.h>

enum {
	ROOM_MS = 60000, /* for the disk to take what waits */
	END_MS = 120000,
	JUDGES = 5, /* times that the right to a path is looked up */
	UNNAMED_MS = 3600 * 1000,
};

struct put {
	struct files *f;
	struct file_put *put;
	struct content *content;
	struct file_look look;
	struct ask ask;
	struct s3_op s3;
	int fd; /* what s3 sends */
	int64_t now_ms;
	unsigned judged;
	bool asked;   /* asked: the row may be there */
	bool checked; /* its content waits for that */
	bool ending;
};

static const char put_sql[] =
	"SELECT p.verdict, p.created_at, p.owner, p.calls, p.replaced"
	" FROM mpcloud.file_put(ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	" $11, NULL, 'standard', 'ok', $12, $12, $13, true)::mpcloud.files,"
	" $14, $15::boolean, $16, $17, $18, $19, $20::jsonb, $21::jsonb) p";

static void
drop_content(struct put *p)
{
	struct content *c = take(p->content);

	if (!c)
		return;
	s3_done(&p->s3);
	if (p->fd >= 0)
		(void)close(p->fd);
	p->fd = -1;
	/* a row may name it: then it must stay, else the sweep finds it */
	if (p->asked && !p->f->s3)
		content_keep(c);
	else
		content_drop(c);
}

static void
on_drop(struct job *job)
{
	struct put *p = container_of(job, struct file_put, job)->inside;

	job_cancel(&p->look.job);
	job_cancel(&p->ask.job);
	job_cancel(&p->s3.job);
	if (p->ending)
		drop_content(p);
}

static void
fail(struct put *p, int err, const struct fault *why)
{
	if (why)
		p->put->job.why = *why;
	drop_content(p);
	job_finish(&p->put->job, err);
}

static int
judge(struct put *p, struct fault *why)
{
	const struct file_put *put = p->put;
	const struct files *f = p->f;
	int r = file_judge(&p->look,
		p->look.found ? ACCESS_UPDATE : ACCESS_CREATE, &put->scope,
		why);

	if (r < 0)
		return r;
	if (put->fresh && p->look.found)
		return file_verdict(f, SLICE("exists"), why);
	if (put->size > 0 && f->conf.user_quota > 0 && !put->scope.admin &&
		!p->look.found && p->look.used + put->size > f->conf.user_quota)
		return ERR_FILE_QUOTA;
	return put->size > 0 ? place_has_room(f->place, put->size) : 0;
}

static void put_row(struct put *p);

static void
on_looked(struct job *job)
{
	struct put *p = container_of(
		container_of(job, struct file_look, job), struct put, look);
	struct fault why = {0};
	int r = job->err;

	if (r < 0)
		why = job->why;
	else
		r = judge(p, &why);
	if (r < 0)
		fail(p, r, &why);
	else if (p->ending)
		put_row(p);
	else
		job_finish(&p->put->job, 0);
}

static void
look(struct put *p)
{
	struct file_put *put = p->put;

	p->look = (struct file_look){.arena = put->arena, .path = put->path};
	job_init(&p->look.job, on_looked);
	file_look(p->f, &p->look, file_scope_owner(&put->scope));
}

static void on_step(struct content *c, void *owner);

static int
check(const struct files *f, const struct file_put *put, struct fault *why)
{
	int r = file_path_check(put->path, why);

	if (r < 0)
		return r;
	if (put->size > f->conf.file_top)
		return fault_set(why, ERR_TOO_BIG,
			"a file has %lld bytes at most (storage.file_size)",
			(long long)f->conf.file_top);
	return 0;
}

void
file_put_begin(struct files *f, struct file_put *put)
{
	struct put *p = arena_new(put->arena, struct put);
	int r;

	put->inside = p;
	p->f = f;
	p->put = put;
	p->fd = -1;
	job_init(&p->s3.job, NULL);
	job_init(&p->look.job, on_looked);
	job_init(&p->ask.job, on_looked);
	job_begin(&put->job, f->loop, END_MS, on_drop);
	r = check(f, put, &put->job.why);
	if (r < 0) {
		job_fail_soon(&put->job, f->loop, r);
		return;
	}
	p->content = content_new(f->place, on_step, p);
	look(p);
}

int
file_put_data(struct file_put *put, struct slice data)
{
	struct put *p = put->inside;
	int r;

	if (!p->content)
		return ERR_GONE;
	if (content_size(p->content) + (int64_t)data.len > p->f->conf.file_top)
		return fault_set(&put->job.why, ERR_TOO_BIG,
			"a file has %lld bytes at most (storage.file_size)",
			(long long)p->f->conf.file_top);
	r = content_add(p->content, data);
	if (r == CONTENT_WAIT)
		job_begin(&put->job, p->f->loop, ROOM_MS, on_drop);
	return r;
}

/* Announced and come. */
static int
compare_sums(const struct file_put *put, const struct content_sums *s,
	struct fault *why)
{
	if (put->size >= 0 && put->size != s->size)
		return fault_set(why, ERR_FILE_CHECKSUM,
			"%lld bytes came, %lld were announced: send the file "
			"again",
			(long long)s->size, (long long)put->size);
	if (put->md5.len && !slice_is_nocase(put->md5, s->md5))
		return fault_set(why, ERR_FILE_CHECKSUM,
			"the MD5 of the bytes that came is %s: send the file "
			"again",
			s->md5);
	if (put->sha256.len && !slice_is_nocase(put->sha256, s->sha256))
		return fault_set(why, ERR_FILE_CHECKSUM,
			"the SHA-256 of the bytes that came is %s: send the "
			"file again",
			s->sha256);
	return 0;
}

static void
take_row(struct put *p)
{
	struct file_put *put = p->put;
	const struct content_sums *s = content_sums(p->content);
	struct arena *a = put->arena;

	put->info = (struct file_info){
		.path = arena_str(a, put->path),
		.type = arena_str(a, put->type),
		.content = arena_str(a, slice_str(s->name)),
		.etag = arena_printf(a, "\"%s\"", s->md5),
		.sha256 = arena_str(a, slice_str(s->sha256)),
		.owner = arena_str(a, ask_value(&p->ask, 0, 2)),
		.cache_control = put->cache_control.len
					 ? arena_str(a, put->cache_control)
					 : NULL,
		.disposition = put->disposition.len
				       ? arena_str(a, put->disposition)
				       : NULL,
		.size = s->size,
		.created_ms = ask_int(&p->ask, 0, 1),
		.changed_ms = p->now_ms,
		.expire_ms = put->expire_ms,
		.pending = p->checked,
	};
}

static void
on_row(struct job *job)
{
	struct put *p = container_of(
		container_of(job, struct ask, job), struct put, ask);
	struct slice verdict = {0};

	if (job->err < 0) { /* nobody knows what became of it */
		fail(p, job->err, &job->why);
		return;
	}
	hot_change_end(p->f->hot, p->put->path);
	verdict = ask_value(&p->ask, 0, 0);
	if (!slice_is(verdict, "ok")) {
		p->asked = false;
		if (slice_is(verdict, "judge") && ++p->judged < JUDGES) {
			look(p);
			return;
		}
		fail(p, file_verdict(p->f, verdict, &p->put->job.why), NULL);
		return;
	}
	take_row(p);
	if (p->f->s3)
		drop_content(p); /* it is there by now */
	else
		content_keep(take(p->content));
	file_woke(p->f, ask_int(&p->ask, 0, 3));
	if (slice_is(ask_value(&p->ask, 0, 4), "t"))
		file_gone_soon(p->f);
	job_finish(&p->put->job, 0);
}

static struct slice
or_null(struct slice s)
{
	return s.len ? s : slice_of(NULL, 0);
}

static void
put_row(struct put *p)
{
	struct file_put *put = p->put;
	const struct files_conf *conf = &p->f->conf;
	const struct content_sums *s = content_sums(p->content);
	struct arena *a = put->arena;
	struct slice owner = put->scope.admin
				     ? put->owner
				     : slice_str(file_scope_owner(&put->scope));
	struct slice now;

	p->now_ms = clock_now_ms();
	now = file_number(a, p->now_ms);
	p->ask = (struct ask){.row = pool_row(SLICE("files"), put->path),
		.home = FILES_HOME,
		.shares = true};
	job_init(&p->ask.job, on_row);
	p->asked = true;
	p->checked = file_is_checked(p->f, &put->scope, put->path);
	hot_change_begin(p->f->hot, put->path);
	pool_ask(p->f->pool, &p->ask, put_sql,
		(struct slice[]){
			slice_str(conf->env),
			put->path,
			slice_str(s->name),
			p->f->s3 ? SLICE("s3") : SLICE("disk"),
			file_number(a, s->size),
			slice_str(s->md5),
			slice_str(s->sha256),
			put->type,
			owner.len ? owner : SLICE(""),
			or_null(put->cache_control),
			or_null(put->disposition),
			now,
			put->expire_ms ? file_number(a, put->expire_ms)
				       : slice_of(NULL, 0),
			p->look.found ? slice_str(p->look.info.owner)
				      : slice_of(NULL, 0),
			ask_flag(put->fresh),
			file_number(a, conf->user_quota),
			file_number(a, conf->total_quota),
			file_number(a, conf->lane),
			slice_str(conf->bucket),
			file_caller(a, &put->scope),
			file_check(p->f, a, &put->scope, put->path),
		},
		21);
}

static const char register_sql[] =
	"INSERT INTO mpcloud.file_gone VALUES ($1, 's3', $2)"
	" ON CONFLICT DO NOTHING";

static void
on_sent(struct job *job)
{
	struct put *p = container_of(
		container_of(job, struct s3_op, job), struct put, s3);

	if (job->err < 0)
		fail(p, job->err, &job->why);
	else
		put_row(p);
}

static void
on_registered(struct job *job)
{
	struct put *p = container_of(
		container_of(job, struct ask, job), struct put, ask);
	const struct content_sums *s = content_sums(p->content);

	if (job->err < 0) {
		fail(p, job->err, &job->why);
		return;
	}
	p->fd = place_open(p->f->place, s->name);
	if (p->fd < 0) {
		fail(p, p->fd, NULL);
		return;
	}
	job_init(&p->s3.job, on_sent);
	s3_put(p->f->s3, &p->s3, s->name, p->fd, s->size, s->sha256);
}

/* To the store.  It is noted as litter of later first: should nothing name it
 * then, whatever happens here, it goes. */
static void
send_away(struct put *p)
{
	const struct content_sums *s = content_sums(p->content);

	p->ask = (struct ask){0};
	job_init(&p->ask.job, on_registered);
	pool_ask(p->f->pool, &p->ask, register_sql,
		(struct slice[]){slice_str(s->name),
			file_number(
				p->put->arena, clock_now_ms() + UNNAMED_MS)},
		2);
}

/* The disk has taken what waited, or all. */
static void
on_step(struct content *c, void *owner)
{
	struct put *p = owner;
	struct fault why = {0};
	int r = content_error(c);

	if (!p->put->job.busy)
		return; /* file_put_data will say it */
	if (r == 0 && p->ending && content_is_whole(c))
		r = compare_sums(p->put, content_sums(c), &why);
	if (r < 0)
		fail(p, r, why.code ? &why : NULL);
	else if (!p->ending)
		job_finish(&p->put->job, 0);
	else if (content_is_whole(c) && p->f->s3)
		send_away(p);
	else if (content_is_whole(c))
		put_row(p);
}

void
file_put_join(struct file_put *put, const char *const *parts, size_t count)
{
	content_join(put->inside->content, parts, count);
}

void
file_put_end(struct file_put *put)
{
	struct put *p = put->inside;
	int r;

	p->ending = true;
	if (!put->type.len)
		put->type = SLICE("application/octet-stream");
	job_begin(&put->job, p->f->loop, put->end_ms ? put->end_ms : END_MS,
		on_drop);
	r = p->content ? content_end(p->content) : ERR_GONE;
	if (r < 0) {
		drop_content(p);
		job_fail_soon(&put->job, p->f->loop, r);
	}
}

void
file_put_done(struct file_put *put)
{
	struct put *p = put->inside;

	job_cancel(&put->job);
	if (p)
		drop_content(p);
	put->inside = NULL;
}
