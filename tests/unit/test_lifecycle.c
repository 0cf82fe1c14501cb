/*
 * What happens to files by themselves: expiry, archive, sweep in both
 * directions, on a clock of the test's.
 */
#include "storage/lifecycle.h"

#include "base/clock.h"
#include "storage/archive.h"
#include "tests/unit/file_driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOUR 3600000LL
#define DAY  (24 * HOUR)

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
at(int64_t ms)
{
	clock_set((T0 + ms) * CLOCK_MS);
}

/* A file below the folder, last changed at T0 + ms. */
static void
litter(const struct fixture *f, const char *path, int64_t ms)
{
	char full[192];
	struct timespec t[2];
	int fd;

	(void)snprintf(full, sizeof(full), "%s/%s", f->dir, path);
	*strrchr(full, '/') = '\0';
	(void)mkdir(full, 0700);
	(void)snprintf(full, sizeof(full), "%s/%s", f->dir, path);
	fd = open(full, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "litter", 6), 6);
	t[0] = t[1] = (struct timespec){.tv_sec = (T0 + ms) / 1000};
	assert_int_equal(futimens(fd, t), 0);
	(void)close(fd);
}

/* "deadbeef…": a name as contents have it. */
#define NAME(a) "a" a "0000000000000000000000000000ab"

static void
what_no_row_names_goes_when_it_is_old(void **state)
{
	struct fixture *f = setup();
	struct lifecycle_run r;
	char folder[128];

	(void)state;
	assert_int_equal(put(f, ADMIN, "kept", "x"), 0);
	litter(f, "objects/a1/" NAME("1"), 0);         /* no such folder */
	litter(f, "objects/a10/" NAME("1"), 0);        /* old */
	litter(f, "objects/a20/" NAME("2"), 2 * HOUR); /* young */
	litter(f, "objects/a20/README", 0);            /* not ours */
	litter(f, "archive/a30/" NAME("3"), 0);
	litter(f, "tmp/" NAME("4"), 0);
	litter(f, "uploads/" NAME("5"), 0);
	(void)mkdir(strcat(strcpy(folder, f->dir), "/thumbs"), 0700);
	litter(f, "thumbs/a40/" NAME("6") "-9x9.webp", -31 * DAY);
	litter(f, "thumbs/a40/" NAME("7") "-9x9.webp", -29 * DAY);
	at(2 * HOUR);
	r = run(f);
	assert_int_equal(r.counts.litter, 4);
	assert_int_equal(r.counts.bytes, 24);
	assert_int_equal(r.counts.lost, 0);
	assert_int_equal(r.counts.rows, 1);
	assert_int_equal(count_files(f, "objects"), 4);
	assert_int_equal(count_files(f, "archive"), 0);
	assert_int_equal(count_files(f, "tmp"), 0);
	assert_int_equal(count_files(f, "uploads"), 0);
	assert_int_equal(count_files(f, "thumbs"), 1);
	at(4 * HOUR);
	assert_int_equal(run(f).counts.litter, 1);
	assert_int_equal(get(f, ADMIN, "kept"), 0);
	teardown(f);
}

static void
a_row_without_a_content_is_told_and_stays(void **state)
{
	struct fixture *f = setup();
	char command[256];
	struct lifecycle_run r;

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "x"), 0);
	assert_int_equal(put(f, ADMIN, "b \"quoted\"", "x"), 0);
	(void)snprintf(command, sizeof(command), "%s/objects/%.3s/%s", f->dir,
		sql("SELECT content FROM mpcloud.files WHERE path LIKE 'b%%'"),
		sql("SELECT content FROM mpcloud.files WHERE path LIKE 'b%%'"));
	assert_int_equal(unlink(command), 0);
	r = run(f);
	assert_int_equal(r.counts.rows, 2);
	assert_int_equal(r.counts.lost, 1);
	assert_string_equal(r.counts.lost_path, "b \"quoted\"");
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.files"), "2");
	assert_true(get(f, ADMIN, "b \"quoted\"") < 0);
	teardown(f);
}

static void
set_rules(const char *list)
{
	_json_ json_t *v = NULL;
	_buf_ struct buf text = {0};
	struct fault why = {0};

	buf_init(&text, 65536);
	assert_int_equal(val_parse(&v, slice_str(list), &why), 0);
	assert_int_equal(lifecycle_parse(&text, v, &why), 0);
	(void)sql("DELETE FROM mpcloud.file_rules");
	(void)sql("INSERT INTO mpcloud.file_rules VALUES ('" ENV "', 'PRIVATE',"
		  " NULL, '%s', 1, 1)",
		text.ptr);
}

static void
files_expire_by_the_first_rule_that_fits(void **state)
{
	struct fixture *f = setup();

	(void)state;
	set_rules("[{\"prefix\":\"tmp/keep/\",\"expire\":\"3d\"},"
		  "{\"prefix\":\"tmp/\",\"expire\":\"1d\"}]");
	assert_int_equal(put(f, BY(anna), "tmp/a", "x"), 0);
	assert_int_equal(put(f, BY(anna), "tmp/keep/b", "x"), 0);
	assert_int_equal(put(f, BY(anna), "tmpfile", "x"), 0);
	assert_int_equal(put(f, BY(anna), "own", "x"), 0);
	(void)sql("UPDATE mpcloud.files SET expires_at = %lld"
		  " WHERE path = 'own'",
		T0 + HOUR);
	at(HOUR - 1);
	assert_int_equal(run(f).expired, 0);
	at(HOUR);
	assert_int_equal(run(f).expired, 1);
	assert_int_equal(get(f, ADMIN, "own"), ERR_FILE_NONE);
	at(DAY);
	assert_int_equal(run(f).expired, 1);
	assert_int_equal(get(f, ADMIN, "tmp/a"), ERR_FILE_NONE);
	assert_int_equal(get(f, ADMIN, "tmp/keep/b"), 0);
	at(3 * DAY);
	assert_int_equal(run(f).expired, 1);
	assert_int_equal(get(f, ADMIN, "tmp/keep/b"), ERR_FILE_NONE);
	at(300 * DAY);
	assert_int_equal(run(f).expired, 0);
	assert_int_equal(get(f, ADMIN, "tmpfile"), 0);
	until_objects(f, 1);
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"1 1");
	teardown(f);
}

static void
more_than_a_batch_expires_in_one_round(void **state)
{
	struct fixture *f = setup();

	(void)state;
	(void)sql(
		"INSERT INTO mpcloud.files (env, path, content, place, size,"
		" md5, sha256, type, created_at, changed_at, expires_at)"
		" SELECT '" ENV "', 'p' || i, md5(i::text), 'disk', 0, '', '',"
		" '', 1, 1, 2 FROM generate_series(1, 250) i");
	assert_int_equal(run(f).expired, 250);
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.files"), "0");
	while (strcmp(sql("SELECT count(*) FROM mpcloud.file_gone"), "0") != 0)
		loop_turn(&f->loop, true);
	teardown(f);
}

static void
an_archived_file_is_read_again_when_restored(void **state)
{
	struct fixture *f = setup();
	struct archive a;

	(void)state;
	set_rules("[{\"prefix\":\"logs/\",\"archive\":\"30d\",\"expire\":"
		  "\"60d\"}]");
	assert_int_equal(put(f, ADMIN, "logs/a", "old log"), 0);
	assert_int_equal(put(f, ADMIN, "logs/b", "shared"), 0);
	assert_int_equal(copy(f, ADMIN, "logs/b", "other", false, false), 0);
	at(30 * DAY - 1);
	assert_int_equal(run(f).archived, 0);
	at(30 * DAY);
	assert_int_equal(run(f).archived, 1);
	assert_int_equal(count_files(f, "archive"), 1);
	assert_int_equal(count_files(f, "objects"), 1);
	assert_int_equal(get(f, ADMIN, "logs/a"), ERR_FILE_ARCHIVED);
	assert_int_equal(get(f, ADMIN, "logs/b"), 0);
	assert_int_equal(
		copy(f, ADMIN, "logs/a", "c", false, false), ERR_FILE_ARCHIVED);
	assert_int_equal(run(f).counts.lost, 0);
	job_init(&a.job, on_done);
	archive_restore(f->files[0], &a, SLICE("logs/a"));
	assert_int_equal(wait_job(f, &a.job), 0);
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	assert_string_equal(got, "old log");
	assert_int_equal(count_files(f, "archive"), 0);
	/* it was to be read: it does not go back at the next round */
	assert_int_equal(run(f).archived, 0);
	assert_int_equal(get(f, ADMIN, "logs/a"), 0);
	archive_restore(f->files[0], &a, SLICE("none"));
	assert_int_equal(wait_job(f, &a.job), ERR_FILE_NONE);
	at(60 * DAY);
	assert_int_equal(run(f).expired, 2);
	until_objects(f, 1);
	teardown(f);
}

/* Archived, and the crash came before the other one went. */
static void
of_a_content_in_both_places_the_one_its_row_says_stays(void **state)
{
	struct fixture *f = setup();
	char command[512];
	const char *name;

	(void)state;
	set_rules("[{\"prefix\":\"\",\"archive\":\"1d\"}]");
	assert_int_equal(put(f, ADMIN, "a", "x"), 0);
	at(DAY);
	assert_int_equal(run(f).archived, 1);
	name = sql("SELECT content FROM mpcloud.files");
	(void)snprintf(command, sizeof(command),
		"ln %s/archive/%.3s/%s %s/objects/%.3s/%s", f->dir, name, name,
		f->dir, name, name);
	assert_int_equal(system(command), 0);
	at(2 * DAY);
	assert_int_equal(run(f).counts.litter, 1);
	assert_int_equal(count_files(f, "archive"), 1);
	assert_int_equal(count_files(f, "objects"), 0);
	teardown(f);
}

static void
abandoned_uploads_end(void **state)
{
	struct fixture *f = setup();

	(void)state;
	(void)sql("INSERT INTO mpcloud.file_uploads (id, env, path, owner,"
		  " asker, type, fresh, created_at, touched_at) VALUES ('u1',"
		  " '" ENV "', 'p', '', '', '', false, 1, %lld)",
		T0);
	(void)sql(
		"INSERT INTO mpcloud.file_parts VALUES ('u1', 0, 6, '', '" NAME(
			"5") "')");
	litter(f, "uploads/" NAME("5"), 0);
	at(DAY);
	assert_int_equal(run(f).uploads, 0);
	assert_int_equal(count_files(f, "uploads"), 1);
	at(DAY + 1);
	assert_int_equal(run(f).uploads, 1);
	assert_int_equal(count_files(f, "uploads"), 0);
	teardown(f);
}

static void
one_holder_at_a_time_has_the_lease(void **state)
{
	struct fixture *f = setup();
	static const struct {
		const char *holder;
		int64_t now, until;
		const char *got;
	} cases[] = {
		{"a", 1, 100, "true"},
		{"b", 99, 199, "false"},
		{"a", 99, 199, "true"},
		{"b", 198, 298, "false"},
		{"b", 199, 299, "true"},
		{"a", 200, 300, "false"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_string_equal(
			sql("SELECT mpcloud.file_lease('w', '%s', %lld,"
			    " %lld)::text",
				cases[i].holder, (long long)cases[i].now,
				(long long)cases[i].until),
			cases[i].got);
	teardown(f);
}

static void
a_bad_entry_is_named(void **state)
{
	static const char *const cases[][2] = {
		{"{}", "a list"},
		{"[1]", "lifecycle[0].prefix"},
		{"[{\"prefix\":\"a\"}]", "lifecycle[0]: it has"},
		{"[{\"prefix\":\"a\",\"expire\":\"1d\"},"
		 "{\"prefix\":\"a\",\"expire\":\"soon\"}]",
			"lifecycle[1].expire"},
		{"[{\"prefix\":\"a\",\"expire\":0}]", "lifecycle[0].expire"},
		{"[{\"prefix\":\"a\",\"expire\":\"1d\",\"x\":1}]",
			"lifecycle[0]: it has"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_json_ json_t *v = NULL;
		_buf_ struct buf text = {0};
		struct fault why = {0};

		buf_init(&text, 65536);
		assert_int_equal(
			val_parse(&v, slice_str(cases[i][0]), &why), 0);
		assert_int_equal(lifecycle_parse(&text, v, &why), ERR_PARAM);
		assert_non_null(strstr(why.text, cases[i][1]));
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_row_names_goes_when_it_is_old),
		cmocka_unit_test(a_row_without_a_content_is_told_and_stays),
		cmocka_unit_test(files_expire_by_the_first_rule_that_fits),
		cmocka_unit_test(more_than_a_batch_expires_in_one_round),
		cmocka_unit_test(an_archived_file_is_read_again_when_restored),
		cmocka_unit_test(
			of_a_content_in_both_places_the_one_its_row_says_stays),
		cmocka_unit_test(abandoned_uploads_end),
		cmocka_unit_test(one_holder_at_a_time_has_the_lease),
		cmocka_unit_test(a_bad_entry_is_named),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
