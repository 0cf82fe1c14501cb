#pragma once

/*
 * A form with one file in it (multipart/form-data, RFC 7578), read as it comes:
 * what browsers, wx.uploadFile and CloudBase's SDKs of 2.x upload with.  Its
 * texts are collected, within ceilings; the file is handed on piece by piece
 * and never kept.  Reaches nothing but its owner's three functions.
 */

#include "base/arena.h"
#include "http/multipart.h"

enum {
	UPLOAD_FORM_WAIT = 1,
	UPLOAD_FORM_TEXT = 16 * 1024, /* bytes of one text */
	UPLOAD_FORM_PARTS = 64,
};

struct upload_form_ops {
	/* A text, before or after the file.  0 or an error. */
	int (*text)(void *owner, struct slice name, struct slice value);
	/* The file's head: the part that has a filename, or the name "file".
	 * 0, an error, or UPLOAD_FORM_WAIT: called again by the next take. */
	int (*begin)(void *owner, const struct part *head);
	/* Bytes of it; the same answers, WAIT having used nothing. */
	int (*data)(void *owner, struct slice bytes);
};

struct upload_form;
/* In the arena.  ERR_PARAM: no boundary. */
int upload_form_new(struct upload_form **ret, struct arena *arena,
	struct slice content_type, const struct upload_form_ops *ops,
	void *owner, struct fault *why) _must_check_;
/* 0: all of `data` is used; UPLOAD_FORM_WAIT: an op said so, call again with
 * the same bytes; ERR_PARAM, ERR_TOO_BIG, or an op's error: the form is over.
 */
int upload_form_take(struct upload_form *f, struct slice data,
	struct fault *why) _must_check_;
/* When the body is over.  ERR_PARAM: the form is not whole, or has no file. */
int upload_form_end(
	const struct upload_form *f, struct fault *why) _must_check_;
