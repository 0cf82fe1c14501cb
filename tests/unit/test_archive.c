/*
 * To the archive and back, beside others who copy, sweep and restore: whoever
 * comes between, the content is where its rows look for it.
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

static void
begin(struct fixture *f, struct lifecycle_run *r)
{
	*r = (struct lifecycle_run){0};
	job_init(&r->job, on_done);
	lifecycle_run(f->files[0], r);
}

static struct lifecycle_run
run(struct fixture *f)
{
	struct lifecycle_run r;

	begin(f, &r);
	assert_int_equal(wait_job(f, &r.job), 0);
	return r;
}

static void
restore(struct fixture *f, struct files *files, struct loop *loop,
	const char *path)
{
	struct archive a;

	(void)f;
	job_init(&a.job, on_done);
	archive_restore(files, &a, slice_str(path));
	while (a.job.busy)
		loop_turn(loop, list_empty(&loop->deferred));
	assert_int_equal(a.job.err, 0);
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
until_it_waits(struct fixture *f)
{
	while (strcmp(sql("SELECT count(*) FROM pg_locks WHERE NOT granted"),
		       "0") == 0)
		loop_turn(&f->loop, false);
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
	restore(f, f->files[0], &f->loop, "logs/a");
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_string_equal(got, "old log");
	teardown(f);
}

static void
a_copy_that_is_made_meanwhile_keeps_its_content(void **state)
{
	struct fixture *f = setup_logs();
	struct lifecycle_run r;
	PGconn *copier;

	(void)state;
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	assert_int_equal(put(f, ADMIN, "logs/b", "another"), 0);
	at(DAY);
	copier = other("SELECT mpcloud.file_copy('" ENV "', 'logs/a', 'copy',"
		       " NULL, NULL, '', false, false, 0, 0, 5, 'bucket',"
		       " '{}', 1800086400000, NULL)");
	begin(f, &r);
	until_it_waits(f);
	commit(copier);
	assert_int_equal(wait_job(f, &r.job), 0);
	assert_int_equal(get(f, ADMIN, "copy"), 0);
	assert_string_equal(got, "old log");
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_int_equal(get(f, ADMIN, "logs/b"), ERR_FILE_ARCHIVED);
	at(3 * DAY);
	assert_int_equal(run(f).counts.lost, 0);
	assert_int_equal(get(f, ADMIN, "copy"), 0);
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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_left_half_is_copied_anew),
		cmocka_unit_test(
			a_copy_that_is_made_meanwhile_keeps_its_content),
		cmocka_unit_test(
			those_that_must_stay_do_not_stand_before_others),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
