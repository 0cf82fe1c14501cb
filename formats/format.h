#pragma once

/*
 * Formats that documents come in: each gives one document after the other as a
 * line of Extended JSON and says where it stood.  Text that is no JSON may pass
 * here: the gateway reads it again and has the last word.
 */

#include "base/buf.h"
#include "base/err.h"
#include "formats/input.h"

struct format;
struct csv_table;

struct reader {
	const struct format *format;
	struct input *in;
	const char *types;      /* --types of CSV, or NULL */
	const char *collection; /* that is wanted, of a file with several */
	/* of the document last read */
	int64_t line;     /* its first, or 0 where there are none */
	int64_t offset;   /* its first byte */
	struct slice raw; /* as it stands in the file; until the next */
	/* the format's own */
	struct csv_table *table;
	struct buf head;          /* what each file of its kind begins with */
	bool is_array, is_lines;  /* JSON */
	bool in_block, is_wanted; /* archive */
};

struct format {
	const char *name;
	const char *extensions; /* ".json .jsonl" */
	bool is_text;           /* places are told as lines */
	int (*open)(struct reader *r, struct fault *why);
	/* 1: a document was appended to `to`, without a line end.  0: the end.
	 * ERR_PARAM: this one is bad, the next can be read.  Else: over. */
	int (*next)(struct reader *r, struct buf *to, struct fault *why);
	/* Over what was read before, up to an offset; NULL: as input_skip. */
	int (*skip)(struct reader *r, int64_t offset, struct fault *why);
};

extern const struct format format_json, format_csv, format_bson, format_archive;

/* By name (--format), by the file's name, or by its first bytes.  NULL: no
 * such name. */
const struct format *format_named(struct slice name);
int format_find(const struct format **ret, const char *path, struct input *in,
	struct fault *why) _must_check_;

/* r->collection and r->types first. */
int reader_open(struct reader *r, const struct format *format, struct input *in,
	struct fault *why) _must_check_;
int reader_skip(
	struct reader *r, int64_t offset, struct fault *why) _must_check_;
void reader_close(struct reader *r);
int reader_next(
	struct reader *r, struct buf *to, struct fault *why) _must_check_;
