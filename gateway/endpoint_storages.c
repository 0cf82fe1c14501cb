/*
 * POST /v1/storages/CALL: files for js-sdk 3.x (its GATEWAY mode), the calls of
 * call_storage.c in other words: lists in, lists out, an item that failed says
 * so by "code" and "message".
 */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/text.h"
#include "gateway/endpoint.h"
#include "gateway/file_batch.h"
#include "gateway/file_door.h"

#include <string.h>

enum { UPLOAD_LIFE_S = 3600, AGE_TOP_S = 365 * 86400, ITEM_ROOM = 16 * 1024 };
enum { ID_TOP = FILE_PATH_TOP + 256 };

struct storages {
	struct request *r;
	const struct storages_call *call;
	struct file_batch files;
	json_t *list;
};

/* One path of ours. */
struct storages_call {
	const char *name;
	void (*read)(
		struct storages *s, struct file_task *t, const json_t *item);
	/* What follows {"ID":… of an item that succeeded. */
	void (*put)(struct storages *s, struct buf *to, struct file_task *t);
	const char *id; /* the item's member that names it in the answer */
};

/* ---- reading ---- */

static void
name_path(struct storages *s, struct file_task *t, enum file_verb verb,
	const json_t *name, struct slice *ret)
{
	const char *text = json_string_value(name);

	t->verb = verb;
	if (!t->id)
		t->id = text ? text : "";
	if (!text || json_string_length(name) > ID_TOP) {
		t->err = fault_set(
			&t->why, ERR_PARAM, "a file is named by a string");
		return;
	}
	t->err = file_id_path(
		s->r->gateway->files, slice_str(text), ret, &t->why);
	while (ret->len && ret->ptr[0] == '/')
		*ret = slice_of(ret->ptr + 1, ret->len - 1);
	if (t->err == 0)
		t->err = file_path_check(*ret, &t->why);
}

static void
read_upload(struct storages *s, struct file_task *t, const json_t *item)
{
	name_path(s, t, FILE_VERB_UPLOAD, json_object_get(item, "objectId"),
		&t->path);
}

static void
read_download(struct storages *s, struct file_task *t, const json_t *item)
{
	const json_t *age = json_object_get(item, "maxAge");

	name_path(s, t, FILE_VERB_LOOK, json_object_get(item, "cloudObjectId"),
		&t->path);
	t->age_s = s->r->gateway->conf->storage_link_life / 1000;
	if (json_number_value(age) >= 1)
		t->age_s = json_number_value(age) > AGE_TOP_S
				   ? AGE_TOP_S
				   : (int64_t)json_number_value(age);
}

static void
read_remove(struct storages *s, struct file_task *t, const json_t *item)
{
	name_path(s, t, FILE_VERB_REMOVE,
		json_object_get(item, "cloudObjectId"), &t->path);
}

static void
read_copy(struct storages *s, struct file_task *t, const json_t *item)
{
	name_path(s, t, FILE_VERB_COPY, json_object_get(item, "srcPath"),
		&t->path);
	if (t->err < 0)
		return;
	name_path(
		s, t, FILE_VERB_COPY, json_object_get(item, "dstPath"), &t->to);
	t->overwrite = !json_is_false(json_object_get(item, "overwrite"));
	t->move = json_is_true(json_object_get(item, "removeOriginal"));
	if (t->err == 0)
		t->id = file_id_make(
			s->r->gateway->files, request_arena(s->r), t->to);
}

/* ---- answering ---- */

/* `named`: it lets in whom it was given to, by the rules that hold then. */
static const char *
link_of(struct storages *s, struct slice path, enum file_link_may may,
	bool named, int64_t age_s)
{
	struct request *r = s->r;
	struct arena *arena = request_arena(r);
	const struct file_link link = {.may = may,
		.path = path,
		.until_s = clock_now_s() + age_s,
		.who = named ? file_who(arena, &r->caller) : SLICE("")};

	return file_url(
		r->gateway, arena, file_base(r->gateway, arena, r), &link);
}

static void
put_upload(struct storages *s, struct buf *to, struct file_task *t)
{
	struct request *r = s->r;
	const char *id =
		file_id_make(r->gateway->files, request_arena(r), t->path);
	const char *url =
		link_of(s, t->path, FILE_LINK_PUT, true, UPLOAD_LIFE_S);
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf hex = {0};

	buf_init(&hex, 64);
	crypto_sha1(slice_str(id), sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	val_put_text(to, "uploadUrl", slice_str(url));
	val_put_text(to, "authorization", slice_str(strchr(url, '?') + 1));
	val_put_text(to, "token", SLICE("mpcloud"));
	val_put_text(to, "cloudObjectId", slice_str(id));
	val_put_text(to, "cloudObjectMeta", buf_all(&hex));
	val_put_text(to, "downloadUrl",
		slice_str(link_of(s, t->path, FILE_LINK_GET, true,
			r->gateway->conf->storage_link_life / 1000)));
}

static void
put_download(struct storages *s, struct buf *to, struct file_task *t)
{
	const char *url = link_of(s, t->path, FILE_LINK_GET, false, t->age_s);

	val_put_text(to, "downloadUrl", slice_str(url));
}

static void
put_nothing(struct storages *s, struct buf *to, struct file_task *t)
{
	(void)s, (void)to, (void)t;
}

static const struct storages_call calls[] = {
	{"get-objects-upload-info", read_upload, put_upload, "objectId"},
	{"get-objects-download-info", read_download, put_download,
		"cloudObjectId"},
	{"delete-objects", read_remove, put_nothing, "cloudObjectId"},
	{"copy-objects", read_copy, put_nothing, "cloudObjectId"},
};

static void
put_item(struct storages *s, struct buf *to, struct file_task *t)
{
	buf_printf(to, "{\"%s\":", s->call->id);
	buf_json(to, slice_str(t->id));
	if (t->err == 0) {
		s->call->put(s, to, t);
	} else {
		val_put_text(to, "code", slice_str(err_info(t->err)->wire));
		val_put_text(to, "message",
			slice_str(t->err > -1000
					  ? err_info(t->err)->text
					  : fault_text(&t->why, t->err)));
	}
	buf_char(to, '}');
}

static int
answer(struct storages *s)
{
	_buf_ struct buf to = {0};

	buf_init(&to, (s->files.count + 1) * ITEM_ROOM);
	buf_char(&to, '[');
	for (size_t i = 0; i < s->files.count; i++) {
		if (i)
			buf_char(&to, ',');
		put_item(s, &to, &s->files.task[i]);
	}
	buf_char(&to, ']');
	if (buf_check(&to) < 0)
		return ERR_ANSWER_BIG;
	return request_reply(s->r, 200,
		slice_of(arena_str(request_arena(s->r), buf_all(&to)), to.len));
}

static void
on_batch(struct job *job)
{
	struct file_batch *files = container_of(job, struct file_batch, job);
	struct storages *s = container_of(files, struct storages, files);

	request_finish(s->r, answer(s), NULL);
}

static void
on_end(struct request *r)
{
	struct storages *s = r->act;

	json_decref(s->list);
}

static int
find_call(struct request *r, const struct storages_call **ret)
{
	for (size_t i = 0; i < array_size(calls); i++)
		if (slice_is(r->param, calls[i].name)) {
			*ret = &calls[i];
			return 0;
		}
	return fault_set(&r->why, ERR_NOT_FOUND,
		"/v1/storages/ has get-objects-upload-info, "
		"get-objects-download-info, delete-objects and copy-objects");
}

static int
read_list(struct storages *s)
{
	struct request *r = s->r;
	size_t values = VAL_REQUEST_TOP;
	int e = val_parse_some(&s->list, exchange_body(r->x), &values, &r->why);

	if (e < 0)
		return e;
	s->files.count = json_array_size(s->list);
	if (!s->files.count || s->files.count > FILE_BATCH_TOP)
		return fault_set(&r->why, ERR_PARAM,
			"the body must be a list of 1 to %d objects",
			FILE_BATCH_TOP);
	return exchange_hold(
		r->x, (VAL_REQUEST_TOP - values) * (size_t)VAL_WEIGHT);
}

int
endpoint_storages(struct request *r)
{
	struct storages *s = arena_new(request_arena(r), struct storages);
	int e = find_call(r, &s->call);

	if (e < 0)
		return e;
	if (!r->gateway->files)
		return fault_set(
			&r->why, ERR_UNIMPLEMENTED, "storage is off here");
	s->r = r;
	r->act = s;
	r->end = on_end;
	r->action = s->call->name;
	e = read_list(s);
	if (e < 0)
		return e;
	s->files.arena = request_arena(r);
	s->files.scope = (struct file_scope){
		.admin = caller_is_admin(&r->caller), .caller = &r->caller};
	s->files.task = arena_get(
		request_arena(r), s->files.count * sizeof(struct file_task));
	for (size_t i = 0; i < s->files.count; i++)
		s->call->read(s, &s->files.task[i], json_array_get(s->list, i));
	job_init(&s->files.job, on_batch);
	(void)request_wait(r, &s->files.job);
	file_batch_run(r->gateway->files, r->gateway->loop, &s->files);
	return STEP_WAIT;
}
