/*
 * What of a folder becomes part of a version, and what is taken again.
 */
#include "cli/tree.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *glob, *path;
	bool fits;
} globs[] = {
	{"*.md", "README.md", true},
	{"*.md", "docs/deep/README.md", true},
	{"*.md", "README.mdx", false},
	{"node_modules", "node_modules", true},
	{"node_modules", "lib/node_modules", true},
	{"node_modules/", "node_modules", true},
	{"./dist", "dist", true},
	{"/dist", "lib/dist", false},
	{"/dist", "dist", true},
	{"docs/*.txt", "docs/a.txt", true},
	{"docs/*.txt", "docs/a/b.txt", false},
	{"docs/*.txt", "lib/docs/a.txt", false},
	{"test/**", "test", false},
	{"test/**", "test/a", true},
	{"test/**", "test/a/b", true},
	{"test/**/*", "test/a/b", true},
	{"**/*.map", "a.map", true},
	{"**/*.map", "x/y/a.map", true},
	{"a/**/b", "a/b", true},
	{"a/**/b", "a/x/y/b", true},
	{"a/**/b", "a/x/y/c", false},
	{"**", "anything/at/all", true},
	{".*", ".env", true},
	{"file?.js", "file1.js", true},
	{"[ab].js", "c.js", false},
	{"", "a", false},
};

static void
globs_take_out_what_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(globs); i++) {
		json_t *list = json_pack("[s]", globs[i].glob);

		if (tree_ignores(list, globs[i].path) != globs[i].fits)
			fail_msg("%s %s", globs[i].glob, globs[i].path);
		json_decref(list);
	}
}

static void
the_last_glob_that_fits_counts(void **state)
{
	json_t *list = json_pack("[s,s,s]", "*.md", "!KEEP.md", "old/*");

	(void)state;
	assert_true(tree_ignores(list, "a.md"));
	assert_false(tree_ignores(list, "KEEP.md"));
	assert_true(tree_ignores(list, "old/KEEP.md"));
	assert_false(tree_ignores(list, "a.js"));
	assert_false(tree_ignores(NULL, "a.js"));
	json_decref(list);
}

struct fixture {
	char dir[64];
};

static int
setup(void **state)
{
	struct fixture *f = mem_new(struct fixture);

	strcpy(f->dir, "/tmp/mpc-tree-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	tree_remove(f->dir);
	assert_int_not_equal(access(f->dir, F_OK), 0);
	free(f);
	return 0;
}

static void
put(const struct fixture *f, const char *name, const char *text, unsigned mode)
{
	_free_ char *path = str_printf("%s/%s", f->dir, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	assert_int_equal(dir_make(path, 0755, NULL), 0);
	*slash = '/';
	assert_int_equal(file_write(path, text, strlen(text), mode, NULL), 0);
}

static ino_t
inode(const struct fixture *f, const char *name)
{
	_free_ char *path = str_printf("%s/%s", f->dir, name);
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

static int
lay(const struct fixture *f, const char *to, const char *before,
	struct tree_lay *with, struct fault *why)
{
	struct tree_limits limits = {100, 1024 * 1024};
	_free_ char *from = str_printf("%s/from", f->dir);
	_free_ char *target = str_printf("%s/%s", f->dir, to);
	_free_ char *last = before ? str_printf("%s/%s", f->dir, before) : NULL;
	int r;

	with->limits = &limits;
	with->before = last;
	r = tree_lay(with, from, target, why);
	with->before = NULL;
	return r;
}

static void
what_is_the_same_is_linked_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct tree_lay one = {0}, two = {0};
	char big[200001];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	put(f, "from/same.js", "1", 0644);
	put(f, "from/size.js", "1", 0644);
	put(f, "from/bytes.js", "1", 0644);
	put(f, "from/mode.js", "1", 0644);
	put(f, "from/deep/big", big, 0644);
	put(f, "from/deep/last", big, 0644);
	put(f, "from/gone.js", "1", 0644);
	assert_int_equal(lay(f, "v1", NULL, &one, NULL), 0);
	assert_int_equal(one.changed, 7);
	assert_int_equal(one.kept, 0);
	put(f, "from/size.js", "22", 0644);
	put(f, "from/bytes.js", "2", 0644);
	put(f, "from/mode.js", "1", 0755);
	big[sizeof(big) - 2] = 'y';
	put(f, "from/deep/last", big, 0644);
	put(f, "from/new.js", "1", 0644);
	{
		_free_ char *gone = str_printf("%s/from/gone.js", f->dir);

		assert_int_equal(unlink(gone), 0);
	}
	assert_int_equal(lay(f, "v2", "v1", &two, NULL), 0);
	assert_int_equal(two.changed, 5);
	assert_int_equal(two.kept, 2);
	assert_int_equal(inode(f, "v2/same.js"), inode(f, "v1/same.js"));
	assert_int_equal(inode(f, "v2/deep/big"), inode(f, "v1/deep/big"));
	assert_int_not_equal(inode(f, "v2/bytes.js"), inode(f, "v1/bytes.js"));
	assert_int_not_equal(inode(f, "v2/mode.js"), inode(f, "v1/mode.js"));
	assert_int_not_equal(
		inode(f, "v2/deep/last"), inode(f, "v1/deep/last"));
	assert_int_equal(inode(f, "v2/gone.js"), 0);
	/* The author's own file is never linked. */
	assert_int_not_equal(inode(f, "v1/same.js"), inode(f, "from/same.js"));
}

static void
a_link_where_the_last_version_had_a_file_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct tree_lay with = {0};
	_free_ char *link = str_printf("%s/v1/a.js", f->dir);

	put(f, "from/a.js", "1", 0644);
	put(f, "v1/b.js", "1", 0644);
	assert_int_equal(symlink("b.js", link), 0);
	assert_int_equal(lay(f, "v2", "v1", &with, NULL), 0);
	assert_int_equal(with.changed, 1);
}

static void
what_is_ignored_is_neither_counted_nor_laid(void **state)
{
	struct fixture *f = *state;
	_json_ json_t *ignore = json_pack("[s,s]", "*.md", "test");
	struct tree_lay with = {.ignore = ignore};
	_free_ char *from = str_printf("%s/from", f->dir);

	put(f, "from/a.js", "1", 0644);
	put(f, "from/a.md", "1", 0644);
	put(f, "from/test/b.js", "1", 0644);
	assert_int_equal(tree_count(&with, from), 1);
	assert_int_equal(lay(f, "v1", NULL, &with, NULL), 0);
	assert_int_equal(with.changed, 1);
	assert_int_equal(inode(f, "v1/test"), 0);
}

static void
a_ceiling_and_a_link_out_stop_it(void **state)
{
	struct fixture *f = *state;
	struct tree_limits limits = {2, 1024};
	struct tree_lay with = {.limits = &limits};
	_free_ char *from = str_printf("%s/from", f->dir);
	_free_ char *to = str_printf("%s/v1", f->dir);
	_free_ char *link = str_printf("%s/from/out", f->dir);
	struct fault why = {0};

	put(f, "from/a", "1", 0644);
	put(f, "from/b", "1", 0644);
	put(f, "from/c", "1", 0644);
	assert_int_equal(tree_lay(&with, from, to, &why), ERR_TOO_BIG);
	tree_remove(to);
	limits = (struct tree_limits){100, 1024};
	assert_int_equal(symlink("../../etc/passwd", link), 0);
	assert_int_equal(tree_lay(&with, from, to, &why), ERR_PARAM);
	assert_non_null(strstr(why.text, "leads out"));
}

/* Two trees of the same, and what is done to the second. */
static const struct {
	const char *name, *text;
	unsigned mode;
	bool equal;
} others[] = {
	{"b/lib/x.js", "same", 0644, true}, /* another file of the same bytes */
	{"b/lib/x.js", "sane", 0644, false},
	{"b/lib/x.js", "same and more", 0644, false},
	{"b/lib/x.js", "same", 0755, false},
	{"b/lib/y.js", "", 0644, false},
	{"a/.opt/one", "", 0644, false},
};

static bool
both_equal(const struct fixture *f)
{
	_free_ char *a = str_printf("%s/a", f->dir);
	_free_ char *b = str_printf("%s/b", f->dir);

	return tree_equal(a, b);
}

static void
trees_are_equal_when_nothing_tells_them_apart(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < array_size(others); i++) {
		_free_ char *a = str_printf("%s/a", f->dir);
		_free_ char *b = str_printf("%s/b", f->dir);

		tree_remove(a);
		tree_remove(b);
		put(f, "a/lib/x.js", "same", 0644);
		put(f, "b/lib/x.js", "same", 0644);
		assert_true(both_equal(f));
		put(f, others[i].name, others[i].text, others[i].mode);
		if (both_equal(f) != others[i].equal)
			fail_msg("row %zu", i);
	}
}

static void
links_are_equal_by_where_they_lead(void **state)
{
	const struct fixture *f = *state;
	_free_ char *x = str_printf("%s/a/link", f->dir);
	_free_ char *y = str_printf("%s/b/link", f->dir);

	put(f, "a/x", "1", 0644);
	put(f, "b/x", "1", 0644);
	assert_int_equal(symlink("x", x), 0);
	assert_false(both_equal(f));
	assert_int_equal(symlink("x", y), 0);
	assert_true(both_equal(f));
	assert_int_equal(unlink(y), 0);
	assert_int_equal(symlink("X", y), 0);
	assert_false(both_equal(f));
	assert_int_equal(unlink(y), 0);
	put(f, "b/link", "1", 0644);
	assert_false(both_equal(f));
	assert_false(tree_equal(x, "/nonexistent"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_take_out_what_they_say),
		cmocka_unit_test(the_last_glob_that_fits_counts),
		T(what_is_the_same_is_linked_and_nothing_else),
		T(a_link_where_the_last_version_had_a_file_is_not_followed),
		T(what_is_ignored_is_neither_counted_nor_laid),
		T(a_ceiling_and_a_link_out_stop_it),
		T(trees_are_equal_when_nothing_tells_them_apart),
		T(links_are_equal_by_where_they_lead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
