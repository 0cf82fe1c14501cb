/*
 * A project's routes: routes.json, and the static folders it speaks of.
 *
 * A folder is copied under a name made of its content, so that a gateway's
 * change from the old copy to the new one is the change of one table, and a
 * folder that has not changed is not copied again.  Gateways hold a lock on the
 * copies they answer from; who deploys removes those that nobody holds.
 */
#include "cli/cli_deploy.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "cli/dev.h"
#include "cli/progress.h"
#include "cli/tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_TOP = 4 * 1024 * 1024,
	SITE_FILES = 100000,
	NAME_PART = 32,
	DEEP = 64,
};
static const uint64_t SITE_BYTES = 4ULL << 30;

static const char *const skipped[] = {
	".git", ".mpcloud", ".DS_Store", "node_modules", NULL};

struct sites {
	char *dir;     /* state_dir/sites */
	int lock;      /* who deploys is alone */
	json_t *names; /* {folder: copy} */
	uint64_t copied;
};

/* --- a folder's name, from its content --- */

struct summing {
	struct digest *sum;
	unsigned files, deep;
	struct fault *why;
};

static int
sum_file(struct summing *s, const char *path)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char room[65536];
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, room, sizeof(room))) > 0)
		digest_add(s->sum, slice_of(room, (size_t)n));
	if (fd < 0 || n < 0)
		return fault_set(
			s->why, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static bool
is_skipped(const char *name, unsigned deep)
{
	if (path_is_dot(name))
		return true;
	for (size_t i = 0; deep == 0 && skipped[i]; i++)
		if (!strcmp(name, skipped[i]))
			return true;
	return false;
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int sum_folder(struct summing *s, const char *path);

static int
sum_one(struct summing *s, const char *path, const char *name)
{
	_free_ char *one = str_printf("%s/%s", path, name);
	struct stat st;
	int r;

	if (lstat(one, &st) < 0)
		return fault_set(
			s->why, -errno, "%s: %s", one, strerror(errno));
	if (++s->files > SITE_FILES)
		return fault_set(s->why, ERR_TOO_BIG,
			"%s: more than %d files: a static folder is what a "
			"build made (dist/), not the project",
			path, SITE_FILES);
	digest_add(s->sum, slice_of(name, strlen(name) + 1));
	if (!S_ISDIR(st.st_mode))
		return sum_file(s, one);
	digest_add(s->sum, SLICE("/"));
	s->deep++;
	r = sum_folder(s, one);
	s->deep--;
	digest_add(s->sum, SLICE("\0"));
	return r;
}

static int
sum_folder(struct summing *s, const char *path)
{
	struct dirent **found = NULL;
	int n = s->deep < DEEP ? scandir(path, &found, NULL, by_name) : -1;
	int r = 0;

	if (n < 0)
		return fault_set(s->why, errno ? -errno : -ELOOP, "%s: %s",
			path, strerror(errno ? errno : ELOOP));
	for (int i = 0; i < n; i++) {
		if (r == 0 && !is_skipped(found[i]->d_name, s->deep))
			r = sum_one(s, path, found[i]->d_name);
		free(found[i]);
	}
	free(found);
	return r;
}

/* "dist-0f3a…": what it was called, and what is in it. */
static int
name_of(const char *path, const char *folder, char **ret, struct fault *why)
{
	_buf_ struct buf name = {0};
	const char *base = strrchr(folder, '/');
	struct summing s = {.sum = digest_new("sha256"), .why = why};
	uint8_t sum[DIGEST_TOP];
	int r = sum_folder(&s, path);

	(void)digest_end(s.sum, sum);
	(void)digest_free(s.sum);
	if (r < 0)
		return r;
	buf_init(&name, 128);
	for (base = base ? base + 1 : folder; *base && name.len < NAME_PART;
		base++)
		buf_char(&name, isalnum((unsigned char)*base) ? *base : '_');
	buf_char(&name, '-');
	text_hex(&name, slice_of(sum, 12));
	*ret = str_ndup(name.ptr, name.len);
	return 0;
}

/* --- copies --- */

static int
site_find(const char *from, const char *folder, struct fault *why)
{
	struct stat st;

	if (stat(from, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return fault_set(why, ERR_PARAM,
		"\"static\": \"%s\": there is no folder %s; build the site "
		"first",
		folder, from);
}

static int
site_lay(struct sites *s, const char *project, const char *folder,
	struct fault *why)
{
	_free_ char *from = str_printf("%s/%s", project, folder);
	_free_ char *name = NULL, *to = NULL, *part = NULL;
	struct tree_limits limits = {SITE_FILES, SITE_BYTES};
	int r;

	if (json_object_get(s->names, folder))
		return 0;
	r = site_find(from, folder, why);
	if (r < 0)
		return r;
	if (!s->dir) /* only a check */
		return 0;
	r = name_of(from, folder, &name, why);
	if (r < 0)
		return r;
	to = str_printf("%s/%s", s->dir, name);
	part = str_printf("%s/.%s.part", s->dir, name);
	(void)json_object_set_new(s->names, folder, json_string(name));
	if (access(to, F_OK) == 0)
		return 0;
	tree_remove(part);
	r = tree_copy(from, part, skipped, &limits, why);
	if (r == 0)
		r = tree_sync(part, why);
	if (r == 0 && rename(part, to) < 0)
		r = fault_set(why, -errno, "%s: %s", to, strerror(errno));
	if (r < 0)
		tree_remove(part);
	s->copied += SITE_FILES - limits.files;
	return r;
}

/* Every folder that a route's "static" names. */
static int
sites_lay(struct sites *s, const char *project, const json_t *file,
	struct fault *why)
{
	const json_t *route;
	size_t i;

	json_array_foreach (json_object_get(file, "routes"), i, route) {
		const char *folder = json_string_value(json_object_get(
			json_object_get(route, "to"), "static"));
		int r;

		if (!folder)
			continue;
		if (*folder == '/' || strstr(folder, ".."))
			return fault_set(why, ERR_PARAM,
				"routes[%zu].to.static: \"%s\": a folder of "
				"the "
				"project is wanted",
				i, folder);
		r = site_lay(s, project, folder, why);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool
is_named(const struct sites *s, const char *name)
{
	const char *folder;
	json_t *v;

	json_object_foreach (s->names, folder, v)
		if (!strcmp(json_string_value(v), name))
			return true;
	return false;
}

/* Copies that no gateway answers from any more, and what was left half done. */
static void
sites_clean(const struct sites *s)
{
	DIR *dir = opendir(s->dir);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		_free_ char *path = NULL;
		int fd;

		if (is_skipped(e->d_name, 1) || !strcmp(e->d_name, ".lock") ||
			is_named(s, e->d_name))
			continue;
		path = str_printf("%s/%s", s->dir, e->d_name);
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			tree_remove(path);
		(void)close(fd);
	}
	if (dir)
		(void)closedir(dir);
}

static int
sites_open(struct sites *s, const char *state_dir, struct fault *why)
{
	_free_ char *lock = NULL;
	int r;

	s->dir = str_printf("%s/sites", state_dir);
	s->names = json_object();
	r = dir_make(s->dir, 0755, why);
	if (r < 0)
		return r;
	lock = str_printf("%s/.lock", s->dir);
	s->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (s->lock < 0 || flock(s->lock, LOCK_EX) < 0)
		return fault_set(why, -errno, "%s: %s", lock, strerror(errno));
	return 0;
}

static void
sites_done(struct sites *s)
{
	if (s->lock >= 0)
		(void)close(s->lock);
	json_decref(s->names);
	free(s->dir);
}

/* --- the whole --- */

static int
routes_read(const char *project, json_t **ret, struct fault *why)
{
	_free_ char *path = str_printf("%s/routes.json", project);
	_free_ char *text = NULL;
	size_t len;
	int r;

	if (access(path, F_OK) < 0)
		return 0;
	r = file_read(path, FILE_TOP, &text, &len, why);
	if (r == 0)
		r = val_parse(ret, slice_of(text, len), why);
	if (r == 0 && !json_is_object(*ret))
		r = fault_set(why, ERR_PARAM, "an object {…} is wanted");
	return r < 0 ? fault_prefix(why, r, "%s: ", path) : 0;
}

static int
routes_ask(struct cli *cli, json_t *names, json_t *file, bool check,
	json_t **answer)
{
	_json_ json_t *command = json_pack("{s:O, s:O, s:b}", "file", file,
		"sites", names, "check", check);
	_buf_ struct buf body = {0};

	buf_init(&body, 2 * FILE_TOP);
	val_put(&body, command);
	return cli_ops_json(cli, "POST", "/ops/routes", buf_all(&body), answer);
}

static int
routes_send(struct cli *cli, const struct sites *s, json_t *file)
{
	_json_ json_t *answer = NULL;
	int status = routes_ask(cli, s->names, file, false, &answer);

	if (status != EXIT_OK)
		return cli_fail(status, "routes.json was not taken up; the "
					"routes before go on");
	if (!cli->options[OPT_JSON]) {
		(void)printf("  %s, version %lld",
			progress_count((int64_t)json_array_size(
					       json_object_get(file, "routes")),
				"route"),
			(long long)val_number(answer, "version"));
		if (json_object_size(s->names))
			(void)printf(" (%s, %s copied)",
				progress_count(
					(int64_t)json_object_size(s->names),
					"site"),
				progress_number((int64_t)s->copied));
		(void)putchar('\n');
	}
	return EXIT_OK;
}

int
deploy_routes(struct cli *cli, const char *project)
{
	struct sites s = {.lock = -1};
	_json_ json_t *file = NULL;
	struct fault why = {0};
	int r = routes_read(project, &file, &why), status = EXIT_FAILED;

	if (r == 0 && !file)
		return EXIT_OK;
	if (r == 0)
		r = sites_open(&s, cli->conf->server_state_dir, &why);
	if (r == 0)
		r = sites_lay(&s, project, file, &why);
	if (r < 0)
		(void)cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	else
		status = routes_send(cli, &s, file);
	if (status == EXIT_OK)
		sites_clean(&s);
	sites_done(&s);
	return status;
}

int
deploy_routes_check(struct cli *cli, const char *project)
{
	_json_ json_t *file = NULL, *names = json_object(), *answer = NULL;
	struct sites s = {.names = names};
	struct fault why = {0};
	int r = routes_read(project, &file, &why);

	if (r == 0 && file)
		r = sites_lay(&s, project, file, &why);
	if (r < 0)
		return cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	return file ? routes_ask(cli, names, file, true, &answer) : EXIT_OK;
}

char *
deploy_routes_look(const char *project,
	void (*each)(void *owner, const char *folder), void *owner)
{
	struct summing s = {.sum = digest_new("sha256")};
	_json_ json_t *file = NULL;
	_buf_ struct buf text = {0};
	uint8_t sum[DIGEST_TOP];
	const json_t *route;
	size_t i;

	if (routes_read(project, &file, NULL) < 0)
		digest_add(s.sum, SLICE("?"));
	buf_init(&text, FILE_TOP);
	val_put(&text, file);
	digest_add(s.sum, buf_all(&text));
	json_array_foreach (json_object_get(file, "routes"), i, route) {
		const char *folder = json_string_value(json_object_get(
			json_object_get(route, "to"), "static"));
		_free_ char *path = NULL;

		if (!folder || *folder == '/' || strstr(folder, ".."))
			continue;
		path = str_printf("%s/%s", project, folder);
		(void)sum_folder(&s, path);
		each(owner, path);
	}
	(void)digest_end(s.sum, sum);
	(void)digest_free(s.sum);
	buf_clear(&text);
	text_hex(&text, slice_of(sum, SHA256_LEN));
	return str_ndup(text.ptr, text.len);
}
