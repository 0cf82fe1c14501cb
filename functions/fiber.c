/*
 * Fibers, each at a place of its own.  The stack is mapped, so that only what
 * is touched is memory, with a page below it that faults: an overflow ends the
 * worker instead of running into a neighbour's stack.  AddressSanitizer is told
 * of every switch, or it would take the new stack for a wild pointer.
 */
#include "functions/fiber.h"

#include "base/mem.h"
#include "functions/place.h"

#include <sys/mman.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#endif

#ifdef HAVE_ASAN
#include <sanitizer/common_interface_defs.h>
enum { STACK = 1024 * 1024, GUARD = 4096 };
#else
enum { STACK = 256 * 1024, GUARD = 4096 };
#endif

struct fiber {
	struct place here, back;
	char *map; /* guard page, stack */
	fiber_fn *fn;
	void *arg;
	/* AddressSanitizer's */
	void *fake, *back_fake;
	const void *back_stack;
	size_t back_size;
};

static void
leave_begin(struct fiber *f)
{
#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(&f->fake, f->back_stack, f->back_size);
#else
	(void)f;
#endif
}

static void
arrived(struct fiber *f)
{
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(f->fake, &f->back_stack, &f->back_size);
#else
	(void)f;
#endif
}

static void
entry(void *arg)
{
	struct fiber *f = arg;

	arrived(f);
	f->fn(f->arg);
	__builtin_trap();
}

struct fiber *
fiber_new(fiber_fn *fn, void *arg)
{
	struct fiber *f;
	char *map = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map, GUARD, PROT_NONE) < 0) {
		(void)munmap(map, GUARD + STACK);
		return NULL;
	}
	f = mem_new(struct fiber);
	f->map = map;
	f->fn = fn;
	f->arg = arg;
	place_init(&f->here, map + GUARD, STACK, entry, f);
	return f;
}

struct fiber *
fiber_free(struct fiber *f)
{
	if (!f)
		return NULL;
	(void)munmap(f->map, GUARD + STACK);
	return mem_free(f);
}

void
fiber_resume(struct fiber *f)
{
#ifdef HAVE_ASAN
	__sanitizer_start_switch_fiber(&f->back_fake, f->map + GUARD, STACK);
#endif
	place_switch(&f->back, &f->here);
#ifdef HAVE_ASAN
	__sanitizer_finish_switch_fiber(f->back_fake, NULL, NULL);
#endif
}

void
fiber_yield(struct fiber *f)
{
	leave_begin(f);
	place_switch(&f->here, &f->back);
	arrived(f);
}
