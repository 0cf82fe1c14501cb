/*
 * Sealed texts of the watch protocol: JSON under the brief key (auth/seal.h),
 * in base64url.  Each kind has a word of its own as associated data, so that
 * one cannot be shown as the other.
 */
#include "watch/watch_sign.h"

#include "base/text.h"
#include "base/val.h"

#include <inttypes.h>
#include <stdlib.h>

enum { TOP = 64 * 1024 };

static const struct slice login_word = {"watch login", 11};
static const struct slice query_word = {"watch query", 11};

static int
put_sealed(struct seal *seal, struct slice word, const struct buf *plain,
	struct buf *to)
{
	_buf_ struct buf sealed = {0};
	int e = buf_check(plain);

	if (e < 0)
		return e;
	buf_init(&sealed, TOP);
	e = seal_close(seal_brief(seal), word, buf_all(plain), &sealed);
	if (e < 0)
		return e;
	text_base64url(to, buf_all(&sealed));
	return buf_check(to);
}

/* The JSON object inside, or NULL. */
static json_t *
open_sealed(struct seal *seal, struct slice word, struct slice text)
{
	_buf_ struct buf sealed, plain;
	struct seal *brief = seal_brief(seal);
	json_t *v = NULL;

	buf_init(&sealed, TOP);
	buf_init(&plain, TOP);
	if (text.len > TOP || text_unbase64url(&sealed, text) < 0 ||
		seal_open(brief, word, buf_all(&sealed), &plain) < 0 ||
		val_parse(&v, buf_all(&plain), NULL) < 0)
		return NULL;
	return v;
}

static void
put_text(struct buf *to, const char *name, const char *text)
{
	val_put_text(to, name, slice_str(text ? text : ""));
}

int
watch_sign_put(struct seal *seal, const struct caller *who, int64_t now_s,
	struct buf *to)
{
	_buf_ struct buf b;

	buf_init(&b, TOP);
	buf_printf(&b, "{\"until\":%" PRId64 ",\"sid\":\"%016" PRIx64 "\"",
		now_s + WATCH_SIGN_LIFE_S, who->sid);
	put_text(&b, "uid", who->uid);
	put_text(&b, "appid", who->appid);
	put_text(&b, "openid", who->openid);
	put_text(&b, "unionid", who->unionid);
	put_text(&b, "kind", who->kind);
	put_text(&b, "custom", who->custom_id);
	buf_char(&b, '}');
	return put_sealed(seal, login_word, &b, to);
}

static const char *
kept(struct arena *arena, const json_t *v, const char *key)
{
	return arena_str(arena, slice_str(val_text(v, key)));
}

int
watch_sign_open(struct seal *seal, struct slice sign, int64_t now_s,
	struct arena *arena, struct caller *ret)
{
	_json_ json_t *v = open_sealed(seal, login_word, sign);

	if (!v)
		return ERR_TOKEN_BAD;
	if (val_number(v, "until") < now_s)
		return ERR_TOKEN_EXPIRED;
	*ret = (struct caller){
		.role = CALLER_USER,
		.uid = kept(arena, v, "uid"),
		.appid = kept(arena, v, "appid"),
		.openid = kept(arena, v, "openid"),
		.unionid = kept(arena, v, "unionid"),
		.kind = kept(arena, v, "kind"),
		.custom_id = kept(arena, v, "custom"),
		.sid = strtoull(val_text(v, "sid"), NULL, 16),
	};
	return 0;
}

int
watch_place_put(
	struct seal *seal, const struct watch_place *place, struct buf *to)
{
	_buf_ struct buf b;

	buf_init(&b, TOP);
	buf_printf(&b, "{\"e\":\"%016" PRIx64 "\",\"l\":%" PRId64, place->epoch,
		place->limit);
	val_put_text(&b, "u", place->uid);
	val_put_text(&b, "c", place->collection);
	val_put_text(&b, "q", place->query);
	val_put_text(&b, "o", place->order);
	buf_char(&b, '}');
	return put_sealed(seal, query_word, &b, to);
}

int
watch_place_open(struct seal *seal, struct slice query_id, struct arena *arena,
	struct watch_place *ret)
{
	_json_ json_t *v = open_sealed(seal, query_word, query_id);

	if (!v)
		return ERR_PARAM;
	*ret = (struct watch_place){
		.uid = slice_str(kept(arena, v, "u")),
		.collection = slice_str(kept(arena, v, "c")),
		.query = slice_str(kept(arena, v, "q")),
		.order = slice_str(kept(arena, v, "o")),
		.limit = val_number(v, "l"),
		.epoch = strtoull(val_text(v, "e"), NULL, 16),
	};
	return 0;
}
