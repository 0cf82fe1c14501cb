/*
 * `mpcloud db`: documents, asked for as wx.cloud asks, with the operator's
 * rights.
 */
#include "src/cli.h"

#include "base/mem.h"

#include <stdio.h>

enum { QUERY_TOP = 1024 * 1024 };

static int
json_option(const char *what, const char *text, json_t **ret)
{
	struct fault why = {0};

	if (val_parse(ret, slice_str(text), &why) < 0)
		return cli_fail(EXIT_USAGE, "%s: %s", what, why.text);
	if (!json_is_object(*ret))
		return cli_fail(EXIT_USAGE, "%s: a JSON object, like %s", what,
			"{\"price\":100}");
	return EXIT_OK;
}

/* {"price":-1} → [{"field":"price","direction":"desc"}], as generation 1. */
static json_t *
order_list(const json_t *order)
{
	json_t *list = json_array(), *direction;
	const char *field;

	json_object_foreach ((json_t *)(uintptr_t)order, field, direction) {
		bool down = json_integer_value(direction) < 0;

		(void)json_array_append_new(
			list, json_pack("{s:s,s:s}", "field", field,
				      "direction", down ? "desc" : "asc"));
	}
	return list;
}

static int
build_query(struct cli *cli, json_t *body)
{
	_json_ json_t *query = NULL, *order = NULL;
	int64_t limit, skip;
	int r = cli_number(cli, OPT_LIMIT, 1, 1000, 20, &limit);

	if (r == EXIT_OK)
		r = cli_number(cli, OPT_SKIP, 0, 1000000000, 0, &skip);
	if (r == EXIT_OK && cli->count > 1)
		r = json_option("the query", cli->words[1], &query);
	if (r == EXIT_OK && cli->options[OPT_ORDER])
		r = json_option("--order", cli->options[OPT_ORDER], &order);
	if (r != EXIT_OK)
		return r;
	(void)json_object_set_new(
		body, "collectionName", json_string(cli->words[0]));
	(void)json_object_set_new(body, "queryType", json_string("WHERE"));
	(void)json_object_set_new(
		body, "query", query ? json_incref(query) : json_object());
	(void)json_object_set_new(body, "limit", json_integer(limit));
	(void)json_object_set_new(body, "offset", json_integer(skip));
	if (order)
		(void)json_object_set_new(body, "order", order_list(order));
	return EXIT_OK;
}

static void
print_documents(const struct cli *cli, const json_t *data)
{
	json_t *list = json_object_get(data, "list"), *doc;
	size_t at;

	if (cli->options[OPT_COUNT]) {
		(void)printf("%lld\n", (long long)json_integer_value(
					       json_object_get(data, "total")));
		return;
	}
	if (cli->options[OPT_JSON]) {
		cli_print_json(list);
		return;
	}
	json_array_foreach (list, at, doc) {
		_buf_ struct buf b = {0};

		buf_init(&b, 32 * 1024 * 1024);
		val_put(&b, doc);
		(void)printf("%s\n", b.ptr);
	}
	if (json_array_size(list) == 0)
		(void)fputs("no document matches\n", stderr);
}

int
cli_db_query(struct cli *cli)
{
	_json_ json_t *body = json_object(), *answer = NULL;
	_buf_ struct buf text = {0};
	int status;

	buf_init(&text, QUERY_TOP);
	status = build_query(cli, body);
	if (status != EXIT_OK)
		return status;
	(void)json_object_set_new(body, "action",
		json_string(cli->options[OPT_COUNT]
				    ? "database.countDocument"
				    : "database.queryDocument"));
	val_put(&text, body);
	status = cli_ops_json(cli, "POST", "/admin", buf_all(&text), &answer);
	if (status == EXIT_OK)
		print_documents(cli, json_object_get(answer, "data"));
	return status;
}
