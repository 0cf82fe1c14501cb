/*
 * Uploads in parts: in any order, again after a restart, checked when they are
 * complete; and nothing left of those that are not.
 */
#include "storage/resume.h"

#include "base/clock.h"
#include "tests/unit/file_driver.h"

#include <stdio.h>

static char id[RESUME_ID + 1];

static struct resume
op_of(struct fixture *f, struct file_scope who)
{
	return (struct resume){.arena = &f->arena,
		.scope = who,
		.id = slice_str(id),
		.size = -1};
}

static int
create(struct fixture *f, struct file_scope who, const char *path, int64_t size)
{
	struct resume op = op_of(f, who);
	int r;

	op.path = slice_str(path);
	op.type = SLICE("text/plain");
	op.size = size;
	job_init(&op.job, on_done);
	resume_create(f->files[0], &op);
	r = wait_job(f, &op.job);
	if (r == 0)
		(void)snprintf(id, sizeof(id), "%s", op.made);
	resume_done(&op);
	return r;
}

static int
part(struct fixture *f, struct file_scope who, int64_t start, const char *text,
	const char *md5)
{
	struct resume_part p = {.arena = &f->arena,
		.scope = who,
		.id = slice_str(id),
		.start = start,
		.md5 = slice_str(md5)};
	int r;

	job_init(&p.job, on_done);
	resume_part_begin(f->files[1], &p);
	r = wait_job(f, &p.job);
	if (r == 0)
		r = resume_part_data(&p, slice_str(text));
	if (r == 0) {
		resume_part_end(&p);
		r = wait_job(f, &p.job);
	}
	resume_part_done(&p);
	return r;
}

static int64_t
offset(struct fixture *f, struct file_scope who)
{
	struct resume op = op_of(f, who);
	int r;

	job_init(&op.job, on_done);
	resume_show(f->files[0], &op);
	r = wait_job(f, &op.job);
	resume_done(&op);
	return r < 0 ? r : op.offset;
}

static int
complete(struct fixture *f, struct file_scope who, const char *sha256)
{
	struct resume op = op_of(f, who);
	int r;

	op.sha256 = slice_str(sha256);
	job_init(&op.job, on_done);
	resume_complete(f->files[0], &op);
	r = wait_job(f, &op.job);
	resume_done(&op);
	return r;
}

static int
abort_it(struct fixture *f, struct file_scope who)
{
	struct resume op = op_of(f, who);
	int r;

	job_init(&op.job, on_done);
	resume_abort(f->files[0], &op);
	r = wait_job(f, &op.job);
	resume_done(&op);
	return r;
}

/* FIPS 180-2, B.1 */
#define ABC_SHA256 \
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void
parts_become_the_file_in_their_order(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(create(f, BY(anna), "a/b", 3), 0);
	assert_int_equal(part(f, BY(anna), 1, "b", ""), 0);
	assert_int_equal(offset(f, BY(anna)), 0);
	assert_int_equal(part(f, BY(anna), 0, "a", ""), 0);
	assert_int_equal(offset(f, BY(anna)), 2);
	assert_int_equal(complete(f, BY(anna), ""), ERR_PARAM);
	assert_int_equal(get(f, BY(anna), "a/b"), ERR_FILE_DENIED);
	restart(f);
	assert_int_equal(offset(f, BY(anna)), 2);
	assert_int_equal(part(f, BY(anna), 2, "x", ""), 0);
	assert_int_equal(part(f, BY(anna), 2, "c", ""), 0); /* again */
	assert_int_equal(count_files(f, "uploads"), 3);
	assert_int_equal(complete(f, BY(anna), ABC_SHA256), 0);
	assert_int_equal(get(f, BY(anna), "a/b"), 0);
	assert_string_equal(got, "abc");
	assert_string_equal(got_info.sha256, ABC_SHA256);
	assert_string_equal(got_info.owner, "o-anna");
	assert_string_equal(got_info.type, "text/plain");
	assert_int_equal(count_files(f, "uploads"), 0);
	assert_int_equal(complete(f, BY(anna), ""), ERR_FILE_NONE);
	assert_string_equal(
		sql("SELECT count(*) FROM mpcloud.file_parts"), "0");
	teardown(f);
}

static void
large_parts_are_joined_piece_by_piece(void **state)
{
	enum { PART = 3 << 20, PARTS = 5 };
	struct fixture *f = setup();
	static char text[PART + 1];

	(void)state;
	assert_int_equal(create(f, ADMIN, "big", -1), 0);
	for (int i = 0; i < PARTS; i++) {
		memset(text, 'a' + i, PART);
		assert_int_equal(
			part(f, ADMIN, (int64_t)i * PART, text, ""), 0);
	}
	assert_int_equal(complete(f, ADMIN, ""), 0);
	assert_int_equal(get(f, ADMIN, "big"), 0);
	assert_int_equal(got_info.size, (int64_t)PART * PARTS);
	/* md5sum of 3 MiB each of a, b, c, d, e: Python's hashlib */
	assert_string_equal(
		got_info.etag, "\"ab65c0afd2e3d3550eac748579cc2494\"");
	teardown(f);
}

static void
what_does_not_fit_is_refused_and_can_go_on(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	assert_int_equal(
		part(f, BY(anna), 0, "abc", "00000000000000000000000000000000"),
		ERR_FILE_CHECKSUM);
	assert_int_equal(offset(f, BY(anna)), 0);
	assert_int_equal(
		part(f, BY(anna), 0, "abc", "900150983cd24fb0d6963f7d28e17f72"),
		0);
	assert_int_equal(part(f, BY(anna), 2, "x", ""), 0);
	assert_int_equal(complete(f, BY(anna), ""), ERR_PARAM); /* overlap */
	assert_int_equal(part(f, BY(anna), 2, "", ""), 0);
	assert_int_equal(abort_it(f, BY(anna)), 0);
	assert_int_equal(abort_it(f, BY(anna)), ERR_FILE_NONE);
	until_objects(f, 0);
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	assert_int_equal(part(f, BY(anna), 0, "abd", ""), 0);
	(void)sql("UPDATE mpcloud.file_uploads SET touched_at = 1");
	assert_int_equal(complete(f, BY(anna), ABC_SHA256), ERR_FILE_CHECKSUM);
	/* nobody forgets it meanwhile */
	assert_string_equal(sql("SELECT touched_at > 1"
				" FROM mpcloud.file_uploads"),
		"t");
	assert_int_equal(part(f, BY(anna), 0, "abc", ""), 0);
	assert_int_equal(complete(f, BY(anna), ABC_SHA256), 0);
	while (count_files(f, "uploads"))
		loop_turn(&f->loop, true);
	until_objects(f, 1);
	teardown(f);
}

static void
an_upload_is_its_beginners(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, BY(anna), "hers", "x"), 0);
	assert_int_equal(create(f, BY(ben), "hers", -1), ERR_FILE_DENIED);
	assert_int_equal(create(f, BY(nobody), "new", -1), ERR_FILE_DENIED);
	assert_int_equal(create(f, BY(anna), "../x", -1), ERR_PARAM);
	assert_int_equal(create(f, BY(anna), "big", 1LL << 40), ERR_TOO_BIG);
	assert_int_equal(create(f, BY(anna), "own", -1), 0);
	assert_int_equal(part(f, BY(ben), 0, "x", ""), ERR_FILE_NONE);
	assert_int_equal(part(f, BY(nobody), 0, "x", ""), ERR_FILE_NONE);
	assert_int_equal(offset(f, BY(ben)), ERR_FILE_NONE);
	assert_int_equal(complete(f, BY(ben), ""), ERR_FILE_NONE);
	assert_int_equal(abort_it(f, BY(ben)), ERR_FILE_NONE);
	assert_int_equal(part(f, BY(anna), 0, "x", ""), 0);
	/* the path becomes another's meanwhile */
	assert_int_equal(put(f, BY(ben), "own", "ben's"), 0);
	assert_int_equal(complete(f, BY(anna), ""), ERR_FILE_DENIED);
	assert_int_equal(abort_it(f, ADMIN), 0);
	while (count_files(f, "uploads"))
		loop_turn(&f->loop, true);
	teardown(f);
}

/* Twenty parts at once at two gateways; what is committed holds the quota, and
 * what is on its way into one gateway is never more than is left. */
static void
a_quota_holds_for_parts_at_once(struct fixture *f)
{
	enum { PARTS = 20 };
	struct resume_part p[PARTS] = {0};
	unsigned begun = 0, fine = 0;

	for (int i = 0; i < PARTS; i++) {
		p[i] = (struct resume_part){.arena = &f->arena,
			.scope = BY(anna),
			.id = slice_str(id),
			.start = i * 3};
		job_init(&p[i].job, on_done);
		resume_part_begin(f->files[i % GATEWAYS], &p[i]);
	}
	for (int i = 0; i < PARTS; i++) {
		int r = wait_job(f, &p[i].job);

		assert_int_equal(r, 0);
		r = resume_part_data(&p[i], SLICE("abc"));
		assert_true(
			r == 0 || r == ERR_FILE_QUOTA || r == ERR_FILE_FULL);
		if (r < 0)
			resume_part_done(&p[i]);
		else
			begun++;
	}
	assert_int_equal(begun, 3 * GATEWAYS);
	for (int i = 0; i < PARTS; i++)
		if (p[i].inside)
			resume_part_end(&p[i]);
	for (int i = 0; i < PARTS; i++) {
		if (!p[i].inside)
			continue;
		fine += wait_job(f, &p[i].job) == 0;
		resume_part_done(&p[i]);
	}
	/* the total is not locked: more of what comes at one moment may fit */
	assert_in_range(
		fine, 3, f->conf.user_quota ? 3 : (unsigned)(3 * GATEWAYS));
}

static void
a_users_quota_holds_for_parts_at_once(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->conf.user_quota = 10;
	reconfigure(f);
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	a_quota_holds_for_parts_at_once(f);
	assert_string_equal(
		sql("SELECT sum(size) FROM mpcloud.file_parts"), "9");
	assert_int_equal(part(f, BY(anna), 100, "xx", ""), ERR_FILE_QUOTA);
	assert_int_equal(part(f, BY(anna), 100, "x", ""), 0);
	/* what replaces a part counts in its stead */
	assert_int_equal(part(f, BY(anna), 100, "y", ""), 0);
	assert_int_equal(abort_it(f, BY(anna)), 0);
	assert_int_equal(put(f, BY(anna), "b", "0123456789"), 0);
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	assert_int_equal(part(f, BY(anna), 0, "x", ""), ERR_FILE_QUOTA);
	/* nothing needs no room */
	assert_int_equal(part(f, BY(anna), 0, "", ""), 0);
	assert_int_equal(create(f, BY(ben), "c", -1), 0);
	assert_int_equal(part(f, BY(ben), 0, "x", ""), 0);
	teardown(f);
}

static void
the_quota_of_all_counts_parts(void **state)
{
	struct fixture *f = setup();

	(void)state;
	f->conf.total_quota = 10;
	reconfigure(f);
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	a_quota_holds_for_parts_at_once(f);
	assert_int_equal(create(f, BY(ben), "b", -1), 0);
	assert_int_equal(part(f, BY(ben), 0, "xx", ""), ERR_FILE_FULL);
	teardown(f);
}

static void
no_part_goes_beyond_what_was_announced(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(create(f, BY(anna), "a", 3), 0);
	assert_int_equal(part(f, BY(anna), 0, "abcd", ""), ERR_TOO_BIG);
	assert_int_equal(part(f, BY(anna), 2, "cd", ""), ERR_TOO_BIG);
	assert_int_equal(part(f, BY(anna), 4, "", ""), ERR_TOO_BIG);
	assert_int_equal(part(f, BY(anna), 0, "abc", ""), 0);
	assert_int_equal(complete(f, BY(anna), ABC_SHA256), 0);
	teardown(f);
}

static void
a_user_has_a_thousand_uploads_at_the_most(void **state)
{
	struct fixture *f = setup();

	(void)state;
	(void)sql("INSERT INTO mpcloud.file_uploads (id, env, path, owner,"
		  " asker, type, fresh, created_at, touched_at) SELECT"
		  " 'x' || n, f.env, 'p', '', 'o-anna', '', false, 0, 0"
		  " FROM generate_series(1, 999) n, (SELECT '%s' AS env) f"
		  " RETURNING 1",
		ENV);
	assert_int_equal(create(f, BY(anna), "a", -1), 0);
	assert_int_equal(create(f, BY(anna), "b", -1), ERR_FILE_QUOTA);
	assert_int_equal(create(f, BY(ben), "b", -1), 0);
	assert_int_equal(abort_it(f, BY(ben)), 0);
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_become_the_file_in_their_order),
		cmocka_unit_test(large_parts_are_joined_piece_by_piece),
		cmocka_unit_test(what_does_not_fit_is_refused_and_can_go_on),
		cmocka_unit_test(an_upload_is_its_beginners),
		cmocka_unit_test(a_users_quota_holds_for_parts_at_once),
		cmocka_unit_test(the_quota_of_all_counts_parts),
		cmocka_unit_test(no_part_goes_beyond_what_was_announced),
		cmocka_unit_test(a_user_has_a_thousand_uploads_at_the_most),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
