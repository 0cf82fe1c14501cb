/*
 * To the archive and back, beside others who copy, remove, sweep and restore:
 * whoever comes between, the content is where its rows look for it, and goes
 * when there are none.
 */
#include "storage/archive.h"

#include "base/clock.h"
#include "storage/lifecycle.h"
#include "tests/unit/file_driver.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY 86400000LL

static void
at(int64_t ms)
{
	clock_set((T0 + ms) * CLOCK_MS);
}

/* Below logs/ all is archived after a day. */
static struct fixture *
setup_logs(void)
{
	struct fixture *f = setup();

	(void)sql("INSERT INTO mpcloud.file_rules VALUES ('" ENV "', 'PRIVATE',"
		  " NULL, '[{\"prefix\":\"logs/\",\"archive\":86400000}]', 1,"
		  " 1)");
	return f;
}

static struct lifecycle_run
run(struct fixture *f)
{
	struct lifecycle_run r = {0};

	job_init(&r.job, on_done);
	lifecycle_run(f->files[0], &r);
	assert_int_equal(wait_job(f, &r.job), 0);
	return r;
}

static void
restore(struct fixture *f, const char *path)
{
	struct archive a;

	job_init(&a.job, on_done);
	archive_restore(f->files[0], &a, slice_str(path));
	assert_int_equal(wait_job(f, &a.job), 0);
}

/* Another gateway, which lives when its loop is turned, and has a round to do.
 * A statement of its that meets a lock waits. */
struct third {
	struct loop loop;
	struct pool *pool;
	struct files *files;
	struct lifecycle_run run;
};

static void
third_begin(struct third *t, struct fixture *f)
{
	const struct pool_conf conf = {.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 60000,
		.waiting_top = 100};
	struct fault why = {0};

	assert_int_equal(loop_init(&t->loop), 0);
	assert_int_equal(pool_new(&t->pool, &t->loop, &conf, NULL), 0);
	assert_int_equal(
		files_new(&t->files, &t->loop, t->pool, NULL, &f->conf, &why),
		0);
	t->run = (struct lifecycle_run){0};
	job_init(&t->run.job, on_done);
	lifecycle_run(t->files, &t->run);
}

static void
until_it_waits(struct third *t)
{
	while (strcmp(sql("SELECT count(*) FROM pg_locks WHERE NOT granted"),
		       "0") == 0)
		loop_turn(&t->loop, false);
}

static void
third_end(struct third *t)
{
	while (t->run.job.busy)
		loop_turn(&t->loop, list_empty(&t->loop.deferred));
	assert_int_equal(t->run.job.err, 0);
	(void)files_free(t->files);
	(void)pool_free(t->pool);
	loop_done(&t->loop);
}

/* Somebody else, in a transaction. */
static PGconn *
other(const char *text)
{
	PGconn *conn = PQconnectdb(testpg_url(pg));

	PQclear(PQexec(conn, "BEGIN"));
	PQclear(PQexec(conn, text));
	assert_int_equal(PQtransactionStatus(conn), PQTRANS_INTRANS);
	return conn;
}

static void
commit(PGconn *conn)
{
	PQclear(PQexec(conn, "COMMIT"));
	PQfinish(conn);
}

static void
what_was_left_half_is_copied_anew(void **state)
{
	struct fixture *f = setup_logs();
	char path[192], name[64];
	int fd;

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	(void)snprintf(name, sizeof(name), "%s",
		sql("SELECT content FROM mpcloud.files"));
	(void)snprintf(path, sizeof(path), "%s/archive/%.3s", f->dir, name);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(
		path, sizeof(path), "%s/archive/%.3s/%s", f->dir, name, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "old", 3), 3);
	(void)close(fd);
	at(DAY);
	assert_int_equal(run(f).archived, 1);
	assert_int_equal(count_files(f, "objects"), 0);
	assert_int_equal(count_files(f, "archive"), 1);
	restore(f, "logs/a");
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_string_equal(got, "old log");
	teardown(f);
}

static void
a_copy_that_is_made_meanwhile_keeps_its_content(void **state)
{
	struct fixture *f = setup_logs();
	struct third t;
	PGconn *copier;

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	assert_int_equal(put(f, ADMIN, "logs/b", "another"), 0);
	at(DAY);
	copier = other("SELECT mpcloud.file_copy('" ENV "', 'logs/a', 'copy',"
		       " NULL, NULL, '', false, false, 0, 0, 5, 'bucket',"
		       " '{}', 1800086400000, NULL)");
	third_begin(&t, f);
	until_it_waits(&t);
	commit(copier);
	third_end(&t);
	assert_int_equal(get(f, ADMIN, "copy"), 0);
	assert_string_equal(got, "old log");
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_int_equal(get(f, ADMIN, "logs/b"), ERR_FILE_ARCHIVED);
	at(3 * DAY);
	assert_int_equal(run(f).counts.lost, 0);
	assert_int_equal(get(f, ADMIN, "copy"), 0);
	teardown(f);
}

/* The content has both names, and no row says yet that the new one counts. */
static void
a_sweep_leaves_what_is_being_archived(void **state)
{
	struct fixture *f = setup_logs();
	struct third t;
	struct sweep s = {0};
	PGconn *holder;

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	at(DAY);
	holder = other("SELECT FROM mpcloud.files FOR UPDATE");
	third_begin(&t, f);
	until_it_waits(&t);
	assert_int_equal(count_files(f, "archive"), 1);
	job_init(&s.job, on_done);
	sweep_start(f->files[1], &s, SWEEP_AGE_MS);
	assert_int_equal(wait_job(f, &s.job), 0);
	commit(holder);
	third_end(&t);
	assert_int_equal(s.counts.litter, 0);
	assert_int_equal(get(f, ADMIN, "logs/a"), ERR_FILE_ARCHIVED);
	restore(f, "logs/a");
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_string_equal(got, "old log");
	teardown(f);
}

/* The row says it is archived, and its other name is about to go. */
static void
what_is_restored_at_once_stays(void **state)
{
	struct fixture *f = setup_logs();
	struct third t;
	PGconn *holder;

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	at(DAY);
	holder = other("SELECT FROM mpcloud.files FOR UPDATE");
	third_begin(&t, f);
	until_it_waits(&t);
	commit(holder);
	while (strcmp(sql("SELECT class FROM mpcloud.files"), "archive") != 0)
		;
	at(DAY + 1);
	restore(f, "logs/a");
	third_end(&t);
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_string_equal(got, "old log");
	teardown(f);
}

/* More than are asked for at once share their content with one that is read. */
static void
those_that_must_stay_do_not_stand_before_others(void **state)
{
	struct fixture *f = setup_logs();

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/y", "shared"), 0);
	(void)sql(
		"INSERT INTO mpcloud.files (env, path, content, place, size,"
		" md5, sha256, type, created_at, changed_at)"
		" SELECT env, p, content, place, size, md5, sha256, type, 1, 1"
		" FROM mpcloud.files, (SELECT 'read' AS p UNION"
		" SELECT 'logs/' || i FROM generate_series(1, 60) i) p");
	assert_int_equal(put(f, ADMIN, "logs/z", "old log"), 0);
	at(DAY);
	assert_int_equal(run(f).archived, 1);
	assert_int_equal(get(f, ADMIN, "logs/z"), ERR_FILE_ARCHIVED);
	teardown(f);
}

static void
until_entries(struct fixture *f, const char *count)
{
	while (strcmp(sql("SELECT count(*) FROM mpcloud.file_gone"), count))
		loop_turn(&f->loop, true);
}

/* A copy names the content when its entry is read, and goes before that ends.
 */
static void
what_is_let_go_again_meanwhile_is_not_forgotten(void **state)
{
	struct fixture *f = setup();
	struct third t;
	PGconn *remover;

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "abc"), 0);
	assert_int_equal(copy(f, ADMIN, "a", "b", false, false), 0);
	assert_int_equal(rm(f, ADMIN, "a"), 0);
	remover = other("SELECT FROM mpcloud.file_gone FOR UPDATE");
	third_begin(&t, f);
	until_it_waits(&t);
	PQclear(PQexec(remover,
		"SELECT mpcloud.file_remove('" ENV "', 'b', NULL, 5, 'bucket',"
		" '{}', 1800000000000)"));
	commit(remover);
	while (strcmp(sql("SELECT count(*) FROM pg_stat_activity"
			  " WHERE state <> 'idle' AND pid <> pg_backend_pid()"
			  " AND query LIKE '%%DELETE FROM "
			  "mpcloud.file_gone%%'"),
		       "0") != 0)
		;
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.file_gone"), "1");
	third_end(&t);
	assert_int_equal(put(f, ADMIN, "c", "abc"), 0);
	assert_int_equal(rm(f, ADMIN, "c"), 0);
	until_entries(f, "0");
	assert_int_equal(count_files(f, "objects"), 0);
	teardown(f);
}

/* As when a store has changed its key, or is not the configured one any more.
 */
static void
what_cannot_be_removed_does_not_stand_before_others(void **state)
{
	struct fixture *f = setup();

	(void)state;
	(void)sql("INSERT INTO mpcloud.file_gone SELECT md5(i::text), 's3', 1"
		  " FROM generate_series(1, 250) i");
	assert_int_equal(put(f, ADMIN, "a", "abc"), 0);
	assert_int_equal(rm(f, ADMIN, "a"), 0);
	until_objects(f, 0);
	until_entries(f, "250");
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.file_gone"
				" WHERE gone_at = %lld",
				    T0 + 600000),
		"250");
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_left_half_is_copied_anew),
		cmocka_unit_test(
			a_copy_that_is_made_meanwhile_keeps_its_content),
		cmocka_unit_test(a_sweep_leaves_what_is_being_archived),
		cmocka_unit_test(what_is_restored_at_once_stays),
		cmocka_unit_test(
			what_is_let_go_again_meanwhile_is_not_forgotten),
		cmocka_unit_test(
			what_cannot_be_removed_does_not_stand_before_others),
		cmocka_unit_test(
			those_that_must_stay_do_not_stand_before_others),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
