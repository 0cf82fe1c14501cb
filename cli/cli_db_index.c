/*
 * `mpcloud db collections`, `create`, `drop`, `indexes`, `index create` and
 * `index drop`.  An index is built by the gateway; the command waits and says
 * how far it is, and goes on being built when the command is interrupted.
 */
#include "cli/cli_db.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
is_true(const json_t *v, const char *key)
{
	return json_is_true(json_object_get(v, key));
}

int
cli_db_collections(struct cli *cli)
{
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *list = NULL;
	json_t *one;
	size_t i;
	int status = cli_ops_json(
		cli, "GET", "/ops/db/collections", SLICE(""), &list);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(list);
		return status;
	}
	if (json_array_size(list) == 0) {
		(void)fputs("no collection yet; `mpcloud db create NAME` makes "
			    "one\n",
			stderr);
		return status;
	}
	cells_add(&c, "COLLECTION");
	cells_add(&c, "DOCUMENTS");
	cells_add(&c, "SIZE");
	cells_add(&c, "PERMISSION");
	cells_add(&c, "INDEXES");
	json_array_foreach (list, i, one) {
		cells_add(&c, "%s", val_text(one, "name"));
		cells_add_number(&c, is_true(one, "estimated") ? "about " : "",
			val_number(one, "documents"));
		cells_add_size(&c, val_number(one, "bytes"));
		cells_add(&c, "%s", val_text(one, "permission"));
		cells_add_number(&c, "", val_number(one, "indexes"));
	}
	cells_print(&c, 5);
	return status;
}

/* --permission and nothing else: rules stand in the project's files. */
int
cli_db_create(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	const char *permission = cli->options[OPT_PERMISSION];
	json_t *body = json_pack("{s:s}", "name", cli->words[0]);
	int status;

	if (permission)
		(void)json_object_set_new(
			body, "permission", json_string(permission));
	status = cli_db_post(cli, "/ops/collections", body, &answer);
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(answer);
	return status;
}

int
cli_db_drop(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status;

	if (!cli->options[OPT_YES])
		return cli_fail(EXIT_USAGE,
			"this removes collection %s with all its documents and "
			"indexes, for good; add --yes if that is meant",
			cli->words[0]);
	status = cli_db_post(cli, "/ops/db/collections/drop",
		json_pack("{s:s}", "collection", cli->words[0]), &answer);
	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(answer);
	return status;
}

/* price, -createdAt, place 2dsphere */
static char *
keys_text(const json_t *keys)
{
	_buf_ struct buf b = {0};
	json_t *key;
	size_t i;

	buf_init(&b, 65536);
	json_array_foreach (keys, i, key) {
		const char *way = val_text(key, "direction");

		buf_printf(&b, "%s%s%s%s%s", i ? ", " : "",
			strcmp(way, "-1") == 0 ? "-" : "",
			val_text(key, "name"), strlen(way) > 2 ? " " : "",
			strlen(way) > 2 ? way : "");
	}
	return str_ndup(buf_all(&b).ptr, b.len);
}

static char *
options_text(const json_t *index)
{
	const json_t *expire = json_object_get(index, "expireAfterSeconds");
	_buf_ struct buf b = {0};

	buf_init(&b, 4096);
	if (is_true(index, "unique"))
		buf_str(&b, " unique");
	if (is_true(index, "sparse"))
		buf_str(&b, " sparse");
	if (json_object_get(index, "partialFilterExpression"))
		buf_str(&b, " partial");
	if (expire)
		buf_printf(&b, " expires after %lld s",
			(long long)json_integer_value(expire));
	return str_dup(b.len ? b.ptr + 1 : "");
}

/* "building 45 %" */
static char *
state_text(const json_t *index)
{
	const json_t *progress = json_object_get(index, "progress");
	int64_t total = val_number(progress, "total");

	if (strcmp(val_text(index, "state"), "building") != 0 || total <= 0)
		return str_dup(val_text(index, "state"));
	return str_printf("building %d %%",
		(int)(val_number(progress, "done") * 100 / total));
}

static int
fetch_indexes(struct cli *cli, const char *collection, json_t **ret)
{
	return cli_db_post(cli, "/ops/db/indexes",
		json_pack("{s:s}", "collection", collection), ret);
}

int
cli_db_indexes(struct cli *cli)
{
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *list = NULL;
	json_t *one;
	size_t i;
	int status = fetch_indexes(cli, cli->words[0], &list);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(list);
		return status;
	}
	cells_add(&c, "INDEX");
	cells_add(&c, "FIELDS");
	cells_add(&c, "OPTIONS");
	cells_add(&c, "STATE");
	cells_add(&c, "SIZE");
	cells_add(&c, "USES");
	json_array_foreach (list, i, one) {
		_free_ char *keys = keys_text(json_object_get(one, "keys"));
		_free_ char *options = options_text(one);
		_free_ char *state = state_text(one);

		cells_add(&c, "%s", val_text(one, "name"));
		cells_add(&c, "%s", keys);
		cells_add(&c, "%s", options);
		cells_add(&c, "%s", state);
		cells_add_size(&c, val_number(one, "bytes"));
		cells_add_number(&c, "", val_number(one, "uses"));
	}
	cells_print(&c, 6);
	json_array_foreach (list, i, one)
		if (*val_text(one, "error"))
			(void)printf("%s: %s\n", val_text(one, "name"),
				val_text(one, "error"));
	return status;
}

static const json_t *
find_index(const json_t *list, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (strcmp(val_text(one, "name"), name) == 0)
			return one;
	return NULL;
}

static void
show_progress(const char *name, const json_t *index)
{
	_free_ char *state = state_text(index);

	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r%s: %s   ", name, state);
}

/* Asks until it stands, fails, or is gone. */
int
cli_db_wait_index(struct cli *cli, const char *collection, const char *name)
{
	const struct timespec moment = {.tv_nsec = 100000000};
	bool shown = false;

	for (;;) {
		_json_ json_t *list = NULL;
		const json_t *one;
		int status = fetch_indexes(cli, collection, &list);

		if (status != EXIT_OK)
			return status;
		one = find_index(list, name);
		if (!one || strcmp(val_text(one, "state"), "building") != 0) {
			if (shown && isatty(STDERR_FILENO))
				(void)fputs("\r\033[K", stderr);
			if (!one)
				return cli_fail(EXIT_FAILED,
					"index %s was dropped meanwhile", name);
			if (strcmp(val_text(one, "state"), "failed") == 0)
				return cli_fail(EXIT_FAILED, "index %s: %s",
					name, val_text(one, "error"));
			return EXIT_OK;
		}
		show_progress(name, one);
		shown = true;
		(void)nanosleep(&moment, NULL);
	}
}

/* KEYS is {"price": 1}, or a definition as a file has it. */
static int
read_definition(struct cli *cli, json_t **ret)
{
	_json_ json_t *v = NULL, *where = NULL;
	_json_ json_t *index = NULL;
	int64_t seconds = 0;
	int status =
		cli_db_object("the fields", cli->words[1], "{\"price\":1}", &v);

	if (status == EXIT_OK && cli->options[OPT_WHERE])
		status = cli_db_object("--where", cli->options[OPT_WHERE],
			"{\"price\":{\"$gt\":0}}", &where);
	if (status == EXIT_OK)
		status = cli_number(cli, OPT_EXPIRE, 0, INT32_MAX, 0, &seconds);
	if (status != EXIT_OK)
		return status;
	if (json_is_string(json_object_get(v, "IndexName")) ||
		json_object_get(v, "MgoKeySchema") ||
		json_is_array(json_object_get(v, "keys")) ||
		json_is_object(json_object_get(v, "key")))
		index = json_incref(v);
	else
		index = json_pack("{s:O}", "keys", v);
	if (cli->options[OPT_NAME])
		(void)json_object_set_new(
			index, "name", json_string(cli->options[OPT_NAME]));
	if (cli->options[OPT_UNIQUE])
		(void)json_object_set_new(index, "unique", json_true());
	if (cli->options[OPT_SPARSE])
		(void)json_object_set_new(index, "sparse", json_true());
	if (cli->options[OPT_EXPIRE])
		(void)json_object_set_new(
			index, "expireAfterSeconds", json_integer(seconds));
	if (where)
		(void)json_object_set(index, "partialFilterExpression", where);
	*ret = take(index);
	return EXIT_OK;
}

int
cli_db_index_create(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *index = NULL;
	const char *name;
	int status = read_definition(cli, &index);

	if (status != EXIT_OK)
		return status;
	status = cli_db_post(cli, "/ops/db/indexes/create",
		json_pack("{s:s,s:o}", "collection", cli->words[0], "index",
			index),
		&answer);
	if (status != EXIT_OK)
		return status;
	name = val_text(answer, "name");
	status = cli_db_wait_index(cli, cli->words[0], name);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON])
		cli_print_json(answer);
	else
		(void)printf("index %s %s\n", name,
			is_true(answer, "made") ? "stands"
						: "was there already");
	return status;
}

int
cli_db_index_drop(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	int status = cli_db_post(cli, "/ops/db/indexes/drop",
		json_pack("{s:s,s:s}", "collection", cli->words[0], "name",
			cli->words[1]),
		&answer);

	if (status == EXIT_OK && cli->options[OPT_JSON])
		cli_print_json(answer);
	return status;
}
