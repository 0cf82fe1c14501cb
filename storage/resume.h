#pragma once

/*
 * Uploads in parts, which may go on after a lost connection or a restart of
 * everything:
 *
 *   resume_create    → id
 *   resume_part      bytes at an offset; durable when it is answered.  In any
 *                    order, several at once; the same offset again replaces it
 *   resume_show      which parts are there: go on at `offset`
 *   resume_complete  the parts become the file, whole, as file_put makes it
 *   resume_abort
 *
 * A part that does not come to its end is not kept.  Who began an upload goes
 * on with it, and admins; one that nobody touches for a day ends (lifecycle.h).
 */

#include "storage/files.h"

struct resuming;

enum { RESUME_ID = 32, RESUME_PARTS = 10000 };

struct resume {
	struct job job; /* ERR_FILE_NONE: no such upload, or another's */
	struct arena *arena;
	struct file_scope scope;
	struct slice id; /* all but create */
	/* of create, as in file_put; of complete: md5, sha256 */
	struct slice path, type, cache_control, disposition, md5, sha256;
	int64_t size; /* announced, -1: not known; the answer of show */
	int64_t expire_ms;
	bool fresh;
	/* the answer: of create and show */
	const char *made; /* id */
	int64_t offset;   /* all before it is there */
	struct resume_part_row {
		int64_t start, size;
		const char *md5; /* hex */
	} * parts;
	size_t count;
	struct file_info info; /* of complete */
	struct resuming *inside;
};
/* job_init, arena, scope, and what the verb needs first. */
void resume_create(struct files *f, struct resume *op);
void resume_show(struct files *f, struct resume *op);
void resume_complete(struct files *f, struct resume *op);
void resume_abort(struct files *f, struct resume *op);
/* Always, in the end. */
void resume_done(struct resume *op);

/* One part; used as file_put: begin → data … → end; done always. */
struct resume_part {
	struct job job; /* ERR_FILE_NONE, ERR_TOO_BIG, ERR_FILE_CHECKSUM */
	struct arena *arena;
	struct file_scope scope;
	struct slice id;
	int64_t start;
	struct slice md5; /* that it must have, hex; or empty */
	int64_t size;     /* the answer */
	struct parting *inside;
};
void resume_part_begin(struct files *f, struct resume_part *part);
int resume_part_data(struct resume_part *part, struct slice data) _must_check_;
void resume_part_end(struct resume_part *part);
void resume_part_done(struct resume_part *part);
