/*
 * What the supervisor and a gateway say to each other (GATE_ in proto.def).  A
 * gateway is told everything again after each of its restarts, so no state of
 * its is kept here but which text of the configuration it has.
 */
#include "src/gateways.h"

#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "functions/proto.h"
#include "src/deploy.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <unistd.h>

static struct gateway *
gateway_of(struct child *c)
{
	return container_of(c, struct gateway, child);
}

static void
say(struct gateway *g, uint8_t type, uint32_t id, struct slice body)
{
	if (channel_is_open(&g->child.control))
		channel_send(&g->child.control, type, id, body, NULL, 0);
}

static void
send_conf(struct gateway *g, const char *text, unsigned serial)
{
	g->serial = serial;
	say(g, GATE_CONF, 0, slice_str(text));
}

static void
prepare(struct child *c, struct launch *l)
{
	struct gateway *g = gateway_of(c);
	const struct supervisor *s = g->sup;

	l->as = s->as_root ? &s->server_user : NULL;
	l->credentials = s->credentials;
	launch_arg(l, "--index");
	launch_arg(l, "%u", g->index);
	launch_arg(l, "--control");
	launch_arg(l, "3");
	launch_arg(l, "--shm");
	launch_arg(l, "%d", launch_fd(l, s->shm_fd));
	launch_arg(l, "--state");
	launch_arg(l, "%s", s->registry.state_dir);
	for (size_t i = 0; i < s->listeners.count; i++) {
		const struct listener *at = &s->listeners.all[i];

		if (at->gateway >= 0 && at->gateway != (int)g->index)
			continue;
		launch_arg(l, "--listen");
		launch_arg(l, "%s:%d", at->kind, launch_fd(l, at->fd));
	}
}

static void
on_up(struct child *c)
{
	struct gateway *g = gateway_of(c);

	g->asked_at = 0;
	g->conf = GATEWAY_CONF_SETTLED;
	send_conf(g, g->sup->text, g->sup->serial);
	/* Before its first request, so that none finds no function. */
	hosts_meet(g->sup, g);
}

/* It cannot start: trying again at once would find the same. */
static void
on_failed(struct gateway *g, struct slice text)
{
	words_keep(g->error, sizeof(g->error), text);
	event(EVENT_CHILD_EXIT, "child", g->child.label, "why", g->error, NULL);
	g->child.patient = true;
}

static void
on_ready(struct gateway *g)
{
	g->error[0] = '\0';
	child_is_up(&g->child);
	if (g->serial != g->sup->serial) /* reloaded while it started */
		send_conf(g, g->sup->text, g->sup->serial);
	supervisor_look(g->sup);
}

static void
on_conf(struct gateway *g, bool took, struct slice text)
{
	if (g->conf == GATEWAY_CONF_ASKED) {
		g->conf = took ? GATEWAY_CONF_TOOK : GATEWAY_CONF_REFUSED;
		reload_answer(g->sup, took, g->child.label, text);
	} else if (!took && g->child.state == CHILD_STARTING) {
		on_failed(g, text);
		child_kill(&g->child);
	} else if (!took) { /* a text that the others have taken */
		words_keep(g->error, sizeof(g->error), text);
		event(EVENT_CONF_BAD, "child", g->child.label, "why", g->error,
			NULL);
	}
}

/* The guard of a gray version struck. */
static void
on_trouble(struct gateway *g, struct slice body)
{
	struct slice name, text;
	_json_ json_t *v = NULL;
	struct fault why = {0};
	int64_t version;
	int r = val_parse(&v, body, &why);

	if (r == 0)
		r = val_str(v, "name", 64, &name, &why);
	if (r == 0)
		r = val_int(v, "version", 1, UINT32_MAX, &version, &why);
	if (r == 0)
		r = val_str_or(v, "why", 4096, SLICE(""), &text, &why);
	if (r < 0) {
		event(EVENT_INTERNAL, "child", g->child.label, "why",
			fault_text(&why, r), NULL);
		return;
	}
	deploy_on_trouble(g->sup, name, (unsigned)version, text);
}

static void
on_frame(struct child *c, const struct frame *f, int *fds, int nfds)
{
	struct gateway *g = gateway_of(c);

	(void)fds;
	(void)nfds;
	switch (f->type) {
	case GATE_READY:
		on_ready(g);
		break;
	case GATE_CONF_OK:
	case GATE_CONF_BAD:
		on_conf(g, f->type == GATE_CONF_OK, f->body);
		break;
	case GATE_PONG:
		if (f->id == g->ping)
			g->asked_at = 0;
		break;
	case GATE_FAILED:
		on_failed(g, f->body);
		break;
	case GATE_FN_TROUBLE:
		on_trouble(g, f->body);
		break;
	default:
		event(EVENT_INTERNAL, "child", g->child.label, "why",
			"a message that a gateway does not send", "type",
			EVENT_INT(f->type), NULL);
		child_kill(c);
	}
}

static void
on_end(struct child *c)
{
	struct gateway *g = gateway_of(c);
	bool asked = g->conf == GATEWAY_CONF_ASKED;

	g->asked_at = 0;
	g->conf = GATEWAY_CONF_SETTLED;
	if (!g->error[0])
		(void)snprintf(g->error, sizeof(g->error), "%s", c->ending);
	if (asked) /* the new one starts with the text in force */
		reload_answer(g->sup, true, c->label, SLICE(""));
	supervisor_look(g->sup);
}

static const struct child_ops ops = {prepare, on_up, on_frame, on_end};

void
gateways_start(struct supervisor *s)
{
	struct gateways *gs = &s->gateways;

	gs->count = listeners_gateways(s->boot);
	gs->all = mem_array(gs->count, struct gateway);
	for (unsigned i = 0; i < gs->count; i++) {
		struct gateway *g = &gs->all[i];

		g->sup = s;
		g->index = i;
		child_init(&g->child, PROCESS_GATEWAY, &ops, &s->loop,
			&s->children);
		(void)snprintf(g->child.label, sizeof(g->child.label),
			"gateway-%u", i);
		child_start(&g->child);
	}
}

void
gateways_done(struct supervisor *s)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		child_done(&s->gateways.all[i].child);
	s->gateways.all = mem_free(s->gateways.all);
	s->gateways.count = 0;
}

bool
gateways_are_ready(const struct supervisor *s)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		if (s->gateways.all[i].child.state != CHILD_READY)
			return false;
	return true;
}

bool
gateways_are_gone(const struct supervisor *s)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		if (s->gateways.all[i].child.state != CHILD_GONE)
			return false;
	return true;
}

void
gateways_drain(struct supervisor *s, uint64_t ms)
{
	for (unsigned i = 0; i < s->gateways.count; i++) {
		struct gateway *g = &s->gateways.all[i];
		_buf_ struct buf b;

		buf_init(&b, 16);
		put_u32(&b, (uint32_t)ms);
		say(g, GATE_DRAIN, 0, buf_all(&b));
		child_leave(&g->child);
	}
}

json_t *
gateways_status(const struct supervisor *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->gateways.count; i++) {
		const struct gateway *g = &s->gateways.all[i];
		json_t *one = json_pack("{s:I, s:I, s:s, s:I}", "index",
			(json_int_t)i, "pid", (json_int_t)g->child.pid, "state",
			child_state_name(g->child.state), "restarts",
			(json_int_t)g->child.restarts);

		if (watch_silence(g))
			(void)json_object_set_new(
				one, "silent", json_integer(watch_silence(g)));
		if (g->error[0])
			(void)json_object_set_new(
				one, "error", words_json(g->error));
		(void)json_array_append_new(list, one);
	}
	return list;
}

unsigned
gateways_ask_conf(struct supervisor *s, const char *text)
{
	unsigned asked = 0;

	for (unsigned i = 0; i < s->gateways.count; i++) {
		struct gateway *g = &s->gateways.all[i];

		if (g->child.state != CHILD_READY)
			continue;
		g->conf = GATEWAY_CONF_ASKED;
		send_conf(g, text, s->serial + 1);
		asked++;
	}
	return asked;
}

static void
settle_conf(struct supervisor *s, struct gateway *g, bool taken)
{
	enum gateway_conf was = g->conf;

	g->conf = GATEWAY_CONF_SETTLED;
	if (taken && g->child.state == CHILD_WAITING)
		child_start(&g->child); /* it may be good now */
	if (g->child.state != CHILD_READY || g->serial == s->serial)
		return;
	if (was == GATEWAY_CONF_REFUSED)
		g->serial = s->serial; /* it has kept the old one */
	else
		send_conf(g, s->text, s->serial);
}

void
gateways_settle_conf(struct supervisor *s, bool taken)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		settle_conf(s, &s->gateways.all[i], taken);
}

void
gateway_add(struct gateway *g, const json_t *settings, int channel_fd)
{
	_close_ int fd = channel_fd;
	_buf_ struct buf b;

	buf_init(&b, CHANNEL_BODY);
	val_put(&b, settings);
	if (channel_is_open(&g->child.control))
		channel_send(
			&g->child.control, GATE_FN_ADD, 0, buf_all(&b), &fd, 1);
}

static void
send_json(struct gateway *g, uint8_t type, const json_t *v)
{
	_buf_ struct buf b;

	buf_init(&b, CHANNEL_BODY);
	val_put(&b, v);
	say(g, type, 0, buf_all(&b));
}

void
gateway_release(struct gateway *g, const struct fn_release *release)
{
	_json_ json_t *v = release_build(release);

	send_json(g, GATE_FN_RELEASE, v);
}

void
gateways_release(struct supervisor *s, const struct fn_release *release)
{
	for (unsigned i = 0; i < s->gateways.count; i++)
		gateway_release(&s->gateways.all[i], release);
}

void
gateways_forget(struct supervisor *s, const char *name)
{
	_json_ json_t *v = json_pack("{s:s}", "name", name);

	for (unsigned i = 0; i < s->gateways.count; i++)
		send_json(&s->gateways.all[i], GATE_FN_DEL, v);
}
