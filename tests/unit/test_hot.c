/*
 * What one gateway keeps of files while another changes them: nobody is
 * answered with what was before, and nothing is kept beyond its ceilings.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "storage/file_rules_set.h"
#include "storage/files_inside.h"
#include "storage/lifecycle.h"
#include "tests/unit/file_driver.h"

#include <errno.h>
#include <unistd.h>

static void
take_up(struct file_get *g)
{
	ssize_t n;

	got_info = g->info;
	if (g->hot && g->hot->bytes.ptr) {
		n = (ssize_t)min(g->hot->bytes.len, sizeof(got) - 1);
		memcpy(got, g->hot->bytes.ptr, (size_t)n);
	} else {
		n = pread(g->fd, got, sizeof(got) - 1, 0);
	}
	assert_true(n >= 0);
	got[n] = '\0';
	fd_closep(&g->fd);
	g->hot = hot_file_unref(g->hot);
}

/* Asked, at gateway 1. */
static int
ask(struct fixture *f, struct file_scope who, const char *path)
{
	struct file_get g = {.arena = &f->arena,
		.scope = who,
		.path = slice_str(path),
		.takes_hot = true};
	int r;

	job_init(&g.job, on_done);
	file_get(f->files[1], &g);
	r = wait_job(f, &g.job);
	if (r == 0)
		take_up(&g);
	return r;
}

/* At once, at gateway 1; 1: not kept. */
static int
hot(struct fixture *f, struct file_scope who, const char *path)
{
	struct file_get g = {.arena = &f->arena,
		.scope = who,
		.path = slice_str(path),
		.takes_hot = true};
	int r = file_get_hot(f->files[1], &g);

	if (r == 0)
		take_up(&g);
	return r;
}

static void
keep(struct fixture *f, const char *path, const char *text)
{
	assert_int_equal(ask(f, ADMIN, path), 0);
	assert_int_equal(hot(f, ADMIN, path), 0);
	assert_string_equal(got, text);
}

static void
what_is_kept_ends_when_another_gateway_changes_it(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "first"), 0);
	assert_int_equal(put(f, BY(anna), "b", "other"), 0);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	keep(f, "a", "first");
	keep(f, "b", "other");
	assert_string_equal(got_info.owner, "o-anna");
	assert_string_equal(got_info.type, "text/plain");
	assert_int_equal(put(f, BY(anna), "a", "second"), 0);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	assert_int_equal(hot(f, ADMIN, "b"), 0); /* another path's */
	keep(f, "a", "second");
	assert_int_equal(copy(f, ADMIN, "b", "a", true, false), 0);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	keep(f, "a", "other");
	assert_int_equal(copy(f, ADMIN, "a", "c", true, true), 0);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	assert_int_equal(ask(f, ADMIN, "a"), ERR_FILE_NONE);
	keep(f, "c", "other");
	assert_int_equal(rm(f, ADMIN, "c"), 0);
	assert_int_equal(hot(f, ADMIN, "c"), 1);
	assert_int_equal(ask(f, ADMIN, "c"), ERR_FILE_NONE);
	teardown(f);
}

/* Changes of rows wait in the database until the gate is open. */
static void
gate_close(void)
{
	(void)sql("CREATE TABLE gate (); CREATE FUNCTION gate_wait() RETURNS"
		  " trigger LANGUAGE plpgsql AS $$ BEGIN WHILE NOT EXISTS"
		  " (SELECT FROM gate) LOOP PERFORM pg_sleep(0.005); END LOOP;"
		  " RETURN NEW; END $$; CREATE TRIGGER gate AFTER UPDATE ON"
		  " mpcloud.files FOR EACH ROW EXECUTE FUNCTION gate_wait()");
}

static bool
gate_waits(void)
{
	return strcmp(sql("SELECT count(*) FROM pg_stat_activity"
			  " WHERE wait_event = 'PgSleep'"),
		       "0") != 0;
}

static void
gate_open(void)
{
	(void)sql("INSERT INTO gate DEFAULT VALUES");
}

static void
gate_remove(void)
{
	(void)sql("DROP TRIGGER gate ON mpcloud.files;"
		  " DROP FUNCTION gate_wait; DROP TABLE gate");
}

/* The put waits in the database: whatever is read meanwhile is the row of
 * before. */
static void
nothing_is_kept_of_a_path_that_is_being_changed(void **state)
{
	struct fixture *f = setup();
	struct file_put p = {.arena = &f->arena,
		.scope = ADMIN,
		.path = SLICE("a"),
		.size = 3};

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "old"), 0);
	keep(f, "a", "old");
	gate_close();
	job_init(&p.job, on_done);
	file_put_begin(f->files[0], &p);
	assert_int_equal(wait_job(f, &p.job), 0);
	assert_int_equal(file_put_data(&p, SLICE("new")), 0);
	file_put_end(&p);
	while (!gate_waits())
		loop_turn(&f->loop, false);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask(f, ADMIN, "a"), 0);
		assert_string_equal(got, "old");
		assert_int_equal(hot(f, ADMIN, "a"), 1);
	}
	assert_true(p.job.busy);
	gate_open();
	assert_int_equal(wait_job(f, &p.job), 0);
	file_put_done(&p);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	keep(f, "a", "new");
	gate_remove();
	teardown(f);
}

static void
what_was_read_before_a_change_is_not_kept_after_it(void **state)
{
	struct fixture *f = setup();
	struct hot *h = f->files[1]->hot;
	struct hot_stamp stamp;

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "old"), 0);
	hot_stamp(h, SLICE("a"), &stamp);
	assert_int_equal(get(f, ADMIN, "a"), 0);
	assert_int_equal(put(f, ADMIN, "a", "new"), 0);
	hot_keep(h, &stamp, &got_info, -1, true);
	assert_null(hot_find(h, SLICE("a"), 0));
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	keep(f, "a", "new");
	teardown(f);
}

static void
who_may_is_asked_each_time_of_the_rules_in_force(void **state)
{
	struct fixture *f = setup();
	_json_ json_t *rules = NULL;
	struct file_rules_op op = {.arena = &f->arena};

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "x"), 0);
	keep(f, "a", "x");
	assert_int_equal(hot(f, BY(anna), "a"), 0);
	assert_int_equal(hot(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(hot(f, BY(nobody), "a"), ERR_FILE_DENIED);
	rules = json_loads("{\"read\":\"now < 1800000005000\"}", 0, NULL);
	job_init(&op.job, on_done);
	file_rules_set(f->files[0], &op, rules);
	assert_int_equal(wait_job(f, &op.job), 0);
	assert_int_equal(hot(f, BY(ben), "a"), 1);
	assert_int_equal(ask(f, BY(ben), "a"), 0);
	assert_int_equal(hot(f, BY(ben), "a"), 0);
	clock_set((T0 + 4500) * CLOCK_MS);
	assert_int_equal(ask(f, BY(ben), "a"), 0);
	clock_set((T0 + 5000) * CLOCK_MS);
	assert_int_equal(hot(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(hot(f, ADMIN, "a"), 0);
	teardown(f);
}

/* Whose rules are in force says the database alone: a gateway that came to hold
 * others than those the row was read under asks. */
static void
what_was_read_under_other_rules_is_asked_for(void **state)
{
	struct fixture *f = setup();
	struct files *reader = f->files[1];

	(void)state;
	(void)sql("INSERT INTO mpcloud.file_rules VALUES ('" ENV "',"
		  " 'PRIVATE', NULL, NULL, 2, 1)");
	assert_int_equal(put(f, BY(anna), "a", "x"), 0);
	keep(f, "a", "x");
	assert_int_equal(hot(f, BY(ben), "a"), ERR_FILE_DENIED);
	/* an answer of before, that was overtaken */
	(void)file_rules_free(reader->rules);
	assert_int_equal(file_rules_new(&reader->rules, SLICE("READONLY"),
				 slice_of(NULL, 0), NULL),
		0);
	reader->rules_version = 1;
	assert_int_equal(hot(f, BY(ben), "a"), 1);
	assert_int_equal(ask(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(hot(f, BY(ben), "a"), ERR_FILE_DENIED);
	teardown(f);
}

#define PUBLIC ((struct file_scope){.admin = true, .in_public = true})

/* As trigger/queue_check.c takes it. */
static void
verdict(struct fixture *f, bool pass)
{
	mark_name_begin(&f->marks, SLICE("a"), clock_mono());
	(void)sql("UPDATE mpcloud.queue SET state = 'running', claim = 5,"
		  " attempts = 1 WHERE state = 'waiting'");
	(void)sql("SELECT mpcloud.file_check_end(id, 5, 1, %s, 'ugly', 0,"
		  " %lld) FROM mpcloud.queue WHERE state = 'running'",
		pass ? "true" : "false", T0);
	mark_name_end(&f->marks, SLICE("a"));
}

static void
what_waits_for_its_check_is_kept_for_its_owner_alone(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->conf.check_function = "judge";
	reconfigure(f);
	(void)sql("TRUNCATE mpcloud.file_refused");
	(void)sql("INSERT INTO mpcloud.file_rules VALUES ('" ENV "',"
		  " 'READONLY', NULL, NULL, 1, 1)");
	for (int i = 0; i < 2; i++) { /* anew, and over one that passed */
		assert_int_equal(put(f, BY(anna), "a", "ugly"), 0);
		assert_int_equal(hot(f, BY(ben), "a"), 1);
		assert_int_equal(ask(f, BY(ben), "a"), ERR_FILE_DENIED);
		assert_int_equal(hot(f, BY(ben), "a"), 1);
		assert_int_equal(ask(f, BY(anna), "a"), 0);
		assert_int_equal(hot(f, BY(anna), "a"), 0);
		assert_true(got_info.pending);
		assert_int_equal(hot(f, ADMIN, "a"), 0);
		assert_int_equal(hot(f, BY(ben), "a"), ERR_FILE_DENIED);
		assert_int_equal(hot(f, BY(nobody), "a"), ERR_FILE_DENIED);
		assert_int_equal(hot(f, PUBLIC, "a"), ERR_FILE_DENIED);
		assert_int_equal(ask(f, BY(ben), "a"), ERR_FILE_DENIED);
		verdict(f, true);
		assert_int_equal(hot(f, BY(ben), "a"), 1);
		assert_int_equal(ask(f, BY(ben), "a"), 0);
		assert_int_equal(hot(f, BY(ben), "a"), 0);
		assert_false(got_info.pending);
		assert_int_equal(hot(f, PUBLIC, "a"), 0);
	}
	assert_int_equal(put(f, BY(anna), "a", "worse"), 0);
	assert_int_equal(ask(f, BY(anna), "a"), 0);
	assert_int_equal(hot(f, BY(anna), "a"), 0);
	verdict(f, false);
	assert_int_equal(hot(f, BY(anna), "a"), 1);
	assert_int_equal(ask(f, BY(anna), "a"), ERR_FILE_REFUSED);
	assert_int_equal(hot(f, BY(anna), "a"), 1);
	assert_int_equal(ask(f, BY(ben), "a"), ERR_FILE_NONE);
	assert_int_equal(put(f, ADMIN, "a", "fine"), 0);
	keep(f, "a", "fine");
	assert_int_equal(hot(f, BY(ben), "a"), 0);
	teardown(f);
}

static void
what_is_kept_has_its_time(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "x"), 0);
	keep(f, "a", "x");
	clock_set((T0 + 999) * CLOCK_MS);
	assert_int_equal(hot(f, ADMIN, "a"), 0);
	clock_set((T0 + 1000) * CLOCK_MS);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	keep(f, "a", "x");
	/* another machine's change is seen then; and a file's own end at once
	 */
	(void)sql("UPDATE mpcloud.files SET expires_at = %lld", T0 + 1500);
	assert_int_equal(hot(f, ADMIN, "a"), 0);
	clock_set((T0 + 2000) * CLOCK_MS);
	assert_int_equal(hot(f, ADMIN, "a"), 1);
	(void)sql("UPDATE mpcloud.files SET expires_at = %lld", T0 + 2500);
	keep(f, "a", "x");
	clock_set((T0 + 2500) * CLOCK_MS);
	assert_int_equal(hot(f, ADMIN, "a"), ERR_FILE_NONE);
	teardown(f);
}

static void
run_lifecycle(struct fixture *f, struct lifecycle_run *run)
{
	job_init(&run->job, on_done);
	lifecycle_run(f->files[0], run);
	assert_int_equal(wait_job(f, &run->job), 0);
}

static void
what_the_lifecycle_removes_or_archives_is_not_kept(void **state)
{
	struct fixture *f = setup();
	struct lifecycle_run run = {0};

	(void)state;
	assert_int_equal(put(f, ADMIN, "tmp/a", "x"), 0);
	assert_int_equal(put(f, ADMIN, "old/b", "x"), 0);
	(void)sql("INSERT INTO mpcloud.file_rules (env, permission, lifecycle,"
		  " version, changed_at) VALUES ('" ENV "', 'PRIVATE',"
		  " '[{\"prefix\":\"tmp/\",\"expire\":500},"
		  "{\"prefix\":\"old/\",\"archive\":800}]', 1, 0)");
	clock_set((T0 + 500) * CLOCK_MS);
	keep(f, "tmp/a", "x");
	run_lifecycle(f, &run);
	assert_int_equal(run.expired, 1);
	assert_int_equal(run.archived, 0);
	assert_int_equal(hot(f, ADMIN, "tmp/a"), 1);
	assert_int_equal(ask(f, ADMIN, "tmp/a"), ERR_FILE_NONE);
	keep(f, "old/b", "x");
	clock_set((T0 + 800) * CLOCK_MS);
	assert_int_equal(hot(f, ADMIN, "old/b"), 0);
	run_lifecycle(f, &run);
	assert_int_equal(run.expired, 0);
	assert_int_equal(run.archived, 1);
	assert_int_equal(hot(f, ADMIN, "old/b"), 1);
	assert_int_equal(ask(f, ADMIN, "old/b"), ERR_FILE_ARCHIVED);
	teardown(f);
}

static char *
text_of(size_t len)
{
	char *text = mem_alloc(len + 1);

	memset(text, 'x', len);
	return text;
}

enum { FILES = 40, LARGE = HOT_FDS_TOP + 12 };

static void
memory_and_descriptors_have_ceilings(void **state)
{
	struct fixture *f = setup();
	const struct hot *h = f->files[1]->hot;
	_free_ char *small = text_of(HOT_FILE_TOP);
	_free_ char *large = text_of(HOT_FILE_TOP + 1);
	char path[32];

	(void)state;
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "small/%d", i);
		assert_int_equal(put(f, ADMIN, path, small), 0);
		assert_int_equal(ask(f, ADMIN, path), 0);
		assert_true(hot_count(h).bytes <= 1 << 20);
		assert_int_equal(hot(f, ADMIN, path), 0);
	}
	assert_int_equal(hot_count(h).files, 15); /* of 64 KiB and a row */
	assert_int_equal(hot_count(h).fds, 0);
	assert_int_equal(hot(f, ADMIN, "small/0"), 1);
	for (int i = 0; i < LARGE; i++) {
		(void)snprintf(path, sizeof(path), "large/%d", i);
		assert_int_equal(put(f, ADMIN, path, large), 0);
		assert_int_equal(ask(f, ADMIN, path), 0);
		assert_true(hot_count(h).fds <= HOT_FDS_TOP);
		assert_int_equal(hot(f, ADMIN, path), 0);
	}
	assert_int_equal(hot_count(h).fds, HOT_FDS_TOP);
	assert_int_equal(hot(f, ADMIN, "large/0"), 1);
	f->conf.hot_memory = 0;
	reconfigure(f);
	assert_int_equal(hot_count(h).files, 0);
	assert_int_equal(hot_count(h).bytes, 0);
	assert_int_equal(hot_count(h).fds, 0);
	assert_int_equal(hot(f, ADMIN, path), 1);
	assert_int_equal(ask(f, ADMIN, path), 0);
	assert_int_equal(hot(f, ADMIN, path), 1);
	teardown(f);
}

/* What is being sent outlives what is kept. */
static void
an_answer_keeps_what_it_began_with(void **state)
{
	struct fixture *f = setup();
	struct file_get g = {.arena = &f->arena,
		.scope = ADMIN,
		.path = SLICE("a"),
		.takes_hot = true};

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "first"), 0);
	keep(f, "a", "first");
	assert_int_equal(file_get_hot(f->files[1], &g), 0);
	assert_int_equal(put(f, ADMIN, "a", "second"), 0);
	keep(f, "a", "second");
	take_up(&g);
	assert_string_equal(got, "first");
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_is_kept_ends_when_another_gateway_changes_it),
		cmocka_unit_test(
			nothing_is_kept_of_a_path_that_is_being_changed),
		cmocka_unit_test(
			what_was_read_before_a_change_is_not_kept_after_it),
		cmocka_unit_test(
			who_may_is_asked_each_time_of_the_rules_in_force),
		cmocka_unit_test(what_was_read_under_other_rules_is_asked_for),
		cmocka_unit_test(
			what_waits_for_its_check_is_kept_for_its_owner_alone),
		cmocka_unit_test(what_is_kept_has_its_time),
		cmocka_unit_test(
			what_the_lifecycle_removes_or_archives_is_not_kept),
		cmocka_unit_test(memory_and_descriptors_have_ceilings),
		cmocka_unit_test(an_answer_keeps_what_it_began_with),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
