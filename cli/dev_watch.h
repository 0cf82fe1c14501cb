#pragma once

/*
 * Folders that are looked at: which of them changed, told once a burst of
 * changes has ended.  A folder is looked at with those in it; what editors and
 * tools leave beside the author's files (".name", "name~", node_modules) is
 * not.
 */

#include "base/list.h"
#include "base/loop.h"
#include "base/timer.h"

#include <jansson.h>

struct dev_watch;
/* `marks`: an object with a member for every mark that something changed
 * under; borrowed.  `since`: when the first change was seen, uv_hrtime. */
typedef void dev_watch_fn(
	struct dev_watch *w, const json_t *marks, uint64_t since);

struct dev_watch {
	struct loop *loop;
	dev_watch_fn *on_change;
	struct list folders;
	struct timer burst;
	json_t *marks;
	uint64_t since;
	bool full; /* the system gives no more watches; told once */
};

void dev_watch_init(
	struct dev_watch *w, struct loop *loop, dev_watch_fn *on_change);
void dev_watch_done(struct dev_watch *w);
/* Changes in `path` are `mark`'s; with `deep` those in the folders below too,
 * also in ones that come later.  A folder that is looked at already, or is not
 * there, is passed over. */
void dev_watch_add(
	struct dev_watch *w, const char *path, const char *mark, bool deep);
/* Forget the folders of a mark. */
void dev_watch_del(struct dev_watch *w, const char *mark);
/* Is this name one that never counts?  Unit-tested through the tests of
 * `mpcloud dev`. */
bool dev_watch_ignores(const char *name);
