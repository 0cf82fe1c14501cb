/*
 * fork and exec for the command line: the child becomes the user asked for,
 * ends with us, and writes where it is told.
 */
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
child_output(const struct spawn *s, int out)
{
	int fd = out;

	if (s->log) {
		fd = open(s->log,
			O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			0644);
		if (fd < 0)
			_exit(127);
		(void)dup2(fd, STDERR_FILENO);
	}
	if (out >= 0)
		fd = out;
	if (fd >= 0)
		(void)dup2(fd, STDOUT_FILENO);
}

static void
child_become(const struct spawn *s)
{
	if (s->uid == (uid_t)-1)
		return;
	if (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
		setresuid(s->uid, s->uid, s->uid) < 0)
		_exit(127);
}

static void
child_env(const struct spawn *s)
{
	for (size_t i = 0; s->env && s->env[i]; i++)
		(void)putenv((char *)(uintptr_t)s->env[i]);
}

/* What we hold or ignore is ours alone. */
static void
child_signals(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

static _noreturn_ void
child(const struct spawn *s, int out, pid_t parent)
{
	child_output(s, out);
	child_become(s);
	if (s->death_signal)
		(void)prctl(PR_SET_PDEATHSIG, s->death_signal);
	if (getppid() != parent || (s->dir && chdir(s->dir) < 0))
		_exit(127);
	child_env(s);
	child_signals();
	(void)execvp(s->argv[0], (char *const *)(uintptr_t)s->argv);
	(void)fprintf(stderr, "%s: %s\n", s->argv[0], strerror(errno));
	_exit(127);
}

int
spawn_start(const struct spawn *s, pid_t *ret, struct fault *why)
{
	int pipe_fds[2] = {-1, -1};
	pid_t parent = getpid(), pid;

	if (s->out && pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fault_set(why, -errno, "pipe: %s", strerror(errno));
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(s, pipe_fds[1], parent);
	if (s->out)
		(void)close(pipe_fds[1]);
	if (pid < 0) {
		int r = -errno;

		if (s->out)
			(void)close(pipe_fds[0]);
		return fault_set(why, r, "fork: %s", err_text(r));
	}
	if (s->out)
		*s->out = pipe_fds[0];
	*ret = pid;
	return 0;
}

static int
status_of(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status)
				      : 128 + WTERMSIG(wait_status);
}

int
spawn_wait(pid_t pid)
{
	int st = 0;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return 127;
	return status_of(st);
}

int
spawn_run(const struct spawn *s, int *status, struct fault *why)
{
	pid_t pid;
	int r = spawn_start(s, &pid, why);

	if (r == 0)
		*status = spawn_wait(pid);
	return r;
}

void
spawn_stop(pid_t *pid, int sig, int ms)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	if (*pid <= 0)
		return;
	(void)kill(*pid, sig);
	for (; ms > 0; ms -= 10) {
		if (waitpid(*pid, NULL, WNOHANG) != 0) {
			*pid = 0;
			return;
		}
		(void)nanosleep(&pause, NULL);
	}
	(void)kill(*pid, SIGKILL);
	(void)spawn_wait(*pid);
	*pid = 0;
}
