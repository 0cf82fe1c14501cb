/*
 * What the supervisor says (GATE_ in functions/proto.def), and the states that
 * a gateway goes through because of it.
 *
 * The schema is looked after on a thread of libuv's pool, since libpq's simple
 * connect blocks: a database that is down must not keep us from answering
 * pings, and we wait for it as long as it takes.
 */
#include "src/gatewayd.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/val.h"
#include "db/schema.h"
#include "functions/proto.h"
#include "gateway/alert.h"
#include "trigger/timer.h"

#include <stdlib.h>
#include <unistd.h>

enum { BACKOFF_FIRST_MS = 100, BACKOFF_TOP_MS = 5000, DRAIN_POLL_MS = 20 };

static void
say(struct gatewayd *d, uint8_t type, uint32_t id, struct slice body)
{
	if (channel_is_open(&d->control))
		channel_send(&d->control, type, id, body, NULL, 0);
}

static void
end(struct gatewayd *d, int status)
{
	d->state = GATEWAYD_ENDED;
	d->status = status;
	loop_stop(&d->loop);
}

static void
fail(struct gatewayd *d, int err, const struct fault *why)
{
	const char *text = fault_text(why, err);

	event(EVENT_CONF_BAD, "error", text, NULL);
	say(d, GATE_FAILED, 0, slice_str(text));
	end(d, 1);
}

static void migrate(struct gatewayd *d);

static void
on_retry(struct timer *t)
{
	migrate(container_of(t, struct gatewayd, retry));
}

static void
on_migrate(uv_work_t *work)
{
	struct gatewayd *d = container_of(work, struct gatewayd, migrate);

	d->migrate_why = (struct fault){0};
	d->migrate_err = schema_migrate(d->migrate_url, &d->migrate_why);
}

/* What the project declares is in force: from the first request on. */
static void
on_routes(void *owner)
{
	struct gatewayd *d = owner;
	struct fault why = {0};
	int e;

	if (d->state != GATEWAYD_MIGRATING)
		return; /* drained meanwhile */
	e = gatewayd_listen(d, &why);
	if (e < 0) {
		fail(d, e, &why);
		return;
	}
	d->state = GATEWAYD_RUNNING;
	say(d, GATE_READY, 0, SLICE(""));
}

/* The schema is there and it is known which sessions have ended. */
static void
on_known(void *owner, int err)
{
	struct gatewayd *d = owner;
	int e = err;

	if (d->state != GATEWAYD_MIGRATING)
		return; /* drained meanwhile */
	if (e == 0)
		e = gatewayd_docs_start(d);
	if (e == 0)
		gatewayd_triggers_start(d);
	if (e == 0)
		poll_start(d->poll);
	if (e == 0)
		daily_start(d->daily);
	if (e == 0)
		alerts_start(d->alerts);
	if (e == 0)
		d->certs = cert_keeper_new(
			&d->loop, d->pool, d->fetcher, d->conf->merchants);
	if (e < 0)
		fail(d, e, NULL);
	else
		gatewayd_routes_start(d, on_routes);
}

static void
on_migrated(uv_work_t *work, int status)
{
	struct gatewayd *d = container_of(work, struct gatewayd, migrate);

	d->migrating = false;
	if (d->state != GATEWAYD_MIGRATING || status < 0) {
		end(d, 0); /* drained meanwhile */
	} else if (d->migrate_err == 0) {
		gatewayd_upkeep(d, on_known);
	} else if (d->migrate_err != ERR_DB_DOWN) {
		fail(d, d->migrate_err, &d->migrate_why);
	} else {
		event(EVENT_DB_DOWN, "error",
			fault_text(&d->migrate_why, d->migrate_err), NULL);
		timer_set(&d->retry, &d->loop, d->backoff_ms, on_retry);
		d->backoff_ms =
			min(d->backoff_ms * 2, (uint64_t)BACKOFF_TOP_MS);
	}
}

static void
migrate(struct gatewayd *d)
{
	d->migrating = true;
	if (uv_queue_work(&d->loop.uv, &d->migrate, on_migrate, on_migrated) <
		0)
		abort();
}

static void
on_first_conf(struct gatewayd *d, struct gatewayd_conf *c)
{
	struct fault why = {0};
	int e;

	d->conf = c;
	e = gatewayd_setup(d, &why);
	if (e < 0) {
		fail(d, e, &why);
		return;
	}
	event(EVENT_CONF_LOADED, NULL);
	d->migrate_url = str_dup(c->conf->database_url);
	d->backoff_ms = BACKOFF_FIRST_MS;
	d->state = GATEWAYD_MIGRATING;
	migrate(d);
}

static void
on_later_conf(struct gatewayd *d, struct gatewayd_conf *c)
{
	struct fault why = {0};
	int e = gatewayd_reload(d, c, &why);

	if (e < 0) {
		(void)gatewayd_conf_free(c);
		say(d, GATE_CONF_BAD, 0, slice_str(fault_text(&why, e)));
		return;
	}
	event(EVENT_CONF_LOADED, NULL);
	say(d, GATE_CONF_OK, 0, SLICE(""));
}

static void
on_conf(struct gatewayd *d, struct slice text)
{
	struct gatewayd_conf *c = NULL;
	struct fault why = {0};
	int e = gatewayd_conf_read(&c, text, &why);

	if (e < 0 && d->state == GATEWAYD_WAITING)
		fail(d, e, &why);
	else if (e < 0)
		say(d, GATE_CONF_BAD, 0, slice_str(fault_text(&why, e)));
	else if (d->state == GATEWAYD_WAITING)
		on_first_conf(d, c);
	else
		on_later_conf(d, c);
}

static int
fn_add(struct gatewayd *d, struct slice body, int *fd, struct fault *why)
{
	struct fn_settings settings = {0};
	_json_ json_t *v = NULL;
	int e = val_parse(&v, body, why);

	if (e < 0)
		return e;
	e = fn_settings_parse(&settings, v, why);
	if (e < 0)
		return e;
	e = crews_add(d->crews, &settings, take_fd(*fd), why);
	if (e == 0)
		gatewayd_triggers_added(d, &settings);
	fn_settings_done(&settings);
	return e;
}

static void
on_fn_add(struct gatewayd *d, struct slice body, int *fds, int nfds)
{
	struct fault why = {0};
	int e = ERR_FORMAT;

	if (nfds == 1 && d->crews)
		e = fn_add(d, body, fds, &why);
	if (e < 0)
		event(EVENT_FN_BAD, "error", fault_text(&why, e), NULL);
}

static int
fn_release(struct gatewayd *d, struct slice body, struct fault *why)
{
	struct fn_release release = {0};
	_json_ json_t *v = NULL;
	int e = val_parse(&v, body, why);

	if (e < 0)
		return e;
	e = release_parse(&release, v, why);
	if (e < 0)
		return e;
	gatewayd_triggers_released(d, &release);
	return crews_release(d->crews, &release, why);
}

static int
fn_del(struct gatewayd *d, struct slice body, struct fault *why)
{
	_json_ json_t *v = NULL;
	struct slice name;
	_free_ char *text = NULL;
	int e = val_parse(&v, body, why);

	if (e == 0)
		e = val_str(v, "name", 64, &name, why);
	if (e < 0)
		return e;
	text = str_ndup(name.ptr, name.len);
	crews_del(d->crews, text);
	gatewayd_triggers_deleted(d, text);
	return 0;
}

static void
on_fn(struct gatewayd *d, struct slice body,
	int (*act)(struct gatewayd *d, struct slice body, struct fault *why))
{
	struct fault why = {0};
	int e = d->crews ? act(d, body, &why) : ERR_FORMAT;

	if (e < 0)
		event(EVENT_FN_BAD, "error", fault_text(&why, e), NULL);
}

void
gatewayd_trouble(struct gatewayd *d, const char *function, unsigned version,
	const char *why)
{
	_json_ json_t *v = json_pack("{s:s, s:I, s:s}", "name", function,
		"version", (json_int_t)version, "why", why);
	_buf_ struct buf b;

	buf_init(&b, 1024);
	val_put(&b, v);
	say(d, GATE_FN_TROUBLE, 0, buf_all(&b));
}

/* Clients first: until they are done, calls still want workers and workers
 * still want the cloud socket. */
static bool
is_drained(struct gatewayd *d)
{
	struct gateway *g = &d->gateway;
	bool idle = gatewayd_triggers_drain(d);

	idle &= !d->poll || poll_drain(d->poll);

	for (size_t i = 0; i < g->listener_count; i++)
		if (g->listeners[i].kind != LISTENER_CLOUD &&
			g->listeners[i].http && http_busy(g->listeners[i].http))
			return false;
	return idle && (!d->crews || crews_drain(d->crews));
}

static void
on_drain(struct timer *t)
{
	struct gatewayd *d = container_of(t, struct gatewayd, drain);

	if (clock_mono() >= d->drain_until && d->migrating)
		_exit(0); /* libpq is still connecting, in a thread */
	if (!d->migrating && (clock_mono() >= d->drain_until || is_drained(d)))
		end(d, 0);
	else
		timer_set(&d->drain, &d->loop, DRAIN_POLL_MS, on_drain);
}

void
gatewayd_drain(struct gatewayd *d, uint64_t ms)
{
	struct gateway *g = &d->gateway;

	if (d->state >= GATEWAYD_DRAINING)
		return;
	g->draining = true;
	for (size_t i = 0; i < g->listener_count; i++)
		if (g->listeners[i].http &&
			g->listeners[i].kind != LISTENER_CLOUD)
			http_drain(g->listeners[i].http);
	if (d->timers)
		timers_stop(d->timers);
	d->state = GATEWAYD_DRAINING;
	d->drain_until = clock_mono() + (int64_t)ms * CLOCK_MS;
	timer_clear(&d->retry);
	timer_set(&d->drain, &d->loop, 0, on_drain);
}

static void
on_drain_asked(struct gatewayd *d, struct slice body)
{
	struct getter g = getter_of(body);
	uint32_t ms = get_u32(&g);

	gatewayd_drain(d, get_end(&g) < 0 ? 0 : ms);
}

static void
on_frame(struct channel *c, const struct frame *f, int *fds, int nfds)
{
	struct gatewayd *d = container_of(c, struct gatewayd, control);

	switch (f->type) {
	case GATE_CONF:
		on_conf(d, f->body);
		break;
	case GATE_FN_ADD:
		on_fn_add(d, f->body, fds, nfds);
		break;
	case GATE_FN_DEL:
		on_fn(d, f->body, fn_del);
		break;
	case GATE_FN_RELEASE:
		on_fn(d, f->body, fn_release);
		break;
	case GATE_DRAIN:
		on_drain_asked(d, f->body);
		break;
	case GATE_PING:
		say(d, GATE_PONG, f->id, SLICE(""));
		break;
	default:
		event(EVENT_INTERNAL, "text",
			"a message that a gateway does not know", "type",
			EVENT_INT(f->type), NULL);
	}
}

/* Nobody restarts or configures us any more. */
static void
on_gone(struct channel *c, int err)
{
	struct gatewayd *d = container_of(c, struct gatewayd, control);

	(void)err;
	gatewayd_drain(d, d->conf ? (uint64_t)d->conf->conf->server_drain : 0);
}

int
gatewayd_control_open(struct gatewayd *d)
{
	static const struct channel_ops ops = {on_frame, on_gone};

	return channel_open(&d->control, &d->loop, d->control_fd, &ops);
}
