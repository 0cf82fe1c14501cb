#pragma once

/*
 * A static site: a folder whose files are answered.  Whatever the path says,
 * nothing outside of the folder is opened (openat2's RESOLVE_BENEATH, so that a
 * symbolic link out of it is none either), and nothing hidden (a segment that
 * begins with a dot, but for /.well-known).  Small files are kept in memory and
 * looked at again (one stat) before each answer; what has a .br or .gz beside
 * it is sent as that to who takes it.
 */

#include "base/compress.h"
#include "base/err.h"
#include "base/slice.h"

struct loop;
struct site;

enum {
	SITE_FILE_TOP = 64 * 1024,          /* kept in memory */
	SITE_MEMORY_TOP = 16 * 1024 * 1024, /* of one site */
	SITE_FILES_TOP = 4096,
	SITE_PATH_TOP = 1024,
};

/* `dir`: an absolute path.  A shared lock is held on it while the site is, so
 * that who removes old versions sees which are in use. */
int site_new(struct site **ret, struct loop *loop, const char *dir,
	struct fault *why) _must_check_;
struct site *site_ref(struct site *s);
struct site *site_unref(struct site *s);

struct site_ask {
	struct slice path;    /* decoded, without the leading slash */
	const char *index;    /* NULL: index.html */
	const char *fallback; /* for what is no file: NULL: none */
	struct slice accept;  /* Accept-Encoding */
};

/* What is found.  Either `bytes` or `fd` (yours to close) has it. */
struct site_file {
	struct slice bytes; /* good until the next site_find */
	int fd;
	uint64_t size;
	int64_t modified_s;
	const char *type;
	const char *etag; /* with its quotes; as `bytes` */
	enum compress_coding coding;
	bool varies; /* another client gets other bytes */
};

/* 0; ERR_FILE_NONE; ERR_FILE_DENIED (hidden, outside, not readable);
 * ERR_GONE: a folder, whose address ends with a slash. */
int site_find(struct site *s, const struct site_ask *ask,
	struct site_file *ret) _must_check_;
/* By a name's ending; "application/octet-stream" for the others. */
const char *site_type(struct slice name) _returns_value_;
