/*
 * The private PostgreSQL cluster: made on first use, listening on a unix
 * socket only, owned by an ordinary user (initdb refuses root).
 */
#include "cli/dev.h"

#include "base/mem.h"
#include "cli/spawn.h"

#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PG_LEAST = 15 };

/* The newest PostgreSQL's program, where Debian puts it, or the one in PATH. */
static char *
pg_program(const char *name)
{
	_free_ char *pattern = str_printf("/usr/lib/postgresql/*/bin/%s", name);
	glob_t found = {0};
	char *best = NULL;
	long newest = PG_LEAST - 1;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++) {
			long n = strtol(found.gl_pathv[i] +
						strlen("/usr/lib/postgresql/"),
				NULL, 10);

			if (n <= newest)
				continue;
			newest = n;
			(void)mem_free(best);
			best = str_dup(found.gl_pathv[i]);
		}
	globfree(&found);
	return best ? best : str_dup(name);
}

static int
make_cluster(struct dev *dev, const char *data)
{
	_free_ char *initdb = pg_program("initdb");
	_free_ char *log = str_printf("%s/initdb.log", dev->home);
	const char *const argv[] = {initdb, "-D", data, "-U", "mpcloud",
		"--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
		"--no-instructions", NULL};
	struct fault why = {0};
	int status = 0;
	struct spawn s = {.argv = argv,
		.uid = dev->uid,
		.gid = dev->gid,
		.dir = "/",
		.log = log};

	if (spawn_run(&s, &status, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	if (status == 0)
		return EXIT_OK;
	return cli_fail(EXIT_FAILED,
		"initdb failed (status %d): see %s. PostgreSQL %d or newer "
		"is needed: apt-get install postgresql",
		status, log, PG_LEAST);
}

/* The server of an earlier run that was killed may still be ending. */
static int
wait_socket(struct dev *dev, const char *sockets)
{
	_free_ char *path = str_printf("%s/.s.PGSQL.5432", sockets);

	for (int i = 0; i < 3000; i++) {
		if (access(path, F_OK) == 0)
			return EXIT_OK;
		if (kill(dev->pg, 0) < 0)
			break;
		(void)usleep(10000);
	}
	return dev_fail(dev, "PostgreSQL did not start", "pg.log");
}

static int
run_server(struct dev *dev, const char *data, const char *sockets)
{
	_free_ char *postgres = pg_program("postgres");
	_free_ char *log = str_printf("%s/pg.log", dev->home);
	const char *const argv[] = {postgres, "-D", data, "-k", sockets, "-c",
		"listen_addresses=", "-c", "unix_socket_permissions=0700",
		/* watch() follows the change stream */
		"-c", "wal_level=logical", NULL};
	struct fault why = {0};
	struct spawn s = {.argv = argv,
		.uid = dev->uid,
		.gid = dev->gid,
		.dir = "/",
		.log = log,
		.death_signal = SIGINT};

	if (spawn_start(&s, &dev->pg, &why) < 0)
		return cli_fail(EXIT_FAILED, "%s", why.text);
	return wait_socket(dev, sockets);
}

int
dev_pg_start(struct dev *dev)
{
	_free_ char *data = NULL;
	_free_ char *version = NULL;
	_free_ char *sockets = str_printf("%s/pg", dev->run);
	int status = dev_folder(dev, "pg", &data);

	if (status != EXIT_OK)
		return status;
	version = str_printf("%s/PG_VERSION", data);
	if (access(version, F_OK) < 0)
		status = make_cluster(dev, data);
	if (mkdir(sockets, 0700) < 0 && errno != EEXIST)
		return cli_fail(
			EXIT_FAILED, "%s: %s", sockets, strerror(errno));
	if (dev->uid != (uid_t)-1 && chown(sockets, dev->uid, dev->gid) < 0)
		return cli_fail(
			EXIT_FAILED, "%s: %s", sockets, strerror(errno));
	return status == EXIT_OK ? run_server(dev, data, sockets) : status;
}
