/*
 * A function's files become its next version.  Most of them are those of the
 * version before, so what has the same content is linked to it: the disk and
 * the author wait for what changed only.
 */
#include "cli/cli_deploy.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/npm.h"
#include "cli/progress.h"
#include "cli/tree.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_FILES = 200000 };
static const uint64_t TREE_BYTES = 1ULL << 30;

/* Never part of a version; .opt is ours. */
static const char *const skipped[] = {
	".git", ".mpcloud", ".DS_Store", ".opt", NULL};

/* 0: there is none. */
static int
newest_version(const struct lay *lay, unsigned *ret, struct fault *why)
{
	_json_ json_t *versions = NULL;
	int r = registry_versions(lay->registry, lay->name, &versions, why);
	size_t n = json_array_size(versions);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = n ? (unsigned)json_integer_value(json_array_get(versions, n - 1))
		 : 0;
	return 0;
}

/* Layers come over each other, the later one counts.  `before` NULL: there is
 * nothing to be taken again. */
static int
lay_over(const char *from, const char *to, const char *before,
	struct tree_limits *limits, struct fault *why)
{
	struct tree_lay first = {
		.skip = skipped, .before = before, .limits = limits};
	_free_ char *beside = str_printf("%s.part", to);
	DIR *dir;
	struct dirent *e;
	int r = 0;

	if (access(to, F_OK) < 0)
		return tree_lay(&first, from, to, why);
	tree_remove(beside);
	r = tree_copy(from, beside, skipped, limits, why);
	dir = r == 0 ? opendir(beside) : NULL;
	while (r == 0 && dir && (e = readdir(dir))) {
		_free_ char *a = str_printf("%s/%s", beside, e->d_name);
		_free_ char *b = str_printf("%s/%s", to, e->d_name);
		struct stat st;

		if (path_is_dot(e->d_name))
			continue;
		if (lstat(a, &st) == 0 && S_ISDIR(st.st_mode) &&
			access(b, F_OK) == 0) {
			r = lay_over(a, b, NULL, limits, why);
			continue;
		}
		if (rename(a, b) < 0)
			r = fault_set(
				why, -errno, "%s: %s", b, strerror(errno));
	}
	if (dir)
		(void)closedir(dir);
	tree_remove(beside);
	return r;
}

static int
lay_layers(const struct project *p, const char *name, const char *before,
	const char *opt, struct tree_limits *limits, struct fault *why)
{
	_json_ json_t *layers = NULL;
	json_t *path;
	size_t i;
	int r = project_layers(p, name, &layers, why);

	json_array_foreach (layers, i, path)
		if (r == 0)
			r = lay_over(json_string_value(path), opt, before,
				limits, why);
	return r;
}

static int
make_folder(const char *path, struct fault *why)
{
	if ((mkdir(path, 0755) < 0 && errno != EEXIST) || chmod(path, 0755) < 0)
		return fault_set(why, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
lay_shared(const struct project *p, const char *name, const char *before,
	const char *part, struct fault *why)
{
	struct tree_limits limits = {TREE_FILES, TREE_BYTES};
	_free_ char *opt = str_printf("%s/.opt", part);
	_free_ char *to = str_printf("%s/common", opt);
	_free_ char *was = before ? str_printf("%s/.opt", before) : NULL;
	_free_ char *common_was =
		before ? str_printf("%s/.opt/common", before) : NULL;
	_free_ char *common = project_common(p);
	int r = lay_layers(p, name, was, opt, &limits, why);

	if (r < 0 || !common)
		return r;
	r = make_folder(opt, why);
	return r < 0 ? r : lay_over(common, to, common_was, &limits, why);
}

static int
lay_files(struct lay *lay, const char *from, const char *before,
	const char *part, struct fault *why)
{
	const json_t *entry = project_entry(lay->project, lay->name);
	struct tree_limits limits = {TREE_FILES, TREE_BYTES};
	struct progress progress = {
		.name = lay->name, .unit = "file", .quiet = lay->quiet};
	struct tree_lay tree = {.skip = skipped,
		.ignore = json_object_get(entry, "ignore"),
		.before = before,
		.progress = &progress,
		.limits = &limits};
	int r;

	progress.total = (int64_t)tree_count(&tree, from);
	progress_begin(&progress);
	r = tree_lay(&tree, from, part, why);
	progress_clear(&progress);
	lay->changed = tree.changed;
	lay->kept = tree.kept;
	return r;
}

/* Where nobody says so, what is named and not there is installed. */
static bool
wants_npm(const struct lay *lay)
{
	const json_t *entry = project_entry(lay->project, lay->name);

	return !json_is_false(json_object_get(entry, "installDependency"));
}

static int
check_ignore(const struct lay *lay, struct fault *why)
{
	const json_t *list = json_object_get(
		project_entry(lay->project, lay->name), "ignore");
	const json_t *one;
	size_t i;

	if (list && !json_is_null(list) && !json_is_array(list))
		return fault_set(why, ERR_PARAM,
			"ignore: an array of patterns is wanted, as "
			"[\"*.md\", \"test/**\"]");
	json_array_foreach (list, i, one)
		if (!json_is_string(one) || !json_string_length(one))
			return fault_set(why, ERR_PARAM,
				"ignore[%zu]: a pattern is wanted, as \"*.md\"",
				i);
	return 0;
}

static struct stat owner; /* nftw hands nothing on */

static int
give_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)kind;
	(void)at;
	if (st->st_uid == owner.st_uid && st->st_gid == owner.st_gid)
		return 0;
	return lchown(path, owner.st_uid, owner.st_gid) < 0 ? -errno : 0;
}

/* Root may deploy to a daemon that is another user: it must be able to put the
 * version aside one day. */
static int
give_to_daemon(const struct lay *lay, const char *part, struct fault *why)
{
	int r;

	if (geteuid() != 0)
		return 0;
	if (stat(lay->registry->dir, &owner) < 0)
		return fault_set(why, -errno, "%s: %s", lay->registry->dir,
			strerror(errno));
	r = nftw(part, give_one, 64, FTW_PHYS);
	return r < 0 ? fault_set(why, r, "%s: %s", part, strerror(-r)) : 0;
}

static int
lay_all(struct lay *lay, const char *before, const char *part,
	struct fault *why)
{
	_free_ char *from = project_folder(lay->project, lay->name);
	int r = check_ignore(lay, why);

	if (r == 0)
		r = lay_files(lay, from, before, part, why);
	if (r == 0)
		r = lay_shared(lay->project, lay->name, before, part, why);
	if (r == 0 && wants_npm(lay))
		r = npm_install(lay->registry->state_dir, part, why);
	if (r == 0)
		r = give_to_daemon(lay, part, why);
	return r == 0 ? tree_sync(part, why) : r;
}

static char *
folder_of(const struct lay *lay)
{
	return str_printf("%s/%s", lay->registry->dir, lay->name);
}

static char *
part_of(const struct lay *lay)
{
	_free_ char *dir = folder_of(lay);

	return str_printf("%s/.lay.%d.part", dir, (int)getpid());
}

void
lay_drop(const struct lay *lay)
{
	_free_ char *part = part_of(lay);

	tree_remove(part);
}

/* The next number; somebody else who deploys just now may be faster. */
int
lay_number(struct lay *lay, struct fault *why)
{
	_free_ char *dir = folder_of(lay), *part = part_of(lay);
	int r;

	for (;;) {
		_free_ char *to = NULL;
		unsigned newest;

		r = newest_version(lay, &newest, why);
		if (r < 0)
			break;
		lay->version = newest + 1;
		to = str_printf("%s/v%u", dir, lay->version);
		if (rename(part, to) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY) {
			r = fault_set(
				why, -errno, "%s: %s", to, strerror(errno));
			break;
		}
	}
	lay_drop(lay);
	return r;
}

int
lay_down(struct lay *lay, struct fault *why)
{
	_free_ char *dir = folder_of(lay), *part = part_of(lay);
	_free_ char *last = NULL;
	unsigned before = 0;
	bool is_new = access(dir, F_OK) < 0;
	int r = dir_make(dir, 0755, why);

	if (r == 0 && is_new)
		r = give_to_daemon(lay, dir, why);
	if (r == 0)
		r = newest_version(lay, &before, why);
	if (r < 0)
		return r;
	last = before ? str_printf("%s/v%u", dir, before) : NULL;
	tree_remove(part);
	r = lay_all(lay, last, part, why);
	if (r < 0)
		tree_remove(part);
	else if (last && tree_equal(last, part))
		lay->same = before;
	return r;
}

/* Pruned versions, and what a deploy that was killed left behind. */
static bool
is_left_over(const char *name)
{
	size_t len = strlen(name);
	int pid;

	if (sscanf(name, ".lay.%d.part", &pid) == 1)
		return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
	return name[0] == '.' && len > 5 && !strcmp(name + len - 5, ".gone");
}

void
lay_clean(const struct registry *registry, const char *name)
{
	_free_ char *path = str_printf("%s/%s", registry->dir, name);
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_free_ char *gone = str_printf("%s/%s", path, e->d_name);

		if (is_left_over(e->d_name))
			tree_remove(gone);
	}
	if (dir)
		(void)closedir(dir);
}
