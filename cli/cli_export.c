/*
 * `mpcloud db export`: a collection into a file, or several into a folder that
 * `mpcloud db import` and `mpcloud deploy` take back.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "cli/cli.h"
#include "cli/collection_file.h"
#include "cli/export.h"
#include "cli/import.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TOP = 16 << 20, EXIT_STOPPED = 130 };

struct exporting {
	struct cli *cli;
	struct export_conf conf;
	const char *folder; /* or NULL */
	json_t *known;      /* what the gateway says of all collections */
	json_t *report;
	/* of a folder: which are whole already */
	json_t *done;
	char *resume;
};

static const json_t *
find_known(const struct exporting *e, const char *name)
{
	const json_t *v;
	size_t i;

	json_array_foreach (e->known, i, v)
		if (!strcmp(name,
			    json_string_value(json_object_get(v, "name"))))
			return v;
	return NULL;
}

static int
no_such(const struct exporting *e, const char *name)
{
	_buf_ struct buf names = {0};
	const json_t *v;
	size_t i;

	buf_init(&names, 1 << 20);
	json_array_foreach (e->known, i, v)
		buf_printf(&names, "%s%s", i ? ", " : "",
			json_string_value(json_object_get(v, "name")));
	return cli_fail(EXIT_FAILED,
		"there is no collection \"%s\"; there %s %s", name,
		names.len ? "are:" : "is none", buf_all(&names).ptr);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool
wants_csv(const struct cli *cli)
{
	const char *format = cli->options[OPT_FORMAT];
	const char *out = cli->options[OPT_OUTPUT];

	if (format)
		return strcmp(format, "csv") == 0;
	return cli->options[OPT_FIELDS] || (out && ends_with(out, ".csv"));
}

static int
read_format(struct exporting *e)
{
	const char *format = e->cli->options[OPT_FORMAT];
	const char *fields = e->conf.fields;
	bool csv = wants_csv(e->cli);

	if (format && !csv && strcmp(format, "json") != 0)
		return cli_fail(EXIT_USAGE, "--format: json or csv, not \"%s\"",
			format);
	if (!csv)
		return fields ? cli_fail(EXIT_USAGE, "--fields is for CSV")
			      : EXIT_OK;
	if (!fields || !*fields)
		return cli_fail(EXIT_USAGE, "CSV needs its columns: --fields "
					    "_id,name,address.city");
	return e->conf.canonical
		       ? cli_fail(EXIT_USAGE, "--canonical is for JSON")
		       : EXIT_OK;
}

static int
read_options(struct exporting *e)
{
	const struct cli *cli = e->cli;
	const char *out = cli->options[OPT_OUTPUT];
	bool many = cli->options[OPT_ALL] || cli->count > 1;

	e->conf.fields = cli->options[OPT_FIELDS];
	e->conf.canonical = cli->options[OPT_CANONICAL];
	e->conf.restart = cli->options[OPT_RESTART];
	e->conf.quiet = cli->options[OPT_JSON];
	if (cli->options[OPT_ALL] && cli->count)
		return cli_fail(
			EXIT_USAGE, "either --all or names of collections");
	if (!many && cli->count == 0)
		return cli_fail(EXIT_USAGE,
			"which collection? mpcloud db export COLLECTION, or "
			"--all --output FOLDER");
	if (many && !out)
		return cli_fail(
			EXIT_USAGE, "several collections need --output FOLDER");
	if (many || (out && (is_folder(out) || ends_with(out, "/"))))
		e->folder = out;
	else
		e->conf.path = out;
	if (e->conf.quiet && !out)
		return cli_fail(EXIT_USAGE,
			"--json prints a report, and the documents would go "
			"there too: it needs --output");
	return read_format(e);
}

static int
stopped(const struct export_result *r, const struct exporting *e)
{
	(void)fprintf(stderr, "%s written. ", progress_documents(r->documents));
	(void)fputs(e->conf.path ? "The same command goes on from here.\n"
				 : "To go on later, name a file with "
				   "--output.\n",
		stderr);
	return EXIT_STOPPED;
}

/* Where documents go, nothing else does. */
static void
say_result(const struct exporting *e, const struct export_result *r)
{
	FILE *to = e->conf.path ? stdout : stderr;

	if (!e->conf.path && !isatty(STDERR_FILENO))
		return;
	(void)fprintf(to, "%s: %s", e->conf.collection,
		progress_documents(r->documents));
	if (e->conf.path)
		(void)fprintf(to, " in %s", e->conf.path);
	if (r->seconds >= 1)
		(void)fprintf(to, ", %.1f s, %s/s", r->seconds,
			progress_number(
				(int64_t)((double)(r->documents - r->before) /
					  r->seconds)));
	(void)fputc('\n', to);
}

static int
export_one(struct exporting *e)
{
	struct export_result r;
	const json_t *known = find_known(e, e->conf.collection);
	int status;

	if (!known)
		return no_such(e, e->conf.collection);
	e->conf.documents =
		json_integer_value(json_object_get(known, "documents"));
	status = export_file(e->cli, &e->conf, &r);
	if (r.stopped || status == EXIT_NO_DAEMON)
		return status == EXIT_OK ? stopped(&r, e)
					 : (stopped(&r, e), status);
	if (status != EXIT_OK)
		return status;
	(void)json_array_append_new(e->report,
		json_pack("{s:s,s:s,s:I,s:f}", "collection", e->conf.collection,
			"file", e->conf.path ? e->conf.path : "-", "documents",
			(json_int_t)r.documents, "seconds", r.seconds));
	if (!e->conf.quiet)
		say_result(e, &r);
	return EXIT_OK;
}

/* database/NAME.json, as a project has it. */
static int
write_definition(struct exporting *e, const json_t *known, const char *file)
{
	_free_ char *path = str_printf("%s/database/%s.json", e->folder, file);
	_json_ json_t *v = json_object();
	json_t *rules = json_object_get(known, "rules");
	json_t *indexes = json_object_get(known, "indexes");
	struct fault why = {0};
	char *text;
	int r;

	(void)json_object_set(
		v, "permission", json_object_get(known, "permission"));
	if (json_is_object(rules))
		(void)json_object_set(v, "rules", rules);
	if (json_is_true(json_object_get(known, "showOpenid")))
		(void)json_object_set_new(v, "showOpenid", json_true());
	if (json_array_size(indexes))
		(void)json_object_set(v, "indexes", indexes);
	text = json_dumps(v, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (!text)
		return cli_fail(EXIT_FAILED, "%s: out of memory", path);
	r = file_write(path, text, strlen(text), 0644, &why);
	free(text);
	return r < 0 ? cli_fail(EXIT_FAILED, "%s", why.text) : EXIT_OK;
}

/* An earlier run that was interrupted has written some already. */
static void
load_done(struct exporting *e)
{
	_free_ char *text = NULL;
	size_t len;

	e->resume = str_printf("%s/export.resume", e->folder);
	if (e->conf.restart ||
		file_read(e->resume, FILE_TOP, &text, &len, NULL) < 0 ||
		val_parse(&e->done, slice_of(text, len), NULL) < 0)
		e->done = json_object();
}

static int
note_done(struct exporting *e, const char *name)
{
	_buf_ struct buf text = {0};
	struct fault why = {0};

	(void)json_object_set_new(e->done, name, json_true());
	buf_init(&text, FILE_TOP);
	val_put(&text, e->done);
	if (file_write(e->resume, text.ptr, text.len, 0644, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	return EXIT_OK;
}

static int
export_into(struct exporting *e, const char *name)
{
	const json_t *known = find_known(e, name);
	_free_ char *path = NULL;
	_buf_ struct buf file = {0};
	int status;

	if (!known)
		return no_such(e, name);
	if (json_object_get(e->done, name))
		return EXIT_OK;
	buf_init(&file, PATH_MAX);
	collection_put_file(&file, slice_str(name));
	path = str_printf("%s%s%s.%s", e->folder,
		ends_with(e->folder, "/") ? "" : "/", file.ptr,
		e->conf.fields ? "csv" : "jsonl");
	e->conf.collection = name;
	e->conf.path = path;
	status = write_definition(e, known, file.ptr);
	if (status == EXIT_OK)
		status = export_one(e);
	e->conf.path = NULL;
	return status == EXIT_OK ? note_done(e, name) : status;
}

static int
export_folder(struct exporting *e)
{
	_free_ char *database = str_printf("%s/database", e->folder);
	struct fault why = {0};
	const json_t *v;
	size_t i;
	int status = EXIT_OK;

	if (dir_make(database, 0755, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	load_done(e);
	if (e->cli->options[OPT_ALL])
		json_array_foreach (e->known, i, v) {
			if (status != EXIT_OK)
				break;
			status = export_into(e,
				json_string_value(json_object_get(v, "name")));
		}
	for (int n = 0; n < e->cli->count && status == EXIT_OK; n++)
		status = export_into(e, e->cli->words[n]);
	if (status == EXIT_OK)
		(void)unlink(e->resume);
	return status;
}

static int
export_all(struct exporting *e)
{
	int status = cli_conf(e->cli);

	if (status == EXIT_OK)
		status = cli_ops_json(e->cli, "GET", "/ops/definitions",
			slice_of("", 0), &e->known);
	if (status != EXIT_OK)
		return status;
	if (e->folder)
		return export_folder(e);
	e->conf.collection = e->cli->words[0];
	return export_one(e);
}

int
cli_export(struct cli *cli)
{
	struct exporting e = {.cli = cli, .report = json_array()};
	int status = read_options(&e);

	if (status == EXIT_OK) {
		import_catch_signals();
		status = export_all(&e);
	}
	if (cli->options[OPT_JSON] && json_array_size(e.report))
		cli_print_json(e.report);
	json_decref(e.report);
	json_decref(e.known);
	json_decref(e.done);
	(void)mem_free(e.resume);
	return status;
}
