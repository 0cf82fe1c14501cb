/*
 * mpcloud-sandbox: WeChat on a loopback address, so that a mini program's
 * backend runs and is tested without an account, a merchant or the internet.
 * Started by `mpcloud dev` and by tests, which read the one line it prints when
 * it is ready.
 */

#include "mini.h"
#include "sandbox.h"

#include "base/mem.h"
#include "base/paths.h"
#include "base/sock.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BACKLOG = 512, NAME_TOP = 128, LINE_TOP = 65536 };

struct options {
	const char *listen, *dir, *notify_to;
};

static const char usage[] =
	"usage: mpcloud-sandbox --dir DIR [--listen 127.0.0.1:0]\n"
	"                       [--notify-to http://127.0.0.1:PORT]\n"
	"\n"
	"Plays api.weixin.qq.com and api.mch.weixin.qq.com for development\n"
	"and tests. DIR holds the keys; they are made at the first start.\n"
	"Callbacks to addresses that are not on this machine go to the\n"
	"--notify-to address, with their own path; else nowhere.\n"
	"When it is ready it prints one line of JSON with its address.\n";

static _noreturn_ void
leave(int status, const char *text)
{
	(void)fputs(text, status ? stderr : stdout);
	exit(status);
}

static void
options_parse(struct options *ret, int argc, char **argv)
{
	static const struct option list[] = {
		{"listen", required_argument, NULL, 'l'},
		{"dir", required_argument, NULL, 'd'},
		{"notify-to", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (c == 'l')
			ret->listen = optarg;
		else if (c == 'd')
			ret->dir = optarg;
		else if (c == 'n')
			ret->notify_to = optarg;
		else
			leave(c == 'h' ? 0 : 2, usage);
	}
	if (!ret->dir || optind != argc)
		leave(2, usage);
}

/* It gives login codes to whoever asks: nobody from outside may. */
static bool
address_is_local(const char *address)
{
	struct slice s = slice_str(address);

	return slice_starts(s, "127.") || slice_starts(s, "[::1]:") ||
	       slice_starts(s, "localhost:");
}

/* `base` is what the settings api_base take. */
static int
say_ready(const struct sandbox *s, const char *dir, int fd)
{
	_json_ json_t *all = keys_describe(&s->keys, dir);
	char name[NAME_TOP];
	_free_ char *base = NULL;
	_buf_ struct buf line;
	int r = sock_name(fd, name, sizeof(name));

	buf_init(&line, LINE_TOP);
	if (r < 0)
		return r;
	base = str_printf("http://%s", name);
	mini_describe(s, all);
	(void)json_object_set_new(all, "listen", json_string(name));
	(void)json_object_set_new(all, "base", json_string(base));
	val_put(&line, all);
	r = buf_check(&line);
	if (r == 0) {
		(void)puts(line.ptr);
		(void)fflush(stdout);
	}
	return r;
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct loop *loop = handle->data;

	(void)number;
	loop_stop(loop);
}

static int
run(struct sandbox *s, const char *dir, int fd, struct fault *why)
{
	static const int numbers[] = {SIGTERM, SIGINT};
	uv_signal_t handles[array_size(numbers)];
	int r = server_start(s, fd, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < array_size(numbers); i++) {
		handles[i].data = &s->loop;
		(void)uv_signal_init(&s->loop.uv, &handles[i]);
		(void)uv_signal_start(&handles[i], on_signal, numbers[i]);
	}
	r = say_ready(s, dir, fd);
	if (r == 0)
		loop_run(&s->loop);
	server_stop(s);
	pay_stop(s);
	loop_done(&s->loop); /* the handles end with this frame */
	return r;
}

static int
start(struct sandbox *s, const struct options *o, struct fault *why)
{
	_free_ char *dir = NULL;
	_close_ int fd = -1;
	int r;

	if (!address_is_local(o->listen))
		return fault_set(why, ERR_CONFIG, "%s: only a loopback address",
			o->listen);
	r = dir_make(o->dir, 0700, why);
	if (r < 0)
		return r;
	dir = realpath(o->dir, NULL);
	if (!dir)
		return fault_set(why, -errno, "%s: not a directory", o->dir);
	r = keys_open(&s->keys, dir, why);
	if (r == 0)
		r = api_open(s, dir, why);
	if (r < 0)
		return r;
	r = sock_listen(o->listen, BACKLOG, &fd, why);
	if (r < 0)
		return r;
	r = loop_init(&s->loop);
	if (r == 0)
		r = pay_open(s, dir, o->notify_to, why);
	return r < 0 ? r : run(s, dir, fd, why);
}

int
main(int argc, char **argv)
{
	struct options o = {.listen = "127.0.0.1:0"};
	struct sandbox *s = mem_new(struct sandbox);
	struct fault why = {0};
	int r;

	options_parse(&o, argc, argv);
	api_init(s);
	pay_init(s);
	r = start(s, &o, &why);
	if (r < 0)
		(void)fprintf(
			stderr, "mpcloud-sandbox: %s\n", fault_text(&why, r));
	pay_done(s);
	api_done(s);
	keys_done(&s->keys);
	mem_free(s);
	return r < 0;
}
