#pragma once

/* What the commands of `mpcloud pay` share. */

#include "cli/cli_db.h"

/* ¥12.34; of another currency: 12.34 USD. */
char *pay_money(int64_t fen, const char *currency) _returns_value_;
/* Into a cell; when it is 0: "-". */
void cells_add_money(struct cells *c, const json_t *v, const char *key);
/* 2026-11-20 23:47:04 of this machine's zone; "-" when it is 0. */
void cells_add_time(struct cells *c, const json_t *v, const char *key);
/* "description  apples": nothing when there is none. */
void pay_line(const char *what, const char *fmt, ...) _printf_(2, 3);
void pay_line_text(const char *what, const json_t *v, const char *key);
void pay_line_time(const char *what, const json_t *v, const char *key);

/* --since, --until: "90s", "2h", "3d" ago, a date or a time; into the query as
 * ms.  EXIT_USAGE, printed. */
int pay_put_time(const struct cli *cli, enum cli_option option,
	const char *name, struct buf *query);
/* "name=value&", when the option was given. */
void pay_put_option(const struct cli *cli, enum cli_option option,
	const char *name, struct buf *query);
/* --amount as fen: 12.34 or ¥12.34 yuan. */
int pay_amount(const struct cli *cli, int64_t *ret);

/* {name: value} of the options given; the caller frees. */
void pay_set_option(const struct cli *cli, enum cli_option option,
	const char *name, json_t *body);
/* POSTs `body`, which is taken. */
int pay_post(struct cli *cli, const char *path, json_t *body, json_t **ret);
