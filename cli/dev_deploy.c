/*
 * A function's next version the quick way, for `mpcloud dev`: what the author
 * writes is copied, without waiting for the disk; what npm installed, thousands
 * of files that nobody edits, is put beside the versions once and shared by a
 * symbolic link until npm has been at it again.
 */
#include "cli/dev_live.h"

#include "base/mem.h"
#include "base/paths.h"
#include "cli/cli_deploy.h"
#include "cli/npm.h"
#include "cli/tree.h"
#include "functions/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_FILES = 200000 };
static const uint64_t TREE_BYTES = 1ULL << 30;

static const char *const skipped[] = {
	".git", ".mpcloud", ".DS_Store", ".opt", "node_modules", NULL};

static unsigned
next_version(const struct registry *registry, const char *name)
{
	_json_ json_t *versions = NULL;
	size_t n;

	if (registry_versions(registry, name, &versions, NULL) < 0)
		return 1;
	n = json_array_size(versions);
	return n ? (unsigned)json_integer_value(
			   json_array_get(versions, n - 1)) +
			       1
		 : 1;
}

/* npm writes node_modules/.package-lock.json last; without it the folder's own
 * time has to do. */
static bool
modules_mark(const char *modules, char ret[64])
{
	_free_ char *lock = str_printf("%s/.package-lock.json", modules);
	struct stat folder, st;

	if (stat(modules, &folder) < 0 || !S_ISDIR(folder.st_mode))
		return false;
	if (stat(lock, &st) < 0)
		st = folder;
	(void)snprintf(ret, 64, "modules-%llx-%llx-%llx",
		(unsigned long long)st.st_ino,
		(unsigned long long)st.st_mtim.tv_sec * 1000000000ULL +
			(unsigned long long)st.st_mtim.tv_nsec,
		(unsigned long long)folder.st_mtim.tv_sec * 1000000000ULL +
			(unsigned long long)folder.st_mtim.tv_nsec);
	return true;
}

/* vN/node_modules leads to the shared copy, which the cage shows too. */
static int
share_modules(
	const char *from, const char *dir, const char *part, struct fault *why)
{
	struct tree_limits limits = {TREE_FILES, TREE_BYTES};
	_free_ char *modules = str_printf("%s/node_modules", from);
	_free_ char *at = str_printf("%s/node_modules", part);
	_free_ char *shared = NULL, *target = NULL, *beside = NULL;
	char mark[64];
	int r = 0;

	if (!modules_mark(modules, mark))
		return 0;
	shared = str_printf("%s/%s", dir, mark);
	target = str_printf("../%s/node_modules", mark);
	if (access(shared, F_OK) < 0) {
		_free_ char *inner = NULL;

		beside = str_printf("%s/.%s.part", dir, mark);
		inner = str_printf("%s/node_modules", beside);
		tree_remove(beside);
		r = dir_make(beside, 0755, why);
		if (r == 0)
			r = tree_link(modules, inner, &limits, why);
		if (r == 0 && rename(beside, shared) < 0)
			r = fault_set(
				why, -errno, "%s: %s", shared, strerror(errno));
		if (r < 0)
			tree_remove(beside);
	}
	if (r == 0 && symlink(target, at) < 0)
		r = fault_set(why, -errno, "%s: %s", at, strerror(errno));
	return r;
}

static int
lay_all(const struct project *p, const struct registry *registry,
	const char *name, const char *part, struct fault *why)
{
	_free_ char *from = project_folder(p, name);
	_free_ char *dir = str_printf("%s/%s", registry->dir, name);
	const json_t *entry = project_entry(p, name);
	struct tree_limits limits = {TREE_FILES, TREE_BYTES};
	struct tree_lay tree = {.skip = skipped,
		.ignore = json_object_get(entry, "ignore"),
		.limits = &limits};
	int r = tree_lay(&tree, from, part, why);

	if (r == 0)
		r = share_modules(from, dir, part, why);
	if (r == 0)
		r = lay_shared(p, name, NULL, part, why);
	if (r == 0 &&
		!json_is_false(json_object_get(entry, "installDependency")))
		r = npm_install(registry->state_dir, part, why);
	return r;
}

/* The next number; `mpcloud deploy` beside us may be faster. */
static int
take_number(const struct registry *registry, const char *name, const char *part,
	unsigned *ret, struct fault *why)
{
	for (;;) {
		unsigned version = next_version(registry, name);
		_free_ char *to =
			str_printf("%s/%s/v%u", registry->dir, name, version);

		if (rename(part, to) == 0) {
			*ret = version;
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY)
			return fault_set(
				why, -errno, "%s: %s", to, strerror(errno));
	}
}

static int
lay_quickly(const struct project *p, const struct registry *registry,
	const char *name, unsigned *ret, struct fault *why)
{
	_free_ char *dir = str_printf("%s/%s", registry->dir, name);
	_free_ char *part = str_printf("%s/.lay.%d.part", dir, (int)getpid());
	int r = dir_make(dir, 0755, why);

	if (r < 0)
		return r;
	tree_remove(part);
	r = lay_all(p, registry, name, part, why);
	if (r == 0)
		r = take_number(registry, name, part, ret, why);
	if (r < 0)
		tree_remove(part);
	return r;
}

int
dev_deploy(struct cli *cli, const struct project *p, const char *name,
	unsigned *ret)
{
	json_t *entry = project_entry(p, name), *command;
	_json_ json_t *answer = NULL;
	struct registry registry = {0};
	struct fault why = {0};
	unsigned version = 0;
	int r = registry_open(&registry, cli->conf->server_state_dir, &why);

	if (r == 0)
		r = lay_quickly(p, &registry, name, &version, &why);
	if (r == 0)
		lay_clean(&registry, name);
	registry_close(&registry);
	if (r < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", name, fault_text(&why, r));
	*ret = version;
	command = json_pack("{s:s,s:s,s:i}", "cmd", "deploy", "name", name,
		"version", (int)version);
	if (entry)
		(void)json_object_set(command, "entry", entry);
	return cli_admin(cli, command, &answer);
}
