/*
 * The daemon as a whole: signals, admin commands and children's news become
 * events; phase.def says what each means; the acts are here.
 */
#include "src/supervisor.h"

#include "auth/seal.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sysd.h"
#include "src/admin_server.h"
#include "src/deploy.h"
#include "src/startup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STOP_SLACK_MS = 5000 };

static void
say_ready(struct supervisor *s)
{
	sysd_notify("READY=1");
	event(EVENT_START, "what", "ready", "pid", EVENT_INT(getpid()),
		"gateways", EVENT_INT(s->gateways.count), NULL);
	watch_tell(s);
}

static void
on_overdue(struct timer *t)
{
	supervisor_event(
		container_of(t, struct supervisor, overdue), ON_OVERDUE);
}

static void
drain(struct supervisor *s)
{
	uint64_t ms = (uint64_t)s->conf->server_drain;
	char text[80];

	/* systemd shall not be faster than the setting. */
	(void)snprintf(text, sizeof(text),
		"STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu",
		(unsigned long long)(ms + STOP_SLACK_MS) * 1000);
	sysd_notify(text);
	event(EVENT_STOP, "what", "draining", "ms", EVENT_INT(ms), NULL);
	s->drain_until = clock_mono() + (int64_t)ms * CLOCK_MS;
	reload_done(s);
	listeners_refuse(&s->listeners);
	deploy_give_up(s);
	gateways_drain(s, ms);
	timer_set(&s->overdue, &s->loop, ms, on_overdue);
	supervisor_look(s);
}

static void
kill_all(struct supervisor *s)
{
	/* Nobody is to be started again, whatever the order of their ends. */
	gateways_drain(s, 0);
	hosts_drain(s, 0);
	list_for_each (at, &s->children)
		child_kill(container_of(at, struct child, on));
	supervisor_look(s);
}

static void
end(struct supervisor *s)
{
	timer_clear(&s->overdue);
	event(EVENT_STOP, "what", "ended", NULL);
	loop_stop(&s->loop);
}

void
supervisor_event(struct supervisor *s, enum phase_event event_)
{
	switch (phase_step(&s->phase, event_)) {
	case ACT_SAY_READY:
		say_ready(s);
		break;
	case ACT_RELOAD:
		reload_begin(s);
		break;
	case ACT_RELOAD_LATER:
		s->reload.again = true;
		break;
	case ACT_RELOADED:
		reload_end(s);
		break;
	case ACT_DRAIN:
		drain(s);
		break;
	case ACT_KILL:
		kill_all(s);
		break;
	case ACT_END:
		end(s);
		break;
	case ACT_NOTHING:
	case ACT_COUNT_:
		break;
	}
}

/* Gateways first: their running calls may still want a worker. */
static void
look_draining(struct supervisor *s)
{
	int64_t left = s->drain_until - clock_mono();

	if (!gateways_are_gone(s))
		return;
	hosts_drain(s, left > 0 ? (uint64_t)(left / CLOCK_MS) : 0);
	if (hosts_are_gone(s))
		supervisor_event(s, ON_EMPTY);
}

static void
on_look(struct defer *d)
{
	struct supervisor *s = container_of(d, struct supervisor, look);

	if (s->phase == PHASE_STARTING && gateways_are_ready(s) &&
		hosts_are_settled(s))
		supervisor_event(s, ON_SETTLED);
	else if (s->phase == PHASE_DRAINING)
		look_draining(s);
}

void
supervisor_look(struct supervisor *s)
{
	loop_defer(&s->loop, &s->look);
}

int
supervisor_check(const struct supervisor *s, struct fault *why)
{
	if (s->phase == PHASE_DRAINING || s->phase == PHASE_ENDED)
		return fault_set(
			why, ERR_SHUTDOWN, "the daemon is shutting down");
	return 0;
}

static void
on_signal(uv_signal_t *handle, int number)
{
	struct supervisor *s = handle->data;

	if (number == SIGCHLD)
		children_reap(&s->children);
	else
		supervisor_event(s, number == SIGHUP ? ON_RELOAD : ON_STOP);
}

static int
listen_to_signals(struct supervisor *s, struct fault *why)
{
	static const int numbers[SIGNALS] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};

	(void)signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SIGNALS; i++) {
		int r = uv_signal_init(&s->loop.uv, &s->signals[i]);

		s->signals[i].data = s;
		if (r == 0)
			r = uv_signal_start(
				&s->signals[i], on_signal, numbers[i]);
		if (r < 0)
			return fault_set(why, r, "signals: %s", uv_strerror(r));
	}
	return 0;
}

static int
read_conf(struct supervisor *s, struct fault *why)
{
	size_t len;
	int r = file_read(s->conf_path, CONF_TEXT_TOP, &s->text, &len, why);

	if (r == 0)
		r = conf_parse(
			&s->boot, s->conf_path, slice_of(s->text, len), why);
	if (r == 0)
		r = startup_check(s->boot, why);
	if (r == 0) /* a second one of the same: the one that reloads change */
		r = conf_parse(
			&s->conf, s->conf_path, slice_of(s->text, len), why);
	if (r == 0)
		startup_log(s->conf);
	return r;
}

static int
make_dirs(struct supervisor *s, const struct identity *owner, struct fault *why)
{
	int r = startup_dirs(s->boot, owner, why);

	if (r < 0)
		return r;
	s->run_dir = realpath(s->boot->server_run_dir, NULL);
	if (!s->run_dir)
		return fault_set(why, -errno, "%s: %s", s->boot->server_run_dir,
			err_text(-errno));
	s->cloud_dir = str_printf("%s/cloud", s->run_dir);
	r = registry_open(&s->registry, s->boot->server_state_dir, why);
	if (r == 0)
		r = startup_credentials(
			s->run_dir, owner, &s->credentials, why);
	return r;
}

static int
make_shm(struct supervisor *s, struct fault *why)
{
	int r = shm_create(&s->shm_fd);

	if (r == 0)
		r = shm_open_fd(&s->shm, s->shm_fd);
	return r < 0 ? fault_set(why, r, "shared memory: %s", err_text(r)) : 0;
}

/* Functions' secrets are opened with it.  Who has none needs no key, so what is
 * wrong with it is told to who sets one. */
static void
read_key(struct supervisor *s)
{
	const char *path = s->boot->token_master_key_file;
	struct fault why = {0};
	char *hex = NULL;
	int r;

	if (!*path)
		return;
	r = file_read_secret(path, &hex, &why);
	if (r == 0)
		r = seal_new(&s->seal, slice_str(hex), &why);
	if (r < 0)
		event(EVENT_CONF_BAD, "setting", "token.master_key_file", "why",
			fault_text(&why, r), NULL);
	if (hex)
		mem_wipe(hex, strlen(hex));
	free(hex);
}

/* Root without its right to go everywhere goes where its uid may. */
static int
check_reach(const struct supervisor *s, struct fault *why)
{
	if (access(s->registry.dir, R_OK | W_OK | X_OK) < 0)
		return fault_set(why, -errno, "%s: %s%s", s->registry.dir,
			err_text(-errno),
			s->as_root ? " (it and the folders above it must be "
				     "root's or open to all)"
				   : "");
	return 0;
}

/* All that needs root's whole rights; then they are given up. */
static int
open_all(struct supervisor *s, struct fault *why)
{
	const struct identity *owner = NULL;
	int r = 0;

	s->as_root = privilege_is_root();
	if (s->as_root) {
		r = identity_find(&s->server_user, s->boot->server_user, why);
		owner = &s->server_user;
	}
	if (r == 0)
		r = make_dirs(s, owner, why);
	if (r == 0)
		r = listeners_open(&s->listeners, s->boot, owner, why);
	if (r == 0)
		r = admin_server_open(&s->admin, s, why);
	if (r == 0)
		r = make_shm(s, why);
	if (r == 0)
		read_key(s);
	if (r == 0)
		r = privilege_drop(why);
	return r == 0 ? check_reach(s, why) : r;
}

static void
init(struct supervisor *s, const char *conf_path)
{
	*s = (struct supervisor){.conf_path = conf_path, .shm_fd = -1};
	s->started_at = clock_mono();
	s->serial = 1;
	list_init(&s->children);
	list_init(&s->hosts.functions);
	list_init(&s->hosts.all);
	list_init(&s->hosts.waiters);
	defer_init(&s->hosts.pump, deploy_on_pump);
	defer_init(&s->look, on_look);
}

int
supervisor_start(struct supervisor *s, const char *conf_path, struct fault *why)
{
	int r;

	init(s, conf_path);
	r = loop_init(&s->loop);
	if (r < 0)
		return fault_set(why, r, "loop: %s", uv_strerror(r));
	s->has_loop = true;
	r = read_conf(s, why);
	if (r == 0)
		r = listen_to_signals(s, why);
	if (r == 0)
		r = open_all(s, why);
	if (r < 0)
		return r;
	event(EVENT_CONF_LOADED, "file", s->conf_path, NULL);
	gateways_start(s);
	r = hosts_start(s, why);
	watch_start(s);
	supervisor_look(s);
	return r;
}

void
supervisor_run(struct supervisor *s)
{
	loop_run(&s->loop);
}

void
supervisor_done(struct supervisor *s)
{
	watch_stop(s);
	timer_clear(&s->overdue);
	reload_done(s);
	if (s->admin)
		s->admin = admin_server_close(s->admin);
	hosts_done(s);
	gateways_done(s);
	listeners_close(&s->listeners);
	if (s->run_dir && s->as_root)
		startup_forget_credentials(s->run_dir);
	if (s->shm)
		s->shm = shm_close(s->shm);
	fd_closep(&s->shm_fd);
	registry_close(&s->registry);
	s->seal = seal_free(s->seal);
	if (s->has_loop)
		loop_done(&s->loop);
	s->has_loop = false;
	if (s->boot)
		s->boot = conf_free(s->boot);
	if (s->conf)
		s->conf = conf_free(s->conf);
	s->text = mem_free(s->text);
	s->run_dir = mem_free(s->run_dir);
	s->cloud_dir = mem_free(s->cloud_dir);
	s->credentials = mem_free(s->credentials);
}
