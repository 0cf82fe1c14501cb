/*
 * storage.*: files for CloudBase's SDKs.  Bytes go over HTTP to addresses that
 * are given out here, signed; so an SDK needs nothing of us but these calls.
 *
 * A function's uploads, and what it downloads, go to its gateway's socket; the
 * links that it passes on to its users lead where they reach us.
 */
#include "gateway/call.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "gateway/file_batch.h"
#include "gateway/file_door.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

#include <string.h>

enum {
	ID_TOP = FILE_PATH_TOP + 256,
	UPLOAD_LIFE_S = 3600,
	AGE_TOP_S = 365 * 86400,
	ITEM_ROOM = 16 * 1024,
};

struct batch {
	struct call *call;
	struct file_batch files;
	struct caller other; /* whose rights are asked about */
	int (*answer)(struct batch *b);
};

/* ---- common ---- */

static bool
is_function(const struct call *c)
{
	return c->caller->role == CALLER_FUNCTION;
}

/* Whose door: a page's own address, or where pages reach us. */
static const char *
base_of(const struct call *c)
{
	return file_base(
		c->gateway, c->arena, is_function(c) ? NULL : c->request);
}

static void
on_batch(struct job *job)
{
	struct file_batch *files = container_of(job, struct file_batch, job);
	struct batch *b = container_of(files, struct batch, files);
	struct call *c = b->call;

	call_end(c, b->answer(b), NULL);
}

static int
batch_new(struct call *c, size_t count, int (*answer)(struct batch *b),
	struct batch **ret)
{
	struct batch *b;

	if (!c->gateway->files)
		return fault_set(
			&c->job.why, ERR_UNIMPLEMENTED, "storage is off here");
	if (!count || count > FILE_BATCH_TOP)
		return fault_set(&c->job.why, ERR_PARAM,
			"a list of 1 to %d files is wanted, not of %zu",
			FILE_BATCH_TOP, count);
	b = arena_new(c->arena, struct batch);
	b->call = c;
	b->answer = answer;
	b->files.arena = c->arena;
	b->files.scope = (struct file_scope){
		.admin = caller_is_admin(c->caller), .caller = c->caller};
	b->files.task = arena_try(c->arena, count * sizeof(struct file_task));
	b->files.count = count;
	if (!b->files.task)
		return ERR_TOO_BIG;
	job_init(&b->files.job, on_batch);
	*ret = b;
	return 0;
}

static int
batch_start(struct batch *b)
{
	struct call *c = b->call;

	call_wait(c, &b->files.job);
	file_batch_run(c->gateway->files, c->gateway->loop, &b->files);
	return 0;
}

/* A file that is named wrongly has its error to itself. */
static void
task_name(struct call *c, struct file_task *t, enum file_verb verb,
	const json_t *id)
{
	const char *s = json_string_value(id);

	t->verb = verb;
	t->id = s ? s : "";
	if (!s || json_string_length(id) > ID_TOP) {
		t->err = fault_set(&t->why, ERR_PARAM,
			"a file is named by its fileID, a string");
		return;
	}
	t->err = file_id_path(
		c->gateway->files, slice_str(t->id), &t->path, &t->why);
}

/* {"fileID":…,"fileid":…,"code":…,"message":…  without the end */
static void
put_outcome(struct buf *to, const struct file_task *t)
{
	buf_str(to, "{\"fileID\":");
	buf_json(to, slice_str(t->id));
	val_put_text(to, "fileid", slice_str(t->id));
	val_put_text(to, "code",
		slice_str(t->err < 0 ? err_info(t->err)->wire : "SUCCESS"));
	if (t->err < 0)
		val_put_text(to, "message",
			slice_str(t->err > -1000
					  ? err_info(t->err)->text
					  : fault_text(&t->why, t->err)));
}

/* {"NAME":[…]} */
static int
answer_list(struct batch *b, const char *name,
	void (*put)(struct batch *b, struct buf *to, struct file_task *t))
{
	struct call *c = b->call;
	_buf_ struct buf to = {0};

	buf_init(&to, (b->files.count + 1) * ITEM_ROOM);
	buf_printf(&to, "{\"%s\":[", name);
	for (size_t i = 0; i < b->files.count; i++) {
		if (i)
			buf_char(&to, ',');
		put(b, &to, &b->files.task[i]);
	}
	buf_str(&to, "]}");
	if (buf_check(&to) < 0)
		return ERR_ANSWER_BIG;
	return call_answer(
		c, slice_of(arena_str(c->arena, buf_all(&to)), to.len));
}

/* ---- getUploadMetadata ---- */

static void
put_upload(struct batch *b, struct buf *to, struct file_task *t)
{
	struct call *c = b->call;
	const struct gateway *g = c->gateway;
	const char *inside = is_function(c) ? FILE_INSIDE_URL : base_of(c);
	const char *id = file_id_make(g->files, c->arena, t->path);
	struct file_link link = {.may = FILE_LINK_PUT,
		.path = t->path,
		.until_s = clock_now_s() + UPLOAD_LIFE_S,
		.who = file_who(c->arena, c->caller)};
	const char *url = file_url(g, c->arena, inside, &link);
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf hex = {0};

	buf_init(&hex, 64);
	crypto_sha1(slice_str(id), sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	buf_str(to, "{\"url\":");
	buf_json(to, slice_str(url));
	/* What COS would ask for beside the address; ours holds it all. */
	val_put_text(to, "token", SLICE("mpcloud"));
	val_put_text(to, "authorization", slice_str(strchr(url, '?') + 1));
	val_put_text(to, "fileId", slice_str(id));
	val_put_text(to, "cosFileId", buf_all(&hex));
	link.may = FILE_LINK_GET;
	link.until_s = clock_now_s() + g->conf->storage_link_life / 1000;
	val_put_text(to, "download_url",
		slice_str(file_url(g, c->arena, base_of(c), &link)));
	buf_char(to, '}');
}

static int
answer_upload(struct batch *b)
{
	struct call *c = b->call;
	struct file_task *t = b->files.task;
	_buf_ struct buf to = {0};

	if (t->err < 0) {
		c->job.why = t->why;
		return t->err;
	}
	buf_init(&to, ITEM_ROOM);
	put_upload(b, &to, t);
	if (buf_check(&to) < 0)
		return ERR_ANSWER_BIG;
	return call_answer(
		c, slice_of(arena_str(c->arena, buf_all(&to)), to.len));
}

/* "/a/b" is taken for "a/b", as COS does. */
static struct slice
without_slash(struct slice path)
{
	while (path.len && path.ptr[0] == '/')
		path = slice_of(path.ptr + 1, path.len - 1);
	return path;
}

int
call_storage_upload(struct call *c)
{
	struct slice path;
	struct batch *b;
	int e = val_str(c->body, "path", FILE_PATH_TOP, &path, &c->job.why);

	if (e == 0)
		e = batch_new(c, 1, answer_upload, &b);
	if (e < 0)
		return e;
	path = without_slash(path);
	e = file_path_check(path, &c->job.why);
	if (e < 0)
		return e;
	b->files.task->verb = FILE_VERB_UPLOAD;
	b->files.task->path = path;
	return batch_start(b);
}

/* ---- batchGetDownloadUrl ---- */

static void
put_download(struct batch *b, struct buf *to, struct file_task *t)
{
	struct call *c = b->call;
	const char *url = "";

	put_outcome(to, t);
	if (t->err == 0)
		url = file_url(c->gateway, c->arena, base_of(c),
			&(struct file_link){.may = FILE_LINK_GET,
				.path = t->path,
				.until_s = clock_now_s() + t->age_s});
	buf_str(to, ",\"tempFileURL\":");
	buf_json(to, slice_str(url));
	buf_str(to, ",\"download_url\":");
	buf_json(to, slice_str(url));
	buf_printf(to, ",\"maxAge\":%lld}", (long long)t->age_s);
}

static int
answer_download(struct batch *b)
{
	return answer_list(b, "download_list", put_download);
}

static int64_t
age_of(const struct call *c, const json_t *item)
{
	const json_t *v = json_object_get(item, "max_age");
	double age = json_number_value(v);

	if (!json_is_number(v) || age < 1)
		return c->gateway->conf->storage_link_life / 1000;
	return age > AGE_TOP_S ? AGE_TOP_S : (int64_t)age;
}

int
call_storage_download(struct call *c)
{
	const json_t *list = json_object_get(c->body, "file_list");
	struct batch *b;
	int e = batch_new(c, json_array_size(list), answer_download, &b);

	if (e < 0)
		return fault_prefix(&c->job.why, e, "file_list: ");
	for (size_t i = 0; i < b->files.count; i++) {
		const json_t *item = json_array_get(list, i);
		struct file_task *t = &b->files.task[i];

		task_name(c, t, FILE_VERB_LOOK,
			json_is_string(item) ? item
					     : json_object_get(item, "fileid"));
		t->age_s = age_of(c, item);
	}
	return batch_start(b);
}

/* ---- batchDeleteFile ---- */

static void
put_removed(struct batch *b, struct buf *to, struct file_task *t)
{
	(void)b;
	put_outcome(to, t);
	buf_char(to, '}');
}

static int
answer_remove(struct batch *b)
{
	return answer_list(b, "delete_list", put_removed);
}

int
call_storage_remove(struct call *c)
{
	const json_t *list = json_object_get(c->body, "fileid_list");
	struct batch *b;
	int e = batch_new(c, json_array_size(list), answer_remove, &b);

	if (e < 0)
		return fault_prefix(&c->job.why, e, "fileid_list: ");
	for (size_t i = 0; i < b->files.count; i++)
		task_name(c, &b->files.task[i], FILE_VERB_REMOVE,
			json_array_get(list, i));
	return batch_start(b);
}

/* ---- batchCopyFile ---- */

static int
answer_copy(struct batch *b)
{
	return answer_list(b, "copy_list", put_removed);
}

static void
task_copy(struct call *c, struct file_task *t, const json_t *item)
{
	const char *to = json_string_value(json_object_get(item, "dst_path"));
	const json_t *overwrite = json_object_get(item, "overwrite");

	task_name(c, t, FILE_VERB_COPY, json_object_get(item, "src_path"));
	if (t->err < 0)
		return;
	if (!to || strlen(to) > ID_TOP) {
		t->err = fault_set(
			&t->why, ERR_PARAM, "dst_path: a path is wanted");
		return;
	}
	t->path = without_slash(t->path);
	t->err =
		file_id_path(c->gateway->files, slice_str(to), &t->to, &t->why);
	t->to = without_slash(t->to);
	if (t->err == 0)
		t->err = file_path_check(t->to, &t->why);
	/* What CloudBase presumes. */
	t->overwrite = !json_is_false(overwrite);
	t->move = json_is_true(json_object_get(item, "remove_original"));
	t->id = t->err == 0 ? file_id_make(c->gateway->files, c->arena, t->to)
			    : to;
}

int
call_storage_copy(struct call *c)
{
	const json_t *list = json_object_get(c->body, "file_list");
	struct batch *b;
	int e = batch_new(c, json_array_size(list), answer_copy, &b);

	if (e < 0)
		return fault_prefix(&c->job.why, e, "file_list: ");
	for (size_t i = 0; i < b->files.count; i++)
		task_copy(c, &b->files.task[i], json_array_get(list, i));
	return batch_start(b);
}

/* ---- getFileAuthority: what may that user? ---- */

static int
answer_authority(struct batch *b)
{
	struct call *c = b->call;
	size_t count = b->files.count / 2;
	_buf_ struct buf to = {0};

	buf_init(&to, (count + 1) * ITEM_ROOM);
	buf_char(&to, '[');
	for (size_t i = 0; i < count; i++) {
		const struct file_task *read = &b->files.task[2 * i];
		const struct file_task *write = &b->files.task[2 * i + 1];

		buf_str(&to, i ? ",{\"path\":" : "{\"path\":");
		buf_json(&to, slice_str(read->id));
		val_put_text(&to, "cosFileId", slice_str(read->id));
		buf_printf(&to, ",\"read\":%s,\"write\":%s}",
			read->err == 0 ? "true" : "false",
			write->err == 0 ? "true" : "false");
	}
	buf_char(&to, ']');
	if (buf_check(&to) < 0)
		return ERR_ANSWER_BIG;
	return call_answer(
		c, slice_of(arena_str(c->arena, buf_all(&to)), to.len));
}

static int
read_other(struct call *c, struct caller *ret)
{
	struct slice openid, uid;
	int e = val_str_or(
		c->body, "openId", 128, SLICE(""), &openid, &c->job.why);

	if (e == 0)
		e = val_str_or(
			c->body, "uid", 128, SLICE(""), &uid, &c->job.why);
	if (e < 0)
		return e;
	*ret = (struct caller){.role = CALLER_USER,
		.uid = arena_str(c->arena, uid),
		.openid = arena_str(c->arena, openid),
		.appid = c->caller->appid,
		.unionid = "",
		.kind = openid.len ? "wechat" : "custom",
		.custom_id = ""};
	return 0;
}

int
call_storage_authority(struct call *c)
{
	const json_t *list = json_object_get(c->body, "fileList");
	size_t count = json_array_size(list);
	struct batch *b;
	int e = count > FILE_BATCH_TOP / 2
			? fault_set(&c->job.why, ERR_PARAM,
				  "a list of %d files at most is wanted",
				  FILE_BATCH_TOP / 2)
			: batch_new(c, 2 * count, answer_authority, &b);

	if (e < 0)
		return fault_prefix(&c->job.why, e, "fileList: ");
	e = read_other(c, &b->other);
	if (e < 0)
		return e;
	b->files.scope = (struct file_scope){.caller = &b->other};
	for (size_t i = 0; i < count; i++) {
		const json_t *path =
			json_object_get(json_array_get(list, i), "path");

		task_name(c, &b->files.task[2 * i], FILE_VERB_LOOK, path);
		task_name(c, &b->files.task[2 * i + 1], FILE_VERB_UPLOAD, path);
	}
	return batch_start(b);
}
