/*
 * initdb into a temporary folder, as the user postgres when we are root (the
 * server refuses to run as root).  Two things clean up when the test itself
 * cannot: the server dies with its parent (PR_SET_PDEATHSIG), and a janitor
 * process that waits for the end of a pipe removes the folder.
 */
#include "tests/lib/pg.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAME "/mpcloud-pg-XXXXXX"

struct testpg {
	char dir[64], url[160], bin[200];
	pid_t server, janitor;
	const char *more; /* one more setting, the last to count */
	int pipe;
	char answer[65536];
};

static void
die(const char *what)
{
	(void)fprintf(stderr, "testpg: %s: %s\n", what, strerror(errno));
	abort();
}

static void
nap(void)
{
	const struct timespec ts = {.tv_nsec = 5000000};

	(void)nanosleep(&ts, NULL);
}

/* MPCLOUD_PG_BIN, or the newest Debian folder. */
static void
find_bin(struct testpg *t)
{
	const char *own = getenv("MPCLOUD_PG_BIN");
	glob_t g;

	if (own) {
		(void)snprintf(t->bin, sizeof(t->bin), "%s", own);
		return;
	}
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &g) != 0)
		die("no /usr/lib/postgresql/*/bin");
	(void)snprintf(
		t->bin, sizeof(t->bin), "%s", g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
}

static const struct passwd *
server_user(void)
{
	const struct passwd *pw = getuid() == 0 ? getpwnam("postgres") : NULL;

	if (getuid() == 0 && !pw)
		die("root needs a user named postgres");
	return pw;
}

static void
become_server_user(void)
{
	const struct passwd *pw = server_user();

	if (pw && (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 ||
			  setuid(pw->pw_uid) < 0))
		_exit(126);
	if (prctl(PR_SET_PDEATHSIG, SIGQUIT) < 0)
		_exit(126);
}

/* Starts bin/argv[0] with its output in dir/log.  PostgreSQL's programs look
 * for each other beside the path they were called by. */
static pid_t
start(struct testpg *t, const char **argv)
{
	char path[300], log[100];
	pid_t pid;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", t->bin, argv[0]);
	(void)snprintf(log, sizeof(log), "%s/log", t->dir);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	become_server_user();
	fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
	if (fd < 0 || chdir(t->dir) < 0)
		_exit(126);
	(void)dup2(fd, 1);
	(void)dup2(fd, 2);
	(void)close(t->pipe);
	(void)unsetenv("LD_PRELOAD");
	argv[0] = path;
	(void)execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void
make_dir(struct testpg *t)
{
	const struct passwd *pw = server_user();
	const char *tmp = getenv("TMPDIR");

	/* A socket's path is short. */
	if (!tmp || strlen(tmp) > sizeof(t->dir) - sizeof(NAME))
		tmp = "/tmp";
	(void)snprintf(t->dir, sizeof(t->dir), "%s" NAME, tmp);
	if (!mkdtemp(t->dir))
		die("mkdtemp");
	if (pw && chown(t->dir, pw->pw_uid, pw->pw_gid) < 0)
		die("chown");
	(void)snprintf(t->url, sizeof(t->url),
		"host=%s user=postgres dbname=postgres", t->dir);
}

/* The first line of postmaster.pid, or 0. */
static pid_t
running(const char *dir)
{
	char path[100], line[32] = "";
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/data/postmaster.pid", dir);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	(void)fclose(f);
	return (pid_t)strtol(line, NULL, 10);
}

static void
start_janitor(struct testpg *t)
{
	int fds[2];
	char byte;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		die("pipe");
	t->pipe = fds[1];
	t->janitor = fork();
	if (t->janitor < 0)
		die("fork");
	if (t->janitor > 0) {
		(void)close(fds[0]);
		return;
	}
	(void)setsid(); /* a Ctrl-C is for the test, not for us */
	(void)close(fds[1]);
	while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
		;
	pid = running(t->dir);
	for (int i = 0; pid > 1 && i < 1000 && kill(pid, 0) == 0; i++) {
		(void)kill(pid, SIGQUIT);
		nap();
	}
	(void)execlp("rm", "rm", "-rf", t->dir, NULL);
	_exit(127);
}

static void
make_data(struct testpg *t, const char **argv)
{
	int status;

	if (waitpid(start(t, argv), &status, 0) < 0 || status != 0)
		die(argv[0]);
}

/* Made by `argv`, then started. */
static struct testpg *
new_with(const char **argv)
{
	struct testpg *t = calloc(1, sizeof(*t));

	if (!t)
		die("calloc");
	find_bin(t);
	make_dir(t);
	start_janitor(t);
	make_data(t, argv);
	testpg_start(t);
	return t;
}

void
testpg_start(struct testpg *t)
{
	const char *argv[] = {"postgres", "-D", "data", "-k", t->dir, "-c",
		"listen_addresses=", "-c", "fsync=off", "-c",
		"wal_level=logical", "-c", "shared_buffers=16MB", "-c",
		"max_connections=40", "-c", "log_min_messages=warning", "-c",
		t->more ? t->more : "listen_addresses=", NULL};

	t->server = start(t, argv);
	for (int i = 0; PQping(t->url) != PQPING_OK; i++) {
		if (i > 4000 || waitpid(t->server, NULL, WNOHANG) != 0)
			die("the server did not start");
		nap();
	}
}

struct testpg *
testpg_new(void)
{
	const char *argv[] = {"initdb", "-D", "data", "-U", "postgres", "-A",
		"trust", "-E", "UTF8", "--no-locale", "--no-sync", NULL};

	return new_with(argv);
}

struct testpg *
testpg_new_replica(const struct testpg *primary)
{
	const char *argv[] = {"pg_basebackup", "-D", "data", "-R", "-h",
		primary->dir, "-U", "postgres", "-X", "stream",
		"--checkpoint=fast", "--no-sync", NULL};

	return new_with(argv);
}

void
testpg_kill(struct testpg *t)
{
	if (t->server <= 0)
		return;
	(void)kill(t->server, SIGQUIT);
	(void)waitpid(t->server, NULL, 0);
	t->server = 0;
}

struct testpg *
testpg_free(struct testpg *t)
{
	if (!t)
		return NULL;
	testpg_kill(t);
	(void)close(t->pipe); /* tells the janitor */
	(void)waitpid(t->janitor, NULL, 0);
	free(t);
	return NULL;
}

void
testpg_set(struct testpg *t, const char *setting)
{
	t->more = setting;
}

const char *
testpg_url(const struct testpg *t)
{
	return t->url;
}

pid_t
testpg_pid(const struct testpg *t)
{
	return t->server;
}

const char *
testpg_query(struct testpg *t, const char *sql)
{
	PGconn *conn = PQconnectdb(t->url);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);
	bool some = status == PGRES_TUPLES_OK && PQntuples(result) > 0;

	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		(void)fprintf(
			stderr, "testpg: %s: %s", sql, PQerrorMessage(conn));
	if (some)
		(void)snprintf(t->answer, sizeof(t->answer), "%s",
			PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return some ? t->answer : NULL;
}
