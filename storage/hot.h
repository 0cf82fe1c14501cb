#pragma once

/*
 * Files that are read again and again: what their rows say, the bytes of small
 * ones and open descriptors of others, of one gateway.  What is kept is used as
 * long as no gateway of the machine has begun to change the path since its row
 * was asked for (base/mark.h), and never longer than the age given, which is
 * what other machines on the same database are waited for.
 *
 * Contents never change (their names are used once), so a row that still says
 * the same keeps them.
 */

#include "base/list.h"
#include "base/mark.h"
#include "storage/files.h"
#include "storage/hot_file.h"

enum {
	HOT_FILE_TOP = 64 * 1024, /* kept in memory; larger ones are opened */
	HOT_FDS_TOP = 128,
	HOT_TRIM_MS = 5000, /* descriptors of what has gone are closed */
};

struct hot;

struct hot *hot_new(struct loop *loop) _returns_value_;
struct hot *hot_free(struct hot *h);
/* marks NULL, memory 0 or age 0: nothing is kept. */
struct hot_conf {
	struct mark_table *marks;
	int64_t memory; /* bytes */
	int64_t age_ms;
};
void hot_configure(struct hot *h, const struct hot_conf *conf);

/* Of a change to `path`: begin before the database is asked, end when it is
 * known what became of it; not at all when that is never known. */
void hot_change_begin(struct hot *h, struct slice path);
void hot_change_end(struct hot *h, struct slice path);
/* The same, of paths that nobody lists, or of the rules. */
void hot_change_all_begin(struct hot *h);
void hot_change_all_end(struct hot *h);
/* At once: it was made already. */
void hot_changed_all(struct hot *h);

/* Before a path is looked up. */
struct hot_stamp {
	bool good;
	uint64_t hash, one, all;
	int64_t at;
	int64_t rules; /* the version in force, as the row's answer said */
};
void hot_stamp(struct hot *h, struct slice path, struct hot_stamp *ret);

/* What holds now; NULL: ask.  Good until the loop goes on, or with a reference.
 * `rules`: the version that who may will be asked of.  Answers about rules can
 * overtake each other, so it may be another than the row was read under, and
 * only the database knows which of them is in force. */
struct hot_file *hot_find(struct hot *h, struct slice path, int64_t rules);
/* A row was read: NULL, or what is kept of that very row, which holds anew. */
struct hot_file *hot_again(struct hot *h, const struct hot_stamp *stamp,
	const struct file_info *info);
/* Keep what was opened; `fd` stays the caller's, which need not be seekable
 * anew.  `lasting`: the file has a name, so an open descriptor of it costs
 * no room on the disk. */
void hot_keep(struct hot *h, const struct hot_stamp *stamp,
	const struct file_info *info, int fd, bool lasting);

/* Bytes and descriptors that are kept. */
struct hot_count {
	size_t files, bytes, fds;
};
struct hot_count hot_count(const struct hot *h);
