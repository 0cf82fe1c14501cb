/*
 * `mpcloud deploy`: lays a function's files down as its next version, installs
 * what its package.json names, and asks the supervisor to load it; the version
 * before goes on answering until the new one is ready.
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "cli/cli_db.h"
#include "cli/cli_deploy.h"
#include "cli/progress.h"
#include "functions/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLLECTION_TOP = 32 * 1024 * 1024 };

struct deployment {
	struct cli *cli;
	struct project project;
	struct registry registry;
	json_t *trial;  /* of --gray, or NULL */
	bool careful;   /* nothing is deployed when a file is wrong */
	json_t *report; /* [{name, version, changed, kept, unchanged}] */
};

/* What answered before: {stable, gray}, 0 where there was none. */
struct was {
	unsigned stable, gray;
};

static struct was
read_was(const struct deployment *d, const char *name)
{
	struct registry_state state = {0};
	struct was was = {0};

	if (registry_read(&d->registry, name, &state, NULL) == 0)
		was = (struct was){state.release.stable, state.release.gray};
	registry_state_done(&state);
	return was;
}

static int
not_taken(const char *name, unsigned version, const struct was *was, int status)
{
	return cli_fail(status, "function %s: version %u was not taken up%s",
		name, version, was->stable ? "; the one before goes on" : "");
}

static void
print_files(const struct lay *lay)
{
	if (lay->kept)
		(void)printf(" (%s changed, %s kept)",
			progress_count((int64_t)lay->changed, "file"),
			progress_number((int64_t)lay->kept));
	else
		(void)printf(
			" (%s)", progress_count((int64_t)lay->changed, "file"));
}

static void
report_row(struct deployment *d, const struct lay *lay, unsigned version)
{
	(void)json_array_append_new(d->report,
		json_pack("{s:s, s:i, s:I, s:I, s:b}", "name", lay->name,
			"version", (int)version, "changed",
			(json_int_t)lay->changed, "kept", (json_int_t)lay->kept,
			"unchanged", version == lay->same));
}

static int
report_same(struct deployment *d, const struct lay *lay)
{
	report_row(d, lay, lay->same);
	if (!d->cli->options[OPT_JSON])
		(void)printf("  function %-16s version %u (unchanged)\n",
			lay->name, lay->same);
	return EXIT_OK;
}

static void
report_one(struct deployment *d, const struct lay *lay, const struct was *was)
{
	const json_t *gray = json_object_get(d->trial, "gray");

	report_row(d, lay, lay->version);
	if (d->cli->options[OPT_JSON])
		return;
	(void)printf("  function %-16s version %u", lay->name, lay->version);
	if (d->trial && was->stable)
		(void)printf(", on trial for %lld%%",
			(long long)json_integer_value(
				json_object_get(gray, "percent")));
	print_files(lay);
	if (was->gray)
		(void)printf("; the trial of version %u has ended", was->gray);
	(void)putchar('\n');
}

static json_t *
command_of(struct deployment *d, const char *cmd, const char *name,
	unsigned version)
{
	json_t *command = json_pack("{s:s,s:s,s:i}", "cmd", cmd, "name", name,
		"version", (int)version);
	json_t *entry = project_entry(&d->project, name);

	if (entry) /* kept by the daemon: variables may be in it */
		(void)json_object_set(command, "entry", entry);
	return command;
}

/* The newest version has the same files: the daemon knows whether it is also
 * what answers, as it would with this entry. */
static int
ask_same(struct deployment *d, struct lay *lay, bool *ret)
{
	_json_ json_t *answer = NULL;
	int status = cli_admin(
		d->cli, command_of(d, "same", lay->name, lay->same), &answer);

	*ret = json_is_true(json_object_get(answer, "same"));
	return status;
}

static int
ask_daemon(struct deployment *d, const char *name, const struct lay *lay)
{
	struct was was = read_was(d, name);
	json_t *command = command_of(d, "deploy", name, lay->version);
	_json_ json_t *answer = NULL;
	int status;

	if (d->trial)
		(void)json_object_set(command, "trial", d->trial);
	status = cli_admin(d->cli, command, &answer);
	if (status != EXIT_OK)
		return not_taken(name, lay->version, &was, status);
	report_one(d, lay, &was);
	return EXIT_OK;
}

static int
deploy_one(struct deployment *d, const char *name)
{
	struct lay lay = {.project = &d->project,
		.registry = &d->registry,
		.name = name,
		.quiet = d->cli->options[OPT_JSON] != NULL};
	struct fault why = {0};
	int r = lay_down(&lay, &why), status = EXIT_OK;
	bool same = false;

	if (r == 0 && lay.same && !d->trial)
		status = ask_same(d, &lay, &same);
	if (same || status != EXIT_OK) {
		lay_drop(&lay);
		return same ? report_same(d, &lay) : status;
	}
	if (r == 0)
		r = lay_number(&lay, &why);
	if (r < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", name, fault_text(&why, r));
	status = ask_daemon(d, name, &lay);
	lay_clean(&d->registry, name);
	return status;
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

/* storage/rules.json, when there is one. */
static int
deploy_storage(struct deployment *d)
{
	_json_ json_t *file = NULL, *answer = NULL;
	_buf_ struct buf body = {0};
	struct fault why = {0};
	int status;

	if (project_storage(&d->project, &file, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	if (!file)
		return EXIT_OK;
	buf_init(&body, COLLECTION_TOP);
	val_put(&body, file);
	status = cli_ops_json(
		d->cli, "POST", "/ops/files/rules", buf_all(&body), &answer);
	if (status != EXIT_OK)
		return cli_fail(status, "storage/rules.json was not taken up");
	if (!d->cli->options[OPT_JSON])
		(void)printf("  storage rules%s\n",
			json_is_true(json_object_get(answer, "changed"))
				? ""
				: " (unchanged)");
	return EXIT_OK;
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

	if (status == EXIT_OK && d->careful && d->cli->count <= from)
		status = deploy_check_files(d->cli, &d->project);
	if (status == EXIT_OK && d->cli->count <= from)
		status = deploy_collections(d);
	if (status == EXIT_OK && d->cli->count <= from)
		status = deploy_storage(d);
	if (status != EXIT_OK)
		return status;
	/* One that fails keeps no other from its new version. */
	json_array_foreach (d->project.names, at, v) {
		if (!is_wanted(d->cli, json_string_value(v), from))
			continue;
		one = deploy_one(d, json_string_value(v));
		status = one == EXIT_OK ? status : one;
		if (one == EXIT_NO_DAEMON)
			return one;
	}
	/* last: they may speak of functions that are new */
	if (d->cli->count <= from) {
		one = deploy_routes(d->cli, d->project.dir);
		status = one == EXIT_OK ? status : one;
	}
	(void)fflush(stdout);
	return status;
}

static int
deploy(struct cli *cli, const char *project, int from, json_t *trial,
	bool careful, json_t **report)
{
	struct deployment d = {.cli = cli,
		.trial = trial,
		.careful = careful,
		.report = json_array()};
	struct fault why = {0};
	int r = project_open(&d.project, project, &why), status = EXIT_FAILED;

	if (r == 0)
		r = dev_inspect(cli, &d.project, &why);
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
deploy_project(struct cli *cli, const char *project)
{
	_json_ json_t *report = NULL;

	/* The words are dev's, not functions' names.  Somebody is at work: what
	 * is right is there while he mends the rest. */
	return deploy(cli, project, cli->count, NULL, false, &report);
}

int
deploy_database(struct cli *cli, const char *project)
{
	struct deployment d = {.cli = cli};
	struct fault why = {0};
	int status;

	if (project_open(&d.project, project, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	status = deploy_collections(&d);
	if (status == EXIT_OK)
		status = deploy_storage(&d);
	project_close(&d.project);
	return status;
}

/* --gray and what goes with it. */
static int
read_trial(struct cli *cli, json_t **ret)
{
	static const enum cli_option others[] = {
		OPT_HEADER, OPT_OPENID, OPT_ERRORS, OPT_LATENCY, OPT_CALLS};

	if (cli->options[OPT_GRAY])
		return cli_trial(cli, OPT_GRAY, ret);
	for (size_t i = 0; i < array_size(others); i++)
		if (cli->options[others[i]])
			return cli_fail(EXIT_USAGE,
				"--%s says who tries the new version: it goes "
				"with --gray N (0: nobody else)",
				cli_options[others[i]].word);
	return EXIT_OK;
}

int
cli_deploy(struct cli *cli)
{
	_json_ json_t *report = NULL, *trial = NULL;
	int status;

	cli->project = cli->count ? cli->words[0] : ".";
	status = read_trial(cli, &trial);
	if (status == EXIT_OK && cli->options[OPT_HOST])
		return cli_deploy_host(cli);
	if (status == EXIT_OK)
		status = cli_conf(cli);
	if (status != EXIT_OK)
		return status;
	status = deploy(cli, cli->project, 1, trial, true, &report);
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(report);
	return status;
}
