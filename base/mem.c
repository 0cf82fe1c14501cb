/*
 * Allocation that does not fail; see mem.h for why.
 */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *p)
{
	if (!p) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_alloc(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

void *
mem_alloc_array(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size ? size : 1));
}

void *
mem_resize(void *old, size_t size)
{
	return must(realloc(old, size ? size : 1));
}

void *
mem_dup(const void *src, size_t size)
{
	void *p = mem_alloc(size);

	if (size)
		memcpy(p, src, size);
	return p;
}

char *
str_dup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *
str_ndup(const char *s, size_t len)
{
	char *p = mem_alloc(len + 1);

	if (len)
		memcpy(p, s, len);
	return p;
}

char *
str_printf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : p);
}

void *
mem_free(void *p)
{
	free(p);
	return NULL;
}

void
mem_wipe(void *p, size_t size)
{
	if (p)
		explicit_bzero(p, size);
}
