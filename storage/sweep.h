#pragma once

/*
 * The two directions in which rows and contents may disagree after a crash,
 * gone through one folder after the other:
 *
 *   a content, an upload, a temporary file that no row names and that is older
 * than SWEEP_AGE_MS: litter, removed a row whose content is not there: told
 * (EVENT_FILE_LOST), and never changed: a backup may have it
 */

#include "storage/files.h"

struct sweeping;

enum { SWEEP_AGE_MS = 3600 * 1000 };

struct sweep {
	struct job job;
	/* how much of what, so far */
	struct sweep_counts {
		int64_t contents;      /* looked at */
		int64_t litter, bytes; /* removed */
		int64_t rows;          /* looked at */
		int64_t lost;          /* rows without a content */
		char lost_path[256];   /* the first of them */
	} counts;
	struct sweeping *inside;
};
/* job_init first.  age_ms: SWEEP_AGE_MS. */
void sweep_start(struct files *f, struct sweep *s, int64_t age_ms);
