/*
 * An id is "mpc." and, in base64url, the sealed text "EXPIRES OPENID JSON". The
 * seal is bound to the appid; the openid stands inside, so that an id in the
 * wrong hands is told from one that is no id at all.
 */
#include "wechat/cloudid.h"

#include "base/mem.h"
#include "base/text.h"
#include "wechat/opendata.h"

#include <stdio.h>

static const char prefix[] = "mpc.";

enum { PLACE_TOP = 256 };

bool
cloudid_is_ours(struct slice id)
{
	return slice_starts(id, prefix);
}

static struct slice
place_of(char room[PLACE_TOP], struct slice appid)
{
	int n = snprintf(room, PLACE_TOP, "cloudid:%.*s", SLICE_ARG(appid));

	return slice_of(room, (size_t)min(n, PLACE_TOP - 1));
}

int
cloudid_make(struct seal *seal, struct slice appid, struct slice openid,
	const json_t *data, int64_t now_s, struct buf *to)
{
	_buf_ struct buf plain, sealed;
	char room[PLACE_TOP];
	int r;

	buf_init(&plain, OPENDATA_PLAIN_TOP + PLACE_TOP);
	buf_init(&sealed, OPENDATA_PLAIN_TOP + 2 * PLACE_TOP);
	buf_i64(&plain, now_s + CLOUDID_LIFE_S);
	buf_char(&plain, ' ');
	buf_slice(&plain, openid);
	buf_char(&plain, ' ');
	val_put(&plain, data);
	r = buf_check(&plain);
	if (r == 0)
		r = seal_close(
			seal, place_of(room, appid), buf_all(&plain), &sealed);
	mem_wipe(plain.ptr, plain.len);
	if (r < 0)
		return r;
	buf_str(to, prefix);
	text_base64url(to, buf_all(&sealed));
	return buf_check(to);
}

static int
plain_read(struct slice text, struct slice openid, int64_t now_s, json_t **ret)
{
	struct slice expires, who;
	uint64_t end;

	if (!slice_split(&text, ' ', &expires) ||
		!slice_split(&text, ' ', &who) ||
		slice_to_u64(expires, INT64_MAX, &end) < 0)
		return ERR_CLOUDID_BAD;
	if (!slice_eq(who, openid))
		return ERR_CLOUDID_USER;
	if ((int64_t)end <= now_s)
		return ERR_CLOUDID_OLD;
	return val_parse(ret, text, NULL) < 0 ? ERR_CLOUDID_BAD : 0;
}

int
cloudid_open(struct seal *seal, struct slice appid, struct slice openid,
	struct slice id, int64_t now_s, json_t **ret)
{
	_buf_ struct buf plain, sealed;
	char room[PLACE_TOP];
	int r;

	buf_init(&plain, CLOUDID_TOP);
	buf_init(&sealed, CLOUDID_TOP);
	if (!slice_starts(id, prefix) || id.len > CLOUDID_TOP ||
		text_unbase64url(&sealed, slice_of(id.ptr + 4, id.len - 4)) <
			0 ||
		seal_open(seal, place_of(room, appid), buf_all(&sealed),
			&plain) < 0)
		return ERR_CLOUDID_BAD;
	r = plain_read(buf_all(&plain), openid, now_s, ret);
	mem_wipe(plain.ptr, plain.len);
	return r;
}

/* The numbers of WeChat's client library for cloudIDs. */
static int
number_of(int err)
{
	switch (err) {
	case ERR_CLOUDID_OLD:
	case ERR_OPEN_DATA_OLD:
	case ERR_OPEN_DATA_KEY:
		return -601006;
	case ERR_CLOUDID_USER:
	case ERR_OPEN_DATA_APPID:
		return -601007;
	case ERR_CLOUDID_BAD:
	case ERR_OPEN_DATA_FORMAT:
	case ERR_OPEN_DATA_SIGNATURE:
	case ERR_OPEN_DATA_NO_KEY:
		return -601005;
	default:
		return -601001;
	}
}

json_t *
cloudid_item(struct slice id, json_t *data, int err, const struct fault *why)
{
	const char *text = err < 0 ? fault_text(why, err) : "";

	/* What a function sends may be no text, and a sentence that was cut
	 * may end within a character. */
	if (!text_is_utf8(id))
		id = SLICE("");
	if (!text_is_utf8(slice_str(text)))
		text = err_info(err)->text;
	if (err < 0)
		return json_pack("{s:s%,s:i,s:s,s:s}", "cloudID", id.ptr,
			id.len, "errCode", number_of(err), "errMsg", text,
			"code", err_info(err)->wire);
	return json_pack("{s:s%,s:O}", "cloudID", id.ptr, id.len, "data", data);
}
