#pragma once

/*
 * The logs of some functions, or of all, read as one: what they say last, and
 * what they say from now on, in the order of time.
 */

#include "cli/log_view.h"

struct log_files;

/* `dir`: state_dir/logs.  `names`: NULL-ended; the first NULL: all there are,
 * also those that come later. */
struct log_files *log_files_new(
	const char *dir, char *const *names) _returns_value_;
struct log_files *log_files_free(struct log_files *files);
DEFINE_CLEANUP(struct log_files *, log_files_free)
/* How many of them are there. */
unsigned log_files_count(const struct log_files *files);
/* The last `lines` that the view takes. */
void log_files_tail(
	struct log_files *files, const struct log_view *view, size_t lines);
/* What has come since, also when a file was rotated meanwhile.  True when the
 * view's last line was there. */
bool log_files_more(struct log_files *files, const struct log_view *view);
