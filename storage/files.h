#pragma once

/*
 * Stored files: the rows (mpcloud.files) and their contents.  A content is a
 * file of its own under a name that is never used twice (storage/place.h: on
 * local disk or in an S3-compatible store); a row says which content is the
 * path's.  So a replaced file is whole at every moment, a reader keeps what he
 * opened, and what no row names is litter that the sweep removes.
 *
 * Acknowledged means durable: the content is fsynced, its directory too, and
 * the row committed, before a job ends with 0.
 *
 * Paths: UTF-8, 1 to 1024 bytes, segments between "/" that are neither empty
 * nor "." nor "..", no control characters, no leading "/": file_path_check.
 */

#include "auth/caller.h"
#include "base/arena.h"
#include "base/job.h"
#include "db/pool.h"

struct fetcher;
struct files;
struct hot_file;
struct mark_table;

enum { FILE_PATH_TOP = 1024, FILE_BATCH_TOP = 50 };

/* ask.home of all who change what is stored: each locks the gateway's lane of
 * the total, and its owner's usage, until it is committed. */
enum { FILES_HOME = 1 };

struct files_conf {
	const char *dir; /* of local contents */
	const char *env;
	const char *bucket; /* the word after the env in cloud:// ids */
	int64_t file_top;   /* bytes of one file */
	int64_t user_quota; /* bytes of one user's files; 0: any */
	int64_t total_quota;
	/* an S3-compatible store instead of the disk; NULL: the disk */
	const char *s3_endpoint, *s3_region, *s3_bucket, *s3_prefix;
	const char *s3_access_key, *s3_secret_key;
	struct slice
		link_key; /* 32 bytes: signs links; the same on all nodes */
	int64_t reserve;  /* bytes of the disk that stay free */
	const char *thumb_program; /* NULL: mpcloud-thumb, as installed */
	unsigned lane; /* the gateway's number: where it counts (files.sql) */
	/* Which function is asked about what users upload under check_prefix,
	 * before others may read it; "" or NULL: none.  check_url: where that
	 * function fetches a content that waits; or NULL. */
	const char *check_function, *check_prefix;
	const char *(*check_url)(void *owner, struct arena *arena,
		struct slice path, int64_t until_s);
	/* What is read often is kept (storage/hot.h): shared by the gateways
	 * of this machine, or NULL: nothing is; so many bytes; so long at the
	 * most, ms. */
	struct mark_table *marks;
	int64_t hot_memory, hot_age;
	/* Calls of functions were put into the queue; or NULL. */
	void (*woke)(void *owner);
	void *owner;
};

int files_new(struct files **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, const struct files_conf *conf,
	struct fault *why) _must_check_;
struct files *files_free(struct files *f);
DEFINE_CLEANUP(struct files *, files_free)
/* From now on: file_top, quotas, reserve, the check, hot_memory and hot_age of
 * `conf`. */
void files_configure(struct files *f, const struct files_conf *conf);

/* What signs and seals links to files: 32 bytes, the same on all nodes
 * (file_link.h). */
struct slice files_link_key(const struct files *f);

int file_path_check(struct slice path, struct fault *why) _must_check_;
/* "cloud://ENV.BUCKET/PATH", in the arena; and back: ERR_PARAM, also for
 * another environment's.  A plain path is taken as one. */
const char *file_id_make(const struct files *f, struct arena *arena,
	struct slice path) _returns_value_;
int file_id_path(const struct files *f, struct slice id, struct slice *ret,
	struct fault *why) _must_check_;

/* What a row says; strings in the asker's arena. */
struct file_info {
	const char *path, *type; /* content type */
	const char *content;     /* name of the content */
	const char *etag;        /* with its quotes: the MD5 in hex, as COS and
				    S3 write it */
	const char *sha256;      /* hex */
	const char *owner;       /* openid, or uid of one without; "" */
	const char *cache_control, *disposition;         /* or NULL */
	int64_t size, created_ms, changed_ms, expire_ms; /* 0: never */
	bool archived;
	bool pending; /* its content is being checked: the owner and admins
			 read it */
};

/* Who asks: admin, or a user whom the rules must let (storage/file_rule.h).
 * in_public: what is read goes to whoever asks (a link, a CDN, a declared
 * route), so it is none that waits for its check. */
struct file_scope {
	bool admin, in_public;
	const struct caller *caller;
};

/* One file is written.  Embedded; job_init, arena, scope first.
 *
 *   file_put_begin → job 0: may write (path, rule, quota, place are fine)
 *   file_put_data … as the bytes come
 *   file_put_end   → job 0: durable; `info` is filled
 *   file_put_done  always, at any time: unless it was durable, as if nothing
 *                  had been
 */
struct file_put {
	struct job job;
	struct arena *arena;
	struct file_scope scope;
	struct slice path, type, cache_control, disposition;
	int64_t size;             /* announced, -1: not known */
	struct slice md5, sha256; /* that it must have, hex; or empty */
	struct slice owner;       /* of an admin's new file; or empty: nobody */
	bool fresh;               /* ERR_CONFLICT when the path exists */
	int64_t expire_ms;        /* 0: never */
	uint64_t end_ms; /* file_put_end may take so long; 0: two minutes */
	struct file_info info;
	struct put *inside;
};
void file_put_begin(struct files *f, struct file_put *put);
/* All of `data` is taken (0); 1: too much waits for the disk, call again with
 * the same when put->job.done was called; or an error. */
int file_put_data(struct file_put *put, struct slice data) _must_check_;
void file_put_end(struct file_put *put);
void file_put_done(struct file_put *put);

/* One file is found, for reading. */
struct file_get {
	struct job job; /* ERR_FILE_NONE, ERR_FILE_DENIED, ERR_FILE_ARCHIVED,
			   ERR_FILE_REFUSED (to its uploader, for a day) */
	struct arena *arena;
	struct file_scope scope;
	struct slice path;
	struct file_info info;
	bool info_only; /* without opening it: fd stays -1 */
	bool takes_hot; /* `hot` is fine, too */
	int fd;         /* open, yours from job.done on */
	/* Instead of fd, with takes_hot: the bytes as they are kept, a
	 * reference of yours (hot_file.h).  `info` then lives as long. */
	struct hot_file *hot;
	struct get *inside;
};
void file_get(struct files *f, struct file_get *get);
/* At once, without a job: 0, what file_get would find now is found (fd, or
 * `hot` with what info's strings need); or its error; 1: it must be asked. */
int file_get_hot(struct files *f, struct file_get *get) _must_check_;

/* Many at once; each has an answer of its own (FILE_BATCH_TOP).  Other parts:
 * file_list.h, file_copy.h, file_remove.h, file_link.h (signed links), resume.h
 * (multipart and resumable), lifecycle.h (expiry, archive, sweep), file_rule.h,
 * thumb.h (thumbnails). */
