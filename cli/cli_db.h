#pragma once

/* What the commands of `mpcloud db` share. */

#include "cli/cli.h"

/* A JSON object on the command line; EXIT_USAGE, printed: "the query: …". */
int cli_db_object(
	const char *what, const char *text, const char *like, json_t **ret);
/* {"price":-1} → [{"field": "price", "direction": "desc"}], because members of
 * an object have no order on the wire. */
json_t *cli_db_order(const json_t *order) _returns_value_;
/* POSTs `body`, which is taken. */
int cli_db_post(struct cli *cli, const char *path, json_t *body, json_t **ret);

/* Waits until an index stands; EXIT_FAILED, printed, when it cannot. */
int cli_db_wait_index(
	struct cli *cli, const char *collection, const char *name);

/* Text of a table's cell, in a list that is freed at once. */
struct cells {
	char **cell;
	size_t count, room;
};
void cells_add(struct cells *c, const char *fmt, ...) _printf_(2, 3);
/* The first row. */
void cells_heads(struct cells *c, const char *const heads[], size_t count);
/* 1.5 MB */
void cells_add_size(struct cells *c, int64_t bytes);
/* 1,234,567 */
void cells_add_number(struct cells *c, const char *before, int64_t n);
/* 2026-11-20 23:47:04 of this machine's zone; "-" when `ms` is 0.  False: 0. */
bool cli_time_text(char to[32], int64_t ms);
void cells_add_ms(struct cells *c, int64_t ms);
/* Prints them, `columns` a row; the first row is the heading. */
void cells_print(const struct cells *c, size_t columns);
void cells_done(struct cells *c);
