/*
 * `mpcloud db`: documents, asked for as wx.cloud asks, with the operator's
 * rights.
 */
#include "cli/cli_db.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUERY_TOP = 16 * 1024 * 1024 };

int
cli_db_object(
	const char *what, const char *text, const char *like, json_t **ret)
{
	struct fault why = {0};

	if (val_parse(ret, slice_str(text), &why) < 0)
		return cli_fail(EXIT_USAGE,
			"%s: %s; in the shell, put it in "
			"single quotes: '%s'",
			what, why.text, like);
	if (!json_is_object(*ret))
		return cli_fail(
			EXIT_USAGE, "%s: a JSON object, like %s", what, like);
	return EXIT_OK;
}

static int
json_option(const char *what, const char *text, json_t **ret)
{
	return cli_db_object(what, text, "{\"price\":100}", ret);
}

int
cli_db_post(struct cli *cli, const char *path, json_t *body, json_t **ret)
{
	_buf_ struct buf text = {0};

	buf_init(&text, QUERY_TOP);
	val_put(&text, body);
	json_decref(body);
	if (buf_check(&text) < 0)
		return cli_fail(EXIT_USAGE, "this is too large");
	return cli_ops_json(cli, "POST", path, buf_all(&text), ret);
}

static void
cells_take(struct cells *c, char *cell)
{
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->cell = mem_resize(c->cell, c->room * sizeof(c->cell[0]));
	}
	c->cell[c->count++] = cell;
}

void
cells_add(struct cells *c, const char *fmt, ...)
{
	char *cell = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&cell, fmt, ap) < 0)
		abort();
	va_end(ap);
	cells_take(c, cell);
}

void
cells_heads(struct cells *c, const char *const heads[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		cells_add(c, "%s", heads[i]);
}

bool
cli_time_text(char to[32], int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (ms && localtime_r(&s, &tm) &&
		strftime(to, 32, "%Y-%m-%d %H:%M:%S", &tm))
		return true;
	(void)strcpy(to, "-");
	return false;
}

void
cells_add_ms(struct cells *c, int64_t ms)
{
	char text[32];

	(void)cli_time_text(text, ms);
	cells_add(c, "%s", text);
}

void
cells_add_size(struct cells *c, int64_t bytes)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1000 && unit + 1 < array_size(units)) {
		n /= 1000;
		unit++;
	}
	cells_add(c, "%.*f %s", unit && n < 100 ? 1 : 0, n, units[unit]);
}

void
cells_add_number(struct cells *c, const char *before, int64_t n)
{
	char digits[24], text[40];
	size_t at = 0, len;

	(void)snprintf(digits, sizeof(digits), "%" PRId64, n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			text[at++] = ',';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	cells_add(c, "%s%s", before, text);
}

void
cells_print(const struct cells *c, size_t columns)
{
	cli_table((const char *const *)c->cell, c->count / columns, columns);
}

void
cells_done(struct cells *c)
{
	for (size_t i = 0; i < c->count; i++)
		free(c->cell[i]);
	free(c->cell);
	*c = (struct cells){0};
}

json_t *
cli_db_order(const json_t *order)
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
		(void)json_object_set_new(body, "order", cli_db_order(order));
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
