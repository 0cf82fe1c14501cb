/*
 * Help, manual pages and completion: all three are the rows of cli.def,
 * cli_option.def and conf.def in other clothes.
 */
#include "cli/cli.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LEFT = 22, NARROWEST = 50 };

/* Columns of the terminal; 0: there is none, and lines are left whole, for
 * grep and for whoever reads them in a file. */
static size_t
screen_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
		size.ws_col < NARROWEST)
		return 0;
	return size.ws_col;
}

static size_t
columns_of(struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
	return n;
}

/* From column `at` on; lines after the first are indented by `indent`. */
static void
print_words(const char *text, size_t at, size_t indent)
{
	struct slice rest = slice_str(text), word;
	size_t width = screen_width(), begin = at;

	while (slice_split(&rest, ' ', &word)) {
		size_t n = columns_of(word);

		if (at > begin && width && at + 1 + n > width) {
			(void)printf("\n%*s", (int)indent, "");
			at = begin = indent;
		} else if (at > begin) {
			(void)putchar(' ');
			at++;
		}
		(void)printf("%.*s", SLICE_ARG(word));
		at += n;
	}
	(void)putchar('\n');
}

static void
print_overview(void)
{
	(void)puts("mpcloud: your own serverless cloud for WeChat mini "
		   "programs.\n\nUsage: mpcloud COMMAND [ARGUMENTS] "
		   "[OPTIONS]\n");
	for (size_t i = 0; i < cli_command_count; i++)
		(void)printf("  %-16s %s\n", cli_commands[i].words,
			cli_commands[i].text);
	(void)puts("\n`mpcloud help COMMAND` explains one. Start with `mpcloud "
		   "dev PROJECT`.");
}

static void
print_option(const struct cli_option_row *row)
{
	const char letter[] = {'-', row->letter, ',', ' ', '\0'};
	_free_ char *left = str_printf("%s--%s%s%s", row->letter ? letter : "",
		row->word, row->arg ? " " : "", row->arg ? row->arg : "");

	(void)printf("  %-*s ", LEFT - 3, left);
	print_words(row->text,
		strlen(left) + 3 > LEFT ? strlen(left) + 3 : LEFT, LEFT);
}

static void
print_command(const struct cli_command *c)
{
	/* What follows "--" is not ours: options stand before it. */
	(void)printf("%s\n\nUsage: mpcloud %s [OPTIONS]%s%s\n", c->text,
		c->words, *c->args ? " " : "", c->args);
	if (*c->more) {
		(void)putchar('\n');
		print_words(c->more, 0, 0);
	}
	(void)puts("\nOptions:");
	for (size_t i = 0; i < OPT_COUNT_; i++)
		if (cli_takes(c, cli_options[i].word))
			print_option(&cli_options[i]);
	(void)putchar('\n');
	print_words("Exit status: 0 done, 1 refused or failed, 2 wrong usage, "
		    "3 no daemon answers, 4 bad configuration.",
		0, 0);
}

/* "fn" finds "fn list", "fn invoke" …; "fn list" only itself. */
static bool
belongs(const struct cli *cli, const struct cli_command *c)
{
	struct slice rest = slice_str(c->words), word;

	for (int i = 0; i < cli->count; i++)
		if (!slice_split(&rest, ' ', &word) ||
			!slice_is(word, cli->words[i]))
			return false;
	return true;
}

/* All of a family: a line each, as pages nobody would find the one he wants. */
static void
print_family(const struct cli *cli)
{
	const struct cli_command *first = NULL;
	size_t width = 0;

	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		if (!belongs(cli, c))
			continue;
		first = first ? first : c;
		width = max(width, columns_of(slice_str(c->words)) + 1 +
					   columns_of(slice_str(c->args)));
	}
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];
		size_t at = columns_of(slice_str(c->words)) + 1 +
			    columns_of(slice_str(c->args));

		if (!belongs(cli, c))
			continue;
		(void)printf("  mpcloud %s %s%*s  ", c->words, c->args,
			(int)(width - at), "");
		print_words(c->text, width + 12, width + 12);
	}
	if (first)
		(void)printf("\n`mpcloud help %s` explains one of them.\n",
			first->words);
}

int
cli_help(struct cli *cli)
{
	const struct cli_command *one = NULL;
	size_t found = 0;

	if (cli->count == 0) {
		print_overview();
		return EXIT_OK;
	}
	for (size_t i = 0; i < cli_command_count; i++)
		if (belongs(cli, &cli_commands[i])) {
			found++;
			one = &cli_commands[i];
		}
	if (!found)
		return cli_fail(EXIT_USAGE,
			"unknown command \"%s\"; `mpcloud help` lists them",
			cli->words[0]);
	if (found == 1)
		print_command(one);
	else
		print_family(cli);
	return EXIT_OK;
}

/* Text in roff: a backslash and a dot at a line's start mean something. */
static void
roff(const char *text)
{
	if (*text == '.' || *text == '\'')
		(void)fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else if (*text == '-')
			(void)fputs("\\-", stdout);
		else
			(void)putchar(*text);
	}
	(void)putchar('\n');
}

/* "data openid" is "--data, --openid". */
static void
man_options_of(const struct cli_command *c)
{
	struct slice rest = slice_str(c->options), word;
	const char *before = "Options: ";

	while (slice_split(&rest, ' ', &word)) {
		(void)printf("%s\\-\\-%.*s", before, SLICE_ARG(word));
		before = ", ";
	}
	if (*c->options)
		(void)puts(".");
}

static void
man_commands(void)
{
	(void)puts(".SH COMMANDS");
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *c = &cli_commands[i];

		(void)printf(".TP\n\\fB%s\\fR %s\n", c->words, c->args);
		roff(c->text);
		if (*c->more)
			roff(c->more);
		man_options_of(c);
	}
}

static void
man_options(void)
{
	(void)puts(".SH OPTIONS");
	for (size_t i = 0; i < OPT_COUNT_; i++) {
		(void)puts(".TP");
		if (cli_options[i].letter)
			(void)printf("\\fB\\-%c\\fR, ", cli_options[i].letter);
		(void)printf("\\fB\\-\\-%s\\fR", cli_options[i].word);
		if (cli_options[i].arg)
			(void)printf(" \\fI%s\\fR", cli_options[i].arg);
		(void)putchar('\n');
		roff(cli_options[i].text);
	}
}

static void
man_mpcloud(void)
{
	(void)puts(".TH MPCLOUD 1 \"\" \"mpcloud " PACKAGE_VERSION "\"\n"
		   ".SH NAME\nmpcloud \\- develop for and operate mpcloud, the "
		   "self\\-hosted cloud for WeChat mini programs\n"
		   ".SH SYNOPSIS\n.B mpcloud\n.I COMMAND\n[\\fIARGUMENTS\\fR] "
		   "[\\fIOPTIONS\\fR]");
	man_commands();
	man_options();
	(void)puts(".SH EXIT STATUS\n0: done. 1: the server or the function "
		   "refused or failed. 2: wrong usage. 3: no daemon answers. "
		   "4: the configuration is not valid.\n"
		   ".SH ENVIRONMENT\n.TP\nMPCLOUD_CONFIG\nThe configuration "
		   "file, when \\-\\-config is not given.\n"
		   ".SH SEE ALSO\n.BR mpcloudd (8),\n.BR mpcloud.conf (5)");
}

static void
man_conf(void)
{
	const char *section = "";

	(void)puts(
		".TH MPCLOUD.CONF 5 \"\" \"mpcloud " PACKAGE_VERSION "\"\n"
		".SH NAME\nmpcloud.conf \\- configuration of mpcloudd\n"
		".SH DESCRIPTION\nSections in brackets, one setting a line: "
		"name = value. Comments begin with # or ;. Times are written "
		"500ms, 10s, 5m, 2h, 30d; sizes 64k, 6m, 1g. "
		"\\fBmpcloud config check\\fR checks a file; a reload of a "
		"bad one changes nothing.");
	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];

		if (strcmp(section, row->section) != 0)
			(void)printf(".SH [%s]\n", row->section);
		section = row->section;
		(void)printf(".TP\n\\fB%s\\fR (default: %s%s%s; %s)\n",
			row->name, *row->preset ? row->preset : "none",
			row->type == CONF_CHOICE ? ", of "
			: *row->unit             ? " "
						 : "",
			row->unit, row->reload ? "reload" : "restart");
		roff(row->text);
	}
	(void)puts(".SH SEE ALSO\n.BR mpcloud (1),\n.BR mpcloudd (8)");
}

int
cli_man(struct cli *cli)
{
	if (cli->count == 0)
		man_mpcloud();
	else if (!strcmp(cli->words[0], "conf"))
		man_conf();
	else
		return cli_fail(EXIT_USAGE, "usage: mpcloud man [conf]");
	return EXIT_OK;
}

static void
completion_words(void)
{
	(void)fputs("\tlocal commands='", stdout);
	for (size_t i = 0; i < cli_command_count; i++)
		(void)printf("%s\n", cli_commands[i].words);
	(void)fputs("'\n\tlocal options='", stdout);
	for (size_t i = 0; i < OPT_COUNT_; i++)
		(void)printf("--%s ", cli_options[i].word);
	(void)puts("'");
}

int
cli_completion(struct cli *cli)
{
	(void)cli;
	(void)puts("# bash completion for mpcloud\n_mpcloud()\n{");
	completion_words();
	(void)puts(
		"\tlocal cur=${COMP_WORDS[COMP_CWORD]} typed i\n"
		"\tif [[ $cur == -* ]]; then\n"
		"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
		"\t\treturn\n\tfi\n"
		"\ttyped=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
		"\ttyped=\"${typed#help}\"; typed=\"${typed# }\"\n"
		"\ttyped=\"${typed:+$typed }\"\n"
		"\tlocal next=$(while IFS= read -r i; do\n"
		"\t\t[[ $i == \"$typed\"* ]] || continue\n"
		"\t\ti=${i#\"$typed\"}; echo \"${i%% *}\"\n"
		"\tdone <<<\"$commands\" | sort -u)\n"
		"\tCOMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n"
		"\t[[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "
		"\"$cur\"))\n}\ncomplete -F _mpcloud mpcloud");
	return EXIT_OK;
}
