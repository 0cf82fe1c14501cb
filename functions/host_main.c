/*
 * mpcloud-host: the process of one function version.  The supervisor executes
 * it with nothing but a control socket; it learns what it is for, builds the
 * cage around itself and becomes the keeper.
 */
#include "base/channel.h"
#include "base/mem.h"
#include "base/sock.h"
#include "functions/cage.h"
#include "functions/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONTROL = 3 };

/* A leak check at exit would have to trace processes, which the cage forbids.
 * libasan must see this in spite of -fvisibility=hidden. */
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return 1;
}
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* Beside what the author may hold: libraries, stacks, the template's own. */
#define SPACE_BESIDE (256LL * 1024 * 1024)
/* Beside it, for what an engine writes to: its code, stacks, garbage. */
#define DATA_BESIDE (512LL * 1024 * 1024)

static char *
folder_of(const char *path)
{
	_free_ char *copy = str_dup(path);

	return str_dup(dirname(copy));
}

/* `node` may be a link into another folder (/usr/bin/node, nvm, …). */
static char *
real_folder_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *folder = real ? folder_of(real) : NULL;

	free(real);
	return folder;
}

/* What npm installed may stand beside the versions that share it (mpcloud dev):
 * then node_modules is a link to it, out of the version's own folder. */
static char *
shared_modules(const struct fn_settings *fn)
{
	_free_ char *path = str_printf("%s/node_modules", fn->code_dir);
	char target[256];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0 || n == (ssize_t)sizeof(target) - 1)
		return NULL;
	target[n] = '\0';
	/* Not back up from there: the link is the author's. */
	if (strncmp(target, "../modules-", 11) != 0 ||
		strstr(target + 11, ".."))
		return NULL;
	return real_folder_of(path);
}

/* Of every worker that there can be (a gateway for each core), the template or
 * a standby, and what lies in /tmp. */
static int64_t
all_memory(const struct fn_settings *fn)
{
	long gateways = max(1, sysconf(_SC_NPROCESSORS_ONLN));

	return fn->memory * ((int64_t)fn->workers * gateways + 2) + fn->tmp +
	       SPACE_BESIDE;
}

static struct cage_conf
cage_conf_of(const struct host_setup *s, const struct egress_rules *rules)
{
	const struct fn_settings *fn = &s->function;
	char *name = str_printf("%s.%u", fn->name, fn->version);
	bool node = fn->runtime == RUNTIME_NODE;
	bool script = fn->runtime == RUNTIME_SCRIPT;
	struct cage_conf conf = {
		.uid = s->uid,
		.gid = s->gid,
		/* Debugging only: the inspector is reached over TCP. */
		.network = fn->inspect > 0,
		.strict = s->strict,
		.runtime = fn->runtime,
		.name = name,
		.dirs = {fn->code_dir, s->cloud_dir},
		/* Engines and sanitizers reserve far more than they use. */
		.memory = node || script || IS_SANITIZED
				  ? 0
				  : fn->memory + SPACE_BESIDE,
		/* JavaScriptCore reserves gigabytes that count as data. */
		.data = !node || IS_SANITIZED ? 0 : fn->memory + DATA_BESIDE,
		.tmp = fn->tmp,
		.all_memory = all_memory(fn),
		.processes = 256 + 32 * fn->workers,
		.cpu = fn->cpu,
		.egress = rules,
	};

	conf.dirs[7] = shared_modules(fn);
	if (node) {
		conf.dirs[2] = folder_of(s->runner);
		conf.dirs[3] = folder_of(s->node);
		conf.dirs[4] = real_folder_of(s->node);
	}
	if (script) {
		conf.dirs[2] = folder_of(s->runner);
		conf.dirs[3] = s->script;
	}
	return conf;
}

static int
read_setup(struct host_setup *ret, struct fault *why)
{
	static char room[FRAME_HEAD + CHANNEL_BODY];
	int fds[CHANNEL_FDS], nfds = 0;
	struct frame f;
	int r = channel_recv_fd(CONTROL, room, sizeof(room), &f, fds, &nfds);

	if (r < 0)
		return fault_set(why, r, "control: %s", err_text(r));
	for (int i = 0; i < nfds; i++)
		(void)close(fds[i]);
	if (r == 0)
		return fault_set(why, ERR_GONE, "control: closed");
	if (f.type != KEEP_SETUP)
		return fault_set(why, ERR_FORMAT, "control: not KEEP_SETUP");
	return host_setup_parse(ret, f.body, why);
}

/* Standard input is nobody's; the keeper itself holds many descriptors. */
static void
prepare(void)
{
	struct rlimit files;
	int null = open("/dev/null", O_RDONLY);

	(void)signal(SIGPIPE, SIG_IGN);
	if (null >= 0 && null != STDIN_FILENO) {
		(void)dup2(null, STDIN_FILENO);
		(void)close(null);
	}
	(void)fd_set_cloexec(CONTROL, true);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int
run(struct fault *why)
{
	static struct host_setup setup;
	static struct cage_conf conf;
	static struct cage cage;
	static struct egress_rules rules;
	int r = read_setup(&setup, why);

	if (r == 0)
		r = egress_rules_init(&rules, &setup.function, why);
	if (r < 0)
		return r;
	conf = cage_conf_of(
		&setup, setup.function.network == NETWORK_NONE ? NULL : &rules);
	r = cage_enter(&cage, &conf, CONTROL, why);
	if (r < 0)
		return r;
	(void)fd_set_blocking(CONTROL, false);
	return keeper_run(&setup, &cage, CONTROL);
}

int
main(int argc, char **argv)
{
	struct fault why = {0};
	int type = 0, r;
	socklen_t len = sizeof(type);

	(void)argv;
	if (argc > 1 || getsockopt(CONTROL, SOL_SOCKET, SO_TYPE, &type, &len) ||
		type != SOCK_SEQPACKET) {
		(void)fputs("mpcloud-host is started by mpcloudd, which talks "
			    "to it on descriptor 3\n",
			stderr);
		return 2;
	}
	prepare();
	(void)fd_set_blocking(CONTROL, true);
	r = run(&why);
	if (r < 0)
		(void)!channel_send_fd(CONTROL, KEEP_FAILED, 0,
			slice_str(fault_text(&why, r)), NULL, 0);
	_exit(r < 0 ? EXIT_FAILURE : r);
}
