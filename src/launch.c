/*
 * Starting a program so that it has what it was given and nothing else.
 * uv_spawn is not used: it neither sets supplementary groups nor passes more
 * descriptors than it is told to map one by one, and it keeps our environment.
 */
#include "src/launch.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "src/privilege.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { FD_FIRST = 3, EXIT_NOT_STARTED = 127 };

/* Of our own environment these go on; the rest is nobody's business. */
static const char *const inherited[] = {"MPCLOUD_CLOCK_FILE", "MPCLOUD_DATA",
	"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};

enum { ENV_ROOM = array_size(inherited) + 3 };

void
launch_init(struct launch *l, const struct process_kind *kind)
{
	*l = (struct launch){.kind = kind};
	l->args[l->nargs++] = path_program(kind->program);
}

void
launch_done(struct launch *l)
{
	for (int i = 0; i < l->nargs; i++)
		l->args[i] = mem_free(l->args[i]);
	l->nargs = 0;
}

int
launch_fd(struct launch *l, int fd)
{
	assert(l->nfds < LAUNCH_FDS);
	l->fds[l->nfds] = fd;
	return FD_FIRST + l->nfds++;
}

void
launch_arg(struct launch *l, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	assert(l->nargs < LAUNCH_ARGS);
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	l->args[l->nargs++] = text;
}

static void
environment(const struct launch *l, char **env)
{
	int n = 0;

	env[n++] = str_dup("PATH=/usr/local/bin:/usr/bin:/bin");
	if (l->credentials && l->kind->setup & PROCESS_CREDENTIALS)
		env[n++] =
			str_printf("CREDENTIALS_DIRECTORY=%s", l->credentials);
	for (size_t i = 0; i < array_size(inherited); i++)
		if (getenv(inherited[i]))
			env[n++] = str_printf(
				"%s=%s", inherited[i], getenv(inherited[i]));
	env[n] = NULL;
}

/* First out of the way, then to their places: a passed descriptor may stand
 * where another one goes. */
static int
place_fds(const struct launch *l)
{
	int moved[LAUNCH_FDS], null;
	unsigned end = (unsigned)(FD_FIRST + l->nfds);

	for (int i = 0; i < l->nfds; i++) {
		moved[i] = fcntl(l->fds[i], F_DUPFD, (int)end);
		if (moved[i] < 0)
			return -errno;
	}
	for (int i = 0; i < l->nfds; i++)
		if (dup2(moved[i], FD_FIRST + i) < 0)
			return -errno;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	return close_range(end, ~0U, 0) < 0 ? -errno : 0;
}

static void
plain_signals(void)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)sigaction(i, &plain, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int
in_child(const struct launch *l, char *const *env)
{
	int r = place_fds(l);

	if (r < 0)
		return r;
	if (setsid() < 0)
		return -errno;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	r = l->as ? identity_become(l->as) : 0;
	if (r < 0)
		return r;
	if (l->kind->setup & PROCESS_NO_NEW_PRIVS)
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	plain_signals();
	(void)execve(l->args[0], l->args, env);
	return -errno;
}

int
launch_start(struct launch *l, pid_t *ret, struct fault *why)
{
	char *env[ENV_ROOM] = {NULL};
	sigset_t all, before;
	pid_t pid;
	int r;

	if (access(l->args[0], X_OK) < 0)
		return fault_set(
			why, -errno, "%s: %s", l->args[0], err_text(-errno));
	environment(l, env);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0) {
		r = in_child(l, env);
		event(EVENT_INTERNAL, "what", "exec", "program", l->args[0],
			"why", err_text(r), NULL);
		_exit(EXIT_NOT_STARTED);
	}
	r = pid < 0 ? -errno : 0;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < ENV_ROOM; i++)
		env[i] = mem_free(env[i]);
	if (r < 0)
		return fault_set(why, r, "fork: %s", err_text(r));
	*ret = pid;
	return 0;
}
