/*
 * Files by their path, with the small ones in memory.
 *
 * An entry is what a path was found to be: the file's identity (device, inode,
 * times, size), its bytes when they are few, its entity tag.  Before an answer
 * one fstatat asks whether that still holds; it costs a microsecond and makes
 * an edited file's next answer the new one.  What is sent by its descriptor is
 * opened each time anyway.
 *
 * The tag is made of the modification time and the size, as nginx makes it, but
 * of the nanoseconds, so that two writes in one second differ.
 */
#include "routes/site.h"

#include "base/crypto.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/sip.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUCKETS = 1024, ETAG_TOP = 64, CODED_TOP = 1024 * 1024, TRIES = 3 };

/* One representation of a file. */
struct form {
	bool is_there;
	bool made; /* by us: kept with the plain file, whose times it has */
	struct stat st;
	char *bytes; /* NULL: too large to keep */
	size_t len;
	char etag[ETAG_TOP];
};

struct entry {
	struct list on; /* site->entries, the last used first */
	struct list in; /* its bucket */
	uint64_t hash;
	char *path;
	struct form form[COMPRESS_CODINGS_];
	size_t held; /* bytes */
};

struct site {
	unsigned refs;
	int dir;
	uint64_t key[2];
	struct list entries, bucket[BUCKETS];
	size_t count, held;
};

int
site_new(struct site **ret, struct loop *loop, const char *dir,
	struct fault *why)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct site *s;

	(void)loop;
	if (fd < 0)
		return fault_set(why, ERR_CONFIG, "%s: %s", dir,
			errno == ENOENT ? "there is no such folder"
					: strerror(errno));
	(void)flock(fd, LOCK_SH | LOCK_NB);
	s = mem_new(struct site);
	s->refs = 1;
	s->dir = fd;
	crypto_random(s->key, sizeof(s->key));
	list_init(&s->entries);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&s->bucket[i]);
	*ret = s;
	return 0;
}

struct site *
site_ref(struct site *s)
{
	s->refs++;
	return s;
}

static void
entry_free(struct site *s, struct entry *e)
{
	list_del(&e->on);
	list_del(&e->in);
	s->count--;
	s->held -= e->held;
	for (size_t i = 0; i < COMPRESS_CODINGS_; i++)
		free(e->form[i].bytes);
	free(e->path);
	free(e);
}

struct site *
site_unref(struct site *s)
{
	if (!s || --s->refs)
		return NULL;
	while (!list_empty(&s->entries))
		entry_free(s, list_first(&s->entries, struct entry, on));
	(void)close(s->dir);
	return mem_free(s);
}

/* --- the folder --- */

static int
open_beneath(const struct site *s, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* EAGAIN: something was renamed on the way (openat2(2)) */
	for (int i = 0; i < TRIES; i++) {
		fd = syscall(SYS_openat2, s->dir, *path ? path : ".", &how,
			sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

static int
error_of(int e)
{
	switch (-e) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return ERR_FILE_NONE;
	case EXDEV: /* out of the folder */
	case ELOOP:
	case EACCES:
	case EPERM:
		return ERR_FILE_DENIED;
	default:
		return e;
	}
}

/* No hidden file, and no way around one; /.well-known is public (RFC 8615). */
static bool
path_is_open(struct slice path)
{
	struct slice s;

	if (path.len > SITE_PATH_TOP || memchr(path.ptr, '\0', path.len))
		return false;
	for (bool first = true; slice_split(&path, '/', &s); first = false)
		if (s.len && s.ptr[0] == '.' &&
			!(first && slice_is(s, ".well-known")))
			return false;
	return true;
}

/* --- entries --- */

static struct entry *
entry_find(struct site *s, struct slice path, uint64_t hash)
{
	struct list *bucket = &s->bucket[hash % BUCKETS];

	list_for_each (at, bucket) {
		struct entry *e = container_of(at, struct entry, in);

		if (e->hash == hash && slice_is(path, e->path)) {
			list_del(&e->on);
			list_add_first(&s->entries, &e->on);
			return e;
		}
	}
	return NULL;
}

static void
trim(struct site *s)
{
	while (s->count > SITE_FILES_TOP || s->held > SITE_MEMORY_TOP) {
		struct entry *e = list_last(&s->entries, struct entry, on);

		/* never the one just used */
		if (s->entries.next == &e->on)
			break;
		entry_free(s, e);
	}
}

static struct entry *
entry_new(struct site *s, struct slice path, uint64_t hash)
{
	struct entry *e = mem_new(struct entry);

	e->hash = hash;
	e->path = str_ndup(path.ptr, path.len);
	list_add_first(&s->entries, &e->on);
	list_add_first(&s->bucket[hash % BUCKETS], &e->in);
	s->count++;
	return e;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
form_keep(struct site *s, struct entry *e, struct form *f, char *bytes,
	size_t len)
{
	f->bytes = bytes;
	f->len = len;
	e->held += len;
	s->held += len;
}

static void
form_drop(struct site *s, struct entry *e, struct form *f)
{
	if (f->bytes) {
		e->held -= f->len;
		s->held -= f->len;
	}
	free(f->bytes);
	*f = (struct form){0};
}

static void
put_etag(struct form *f, enum compress_coding coding)
{
	static const char *const behind[COMPRESS_CODINGS_] = {"", "-gz", "-br"};

	(void)snprintf(f->etag, sizeof(f->etag), "%s\"%llx%08lx-%llx%s\"",
		f->made ? "W/" : "", (unsigned long long)f->st.st_mtim.tv_sec,
		(unsigned long)f->st.st_mtim.tv_nsec,
		(unsigned long long)f->st.st_size, behind[coding]);
}

static int
read_all(int fd, size_t len, char **ret)
{
	char *bytes = mem_alloc(len + 1);
	size_t at = 0;

	while (at < len) {
		ssize_t n = pread(fd, bytes + at, len - at, (off_t)at);

		if (n <= 0) { /* it shrank */
			free(bytes);
			return n < 0 ? -errno : ERR_FILE_NONE;
		}
		at += (size_t)n;
	}
	*ret = bytes;
	return 0;
}

/* The file at `path` into `f`; *fd stays open when its bytes are not kept. */
static int
form_load(struct site *s, struct entry *e, struct form *f, const char *path,
	enum compress_coding coding, int *fd)
{
	char *bytes = NULL;
	int r = open_beneath(s, path);

	*fd = -1;
	if (r < 0)
		return error_of(r);
	*fd = r;
	r = fstat(*fd, &f->st) < 0 ? -errno : 0;
	if (r == 0 && S_ISDIR(f->st.st_mode))
		r = ERR_GONE;
	else if (r == 0 && !S_ISREG(f->st.st_mode))
		r = ERR_FILE_DENIED;
	if (r == 0 && f->st.st_size <= SITE_FILE_TOP) {
		r = read_all(*fd, (size_t)f->st.st_size, &bytes);
		if (r == 0)
			form_keep(s, e, f, bytes, (size_t)f->st.st_size);
	}
	if (r < 0 || bytes) {
		(void)close(*fd);
		*fd = -1;
	}
	if (r < 0)
		return r;
	f->is_there = true;
	put_etag(f, coding);
	return 0;
}

/* Is it still what we know?  Links are not followed: one is loaded anew. */
static bool
form_holds(const struct site *s, const struct form *f, const char *path)
{
	struct stat st;

	return f->is_there &&
	       fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       same_file(&st, &f->st);
}

static void
answer_form(const struct form *f, enum compress_coding coding, int fd,
	struct site_file *ret)
{
	ret->coding = coding;
	ret->fd = fd;
	ret->bytes =
		f->bytes ? slice_of(f->bytes, f->len) : (struct slice){NULL, 0};
	ret->size = f->bytes ? f->len : (uint64_t)f->st.st_size;
	ret->modified_s = (int64_t)f->st.st_mtim.tv_sec;
	ret->etag = f->etag;
}

/* The file beside, "app.js.br", if it is there and no older than the plain
 * one. */
static bool
find_beside(struct site *s, struct entry *e, enum compress_coding coding,
	struct site_file *ret)
{
	struct form *f = &e->form[coding];
	const struct form *plain = &e->form[COMPRESS_NOT];
	_free_ char *path = str_printf(
		"%s.%s", e->path, coding == COMPRESS_BR ? "br" : "gz");
	struct stat st;
	int fd = -1;

	if (fstatat(s->dir, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISREG(st.st_mode) ||
		st.st_mtim.tv_sec < plain->st.st_mtim.tv_sec)
		return false;
	if (!f->is_there || f->made || !f->bytes || !same_file(&st, &f->st)) {
		form_drop(s, e, f);
		if (form_load(s, e, f, path, coding, &fd) < 0)
			return false;
	}
	answer_form(f, coding, fd, ret);
	return true;
}

/* Ours, of what is kept: made once, with the best that the coding gives. */
static bool
find_made(struct site *s, struct entry *e, enum compress_coding coding,
	struct site_file *ret)
{
	struct form *f = &e->form[coding];
	const struct form *plain = &e->form[COMPRESS_NOT];
	struct buf b _buf_ = {0};

	if (!plain->bytes || plain->len < COMPRESS_LEAST ||
		!compress_gains(slice_str(ret->type)))
		return false;
	if (!f->made || !same_file(&f->st, &plain->st)) {
		form_drop(s, e, f);
		buf_init(&b, plain->len);
		f->made = true;
		f->st = plain->st;
		if (compress_put(&b, slice_of(plain->bytes, plain->len), coding,
			    true) == 0) {
			form_keep(s, e, f, mem_dup(b.ptr, b.len), b.len);
			f->is_there = true;
			put_etag(f, coding);
		}
	}
	if (!f->is_there)
		return false;
	answer_form(f, coding, -1, ret);
	return true;
}

static void
find_coded(struct site *s, struct entry *e, struct slice accept,
	struct site_file *ret)
{
	unsigned have = 1 << COMPRESS_GZIP | 1 << COMPRESS_BR;
	int fd = ret->fd;

	ret->varies = compress_gains(slice_str(ret->type));
	while (have && ret->varies) {
		enum compress_coding coding = compress_choose(accept, have);

		if (coding == COMPRESS_NOT)
			return;
		if (find_beside(s, e, coding, ret) ||
			find_made(s, e, coding, ret)) {
			if (fd >= 0)
				(void)close(fd);
			return;
		}
		have &= ~(1u << coding);
	}
}

static int
find_one(struct site *s, const struct site_ask *ask, struct slice path,
	struct site_file *ret)
{
	uint64_t hash = sip_hash(s->key, path.ptr, path.len);
	struct entry *e = entry_find(s, path, hash);
	struct form *f;
	int fd = -1, r;

	if (!e)
		e = entry_new(s, path, hash);
	f = &e->form[COMPRESS_NOT];
	if (!f->bytes || !form_holds(s, f, e->path)) {
		form_drop(s, e, f);
		r = form_load(s, e, f, e->path, COMPRESS_NOT, &fd);
		if (r < 0) {
			entry_free(s, e);
			return r;
		}
	}
	ret->type = site_type(path);
	answer_form(f, COMPRESS_NOT, fd, ret);
	find_coded(s, e, ask->accept, ret);
	trim(s);
	return 0;
}

/* A folder's index; the address of a folder ends with a slash, else the links
 * in its page would lead elsewhere. */
static int
find_index(struct site *s, const struct site_ask *ask, struct slice path,
	struct site_file *ret)
{
	_free_ char *text = str_printf("%.*s%s", SLICE_ARG(path),
		ask->index ? ask->index : "index.html");

	return find_one(s, ask, slice_str(text), ret);
}

int
site_find(struct site *s, const struct site_ask *ask, struct site_file *ret)
{
	int r = ERR_FILE_DENIED;

	*ret = (struct site_file){.fd = -1};
	if (path_is_open(ask->path))
		r = !ask->path.len || ask->path.ptr[ask->path.len - 1] == '/'
			    ? find_index(s, ask, ask->path, ret)
			    : find_one(s, ask, ask->path, ret);
	if (r == ERR_FILE_NONE && ask->fallback)
		r = find_one(s, ask, slice_str(ask->fallback), ret);
	return r;
}

const char *
site_type(struct slice name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
#define X(ending, type) {ending, type},
#include "routes/site_type.def"
#undef X
	};
	const char *dot = name.len ? memrchr(name.ptr, '.', name.len) : NULL;
	struct slice ending;

	if (dot) {
		ending = slice_of(
			dot + 1, name.len - (size_t)(dot + 1 - name.ptr));
		for (size_t i = 0; i < array_size(types); i++)
			if (slice_is_nocase(ending, types[i].ending))
				return types[i].type;
	}
	return "application/octet-stream";
}
