/*
 * Faults wait in the order they were asked for, each for a number of requests;
 * the first that fits a request's path is taken.  So a test can say "busy once,
 * then a wrong signature" and knows what it gets.  Those with a percentage
 * throw dice instead, whose seed the test gives.
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
faults_add(struct faults *f, struct slice path, const struct armed *what)
{
	struct armed *a = &f->list[f->count];

	if (f->count == FAULTS_TOP)
		return false;
	*a = *what;
	a->path = str_ndup(path.ptr, path.len);
	f->count++;
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

/* splitmix64: a sequence that a seed gives again. */
bool
dice_throw(uint64_t *dice, unsigned percent)
{
	uint64_t n = *dice += 0x9e3779b97f4a7c15u;

	if (percent >= 100)
		return true;
	n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9u;
	n = (n ^ (n >> 27)) * 0x94d049bb133111ebu;
	return (n ^ (n >> 31)) % 100 < percent;
}

/* A star means WeChat's addresses: whoever breaks everything must still be able
 * to take it back. */
static bool
path_fits(const char *wanted, const char *path, const char *row)
{
	size_t len = strlen(wanted);

	if (len > 0 && wanted[len - 1] == '*')
		return strncmp(path, wanted, len - 1) == 0 &&
		       strncmp(path, "/sandbox/", 9) != 0;
	return strcmp(wanted, path) == 0 || (row && strcmp(wanted, row) == 0);
}

enum fault_kind
faults_take(struct faults *f, const char *path, const char *row,
	unsigned *ret_delay_ms)
{
	for (unsigned i = 0; i < f->count; i++) {
		struct armed *a = &f->list[i];
		enum fault_kind kind = a->kind;

		if (!path_fits(a->path, path, row) ||
			!dice_throw(&a->dice, a->percent))
			continue;
		*ret_delay_ms = a->delay_ms;
		if (a->left > 0 && --a->left == 0)
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
