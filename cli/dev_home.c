/*
 * Where a project's development state lives.  As root the database and the
 * gateways run as an ordinary user, who must be able to reach their files: a
 * project under /root is out of his reach, so its state moves to /var/lib.
 */
#include "cli/dev.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int
choose_user(struct dev *dev)
{
	const char *const names[] = {"mpcloud", "postgres", "nobody"};
	static char name[64]; /* as long as we run */
	const char *asked = dev->cli->options[OPT_USER];
	struct passwd *pw = asked ? getpwnam(asked) : NULL;

	dev->uid = (uid_t)-1;
	dev->gid = (gid_t)-1;
	dev->user = "";
	if (geteuid() != 0)
		return EXIT_OK;
	for (size_t i = 0; !asked && !pw && i < array_size(names); i++)
		pw = getpwnam(names[i]);
	if (!pw || pw->pw_uid == 0)
		return cli_fail(EXIT_USAGE,
			"as root, the database and the gateways need an "
			"ordinary user: --user NAME");
	dev->uid = pw->pw_uid;
	dev->gid = pw->pw_gid;
	(void)snprintf(name, sizeof(name), "%s", pw->pw_name);
	dev->user = name;
	return EXIT_OK;
}

/* Asked by being him. */
bool
dev_can_reach(const struct dev *dev, const char *path)
{
	int st = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(dev->gid) < 0 ||
			setuid(dev->uid) < 0)
			_exit(1);
		_exit(access(path, X_OK) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &st, 0) == pid && st == 0;
}

/* Above functions.uid_first's default and its range. */
enum { UID_BASE = 1000000, UID_RANGES = 500000 };

/* Eight hex digits that name this project on this machine.  They choose the ids
 * of its functions' users too: stacks that shared users would share the ceiling
 * on a user's processes. */
static void
project_mark(struct dev *dev, char ret[9])
{
	uint8_t sum[SHA256_LEN];
	_buf_ struct buf hex = {0};

	buf_init(&hex, 128);
	crypto_sha256(slice_str(dev->project), sum);
	text_hex(&hex, slice_of(sum, 4));
	memcpy(ret, hex.ptr, 9);
	dev->uid_first =
		UID_BASE +
		(((int64_t)sum[0] << 16 | sum[1] << 8 | sum[2]) % UID_RANGES) *
			DEV_UIDS;
}

static int
make_folder(const struct dev *dev, const char *path, mode_t mode)
{
	struct fault why = {0};
	_close_ int fd = -1;

	if (dir_make(path, mode, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", fault_text(&why, why.code));
	/* A project from elsewhere may bring a link that leads anywhere. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 ||
		(dev->uid != (uid_t)-1 && fchown(fd, dev->uid, dev->gid) < 0))
		return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
	return EXIT_OK;
}

int
dev_folder(const struct dev *dev, const char *name, char **ret)
{
	*ret = str_printf("%s/%s", dev->home, name);
	return make_folder(dev, *ret, 0700);
}

static int
choose_run(struct dev *dev, const char *mark)
{
	struct stat st;

	dev->run = str_printf("/tmp/mpcloud-%u-%s", (unsigned)geteuid(), mark);
	if (mkdir(dev->run, 0755) < 0 && errno != EEXIST)
		return cli_fail(
			EXIT_FAILED, "%s: %s", dev->run, strerror(errno));
	if (lstat(dev->run, &st) < 0 || !S_ISDIR(st.st_mode) ||
		st.st_uid != geteuid())
		return cli_fail(EXIT_FAILED,
			"%s exists and is not ours: remove it", dev->run);
	return EXIT_OK;
}

/* Only what is empty: programs of theirs may have left a core there. */
void
dev_home_leave(const struct dev *dev)
{
	static const char *const folders[] = {"run/cloud", "run", "pg", NULL};

	if (!dev->locked)
		return;
	for (size_t i = 0; folders[i]; i++) {
		_free_ char *path = str_printf("%s/%s", dev->run, folders[i]);

		(void)rmdir(path);
	}
	(void)rmdir(dev->run);
}

int
dev_home(struct dev *dev)
{
	char mark[9];
	int status = choose_user(dev);

	if (status != EXIT_OK)
		return status;
	project_mark(dev, mark);
	if (dev->uid != (uid_t)-1 && !dev_can_reach(dev, dev->project)) {
		dev->home = str_printf("/var/lib/mpcloud-dev/%s", mark);
	} else {
		dev->home = str_printf("%s/.mpcloud", dev->project);
	}
	if (status == EXIT_OK)
		status = make_folder(dev, dev->home, 0755);
	return status == EXIT_OK ? choose_run(dev, mark) : status;
}
