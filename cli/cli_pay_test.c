/*
 * `mpcloud pay selftest` and `notify-test`: what is set up wrong, why that is
 * probable, and what to do.
 */
#include "cli/cli_pay.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 76, INDENT = 4 };

static const struct {
	const char *verdict, *mark;
} marks[] = {
	{"ok", "✓"}, {"warning", "!"}, {"FAILED", "✗"}, {"not checked", "?"}};

static const char *
mark_of(const char *verdict)
{
	for (size_t i = 0; i < array_size(marks); i++)
		if (!strcmp(verdict, marks[i].verdict))
			return marks[i].mark;
	return "?";
}

/* Words in lines of WIDTH, indented. */
static void
put_words(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");
		char word[512];

		if (column && column + 1 + n > WIDTH - INDENT) {
			(void)putchar('\n');
			column = 0;
		}
		(void)printf("%*s", column ? 1 : INDENT, "");
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, text);
		cli_put_text(word);
		column += n + (column > 0);
		text += n;
		text += strspn(text, " ");
	}
	(void)putchar('\n');
}

/* How many failed. */
static unsigned
print_checks(const json_t *checks, const char *only)
{
	unsigned failed = 0;
	json_t *one;
	size_t i;

	json_array_foreach (checks, i, one) {
		const char *verdict = val_text(one, "verdict");

		if (only && strcmp(val_text(one, "name"), only) != 0)
			continue;
		failed += !strcmp(verdict, "FAILED");
		(void)printf("%s %s%s%s\n", mark_of(verdict),
			val_text(one, "name"),
			!strcmp(verdict, "ok") ? "" : ": ",
			!strcmp(verdict, "ok") ? "" : verdict);
		put_words(val_text(one, "words"));
	}
	return failed;
}

static int
test(struct cli *cli, const char *only)
{
	json_t *body = json_object();
	_json_ json_t *answer = NULL;
	unsigned failed;
	int status;

	pay_set_option(cli, OPT_MCHID, "mchid", body);
	status = pay_post(cli, "/ops/pay/selftest", body, &answer);
	if (status != EXIT_OK)
		return status;
	if (cli->options[OPT_JSON]) {
		cli_print_json(answer);
		return strcmp(val_text(answer, "verdict"), "FAILED") == 0
			       ? EXIT_FAILED
			       : EXIT_OK;
	}
	(void)printf("Merchant %s, callbacks to %s\n\n",
		val_text(answer, "mchid"), val_text(answer, "notifyUrl"));
	failed = print_checks(json_object_get(answer, "checks"), only);
	if (failed)
		(void)printf("\n%u failed\n", failed);
	return failed ? EXIT_FAILED : EXIT_OK;
}

int
cli_pay_selftest(struct cli *cli)
{
	return test(cli, NULL);
}

int
cli_pay_notify_test(struct cli *cli)
{
	return test(cli, "notify_url");
}
