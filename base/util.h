#pragma once

/*
 * The few words that every file uses: cleanup with the variable, handing over,
 * finding the owner of an embedded member.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define _cleanup_(f)    __attribute__((cleanup(f)))
#define _must_check_    __attribute__((warn_unused_result))
#define _printf_(f, a)  __attribute__((format(printf, f, a)))
#define _unused_        __attribute__((unused))
#define _noreturn_      __attribute__((noreturn))
#define _returns_value_ __attribute__((returns_nonnull))

#define array_size(a) (sizeof(a) / sizeof((a)[0]))

/* The struct that holds `member` at `ptr`. */
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(uintptr_t)(ptr)-offsetof(type, member)))

/* Hand over: the value of the variable, which is left empty. */
#define take(p) \
	({ \
		__typeof__(p) take_ = (p); \
		(p) = NULL; \
		take_; \
	})

#define take_fd(fd) \
	({ \
		int take_fd_ = (fd); \
		(fd) = -1; \
		take_fd_; \
	})

/* For `_cleanup_(x_freep) struct x *x = NULL;`. */
#define DEFINE_CLEANUP(type, name) \
	static inline _unused_ void name##p(type *p) \
	{ \
		if (*p) \
			(void)name(*p); \
	}

/* Arguments are used twice: give them no side effects. */
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

void fd_closep(int *fd);
#define _close_ _cleanup_(fd_closep)
