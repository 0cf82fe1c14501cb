#pragma once

/*
 * Where contents lie on local disk:
 *
 *   DIR/objects/abc/abc…   a content, under its name's first three letters
 *   DIR/archive/abc/abc…   one that is archived; may be a link to a slow disk
 *   DIR/uploads/abc…       a part of an upload (resume.h)
 *   DIR/tmp/               what is being written where the file system cannot
 *                          keep files without names
 *
 * A content's name is random and used once, so writing one never touches
 * another. Work on the disk happens in libuv's threads, a few works at a time,
 * taken in turn, so that a large file does not keep small ones waiting.
 */

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/loop.h"

struct place;

enum { CONTENT_NAME = 32, PLACE_PATH = 64 };

struct place_conf {
	const char *dir;
	int64_t reserve; /* bytes of the file system that are left free */
};

int place_new(struct place **ret, struct loop *loop,
	const struct place_conf *conf, struct fault *why) _must_check_;
/* Works that run are waited for by loop_done; nothing is called after this. */
struct place *place_free(struct place *p);
DEFINE_CLEANUP(struct place *, place_free)
/* Whoever has works to do later holds a reference. */
struct place *place_ref(struct place *p) _returns_value_;
void place_unref(struct place *p);
void place_set_reserve(struct place *p, int64_t reserve);

/* A new name. */
void place_name(char ret[CONTENT_NAME + 1]);
/* Is it the form of one? */
bool place_is_name(struct slice name);
/* "objects/abc/abc…", below DIR. */
void place_path(char ret[PLACE_PATH], const char *name);
/* To read; -ENOENT when there is none. */
int place_open(struct place *p, const char *name) _must_check_;
/* DIR, to work below it. */
int place_dir(const struct place *p);
/* ERR_FILE_FULL: so many bytes more would go into the reserve. */
int place_has_room(const struct place *p, int64_t bytes) _must_check_;
/* Bytes that wait for the disk, of all writers. */
size_t place_waiting(const struct place *p);
void place_wait_more(struct place *p, int64_t bytes);

/* A piece of work for the disk.  Embedded in its owner, one at a time. */
struct place_work;
typedef void place_fn(struct place_work *w);
struct place_work {
	place_fn *run;  /* in a thread */
	place_fn *done; /* on the loop, at the latest in loop_done */
	/* place's */
	struct list on;
	struct place *place;
	uv_work_t work;
};
void place_do(
	struct place *p, struct place_work *w, place_fn *run, place_fn *done);

/* In a thread.  What `fd` holds becomes the content `name`, durably: its bytes,
 * its name, its folder. */
int place_keep(const struct place *p, int fd, const char *tmp,
	const char *name) _must_check_;
/* The same for a part of an upload: uploads/NAME. */
int place_keep_part(const struct place *p, int fd, const char *tmp,
	const char *name) _must_check_;
/* In a thread.  A file without a name, or when there cannot be any, one of that
 * name in tmp/ (`tmp` then is not empty). */
int place_tmp(const struct place *p, char tmp[PLACE_PATH]) _must_check_;
/* In a thread.  From wherever it is; none there is fine too. */
int place_remove(const struct place *p, const char *name) _must_check_;
/* errno of the disk as ours: ENOSPC and its like are ERR_FILE_FULL. */
int place_error(int err);
