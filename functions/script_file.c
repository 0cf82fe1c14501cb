/*
 * Files for main.js: the version's own, the runtime's, layers at /opt, and
 * /tmp, which alone may be written.  The cage is the wall; this keeps to the
 * same lines where the cage is thin (a development machine), and asks the
 * kernel where a path leads before it looks.
 */
#include "functions/script_inside.h"

#include "base/mem.h"
#include "base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TOP = 128 * 1024 * 1024, NAMES_TOP = 65536, CHUNK = 65536 };

static const char tmp[] = "/tmp", layers[] = "/opt";

/* Node's words: "ENOENT: no such file or directory, open '/tmp/a'". */
static JSValueRef
refuse(struct script *s, JSValueRef *exc, int err, const char *call,
	const char *path)
{
	const char *name = strerrorname_np(err);
	const char *text = strerrordesc_np(err);
	JSValueRef undefined;
	JSObjectRef error;

	undefined =
		js_throw(s->js, exc, name ? name : "EIO", "%s: %c%s, %s '%s'",
			name ? name : "EIO", text ? text[0] | 0x20 : 'e',
			text ? text + 1 : "rror", call, path);
	error = JSValueToObject(s->js, *exc, NULL);
	js_set(s->js, error, "errno", js_number(s->js, -err));
	js_set_text(s->js, error, "syscall", slice_str(call));
	js_set_text(s->js, error, "path", slice_str(path));
	return undefined;
}

static bool
is_below(const char *path, const char *folder)
{
	char real[PATH_MAX];
	size_t len;

	if (!realpath(folder, real))
		return false;
	len = strlen(real);
	return strncmp(path, real, len) == 0 &&
	       (path[len] == '/' || path[len] == '\0');
}

static bool
may_read(const struct script *s, const char *real)
{
	return is_below(real, s->conf->code_dir) ||
	       is_below(real, s->conf->runtime_dir) || is_below(real, tmp) ||
	       is_below(real, layers);
}

/* Where an argument leads.  0 or errno. */
static int
resolve(struct script *s, JSValueRef v, char path[PATH_MAX],
	char real[PATH_MAX])
{
	struct buf text _buf_ = {0};

	path[0] = '\0';
	buf_init(&text, 4L * PATH_MAX);
	if (!js_utf8(s->js, v, &text) || text.len >= PATH_MAX)
		return ENAMETOOLONG;
	if (memchr(text.ptr, '\0', text.len))
		return EINVAL;
	memcpy(path, text.ptr, text.len);
	path[text.len] = '\0';
	if (!realpath(path, real))
		return errno;
	return may_read(s, real) ? 0 : EACCES;
}

/* The same of what is to be made or removed: its folder must be there and below
 * /tmp, and it is never reached through a link. */
static int
resolve_new(struct script *s, JSValueRef v, char path[PATH_MAX],
	char real[PATH_MAX])
{
	char *name, folder[PATH_MAX];
	int r = resolve(s, v, path, folder);

	if (r != 0 && r != ENOENT && r != EACCES)
		return r;
	(void)snprintf(folder, sizeof(folder), "%s", path);
	while ((name = strrchr(folder, '/')) && !name[1] && name > folder)
		*name = '\0';
	if (!name || !name[1])
		return EPERM;
	*name++ = '\0';
	if (!realpath(*folder ? folder : "/", real))
		return errno;
	if (!is_below(real, tmp) || is_below(real, s->conf->code_dir) ||
		path_is_dot(name))
		return EACCES;
	if (strlen(real) + strlen(name) + 2 > PATH_MAX)
		return ENAMETOOLONG;
	(void)strcat(strcat(real, "/"), name);
	return 0;
}

static JSValueRef
host_stat(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct stat st;
	int kind = 0;

	(void)exc;
	if (resolve(s, v[0], path, real) == 0 && stat(real, &st) == 0)
		kind = S_ISDIR(st.st_mode) ? 2 : S_ISREG(st.st_mode) ? 1 : 0;
	return js_number(s->js, kind);
}

static int
read_all(const char *real, struct buf *to)
{
	_close_ int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return EINVAL;
	for (;;) {
		char *at = buf_reserve(
			to, to->len ? CHUNK : (size_t)st.st_size + 1);
		ssize_t n = at ? read(fd, at, to->room - to->len - 1) : 0;

		if (!at)
			return EFBIG;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : 0;
		buf_grown(to, (size_t)n);
	}
}

static bool
read_argument(struct script *s, JSValueRef v, struct buf *to, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = resolve(s, v, path, real);

	buf_init(to, FILE_TOP);
	if (r == 0)
		r = read_all(real, to);
	if (r != 0)
		(void)refuse(s, exc, r, "open", path);
	return r == 0;
}

static JSValueRef
host_read_file(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf text _buf_ = {0};

	if (!read_argument(s, v[0], &text, exc))
		return JSValueMakeUndefined(s->js);
	return js_bytes(s->js, buf_all(&text), exc);
}

static JSValueRef
host_read_text(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	struct buf text _buf_ = {0};
	struct slice all;

	if (!read_argument(s, v[0], &text, exc))
		return JSValueMakeUndefined(s->js);
	all = buf_all(&text);
	if (all.len >= 3 && memcmp(all.ptr, "\xef\xbb\xbf", 3) == 0)
		all = slice_of(all.ptr + 3, all.len - 3);
	return js_text(s->js, all);
}

static int
write_all(const char *real, struct slice bytes)
{
	_close_ int fd = open(real,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return errno;
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		bytes = slice_of(bytes.ptr + n, bytes.len - (size_t)n);
	}
	return 0;
}

static JSValueRef
host_write_file(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = resolve_new(s, v[0], path, real);
	struct slice bytes;

	if (!js_slice(s->js, v[1], &bytes))
		return js_throw(s->js, exc, NULL, "host.writeFile: bytes");
	if (r == 0)
		r = write_all(real, bytes);
	return r == 0 ? JSValueMakeUndefined(s->js)
		      : refuse(s, exc, r, "open", path);
}

static JSValueRef
host_unlink(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = resolve_new(s, v[0], path, real);

	if (r == 0 && remove(real) < 0)
		r = errno;
	return r == 0 ? JSValueMakeUndefined(s->js)
		      : refuse(s, exc, r, "unlink", path);
}

static JSValueRef
host_mkdir(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = resolve_new(s, v[0], path, real);

	if (r == 0 && mkdir(real, 0777) < 0)
		r = errno;
	return r == 0 ? JSValueMakeUndefined(s->js)
		      : refuse(s, exc, r, "mkdir", path);
}

static JSValueRef
list_folder(struct script *s, DIR *dir, JSValueRef *exc)
{
	JSObjectRef list = JSObjectMakeArray(s->js, 0, NULL, exc);
	const struct dirent *e;
	unsigned n = 0;

	while (list && n < NAMES_TOP && (e = readdir(dir)))
		if (!path_is_dot(e->d_name))
			JSObjectSetPropertyAtIndex(s->js, list, n++,
				js_text(s->js, slice_str(e->d_name)), NULL);
	return list;
}

static JSValueRef
host_readdir(struct script *s, const JSValueRef *v, JSValueRef *exc)
{
	char path[PATH_MAX], real[PATH_MAX];
	int r = resolve(s, v[0], path, real);
	DIR *dir = r == 0 ? opendir(real) : NULL;
	JSValueRef list;

	if (!dir)
		return refuse(s, exc, r ? r : errno, "scandir", path);
	list = list_folder(s, dir, exc);
	(void)closedir(dir);
	return list;
}

const struct script_host_row script_host_files[] = {
	{"stat", 1, host_stat},
	{"readFile", 1, host_read_file},
	{"readText", 1, host_read_text},
	{"writeFile", 2, host_write_file},
	{"unlink", 1, host_unlink},
	{"mkdir", 1, host_mkdir},
	{"readdir", 1, host_readdir},
	{NULL, 0, NULL},
};
