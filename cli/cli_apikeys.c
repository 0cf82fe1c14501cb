/*
 * `mpcloud apikeys`: keys of the operator's own programs.
 */
#include "cli/cli_db.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static int
read_expires(const struct cli *cli, int64_t *ret)
{
	const char *word = cli->options[OPT_EXPIRES];
	int64_t n;

	*ret = 0;
	if (!word)
		return EXIT_OK;
	if (quantity_time(slice_str(word), &n) == 0 && n > 0)
		*ret = clock_now_ms() + n;
	else if (text_untime(slice_str(word), &n) == 0)
		*ret = n / CLOCK_MS;
	else
		return cli_fail(EXIT_USAGE,
			"--expires: \"%s\" is neither a while as 12h or 90d, "
			"nor a time as 2027-01-01T00:00:00Z",
			word);
	return EXIT_OK;
}

static json_t *
route_list(const char *words)
{
	struct slice rest = slice_str(words), one;
	json_t *list = json_array();

	while (words && slice_split(&rest, ',', &one)) {
		one = slice_trim(one);
		if (one.len)
			(void)json_array_append_new(
				list, json_stringn(one.ptr, one.len));
	}
	return list;
}

static bool
is_declared(const json_t *routes, const char *name)
{
	const json_t *r;
	size_t i;

	json_array_foreach (routes, i, r)
		if (!strcmp(val_text(r, "route"), name))
			return true;
	return false;
}

/* The key is made all the same: the route may come later. */
static void
tell_undeclared(struct cli *cli)
{
	_json_ json_t *wanted = route_list(cli->options[OPT_ROUTES]);
	_json_ json_t *answer = NULL;
	const json_t *name;
	size_t i;

	if (!json_array_size(wanted) || cli_ops_json(cli, "GET", "/ops/routes",
						SLICE(""), &answer) != EXIT_OK)
		return;
	json_array_foreach (wanted, i, name)
		if (!is_declared(json_object_get(answer, "routes"),
			    json_string_value(name)))
			(void)fprintf(stderr,
				"mpcloud: no declared route is named %s now "
				"(`mpcloud route list`)\n",
				json_string_value(name));
}

int
cli_apikeys_add(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int64_t expires;
	int status = read_expires(cli, &expires);

	if (status == EXIT_OK)
		status = cli_db_post(cli, "/ops/api-keys",
			json_pack("{s:s,s:o,s:I}", "name", cli->words[0],
				"routes", route_list(cli->options[OPT_ROUTES]),
				"expires", (json_int_t)expires),
			&answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	(void)puts(val_text(answer, "key"));
	tell_undeclared(cli);
	(void)fprintf(stderr,
		"mpcloud: keep it where your program finds it; it is shown "
		"this once\n");
	return EXIT_OK;
}

static void
add_routes(struct cells *c, const json_t *routes)
{
	char text[256] = "";
	size_t i, len = 0;
	json_t *v;

	json_array_foreach (routes, i, v)
		if (len < sizeof(text))
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%s%s", i ? "," : "", json_string_value(v));
	cells_add(c, "%s", *text ? text : "all");
}

static const char *
state_of(const json_t *key)
{
	int64_t ends = val_number(key, "expiresAt");

	if (json_object_get(key, "revokedAt"))
		return "revoked";
	return ends && ends <= clock_now_ms() ? "expired" : "good";
}

int
cli_apikeys_list(struct cli *cli)
{
	static const char *const heads[] = {
		"NAME", "ID", "ROUTES", "CREATED", "EXPIRES", "STATE"};
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *answer = NULL;
	json_t *keys, *k;
	size_t i;
	int status =
		cli_ops_json(cli, "GET", "/ops/api-keys", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	keys = json_object_get(answer, "keys");
	if (cli->options[OPT_JSON]) {
		cli_print_json(keys);
		return EXIT_OK;
	}
	if (json_array_size(keys) == 0) {
		(void)puts("No API key; `mpcloud apikeys add NAME` makes one.");
		return EXIT_OK;
	}
	cells_heads(&c, heads, array_size(heads));
	json_array_foreach (keys, i, k) {
		cells_add(&c, "%s", val_text(k, "name"));
		cells_add(&c, "%s", val_text(k, "id"));
		add_routes(&c, json_object_get(k, "routes"));
		cells_add_ms(&c, val_number(k, "createdAt"));
		cells_add_ms(&c, val_number(k, "expiresAt"));
		cells_add(&c, "%s", state_of(k));
	}
	cells_print(&c, array_size(heads));
	return EXIT_OK;
}

int
cli_apikeys_revoke(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_db_post(cli, "/ops/api-keys/revoke",
		json_pack("{s:s}", "key", cli->words[0]), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return EXIT_OK;
	}
	if (!json_is_true(json_object_get(answer, "changed")))
		return cli_fail(EXIT_FAILED,
			"%s: no such API key, or it is revoked already "
			"(`mpcloud apikeys list`)",
			cli->words[0]);
	(void)printf("%s is refused from now on.\n", cli->words[0]);
	return EXIT_OK;
}
