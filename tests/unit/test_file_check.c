/*
 * The content check: what users upload waits for a verdict, which is taken with
 * the end of the call that asked for it, once, and only for the content that it
 * was asked about.  The queue's side is in test_queue.c.
 */
#include "base/clock.h"
#include "tests/unit/file_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PUBLIC ((struct file_scope){.admin = true, .in_public = true})

static const char *
check_url(
	void *owner _unused_, struct arena *arena, struct slice path, int64_t t)
{
	return arena_printf(arena, "http://here/%.*s until %lld",
		SLICE_ARG(path), (long long)(t - T0 / 1000));
}

/* Everybody reads; what users put below pic/ is checked; triggers hear. */
static struct fixture *
begin(void)
{
	struct fixture *f = setup();

	f->conf.check_function = "judge";
	f->conf.check_prefix = "pic/";
	f->conf.check_url = check_url;
	restart(f);
	reconfigure(f);
	(void)sql("TRUNCATE mpcloud.file_refused");
	(void)sql("INSERT INTO mpcloud.file_rules VALUES ('" ENV "',"
		  " 'READONLY', NULL, NULL, 1, 1)");
	(void)sql("INSERT INTO mpcloud.triggers (env, function, name, type,"
		  " spec) VALUES ('" ENV "', 'fn', 't', 'file', '{}')");
	return f;
}

/* The n-th check that was asked for ends so, as its claim 5: "ended outcome
 * calls". */
static const char *
verdict(int n, bool pass)
{
	(void)sql("UPDATE mpcloud.queue SET state = 'running', claim = 5,"
		  " attempts = 1 WHERE id = (SELECT id FROM mpcloud.queue"
		  " WHERE kind = 'check' ORDER BY id LIMIT 1 OFFSET %d)"
		  " AND state = 'waiting'",
		n);
	return sql("SELECT c.ended || ' ' || c.outcome || ' ' || c.calls FROM"
		   " mpcloud.file_check_end((SELECT id FROM mpcloud.queue"
		   " WHERE kind = 'check' ORDER BY id LIMIT 1 OFFSET %d),"
		   " 5, 1, %s, 'ugly', 0, %lld) c",
		n, pass ? "true" : "false", T0 + 1000);
}

/* What triggers have heard so far. */
static const char *
told(void)
{
	return sql("SELECT string_agg((event::jsonb ->> 'operation') || ' ' ||"
		   " (event::jsonb #>> '{file,size}'), ', ' ORDER BY id)"
		   " FROM mpcloud.queue WHERE kind = 'file'");
}

static void
a_file_waits_for_its_verdict(void **state _unused_)
{
	struct fixture *f = begin();

	assert_int_equal(put(f, BY(anna), "pic/a", "abc"), 0);
	assert_string_equal(
		sql("SELECT function || ' ' || state || ' ' || (caller ->>"
		    " 'openid') || ' ' || (event::jsonb ->> 'url') FROM"
		    " mpcloud.queue"),
		"judge waiting o-anna http://here/pic/a until 604800");
	assert_string_equal(
		sql("SELECT string_agg(k || '=' || (event::jsonb ->> k), ' ')"
		    " FROM mpcloud.queue, unnest(ARRAY['type', 'path',"
		    " 'fileID', 'contentType', 'size', 'openid']) k"),
		"type=check path=pic/a fileID=cloud://env1.bucket/pic/a"
		" contentType=text/plain size=3 openid=o-anna");
	assert_int_equal(get(f, BY(anna), "pic/a"), 0);
	assert_true(got_info.pending);
	assert_int_equal(get(f, ADMIN, "pic/a"), 0);
	assert_int_equal(get(f, BY(ben), "pic/a"), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(nobody), "pic/a"), ERR_FILE_DENIED);
	assert_int_equal(get(f, PUBLIC, "pic/a"), ERR_FILE_DENIED);
	assert_int_equal(
		copy(f, BY(anna), "pic/a", "b", false, false), ERR_FILE_DENIED);
	assert_int_equal(
		copy(f, BY(anna), "pic/a", "b", false, true), ERR_FILE_DENIED);
	assert_string_equal(told(), "");

	assert_string_equal(verdict(0, true), "true good 1");
	assert_int_equal(get(f, BY(ben), "pic/a"), 0);
	assert_int_equal(get(f, PUBLIC, "pic/a"), 0);
	assert_false(got_info.pending);
	assert_string_equal(told(), "create 3");
	/* it counts once */
	assert_string_equal(verdict(0, false), "false gone 0");
	assert_int_equal(get(f, BY(ben), "pic/a"), 0);
	teardown(f);
}

static void
a_refused_file_goes_and_its_uploader_is_told_for_a_day(void **state _unused_)
{
	struct fixture *f = begin();

	assert_int_equal(put(f, BY(anna), "pic/a", "abc"), 0);
	assert_string_equal(verdict(0, false), "true refused 0");
	assert_int_equal(get(f, BY(anna), "pic/a"), ERR_FILE_REFUSED);
	assert_int_equal(get(f, BY(ben), "pic/a"), ERR_FILE_NONE);
	assert_int_equal(get(f, ADMIN, "pic/a"), ERR_FILE_NONE);
	assert_string_equal(told(), "");
	assert_string_equal(
		sql("SELECT bytes || ' ' || files FROM mpcloud.file_usage"),
		"0 0");
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.file_gone"), "1");
	(void)sql("SELECT * FROM mpcloud.files_expire('" ENV "', %lld, 10, 0,"
		  " 'bucket')",
		T0 + 1000 + 86400000);
	assert_int_equal(get(f, BY(anna), "pic/a"), ERR_FILE_REFUSED);
	(void)sql("SELECT * FROM mpcloud.files_expire('" ENV "', %lld, 10, 0,"
		  " 'bucket')",
		T0 + 1001 + 86400000);
	assert_int_equal(get(f, BY(anna), "pic/a"), ERR_FILE_NONE);
	teardown(f);
}

static void
a_verdict_is_about_one_content_only(void **state _unused_)
{
	struct fixture *f = begin();

	assert_int_equal(put(f, BY(anna), "pic/a", "one"), 0);
	assert_int_equal(put(f, BY(anna), "pic/a", "second"), 0);
	assert_string_equal(verdict(0, true), "true gone 0");
	assert_int_equal(get(f, BY(ben), "pic/a"), ERR_FILE_DENIED);
	assert_string_equal(verdict(1, true), "true good 1");
	assert_string_equal(told(), "create 6");
	assert_int_equal(put(f, BY(anna), "pic/a", "3"), 0);
	assert_int_equal(get(f, BY(ben), "pic/a"), ERR_FILE_DENIED);
	assert_string_equal(verdict(2, true), "true good 1");
	assert_string_equal(told(), "create 6, update 1");
	/* who heard of it hears that it went, refused or not */
	assert_int_equal(put(f, BY(anna), "pic/a", "fourth"), 0);
	assert_string_equal(verdict(3, false), "true refused 1");
	assert_string_equal(told(), "create 6, update 1, delete 6");
	/* who never heard of it does not */
	assert_int_equal(put(f, BY(anna), "pic/a", "5"), 0);
	assert_int_equal(rm(f, BY(anna), "pic/a"), 0);
	assert_string_equal(verdict(4, false), "true gone 0");
	assert_int_equal(get(f, BY(anna), "pic/a"), ERR_FILE_NONE);
	assert_string_equal(told(), "create 6, update 1, delete 6");
	teardown(f);
}

static void
others_files_and_other_paths_are_not_asked_about(void **state _unused_)
{
	struct fixture *f = begin();

	assert_int_equal(put(f, ADMIN, "pic/a", "a"), 0);
	assert_int_equal(put(f, BY(anna), "text", "b"), 0);
	assert_int_equal(get(f, BY(ben), "pic/a"), 0);
	assert_int_equal(get(f, BY(ben), "text"), 0);
	/* nor is a path where they are the way in */
	assert_int_equal(copy(f, BY(anna), "text", "pic/b", false, false), 0);
	assert_int_equal(get(f, BY(ben), "pic/b"), ERR_FILE_DENIED);
	assert_string_equal(verdict(0, false), "true refused 0");
	assert_int_equal(get(f, BY(anna), "text"), 0);
	assert_int_equal(copy(f, BY(anna), "pic/a", "pic/c", false, false), 0);
	assert_int_equal(get(f, BY(ben), "pic/c"), 0);
	assert_string_equal(
		sql("SELECT count(*) FROM mpcloud.queue WHERE kind = 'check'"),
		"1");
	f->conf.check_function = "";
	reconfigure(f);
	assert_int_equal(put(f, BY(anna), "pic/d", "d"), 0);
	assert_int_equal(get(f, BY(ben), "pic/d"), 0);
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_waits_for_its_verdict),
		cmocka_unit_test(
			a_refused_file_goes_and_its_uploader_is_told_for_a_day),
		cmocka_unit_test(a_verdict_is_about_one_content_only),
		cmocka_unit_test(
			others_files_and_other_paths_are_not_asked_about),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
