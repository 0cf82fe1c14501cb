/*
 * Listing: by prefix, in pages, by folder, and of what the caller may read
 * only.
 */
#include "base/clock.h"
#include "storage/file_list.h"
#include "tests/unit/file_driver.h"

#include <stdio.h>

static const char *
list(struct fixture *f, struct file_scope who, const char *prefix,
	const char *after, const char *delimiter, int limit)
{
	static char text[4096];
	struct file_list l = {.arena = &f->arena,
		.scope = who,
		.prefix = slice_str(prefix),
		.after = slice_str(after),
		.delimiter = slice_str(delimiter),
		.limit = limit};

	job_init(&l.job, on_done);
	file_list(f->files[0], &l);
	assert_int_equal(wait_job(f, &l.job), 0);
	text[0] = '\0';
	for (size_t i = 0; i < l.count; i++)
		(void)snprintf(
			text + strlen(text), 256, "%s ", l.files[i].path);
	if (l.next)
		(void)snprintf(text + strlen(text), 256, "> %s", l.next);
	return text;
}

static void
files_are_listed_by_prefix_page_and_folder(void **state)
{
	struct fixture *f = setup();
	static const char *const paths[] = {
		"a/1", "a/2", "a/b/3", "a/b/4", "a-", "b", "图/x"};

	(void)state;
	for (size_t i = 0; i < array_size(paths); i++)
		assert_int_equal(put(f, BY(anna), paths[i], "x"), 0);
	assert_int_equal(put(f, BY(ben), "a/ben", "x"), 0);
	assert_string_equal(list(f, ADMIN, "", "", "", 100),
		"a- a/1 a/2 a/b/3 a/b/4 a/ben b 图/x ");
	assert_string_equal(list(f, ADMIN, "a/", "", "", 100),
		"a/1 a/2 a/b/3 a/b/4 a/ben ");
	assert_string_equal(list(f, ADMIN, "", "", "/", 100), "a- a/ b 图/ ");
	assert_string_equal(
		list(f, ADMIN, "a/", "", "/", 100), "a/1 a/2 a/b/ a/ben ");
	assert_string_equal(
		list(f, ADMIN, "a/", "", "/", 3), "a/1 a/2 a/b/ > a/b/");
	assert_string_equal(list(f, ADMIN, "a/", "a/b/", "/", 3), "a/ben ");
	assert_string_equal(list(f, ADMIN, "", "", "", 2), "a- a/1 > a/1");
	assert_string_equal(
		list(f, ADMIN, "", "a/1", "", 2), "a/2 a/b/3 > a/b/3");
	assert_string_equal(list(f, ADMIN, "图", "", "", 2), "图/x ");
	assert_string_equal(list(f, BY(ben), "", "", "", 100), "a/ben ");
	assert_string_equal(list(f, BY(ben), "", "", "/", 100), "a/ ");
	assert_string_equal(list(f, BY(nobody), "", "", "", 100), "");
	teardown(f);
}

static void
an_expired_file_is_not_there(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_int_equal(put(f, ADMIN, "a", "x"), 0);
	(void)sql("UPDATE mpcloud.files SET expires_at = %lld", T0 + 10);
	assert_int_equal(get(f, ADMIN, "a"), 0);
	clock_set((T0 + 10) * CLOCK_MS);
	assert_int_equal(get(f, ADMIN, "a"), ERR_FILE_NONE);
	assert_string_equal(list(f, ADMIN, "", "", "", 2), "");
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_listed_by_prefix_page_and_folder),
		cmocka_unit_test(an_expired_file_is_not_there),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
