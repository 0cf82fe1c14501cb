#pragma once

/* Names and numbers as WeChat makes them: random letters of some alphabet. */

#include "base/util.h"

#define DIGITS   "0123456789"
#define HEX      DIGITS "abcdef"
#define HEX_UP   DIGITS "ABCDEF"
#define LETTERS  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ALNUM    DIGITS LETTERS
#define URL_SAFE ALNUM "-_"

/* `len` letters and a NUL into `ret`. */
void random_letters(char *ret, size_t len, const char *alphabet);
/* `start` and then `len` letters; the caller frees. */
char *random_name(
	const char *start, size_t len, const char *alphabet) _returns_value_;
