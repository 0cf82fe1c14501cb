#pragma once

/*
 * The bytes of a file that is read once from its beginning: plain or gzip,
 * or standard input.  Seen through a window; what is taken from it is counted
 * in bytes and lines and summed up, so that a later run can go on at a place
 * and knows that nothing before it has changed.
 */

#include "base/err.h"
#include "base/slice.h"

struct input;

enum { INPUT_WINDOW_TOP = 64 << 20 };

/* "-" is standard input. */
int input_open(
	struct input **ret, const char *path, struct fault *why) _must_check_;
/* Of bytes that are there already; they are copied. */
struct input *input_of(struct slice bytes) _returns_value_;
struct input *input_free(struct input *in);
DEFINE_CLEANUP(struct input *, input_free)

/* What comes next, `want` bytes or more; fewer only at the end.  Valid until
 * the next peek, also when it is taken.  ERR_TOO_BIG past INPUT_WINDOW_TOP;
 * errors of reading name the file. */
int input_peek(struct input *in, size_t want, struct slice *ret,
	struct fault *why) _must_check_;
/* At most what was peeked at. */
void input_take(struct input *in, size_t n);
/* Takes what comes up to this offset; -ENODATA when it ends before. */
int input_skip(
	struct input *in, int64_t offset, struct fault *why) _must_check_;

int64_t input_offset(const struct input *in); /* bytes taken, uncompressed */
int64_t input_line(const struct input *in);   /* of the next byte, from 1 */
/* CRC-32 of what was taken since input_mark. */
uint32_t input_sum(const struct input *in);
void input_mark(struct input *in);

/* Of the file as it lies there, for a progress bar; -1: not known. */
int64_t input_size(const struct input *in);
int64_t input_place(const struct input *in);
