/*
 * `mpcloud db import`: files into a collection, or a folder of files into
 * collections of their names.
 */
#include "cli/importing.h"
#include "formats/archive.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { BODY_TOP = 16 << 20, EXIT_STOPPED = 130 };

static const char *const modes[] = {"insert", "upsert", "replace", "skip"};

static int
read_mode(const struct cli *cli, struct import_conf *conf)
{
	const char *mode = cli->options[OPT_MODE];

	conf->mode = mode ? mode : "insert";
	for (size_t i = 0; i < array_size(modes); i++)
		if (strcmp(conf->mode, modes[i]) == 0)
			return EXIT_OK;
	return cli_fail(EXIT_USAGE,
		"--mode: one of insert, upsert, replace, skip, not \"%s\"",
		conf->mode);
}

static int
read_options(const struct cli *cli, struct import_conf *conf)
{
	const char *format = cli->options[OPT_FORMAT];

	*conf = (struct import_conf){
		.types = cli->options[OPT_TYPES],
		.keep_going = cli->options[OPT_KEEP_GOING],
		.restart = cli->options[OPT_RESTART],
		.quiet = cli->options[OPT_JSON],
	};
	if (format)
		conf->format = format_named(slice_str(format));
	if (format && !conf->format)
		return cli_fail(EXIT_USAGE,
			"--format: one of json, csv, bson, archive, not \"%s\"",
			format);
	return read_mode(cli, conf);
}

int
importing_define(struct importing *g, json_t *definition)
{
	_json_ json_t *answer = NULL, *body = json_object();
	_buf_ struct buf text = {0};
	json_t *name = json_string(g->conf.collection);

	if (!name)
		return cli_fail(
			EXIT_USAGE, "a collection's name must be UTF-8 text");
	(void)json_object_update(body, definition);
	(void)json_object_set_new(body, "name", name);
	buf_init(&text, BODY_TOP);
	val_put(&text, body);
	return cli_ops_json(
		g->cli, "POST", "/ops/collections", buf_all(&text), &answer);
}

static json_t *
as_json(const struct import_conf *conf, const struct import_result *r)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:f}", "collection",
		conf->collection, "file", conf->path, "documents",
		(json_int_t)r->documents, "before", (json_int_t)r->before,
		"written", (json_int_t)r->written, "refused",
		(json_int_t)r->refused, "seconds", r->seconds);
}

static bool
is_stdin(const struct import_conf *conf)
{
	return strcmp(conf->path, "-") == 0;
}

static void
say_result(const struct import_conf *conf, const struct import_result *r)
{
	int64_t now = r->documents - r->before;

	(void)printf("%s: %s in", conf->collection,
		progress_documents(r->documents));
	if (r->before)
		(void)printf(
			" (%s of them before)", progress_number(r->before));
	if (r->written != now)
		(void)printf(", %s left as they were",
			progress_number(now - r->written));
	if (r->refused)
		(void)printf(", %s refused", progress_number(r->refused));
	if (r->seconds >= 1)
		(void)printf(", %.1f s, %s/s", r->seconds,
			progress_number((int64_t)((double)now / r->seconds)));
	(void)printf("\n");
	if (r->refused)
		(void)printf("Refused documents are in %s.refused: mend them "
			     "there and import that file.\n",
			is_stdin(conf) ? conf->collection : conf->path);
}

/* After an error or Ctrl-C: what is in, and how it goes on. */
static void
say_how_on(const struct import_conf *conf, const struct import_result *r,
	int status)
{
	const char *how = "";

	if (is_stdin(conf))
		how = " Standard input cannot be gone on with: import from a "
		      "file.";
	else if (r->is_bad)
		how = " Mend the file from there on and run the same command "
		      "to go on, or add --keep-going to collect such documents "
		      "in a file beside.";
	else if (r->stopped || status == EXIT_NO_DAEMON)
		how = " The same command goes on from here.";
	if (r->documents || *how)
		(void)fprintf(stderr, "%s: %s in.%s\n", conf->collection,
			progress_documents(r->documents), how);
}

int
importing_file(struct importing *g)
{
	struct import_result result = {0};
	int status = import_file(g->cli, &g->conf, &result);

	if (status != EXIT_OK || result.stopped) {
		say_how_on(&g->conf, &result, status);
		return status != EXIT_OK ? status : EXIT_STOPPED;
	}
	(void)json_array_append_new(g->ids, json_string(result.id));
	(void)json_array_append_new(g->report, as_json(&g->conf, &result));
	if (!g->conf.quiet)
		say_result(&g->conf, &result);
	(void)fflush(stdout);
	g->refused += result.refused;
	return EXIT_OK;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_archive(const char *path)
{
	_cleanup_(input_freep) struct input *in = NULL;
	struct slice s;

	return input_open(&in, path, NULL) == 0 &&
	       input_peek(in, 4, &s, NULL) == 0 && archive_begins(s);
}

static int
import_files(struct importing *g)
{
	int status;

	g->conf.collection = g->cli->words[0];
	status = importing_define(g, NULL);
	for (int i = 1; i < g->cli->count && status == EXIT_OK; i++) {
		g->conf.path = g->cli->words[i];
		status = importing_file(g);
	}
	return status;
}

static int
import_all(struct importing *g)
{
	int status = cli_conf(g->cli);

	if (status != EXIT_OK)
		return status;
	import_catch_signals();
	if (g->cli->count > 1)
		status = import_files(g);
	else if (is_folder(g->cli->words[0]))
		status = importing_folder(g, g->cli->words[0]);
	else
		status = importing_archive(g, g->cli->words[0]);
	if (status == EXIT_OK)
		status = import_end(g->cli, g->ids);
	if (status == EXIT_OK && (g->refused || g->failed))
		status = EXIT_FAILED;
	return status;
}

int
cli_import(struct cli *cli)
{
	struct importing g = {.cli = cli};
	int status = read_options(cli, &g.conf);

	if (status == EXIT_OK && cli->count == 1 && !is_folder(cli->words[0]) &&
		!is_archive(cli->words[0]))
		status = cli_fail(EXIT_USAGE,
			"which collection? mpcloud db import COLLECTION %s",
			cli->words[0]);
	if (status != EXIT_OK)
		return status;
	g.report = json_array();
	g.ids = json_array();
	status = import_all(&g);
	if (cli->options[OPT_JSON] && json_array_size(g.report))
		cli_print_json(g.report);
	json_decref(g.report);
	json_decref(g.ids);
	return status;
}
