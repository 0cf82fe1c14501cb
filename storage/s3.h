#pragma once

/*
 * Contents in an S3-compatible store: objects of the contents' names under a
 * prefix, asked for with AWS's signature version 4 (libcurl's).  The sum of the
 * body is in the signature, so the store refuses what was altered on its way.
 * Source: docs.aws.amazon.com/AmazonS3/latest/API (path-style addresses).
 */

#include "base/fetch.h"

struct s3;

struct s3_conf {
	const char *endpoint; /* https://s3.example.com */
	const char *region, *bucket, *prefix;
	const char *access_key, *secret_key;
};

int s3_new(struct s3 **ret, struct fetcher *fetcher, struct loop *loop,
	const struct s3_conf *conf, struct fault *why) _must_check_;
struct s3 *s3_free(struct s3 *s);
DEFINE_CLEANUP(struct s3 *, s3_free)

/* ERR_UPSTREAM…, -ENOENT (get): there is none. */
struct s3_op {
	struct job job;
	/* its own */
	struct s3 *s3;
	struct fetch fetch;
	int fd;
	int64_t at, size; /* of fd */
	bool missing_is_fine, is_get;
	int failed;         /* writing what came */
	struct digest *sum; /* of what came */
	const char *sha256; /* that it must have */
	char *url;
};
/* job_init(&op->job, …) first; s3_done always, in the end.  `fd` stays the
 * caller's, and must live until the job is done. */
void s3_put(struct s3 *s, struct s3_op *op, const char *name, int fd,
	int64_t size, const char *sha256);
/* Its bytes into `fd`, from its begin; ERR_UPSTREAM when they are not `size`
 * bytes of this SHA-256 (hex; lives until the job is done). */
void s3_get(struct s3 *s, struct s3_op *op, const char *name, int fd,
	int64_t size, const char *sha256);
/* One that is not there is fine. */
void s3_delete(struct s3 *s, struct s3_op *op, const char *name);
void s3_done(struct s3_op *op);
