#pragma once

/*
 * What an image's head says of it, before anything decodes it: a few bytes may
 * claim gigabytes of pixels.  Sources: PNG (W3C) 5.2 and 11.2.2, JPEG (T.81)
 * B.1 and B.2.2, Exif 2.3 4.6.4 (Orientation), GIF89a 18, WebP container
 * specification.
 */

#include "base/slice.h"

enum image_kind { IMAGE_NONE, IMAGE_JPEG, IMAGE_PNG, IMAGE_GIF, IMAGE_WEBP };

struct image_head {
	enum image_kind kind;
	uint32_t width, height;
	unsigned orientation; /* of Exif, 1 … 8; 1: as it is */
};

/* -EINVAL: none of these, or a head that is cut off. */
int image_head(struct image_head *ret, struct slice bytes) _must_check_;
