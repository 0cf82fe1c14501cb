/*
 * What a change of the author's files means.  A function's own files: its next
 * version.  cloudbaserc.json or the function root: functions come, go, or have
 * other settings.  database/: its collections.  Events only say where to look:
 * what counts is whether the files differ from those deployed last, so that an
 * editor's fuss is no deploy.
 */
#include "cli/dev_live.h"

#include "base/mem.h"
#include "base/sip.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Marks of folders that are no function's; names of functions begin with a
 * letter. */
#define MARK_PROJECT  "/project"
#define MARK_DATABASE "/database"
#define MARK_SHARED   "/shared" /* code of several functions */
#define MARK_SITES    "/sites"  /* static folders of routes.json */

enum { FILES_TOP = 20000 };

/* Of a folder's files: names, sizes and times, in any order. */
struct look {
	uint64_t sum;
	unsigned files;
};

static void
look_at(struct look *l, const char *path, const struct stat *st)
{
	static const uint64_t key[2] = {1, 2};
	_free_ char *text = str_printf("%s %lld %lld.%09ld %llu %o", path,
		(long long)st->st_size, (long long)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec, (unsigned long long)st->st_ino,
		(unsigned)st->st_mode);

	l->sum += sip_hash(key, text, strlen(text));
	l->files++;
}

static void
look_through(struct look *l, const char *path, bool deep)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir)) && l->files < FILES_TOP) {
		_free_ char *one = NULL;
		struct stat st;

		if (dev_watch_ignores(e->d_name))
			continue;
		one = str_printf("%s/%s", path, e->d_name);
		if (stat(one, &st) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			look_at(l, one, &st);
		else if (S_ISDIR(st.st_mode) && deep)
			look_through(l, one, true);
	}
	if (dir)
		(void)closedir(dir);
}

static char *
look_text(const struct look *l)
{
	return str_printf("%016" PRIx64 " %u", l->sum, l->files);
}

static char *
look_of_database(const char *path)
{
	struct look l = {0};

	look_through(&l, path, false);
	return look_text(&l);
}

/* A function's own files, its layers and what all share. */
static char *
look_of_function(const struct project *p, const char *name)
{
	_free_ char *folder = project_folder(p, name);
	_free_ char *common = project_common(p);
	_json_ json_t *layers = NULL;
	struct look l = {0};
	json_t *path;
	size_t i;

	look_through(&l, folder, true);
	if (common)
		look_through(&l, common, true);
	if (project_layers(p, name, &layers, NULL) == 0)
		json_array_foreach (layers, i, path)
			look_through(&l, json_string_value(path), true);
	return look_text(&l);
}

static void
watch_function(struct dev_live *live, const struct project *p, const char *name)
{
	_free_ char *folder = project_folder(p, name);
	_free_ char *common = project_common(p);
	_json_ json_t *layers = NULL;
	json_t *path;
	size_t i;

	dev_watch_add(&live->watch, folder, name, true);
	if (common)
		dev_watch_add(&live->watch, common, MARK_SHARED, true);
	if (project_layers(p, name, &layers, NULL) == 0)
		json_array_foreach (layers, i, path)
			dev_watch_add(&live->watch, json_string_value(path),
				MARK_SHARED, true);
}

static void
say(const struct dev_live *live, const char *what, const char *name,
	unsigned version, uint64_t since)
{
	unsigned ms = (unsigned)((uv_hrtime() - since + 500000) / 1000000);

	if (live->dev->cli->options[OPT_JSON])
		(void)printf("{\"%s\":\"%s\",\"version\":%u,\"ms\":%u}\n", what,
			name, version, ms);
	else if (version)
		(void)printf("%s %s in %u ms (version %u)\n", what, name, ms,
			version);
	else
		(void)printf("%s %s in %u ms\n", what, name, ms);
	(void)fflush(stdout);
}

static void
say_kept(const struct dev_live *live, const char *name, uint64_t since)
{
	if (live->dev->cli->options[OPT_JSON])
		say(live, "failed", name, 0, since);
	else
		(void)fprintf(stderr,
			"%s: what was deployed before goes on; it is deployed "
			"again when its files change\n",
			name);
}

/* What is deployed now, or is about to be. */
static void
note(struct dev_live *live, const struct project *p, const char *name)
{
	_free_ char *files = look_of_function(p, name);
	const json_t *entry = project_entry(p, name);

	(void)json_object_set_new(live->functions, name,
		json_pack("{s:o,s:s}", "entry",
			entry ? json_deep_copy(entry) : json_null(), "files",
			files));
	watch_function(live, p, name);
}

static bool
has_changed(struct dev_live *live, const struct project *p, const char *name)
{
	const json_t *known = json_object_get(live->functions, name);
	_free_ char *files = look_of_function(p, name);
	json_t *entry = project_entry(p, name);

	return !known ||
	       !json_equal(json_object_get(known, "entry"),
		       entry ? entry : json_null()) ||
	       strcmp(json_string_value(json_object_get(known, "files")),
		       files) != 0;
}

static void
redeploy(struct dev_live *live, const struct project *p, const char *name,
	uint64_t since)
{
	bool is_new = !json_object_get(live->functions, name);
	unsigned version = 0;

	note(live, p, name); /* what is changed meanwhile is another change */
	if (dev_deploy(live->dev->cli, p, name, &version) == EXIT_OK)
		say(live, is_new ? "deployed" : "reloaded", name, version,
			since);
	else
		say_kept(live, name, since);
}

static void
forget_gone(struct dev_live *live, const struct project *p, uint64_t since)
{
	const char *name;
	json_t *v;
	void *next;

	json_object_foreach_safe(live->functions, next, name, v)
	{
		_json_ json_t *answer = NULL;

		if (project_has(p, name))
			continue;
		dev_watch_del(&live->watch, name);
		if (cli_admin(live->dev->cli,
			    json_pack(
				    "{s:s,s:s}", "cmd", "delete", "name", name),
			    &answer) == EXIT_OK)
			say(live, "removed", name, 0, since);
		(void)json_object_del(live->functions, name);
	}
}

/* A folder that is gone while cloudbaserc.json still lists it is being moved
 * or made: when it is there it is deployed. */
static bool
is_there(const struct project *p, const char *name)
{
	_free_ char *folder = project_folder(p, name);

	return access(folder, F_OK) == 0;
}

static void
reload_functions(struct dev_live *live, const json_t *marks, uint64_t since)
{
	bool all = json_object_get(marks, MARK_PROJECT) ||
		   json_object_get(marks, MARK_SHARED);
	struct project p = {0};
	struct fault why = {0};
	json_t *v;
	size_t at;
	int r = project_open(&p, live->dev->project, &why);

	if (r == 0)
		r = dev_inspect(live->dev->cli, &p, &why);
	if (r < 0) {
		(void)cli_fail(EXIT_FAILED, "%s", why.text);
		project_close(&p);
		return;
	}
	if (json_object_get(marks, MARK_PROJECT))
		project_warn(&p);
	if (all)
		forget_gone(live, &p, since);
	json_array_foreach (p.names, at, v) {
		const char *name = json_string_value(v);

		if ((all || json_object_get(marks, name)) &&
			is_there(&p, name) && has_changed(live, &p, name))
			redeploy(live, &p, name, since);
	}
	project_close(&p);
}

static char *
database_of(const struct dev_live *live)
{
	return str_printf("%s/database", live->dev->project);
}

static void
reload_database(struct dev_live *live, uint64_t since)
{
	_free_ char *path = database_of(live);
	_free_ char *files = look_of_database(path);

	dev_watch_add(&live->watch, path, MARK_DATABASE, false);
	if (live->collections && !strcmp(live->collections, files))
		return;
	free(live->collections);
	live->collections = str_dup(files);
	if (deploy_database(live->dev->cli, live->dev->project) == EXIT_OK)
		say(live, "reloaded", "database", 0, since);
	else
		say_kept(live, "database", since);
}

static void
watch_site(void *owner, const char *path)
{
	struct dev_live *live = owner;

	dev_watch_add(&live->watch, path, MARK_SITES, true);
}

/* routes.json and the folders it speaks of. */
static void
reload_routes(struct dev_live *live, uint64_t since)
{
	_free_ char *files =
		deploy_routes_look(live->dev->project, watch_site, live);

	if (live->routes && !strcmp(live->routes, files))
		return;
	free(live->routes);
	live->routes = str_dup(files);
	if (deploy_routes(live->dev->cli, live->dev->project) == EXIT_OK)
		say(live, "reloaded", "routes", 0, since);
	else
		say_kept(live, "routes", since);
}

void
dev_reload(struct dev_live *live, const json_t *marks, uint64_t since)
{
	/* database/ itself may have appeared in the project's folder. */
	if (json_object_get(marks, MARK_DATABASE) ||
		json_object_get(marks, MARK_PROJECT))
		reload_database(live, since);
	reload_functions(live, marks, since);
	if (json_object_get(marks, MARK_SITES) ||
		json_object_get(marks, MARK_PROJECT))
		reload_routes(live, since);
}

void
dev_reload_start(struct dev_live *live)
{
	_free_ char *database = database_of(live);
	struct project p = {0};
	json_t *v;
	size_t at;

	dev_watch_add(&live->watch, live->dev->project, MARK_PROJECT, false);
	dev_watch_add(&live->watch, database, MARK_DATABASE, false);
	live->collections = look_of_database(database);
	live->routes = deploy_routes_look(live->dev->project, watch_site, live);
	if (project_open(&p, live->dev->project, NULL) < 0 ||
		dev_inspect(live->dev->cli, &p, NULL) < 0) {
		project_close(&p);
		return;
	}
	dev_watch_add(&live->watch, p.root, MARK_PROJECT, false);
	json_array_foreach (p.names, at, v)
		note(live, &p, json_string_value(v));
	project_close(&p);
}
