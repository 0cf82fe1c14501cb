/*
 * mpcloud-script: the template process of a script function.  The keeper
 * executes it inside the cage with a channel at descriptor 3, the path of
 * main.js and one JSON argument.  It is a program of its own because the engine
 * is large, and it must be the engine's options that are in the environment
 * before its first word.
 */
#include "functions/script.h"
#include "functions/template.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/val.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* See host_main.c. */
#if defined(__SANITIZE_ADDRESS__)
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return 1;
}
#endif

/* A fork has one thread, so the engine must have none that it waits for; under
 * these a fork of it runs at full speed.  WebAssembly has threads of its own.
 */
static const char *const options[][2] = {
	{"JSC_useConcurrentGC", "0"},
	{"JSC_useConcurrentJIT", "0"},
	{"JSC_numberOfGCMarkers", "1"},
	{"JSC_useWasm", "0"},
	/* Else strict code's stacks lack whoever returned a call's value. */
	{"JSC_useTailCalls", "0"},
};

static const char mine[] = "JSC_";

struct program {
	struct script_conf conf;
	struct script *script;
	json_t *setup;
	char **env;
};

/* A copy: environ's own is rearranged below. */
static char **
copy_env(void)
{
	size_t n = 0;
	char **copy;

	while (environ[n])
		n++;
	copy = mem_array(n + 1, char *);
	for (size_t i = 0; i < n; i++)
		copy[i] = str_dup(environ[i]);
	return copy;
}

/* The author's variables are his own, but none is an option of the engine. */
static void
set_options(const struct program *p)
{
	char memory[32];

	for (char **at = p->env; *at; at++) {
		_free_ char *name = str_ndup(*at, strcspn(*at, "="));

		if (strncmp(name, mine, strlen(mine)) == 0)
			(void)unsetenv(name);
	}
	for (size_t i = 0; i < array_size(options); i++)
		(void)setenv(options[i][0], options[i][1], 1);
	/* Collect as a machine of this size would. */
	(void)snprintf(memory, sizeof(memory), "%lld",
		(long long)json_integer_value(
			json_object_get(p->setup, "memoryMb")) *
			1024 * 1024);
	(void)setenv("JSC_forceRAMSize", memory, 1);
}

static int
on_load(void *arg, struct buf *why)
{
	struct program *p = arg;
	uint8_t sum[SHA256_LEN];
	int r;

	/* Libcrypto's start, once for all workers. */
	crypto_sha256(SLICE(""), sum);
	set_options(p);
	r = script_new(&p->script, &p->conf, why);
	return r < 0 ? r : script_load(p->script, why);
}

static void
on_work(void *arg, int fd)
{
	const struct program *p = arg;

	(void)script_serve(p->script, fd);
}

static int
read_arguments(struct program *p, char **argv)
{
	int r = val_parse(&p->setup, slice_str(argv[2]), NULL);

	if (r < 0)
		return r;
	p->env = copy_env();
	p->conf = (struct script_conf){
		.code_dir = val_text(p->setup, "codeDir"),
		.cloud_dir = val_text(p->setup, "cloudDir"),
		.handler = val_text(p->setup, "handler"),
		.runtime_dir = dirname(str_dup(argv[1])),
		.egress = getenv("MPCLOUD_EGRESS"),
		.setup = p->setup,
		.env = p->env,
	};
	return chdir(p->conf.code_dir);
}

int
main(int argc, char **argv)
{
	static const struct template_ops ops = {on_load, on_work};
	static struct program p;
	socklen_t len = sizeof(int);
	int type = 0;

	if (argc != 3 ||
		getsockopt(
			TEMPLATE_CHANNEL, SOL_SOCKET, SO_TYPE, &type, &len) ||
		type != SOCK_SEQPACKET || read_arguments(&p, argv) < 0) {
		(void)fputs("mpcloud-script is started by mpcloud-host, which "
			    "talks to it on descriptor 3\n",
			stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	template_serve(&ops, &p);
}
