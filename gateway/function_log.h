#pragma once

/*
 * What functions print: state_dir/logs/NAME.jsonl, one JSON line each
 * {"time","level","function","version","requestId","kind","message"} (kind:
 * ours about a call, "START", "INIT", "END", "REPORT", or about the function,
 * "STATE"; the code's lines have none), rotated to NAME.jsonl.1.
 * All gateways append to the same files.
 */

#include "base/err.h"
#include "base/loop.h"
#include "base/slice.h"

struct function_log;

/* `state_dir` must be writable; its folder logs/ is made. */
int function_log_new(struct function_log **ret, struct loop *loop,
	const char *state_dir, struct fault *why) _must_check_;
/* Writes what waits; may turn the loop until the disk is done. */
struct function_log *function_log_free(struct function_log *log);
DEFINE_CLEANUP(struct function_log *, function_log_free)
/* Rotate at so many bytes. */
void function_log_set_top(struct function_log *log, int64_t bytes);

struct function_line {
	const char *function, *request_id;
	unsigned version; /* 0: of none */
	int level;        /* 0 debug … 3 error */
	const char *kind; /* "START" …; NULL: the code's own */
	struct slice text;
};

/* Never blocks; what the disk does not take in time is dropped and counted in a
 * line of its own. */
void function_log_write(
	struct function_log *log, const struct function_line *line);
