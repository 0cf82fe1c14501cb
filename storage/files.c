/*
 * The files of one gateway: what its parts share, paths and their ids.
 */
#include "storage/files_inside.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "storage/lifecycle.h"
#include "storage/s3.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As long as calls of the queue may wait and be tried. */
enum { CHECK_LINK_S = 7 * 86400 };

static void
conf_copy(struct files_conf *to, const struct files_conf *from)
{
	*to = *from;
	to->dir = str_dup(from->dir);
	to->env = str_dup(from->env);
	to->bucket = str_dup(from->bucket ? from->bucket : from->env);
	to->check_function =
		str_dup(from->check_function ? from->check_function : "");
	to->check_prefix =
		str_dup(from->check_prefix ? from->check_prefix : "");
	to->thumb_program = NULL;
	to->s3_endpoint = to->s3_region = to->s3_bucket = NULL;
	to->s3_prefix = to->s3_access_key = to->s3_secret_key = NULL;
}

int
files_new(struct files **ret, struct loop *loop, struct pool *pool,
	struct fetcher *fetcher, const struct files_conf *conf,
	struct fault *why)
{
	_cleanup_(files_freep) struct files *f = mem_new(struct files);
	int r;

	f->loop = loop;
	f->pool = pool;
	f->fetcher = fetcher;
	conf_copy(&f->conf, conf);
	if (conf->link_key.len)
		memcpy(f->link_key, conf->link_key.ptr,
			min(conf->link_key.len, sizeof(f->link_key)));
	r = place_new(&f->place, loop,
		&(struct place_conf){
			.dir = f->conf.dir, .reserve = conf->reserve},
		why);
	if (r < 0)
		return r;
	if (conf->s3_endpoint && *conf->s3_endpoint)
		r = s3_new(&f->s3, fetcher, loop,
			&(struct s3_conf){
				.endpoint = conf->s3_endpoint,
				.region = conf->s3_region,
				.bucket = conf->s3_bucket,
				.prefix = conf->s3_prefix,
				.access_key = conf->s3_access_key,
				.secret_key = conf->s3_secret_key,
			},
			why);
	if (r < 0)
		return r;
	f->hot = hot_new(loop);
	files_configure(f, conf);
	f->thumbs = thumbs_new(conf->thumb_program);
	f->gone = gone_new(f);
	inflows_init(&f->inflows);
	f->lifecycle = lifecycle_new(f);
	*ret = take(f);
	return 0;
}

struct files *
files_free(struct files *f)
{
	if (!f)
		return NULL;
	f->lifecycle = lifecycle_free(f->lifecycle);
	f->gone = gone_free(f->gone);
	f->thumbs = thumbs_free(f->thumbs);
	f->hot = hot_free(f->hot);
	f->place = place_free(f->place);
	f->s3 = s3_free(f->s3);
	f->rules = file_rules_free(f->rules);
	mem_wipe(f->link_key, sizeof(f->link_key));
	(void)mem_free((void *)(uintptr_t)f->conf.dir);
	(void)mem_free((void *)(uintptr_t)f->conf.env);
	(void)mem_free((void *)(uintptr_t)f->conf.bucket);
	(void)mem_free((void *)(uintptr_t)f->conf.check_function);
	(void)mem_free((void *)(uintptr_t)f->conf.check_prefix);
	return mem_free(f);
}

static void
text_set(const char **to, const char *text)
{
	(void)mem_free((void *)(uintptr_t)*to);
	*to = str_dup(text ? text : "");
}

void
files_configure(struct files *f, const struct files_conf *conf)
{
	f->conf.file_top = conf->file_top;
	f->conf.user_quota = conf->user_quota;
	f->conf.total_quota = conf->total_quota;
	f->conf.reserve = conf->reserve;
	hot_configure(f->hot, &(struct hot_conf){
				      .marks = f->conf.marks,
				      .memory = conf->hot_memory,
				      .age_ms = conf->hot_age,
			      });
	place_set_reserve(f->place, conf->reserve);
	text_set(&f->conf.check_function, conf->check_function);
	text_set(&f->conf.check_prefix, conf->check_prefix);
}

struct slice
files_link_key(const struct files *f)
{
	return slice_of(f->link_key, sizeof(f->link_key));
}

static int
check_segment(struct slice s, struct fault *why)
{
	if (s.len == 0)
		return fault_set(why, ERR_PARAM,
			"a file's path has no empty part: no / at its begin or "
			"end, no //");
	if (slice_is(s, ".") || slice_is(s, ".."))
		return fault_set(
			why, ERR_PARAM, "a file's path has no part . or ..");
	return 0;
}

int
file_path_check(struct slice path, struct fault *why)
{
	const char *at = path.ptr, *end = path.ptr + path.len;

	if (path.len == 0 || path.len > FILE_PATH_TOP)
		return fault_set(why, ERR_PARAM,
			"a file's path has 1 to %d bytes", FILE_PATH_TOP);
	if (!text_is_utf8(path))
		return fault_set(
			why, ERR_PARAM, "a file's path is text in UTF-8");
	for (size_t i = 0; i < path.len; i++)
		if ((unsigned char)path.ptr[i] < ' ' || path.ptr[i] == 127)
			return fault_set(why, ERR_PARAM,
				"a file's path has no control characters");
	for (;;) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const char *stop = slash ? slash : end;
		int r = check_segment(slice_of(at, (size_t)(stop - at)), why);

		if (r < 0 || !slash)
			return r;
		at = slash + 1;
	}
}

const char *
file_id_make(const struct files *f, struct arena *arena, struct slice path)
{
	return arena_printf(arena, "cloud://%s.%s/%.*s", f->conf.env,
		f->conf.bucket, SLICE_ARG(path));
}

int
file_id_path(const struct files *f, struct slice id, struct slice *ret,
	struct fault *why)
{
	static const char scheme[] = "cloud://";
	size_t env = strlen(f->conf.env), skip = sizeof(scheme) - 1;
	const char *slash;

	*ret = id;
	if (!slice_starts(id, scheme))
		return file_path_check(id, why);
	id = slice_of(id.ptr + skip, id.len - skip);
	slash = id.len ? memchr(id.ptr, '/', id.len) : NULL;
	if (!slash)
		return fault_set(
			why, ERR_PARAM, "a fileID is cloud://ENV.BUCKET/PATH");
	/* the bucket is not asked: it is told differently over the years */
	if (id.len < env || memcmp(id.ptr, f->conf.env, env) != 0 ||
		(id.ptr[env] != '.' && id.ptr[env] != '/'))
		return fault_set(why, ERR_PARAM,
			"the fileID is not of this environment (%s)",
			f->conf.env);
	*ret = slice_of(slash + 1, id.len - (size_t)(slash + 1 - id.ptr));
	return file_path_check(*ret, why);
}

struct slice
file_number(struct arena *arena, int64_t n)
{
	return slice_str(arena_printf(arena, "%" PRId64, n));
}

struct slice
file_caller(struct arena *arena, const struct file_scope *scope)
{
	const struct caller *c = scope->caller;
	_buf_ struct buf b = {0};

	buf_init(&b, 16384);
	buf_str(&b, "{\"source\":\"wx_trigger\",\"uid\":");
	buf_json(&b, slice_str(c && c->uid ? c->uid : ""));
	buf_str(&b, ",\"openid\":");
	buf_json(&b, slice_str(c && c->openid ? c->openid : ""));
	buf_str(&b, ",\"unionid\":");
	buf_json(&b, slice_str(c && c->unionid ? c->unionid : ""));
	buf_str(&b, ",\"appid\":");
	buf_json(&b, slice_str(c && c->appid ? c->appid : ""));
	buf_char(&b, '}');
	return slice_str(arena_str(arena, buf_all(&b)));
}

bool
file_is_checked(const struct files *f, const struct file_scope *scope,
	struct slice path)
{
	return *f->conf.check_function && !scope->admin &&
	       slice_starts(path, f->conf.check_prefix);
}

struct slice
file_check(const struct files *f, struct arena *arena,
	const struct file_scope *scope, struct slice path)
{
	const struct files_conf *conf = &f->conf;
	const char *url = "";
	_buf_ struct buf b = {0};

	if (!file_is_checked(f, scope, path))
		return slice_of(NULL, 0);
	if (conf->check_url)
		url = conf->check_url(
			conf->owner, arena, path, clock_now_s() + CHECK_LINK_S);
	buf_init(&b, 16384);
	buf_str(&b, "{\"function\":");
	buf_json(&b, slice_str(conf->check_function));
	buf_str(&b, ",\"url\":");
	buf_json(&b, slice_str(url));
	buf_char(&b, '}');
	return slice_str(arena_str(arena, buf_all(&b)));
}

int
file_verdict(const struct files *f, struct slice verdict, struct fault *why)
{
	if (slice_is(verdict, "none"))
		return ERR_FILE_NONE;
	if (slice_is(verdict, "exists"))
		return fault_set(why, ERR_CONFLICT,
			"there is a file at this path already");
	if (slice_is(verdict, "archived"))
		return ERR_FILE_ARCHIVED;
	if (slice_is(verdict, "held"))
		return fault_set(why, ERR_FILE_DENIED,
			"the file waits for its content check");
	if (slice_is(verdict, "user_quota"))
		return ERR_FILE_QUOTA;
	if (slice_is(verdict, "total_quota"))
		return fault_set(why, ERR_FILE_FULL,
			"all files together have reached storage.quota "
			"(%" PRId64 " bytes): delete some, or raise it",
			f->conf.total_quota);
	return ERR_INTERNAL;
}

void
file_woke(struct files *f, int64_t calls)
{
	if (calls > 0 && f->conf.woke)
		f->conf.woke(f->conf.owner);
}
