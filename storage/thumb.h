#pragma once

/*
 * Smaller images (?thumb=200x200&fit=cover&format=webp), made by a confined
 * program (thumb_main.c) and kept in DIR/thumbs under the content's name and
 * what was wished, so that each is made once; unused ones go after a month.
 */

#include "storage/files.h"

enum thumb_format { THUMB_JPEG, THUMB_PNG, THUMB_WEBP };

enum { THUMB_SIDE_TOP = 4096, THUMBS_KEPT = 64 /* of one image */ };

struct thumbing;

struct thumb {
	/* ERR_PARAM: not an image that can be read; ERR_TOO_BIG: too many
	 * pixels; ERR_BUSY; ERR_UNIMPLEMENTED: built without libgd */
	struct job job;
	const char *content; /* file_info.content: the name of the source */
	int source;          /* its descriptor, from its begin; the caller's */
	int width, height;   /* 1 … THUMB_SIDE_TOP */
	bool cover;          /* fill the box and cut; else fit inside */
	enum thumb_format format;
	/* the answer: yours */
	int fd;
	int64_t size;
	const char *type; /* "image/webp" */
	struct thumbing *inside;
};

/* "200x200", "200x" (and so on), "cover" or "contain" (or empty), "jpeg",
 * "png", "webp" (or empty: webp). */
int thumb_parse(struct thumb *t, struct slice size, struct slice fit,
	struct slice format, struct fault *why) _must_check_;
/* job_init and what stands before the answer first. */
void thumb_make(struct files *f, struct thumb *t);
