/*
 * swapcontext asks the kernel for the signal mask at every switch: two system
 * calls for each time a function waits.  Workers never change the mask, so
 * here only what a called function must preserve is kept (System V ABI of
 * x86-64, AAPCS64), on the stack that is left.  Other machines have ucontext.
 */
#include "functions/place.h"

#include <string.h>

#if defined(__x86_64__) || defined(__aarch64__)

void place_swap(void **from, void *to) __attribute__((visibility("hidden")));
void place_begin(void) __attribute__((visibility("hidden")));

#endif

#if defined(__x86_64__)

/* As place_swap leaves it; place_begin calls rbx(r12). */
struct saved {
	uint32_t mxcsr;
	uint32_t x87;
	void *r15, *r14, *r13, *r12, *rbx, *rbp, *back;
};

__asm__(".pushsection .text\n"
	".p2align 4\n"
	".globl place_swap\n"
	".hidden place_swap\n"
	".type place_swap, @function\n"
	"place_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	subq $8, %rsp\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	ldmxcsr (%rsp)\n"
	"	fldcw 4(%rsp)\n"
	"	addq $8, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size place_swap, . - place_swap\n"
	".p2align 4\n"
	".globl place_begin\n"
	".hidden place_begin\n"
	".type place_begin, @function\n"
	"place_begin:\n"
	"	movq %r12, %rdi\n"
	"	callq *%rbx\n"
	"	ud2\n"
	".size place_begin, . - place_begin\n"
	".popsection\n");

static void
saved_fill(struct saved *s, void (*entry)(void *arg), void *arg)
{
	__asm__("stmxcsr %0" : "=m"(s->mxcsr));
	__asm__("fnstcw %0" : "=m"(s->x87));
	s->rbx = (void *)entry;
	s->r12 = arg;
	s->back = (void *)place_begin;
}

#elif defined(__aarch64__)

/* place_begin calls x19(x20). */
struct saved {
	void *x19, *x20, *x21, *x22, *x23, *x24, *x25, *x26, *x27, *x28, *x29;
	void *back;
	double d8, d9, d10, d11, d12, d13, d14, d15;
};

__asm__(".pushsection .text\n"
	".p2align 4\n"
	".globl place_swap\n"
	".hidden place_swap\n"
	".type place_swap, %function\n"
	"place_swap:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x2, sp\n"
	"	str x2, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size place_swap, . - place_swap\n"
	".p2align 4\n"
	".globl place_begin\n"
	".hidden place_begin\n"
	".type place_begin, %function\n"
	"place_begin:\n"
	"	mov x0, x20\n"
	"	blr x19\n"
	"	brk #1\n"
	".size place_begin, . - place_begin\n"
	".popsection\n");

static void
saved_fill(struct saved *s, void (*entry)(void *arg), void *arg)
{
	s->x19 = (void *)entry;
	s->x20 = arg;
	s->back = (void *)place_begin;
}

#endif

#if defined(__x86_64__) || defined(__aarch64__)

/* Above what is saved the stack is aligned to 16, as calls want it. */
void
place_init(struct place *p, void *stack, size_t size, void (*entry)(void *arg),
	void *arg)
{
	uintptr_t top = ((uintptr_t)stack + size) & ~(uintptr_t)15;
	struct saved *s = (struct saved *)(top - 16 - sizeof(*s));

	memset(s, 0, sizeof(*s) + 16); /* a debugger finds the end there */
	saved_fill(s, entry, arg);
	p->sp = s;
}

void
place_switch(struct place *from, struct place *to)
{
	place_swap(&from->sp, to->sp);
}

#else

/* makecontext passes ints, so the pointer comes in halves. */
static void
begin(unsigned high, unsigned low)
{
	struct place *p =
		(struct place *)((uintptr_t)((uint64_t)high << 32 | low));

	p->entry(p->arg);
	__builtin_trap();
}

void
place_init(struct place *p, void *stack, size_t size, void (*entry)(void *arg),
	void *arg)
{
	uint64_t at = (uintptr_t)p;

	(void)getcontext(&p->context);
	p->entry = entry;
	p->arg = arg;
	p->context.uc_stack.ss_sp = stack;
	p->context.uc_stack.ss_size = size;
	p->context.uc_link = NULL;
	makecontext(&p->context, (void (*)(void))(void *)begin, 2,
		(unsigned)(at >> 32), (unsigned)at);
}

void
place_switch(struct place *from, struct place *to)
{
	(void)swapcontext(&from->context, &to->context);
}

#endif
