/*
 * What the supervisor and a keeper say to each other (KEEP_ in proto.def).
 * What it means for the function is decided in hosts.c.
 */
#include "src/host.h"

#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/sock.h"
#include "functions/proto.h"
#include "functions/registry_env.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { OUTPUT_TOP = 8192, NODE_STANDBY = 1, LEAVE_SLACK_MS = 2000 };

static struct host *
host_of(struct child *c)
{
	return container_of(c, struct host, child);
}

unsigned
host_version(const struct host *h)
{
	return h->setup.function.version;
}

static int
copy_settings(const struct fn_settings *from, struct fn_settings *ret,
	struct fault *why)
{
	_json_ json_t *v = fn_settings_build(from);

	return fn_settings_parse(ret, v, why);
}

/* What is set from outside, around the function's own. */
static int
put_variables(
	const struct supervisor *s, struct fn_settings *to, struct fault *why)
{
	json_t *all = NULL;
	int r = registry_env_merge(
		&s->registry, s->seal, to->name, to->environment, &all, why);

	if (r < 0)
		return r;
	json_decref(to->environment);
	to->environment = all;
	return 0;
}

static int
check_script(struct fault *why)
{
	_free_ char *program = path_program("mpcloud-script");

	return access(program, X_OK) == 0
		       ? 0
		       : fault_set(why, ERR_PARAM,
				 "runtime script: this mpcloud was built "
				 "without it (Debian: install "
				 "libjavascriptcoregtk-4.1-dev, configure and "
				 "build again); or use runtime node");
}

int
host_plan(struct supervisor *s, const struct fn_settings *settings,
	struct host_setup *ret, struct fault *why)
{
	struct host_setup h = {.uid = -1, .gid = -1};
	int r = 0;

	if (settings->inspect && !s->boot->functions_inspect)
		return fault_set(why, ERR_PARAM,
			"mpcloud.inspect: functions are debugged with "
			"`mpcloud dev --inspect` only");
	if (settings->runtime == RUNTIME_SCRIPT)
		r = check_script(why);
	if (r == 0 && s->as_root)
		r = registry_uid(&s->registry, settings->name,
			s->boot->functions_uid_first,
			s->boot->functions_uid_count, &h.uid, why);
	if (r == 0 && s->as_root)
		r = registry_confine(&s->registry, settings->name, h.uid, why);
	if (r == 0)
		r = copy_settings(settings, &h.function, why);
	if (r == 0)
		r = put_variables(s, &h.function, why);
	if (r < 0) {
		fn_settings_done(&h.function);
		return r;
	}
	h.gid = h.uid;
	h.env = str_dup(s->boot->server_env);
	h.appid = str_dup(s->conf->wechat_appid);
	h.cloud_dir = str_dup(s->cloud_dir);
	h.node = str_dup(s->boot->functions_node);
	h.runner = path_data(settings->runtime == RUNTIME_SCRIPT
				     ? "functions/script/main.js"
				     : "functions/node/runner.mjs");
	h.script = path_program("mpcloud-script");
	h.strict = !strcmp(s->boot->functions_isolation, "strict");
	h.standby = settings->runtime == RUNTIME_NODE ? NODE_STANDBY : 0;
	*ret = h;
	return 0;
}

static void
prepare(struct child *c, struct launch *l)
{
	/* Everything else comes with KEEP_SETUP. */
	(void)c;
	(void)l;
}

static void
on_up(struct child *c)
{
	struct host *h = host_of(c);
	_buf_ struct buf b;

	buf_init(&b, CHANNEL_BODY);
	val_put(&b, h->setup_json);
	buf_clear(&h->output);
	channel_send(&c->control, KEEP_SETUP, 0, buf_all(&b), NULL, 0);
	mem_wipe(b.ptr, b.room); /* secrets may be among the variables */
}

static void
tell_missing(const struct host *h)
{
	const json_t *one;
	size_t i;

	json_array_foreach (h->missing, i, one)
		event(EVENT_CAGE_MISSING, "function", h->setup.function.name,
			"what", json_string_value(one), NULL);
}

static void
on_ready(struct host *h, struct slice body)
{
	_json_ json_t *v = NULL;
	json_t *missing = NULL;

	if (val_parse(&v, body, NULL) == 0)
		missing = json_object_get(v, "missing");
	json_decref(h->missing);
	h->missing =
		json_is_array(missing) ? json_incref(missing) : json_array();
	h->error[0] = '\0';
	tell_missing(h);
	child_is_up(&h->child);
	hosts_on_ready(h);
}

/* Whether `text` has what the code printed already; newlines at the end apart.
 */
static bool
says(struct slice text, struct slice output)
{
	while (output.len && output.ptr[output.len - 1] == '\n')
		output.len--;
	return memmem(text.ptr, text.len, output.ptr, output.len) != NULL;
}

/* The author's answer: why, and what the code printed before. */
static void
on_failed(struct host *h, struct slice text)
{
	_buf_ struct buf b;

	buf_init(&b, sizeof(h->error));
	buf_slice(&b, slice_of(text.ptr, min(text.len, sizeof(h->error) / 2)));
	if (h->output.len && !says(text, buf_all(&h->output))) {
		buf_char(&b, '\n');
		buf_add(&b, h->output.ptr,
			min(h->output.len, sizeof(h->error) / 2 - 2));
	}
	while (b.len && b.ptr[b.len - 1] == '\n')
		b.len--;
	words_keep(h->error, sizeof(h->error), buf_all(&b));
	h->child.patient = true;
	event(EVENT_FN_BAD, "function", h->setup.function.name, "version",
		EVENT_INT(host_version(h)), "why", h->error, NULL);
}

static void
on_line(struct host *h, struct slice body)
{
	if (body.len < 1 || h->output.len + body.len > OUTPUT_TOP)
		return;
	buf_add(&h->output, body.ptr + 1, body.len - 1);
	buf_char(&h->output, '\n');
}

static void
on_frame(struct child *c, const struct frame *f, int *fds, int nfds)
{
	struct host *h = host_of(c);

	(void)fds;
	(void)nfds;
	switch (f->type) {
	case KEEP_READY:
		on_ready(h, f->body);
		break;
	case KEEP_FAILED:
		on_failed(h, f->body);
		break;
	case KEEP_LINE:
		on_line(h, f->body);
		break;
	default:
		event(EVENT_INTERNAL, "child", c->label, "why",
			"a message that a host does not send", "type",
			EVENT_INT(f->type), NULL);
		child_kill(c);
	}
}

static void
on_end(struct child *c)
{
	struct host *h = host_of(c);

	if (!h->error[0])
		(void)snprintf(h->error, sizeof(h->error), "its host ended: %s",
			c->ending);
	hosts_on_end(h);
}

static const struct child_ops ops = {prepare, on_up, on_frame, on_end};

static void
on_burial(struct defer *d)
{
	host_free(container_of(d, struct host, burial));
}

struct host *
host_new(struct supervisor *s, struct function *f, enum host_role role,
	struct host_setup *setup)
{
	struct host *h = mem_new(struct host);

	child_init(&h->child, PROCESS_HOST, &ops, &s->loop, &s->children);
	h->child.once = role == HOST_TRIED;
	list_init(&h->of);
	if (f)
		list_add(&f->hosts, &h->of);
	h->sup = s;
	h->function = f;
	h->role = role;
	h->setup = *setup;
	*setup = (struct host_setup){0};
	h->setup_json = host_setup_build(&h->setup);
	buf_init(&h->output, OUTPUT_TOP);
	defer_init(&h->burial, on_burial);
	list_add(&s->hosts.all, &h->on);
	(void)snprintf(h->child.label, sizeof(h->child.label), "%s v%u",
		h->setup.function.name, host_version(h));
	return h;
}

void
host_free(struct host *h)
{
	child_done(&h->child);
	timer_clear(&h->overdue);
	defer_clear(&h->burial);
	list_del(&h->on);
	list_del(&h->of);
	host_setup_done(&h->setup);
	json_decref(h->setup_json);
	json_decref(h->missing);
	buf_done(&h->output);
	free(h);
}

void
host_bury(struct host *h)
{
	loop_defer(&h->sup->loop, &h->burial);
}

static void
on_overdue(struct timer *t)
{
	child_kill(&container_of(t, struct host, overdue)->child);
}

void
host_leave(struct host *h, uint64_t ms)
{
	_buf_ struct buf b;

	h->role = HOST_LEAVING;
	list_del(&h->of);
	h->function = NULL;
	buf_init(&b, 16);
	put_u32(&b, (uint32_t)ms);
	if (channel_is_open(&h->child.control))
		channel_send(
			&h->child.control, KEEP_DRAIN, 0, buf_all(&b), NULL, 0);
	timer_set(&h->overdue, &h->sup->loop, ms + LEAVE_SLACK_MS, on_overdue);
	child_leave(&h->child);
}

void
host_meet(struct host *h, struct gateway *g)
{
	_json_ json_t *settings = NULL;
	_close_ int hers = -1;
	int pair[2], r;

	if (!channel_is_open(&h->child.control))
		return;
	r = sock_pair(SOCK_SEQPACKET, pair);
	if (r < 0) {
		event(EVENT_INTERNAL, "what", "socketpair", "why", err_text(r),
			NULL);
		return;
	}
	hers = pair[0];
	channel_send(
		&h->child.control, KEEP_CHANNEL, g->index, SLICE(""), &hers, 1);
	settings = fn_settings_build(&h->setup.function);
	(void)json_object_set_new(settings, "environment", json_object());
	gateway_add(g, settings, pair[1]);
}

void
host_meet_all(struct host *h)
{
	const struct gateways *gs = &h->sup->gateways;

	for (unsigned i = 0; i < gs->count; i++)
		if (channel_is_open(&gs->all[i].child.control))
			host_meet(h, &gs->all[i]);
}
