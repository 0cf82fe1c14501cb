/*
 * Reading heads, and no more of a file than them.  Every access is checked
 * against the length first: the bytes come from anywhere.
 */
#include "storage/image.h"

#include <errno.h>

static unsigned
byte(struct slice s, size_t at)
{
	return at < s.len ? (unsigned char)s.ptr[at] : 0;
}

static uint32_t
be16(struct slice s, size_t at)
{
	return byte(s, at) << 8 | byte(s, at + 1);
}

static uint32_t
be32(struct slice s, size_t at)
{
	return be16(s, at) << 16 | be16(s, at + 2);
}

static uint32_t
le16(struct slice s, size_t at)
{
	return byte(s, at + 1) << 8 | byte(s, at);
}

static uint32_t
le24(struct slice s, size_t at)
{
	return byte(s, at + 2) << 16 | le16(s, at);
}

static bool
has(struct slice s, size_t at, const char *word, size_t len)
{
	return at + len <= s.len && memcmp(s.ptr + at, word, len) == 0;
}

static int
png_head(struct image_head *ret, struct slice s)
{
	if (s.len < 24 || !has(s, 12, "IHDR", 4))
		return -EINVAL;
	*ret = (struct image_head){IMAGE_PNG, be32(s, 16), be32(s, 20), 1};
	return 0;
}

static int
gif_head(struct image_head *ret, struct slice s)
{
	if (s.len < 10)
		return -EINVAL;
	*ret = (struct image_head){IMAGE_GIF, le16(s, 6), le16(s, 8), 1};
	return 0;
}

static int
webp_head(struct image_head *ret, struct slice s)
{
	*ret = (struct image_head){IMAGE_WEBP, 0, 0, 1};
	if (s.len < 30)
		return -EINVAL;
	if (has(s, 12, "VP8X", 4)) {
		ret->width = 1 + le24(s, 24);
		ret->height = 1 + le24(s, 27);
	} else if (has(s, 12, "VP8L", 4) && byte(s, 20) == 0x2f) {
		uint32_t bits = le16(s, 21) | le16(s, 23) << 16;

		ret->width = 1 + (bits & 0x3fff);
		ret->height = 1 + (bits >> 14 & 0x3fff);
	} else if (has(s, 12, "VP8 ", 4) && has(s, 23, "\x9d\x01\x2a", 3)) {
		ret->width = le16(s, 26) & 0x3fff;
		ret->height = le16(s, 28) & 0x3fff;
	} else {
		return -EINVAL;
	}
	return 0;
}

/* The tag Orientation of the first directory; `s` is the TIFF inside. */
static unsigned
exif_orientation(struct slice s)
{
	bool little = has(s, 0, "II", 2);
	uint32_t at, count;

	if (s.len < 14 || (!little && !has(s, 0, "MM", 2)))
		return 1;
	at = little ? le16(s, 4) | le16(s, 6) << 16 : be32(s, 4);
	if (at > s.len - 2)
		return 1;
	count = little ? le16(s, at) : be16(s, at);
	for (at += 2; count-- && at + 12 <= s.len; at += 12) {
		uint32_t tag = little ? le16(s, at) : be16(s, at);
		uint32_t value = little ? le16(s, at + 8) : be16(s, at + 8);

		if (tag == 0x0112)
			return value >= 1 && value <= 8 ? value : 1;
	}
	return 1;
}

/* SOF0 … SOF15 but the tables among them. */
static bool
is_frame(unsigned marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
	       marker != 0xc8 && marker != 0xcc;
}

static int
jpeg_head(struct image_head *ret, struct slice s)
{
	size_t at = 2;

	*ret = (struct image_head){IMAGE_JPEG, 0, 0, 1};
	while (at + 4 <= s.len && byte(s, at) == 0xff) {
		unsigned marker = byte(s, at + 1);
		size_t len = be16(s, at + 2);

		if (marker == 0xff) { /* padding */
			at++;
			continue;
		}
		if (is_frame(marker) && at + 9 <= s.len) {
			ret->height = be16(s, at + 5);
			ret->width = be16(s, at + 7);
			return 0;
		}
		if (len < 2 || at + 2 + len > s.len)
			return -EINVAL;
		if (marker == 0xe1 && has(s, at + 4, "Exif\0\0", 6))
			ret->orientation = exif_orientation(slice_of(
				s.ptr + at + 10, len >= 8 ? len - 8 : 0));
		at += 2 + len;
	}
	return -EINVAL;
}

int
image_head(struct image_head *ret, struct slice s)
{
	int r = -EINVAL;

	if (has(s, 0, "\x89PNG\r\n\x1a\n", 8))
		r = png_head(ret, s);
	else if (has(s, 0, "\xff\xd8", 2))
		r = jpeg_head(ret, s);
	else if (has(s, 0, "GIF87a", 6) || has(s, 0, "GIF89a", 6))
		r = gif_head(ret, s);
	else if (has(s, 0, "RIFF", 4) && has(s, 8, "WEBP", 4))
		r = webp_head(ret, s);
	if (r == 0 && (!ret->width || !ret->height))
		r = -EINVAL;
	return r;
}
