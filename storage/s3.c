/*
 * Three verbs of S3.  Bodies go between a descriptor and curl, so nothing of a
 * content is held in memory; what is read was just written here, what is
 * written is read at once, so both are in the page cache.
 */
#include "storage/s3.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "storage/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONG_MS = 30 * 60 * 1000, SHORT_MS = 30000, HEADER = 128 };

/* SHA-256 of nothing (FIPS 180-2). */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct s3 {
	struct fetcher *fetcher;
	struct loop *loop;
	char *base; /* up to the object's name */
	char *sigv4, *key;
};

int
s3_new(struct s3 **ret, struct fetcher *fetcher, struct loop *loop,
	const struct s3_conf *conf, struct fault *why)
{
	size_t len = strlen(conf->endpoint);
	struct s3 *s;

	if (strncmp(conf->endpoint, "https://", 8) != 0 &&
		strncmp(conf->endpoint, "http://", 7) != 0)
		return fault_set(why, ERR_CONFIG,
			"storage.s3_endpoint: https://HOST, not %.60s",
			conf->endpoint);
	if (!*conf->bucket || !*conf->access_key || !*conf->secret_key)
		return fault_set(why, ERR_CONFIG,
			"storage.s3_endpoint needs s3_bucket, s3_access_key "
			"and s3_secret_key_file");
	s = mem_new(struct s3);
	s->fetcher = fetcher;
	s->loop = loop;
	while (len && conf->endpoint[len - 1] == '/')
		len--;
	s->base = str_printf("%.*s/%s/%s", (int)len, conf->endpoint,
		conf->bucket, conf->prefix ? conf->prefix : "");
	s->sigv4 = str_printf("aws:amz:%s:s3",
		conf->region && *conf->region ? conf->region : "us-east-1");
	s->key = str_printf("%s:%s", conf->access_key, conf->secret_key);
	*ret = s;
	return 0;
}

struct s3 *
s3_free(struct s3 *s)
{
	if (!s)
		return NULL;
	mem_wipe(s->key, strlen(s->key));
	(void)mem_free(s->key);
	(void)mem_free(s->sigv4);
	(void)mem_free(s->base);
	return mem_free(s);
}

static ssize_t
on_read(struct fetch *fetch, char *to, size_t room)
{
	struct s3_op *op = container_of(fetch, struct s3_op, fetch);
	ssize_t n = pread(op->fd, to, room, op->at);

	if (n < 0)
		return -EIO;
	op->at += n;
	return n;
}

/* An error's text is not a content. */
static int
on_data(struct fetch *fetch, struct slice data)
{
	struct s3_op *op = container_of(fetch, struct s3_op, fetch);

	if (op->fd < 0 || fetch->status != 200)
		return 0;
	/* more than is asked for: whatever it is, it is not that content */
	if (op->at + (int64_t)data.len > op->size) {
		op->failed = fault_set(&op->job.why, ERR_UPSTREAM,
			"the S3 store gave more than the content's %lld bytes",
			(long long)op->size);
		return op->failed;
	}
	if (op->sum)
		digest_add(op->sum, data);
	while (data.len) {
		ssize_t n = pwrite(op->fd, data.ptr, data.len, op->at);

		if (n < 0)
			return op->failed = place_error(errno);
		op->at += n;
		data = slice_of(data.ptr + n, data.len - (size_t)n);
	}
	return 0;
}

static void
on_head(struct fetch *fetch)
{
	(void)fetch;
}

static const struct fetch_stream sends = {
	.on_head = on_head, .on_data = on_data, .read = on_read};

/* The store is another's machine: what it gives is what was put there, or an
 * error. */
static int
check_sum(struct s3_op *op, struct fault *why)
{
	uint8_t sum[DIGEST_TOP];
	char hex[2 * DIGEST_TOP + 1];

	text_hex_string(hex, sum, digest_end(op->sum, sum));
	if (strcmp(hex, op->sha256) == 0)
		return 0;
	return fault_set(why, ERR_UPSTREAM,
		"the S3 store gave other bytes than were put there: their "
		"SHA-256 is %s",
		hex);
}

static int
verdict(struct s3_op *op, struct fault *why)
{
	long status = op->fetch.status;

	if (status == 404 && op->missing_is_fine)
		return 0;
	if (status == 404 && op->is_get)
		return -ENOENT;
	if (status == 403 || status == 401)
		return fault_set(why, ERR_UPSTREAM_CONFIG,
			"the S3 store refused the key: check "
			"storage.s3_access_key, its secret and s3_region");
	if (status < 200 || status > 299)
		return fault_set(why, ERR_UPSTREAM,
			"the S3 store answered %ld: try again", status);
	if (op->is_get && op->at != op->size)
		return fault_set(why, ERR_UPSTREAM,
			"the S3 store gave %lld bytes of %lld",
			(long long)op->at, (long long)op->size);
	return op->sum ? check_sum(op, why) : 0;
}

static void
on_fetched(struct job *job)
{
	struct s3_op *op = container_of(
		container_of(job, struct fetch, job), struct s3_op, fetch);
	int r = job->err;

	if (op->failed < 0)
		r = op->failed;
	else if (r < 0)
		op->job.why = job->why;
	else
		r = verdict(op, &op->job.why);
	job_finish(&op->job, r);
}

static void
on_drop(struct job *job)
{
	struct s3_op *op = container_of(job, struct s3_op, job);

	job_cancel(&op->fetch.job);
}

static void
start(struct s3_op *op, const char *method, const char *name,
	const char *sha256, int64_t length)
{
	struct s3 *s = op->s3;
	char sum[HEADER];
	bool empty = op->size == 0 && op->fd >= 0 && !op->is_get;
	const char *const headers[] = {
		sum, empty ? "Content-Length: 0" : NULL, NULL};

	(void)snprintf(sum, sizeof(sum), "x-amz-content-sha256: %s", sha256);
	op->url = str_printf("%s%s", s->base, name);
	op->at = 0;
	job_begin(&op->job, s->loop,
		(uint64_t)(op->fd < 0 ? SHORT_MS : LONG_MS), on_drop);
	job_init(&op->fetch.job, on_fetched);
	fetch_start(s->fetcher, &op->fetch,
		&(struct fetch_ask){
			.method = method,
			.url = op->url,
			.headers = headers,
			.stream = &sends,
			.length = length,
			.sigv4 = s->sigv4,
			.sigv4_key = s->key,
		});
}

static void
op_init(struct s3 *s, struct s3_op *op, int fd, int64_t size)
{
	op->s3 = s;
	op->fetch = (struct fetch){0};
	op->fd = fd;
	op->size = size;
	op->url = NULL;
	op->failed = 0;
	op->sum = NULL;
	op->sha256 = "";
	op->missing_is_fine = op->is_get = false;
}

void
s3_put(struct s3 *s, struct s3_op *op, const char *name, int fd, int64_t size,
	const char *sha256)
{
	op_init(s, op, fd, size);
	start(op, "PUT", name, sha256, size);
}

void
s3_get(struct s3 *s, struct s3_op *op, const char *name, int fd, int64_t size,
	const char *sha256)
{
	op_init(s, op, fd, size);
	op->is_get = true;
	op->sha256 = sha256;
	op->sum = digest_new("sha256");
	start(op, "GET", name, EMPTY, 0);
}

void
s3_delete(struct s3 *s, struct s3_op *op, const char *name)
{
	op_init(s, op, -1, 0);
	op->missing_is_fine = true;
	start(op, "DELETE", name, EMPTY, 0);
}

void
s3_done(struct s3_op *op)
{
	job_cancel(&op->job);
	if (op->s3)
		fetch_done(&op->fetch);
	op->url = mem_free(op->url);
	op->sum = op->s3 ? digest_free(op->sum) : NULL;
	op->s3 = NULL;
}
