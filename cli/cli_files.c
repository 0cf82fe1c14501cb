/*
 * `mpcloud files`: the operator's hands on stored files.  Everything goes over
 * the gateways' ops socket, where he may all.
 */
#include "cli/cli_files.h"

#include "base/quantity.h"
#include "base/text.h"
#include "cli/cli_db.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 1000, ADDRESS_TOP = 16 * 1024, LINK_TOP_S = 365 * 86400 };

/* ---- ls ---- */

static void
add_rows(struct cells *c, const json_t *files)
{
	json_t *f;
	size_t i;

	json_array_foreach (files, i, f) {
		bool folder = json_is_true(json_object_get(f, "folder"));
		const char *type = val_text(f, "type");
		const char *changed = val_text(f, "changedAt");
		const char *owner = val_text(f, "owner");

		if (folder)
			cells_add(c, "-");
		else
			cells_add_size(c, val_number(f, "size"));
		/* 2026-11-21T15:37:18.399Z */
		if (folder || strlen(changed) < 19)
			cells_add(c, "-");
		else
			cells_add(c, "%.10s %.8s", changed, changed + 11);
		cells_add(c, "%s", folder ? "folder" : type);
		cells_add(c, "%s", *owner ? owner : "-");
		cells_add(c, "%s%s", val_text(f, "path"),
			json_is_true(json_object_get(f, "archived"))
				? " (archived)"
				: "");
	}
}

static void
list_address(struct buf *to, const char *prefix, const char *after, bool all,
	int64_t limit)
{
	buf_clear(to);
	buf_printf(to, "/ops/files/list?limit=%" PRId64 "&prefix=", limit);
	text_url(to, slice_str(prefix));
	if (!all)
		buf_str(to, "&delimiter=/");
	buf_str(to, "&marker=");
	text_url(to, slice_str(after));
}

/* Pages until there is no more, or `limit` rows. */
static int
list_all(struct cli *cli, const char *prefix, int64_t limit, json_t *rows,
	bool *more)
{
	_buf_ struct buf address = {0};
	_json_ json_t *page = NULL;
	const char *after = "";
	int status = EXIT_OK;

	buf_init(&address, ADDRESS_TOP);
	*more = true;
	while (status == EXIT_OK && (int64_t)json_array_size(rows) < limit) {
		_json_ json_t *last = take(page);
		int64_t left = limit - (int64_t)json_array_size(rows);

		list_address(&address, prefix, after,
			cli->options[OPT_ALL] != NULL,
			min(left, (int64_t)PAGE));
		status =
			cli_ops_json(cli, "GET", address.ptr, SLICE(""), &page);
		if (status != EXIT_OK)
			break;
		(void)json_array_extend(rows, json_object_get(page, "files"));
		after = val_text(page, "next");
		*more = *after != '\0';
		if (!*more)
			break;
	}
	return status;
}

int
cli_files_ls(struct cli *cli)
{
	static const char *const heads[] = {
		"SIZE", "CHANGED", "TYPE", "OWNER", "PATH"};
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *rows = json_array();
	const char *prefix = cli->count ? cli->words[0] : "";
	int64_t limit;
	bool more = false;
	int status =
		cli_number(cli, OPT_LIMIT, 1, INT32_MAX, INT32_MAX, &limit);

	if (status == EXIT_OK)
		status = list_all(cli, prefix, limit, rows, &more);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(rows);
		return EXIT_OK;
	}
	if (json_array_size(rows) == 0) {
		(void)puts(
			*prefix ? "No file begins like this." : "No file yet.");
		return EXIT_OK;
	}
	cells_heads(&c, heads, array_size(heads));
	add_rows(&c, rows);
	cells_print(&c, array_size(heads));
	if (more)
		(void)puts("There are more: raise --limit.");
	return EXIT_OK;
}

/* ---- put, get ---- */

static int
seconds_of(const char *text, int64_t *ret)
{
	int64_t ms = 0;

	*ret = 0;
	if (!text)
		return EXIT_OK;
	if (quantity_time(slice_str(text), &ms) < 0 || ms < 1000)
		return cli_fail(EXIT_USAGE,
			"%s: a time is wanted, such as 90s, 2h or 7d", text);
	*ret = ms / 1000;
	return EXIT_OK;
}

static const char *
last_segment(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int
cli_files_put(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	_buf_ struct buf path = {0};
	struct cli_upload up = {.from = cli->words[0],
		.type = cli->options[OPT_TYPE],
		.cache = cli->options[OPT_CACHE],
		.fresh = cli->options[OPT_NEW] != NULL};
	int status = seconds_of(cli->options[OPT_LIFE], &up.expire_s);

	if (status != EXIT_OK)
		return status;
	if (cli->count < 2 && strcmp(up.from, "-") == 0)
		return cli_fail(
			EXIT_USAGE, "of standard input, a PATH is needed");
	buf_init(&path, ADDRESS_TOP);
	buf_str(&path, cli->count > 1 ? cli->words[1] : last_segment(up.from));
	if (path.len && path.ptr[path.len - 1] == '/')
		buf_str(&path, last_segment(up.from));
	up.path = path.ptr;
	status = cli_files_upload(cli, &up);
	answer = up.answer;
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	(void)printf("%s  %" PRId64 " bytes\n", val_text(answer, "fileID"),
		val_number(answer, "size"));
	return EXIT_OK;
}

int
cli_files_get(struct cli *cli)
{
	const char *path = cli->words[0];
	const char *to = cli->count > 1 ? cli->words[1] : last_segment(path);
	int64_t size = 0;
	int status;

	if (!*to)
		return cli_fail(EXIT_USAGE, "%s: a file is wanted", path);
	status = cli_files_download(cli, path, to, &size);
	if (status == EXIT_OK && strcmp(to, "-") != 0)
		(void)printf("%s  %" PRId64 " bytes\n", to, size);
	return status;
}

/* ---- rm, cp ---- */

static int
remove_one(struct cli *cli, const char *path)
{
	_buf_ struct buf address = {0};
	_buf_ struct buf answer = {0};
	_json_ json_t *v = NULL;
	int http = 0, status;

	buf_init(&address, ADDRESS_TOP);
	buf_init(&answer, 1 << 20);
	cli_files_address(&address, "/ops/files/object/", path);
	status = cli_ops(cli, "DELETE", address.ptr, SLICE(""), &http, &answer);
	if (status != EXIT_OK || http == 204)
		return status;
	if (val_parse(&v, buf_all(&answer), NULL) < 0)
		return cli_fail(
			EXIT_FAILED, "%s: the gateway answered %d", path, http);
	return cli_fail(EXIT_FAILED, "%s: %s", path, val_text(v, "message"));
}

int
cli_files_rm(struct cli *cli)
{
	int worst = EXIT_OK, gone = 0;

	for (int i = 0; i < cli->count; i++) {
		int status = remove_one(cli, cli->words[i]);

		if (status == EXIT_NO_DAEMON)
			return status;
		gone += status == EXIT_OK;
		worst = max(worst, status);
	}
	(void)printf("%d %s removed\n", gone, gone == 1 ? "file" : "files");
	return worst;
}

int
cli_files_cp(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s,s:s,s:b,s:b}", "from", cli->words[0],
		"to", cli->words[1], "overwrite",
		cli->options[OPT_FORCE] != NULL, "move",
		cli->options[OPT_MOVE] != NULL);
	int status;

	if (!body)
		return cli_fail(EXIT_USAGE, "paths are UTF-8");
	if (!strcmp(cli->words[0], cli->words[1])) {
		json_decref(body);
		return cli_fail(EXIT_USAGE, "FROM and TO are the same file");
	}
	status = cli_db_post(cli, "/ops/files/copy", body, &answer);
	if (status == EXIT_OK)
		(void)printf("%s %s\n", cli->words[1],
			cli->options[OPT_MOVE] ? "moved" : "copied");
	return status;
}

/* ---- stat, link ---- */

static void
print_line(const char *name, const char *value)
{
	if (!*value)
		return;
	(void)printf("%-10s ", name);
	cli_put_text(value);
	(void)putchar('\n');
}

static void
print_time(const char *name, int64_t ms)
{
	char text[32];

	if (cli_time_text(text, ms))
		(void)printf("%-10s %s\n", name, text);
}

int
cli_files_stat(struct cli *cli)
{
	_buf_ struct buf address = {0};
	_json_ json_t *f = NULL;
	int status;

	buf_init(&address, ADDRESS_TOP);
	cli_files_address(&address, "/ops/files/stat/", cli->words[0]);
	status = cli_ops_json(cli, "GET", address.ptr, SLICE(""), &f);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(f);
		return EXIT_OK;
	}
	print_line("path", val_text(f, "path"));
	print_line("fileID", val_text(f, "fileID"));
	(void)printf(
		"%-10s %" PRId64 " bytes\n", "size", val_number(f, "size"));
	print_line("type", val_text(f, "type"));
	print_line("etag", val_text(f, "etag"));
	print_line("sha256", val_text(f, "sha256"));
	print_line("owner", val_text(f, "owner"));
	print_line("cache", val_text(f, "cacheControl"));
	print_line("content", val_text(f, "content"));
	print_time("made", val_number(f, "createdAt"));
	print_time("changed", val_number(f, "changedAt"));
	print_time("expires", val_number(f, "expiresAt"));
	if (json_is_true(json_object_get(f, "archived")))
		(void)printf(
			"%-10s yes: mpcloud files restore brings it back\n",
			"archived");
	if (json_is_true(json_object_get(f, "pending")))
		(void)printf("%-10s for the content check\n", "waits");
	return EXIT_OK;
}

/* A link to nothing would be signed, too. */
static int
must_be_there(struct cli *cli, const char *path)
{
	_buf_ struct buf address = {0};
	_json_ json_t *f = NULL;

	buf_init(&address, ADDRESS_TOP);
	cli_files_address(&address, "/ops/files/stat/", path);
	return cli_ops_json(cli, "GET", address.ptr, SLICE(""), &f);
}

int
cli_files_link(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body;
	int64_t seconds;
	int status = seconds_of(cli->options[OPT_LIFE], &seconds);

	if (status == EXIT_OK && seconds > LINK_TOP_S)
		status = cli_fail(
			EXIT_USAGE, "--for: a link is good for a year at most");
	if (status == EXIT_OK && !cli->options[OPT_UPLOAD])
		status = must_be_there(cli, cli->words[0]);
	if (status != EXIT_OK)
		return status;
	body = json_pack("{s:s,s:b}", "path", cli->words[0], "upload",
		cli->options[OPT_UPLOAD] != NULL);
	if (!body)
		return cli_fail(EXIT_USAGE, "a path is UTF-8");
	if (seconds)
		(void)json_object_set_new(
			body, "seconds", json_integer(seconds));
	status = cli_db_post(cli, "/ops/files/link", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)puts(val_text(answer, "url"));
	return EXIT_OK;
}

/* ---- restore, usage, sweep ---- */

int
cli_files_restore(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = json_pack("{s:s}", "path", cli->words[0]);
	int status;

	if (!body)
		return cli_fail(EXIT_USAGE, "a path is UTF-8");
	status = cli_db_post(cli, "/ops/files/restore", body, &answer);
	if (status == EXIT_OK)
		(void)printf("%s can be read again\n", cli->words[0]);
	return status;
}

static void
print_usage(const json_t *answer)
{
	static const char *const heads[] = {"OWNER", "FILES", "SIZE"};
	_cleanup_(cells_done) struct cells c = {0};
	json_t *u;
	size_t i;

	cells_heads(&c, heads, array_size(heads));
	cells_add(&c, "(all)");
	cells_add_number(&c, "", val_number(answer, "files"));
	cells_add_size(&c, val_number(answer, "bytes"));
	json_array_foreach (json_object_get(answer, "users"), i, u) {
		const char *owner = val_text(u, "owner");

		cells_add(&c, "%s", *owner ? owner : "(nobody's)");
		cells_add_number(&c, "", val_number(u, "files"));
		cells_add_size(&c, val_number(u, "bytes"));
	}
	cells_print(&c, array_size(heads));
}

int
cli_files_usage(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_ops_json(
		cli, "GET", "/ops/files/usage", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		print_usage(answer);
	return EXIT_OK;
}

static void
print_swept(const json_t *a)
{
	static const struct {
		const char *key, *unit, *why;
	} kinds[] = {
		{"expired", "file", "whose time was over"},
		{"uploads", "upload", "that nobody went on with"},
		{"litter", "content", "that no file names"},
	};
	bool any = false;

	(void)printf("looked at %s and ",
		progress_count(val_number(a, "files"), "file"));
	/* a younger one may be of an upload that goes on */
	(void)printf("%s older than an hour\n",
		progress_count(val_number(a, "contents"), "content"));
	for (size_t i = 0; i < array_size(kinds); i++) {
		int64_t n = val_number(a, kinds[i].key);

		if (!n)
			continue;
		any = true;
		(void)printf("removed %s %s", progress_count(n, kinds[i].unit),
			kinds[i].why);
		if (!strcmp(kinds[i].key, "litter"))
			(void)printf(" (%s)",
				progress_count(val_number(a, "bytes"), "byte"));
		(void)putchar('\n');
	}
	if (!any)
		(void)puts("nothing was to be removed");
}

int
cli_files_sweep(struct cli *cli)
{
	_json_ json_t *a = NULL;
	int64_t lost;
	int status = cli_db_post(cli, "/ops/files/sweep", json_object(), &a);

	if (status != EXIT_OK)
		return status;
	lost = val_number(a, "lost");
	if (cli->options[OPT_JSON]) {
		cli_print_json(a);
		return lost ? EXIT_FAILED : EXIT_OK;
	}
	print_swept(a);
	if (lost)
		return cli_fail(EXIT_FAILED,
			"%s without content, the first is %s: bring %s back "
			"from a backup",
			progress_count(lost, "file"), val_text(a, "lostPath"),
			lost == 1 ? "it" : "them");
	return EXIT_OK;
}
