/*
 * `mpcloud doctor`: what the server keeps things in, and where it asks.  Each
 * is asked as a gateway would, within a few seconds.
 */
#include "cli/cli.h"
#include "cli/cli_doctor.h"
#include "src/gatewayd.h"

#include "base/event.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/valkey.h"
#include "db/changes_check.h"
#include "db/schema.h"
#include "storage/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 3000, MIB = 1024 * 1024 };

/* ---- as the user that gateways run as ---- */

struct told {
	enum verdict verdict;
	struct fault say;
};

static void
become(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	if (!pw || initgroups(user, pw->pw_gid) < 0 || setgid(pw->pw_gid) < 0 ||
		setuid(pw->pw_uid) < 0)
		_exit(1);
}

static void
tell(struct cli *cli, check_fn *check, int fd)
{
	struct told told = {0};

	become(cli->conf->server_user);
	told.verdict = check(cli, &told.say);
	_exit(write(fd, &told, sizeof(told)) != sizeof(told));
}

/* Root may all, and PostgreSQL knows no root: the answer would be another. */
static enum verdict
as_server(struct cli *cli, check_fn *check, struct fault *say)
{
	_close_ int in = -1, out = -1;
	struct told told;
	int ends[2];
	bool ok;
	pid_t pid;

	if (geteuid() != 0 || !getpwnam(cli->conf->server_user))
		return check(cli, say);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return doctor_say(HINT, say, strerror(errno));
	in = ends[0];
	out = ends[1];
	(void)fflush(stdout); /* once, not once more in the child */
	pid = fork();
	if (pid == 0)
		tell(cli, check, out);
	out = (close(out), -1);
	ok = pid > 0 && read(in, &told, sizeof(told)) == sizeof(told);
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	if (!ok)
		return doctor_say(HINT, say,
			"it could not be tried as the user of server.user");
	*say = told.say;
	return told.verdict;
}

/* ---- PostgreSQL ---- */

static enum verdict
check_database(struct cli *cli, struct fault *say)
{
	return schema_check(cli->conf->database_url, say) == 0 ? FINE : WRONG;
}

enum verdict
doctor_database(struct cli *cli, struct fault *say)
{
	return as_server(cli, check_database, say);
}

/* Nobody needs watch() who does not use it. */
static enum verdict
check_watch(struct cli *cli, struct fault *say)
{
	return changes_check(cli->conf->database_url, say) == 0 ? FINE : HINT;
}

enum verdict
doctor_watch(struct cli *cli, struct fault *say)
{
	return as_server(cli, check_watch, say);
}

/* ---- stored files ---- */

/* What there is of a folder that the daemon makes at its start. */
static char *
nearest(const char *path)
{
	char *at = str_dup(path), *slash;

	while (access(at, F_OK) < 0 && (slash = strrchr(at, '/')) && slash > at)
		*slash = '\0';
	return at;
}

static enum verdict
check_room(const char *dir, int64_t reserve, struct fault *say)
{
	_free_ char *at = nearest(dir);
	struct statvfs v;
	int64_t room;

	if (statvfs(at, &v) < 0) {
		(void)snprintf(say->text, sizeof(say->text), "%s: %s", at,
			strerror(errno));
		return WRONG;
	}
	room = (int64_t)(v.f_bavail * v.f_frsize);
	if (v.f_flag & ST_RDONLY)
		(void)snprintf(say->text, sizeof(say->text),
			"%s is on a disk that cannot be written to", dir);
	else if (room < reserve)
		(void)snprintf(say->text, sizeof(say->text),
			"%s: %lld MiB are left and storage.reserve is %lld: "
			"uploads are answered 507; make room",
			dir, (long long)(room / MIB),
			(long long)(reserve / MIB));
	else
		(void)snprintf(say->text, sizeof(say->text),
			"%s, %lld MiB are free", dir, (long long)(room / MIB));
	return room < reserve || (v.f_flag & ST_RDONLY) ? WRONG : FINE;
}

static enum verdict
check_folder(const char *dir, struct fault *say)
{
	struct stat st;

	if (stat(dir, &st) < 0) /* made when the daemon starts */
		return FINE;
	if (S_ISDIR(st.st_mode) && access(dir, W_OK) == 0)
		return FINE;
	(void)snprintf(say->text, sizeof(say->text),
		S_ISDIR(st.st_mode) ? "%s: the server may not write there; "
				      "chown it to the user of server.user"
				    : "%s is not a folder",
		dir);
	return WRONG;
}

static enum verdict
check_storage(struct cli *cli, struct fault *say)
{
	const struct conf *conf = cli->conf;
	_free_ char *dir = *conf->storage_dir ? str_dup(conf->storage_dir)
					      : str_printf("%s/files",
							conf->server_state_dir);

	if (check_folder(dir, say) == WRONG)
		return WRONG;
	return check_room(dir, conf->storage_reserve, say);
}

enum verdict
doctor_storage(struct cli *cli, struct fault *say)
{
	return as_server(cli, check_storage, say);
}

/* ---- what is asked over the net ---- */

struct question {
	struct loop loop;
	struct timer late;
	bool over;
};

static void
on_late(struct timer *timer)
{
	container_of(timer, struct question, late)->over = true;
}

static int
question_begin(struct question *q, struct fault *why)
{
	int r = loop_init(&q->loop);

	if (r < 0)
		return fault_set(why, r, "no event loop");
	timer_set(&q->late, &q->loop, WAIT_MS, on_late);
	return 0;
}

static void
question_end(struct question *q)
{
	timer_clear(&q->late);
	loop_done(&q->loop);
}

static enum verdict
wrong(struct fault *say, int err)
{
	struct fault why = *say;

	return doctor_say(WRONG, say, fault_text(&why, err));
}

/* ---- the S3 store ---- */

struct s3_question {
	struct question q;
	struct s3_op op;
};

static void
on_object(struct job *job)
{
	struct s3_op *op = container_of(job, struct s3_op, job);

	container_of(op, struct s3_question, op)->q.over = true;
}

/* For an object of a name that none has: its absence is the good answer. */
static int
ask_s3(struct s3_question *q, struct s3 *s, struct fault *why)
{
	int err;

	job_init(&q->op.job, on_object);
	s3_get(s, &q->op, "mpcloud-doctor", -1, 0, "");
	while (!q->q.over)
		loop_turn(&q->q.loop, true);
	err = q->op.job.err;
	*why = q->op.job.why;
	if (!q->op.fetch.status && err >= 0)
		err = fault_set(why, ERR_TIMEOUT, "the S3 store is silent");
	job_cancel(&q->op.job);
	s3_done(&q->op);
	return err == -ENOENT ? 0 : err;
}

static int
open_s3(struct s3_question *q, const struct s3_conf *conf, struct fault *why)
{
	struct fetcher *fetcher = NULL;
	struct s3 *s = NULL;
	int r = question_begin(&q->q, why);

	if (r < 0)
		return r;
	r = fetcher_new(&fetcher, &q->q.loop);
	if (r == 0)
		r = s3_new(&s, fetcher, &q->q.loop, conf, why);
	if (r == 0)
		r = ask_s3(q, s, why);
	(void)s3_free(s);
	(void)fetcher_free(fetcher);
	question_end(&q->q);
	return r;
}

enum verdict
doctor_s3(struct cli *cli, struct fault *say)
{
	const struct conf *c = cli->conf;
	_free_ char *secret = NULL;
	struct s3_conf conf = {
		.endpoint = c->storage_s3_endpoint,
		.region = c->storage_s3_region,
		.bucket = c->storage_s3_bucket,
		.prefix = c->storage_s3_prefix,
		.access_key = c->storage_s3_access_key,
	};
	struct s3_question q = {0};
	int r;

	if (!*c->storage_s3_endpoint)
		return doctor_say(FINE, say, "not used (storage.s3_endpoint)");
	r = gatewayd_conf_secret("storage.s3_secret_key_file",
		c->storage_s3_secret_key_file, &secret, say);
	conf.secret_key = secret ? secret : "";
	if (r == 0)
		r = open_s3(&q, &conf, say);
	if (secret)
		mem_wipe(secret, strlen(secret));
	if (r < 0)
		return wrong(say,
			fault_prefix(say, r, "%s: ", c->storage_s3_endpoint));
	return doctor_say(FINE, say, c->storage_s3_endpoint);
}

/* ---- Valkey ---- */

static int
open_valkey(
	struct question *q, const struct valkey_conf *conf, struct fault *why)
{
	struct valkey *v = NULL;
	int r = question_begin(q, why);

	if (r < 0)
		return r;
	r = valkey_new(&v, &q->loop, conf, why);
	while (r == 0 && !q->over && !valkey_is_up(v))
		loop_turn(&q->loop, true);
	if (r == 0 && !valkey_is_up(v))
		r = fault_set(why, ERR_GONE,
			"%s does not answer, or refuses the password "
			"(limits.valkey_password_file); until it does, each "
			"machine counts by itself",
			conf->url);
	(void)valkey_free(v);
	question_end(q);
	return r;
}

enum verdict
doctor_valkey(struct cli *cli, struct fault *say)
{
	const struct conf *c = cli->conf;
	_free_ char *password = NULL;
	struct valkey_conf conf = {
		.url = c->limits_valkey,
		.prefix = "mpcloud:doctor:",
		.timeout_ms = WAIT_MS,
	};
	struct question q = {0};
	int r;

	event_init("mpcloud", EVENT_ERROR); /* the row says it */
	if (!*c->limits_valkey)
		return doctor_say(FINE, say,
			"not used: each machine counts by itself "
			"(limits.valkey)");
	r = gatewayd_conf_secret("limits.valkey_password_file",
		c->limits_valkey_password_file, &password, say);
	conf.password = password;
	if (r == 0)
		r = open_valkey(&q, &conf, say);
	if (password)
		mem_wipe(password, strlen(password));
	if (r < 0)
		return wrong(say, r);
	return doctor_say(FINE, say, c->limits_valkey);
}
