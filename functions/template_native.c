/*
 * The template of a native function: a shared object, mapped, relocated and
 * initialised once.  It is a fork of the keeper rather than a program of its
 * own, for nothing of the keeper's is in its way and it stays small.
 */
#include "functions/cage.h"
#include "functions/host_setup.h"
#include "functions/template.h"
#include "functions/worker.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { FIRST_LOOSE = TEMPLATE_CHANNEL + 1 };

struct native {
	const struct template_native_conf *conf;
	worker_main_fn *main;
};

static int
fail(struct buf *why, const char *what)
{
	const char *text = dlerror();

	buf_str(why, text ? text : what);
	return ERR_FN_FAILED;
}

static int
open_code(struct native *n, struct buf *why)
{
	const struct fn_settings *fn = &n->conf->setup->function;
	_free_ char *path = str_printf("%s/%s", fn->code_dir, fn->handler);
	int (*init)(void);
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	int r;

	if (!so)
		return fail(why, "the shared object cannot be loaded");
	*(void **)&n->main = dlsym(so, "mpc_main");
	if (!n->main)
		return fail(why, "mpc_main is missing");
	*(void **)&init = dlsym(so, "mpc_init");
	r = init ? init() : 0;
	if (r < 0)
		buf_printf(why, "mpc_init returned %d", r);
	return r < 0 ? ERR_FN_FAILED : 0;
}

static int
native_load(void *arg, struct buf *why)
{
	struct native *n = arg;
	int r = cage_shut(n->conf->cage);

	if (r < 0) {
		buf_printf(why, "isolation: %s", strerror(-r));
		return r;
	}
	return open_code(n, why);
}

static void
native_work(void *arg, int fd)
{
	const struct native *n = arg;
	const struct host_setup *setup = n->conf->setup;
	struct worker w = {.main = n->main,
		.concurrency = setup->function.concurrency,
		.env = setup->env,
		.appid = setup->appid,
		.fd = fd};

	(void)worker_run(&w);
}

/* libuv remembers two of the keeper's descriptors, and its fork handler closes
 * them by number in every child: it must forget them before the numbers come
 * to mean something else. */
static void
clean_descriptors(int fd)
{
	uv_library_shutdown();
	if (fd != TEMPLATE_CHANNEL) {
		(void)dup2(fd, TEMPLATE_CHANNEL);
		(void)close(fd);
	}
	(void)close_range(FIRST_LOOSE, ~0U, 0);
}

void
template_native_run(const struct template_native_conf *conf, int fd)
{
	static const struct template_ops ops = {native_load, native_work};
	struct native n = {.conf = conf};

	clean_descriptors(fd);
	environ = (char **)(uintptr_t)conf->env;
	template_serve(&ops, &n);
}
