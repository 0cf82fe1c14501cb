/*
 * Any API of the platform that has no file of its own: with a good access_token
 * it is answered with what was asked, so that a call of any name can be tested
 * down to its bytes.  The token itself is not repeated: answers end in logs.
 */

#include "generic.h"

#include "credential.h"
#include "random.h"
#include "upload.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>

enum { MEDIA_TOP = 64, TEXT_TOP = 64 * 1024, VALUE_TOP = 8192, ID_LEN = 64 };

struct media {
	struct item item; /* by media_id */
	const struct mini *mini;
	char *type;
	void *bytes;
	size_t len;
};

static void
media_free(struct item *item)
{
	struct media *m = container_of(item, struct media, item);

	mem_free(m->type);
	mem_free(m->bytes);
	mem_free(m);
}

void
generic_init(struct sandbox *s)
{
	store_init(&s->media, MEDIA_TOP, media_free);
}

void
generic_done(struct sandbox *s)
{
	store_done(&s->media);
}

/* WeChat puts a request id at the end of its sentences. */
void
answer_errcode(struct answer *a, int errcode, const char *errmsg)
{
	char rid[27];

	random_letters(rid, sizeof(rid) - 1, HEX);
	rid[8] = rid[17] = '-';
	buf_printf(&a->body, "{\"errcode\":%d,\"errmsg\":", errcode);
	if (errcode != 0) {
		_free_ char *text = str_printf("%s, rid: %s", errmsg, rid);

		buf_json(&a->body, slice_str(text));
	} else {
		buf_json(&a->body, slice_str(errmsg));
	}
	buf_char(&a->body, '}');
}

/* ---- the echo ---- */

static void
put_unescaped(struct buf *to, struct slice in)
{
	_buf_ struct buf text;

	buf_init(&text, VALUE_TOP);
	if (text_unurl(&text, in, true) < 0)
		buf_clear(&text);
	buf_json(to, buf_all(&text));
}

static void
put_query(struct buf *to, struct slice target)
{
	struct slice path, pair, name;
	bool first = true;

	(void)slice_split(&target, '?', &path);
	buf_char(to, '{');
	while (slice_split(&target, '&', &pair)) {
		if (!slice_split(&pair, '=', &name) ||
			slice_is(name, "access_token"))
			continue;
		buf_str(to, first ? "" : ",");
		put_unescaped(to, name);
		buf_char(to, ':');
		put_unescaped(to, pair);
		first = false;
	}
	buf_char(to, '}');
}

static void
put_sum(struct buf *to, struct slice bytes)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(bytes, sum);
	buf_printf(to, "\"size\":%zu,\"sha256\":\"", bytes.len);
	text_hex(to, slice_of(sum, sizeof(sum)));
	buf_char(to, '"');
}

/* A part with a file name by its sum, a field by its value. */
static void
put_part(struct buf *to, const struct upload_part *p)
{
	buf_str(to, "{\"name\":");
	buf_json(to, p->name);
	if (p->filename.len || p->type.len) {
		buf_str(to, ",\"filename\":");
		buf_json(to, p->filename);
		buf_str(to, ",\"contentType\":");
		buf_json(to, p->type);
		buf_char(to, ',');
		put_sum(to, p->content);
	} else {
		buf_str(to, ",\"value\":");
		buf_json(to, p->content);
	}
	buf_char(to, '}');
}

static void
put_parts(struct buf *to, struct slice type, struct slice body)
{
	struct upload_part p;
	bool bad, first = true;

	buf_str(to, "{\"parts\":[");
	while (upload_next(type, &body, &p, &bad)) {
		buf_str(to, first ? "" : ",");
		put_part(to, &p);
		first = false;
	}
	buf_printf(to, "]%s}", bad ? ",\"malformed\":true" : "");
}

static void
put_body(struct buf *to, struct exchange *x)
{
	struct slice type = exchange_header(x, "Content-Type");
	struct slice body = exchange_body(x);

	if (body.len == 0) {
		buf_str(to, "null");
	} else if (slice_starts(type, "multipart/form-data")) {
		put_parts(to, type, body);
	} else if (val_check(body) == 0) {
		buf_slice(to, body);
	} else if (body.len <= TEXT_TOP && text_is_utf8(body)) {
		buf_json(to, body);
	} else {
		buf_char(to, '{');
		put_sum(to, body);
		buf_char(to, '}');
	}
}

static void
put_echo(struct buf *to, struct exchange *x)
{
	buf_printf(to,
		"\"echo\":{\"method\":\"%s\",\"path\":", exchange_method(x));
	buf_json(to, slice_str(exchange_path(x)));
	buf_str(to, ",\"query\":");
	put_query(to, exchange_target(x));
	buf_str(to, ",\"contentType\":");
	buf_json(to, exchange_header(x, "Content-Type"));
	buf_str(to, ",\"body\":");
	put_body(to, x);
	buf_char(to, '}');
}

static void
answer_echo(struct answer *a, struct exchange *x)
{
	buf_str(&a->body, "{\"errcode\":0,\"errmsg\":\"ok\",");
	put_echo(&a->body, x);
	buf_char(&a->body, '}');
}

void
api_generic(struct sandbox *s, struct exchange *x, struct answer *a)
{
	if (api_enter(s, x, a, NULL))
		answer_echo(a, x);
}

/* ---- media ---- */

/* The first part of that name with a file. */
static bool
file_find(struct exchange *x, struct upload_part *ret)
{
	struct slice rest = exchange_body(x);
	bool bad;

	while (upload_next(
		exchange_header(x, "Content-Type"), &rest, ret, &bad))
		if (slice_is(ret->name, "media") && ret->content.len)
			return true;
	return false;
}

/* api_imgseccheck.  Bytes with "sandbox-risky" among them are a risky picture.
 */
void
api_img_sec_check(struct sandbox *s, struct exchange *x, struct answer *a)
{
	static const char risky[] = "sandbox-risky";
	struct upload_part p;

	if (!api_enter(s, x, a, "POST"))
		return;
	if (file_find(x, &p) &&
		memmem(p.content.ptr, p.content.len, risky, sizeof(risky) - 1))
		answer_errcode(a, 87014, "risky content");
	else
		answer_echo(a, x);
}

void
api_media_upload(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *mini = api_enter(s, x, a, "POST");
	struct slice type = exchange_query(x, "type");
	_free_ char *id = random_name("", ID_LEN, URL_SAFE);
	struct upload_part p;
	struct media *m;

	if (!mini)
		return;
	if (!file_find(x, &p)) {
		answer_errcode(a, 41005, "media data missing");
		return;
	}
	if (!slice_is(type, "image")) {
		answer_errcode(a, 40004, "invalid media type");
		return;
	}
	m = mem_new(struct media);
	m->mini = mini;
	m->type = p.type.len ? str_ndup(p.type.ptr, p.type.len)
			     : str_dup("application/octet-stream");
	m->bytes = mem_dup(p.content.ptr, p.content.len);
	m->len = p.content.len;
	store_add(&s->media, &m->item, slice_str(id));
	buf_printf(&a->body,
		"{\"type\":\"image\",\"media_id\":\"%s\",\"created_at\":%lld,",
		id, (long long)clock_now_s());
	put_echo(&a->body, x);
	buf_char(&a->body, '}');
}

void
api_media_get(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *mini = api_enter(s, x, a, "GET");
	struct item *found =
		store_find(&s->media, exchange_query(x, "media_id"));
	struct media *m =
		found ? container_of(found, struct media, item) : NULL;

	if (!mini)
		return;
	if (!m || m->mini != mini) {
		answer_errcode(a, 40007, "invalid media_id");
		return;
	}
	a->type = NULL;
	exchange_add_header(x, "Content-Type", m->type);
	exchange_add_header(
		x, "Content-Disposition", "attachment; filename=\"media\"");
	buf_add(&a->body, m->bytes, m->len);
}
