/*
 * Before the first child.  Run again on each reload where it only checks, so
 * that --check, the start and a reload can never disagree.
 */
#include "src/startup.h"

#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "src/listeners.h"
#include "src/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREDENTIAL_TOP = 1024 * 1024, CREDENTIALS_TOP = 100 };

static const char *const levels[] = {
	[EVENT_DEBUG] = "debug",
	[EVENT_INFO] = "info",
	[EVENT_WARN] = "warn",
	[EVENT_ERROR] = "error",
};

static int
find_level(const char *name)
{
	for (size_t i = 0; i < array_size(levels); i++)
		if (!strcmp(levels[i], name))
			return (int)i;
	return -EINVAL;
}

void
startup_log(const struct conf *conf)
{
	int level = find_level(conf->log_level);

	event_init(
		"supervisor", level < 0 ? EVENT_INFO : (enum event_level)level);
}

static int
check_paths(const struct conf *conf, struct fault *why)
{
	if (!*conf->server_state_dir || !*conf->server_run_dir)
		return fault_set(why, ERR_CONFIG,
			"server.state_dir and server.run_dir: must be set");
	return 0;
}

int
startup_check(const struct conf *conf, struct fault *why)
{
	struct identity who;
	int r = check_paths(conf, why);

	if (r == 0)
		r = listeners_check(conf, why);
	if (r == 0 && privilege_is_root())
		r = identity_find(&who, conf->server_user, why);
	return r;
}

/* `owner` NULL: stays ours. */
static int
give(const char *path, const struct identity *owner, struct fault *why)
{
	if (owner && chown(path, owner->uid, owner->gid) < 0)
		return fault_set(why, -errno, "%s: %s", path, err_text(-errno));
	return 0;
}

static int
make(const char *dir, const char *name, unsigned mode,
	const struct identity *owner, struct fault *why)
{
	_free_ char *path = str_printf("%s%s", dir, name);
	int r = dir_make(path, mode, why);

	return r < 0 ? r : give(path, owner, why);
}

int
startup_dirs(const struct conf *conf, const struct identity *owner,
	struct fault *why)
{
	int r = make(conf->server_run_dir, "", 0755, NULL, why);

	if (r == 0)
		r = make(conf->server_run_dir, "/cloud", 0755, NULL, why);
	if (r == 0)
		r = make(conf->server_state_dir, "", 0755, NULL, why);
	if (r == 0)
		r = make(conf->server_state_dir, "/logs", 0750, owner, why);
	/* Of the gateways alone: functions come to files over the gateways. */
	if (r == 0 && *conf->storage_dir)
		r = make(conf->storage_dir, "", 0700, owner, why);
	else if (r == 0)
		r = make(conf->server_state_dir, "/files", 0700, owner, why);
	return r;
}

static int
copy_one(const char *from, const char *to, const char *name,
	const struct identity *owner, struct fault *why)
{
	_free_ char *source = str_printf("%s/%s", from, name);
	_free_ char *target = str_printf("%s/%s", to, name);
	char *secret = NULL;
	struct stat st;
	size_t len;
	int r;

	if (stat(source, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	r = file_read(source, CREDENTIAL_TOP, &secret, &len, why);
	if (r < 0)
		return r;
	r = file_write(target, secret, len, 0400, why);
	mem_wipe(secret, len);
	free(secret);
	return r < 0 ? r : give(target, owner, why);
}

static int
copy_all(const char *from, const char *to, const struct identity *owner,
	struct fault *why)
{
	DIR *dir = opendir(from);
	const struct dirent *e;
	int r = 0, count = 0;

	if (!dir)
		return fault_set(why, -errno, "%s: %s", from, err_text(-errno));
	while (r == 0 && (e = readdir(dir)) && count++ < CREDENTIALS_TOP)
		if (e->d_name[0] != '.')
			r = copy_one(from, to, e->d_name, owner, why);
	(void)closedir(dir);
	return r;
}

static int
open_to_group(const char *path, const struct identity *owner, struct fault *why)
{
	if (chown(path, (uid_t)-1, owner->gid) < 0 || chmod(path, 0750) < 0)
		return fault_set(why, -errno, "%s: %s", path, err_text(-errno));
	return 0;
}

int
startup_credentials(const char *run_dir, const struct identity *owner,
	char **ret, struct fault *why)
{
	const char *from = getenv("CREDENTIALS_DIRECTORY");
	_free_ char *to = str_printf("%s/credentials", run_dir);
	int r;

	if (!from || !*from) {
		*ret = NULL;
		return 0;
	}
	if (!owner) {
		*ret = str_dup(from);
		return 0;
	}
	startup_forget_credentials(run_dir);
	r = dir_make(to, 0700, why);
	if (r == 0) /* filled while it is still only ours */
		r = copy_all(from, to, owner, why);
	if (r == 0) /* by group: we must be able to take it away again */
		r = open_to_group(to, owner, why);
	if (r == 0)
		*ret = take(to);
	return r;
}

void
startup_forget_credentials(const char *run_dir)
{
	_free_ char *to = str_printf("%s/credentials", run_dir);
	DIR *dir = opendir(to);
	const struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(to);
}
