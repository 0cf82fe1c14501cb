/*
 * What a person sees: errors on standard error with the program's name,
 * tables in aligned columns, JSON with two spaces of indent.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
cli_fail(int status, const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fputs("mpcloud: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return status;
}

void
cli_print_json(const json_t *v)
{
	char *text = json_dumps(
		v, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);

	if (text)
		(void)puts(text);
	free(text);
}

/* C1 controls are 0xc2 0x80 to 0xc2 0x9f. */
void
cli_put_text(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		at += c1;
		if (*at == '\n')
			(void)putchar(' ');
		else
			(void)putchar(
				c1 || *at < 0x20 || *at == 0x7f ? '?' : *at);
	}
}

/* Characters, not bytes: names may be Chinese. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static size_t
column_width(const char *const *cells, size_t rows, size_t columns, size_t at)
{
	size_t w = 0;

	for (size_t r = 0; r < rows; r++)
		w = max(w, width_of(cells[r * columns + at]));
	return w;
}

void
cli_table(const char *const *cells, size_t rows, size_t columns)
{
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++) {
			const char *cell = cells[r * columns + c];
			size_t w = column_width(cells, rows, columns, c);
			bool last = c + 1 == columns;

			cli_put_text(cell);
			for (size_t i = width_of(cell); !last && i < w + 2; i++)
				(void)putchar(' ');
			if (last)
				(void)putchar('\n');
		}
}
