/*
 * Running npm, without the packages' own install scripts: strangers' code runs
 * in a function's confinement or not at all.
 */
#include "cli/npm.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/val.h"
#include "cli/spawn.h"
#include "cli/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	MANIFEST_TOP = 1024 * 1024,
	NPM_FILES = 200000,
	LOG_TOP = 16 * 1024 * 1024,
};
static const uint64_t NPM_BYTES = 1ULL << 30;

static bool
names_dependencies(struct slice text)
{
	_json_ json_t *v = NULL;

	return val_parse(&v, text, NULL) == 0 &&
	       json_object_size(json_object_get(v, "dependencies")) > 0;
}

/* "file:./vendor/x": a package of the project's own, whose files no lock file
 * vouches for. */
static bool
names_files(struct slice text)
{
	return memmem(text.ptr, text.len, "\"file:", 6) != NULL ||
	       memmem(text.ptr, text.len, "\"link:", 6) != NULL;
}

/* state_dir/npm/HASH of the manifest and, when there is one, its lock. */
static char *
cache_of(const char *state_dir, const char *folder, struct slice manifest)
{
	_free_ char *lock_path = str_printf("%s/package-lock.json", folder);
	_free_ char *lock = NULL;
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf all = {0}, hex = {0};
	size_t len = 0;

	buf_init(&all, 64 * MANIFEST_TOP);
	buf_init(&hex, 128);
	buf_slice(&all, manifest);
	if (file_read(lock_path, 32 * MANIFEST_TOP, &lock, &len, NULL) == 0)
		buf_add(&all, lock, len);
	crypto_sha256(buf_all(&all), sum);
	text_hex(&hex, slice_of(sum, 16));
	return str_printf("%s/npm/%s", state_dir, hex.ptr);
}

static int
copy_manifest(const char *folder, const char *to, struct fault *why)
{
	const char *const names[] = {"package.json", "package-lock.json"};

	for (size_t i = 0; i < array_size(names); i++) {
		_free_ char *a = str_printf("%s/%s", folder, names[i]);
		_free_ char *b = str_printf("%s/%s", to, names[i]);
		_free_ char *text = NULL;
		size_t len;

		if (access(a, F_OK) < 0)
			continue;
		if (file_read(a, 32 * MANIFEST_TOP, &text, &len, why) < 0 ||
			file_write(b, text, len, 0644, why) < 0)
			return why ? why->code : -EIO;
	}
	return 0;
}

/* What npm says behind "npm error " (before npm 10 "npm ERR! "), but for the
 * code alone: "404 Not Found - GET https://…/no-such-package". */
static bool
is_reason(struct slice line, struct slice *ret)
{
	size_t len = strlen("npm error ");

	if (!slice_starts(line, "npm error ") &&
		!slice_starts(line, "npm ERR! "))
		return false;
	if (slice_starts(line, "npm ERR! "))
		len = strlen("npm ERR! ");
	*ret = slice_of(line.ptr + len, line.len - len);
	return ret->len > 0 && !slice_starts(*ret, "code ");
}

static int
tell_failure(const char *log, int status, struct fault *why)
{
	struct slice rest = SLICE(""), line, reason = SLICE("it said nothing");
	_free_ char *text = NULL;
	size_t len;

	if (file_read(log, LOG_TOP, &text, &len, NULL) == 0)
		rest = slice_of(text, len);
	while (slice_split(&rest, '\n', &line))
		if (is_reason(line, &reason))
			break;
	return fault_set(why, ERR_INTERNAL,
		"npm install failed (status %d): %.*s", status,
		(int)min(reason.len, (size_t)180), reason.ptr);
}

/* What a package's own .npmrc may not say, for npm within npm too (packages of
 * git are made by it): the environment comes before any file.  "git" and
 * "node-options" run programs, whatever is said of scripts. */
static const char *const npm_env[] = {"npm_config_ignore_scripts=true",
	"npm_config_git=git", "npm_config_node_options=--no-deprecation",
	"npm_config_global=false", NULL};

static int
run_npm(const char *dir, struct fault *why)
{
	const char *const argv[] = {"npm", "install", "--omit=dev",
		"--ignore-scripts", "--install-links", "--no-audit",
		"--no-fund", "--loglevel=error", NULL};
	_free_ char *log = str_printf("%s/npm.log", dir);
	int status = 0;
	struct spawn s = {.argv = argv,
		.env = npm_env,
		.dir = dir,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.log = log};
	int r = spawn_run(&s, &status, why);

	if (r == 0 && status != 0)
		return tell_failure(log, status, why);
	return r;
}

/* The cache's folder appears when npm has finished. */
static int
fill_cache(const char *cache, const char *folder, struct fault *why)
{
	/* Two deploys may want it at once; the second one's goes. */
	_free_ char *part = str_printf("%s.%d.part", cache, (int)getpid());
	int r;

	tree_remove(part);
	r = dir_make(part, 0755, why);
	if (r == 0)
		r = copy_manifest(folder, part, why);
	if (r == 0)
		r = run_npm(part, why);
	if (r == 0)
		r = tree_sync(part, why);
	if (r == 0 && rename(part, cache) < 0 && errno != ENOTEMPTY &&
		errno != EEXIST)
		r = fault_set(why, -errno, "%s: %s", cache, strerror(errno));
	tree_remove(part);
	return r;
}

/* Beside the folder's own files, and never from the cache. */
static int
install_here(const char *folder, struct fault *why)
{
	_free_ char *log = str_printf("%s/npm.log", folder);
	/* npm writes into them, and they may be links to the files of the
	 * version before. */
	int r = copy_manifest(folder, folder, why);

	(void)unlink(log);
	if (r == 0)
		r = run_npm(folder, why);
	if (r == 0)
		(void)unlink(log);
	return r;
}

int
npm_install(const char *state_dir, const char *folder, struct fault *why)
{
	struct tree_limits limits = {NPM_FILES, NPM_BYTES};
	_free_ char *modules = str_printf("%s/node_modules", folder);
	_free_ char *path = str_printf("%s/package.json", folder);
	_free_ char *parent = str_printf("%s/npm", state_dir);
	_free_ char *manifest = NULL, *cache = NULL, *from = NULL;
	size_t len;
	int r = 0;

	if (access(modules, F_OK) == 0 ||
		file_read(path, MANIFEST_TOP, &manifest, &len, NULL) < 0 ||
		!names_dependencies(slice_of(manifest, len)))
		return 0;
	if (names_files(slice_of(manifest, len)))
		return install_here(folder, why);
	cache = cache_of(state_dir, folder, slice_of(manifest, len));
	from = str_printf("%s/node_modules", cache);
	if (access(cache, F_OK) < 0) {
		r = dir_make(parent, 0755, why);
		if (r == 0)
			r = fill_cache(cache, folder, why);
	}
	return r == 0 ? tree_link(from, modules, &limits, why) : r;
}
