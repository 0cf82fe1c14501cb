/*
 * Stored files: written, read, replaced, copied and removed by those who may,
 * with quotas that hold at once and contents that go when no row names them.
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "storage/file_copy.h"
#include "tests/unit/file_driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* RFC 1321, A.5 and FIPS 180-2, B.1 */
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72"
#define ABC_SHA256 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
a_file_is_read_as_it_was_written(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, BY(anna), "notes/a.txt", "abc"), 0);
	assert_int_equal(get(f, BY(anna), "notes/a.txt"), 0);
	assert_string_equal(got, "abc");
	assert_string_equal(got_info.etag, "\"" ABC_MD5 "\"");
	assert_string_equal(got_info.sha256, ABC_SHA256);
	assert_string_equal(got_info.owner, "o-anna");
	assert_string_equal(got_info.type, "text/plain");
	assert_int_equal(got_info.size, 3);
	assert_int_equal(got_info.created_ms, T0);
	assert_int_equal(get(f, BY(anna), "notes/b.txt"), ERR_FILE_DENIED);
	assert_int_equal(get(f, ADMIN, "notes/b.txt"), ERR_FILE_NONE);
	assert_int_equal(count_files(f, "objects"), 1);
	assert_int_equal(count_files(f, "tmp"), 0);
	teardown(f);
}

static void
an_empty_file_is_a_file(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, ADMIN, "empty", ""), 0);
	assert_int_equal(get(f, ADMIN, "empty"), 0);
	assert_int_equal(got_info.size, 0);
	assert_string_equal(
		got_info.etag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
	teardown(f);
}

static void
strangers_neither_read_nor_write_and_learn_nothing(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "x"), 0);
	assert_int_equal(get(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(ben), "none"), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(nobody), "a"), ERR_FILE_DENIED);
	assert_int_equal(put(f, BY(ben), "a", "y"), ERR_FILE_DENIED);
	assert_int_equal(put(f, BY(nobody), "b", "y"), ERR_FILE_DENIED);
	assert_int_equal(rm(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(rm(f, BY(ben), "none"), ERR_FILE_DENIED);
	assert_int_equal(
		copy(f, BY(ben), "a", "mine", false, false), ERR_FILE_DENIED);
	assert_int_equal(put(f, BY(ben), "b", "y"), 0);
	assert_int_equal(
		copy(f, BY(ben), "b", "a", true, false), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(anna), "a"), 0);
	assert_string_equal(got, "x");
	assert_int_equal(count_files(f, "objects"), 2);
	teardown(f);
}

static void
a_replaced_content_goes_and_its_reader_keeps_it(void **state)
{
	struct fixture *f = setup();
	struct file_get g = {
		.arena = &f->arena, .scope = ADMIN, .path = SLICE("a")};
	char text[8] = "";

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "first"), 0);
	job_init(&g.job, on_done);
	file_get(f->files[1], &g);
	assert_int_equal(wait_job(f, &g.job), 0);
	clock_set((T0 + 5) * CLOCK_MS);
	assert_int_equal(put(f, ADMIN, "a", "second"), 0);
	until_objects(f, 1);
	assert_int_equal(read(g.fd, text, 8), 5);
	assert_string_equal(text, "first");
	(void)close(g.fd);
	assert_int_equal(get(f, BY(anna), "a"), 0);
	assert_string_equal(got, "second");
	assert_string_equal(got_info.owner, "o-anna");
	assert_int_equal(got_info.created_ms, T0);
	assert_int_equal(got_info.changed_ms, T0 + 5);
	assert_int_equal(rm(f, BY(anna), "a"), 0);
	until_objects(f, 0);
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"0 0");
	assert_string_equal(sql("SELECT sum(bytes) || ' ' || sum(files)"
				" FROM mpcloud.file_total"),
		"0 0");
	teardown(f);
}

static void
a_copy_shares_the_content_until_the_last_row_goes(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "abc"), 0);
	assert_int_equal(copy(f, BY(anna), "a", "b", false, false), 0);
	assert_int_equal(
		copy(f, BY(anna), "a", "b", false, false), ERR_CONFLICT);
	assert_int_equal(copy(f, BY(anna), "a", "b", true, false), 0);
	assert_int_equal(copy(f, BY(anna), "a", "a", true, false), 0);
	assert_int_equal(
		copy(f, BY(anna), "none", "c", false, false), ERR_FILE_DENIED);
	assert_int_equal(count_files(f, "objects"), 1);
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"6 2");
	assert_int_equal(rm(f, BY(anna), "a"), 0);
	while (strcmp(sql("SELECT count(*) FROM mpcloud.file_gone"), "0") != 0)
		loop_turn(&f->loop, true);
	assert_int_equal(count_files(f, "objects"), 1);
	assert_int_equal(get(f, BY(anna), "b"), 0);
	assert_string_equal(got, "abc");
	assert_int_equal(copy(f, BY(anna), "b", "c", false, true), 0);
	assert_int_equal(get(f, ADMIN, "b"), ERR_FILE_NONE);
	assert_int_equal(get(f, BY(anna), "c"), 0);
	assert_string_equal(got, "abc");
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"3 1");
	assert_int_equal(rm(f, BY(anna), "c"), 0);
	until_objects(f, 0);
	teardown(f);
}

static void
what_does_not_fit_its_checksum_is_refused_and_gone(void **state)
{
	static const struct {
		const char *md5, *sha256;
		int64_t size;
		int err;
	} cases[] = {
		{ABC_MD5, ABC_SHA256, 3, 0},
		{"900150983CD24FB0D6963F7D28E17F72", "", -1, 0},
		{"900150983cd24fb0d6963f7d28e17f73", "", 3, ERR_FILE_CHECKSUM},
		{"", ABC_MD5, 3, ERR_FILE_CHECKSUM},
		{"", "", 4, ERR_FILE_CHECKSUM},
		{"", "", 2, ERR_FILE_CHECKSUM},
	};
	struct fixture *f = setup();

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct file_put p = {.arena = &f->arena,
			.scope = ADMIN,
			.path = SLICE("a"),
			.size = cases[i].size,
			.md5 = slice_str(cases[i].md5),
			.sha256 = slice_str(cases[i].sha256)};

		job_init(&p.job, on_done);
		file_put_begin(f->files[0], &p);
		assert_int_equal(wait_job(f, &p.job), 0);
		assert_int_equal(file_put_data(&p, SLICE("a")), 0);
		assert_int_equal(file_put_data(&p, SLICE("bc")), 0);
		file_put_end(&p);
		assert_int_equal(wait_job(f, &p.job), cases[i].err);
		if (cases[i].err)
			assert_non_null(strstr(p.job.why.text, "again"));
		file_put_done(&p);
	}
	until_objects(f, 1);
	teardown(f);
}

static void
a_writer_who_leaves_leaves_nothing(void **state)
{
	struct fixture *f = setup();
	static char much[1 << 20];

	(void)state;
	for (int stop = 0; stop < 4; stop++) {
		struct file_put p = {.arena = &f->arena,
			.scope = ADMIN,
			.path = SLICE("a"),
			.size = -1};

		job_init(&p.job, on_done);
		file_put_begin(f->files[0], &p);
		if (stop > 0)
			assert_int_equal(wait_job(f, &p.job), 0);
		if (stop > 1)
			assert_int_equal(
				file_put_data(&p, slice_of(much, sizeof(much))),
				0);
		if (stop > 2)
			file_put_end(&p);
		file_put_done(&p);
	}
	until_objects(f, 0);
	assert_int_equal(count_files(f, "tmp"), 0);
	assert_int_equal(get(f, ADMIN, "a"), ERR_FILE_NONE);
	teardown(f);
}

static void
who_writes_faster_than_the_disk_waits_and_all_arrives(void **state)
{
	enum { PIECE = 64 * 1024, PIECES = 512 };
	struct fixture *f = setup();
	static char piece[PIECE];
	struct file_put p = {.arena = &f->arena,
		.scope = ADMIN,
		.path = SLICE("big"),
		.size = (int64_t)PIECE * PIECES};
	_cleanup_(digest_freep) struct digest *d = digest_new("md5");
	uint8_t sum[DIGEST_TOP];
	char text[40] = "\"";
	unsigned waits = 0;

	(void)state;
	job_init(&p.job, on_done);
	file_put_begin(f->files[0], &p);
	assert_int_equal(wait_job(f, &p.job), 0);
	for (int i = 0; i < PIECES; i++) {
		int r;

		memset(piece, i, sizeof(piece));
		digest_add(d, slice_of(piece, sizeof(piece)));
		while ((r = file_put_data(&p, slice_of(piece, PIECE))) == 1) {
			waits++;
			assert_int_equal(wait_job(f, &p.job), 0);
		}
		assert_int_equal(r, 0);
	}
	file_put_end(&p);
	assert_int_equal(wait_job(f, &p.job), 0);
	assert_int_equal(digest_end(d, sum), 16);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(text + 1 + 2 * i, 4, "%02x\"", sum[i]);
	assert_string_equal(p.info.etag, text);
	assert_true(waits > 0);
	file_put_done(&p);
	teardown(f);
}

static void
names_that_are_no_paths_are_refused(void **state)
{
	static const char *const bad[] = {"", "/a", "a/", "a//b", ".", "..",
		"../a", "a/../b", "a/..", "a/./b", "a\nb", "\x7f", "a\xff",
		"\xc0\xaf", "a/\xed\xa0\x80"};
	struct fixture *f = setup();
	char longest[FILE_PATH_TOP + 2];

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++) {
		assert_int_equal(put(f, ADMIN, bad[i], "x"), ERR_PARAM);
		assert_int_equal(get(f, ADMIN, bad[i]), ERR_PARAM);
		assert_int_equal(rm(f, ADMIN, bad[i]), ERR_PARAM);
		assert_int_equal(
			copy(f, ADMIN, "a", bad[i], true, false), ERR_PARAM);
	}
	assert_int_equal(
		file_path_check((struct slice){"a\0b", 3}, NULL), ERR_PARAM);
	memset(longest, 'x', sizeof(longest));
	longest[FILE_PATH_TOP + 1] = '\0';
	assert_int_equal(put(f, ADMIN, longest, "x"), ERR_PARAM);
	longest[FILE_PATH_TOP] = '\0';
	assert_int_equal(put(f, ADMIN, longest, "x"), 0);
	assert_int_equal(put(f, ADMIN, "..a/b c/图片.png", "x"), 0);
	assert_int_equal(put(f, ADMIN, "%2e%2e/\\..\\", "x"), 0);
	assert_int_equal(count_files(f, "objects"), 3);
	assert_int_equal(count_files(f, ""), 3);
	teardown(f);
}

static void
ids_name_paths_of_this_environment(void **state)
{
	struct fixture *f = setup();
	struct slice path;

	(void)state;
	assert_string_equal(file_id_make(f->files[0], &f->arena, SLICE("a/b")),
		"cloud://env1.bucket/a/b");
	assert_int_equal(file_id_path(f->files[0],
				 SLICE("cloud://env1.bucket/a/b"), &path, NULL),
		0);
	assert_true(slice_is(path, "a/b"));
	assert_int_equal(file_id_path(f->files[0],
				 SLICE("cloud://env1.6465-x/a"), &path, NULL),
		0);
	assert_true(slice_is(path, "a"));
	assert_int_equal(
		file_id_path(f->files[0], SLICE("a/b"), &path, NULL), 0);
	assert_int_equal(file_id_path(f->files[0],
				 SLICE("cloud://env2.bucket/a"), &path, NULL),
		ERR_PARAM);
	assert_int_equal(file_id_path(f->files[0],
				 SLICE("cloud://env11.bucket/a"), &path, NULL),
		ERR_PARAM);
	assert_int_equal(
		file_id_path(f->files[0], SLICE("cloud://env1"), &path, NULL),
		ERR_PARAM);
	assert_int_equal(file_id_path(f->files[0], SLICE("cloud://env1.b/../a"),
				 &path, NULL),
		ERR_PARAM);
	teardown(f);
}

/* Twenty writers at once, at two gateways, of whom three have room. */
static void
a_users_quota_holds_for_writers_at_once(void **state)
{
	enum { WRITERS = 20 };
	struct fixture *f = setup();
	struct file_put p[WRITERS] = {0};
	unsigned fine = 0;

	(void)state;
	f->conf.user_quota = 10;
	reconfigure(f);
	for (int i = 0; i < WRITERS; i++) {
		p[i] = (struct file_put){.arena = &f->arena,
			.scope = BY(anna),
			.size = -1,
			.path = slice_str(
				arena_printf(&f->arena, "files/%d", i))};
		job_init(&p[i].job, on_done);
		file_put_begin(f->files[i % GATEWAYS], &p[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(wait_job(f, &p[i].job), 0);
		assert_int_equal(file_put_data(&p[i], SLICE("abc")), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		file_put_end(&p[i]);
	for (int i = 0; i < WRITERS; i++) {
		int r = wait_job(f, &p[i].job);

		assert_true(r == 0 || r == ERR_FILE_QUOTA);
		fine += r == 0;
		file_put_done(&p[i]);
	}
	assert_int_equal(fine, 3);
	until_objects(f, 3);
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"9 3");
	/* replaced by less it fits, by more it does not; others have room */
	assert_int_equal(put(f, BY(ben), "ben", "0123456789"), 0);
	assert_int_equal(put(f, BY(ben), "ben", "01234567890"), ERR_FILE_QUOTA);
	assert_int_equal(put(f, BY(ben), "ben", "0"), 0);
	assert_int_equal(put(f, BY(ben), "ben2", "012345678"), 0);
	assert_int_equal(
		copy(f, BY(ben), "ben2", "ben3", false, false), ERR_FILE_QUOTA);
	assert_int_equal(copy(f, BY(ben), "ben2", "ben3", false, true), 0);
	/* onto another's file it becomes his, who must have room for it */
	assert_int_equal(put(f, ADMIN, "large", "0123456789"), 0);
	assert_int_equal(
		copy(f, ADMIN, "large", "ben", true, true), ERR_FILE_QUOTA);
	assert_int_equal(copy(f, ADMIN, "ben", "large", true, true), 0);
	teardown(f);
}

static void
the_quota_of_all_is_used_up_to_its_last_byte(void **state)
{
	enum { WRITERS = 40 };
	struct fixture *f = setup();
	struct file_put p[WRITERS] = {0};
	unsigned fine = 0;

	(void)state;
	f->conf.total_quota = 100;
	reconfigure(f);
	for (int i = 0; i < WRITERS; i++) {
		p[i] = (struct file_put){.arena = &f->arena,
			.scope = ADMIN,
			.size = -1,
			.path = slice_str(
				arena_printf(&f->arena, "files/%d", i))};
		job_init(&p[i].job, on_done);
		file_put_begin(f->files[i % GATEWAYS], &p[i]);
		assert_int_equal(wait_job(f, &p[i].job), 0);
		assert_int_equal(file_put_data(&p[i], SLICE("12345")), 0);
	}
	for (int i = 0; i < WRITERS; i++)
		file_put_end(&p[i]);
	for (int i = 0; i < WRITERS; i++) {
		int r = wait_job(f, &p[i].job);

		assert_true(r == 0 || r == ERR_FILE_FULL);
		fine += r == 0;
		file_put_done(&p[i]);
	}
	assert_int_equal(fine, 20);
	until_objects(f, 20);
	assert_string_equal(
		sql("SELECT sum(bytes) FROM mpcloud.file_total"), "100");
	assert_int_equal(put(f, ADMIN, "one more", "x"), ERR_FILE_FULL);
	f->conf.total_quota = 101;
	reconfigure(f);
	assert_int_equal(put(f, ADMIN, "one more", "x"), 0);
	teardown(f);
}

static void
of_writers_to_one_path_one_is_the_last(void **state)
{
	enum { WRITERS = 16 };
	struct fixture *f = setup();
	struct file_put p[WRITERS] = {0};

	(void)state;
	for (int i = 0; i < WRITERS; i++) {
		p[i] = (struct file_put){.arena = &f->arena,
			.scope = BY(anna),
			.size = -1,
			.path = SLICE("same")};
		job_init(&p[i].job, on_done);
		file_put_begin(f->files[i % GATEWAYS], &p[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(wait_job(f, &p[i].job), 0);
		assert_int_equal(
			file_put_data(&p[i], slice_str(arena_printf(&f->arena,
						     "%0*d", i + 1, 0))),
			0);
		file_put_end(&p[i]);
	}
	for (int i = 0; i < WRITERS; i++) {
		assert_int_equal(wait_job(f, &p[i].job), 0);
		file_put_done(&p[i]);
	}
	until_objects(f, 1);
	assert_int_equal(get(f, BY(anna), "same"), 0);
	assert_string_equal(
		sql("SELECT (u.bytes = f.size AND u.files = 1 AND t.bytes ="
		    " f.size AND t.files = 1)::text FROM mpcloud.files f,"
		    " mpcloud.file_usage u, (SELECT sum(bytes) bytes,"
		    " sum(files) files FROM mpcloud.file_total) t"),
		"true");
	teardown(f);
}

/* Ben's right to a new path is gone when Anna has it by then. */
static void
a_right_is_judged_again_when_the_path_became_anothers(void **state)
{
	struct fixture *f = setup();
	struct file_put p = {.arena = &f->arena,
		.scope = BY(ben),
		.path = SLICE("prize"),
		.size = -1};

	(void)state;
	job_init(&p.job, on_done);
	file_put_begin(f->files[0], &p);
	assert_int_equal(wait_job(f, &p.job), 0);
	assert_int_equal(file_put_data(&p, SLICE("ben's")), 0);
	assert_int_equal(put(f, BY(anna), "prize", "anna's"), 0);
	file_put_end(&p);
	assert_int_equal(wait_job(f, &p.job), ERR_FILE_DENIED);
	file_put_done(&p);
	until_objects(f, 1);
	assert_int_equal(get(f, BY(anna), "prize"), 0);
	assert_string_equal(got, "anna's");
	teardown(f);
}

static void
a_full_disk_is_told_and_keeps_its_reserve(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "old"), 0);
	f->conf.reserve = (int64_t)1 << 60;
	reconfigure(f);
	assert_int_equal(put(f, ADMIN, "a", "new"), ERR_FILE_FULL);
	assert_int_equal(put(f, ADMIN, "b", "new"), ERR_FILE_FULL);
	until_objects(f, 1);
	assert_int_equal(get(f, ADMIN, "a"), 0);
	assert_string_equal(got, "old");
	f->conf.reserve = 0;
	reconfigure(f);
	assert_int_equal(put(f, ADMIN, "a", "new"), 0);
	teardown(f);
}

static void
functions_hear_of_files_in_the_same_transaction(void **state)
{
	struct fixture *f = setup();

	(void)state;
	(void)sql("INSERT INTO mpcloud.triggers (env, function, name, type,"
		  " spec) VALUES ('env1', 'fn', 't', 'file',"
		  " '{\"prefix\":\"pic/\"}')");
	assert_int_equal(put(f, BY(anna), "pic/a", "abc"), 0);
	assert_int_equal(put(f, BY(anna), "other", "abc"), 0);
	assert_int_equal(put(f, BY(anna), "pic/a", "ab"), 0);
	assert_int_equal(rm(f, ADMIN, "pic/a"), 0);
	assert_int_equal(f->woken, 3);
	assert_string_equal(
		sql("SELECT string_agg((event::jsonb ->> 'operation') || ' ' ||"
		    " (event::jsonb ->> 'path') || ' ' ||"
		    " (event::jsonb #>> '{file,size}') || ' ' ||"
		    " (caller ->> 'openid'), ', ' ORDER BY id)"
		    " FROM mpcloud.queue"),
		"create pic/a 3 o-anna, update pic/a 2 o-anna, "
		"delete pic/a 2 ");
	assert_string_equal(sql("SELECT event::jsonb #>> '{file,fileID}'"
				" FROM mpcloud.queue LIMIT 1"),
		"cloud://env1.bucket/pic/a");
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_read_as_it_was_written),
		cmocka_unit_test(an_empty_file_is_a_file),
		cmocka_unit_test(
			strangers_neither_read_nor_write_and_learn_nothing),
		cmocka_unit_test(
			a_replaced_content_goes_and_its_reader_keeps_it),
		cmocka_unit_test(
			a_copy_shares_the_content_until_the_last_row_goes),
		cmocka_unit_test(
			what_does_not_fit_its_checksum_is_refused_and_gone),
		cmocka_unit_test(a_writer_who_leaves_leaves_nothing),
		cmocka_unit_test(
			who_writes_faster_than_the_disk_waits_and_all_arrives),
		cmocka_unit_test(names_that_are_no_paths_are_refused),
		cmocka_unit_test(ids_name_paths_of_this_environment),
		cmocka_unit_test(a_users_quota_holds_for_writers_at_once),
		cmocka_unit_test(the_quota_of_all_is_used_up_to_its_last_byte),
		cmocka_unit_test(of_writers_to_one_path_one_is_the_last),
		cmocka_unit_test(
			a_right_is_judged_again_when_the_path_became_anothers),
		cmocka_unit_test(a_full_disk_is_told_and_keeps_its_reserve),
		cmocka_unit_test(
			functions_hear_of_files_in_the_same_transaction),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
