/*
 * wxa/getwxacodeunlimit (api_getunlimitedqrcode): a picture, or JSON when
 * something is wrong.  The picture is a true PNG of the asked width; what is on
 * it is a pattern made of the body, so that two scenes give two pictures.
 */

#include "credential.h"

#include "base/crypto.h"
#include "base/mem.h"

#include <zlib.h>

enum {
	SCENE_TOP = 32,
	WIDTH_LOW = 280,
	WIDTH_TOP = 1280,
	WIDTH_PRESET = 430,
	CELLS = 16, /* of the pattern, a side */
	PNG_TOP = 1 << 20,
};

static const char scene_marks[] = "!#$&'()*+,/:;=?@-._~";

static void
put_u32(struct buf *to, uint32_t n)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(to, (char)(n >> shift));
}

static void
put_chunk(struct buf *to, const char *type, struct slice data)
{
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)type, 4);

	put_u32(to, (uint32_t)data.len);
	buf_str(to, type);
	buf_slice(to, data);
	if (data.len)
		crc = (uint32_t)crc32(
			crc, (const Bytef *)data.ptr, (uInt)data.len);
	put_u32(to, crc);
}

/* Rows of one bit a pixel, each after its filter byte 0. */
static void
put_rows(struct buf *to, unsigned width, const uint8_t sum[SHA256_LEN])
{
	unsigned bytes = (width + 7) / 8;

	for (unsigned y = 0; y < width; y++) {
		buf_char(to, 0);
		for (unsigned at = 0; at < bytes; at++) {
			unsigned cell = y * CELLS / width * CELLS +
					at * 8 * CELLS / (bytes * 8);
			bool dark = sum[cell / 8] >> (cell % 8) & 1;

			buf_char(to, dark ? '\0' : '\xff');
		}
	}
}

static int
put_png(struct buf *to, unsigned width, struct slice seed)
{
	_buf_ struct buf rows, head, packed;
	uint8_t sum[SHA256_LEN];
	uLongf len;
	char *at;

	crypto_sha256(seed, sum);
	buf_init(&rows, PNG_TOP);
	buf_init(&head, PNG_TOP);
	buf_init(&packed, PNG_TOP);
	put_rows(&rows, width, sum);
	len = compressBound((uLong)rows.len);
	at = buf_reserve(&packed, len);
	if (!at || compress((Bytef *)at, &len, (const Bytef *)rows.ptr,
			   (uLong)rows.len) != Z_OK)
		return ERR_TOO_BIG;
	buf_grown(&packed, len);
	put_u32(&head, width);
	put_u32(&head, width);
	buf_add(&head, "\1\0\0\0\0", 5); /* 1 bit, grey */
	buf_add(to, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(to, "IHDR", buf_all(&head));
	put_chunk(to, "IDAT", buf_all(&packed));
	put_chunk(to, "IEND", SLICE(""));
	return buf_check(to);
}

static bool
scene_is_good(const char *scene)
{
	size_t len = strlen(scene);

	for (size_t i = 0; i < len; i++) {
		char c = scene[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || strchr(scene_marks, c)))
			return false;
	}
	return len > 0 && len <= SCENE_TOP;
}

/* Pages that are named "pages/…" are released; checked unless check_path is
 * false. */
static bool
page_is_good(const json_t *body)
{
	const char *page = json_string_value(json_object_get(body, "page"));
	bool any = json_is_false(json_object_get(body, "check_path"));

	if (!page || !*page)
		return true;
	if (*page == '/' || strchr(page, '?'))
		return false;
	return any || slice_starts(slice_str(page), "pages/");
}

static struct errcode
body_check(const json_t *body, int64_t *ret_width)
{
	const char *scene = json_string_value(json_object_get(body, "scene"));
	struct slice version;

	if (!scene || !scene_is_good(scene))
		return (struct errcode){40097, "invalid args: scene"};
	if (val_int_or(body, "width", WIDTH_LOW, WIDTH_TOP, WIDTH_PRESET,
		    ret_width, NULL) < 0)
		return (struct errcode){40097, "invalid args: width"};
	if (val_str_or(body, "env_version", SCENE_TOP, SLICE("release"),
		    &version, NULL) < 0 ||
		(!slice_is(version, "release") && !slice_is(version, "trial") &&
			!slice_is(version, "develop")))
		return (struct errcode){40097, "invalid args: env_version"};
	if (!page_is_good(body))
		return (struct errcode){41030, "invalid page"};
	return (struct errcode){0, NULL};
}

void
api_wxacode(struct sandbox *s, struct exchange *x, struct answer *a)
{
	struct mini *m = api_enter(s, x, a, "POST");
	_json_ json_t *body = m ? api_body(x, a) : NULL;
	int64_t width = 0;
	struct errcode e;

	if (!body)
		return;
	e = body_check(body, &width);
	if (e.code != 0)
		answer_errcode(a, e.code, e.text);
	else if (put_png(&a->body, (unsigned)width, exchange_body(x)) < 0)
		answer_errcode(a, -1, "system error");
	else
		a->type = "image/png";
}
