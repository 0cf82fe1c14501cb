/*
 * The checks on open data.  The one idea: only all of them together tell the
 * right key from a wrong one.  A wrong key gives a valid padding once in 256
 * times, so what opened must be JSON with a watermark before it counts; and
 * that it counts means "this key is the right one", after which whatever is
 * still wrong (another appid, too old) is said by its name.
 *
 * The commonest trouble of WeChat's backends is data encrypted before a
 * wx.login that displaced the key: that is why there are several keys, and why
 * the last error of all says what to do in which order.
 */
#include "wechat/opendata.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>

/* Clocks of WeChat and of this machine may differ by so much. */
enum { AHEAD_S = 600 };

/* From the text to bytes once, whatever the number of keys. */
struct sealed {
	struct buf iv, text;
};

static int
sealed_read(struct sealed *s, const struct opendata_ask *ask, struct fault *why)
{
	if (!ask->iv.ptr)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"iv: it comes beside encryptedData; send both");
	if (ask->encrypted.len > OPENDATA_TOP)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"encryptedData: %d bytes at most", OPENDATA_TOP);
	if (ask->iv.len > 64 || text_unbase64_lenient(&s->iv, ask->iv) < 0 ||
		s->iv.len != SESSION_KEY_BYTES)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"iv: the base64 of 16 bytes, as WeChat gave it");
	if (text_unbase64_lenient(&s->text, ask->encrypted) < 0)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"encryptedData: base64, as WeChat gave it");
	if (!s->text.len || s->text.len % SESSION_KEY_BYTES)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"encryptedData: it is %zu bytes and must be a multiple "
			"of 16: a part was lost on the way",
			s->text.len);
	return 0;
}

static json_t *
watermark(const json_t *data)
{
	json_t *mark = json_object_get(data, "watermark");

	return json_is_string(json_object_get(mark, "appid")) ? mark : NULL;
}

/* The object when this is the key it was encrypted under, else NULL. */
static json_t *
try_key(const struct session_key *key, const struct sealed *s)
{
	_json_ json_t *data = NULL;
	_buf_ struct buf plain;
	int r;

	buf_init(&plain, OPENDATA_TOP + SESSION_KEY_BYTES);
	r = crypto_cbc_open(slice_of(key->bytes, SESSION_KEY_BYTES),
		buf_all(&s->iv), buf_all(&s->text), &plain);
	if (r == 0)
		r = val_parse(&data, buf_all(&plain), NULL);
	mem_wipe(plain.ptr, plain.len);
	return r == 0 && watermark(data) ? json_incref(data) : NULL;
}

static bool
is_text(const json_t *v, struct slice s)
{
	return slice_eq(
		slice_of(json_string_value(v), json_string_length(v)), s);
}

/* Data of the right key: is it this app's, this user's, of today? */
static int
check_data(
	const struct opendata_ask *ask, const json_t *data, struct fault *why)
{
	const json_t *mark = watermark(data);
	const json_t *openid = json_object_get(data, "openId");
	const json_t *time = json_object_get(mark, "timestamp");
	int64_t at = json_integer_value(time);

	if (!is_text(json_object_get(mark, "appid"), ask->appid))
		return fault_set(why, ERR_OPEN_DATA_APPID,
			"watermark.appid: the data is another mini program's, "
			"the login was to %.*s",
			SLICE_ARG(ask->appid));
	if (openid && !(json_is_string(openid) && is_text(openid, ask->openid)))
		return fault_set(why, ERR_OPEN_DATA_APPID,
			"openId: the data is another user's");
	if (!ask->age_s)
		return 0;
	if (!json_is_integer(time) || at > ask->now_s + AHEAD_S)
		return fault_set(why, ERR_OPEN_DATA_OLD,
			"watermark.timestamp: it lies in the future; is this "
			"server's clock right?");
	if (at < ask->now_s - ask->age_s)
		return fault_set(why, ERR_OPEN_DATA_OLD,
			"watermark.timestamp: the data is %" PRId64
			" s old, wechat.open_data_age allows %" PRId64
			" s: ask WeChat for it again",
			ask->now_s - at, ask->age_s);
	return 0;
}

static bool
is_signed(const struct session_key *key, const struct opendata_ask *ask)
{
	uint8_t sum[SHA1_LEN];
	_buf_ struct buf text, hex;

	buf_init(&text, OPENDATA_TOP + SESSION_KEY_TEXT);
	buf_init(&hex, 2 * SHA1_LEN);
	buf_slice(&text, ask->raw);
	buf_str(&text, key->text);
	crypto_sha1(buf_all(&text), sum);
	mem_wipe(text.ptr, text.len);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	return crypto_eq(buf_all(&hex), ask->signature);
}

static int
check_signature(const struct session_keys *keys, const struct opendata_ask *ask,
	struct fault *why)
{
	if (!ask->raw.ptr || ask->raw.len > OPENDATA_TOP)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"rawData: the string beside signature is needed, %d "
			"bytes at most",
			OPENDATA_TOP);
	for (int i = 0; i < keys->count; i++)
		if (is_signed(&keys->key[i], ask))
			return 0;
	return ERR_OPEN_DATA_SIGNATURE;
}

static int
open_data(const struct session_keys *keys, const struct opendata_ask *ask,
	struct sealed *s, json_t **ret, struct fault *why)
{
	_json_ json_t *data = NULL;
	int r = sealed_read(s, ask, why);

	for (int i = 0; r == 0 && !data && i < keys->count; i++)
		data = try_key(&keys->key[i], s);
	if (r == 0 && !data)
		r = ERR_OPEN_DATA_KEY;
	if (r == 0)
		r = check_data(ask, data, why);
	if (r == 0)
		*ret = json_incref(data);
	return r;
}

int
opendata_open(const struct session_keys *keys, const struct opendata_ask *ask,
	json_t **ret, struct fault *why)
{
	struct sealed s;
	int r = 0;

	*ret = NULL;
	if (!ask->encrypted.ptr && !ask->signature.ptr)
		return fault_set(why, ERR_OPEN_DATA_FORMAT,
			"encryptedData: is needed (or rawData with its "
			"signature)");
	if (!keys->count)
		return ERR_OPEN_DATA_NO_KEY;
	if (ask->encrypted.ptr) {
		buf_init(&s.iv, 64);
		buf_init(&s.text, OPENDATA_TOP);
		r = open_data(keys, ask, &s, ret, why);
		buf_done(&s.iv);
		buf_done(&s.text);
	}
	if (r == 0 && ask->signature.ptr)
		r = check_signature(keys, ask, why);
	if (r < 0) {
		json_decref(*ret);
		*ret = NULL;
	}
	return r;
}

void
opendata_sign(const struct session_key *key, struct slice message,
	char ret[2 * SHA256_LEN + 1])
{
	uint8_t sum[SHA256_LEN];

	crypto_hmac_sha256(slice_str(key->text), message, sum);
	text_hex_string(ret, sum, sizeof(sum));
	mem_wipe(sum, sizeof(sum));
}
