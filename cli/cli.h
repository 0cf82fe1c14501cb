#pragma once

/*
 * The command line: commands and options are the rows of cli.def and
 * cli_option.def; a command is a function that gets its arguments checked.
 */

#include "base/conf.h"
#include "base/val.h"

enum cli_option {
#define X(name, word, letter, arg, text) OPT_##name,
#include "cli/cli_option.def"
#undef X
	OPT_COUNT_
};

/* Exit statuses, also in the manual page. */
enum cli_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* the server or the function said no */
	EXIT_USAGE = 2,
	EXIT_NO_DAEMON = 3,
	EXIT_CONFIG = 4,
};

/* Where an installed daemon has its configuration. */
#define SYSTEM_CONF SYSCONFDIR "/mpcloud/mpcloud.conf"

struct cli {
	const struct cli_command *command;
	const char
		*options[OPT_COUNT_]; /* NULL: not given; "" without argument */
	char **words;                 /* what follows the command's words */
	int count;
	const char *project; /* the folder a command is about, or NULL */
	char **rest;         /* after "--", NULL-ended, or NULL */
	struct conf *conf;   /* by cli_conf */
	char *conf_path;
};

typedef int cli_fn(struct cli *cli);

struct cli_command {
	const char *words;
	cli_fn *run;
	const char *args, *options, *text, *more;
};

extern const struct cli_command cli_commands[];
extern const size_t cli_command_count;

struct cli_option_row {
	const char *word;
	char letter; /* of the short form, or 0 */
	const char *arg, *text;
};

extern const struct cli_option_row cli_options[OPT_COUNT_];

#define X(words, fn, args, options, text, more) cli_fn fn;
#include "cli/cli.def"
#undef X

/* cli_args.c */
/* EXIT_OK, or EXIT_USAGE with the reason printed. */
int cli_parse(struct cli *cli, int argc, char **argv);
bool cli_takes(const struct cli_command *command, const char *option);
/* A whole number option within its range. */
int cli_number(const struct cli *cli, enum cli_option option, int64_t low,
	int64_t high, int64_t preset, int64_t *ret);
/* Loads the configuration once; EXIT_CONFIG with the reason printed. */
int cli_conf(struct cli *cli);

/* cli_fn_release.c: {gray, guard} of a trial, by the options; `percent` is the
 * one that gives its share. */
int cli_trial(const struct cli *cli, enum cli_option percent, json_t **ret);

/* cli_secret.c: from the terminal, standard input or --from; at most `size`
 * bytes into `to`, without the last newline.  `what` is the prompt. */
int cli_secret_read(const struct cli *cli, const char *what, char *to,
	size_t size, size_t *len);

/* cli_talk.c: asking the daemon. */
/* A command of the admin socket; *ret is the answer object.  EXIT_…, printed.
 */
int cli_admin(struct cli *cli, json_t *command, json_t **ret);
/* HTTP to the gateways' ops socket.  EXIT_NO_DAEMON when nobody answers; the
 * answer's status and body otherwise. */
int cli_ops(struct cli *cli, const char *method, const char *path,
	struct slice body, int *status, struct buf *answer);
/* X-Request-Id of the answer that came last. */
const char *cli_ops_request(void);
/* A connection to that socket, for who sends or takes more than fits into
 * memory.  EXIT_NO_DAEMON, printed. */
int cli_ops_open(struct cli *cli, int *fd);
/* The same in two halves, for who has several under way, and without a word:
 * negative when nobody answers. */
int cli_ops_send(struct cli *cli, const char *method, const char *path,
	struct slice body, int *fd) _must_check_;
int cli_ops_answer(int fd, int *status, struct buf *answer) _must_check_;
/* The same, parsed; an error answer is printed and gives EXIT_FAILED. */
int cli_ops_json(struct cli *cli, const char *method, const char *path,
	struct slice body, json_t **ret);

/* cli_out.c: what a person sees. */
int cli_fail(int status, const char *fmt, ...) _printf_(2, 3);
void cli_print_json(const json_t *v);
/* What a stranger may have written, on one line: nothing in it commands the
 * terminal. */
void cli_put_text(const char *text);
/* Columns aligned; cells[rows][columns], the first row is the heading. */
void cli_table(const char *const *cells, size_t rows, size_t columns);
