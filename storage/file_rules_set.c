/*
 * What was said is checked by the same parser that reads it later, and then one
 * statement writes it with a new version, if it is another: every gateway sees
 * the version with the next path that it looks up.
 */
#include "storage/file_rules_set.h"

#include "base/clock.h"
#include "storage/files_inside.h"
#include "storage/lifecycle.h"

#include <string.h>

enum { TEXT_TOP = 1 << 20 };

struct stated {
	const char *permission;
	struct buf rules, lifecycle; /* JSON; empty: none */
};

static const char set_sql[] =
	"INSERT INTO mpcloud.file_rules AS r (env, permission, rules, "
	"lifecycle,"
	" version, changed_at) VALUES ($1, $2, $3::jsonb, $4::jsonb, 1, $5)"
	" ON CONFLICT (env) DO UPDATE SET permission = excluded.permission,"
	"  rules = excluded.rules, lifecycle = excluded.lifecycle,"
	"  version = r.version + 1, changed_at = excluded.changed_at"
	" WHERE (r.permission, r.rules, r.lifecycle) IS DISTINCT FROM"
	"  (excluded.permission, excluded.rules, excluded.lifecycle)"
	" RETURNING version";

static const char show_sql[] =
	"SELECT jsonb_strip_nulls(jsonb_build_object('permission', permission,"
	" 'rules', rules, 'lifecycle', lifecycle, 'version', version,"
	" 'changedAt', changed_at)) FROM mpcloud.file_rules WHERE env = $1";

static int
check_members(const json_t *file, struct fault *why)
{
	static const char *const known[] = {"permission", "rules", "lifecycle"};
	const char *name = NULL;
	json_t *ignored = NULL;

	json_object_foreach ((json_t *)(uintptr_t)file, name, ignored) {
		bool fine = false;

		for (size_t i = 0; i < array_size(known); i++)
			fine |= strcmp(name, known[i]) == 0;
		if (!fine)
			return fault_set(why, ERR_PARAM,
				"%.40s is not known: there are permission, "
				"rules and lifecycle",
				name);
	}
	return 0;
}

static int
read_rules(struct stated *s, const json_t *rules, const json_t *permission,
	struct fault *why)
{
	_cleanup_(file_rules_freep) struct file_rules *r = NULL;

	s->permission = rules ? "CUSTOM" : "PRIVATE";
	if (permission && !json_is_string(permission))
		return fault_set(
			why, ERR_PARAM, "permission: a text is needed");
	if (permission)
		s->permission = json_string_value(permission);
	if (rules && strcmp(s->permission, "CUSTOM") != 0)
		return fault_set(why, ERR_PARAM,
			"rules belong to the permission \"CUSTOM\", not to "
			"\"%.40s\"",
			s->permission);
	if (rules)
		val_put(&s->rules, rules);
	else if (strcmp(s->permission, "CUSTOM") == 0)
		return fault_set(why, ERR_PARAM,
			"rules: the permission CUSTOM needs them");
	return file_rules_new(
		&r, slice_str(s->permission), buf_all(&s->rules), why);
}

/* CloudBase's own file holds the rules alone. */
static bool
is_bare(const json_t *file)
{
	return json_object_get(file, "read") || json_object_get(file, "write");
}

static int
read_file(struct stated *s, const json_t *file, struct fault *why)
{
	const json_t *rules = json_object_get(file, "rules");
	const json_t *lifecycle = json_object_get(file, "lifecycle");
	int r;

	if (!json_is_object(file))
		return fault_set(why, ERR_PARAM, "an object is needed");
	if (is_bare(file))
		return read_rules(s, file, NULL, why);
	r = check_members(file, why);
	if (r == 0)
		r = read_rules(
			s, rules, json_object_get(file, "permission"), why);
	if (r == 0 && lifecycle)
		r = lifecycle_parse(&s->lifecycle, lifecycle, why);
	return r;
}

static void
stated_init(struct stated *s)
{
	*s = (struct stated){0};
	buf_init(&s->rules, TEXT_TOP);
	buf_init(&s->lifecycle, TEXT_TOP);
}

static void
stated_done(struct stated *s)
{
	buf_done(&s->rules);
	buf_done(&s->lifecycle);
}

int
file_rules_check(const json_t *file, struct fault *why)
{
	struct stated s;
	int r;

	stated_init(&s);
	r = read_file(&s, file, why);
	stated_done(&s);
	return r;
}

static void
on_drop(struct job *job)
{
	job_cancel(&container_of(job, struct file_rules_op, job)->ask.job);
}

static void
on_shown(struct job *job)
{
	struct file_rules_op *op = container_of(
		container_of(job, struct ask, job), struct file_rules_op, ask);

	op->now = SLICE("{\"permission\":\"PRIVATE\",\"version\":0}");
	if (job->err < 0)
		op->job.why = job->why;
	else if (ask_rows(&op->ask) > 0)
		op->now = slice_str(
			arena_str(op->arena, ask_value(&op->ask, 0, 0)));
	job_finish(&op->job, job->err);
}

static void
show(struct file_rules_op *op)
{
	op->ask = (struct ask){.is_read = true};
	job_init(&op->ask.job, on_shown);
	pool_ask(op->f->pool, &op->ask, show_sql,
		(struct slice[]){slice_str(op->f->conf.env)}, 1);
}

static void
on_set(struct job *job)
{
	struct file_rules_op *op = container_of(
		container_of(job, struct ask, job), struct file_rules_op, ask);

	if (job->err < 0) {
		op->job.why = job->why;
		job_finish(&op->job, job->err);
		return;
	}
	hot_change_all_end(op->f->hot);
	op->changed = ask_rows(&op->ask) > 0;
	show(op);
}

static struct slice
or_null(const struct buf *b)
{
	return b->len ? buf_all(b) : slice_of(NULL, 0);
}

void
file_rules_set(struct files *f, struct file_rules_op *op, const json_t *file)
{
	struct stated s;
	int r;

	op->f = f;
	job_init(&op->ask.job, on_set);
	job_begin(&op->job, f->loop, 0, on_drop);
	stated_init(&s);
	r = read_file(&s, file, &op->job.why);
	if (r < 0) {
		stated_done(&s);
		job_fail_soon(&op->job, f->loop, r);
		return;
	}
	op->ask = (struct ask){0};
	job_init(&op->ask.job, on_set);
	hot_change_all_begin(f->hot);
	pool_ask(f->pool, &op->ask, set_sql,
		(struct slice[]){slice_str(f->conf.env),
			slice_str(s.permission), or_null(&s.rules),
			or_null(&s.lifecycle),
			file_number(op->arena, clock_now_ms())},
		5);
	stated_done(&s);
}

void
file_rules_show(struct files *f, struct file_rules_op *op)
{
	op->f = f;
	job_begin(&op->job, f->loop, 0, on_drop);
	show(op);
}
