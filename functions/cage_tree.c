/*
 * A file tree of the cage's own: an empty tmpfs into which the few parts of the
 * host that programs need are bound read-only, then made the root; the old root
 * is detached, so there is no way back to it.
 *
 * The parts are cloned as detached mounts first (open_tree) and attached later
 * (move_mount).  So it does not matter that the new tree is built on top of
 * /tmp, where some of them may be.
 */
#include "functions/cage_inside.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nothing here holds a secret; /etc is a handful of files. */
const struct place cage_places[] = {
	{"/usr", PLACE_TREE},
	/* Where programs of /usr/local, ours among them, have their settings
	 * and their data. */
	{"/usr/local/etc", PLACE_EMPTY},
	{"/usr/local/var", PLACE_EMPTY},
	{"/bin", PLACE_TREE},
	{"/sbin", PLACE_TREE},
	{"/lib", PLACE_TREE},
	{"/lib32", PLACE_TREE},
	{"/lib64", PLACE_TREE},
	{"/libx32", PLACE_TREE},
	{"/etc/alternatives", PLACE_TREE},
	{"/etc/ld.so.cache", PLACE_COPY},
	{"/etc/localtime", PLACE_COPY},
	{"/etc/ssl/openssl.cnf", PLACE_COPY},
	{"/etc/ssl/certs", PLACE_TREE},
	{"/etc/services", PLACE_COPY},
	{"/dev/null", PLACE_DEVICE},
	{"/dev/zero", PLACE_DEVICE},
	{"/dev/full", PLACE_DEVICE},
	{"/dev/random", PLACE_DEVICE},
	{"/dev/urandom", PLACE_DEVICE},
};
const size_t cage_places_len = array_size(cage_places);

/* An existing folder to build on; hidden for us alone. */
static const char base[] = "/tmp";

enum { PARTS = 40, COPY_TOP = 1024 * 1024 };

#define TMP_PER_NAME  2048LL
#define TMP_NAMES_LOW 1024LL
#define TMP_NAMES_TOP 262144LL

struct part {
	const char *path;
	enum place_kind kind;
	int fd;     /* a detached mount; -1: copy, link or nothing */
	char *link; /* where a symlink points */
	struct buf copy;
	bool is_dir;
};

struct tree {
	struct part parts[PARTS];
	size_t len;
};

static void
tree_done(struct tree *t)
{
	for (size_t i = 0; i < t->len; i++) {
		fd_closep(&t->parts[i].fd);
		free(t->parts[i].link);
		buf_done(&t->parts[i].copy);
	}
}

static int
part_clone(struct part *p)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NOSUID};
	struct stat st;

	p->fd = open_tree(AT_FDCWD, p->path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return -errno;
	p->is_dir = S_ISDIR(st.st_mode);
	attr.attr_set |= p->kind == PLACE_DEVICE
				 ? MOUNT_ATTR_NOEXEC
				 : MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV;
	if (mount_setattr(p->fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
		    sizeof(attr)) < 0)
		return -errno;
	return 0;
}

static int
part_read(struct part *p)
{
	_close_ int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	char *at;
	ssize_t n;

	if (fd < 0)
		return -errno;
	buf_init(&p->copy, COPY_TOP);
	while ((at = buf_reserve(&p->copy, 16384)) &&
		(n = read(fd, at, 16384)) > 0)
		buf_grown(&p->copy, (size_t)n);
	return 0;
}

/* -ENOENT is no trouble: not every host has every part. */
static int
tree_take(struct tree *t, const char *path, enum place_kind kind)
{
	struct part *p = &t->parts[t->len];
	char link[PATH_MAX];
	ssize_t n;

	if (t->len == PARTS)
		return -E2BIG;
	*p = (struct part){.path = path, .kind = kind, .fd = -1};
	t->len++;
	if (kind == PLACE_COPY)
		return part_read(p);
	if (kind == PLACE_EMPTY)
		return 0;
	n = readlink(path, link, sizeof(link));
	/* /bin -> usr/bin stays a link; a folder that was given by name is
	 * wanted at that name, whatever leads to it. */
	if (n > 0 && strchr(path + 1, '/') == NULL) {
		p->link = str_ndup(link, (size_t)n);
		return 0;
	}
	return part_clone(p);
}

static int
tree_take_all(struct tree *t, const struct cage_conf *conf)
{
	for (size_t i = 0; i < cage_places_len; i++) {
		const struct place *place = &cage_places[i];
		int r = tree_take(t, place->path, place->kind);

		if (r < 0 && r != -ENOENT && place->kind != PLACE_COPY)
			return r;
	}
	for (size_t i = 0; i < array_size(conf->dirs); i++) {
		int r = conf->dirs[i] && *conf->dirs[i]
				? tree_take(t, conf->dirs[i], PLACE_TREE)
				: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* The folders above `path`. */
static int
make_parents(const char *path)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
		memcpy(part, path, (size_t)(s - path));
		part[s - path] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST && errno != EROFS)
			return -errno;
	}
	return 0;
}

static int
make_file(const char *path, struct slice text)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	if (text.len > 0 && write(fd, text.ptr, text.len) < 0)
		return -errno;
	return 0;
}

/* Is it there already, as part of a greater one (a folder under /usr)? */
static bool
is_there(const char *path, int fd)
{
	struct stat a, b;

	return stat(path, &a) == 0 && fstat(fd, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
part_attach(const struct part *p, const char *to)
{
	if (is_there(to, p->fd))
		return 0;
	if (p->is_dir) {
		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			return -errno;
	} else {
		int r = make_file(to, SLICE(""));

		if (r < 0)
			return r;
	}
	if (move_mount(p->fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* What belongs below it is put there later, hence not yet read-only. */
static int
part_hide(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return mount("mpcloud", path, "tmpfs", MS_NOSUID | MS_NODEV,
		       "mode=0755,size=64k")
		       ? -errno
		       : 0;
}

static int
part_close(const struct part *p)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	char path[PATH_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s%s", base, p->path);
	if (p->kind != PLACE_EMPTY || stat(path, &st) < 0)
		return 0;
	return mount_setattr(AT_FDCWD, path, 0, &attr, sizeof(attr)) < 0
		       ? -errno
		       : 0;
}

static int
part_put(const struct part *p)
{
	char to[PATH_MAX];
	int r;

	if (snprintf(to, sizeof(to), "%s%s", base, p->path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (p->kind == PLACE_EMPTY)
		return part_hide(to);
	if (p->fd < 0 && !p->link && p->copy.len == 0)
		return 0;
	r = make_parents(to);
	if (r < 0)
		return r;
	if (p->link)
		return symlink(p->link, to) < 0 ? -errno : 0;
	if (p->kind == PLACE_COPY)
		return make_file(to, buf_all(&p->copy));
	return part_attach(p, to);
}

/* One instance of procfs; every mount of it has options of its own. */
static int
open_proc(bool hide)
{
	_close_ int fs = fsopen("proc", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return -errno;
	if (hide && fsconfig(fs, FSCONFIG_SET_STRING, "hidepid", "invisible",
			    0) < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Two: the code sees only its own process, the keeper's shows all of the cage
 * (memory is sampled there) and is in nobody's tree. */
static int
put_proc(struct cage *c)
{
	_close_ int fd = -1;

	if (!c->own_pids)
		return -ENOSYS;
	fd = open_proc(true);
	c->proc_fd = open_proc(false);
	if (fd < 0)
		return fd;
	if (mkdir("/tmp/proc", 0555) < 0)
		return -errno;
	if (move_mount(fd, "", AT_FDCWD, "/tmp/proc", MOVE_MOUNT_F_EMPTY_PATH) <
		0)
		return -errno;
	return 0;
}

static int
put_users(const struct cage *c)
{
	_free_ char *users =
		str_printf("root:x:0:0:root:/:/usr/sbin/nologin\n"
			   "function:x:%u:%u:function:/tmp:/usr/sbin/nologin\n",
			c->uid, c->gid);
	_free_ char *groups = str_printf("root:x:0:\nfunction:x:%u:\n", c->gid);
	int r = make_file("/tmp/etc/passwd", slice_str(users));

	if (r == 0)
		r = make_file("/tmp/etc/group", slice_str(groups));
	if (r == 0)
		r = make_file("/tmp/etc/hosts",
			SLICE("127.0.0.1 localhost\n::1 localhost\n"));
	return r;
}

/* The egress's sockets live here and nowhere else. */
static int
put_egress(struct cage *c)
{
	int r;

	if (!c->conf->egress)
		return 0;
	if (mkdir("/tmp" EGRESS_DIR, 0755) < 0)
		return -errno;
	r = egress_bind(&c->egress, "/tmp" EGRESS_PATH);
	if (r == 0)
		(void)snprintf(c->egress_path, sizeof(c->egress_path), "%s",
			EGRESS_PATH);
	return r;
}

/* Layers and shared code are part of the version; Tencent's stand at /opt. */
static int
put_opt(const struct cage *c)
{
	_free_ char *opt = str_printf("%s/.opt", c->conf->dirs[0]);
	_free_ char *inside = str_printf("%s%s", base, opt);

	if (access(inside, F_OK) < 0)
		return 0;
	return symlink(opt, "/tmp/opt") < 0 ? -errno : 0;
}

static int
put_small(struct cage *c)
{
	static const struct {
		const char *name, *to;
	} links[] = {
		{"/tmp/dev/fd", "/proc/self/fd"},
		{"/tmp/dev/stdin", "/proc/self/fd/0"},
		{"/tmp/dev/stdout", "/proc/self/fd/1"},
		{"/tmp/dev/stderr", "/proc/self/fd/2"},
	};
	int r = put_proc(c);

	if (r < 0) {
		_free_ char *text = str_printf(
			"no /proc inside the cage (%s)", strerror(-r));

		json_array_append_new(c->missing, json_string(text));
	}
	for (size_t i = 0; i < array_size(links); i++)
		if (symlink(links[i].to, links[i].name) < 0)
			return -errno;
	r = put_users(c);
	if (r == 0)
		r = put_opt(c);
	return r < 0 ? r : put_egress(c);
}

/* A name costs memory of the kernel's, whatever is in the file. */
static int
make_tmp(int64_t size)
{
	char options[96];

	(void)snprintf(options, sizeof(options),
		"mode=1777,size=%lld,nr_inodes=%lld", (long long)size,
		(long long)min(max(size / TMP_PER_NAME, TMP_NAMES_LOW),
			TMP_NAMES_TOP));
	if (mkdir("/tmp/tmp", 0755) < 0 ||
		mount("mpcloud-tmp", "/tmp/tmp", "tmpfs", MS_NOSUID | MS_NODEV,
			options) < 0)
		return -errno;
	return 0;
}

static int
make_base(const struct cage *c)
{
	if (mount("mpcloud", base, "tmpfs", MS_NOSUID | MS_NODEV,
		    "mode=0755,size=4m") < 0)
		return -errno;
	if (mkdir("/tmp/etc", 0755) < 0 || mkdir("/tmp/dev", 0755) < 0)
		return -errno;
	return make_tmp(c->conf->tmp);
}

static int
make_root(void)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount_setattr(AT_FDCWD, base, 0, &attr, sizeof(attr)) < 0)
		return -errno;
	if (chdir(base) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
		umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static int
build(struct cage *c, const struct tree *t)
{
	int r = make_base(c);

	for (size_t i = 0; i < t->len && r == 0; i++)
		r = part_put(&t->parts[i]);
	for (size_t i = 0; i < t->len && r == 0; i++)
		r = part_close(&t->parts[i]);
	if (r == 0)
		r = put_small(c);
	if (r == 0)
		r = make_root();
	if (r < 0)
		(void)umount2(base, MNT_DETACH);
	return r;
}

int
cage_try_tree(struct cage *c)
{
	_cleanup_(tree_done) struct tree t = {0};
	int r;

	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	(void)umask(0022);
	r = tree_take_all(&t, c->conf);
	if (r == 0)
		r = build(c, &t);
	c->own_tree = r == 0;
	return r;
}
