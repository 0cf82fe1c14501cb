/*
 * What engines share: how a program of ours is told its work and put into its
 * place, and what the author is told when his code ended it.
 */
#include "functions/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEPT = 3, FIRST_LOOSE = 4 };

#define MIB (1024 * 1024)

char *
engine_argument(const struct keeper *k)
{
	const struct fn_settings *fn = &k->setup->function;
	json_t *o = json_pack("{s:s,s:s,s:s,s:i,s:I,s:I,s:i,s:s,s:s,s:s,s:i}",
		"codeDir", fn->code_dir, "handler", fn->handler, "function",
		fn->name, "version", (int)fn->version, "memoryMb",
		(json_int_t)(fn->memory / MIB), "timeoutMs",
		(json_int_t)fn->timeout_ms, "concurrency", (int)fn->concurrency,
		"cloudDir", k->setup->cloud_dir, "env", k->setup->env, "appid",
		k->setup->appid, "inspect", (int)fn->inspect);
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

/* Between fork and exec: nothing but system calls that matter to the child. */
void
engine_exec(struct keeper *k, int fd, char *const *argv)
{
	int r;

	(void)signal(SIGPIPE, SIG_DFL);
	if (fd == KEPT)
		(void)fcntl(fd, F_SETFD, 0);
	else
		(void)dup2(fd, KEPT);
	(void)close_range(FIRST_LOOSE, ~0U, 0);
	r = cage_shut(k->cage);
	if (r < 0) {
		(void)dprintf(STDERR_FILENO, "isolation: %s\n", strerror(-r));
		_exit(EXIT_FAILURE);
	}
	(void)execve(argv[0], argv, k->env);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_FAILURE);
}

void
engine_end_text(const struct proc *p, int status, char ret[ENGINE_TEXT])
{
	if (p->reason == GONE_MEMORY)
		(void)snprintf(ret, ENGINE_TEXT, KEEPER_TOO_MUCH,
			(long long)(p->keeper->setup->function.memory / MIB));
	else if (WIFSIGNALED(status))
		(void)snprintf(ret, ENGINE_TEXT,
			"the code crashed while it was loaded: %s",
			strsignal(WTERMSIG(status)));
	else
		(void)snprintf(ret, ENGINE_TEXT,
			"the code could not be loaded: its process ended with "
			"status %d",
			WEXITSTATUS(status));
}
