#pragma once

/*
 * Small allocations never fail: out of memory aborts, the supervisor restarts
 * us, and the listening sockets stay open in its hands.  What a client can
 * size is bounded by a ceiling elsewhere (buf, arena).
 */

#include "base/util.h"

/* Zeroed. */
void *mem_alloc(size_t size) _returns_value_;
void *mem_resize(void *old, size_t size) _returns_value_;
void *mem_dup(const void *src, size_t size) _returns_value_;
char *str_dup(const char *s) _returns_value_;
char *str_ndup(const char *s, size_t len) _returns_value_;
char *str_printf(const char *fmt, ...) _printf_(1, 2) _returns_value_;

#define mem_new(type)      ((type *)mem_alloc(sizeof(type)))
#define mem_array(n, type) ((type *)mem_alloc_array((n), sizeof(type)))
void *mem_alloc_array(size_t n, size_t size) _returns_value_;

/* free() that answers NULL, for `x = mem_free(x);`. */
void *mem_free(void *p);
DEFINE_CLEANUP(char *, mem_free)
#define _free_ _cleanup_(mem_freep)

/* Overwrite secrets so that the compiler cannot drop it. */
void mem_wipe(void *p, size_t size);
