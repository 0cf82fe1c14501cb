/*
 * `mpcloud deploy`: lays a function's files down as its next version, installs
 * what its package.json names, and asks the supervisor to load it; the version
 * before goes on answering until the new one is ready.
 */
#include "src/dev.h"

#include "base/mem.h"
#include "base/paths.h"
#include "functions/registry.h"
#include "src/cli_db.h"
#include "src/npm.h"
#include "src/project.h"
#include "src/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TREE_FILES = 200000, COLLECTION_TOP = 32 * 1024 * 1024 };
static const uint64_t TREE_BYTES = 1ULL << 30;

/* Never part of a version. */
static const char *const skipped[] = {".git", ".mpcloud", ".DS_Store", NULL};

struct deployment {
	struct cli *cli;
	struct project project;
	struct registry registry;
	json_t *report; /* [{name, version}] */
};

/* One more than the newest; 1 for a function not seen before. */
static int
next_version(struct deployment *d, const char *name, unsigned *ret,
	struct fault *why)
{
	_json_ json_t *versions = NULL;
	int r = registry_versions(&d->registry, name, &versions, why);
	size_t n = json_array_size(versions);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret = n ? (unsigned)json_integer_value(
			   json_array_get(versions, n - 1)) +
			       1
		 : 1;
	return 0;
}

/* vN appears whole or not at all: copied beside, then renamed. */
static int
lay_down(struct deployment *d, const char *name, unsigned version,
	struct fault *why)
{
	struct tree_limits limits = {TREE_FILES, TREE_BYTES};
	_free_ char *from = project_folder(&d->project, name);
	_free_ char *dir = str_printf("%s/%s", d->registry.dir, name);
	_free_ char *part = str_printf("%s/.v%u.part", dir, version);
	_free_ char *to = str_printf("%s/v%u", dir, version);
	int r = dir_make(dir, 0755, why);

	if (r < 0)
		return r;
	tree_remove(part);
	r = tree_copy(from, part, skipped, &limits, why);
	if (r == 0)
		r = npm_install(d->registry.state_dir, part, why);
	if (r == 0)
		r = tree_sync(part, why);
	if (r == 0 && rename(part, to) < 0)
		r = fault_set(why, -errno, "%s: %s", to, strerror(errno));
	if (r < 0)
		tree_remove(part);
	return r;
}

static int
keep_entry(struct deployment *d, const char *name, unsigned version,
	struct fault *why)
{
	_free_ char *path =
		str_printf("%s/%s/v%u.json", d->registry.dir, name, version);
	const json_t *entry = project_entry(&d->project, name);
	_buf_ struct buf text = {0};

	buf_init(&text, 1024 * 1024);
	if (!entry)
		return 0;
	val_put(&text, entry);
	return file_write(path, text.ptr, text.len, 0644, why);
}

static int
not_taken(const char *name, unsigned version, int status)
{
	return cli_fail(status, "function %s: version %u was not taken up%s",
		name, version, version > 1 ? "; the one before goes on" : "");
}

static int
deploy_one(struct deployment *d, const char *name)
{
	_json_ json_t *answer = NULL;
	struct fault why = {0};
	unsigned version = 0;
	int r = next_version(d, name, &version, &why), status;

	if (r == 0)
		r = lay_down(d, name, version, &why);
	if (r == 0)
		r = keep_entry(d, name, version, &why);
	if (r < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", name, fault_text(&why, r));
	status = cli_admin(d->cli,
		json_pack("{s:s,s:s,s:i}", "cmd", "deploy", "name", name,
			"version", (int)version),
		&answer);
	if (status != EXIT_OK)
		return not_taken(name, version, status);
	(void)json_array_append_new(d->report,
		json_pack("{s:s,s:i}", "name", name, "version", (int)version));
	if (!d->cli->options[OPT_JSON])
		(void)printf("  function %-16s version %u\n", name, version);
	return EXIT_OK;
}

/* Those that are new are waited for; those that no file names are told. */
static int
report_indexes(struct deployment *d, const char *name, const json_t *answer)
{
	const json_t *all = json_object_get(answer, "indexes");
	bool quiet = d->cli->options[OPT_JSON];
	int status = EXIT_OK;
	json_t *v;
	size_t i;

	json_array_foreach (json_object_get(all, "made"), i, v) {
		status = cli_db_wait_index(d->cli, name, json_string_value(v));
		if (status != EXIT_OK)
			return status;
		if (!quiet)
			(void)printf("    index %s\n", json_string_value(v));
	}
	json_array_foreach (json_object_get(all, "others"), i, v)
		if (!quiet)
			(void)printf("    index %s is not in database/%s.json; "
				     "it stays\n",
				json_string_value(v), name);
	return status;
}

static int
deploy_collections(struct deployment *d)
{
	_json_ json_t *all = NULL;
	struct fault why = {0};
	const char *name;
	json_t *content;
	int status = EXIT_OK;

	if (project_collections(&d->project, &all, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	json_object_foreach (all, name, content) {
		_json_ json_t *answer = NULL;
		_buf_ struct buf body = {0};

		buf_init(&body, COLLECTION_TOP);
		(void)json_object_set_new(content, "name", json_string(name));
		val_put(&body, content);
		status = cli_ops_json(d->cli, "POST", "/ops/collections",
			buf_all(&body), &answer);
		if (status != EXIT_OK)
			return cli_fail(status,
				"database/%s.json was not taken up", name);
		if (!d->cli->options[OPT_JSON])
			(void)printf("  collection %s\n", name);
		status = report_indexes(d, name, answer);
		if (status != EXIT_OK)
			return status;
	}
	return status;
}

/* Is `name` asked for, or is nothing? */
static bool
is_wanted(const struct cli *cli, const char *name, int from)
{
	for (int i = from; i < cli->count; i++)
		if (!strcmp(cli->words[i], name))
			return true;
	return cli->count <= from;
}

static int
check_wanted(struct deployment *d, int from)
{
	for (int i = from; i < d->cli->count; i++) {
		size_t at;
		json_t *v;
		bool known = false;

		json_array_foreach (d->project.names, at, v)
			known |=
				!strcmp(json_string_value(v), d->cli->words[i]);
		if (!known)
			return cli_fail(EXIT_USAGE,
				"the project has no function \"%s\"",
				d->cli->words[i]);
	}
	return EXIT_OK;
}

static int
deploy_all(struct deployment *d, int from)
{
	int status = check_wanted(d, from), one;
	size_t at;
	json_t *v;

	if (status == EXIT_OK && d->cli->count <= from)
		status = deploy_collections(d);
	if (status != EXIT_OK)
		return status;
	/* One that fails keeps no other from its new version. */
	json_array_foreach (d->project.names, at, v) {
		if (!is_wanted(d->cli, json_string_value(v), from))
			continue;
		one = deploy_one(d, json_string_value(v));
		status = one == EXIT_OK ? status : one;
		if (one == EXIT_NO_DAEMON)
			break;
	}
	(void)fflush(stdout);
	return status;
}

static int
deploy(struct cli *cli, const char *project, int from, json_t **report)
{
	struct deployment d = {.cli = cli, .report = json_array()};
	struct fault why = {0};
	int r = project_open(&d.project, project, &why), status = EXIT_FAILED;

	if (r == 0)
		project_warn(&d.project);
	if (r == 0)
		r = registry_open(
			&d.registry, cli->conf->server_state_dir, &why);
	if (r < 0)
		(void)cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
	else
		status = deploy_all(&d, from);
	registry_close(&d.registry);
	project_close(&d.project);
	*report = d.report;
	return status;
}

int
deploy_check(const char *project)
{
	_json_ json_t *collections = NULL;
	struct project p = {0};
	struct fault why = {0};
	int r = project_open(&p, project, &why);

	if (r == 0)
		r = project_collections(&p, &collections, &why);
	project_close(&p);
	return r == 0 ? EXIT_OK
		      : cli_fail(EXIT_FAILED, "%s", fault_text(&why, r));
}

int
deploy_project(struct cli *cli, const char *project)
{
	_json_ json_t *report = NULL;

	/* The words are dev's, not functions' names. */
	return deploy(cli, project, cli->count, &report);
}

int
cli_deploy(struct cli *cli)
{
	_json_ json_t *report = NULL;
	int status;

	cli->project = cli->count ? cli->words[0] : ".";
	status = cli_conf(cli);
	if (status != EXIT_OK)
		return status;
	status = deploy(cli, cli->project, 1, &report);
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(report);
	return status;
}
