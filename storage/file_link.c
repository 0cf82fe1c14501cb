/*
 * Signed links to files.
 *
 * A link is a permission that travels in the open: it names nothing that its
 * holder may not know, cannot be turned into another one, and ends by itself.
 * So the signature covers all that the link says, the uploader is sealed, and
 * a link to read is none to write: the method is the first thing signed.
 */
#include "storage/file_link.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>

enum { SUM_TEXT = 43, TIME_TOP = 16 };

void
file_link_key(struct slice master, uint8_t ret[FILE_LINK_KEY])
{
	crypto_hmac_sha256(master, SLICE("mpcloud file links"), ret);
}

/* The key that seals is not the one that signs. */
static void
seal_key(struct slice key, uint8_t ret[GCM_KEY])
{
	crypto_hmac_sha256(key, SLICE("who"), ret);
}

static void
sign(struct slice key, const struct file_link *link, struct slice t,
	struct slice w, struct buf *to)
{
	static const char *const words[] = {
		[FILE_LINK_GET] = "GET", [FILE_LINK_PUT] = "PUT"};
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf text = {0};

	buf_init(&text, 8192);
	buf_printf(&text, "%s\n", words[link->may]);
	buf_slice(&text, link->path);
	buf_char(&text, '\n');
	buf_slice(&text, t);
	buf_char(&text, '\n');
	buf_slice(&text, w);
	crypto_hmac_sha256(key, buf_all(&text), sum);
	text_base64url(to, slice_of(sum, sizeof(sum)));
}

static void
seal_who(struct slice key, struct slice who, struct buf *to)
{
	uint8_t sealing[GCM_KEY];
	char nonce[GCM_NONCE];
	_buf_ struct buf sealed = {0};

	buf_init(&sealed, 2 * FILE_LINK_WHO_TOP);
	seal_key(key, sealing);
	crypto_random(nonce, sizeof(nonce));
	buf_add(&sealed, nonce, sizeof(nonce));
	if (crypto_gcm_seal(slice_of(sealing, GCM_KEY),
		    slice_of(nonce, GCM_NONCE), SLICE(""), who, &sealed) == 0)
		text_base64url(to, buf_all(&sealed));
	mem_wipe(sealing, sizeof(sealing));
}

static int
open_who(struct slice key, struct arena *arena, struct slice w,
	struct slice *ret)
{
	uint8_t sealing[GCM_KEY];
	_buf_ struct buf raw = {0};
	_buf_ struct buf plain = {0};
	int e;

	buf_init(&raw, 2 * FILE_LINK_WHO_TOP);
	buf_init(&plain, 2 * FILE_LINK_WHO_TOP);
	e = text_unbase64url(&raw, w);
	if (e < 0 || raw.len < GCM_NONCE + GCM_TAG)
		return ERR_FILE_LINK;
	seal_key(key, sealing);
	e = crypto_gcm_open(slice_of(sealing, GCM_KEY),
		slice_of(raw.ptr, GCM_NONCE), SLICE(""),
		slice_of(raw.ptr + GCM_NONCE, raw.len - GCM_NONCE), &plain);
	mem_wipe(sealing, sizeof(sealing));
	if (e < 0)
		return ERR_FILE_LINK;
	*ret = slice_of(arena_str(arena, buf_all(&plain)), plain.len);
	return 0;
}

const char *
file_link_make(
	struct slice key, struct arena *arena, const struct file_link *link)
{
	_buf_ struct buf sum = {0};
	_buf_ struct buf w = {0};
	char t[TIME_TOP + 1];

	buf_init(&sum, 64);
	buf_init(&w, 4 * FILE_LINK_WHO_TOP);
	(void)snprintf(t, sizeof(t), "%llx", (unsigned long long)link->until_s);
	if (link->who.len)
		seal_who(key, link->who, &w);
	sign(key, link, slice_str(t), buf_all(&w), &sum);
	if (!w.len)
		return arena_printf(arena, "sign=%s&t=%s", sum.ptr, t);
	return arena_printf(
		arena, "sign=%s&t=%s&w=%s", sum.ptr, t, buf_all(&w).ptr);
}

static int
time_read(struct slice t, int64_t *ret)
{
	int64_t n = 0;

	if (!t.len || t.len > 12)
		return ERR_FILE_LINK;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.ptr[i];

		if (c >= '0' && c <= '9')
			n = n * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n * 16 + (c - 'a' + 10);
		else
			return ERR_FILE_LINK;
	}
	*ret = n;
	return 0;
}

int
file_link_check(struct slice key, struct arena *arena, struct file_link *link,
	const struct file_link_query *query, int64_t now_s, struct fault *why)
{
	_buf_ struct buf sum = {0};
	int64_t until = 0;

	buf_init(&sum, 64);
	if (query->sign.len != SUM_TEXT || time_read(query->t, &until) < 0 ||
		query->w.len > 4 * FILE_LINK_WHO_TOP)
		return fault_set(why, ERR_FILE_LINK,
			"the link is not whole: sign and t must stand in it as "
			"they were given");
	sign(key, link, query->t, query->w, &sum);
	if (!crypto_eq(buf_all(&sum), query->sign))
		return fault_set(why, ERR_FILE_LINK,
			"the link's signature is not valid for this path and "
			"method: ask for a link of its own");
	if (now_s >= until)
		return fault_set(why, ERR_FILE_LINK,
			"the link has expired: ask for a new one");
	link->until_s = until;
	link->who = SLICE("");
	return query->w.len ? open_who(key, arena, query->w, &link->who) : 0;
}

const char *
file_link_cdn(struct slice key, struct arena *arena, struct slice url_path,
	int64_t t_s)
{
	uint8_t sum[DIGEST_TOP];
	_buf_ struct buf text = {0};
	_buf_ struct buf hex = {0};
	char t[TIME_TOP + 8];
	int n;

	buf_init(&text, 8192);
	buf_init(&hex, 64);
	(void)snprintf(t, sizeof(t), "%lld", (long long)t_s);
	buf_slice(&text, key);
	buf_char(&text, '/');
	buf_slice(&text, url_path);
	buf_str(&text, t);
	n = crypto_digest("md5", buf_all(&text), sum);
	text_hex(&hex, slice_of(sum, n > 0 ? (size_t)n : 0));
	return arena_printf(arena, "sign=%s&t=%s", hex.ptr ? hex.ptr : "", t);
}
