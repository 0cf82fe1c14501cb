#pragma once

/*
 * What the parts of storage/ share: the files of one gateway, and looking up a
 * path together with the rules that are in force.
 */

#include "storage/content.h"
#include "storage/file_rule.h"
#include "storage/files.h"
#include "storage/hot.h"
#include "storage/inflow.h"

struct gone;
struct s3;
struct thumbs;
struct lifecycle;

struct files {
	struct loop *loop;
	struct pool *pool;
	struct fetcher *fetcher;
	struct files_conf conf; /* its strings are ours */
	uint8_t link_key[32];
	struct place *place;
	struct s3 *s3;            /* or NULL: new contents stay on disk */
	struct file_rules *rules; /* of rules_version; NULL: PRIVATE */
	int64_t rules_version;
	struct hot *hot;
	struct gone *gone;
	struct lifecycle *lifecycle;
	struct thumbs *thumbs;
	struct inflows inflows;
};

/* What the database says of a path. */
struct file_look {
	struct job job;
	struct arena *arena;
	struct slice path;
	/* the answer; rules of this moment are f->rules */
	bool found;
	struct file_info info;
	bool in_s3;
	int64_t used; /* bytes of the asker's files */
	/* whose upload the check refused, and why; NULL: nobody's */
	const char *refused, *reason;
	/* its own */
	struct files *f;
	struct ask ask;
	int64_t version;
	struct hot_stamp stamp;
};

/* job_init(&l->job, …), arena, path first; `who`: whose usage is asked for. */
void file_look(struct files *f, struct file_look *l, const char *who);
/* Instead of file_put_data: parts of an upload (resume.h). */
void file_put_join(
	struct file_put *put, const char *const *parts, size_t count);
/* 0 or ERR_FILE_DENIED; after a look. */
int file_judge(const struct file_look *l, enum access_act act,
	const struct file_scope *scope, struct fault *why) _must_check_;

/* The columns of a row from `col` on, in the order of FILE_COLUMNS. */
#define FILE_COLUMNS \
	"f.path, f.content, f.place, f.size, f.md5, f.sha256, f.type, " \
	"f.owner," \
	" f.cache_control, f.disposition, f.class, f.state, f.created_at," \
	" f.changed_at, f.expires_at"
enum { FILE_COLUMN_COUNT = 15 };
void file_row(struct file_info *ret, struct arena *arena, const struct ask *ask,
	int row, int col);

/* The last of these hold for whatever goes into the database. */
struct slice file_number(struct arena *arena, int64_t n);
/* Whom the routines ask about the content of `path`, written by `scope`: JSON,
 * or NULL where nobody has to be asked. */
struct slice file_check(const struct files *f, struct arena *arena,
	const struct file_scope *scope, struct slice path);
bool file_is_checked(const struct files *f, const struct file_scope *scope,
	struct slice path);
/* Who did it, as functions hear it: JSON. */
struct slice file_caller(struct arena *arena, const struct file_scope *scope);
/* Of a verdict of db/routines/files.sql other than "ok" and "judge". */
int file_verdict(
	const struct files *f, struct slice verdict, struct fault *why);
/* A transaction put contents into mpcloud.file_gone: remove them soon. */
void file_gone_soon(struct files *f);
/* Calls were put into the queue. */
void file_woke(struct files *f, int64_t calls);

struct thumbs *thumbs_new(const char *program) _returns_value_;
struct thumbs *thumbs_free(struct thumbs *all);
struct gone *gone_new(struct files *f) _returns_value_;
struct gone *gone_free(struct gone *g);
