/*
 * `mpcloud db explain`, `slow` and `advise`: what is slow, why, and the command
 * that mends it.
 */
#include "cli/cli_db.h"

#include <stdio.h>
#include <string.h>

static long long
number(const json_t *v, const char *key)
{
	return (long long)json_integer_value(json_object_get(v, key));
}

static int
explain_body(struct cli *cli, json_t **ret)
{
	_json_ json_t *query = NULL, *order = NULL;
	int64_t limit, skip;
	json_t *body;
	int status = cli_number(cli, OPT_LIMIT, 1, 1000000, 100, &limit);

	if (status == EXIT_OK)
		status = cli_number(cli, OPT_SKIP, 0, 1000000000, 0, &skip);
	if (status == EXIT_OK && cli->count > 1)
		status = cli_db_object(
			"the query", cli->words[1], "{\"price\":100}", &query);
	if (status == EXIT_OK && cli->options[OPT_ORDER])
		status = cli_db_object("--order", cli->options[OPT_ORDER],
			"{\"price\":-1}", &order);
	if (status != EXIT_OK)
		return status;
	body = json_pack("{s:s,s:I,s:I,s:s}", "collection", cli->words[0],
		"limit", (json_int_t)limit, "skip", (json_int_t)skip, "verb",
		cli->options[OPT_COUNT] ? "count" : "find");
	if (query)
		(void)json_object_set(body, "query", query);
	if (order)
		(void)json_object_set_new(body, "order", cli_db_order(order));
	if (cli->options[OPT_OPENID])
		(void)json_object_set_new(
			body, "openid", json_string(cli->options[OPT_OPENID]));
	*ret = body;
	return EXIT_OK;
}

int
cli_db_explain(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	json_t *body = NULL, *line;
	size_t i;
	int status = explain_body(cli, &body);

	if (status == EXIT_OK)
		status = cli_db_post(cli, "/ops/db/explain", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return status;
	}
	json_array_foreach (json_object_get(answer, "summary"), i, line)
		(void)printf("%s\n", json_string_value(line));
	if (json_is_true(json_object_get(answer, "scansAll")))
		(void)printf("an index on the fields that are asked for would "
			     "help when there are many documents\n");
	(void)printf("PostgreSQL expects %.0f rows at a cost of %.0f; its plan "
		     "is shown with --json\n",
		json_number_value(json_object_get(answer, "rows")),
		json_number_value(json_object_get(answer, "cost")));
	return status;
}

/* The condition, order and stages as they are in the shape. */
static void
add_shape(struct cells *c, const json_t *slow)
{
	static const char *const members[] = {"where", "order", "stages"};
	_buf_ struct buf b = {0};

	buf_init(&b, 65536);
	for (size_t i = 0; i < array_size(members); i++) {
		const json_t *v = json_object_get(slow, members[i]);

		if (!v)
			continue;
		buf_printf(&b, "%s%s ", b.len ? " " : "", members[i]);
		val_put(&b, v);
	}
	if (json_is_true(json_object_get(slow, "own")))
		buf_str(&b,
			b.len ? " of the caller's own" : "the caller's own");
	cells_add(c, "%s", b.len ? b.ptr : "all");
}

static int
clear_slow(struct cli *cli)
{
	_json_ json_t *answer = NULL;

	return cli_db_post(cli, "/ops/db/slow/clear", json_object(), &answer);
}

int
cli_db_slow(struct cli *cli)
{
	_cleanup_(cells_done) struct cells c = {0};
	_json_ json_t *list = NULL;
	json_t *one;
	size_t i;
	int status;

	if (cli->options[OPT_CLEAR])
		return clear_slow(cli);
	status = cli_ops_json(cli, "GET", "/ops/db/slow", SLICE(""), &list);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(list);
		return status;
	}
	if (json_array_size(list) == 0) {
		(void)fputs("nothing was slow; database.slow_query says what "
			    "is\n",
			stderr);
		return status;
	}
	cells_add(&c, "SEEN");
	cells_add(&c, "MS EACH");
	cells_add(&c, "MS AT MOST");
	cells_add(&c, "COLLECTION");
	cells_add(&c, "REQUEST");
	cells_add(&c, "WITH");
	json_array_foreach (list, i, one) {
		cells_add_number(&c, "", number(one, "times"));
		cells_add_number(&c, "", number(one, "meanMs"));
		cells_add_number(&c, "", number(one, "topMs"));
		cells_add(&c, "%s", val_text(one, "collection"));
		cells_add(&c, "%s", val_text(one, "verb"));
		add_shape(&c, one);
	}
	cells_print(&c, 6);
	return status;
}

static void
print_missing(const json_t *list)
{
	json_t *one, *why;
	size_t i, j;

	json_array_foreach (list, i, one) {
		(void)printf("%s  # %lld slow requests, %lld ms in all\n",
			val_text(one, "command"), number(one, "seen"),
			number(one, "totalMs"));
		json_array_foreach (json_object_get(one, "why"), j, why)
			(void)printf("    %s\n", json_string_value(why));
	}
}

static void
print_unused(const json_t *list)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		(void)printf("%s  # not used since PostgreSQL counts, %lld "
			     "bytes\n",
			val_text(one, "command"), number(one, "bytes"));
}

static void
print_others(const json_t *list)
{
	json_t *one;
	size_t i;

	if (json_array_size(list))
		(void)puts("# slow, and no index would help:");
	json_array_foreach (list, i, one)
		(void)printf("#   %s %s\n", val_text(one, "collection"),
			val_text(one, "why"));
}

/* Lines that a shell can run. */
int
cli_db_advise(struct cli *cli)
{
	_json_ json_t *answer = NULL;
	const json_t *missing, *unused;
	int status =
		cli_ops_json(cli, "GET", "/ops/db/advise", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return status;
	}
	missing = json_object_get(answer, "missing");
	unused = json_object_get(answer, "unused");
	if (json_array_size(missing) + json_array_size(unused) == 0)
		(void)fputs("no index is missing, none is useless\n", stderr);
	print_missing(missing);
	print_unused(unused);
	print_others(json_object_get(answer, "others"));
	return status;
}
