/*
 * The table of err.def as code, and the sentence that travels with an error.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct err_info rows[] = {
#define X(name, status, wire, text) {name, status, #name, wire, text},
#include "base/err.def"
#undef X
};

const struct err_info *
err_info(int code)
{
	int i = -1000 - code;

	if (i < 0 || i >= (int)array_size(rows))
		i = ERR_INTERNAL_INDEX_;
	return &rows[i];
}

const char *
err_text(int code)
{
	if (code < 0 && code > -1000)
		return strerror(-code);
	return code == 0 ? "no error" : err_info(code)->text;
}

int
fault_set(struct fault *why, int code, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return code;
	why->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return code;
}

int
fault_prefix(struct fault *why, int code, const char *fmt, ...)
{
	char old[FAULT_TEXT];
	va_list ap;
	int n;

	if (!why)
		return code;
	(void)snprintf(old, sizeof(old), "%s", fault_text(why, code));
	why->code = code;
	va_start(ap, fmt);
	n = vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(why->text))
		(void)snprintf(why->text + n, sizeof(why->text) - (size_t)n,
			"%s", old);
	return code;
}

const char *
fault_text(const struct fault *why, int code)
{
	return why && why->text[0] ? why->text : err_text(code);
}

void
fd_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}
