/*
 * `mpcloud db rules test`: a project's own tests of its permissions and rules.
 *
 * A file names a collection, whose rules are those of database/NAME.json above
 * it, or holds rules itself, and lists cases: who does what with which
 * document, and whether that is to be allowed.  The running daemon evaluates
 * them as it would a request's, over the values in the file; no collection is
 * read.
 */
#include "cli/cli_db.h"

#include "base/mem.h"
#include "base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TOP = 16 << 20, SHOWN_TOP = 300 };

static const char *const file_members[] = {"collection", "permission", "aclTag",
	"rules", "rule", "auth", "collections", "now", "cases"};
static const char *const case_members[] = {
	"name", "auth", "act", "doc", "request", "expect"};

struct testing {
	struct cli *cli;
	json_t *report;
	size_t cases, wrong;
};

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
read_object(const char *path, json_t **ret)
{
	_free_ char *text = NULL;
	struct fault why = {0};
	size_t len;
	int r = file_read(path, FILE_TOP, &text, &len, &why);

	if (r < 0)
		return cli_fail(EXIT_USAGE, "%s", fault_text(&why, r));
	r = val_parse(ret, slice_of(text, len), &why);
	if (r < 0)
		return cli_fail(EXIT_USAGE, "%s: %s", path, why.text);
	if (!json_is_object(*ret))
		return cli_fail(
			EXIT_USAGE, "%s: a JSON object is needed", path);
	return EXIT_OK;
}

/* A misspelled member would silently change what is tested. */
static int
check_members(const char *path, const json_t *v, const char *const *known,
	size_t count)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		bool found = false;

		for (size_t i = 0; i < count; i++)
			found |= strcmp(key, known[i]) == 0;
		if (!found)
			return cli_fail(EXIT_USAGE,
				"%s: \"%s\" means nothing here", path, key);
	}
	return EXIT_OK;
}

/* PROJECT/database/NAME.json of --project, or of a folder above the file. */
static char *
find_definition(const struct cli *cli, const char *path, const char *name)
{
	_free_ char *above = realpath(path, NULL);
	const char *project = cli->options[OPT_PROJECT];
	char *slash;

	if (project)
		return str_printf("%s/database/%s.json", project, name);
	while (above && (slash = strrchr(above, '/'))) {
		_free_ char *found = NULL;

		*slash = '\0';
		found = str_printf("%s/database/%s.json", above, name);
		if (access(found, F_OK) == 0)
			return take(found);
	}
	return NULL;
}

/* `ours` or CloudBase's word for it, as `ours` into `to`. */
static void
take_member(
	json_t *to, const json_t *from, const char *ours, const char *theirs)
{
	json_t *v = json_object_get(from, ours);

	if (!v || json_is_null(v))
		v = json_object_get(from, theirs);
	if (v && !json_is_null(v))
		(void)json_object_set(to, ours, v);
}

/* What decides: the file's own rules, or those of the collection it names. */
static int
take_rules(const struct testing *t, const char *path, const json_t *file,
	json_t *body)
{
	const char *name =
		json_string_value(json_object_get(file, "collection"));
	_json_ json_t *definition = NULL;
	_free_ char *found = NULL;
	int status;

	take_member(body, file, "permission", "aclTag");
	take_member(body, file, "rules", "rule");
	if (json_object_size(body))
		return EXIT_OK;
	if (!name)
		return cli_fail(EXIT_USAGE,
			"%s: \"collection\" names the collection whose rules "
			"are tested; or give \"permission\" or \"rules\"",
			path);
	found = find_definition(t->cli, path, name);
	if (!found)
		return cli_fail(EXIT_USAGE,
			"%s: no database/%s.json in a folder above it; "
			"--project says where",
			path, name);
	status = read_object(found, &definition);
	if (status != EXIT_OK)
		return status;
	take_member(body, definition, "permission", "aclTag");
	take_member(body, definition, "rules", "rule");
	return EXIT_OK;
}

static int
check_cases(const char *path, const json_t *cases)
{
	json_t *one;
	size_t i;

	if (json_array_size(cases) == 0)
		return cli_fail(
			EXIT_USAGE, "%s: \"cases\" is a list of cases", path);
	json_array_foreach (cases, i, one) {
		const char *expect =
			json_string_value(json_object_get(one, "expect"));
		_free_ char *where = str_printf("%s: cases[%zu]", path, i);
		int status = check_members(
			where, one, case_members, array_size(case_members));

		if (status != EXIT_OK)
			return status;
		if (!expect || (strcmp(expect, "allow") != 0 &&
				       strcmp(expect, "deny") != 0))
			return cli_fail(
				EXIT_USAGE, "%s.expect: allow or deny", where);
	}
	return EXIT_OK;
}

static int
ask(const struct testing *t, const char *path, const json_t *file, json_t **ret)
{
	static const char *const plain[] = {
		"auth", "collections", "now", "cases"};
	json_t *body = json_object();
	int status = take_rules(t, path, file, body);

	for (size_t i = 0; i < array_size(plain); i++) {
		json_t *v = json_object_get(file, plain[i]);

		if (v)
			(void)json_object_set(body, plain[i], v);
	}
	if (status != EXIT_OK) {
		json_decref(body);
		return status;
	}
	status = cli_db_post(t->cli, "/ops/rules/test", body, ret);
	if (status == EXIT_FAILED)
		return cli_fail(EXIT_USAGE, "%s was not tested", path);
	return status;
}

/* As much as one line of a terminal or two can show. */
static void
put_short(struct buf *to, const char *before, const json_t *v)
{
	_buf_ struct buf text = {0};

	if (!v)
		return;
	buf_init(&text, FILE_TOP);
	val_put(&text, v);
	buf_printf(to, "%s%.*s%s", before, (int)min(text.len, SHOWN_TOP + 0ul),
		buf_all(&text).ptr, text.len > SHOWN_TOP ? "…" : "");
}

static void
print_wrong(const json_t *file, const json_t *one, size_t at, bool allowed)
{
	const json_t *auth = json_object_get(one, "auth");
	const char *name = json_string_value(json_object_get(one, "name"));
	_buf_ struct buf text = {0};

	buf_init(&text, FILE_TOP);
	buf_printf(&text, "  cases[%zu] %s: expected %s, it is %s\n    %s", at,
		name ? name : "",
		json_string_value(json_object_get(one, "expect")),
		allowed ? "allowed" : "denied",
		json_string_value(json_object_get(one, "act")));
	put_short(&text, " as ", auth ? auth : json_object_get(file, "auth"));
	put_short(&text, " of ", json_object_get(one, "doc"));
	put_short(&text, " with ", json_object_get(one, "request"));
	(void)printf("%s\n", text.ptr);
}

static void
report(struct testing *t, const char *path, const json_t *file,
	const json_t *results)
{
	const json_t *cases = json_object_get(file, "cases");
	json_t *list = json_array(), *one;
	size_t i, wrong = 0;

	json_array_foreach (cases, i, one) {
		const char *expect =
			json_string_value(json_object_get(one, "expect"));
		bool allowed = json_is_true(
			json_object_get(json_array_get(results, i), "allowed"));
		bool fits = allowed == (strcmp(expect, "allow") == 0);

		(void)json_array_append_new(
			list, json_pack("{s:O*,s:s,s:b,s:b}", "name",
				      json_object_get(one, "name"), "expect",
				      expect, "allowed", allowed, "ok", fits));
		if (fits)
			continue;
		if (!t->cli->options[OPT_JSON]) {
			if (wrong == 0)
				(void)printf("%s\n", path);
			print_wrong(file, one, i, allowed);
		}
		wrong++;
	}
	if (wrong == 0 && !t->cli->options[OPT_JSON])
		(void)printf(
			"%s: %zu as expected\n", path, json_array_size(cases));
	(void)json_array_append_new(
		t->report, json_pack("{s:s,s:o}", "file", path, "cases", list));
	t->cases += json_array_size(cases);
	t->wrong += wrong;
}

static int
test_file(struct testing *t, const char *path)
{
	_json_ json_t *file = NULL, *answer = NULL;
	int status = read_object(path, &file);

	if (status == EXIT_OK)
		status = check_members(
			path, file, file_members, array_size(file_members));
	if (status == EXIT_OK)
		status = check_cases(path, json_object_get(file, "cases"));
	if (status == EXIT_OK)
		status = ask(t, path, file, &answer);
	if (status == EXIT_OK)
		report(t, path, file, json_object_get(answer, "results"));
	return status;
}

static int
is_json(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > 5 && d->d_name[0] != '.' &&
	       strcmp(d->d_name + len - 5, ".json") == 0;
}

/* A project's folder means its database/tests. */
static int
test_folder(struct testing *t, const char *path)
{
	_free_ char *inside = str_printf("%s/database/tests", path);
	const char *folder = is_folder(inside) ? inside : path;
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_json, alphasort);
	int status = EXIT_OK;

	if (n < 0)
		return cli_fail(EXIT_USAGE, "%s: %s", folder, strerror(errno));
	if (n == 0)
		status = cli_fail(EXIT_USAGE,
			"%s: no tests of rules: NAME.json in a project's "
			"database/tests",
			folder);
	for (int i = 0; i < n; i++) {
		_free_ char *one =
			str_printf("%s/%s", folder, found[i]->d_name);

		if (status == EXIT_OK)
			status = test_file(t, one);
		free(found[i]);
	}
	free(found);
	return status;
}

int
cli_rules_test(struct cli *cli)
{
	_json_ json_t *list = json_array();
	struct testing t = {.cli = cli, .report = list};
	const char *project = cli->options[OPT_PROJECT];
	int status = EXIT_OK;

	cli->project = project;
	if (cli->count == 0)
		status = test_folder(&t, project ? project : ".");
	for (int i = 0; i < cli->count && status == EXIT_OK; i++)
		status = is_folder(cli->words[i])
				 ? test_folder(&t, cli->words[i])
				 : test_file(&t, cli->words[i]);
	if (cli->options[OPT_JSON])
		cli_print_json(list);
	if (status != EXIT_OK)
		return status;
	if (t.wrong == 0)
		return EXIT_OK;
	if (!cli->options[OPT_JSON])
		(void)printf("%zu of %zu cases are not as expected\n", t.wrong,
			t.cases);
	return EXIT_FAILED;
}
