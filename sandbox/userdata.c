/*
 * Open data under a session_key, and the two doors that ask about the key
 * (signature.html, api_checksessionkey, api_resetusersessionkey).  The key has
 * two uses: as text in sums and as its sixteen bytes in AES.
 */

#include "userdata.h"

#include "control.h"
#include "credential.h"
#include "random.h"
#include "user.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	CLOUDIDS_TOP = 20000,
	CLOUDID_LEN = 48,
	DATA_TOP = 64 * 1024,
	BLOCK = 16,
	WORD_TOP = 64,
};

struct cloudid {
	struct item item;
	char *openid, *appid;
	json_t *data;
};

static void
cloudid_free(struct item *item)
{
	struct cloudid *c = container_of(item, struct cloudid, item);

	mem_free(c->openid);
	mem_free(c->appid);
	json_decref(c->data);
	mem_free(c);
}

void
userdata_init(struct sandbox *s)
{
	store_init(&s->cloudids, CLOUDIDS_TOP, cloudid_free);
}

void
userdata_done(struct sandbox *s)
{
	store_done(&s->cloudids);
}

/* ---- POST /sandbox/userdata ---- */

/* "now", "previous" or a generation. */
static const struct session_key *
key_choose(const struct user *u, const json_t *which, struct fault *why)
{
	const char *word = json_string_value(which);
	int64_t generation = u->generation;
	const struct session_key *k;

	if (json_is_integer(which))
		generation = json_integer_value(which);
	else if (word && strcmp(word, "previous") == 0)
		generation--;
	else if (which && !(word && strcmp(word, "now") == 0)) {
		(void)fault_set(why, ERR_PARAM,
			"key: now, previous or a generation's number");
		return NULL;
	}
	k = user_key_of(u, generation);
	if (!k)
		(void)fault_set(why, ERR_PARAM,
			"key: the user has no session_key of generation %lld "
			"(the newest is %u); a login makes one",
			(long long)generation, u->generation);
	return k;
}

/* As api/open-api/user-info/wx.getUserInfo.html shows them. */
static json_t *
profile_make(void)
{
	return json_pack("{s:s,s:i,s:s,s:s,s:s,s:s,s:s}", "nickName", "Band",
		"gender", 1, "language", "zh_CN", "city", "Guangzhou",
		"province", "Guangdong", "country", "CN", "avatarUrl",
		"https://thirdwx.qlogo.cn/mmopen/vi_32/sandbox/132");
}

/* What is sealed: the data, who it is of, when and for which app. */
static json_t *
secret_make(const struct user *u, const json_t *ask, const json_t *data)
{
	json_t *all = json_deep_copy(data);
	const json_t *mark = json_object_get(ask, "watermark");
	json_t *made = json_pack("{s:I,s:s}", "timestamp",
		(json_int_t)clock_now_s(), "appid", u->mini->appid);

	if (!json_object_get(ask, "data")) {
		(void)json_object_set_new(
			all, "openId", json_string(u->item.name));
		if (u->unionid)
			(void)json_object_set_new(
				all, "unionId", json_string(u->unionid));
	}
	if (json_is_object(mark))
		(void)json_object_update(made, (json_t *)(uintptr_t)mark);
	(void)json_object_set_new(all, "watermark", made);
	return all;
}

static int
data_seal(const struct session_key *k, const json_t *secret, struct buf *ret_iv,
	struct buf *ret_sealed)
{
	_buf_ struct buf plain, key, sealed;
	char iv[BLOCK];
	int r, pad;

	buf_init(&plain, DATA_TOP);
	buf_init(&key, KEY_TEXT);
	buf_init(&sealed, DATA_TOP + BLOCK);
	val_put(&plain, secret);
	pad = BLOCK - (int)(plain.len % BLOCK);
	for (int i = 0; i < pad; i++)
		buf_char(&plain, (char)pad);
	crypto_random(iv, sizeof(iv));
	r = text_unbase64(&key, slice_str(k->text));
	if (r == 0)
		r = buf_check(&plain);
	if (r == 0)
		r = crypto_cbc_raw_seal(buf_all(&key), slice_of(iv, BLOCK),
			buf_all(&plain), &sealed);
	text_base64(ret_iv, slice_of(iv, BLOCK));
	text_base64(ret_sealed, buf_all(&sealed));
	return r;
}

static void
put_member(struct buf *to, const char *name, struct slice value)
{
	buf_printf(to, "%s\"%s\":", to->len > 1 ? "," : "", name);
	buf_json(to, value);
}

static int
userdata_put(struct buf *to, const struct user *u, const json_t *ask,
	const struct session_key *k)
{
	_json_ json_t *made = profile_make();
	const json_t *data = json_object_get(ask, "data");
	_json_ json_t *secret = NULL;
	_buf_ struct buf raw, signature, iv, sealed;
	uint8_t sum[SHA1_LEN];
	int r;

	if (!data)
		data = made;
	buf_init(&raw, DATA_TOP);
	buf_init(&signature, 2 * SHA1_LEN);
	buf_init(&iv, WORD_TOP);
	buf_init(&sealed, 2 * DATA_TOP);
	secret = secret_make(u, ask, data);
	r = data_seal(k, secret, &iv, &sealed);
	if (r < 0)
		return r;
	val_put(&raw, data);
	buf_char(to, '{');
	put_member(to, "rawData", buf_all(&raw));
	buf_str(&raw, k->text);
	crypto_sha1(buf_all(&raw), sum);
	text_hex(&signature, slice_of(sum, sizeof(sum)));
	put_member(to, "signature", buf_all(&signature));
	put_member(to, "encryptedData", buf_all(&sealed));
	put_member(to, "iv", buf_all(&iv));
	buf_char(to, '}');
	return buf_check(&raw);
}

void
control_userdata(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	const struct session_key *k;
	const json_t *data;
	struct fault why = {0};
	struct user *u;
	int r = control_parse(x, &ask, &why);

	data = json_object_get(ask, "data");
	if (r == 0 && data && !json_is_object(data))
		r = fault_set(&why, ERR_PARAM, "data: an object");
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	u = user_named(s, ask, a);
	if (!u)
		return;
	k = key_choose(u, json_object_get(ask, "key"), &why);
	if (k && userdata_put(&a->body, u, ask, k) < 0) {
		buf_clear(&a->body);
		(void)fault_set(&why, ERR_TOO_BIG, "data: too large");
		k = NULL;
	}
	if (!k)
		control_refuse(a, &why);
}

/* ---- POST and GET /sandbox/cloudid ---- */

void
control_cloudid_new(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	json_t *data = NULL;
	struct cloudid *c;
	struct fault why = {0};
	struct user *u;
	_free_ char *name = random_name("", CLOUDID_LEN, URL_SAFE);
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_obj(ask, "data", &data, &why);
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	u = user_named(s, ask, a);
	if (!u)
		return;
	c = mem_new(struct cloudid);
	c->openid = str_dup(u->item.name);
	c->appid = str_dup(u->mini->appid);
	c->data = json_incref(data);
	store_add(&s->cloudids, &c->item, slice_str(name));
	buf_printf(&a->body, "{\"cloudID\":\"%s\"}", name);
}

/* In WeChat's world only its own gateway can ask this. */
void
control_cloudid(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct item *found =
		store_find(&s->cloudids, exchange_query(x, "cloudID"));
	struct cloudid *c =
		found ? container_of(found, struct cloudid, item) : NULL;

	if (!c) {
		a->status = 404;
		buf_str(&a->body, "{\"error\":\"no such cloudID\"}");
		return;
	}
	buf_printf(&a->body,
		"{\"openid\":\"%s\",\"appid\":\"%s\",\"data\":", c->openid,
		c->appid);
	val_put(&a->body, c->data);
	buf_char(&a->body, '}');
}

/* ---- wxa/getopendata ---- */

/* Of this user and app only; the others are missing in the answer. */
static json_t *
opendata_list(struct sandbox *s, const struct mini *m, struct slice openid,
	const json_t *ids)
{
	json_t *list = json_array(), *id;
	size_t i;

	json_array_foreach (ids, i, id) {
		const char *name = json_string_value(id);
		struct item *found =
			store_find(&s->cloudids, slice_str(name ? name : ""));
		struct cloudid *c =
			found ? container_of(found, struct cloudid, item)
			      : NULL;

		if (c && slice_is(openid, c->openid) &&
			strcmp(c->appid, m->appid) == 0)
			(void)json_array_append_new(
				list, json_pack("{s:s,s:{s:s,s:O}}", "cloud_id",
					      name, "json", "cloudID", name,
					      "data", c->data));
	}
	return list;
}

/* cloudbase.getOpenData: what cloudIDs stand for. */
void
api_getopendata(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	struct slice openid = exchange_query(x, "openid");
	_json_ json_t *body = NULL, *answer = NULL;

	if (!m || !(body = api_body(x, a)))
		return;
	if (!user_find(s, m, openid)) {
		answer_errcode(a, 40003, "invalid openid");
		return;
	}
	answer = json_pack("{s:i,s:s,s:o}", "errcode", 0, "errmsg", "ok",
		"data_list",
		opendata_list(
			s, m, openid, json_object_get(body, "cloudid_list")));
	val_put(&a->body, answer);
}

/* ---- wxa/checksession, wxa/resetusersessionkey ---- */

/* HMAC-SHA256 of nothing under the key's text. */
static bool
signature_is_good(const struct session_key *k, struct slice signature)
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf hex;

	buf_init(&hex, 2 * SHA256_LEN);
	crypto_hmac_sha256(slice_str(k->text), SLICE(""), sum);
	text_hex(&hex, slice_of(sum, sizeof(sum)));
	return crypto_eq(buf_all(&hex), signature);
}

static struct errcode
session_check(struct sandbox *s, struct exchange *x, struct mini *m,
	struct user **ret)
{
	struct slice openid = exchange_query(x, "openid");
	struct slice signature = exchange_query(x, "signature");
	const struct session_key *k;

	if (openid.len == 0 || signature.len == 0)
		return (struct errcode){40097, "invalid args"};
	if (!slice_is(exchange_query(x, "sig_method"), "hmac_sha256"))
		return (struct errcode){87008, "invalid sig_method"};
	*ret = user_find(s, m, openid);
	if (!*ret)
		return (struct errcode){40003, "invalid openid"};
	k = user_key(*ret, true);
	if (!k)
		return (struct errcode){
			87007, "session_key is not existed or expired"};
	if (!signature_is_good(k, signature))
		return (struct errcode){87009, "invalid signature"};
	return (struct errcode){0, NULL};
}

void
api_checksession(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "GET");
	struct errcode e;
	struct user *u;

	if (!m)
		return;
	e = session_check(s, x, m, &u);
	answer_errcode(a, e.code, e.code ? e.text : "ok");
}

/* The new key ends when the old one would have. */
void
api_resetsession(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "GET");
	struct errcode e;
	struct user *u;
	int64_t made_s;

	if (!m)
		return;
	e = session_check(s, x, m, &u);
	if (e.code != 0) {
		answer_errcode(a, e.code, e.text);
		return;
	}
	made_s = user_key(u, false)->made_s;
	user_key_make(u);
	u->keys[u->generation % KEYS_KEPT].made_s = made_s;
	buf_printf(&a->body,
		"{\"errcode\":0,\"errmsg\":\"ok\",\"openid\":\"%s\","
		"\"session_key\":\"%s\"}",
		u->item.name, user_key(u, false)->text);
}
