/*
 * Faults wait in the order they were asked for, each for a number of requests;
 * the first that fits a request's path is taken.  So a test can say "busy once,
 * then a wrong signature" and knows what it gets.
 */

#include "fault.h"

#include "base/mem.h"

static const struct {
	const char *word;
	bool executed;
} kinds[] = {
#define X(name, word, executed) [name] = {word, executed},
#include "fault.def"
#undef X
};

enum fault_kind
fault_kind_find(struct slice word)
{
	for (unsigned i = 0; i < FAULT_KINDS; i++)
		if (slice_is(word, kinds[i].word))
			return (enum fault_kind)i;
	return FAULT_KINDS;
}

bool
fault_is_executed(enum fault_kind kind)
{
	return kinds[kind].executed;
}

bool
faults_add(struct faults *f, struct slice path, enum fault_kind kind,
	unsigned count, unsigned delay_ms)
{
	if (f->count == FAULTS_TOP)
		return false;
	f->list[f->count++] = (struct armed){
		.path = str_ndup(path.ptr, path.len),
		.kind = kind,
		.left = count,
		.delay_ms = delay_ms,
	};
	return true;
}

static void
armed_del(struct faults *f, unsigned place)
{
	mem_free(f->list[place].path);
	f->count--;
	memmove(&f->list[place], &f->list[place + 1],
		(f->count - place) * sizeof(f->list[0]));
}

enum fault_kind
faults_take(struct faults *f, const char *path, unsigned *ret_delay_ms)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct armed *a = &f->list[i];
		enum fault_kind kind = a->kind;

		if (strcmp(a->path, path) != 0)
			continue;
		*ret_delay_ms = a->delay_ms;
		if (--a->left == 0)
			armed_del(f, i);
		return kind;
	}
	return FAULT_NONE;
}

void
faults_clear(struct faults *f, struct slice path)
{
	for (unsigned i = f->count; i > 0; i--)
		if (path.len == 0 || slice_is(path, f->list[i - 1].path))
			armed_del(f, i - 1);
}
