/*
 * A change, from "these versions are to answer" to "they do".  active.json is
 * written between "the code of all that it names is loaded" and "they get
 * calls", so that a daemon that dies at any point comes back with versions that
 * load.
 */
#include "src/deploy_inside.h"

#include "base/conf.h"
#include "base/event.h"
#include "src/host.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <stdio.h>

/* How long a host that was replaced may finish. */
static uint64_t
drain_ms(const struct supervisor *s)
{
	return (uint64_t)s->conf->server_drain;
}

struct registry_presets
deploy_presets(const struct supervisor *s)
{
	const struct conf *c = s->conf;

	return (struct registry_presets){
		.timeout_ms = c->functions_timeout,
		.memory = c->functions_memory,
		.idle_ms = c->functions_idle,
		.workers = (unsigned)c->functions_workers,
		.queue = (unsigned)c->functions_queue,
	};
}

int
deploy_plan(struct supervisor *s, const char *name, unsigned version,
	struct host_setup *ret, struct fault *why)
{
	struct registry_presets presets = deploy_presets(s);
	struct fn_settings settings;
	int r = registry_package(
		&s->registry, name, version, NULL, &presets, &settings, why);

	if (r < 0)
		return r;
	r = host_plan(s, &settings, ret, why);
	fn_settings_done(&settings);
	return r;
}

static void
add_version(json_t *list, unsigned version)
{
	json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (json_integer_value(v) == version)
			return;
	if (version)
		(void)json_array_append_new(list, json_integer(version));
}

json_t *
deploy_versions(const struct fn_release *release)
{
	json_t *list = json_array(), *v;
	const char *alias;

	add_version(list, release->stable);
	add_version(list, release->gray);
	json_object_foreach (release->aliases, alias, v)
		add_version(list, (unsigned)json_integer_value(v));
	return list;
}

/* --- who waits --- */

static void
on_drop(struct job *job)
{
	struct deploy *d = container_of(job, struct deploy, job);

	d->function->deploy = NULL; /* the change goes on all the same */
}

void
deploy_done(struct deploy *d)
{
	job_cancel(&d->job);
	if (d->on.next)
		list_del(&d->on);
	json_decref(d->missing);
	json_decref(d->failed);
	d->missing = d->failed = NULL;
}

/* `h`: whose words and lacks are told, or NULL. */
static void
answer(struct supervisor *s, struct function *f, const struct host *h, int err,
	const struct fault *why)
{
	struct deploy *d = f->deploy;

	f->deploy = NULL;
	if (!d)
		return;
	if (h) {
		d->version = host_version(h);
		d->missing = json_incref(h->missing);
		(void)snprintf(d->said, sizeof(d->said), "%s", h->error);
	}
	if (why)
		d->job.why = *why;
	/* Never from inside deploy_start. */
	job_fail_soon(&d->job, &s->loop, err);
}

/* --- the end of a change --- */

static void
change_end(struct supervisor *s, struct function *f)
{
	registry_state_done(&f->next);
	f->changing = f->refreshing = false;
	list_for_each (at, &f->hosts)
		container_of(at, struct host, of)->stale = false;
	loop_defer(&s->loop, &s->hosts.pump);
}

/* Not from inside its function's list. */
static void
dismiss(struct host *h)
{
	h->role = HOST_LEAVING;
	h->function = NULL;
	list_del(&h->of);
	if (child_runs(&h->child))
		child_kill(&h->child); /* its end buries it */
	else
		host_bury(h);
}

/* `h` is to blame, or nobody. */
static void
abandon(struct supervisor *s, struct function *f, struct host *h,
	const struct fault *why)
{
	if (h && h->error[0])
		registry_blame(
			&s->registry, f->name, host_version(h), h->error);
	if (f->refreshing)
		deploy_refresh_failed(s, f, h ? h->error : why->text);
	answer(s, f, h, why->code, why);
	list_for_each_safe (at, &f->hosts) {
		struct host *one = container_of(at, struct host, of);

		if (one->role == HOST_TRIED)
			dismiss(one);
	}
	change_end(s, f);
}

static void
tell_change(const struct function *f, const struct fn_release *was)
{
	const struct fn_release *is = &f->state.release;

	if (is->stable && is->stable != was->stable)
		event(EVENT_FN_DEPLOYED, "function", f->name, "version",
			EVENT_INT(is->stable), NULL);
	if (is->gray && is->gray != was->gray)
		event(EVENT_FN_GRAY, "function", f->name, "version",
			EVENT_INT(is->gray), "percent", EVENT_INT(is->percent),
			NULL);
}

void
deploy_let_go(struct supervisor *s, struct function *f)
{
	list_for_each_safe (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_LIVE &&
			!release_names(&f->state.release, host_version(h)))
			host_leave(h, drain_ms(s));
	}
}

static void
take_state(struct function *f, struct registry_state *next)
{
	struct registry_state was = f->state;

	f->state = *next;
	*next = (struct registry_state){0};
	tell_change(f, &was.release);
	registry_state_done(&was);
}

int
deploy_take_up(struct supervisor *s, struct function *f,
	struct registry_state *next, struct fault *why)
{
	int r = registry_write(&s->registry, next, why);

	if (r < 0)
		return r;
	take_state(f, next);
	gateways_release(s, &f->state.release);
	deploy_let_go(s, f);
	return 0;
}

static void
promote(struct supervisor *s, struct host *h)
{
	struct function *f = h->function;
	struct host *old = hosts_of(f, HOST_LIVE, host_version(h));

	h->role = HOST_LIVE;
	h->settled = true;
	h->child.once = false;
	host_meet_all(h);
	if (old)
		host_leave(old, drain_ms(s));
	registry_blame(&s->registry, f->name, host_version(h), NULL);
}

static void
promote_all(struct supervisor *s, struct function *f)
{
	list_for_each_safe (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_TRIED)
			promote(s, h);
	}
}

/* Everything that is to answer has loaded its code. */
static void
commit(struct supervisor *s, struct function *f)
{
	struct fault why = {0};
	const struct host *h;
	int r = registry_write(&s->registry, &f->next, &why);

	if (r < 0) {
		why.code = r;
		abandon(s, f, NULL, &why);
		return;
	}
	f->error[0] = '\0';
	promote_all(s, f);
	take_state(f, &f->next);
	/* From here on calls are theirs. */
	gateways_release(s, &f->state.release);
	deploy_let_go(s, f);
	registry_prune(&s->registry, &f->state,
		(unsigned)s->conf->functions_keep_versions);
	h = f->deploy ? hosts_of(f, HOST_LIVE, f->deploy->version) : NULL;
	answer(s, f, h, 0, NULL);
	change_end(s, f);
}

static bool
all_are_ready(const struct function *f)
{
	list_for_each (at, &f->hosts) {
		const struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_TRIED && h->child.state != CHILD_READY)
			return false;
	}
	return true;
}

void
deploy_on_ready(struct host *h)
{
	if (all_are_ready(h->function))
		commit(h->sup, h->function);
}

void
deploy_on_end(struct host *h)
{
	struct function *f = h->function;
	struct fault why = {0};

	if (supervisor_check(h->sup, &why) == 0)
		(void)fault_set(&why, ERR_FN_FAILED,
			"%s version %u was not taken up", f->name,
			host_version(h));
	abandon(h->sup, f, h, &why);
}

/* --- its beginning --- */

/* A host for each version that has none, or a stale one. */
static int
make_hosts(struct supervisor *s, struct function *f, struct fault *why)
{
	_json_ json_t *versions = deploy_versions(&f->next.release);
	json_t *v;
	size_t i;

	json_array_foreach (versions, i, v) {
		unsigned version = (unsigned)json_integer_value(v);
		const struct host *live = hosts_of(f, HOST_LIVE, version);
		struct host_setup setup;
		int r;

		if (live && !live->stale)
			continue;
		r = deploy_plan(s, f->name, version, &setup, why);
		if (r < 0)
			return r;
		(void)host_new(s, f, HOST_TRIED, &setup);
	}
	return 0;
}

static void
start_hosts(struct function *f)
{
	list_for_each (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_TRIED)
			child_start(&h->child);
	}
}

static int
change_begin(struct supervisor *s, struct function *f, struct fault *why)
{
	int r = make_hosts(s, f, why);

	if (r == 0 && !f->refreshing)
		r = deploy_check_paths(s, f, why);
	if (r == 0)
		return 0;
	list_for_each_safe (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_TRIED)
			dismiss(h);
	}
	change_end(s, f);
	return r;
}

int
deploy_change(struct supervisor *s, struct function *f,
	struct registry_state *next, struct deploy *d, struct fault *why)
{
	int r = supervisor_check(s, why);

	if (r == 0 && f->changing)
		r = fault_set(why, ERR_BUSY,
			"%s is being changed just now: try again when that has "
			"come to its end",
			f->name);
	if (r < 0) {
		registry_state_done(next);
		loop_defer(&s->loop, &s->hosts.pump);
		return r;
	}
	f->next = *next;
	*next = (struct registry_state){0};
	f->changing = true;
	r = change_begin(s, f, why);
	if (r < 0)
		return r;
	if (d) {
		d->function = f;
		f->deploy = d;
		job_begin(&d->job, &s->loop,
			process_kind(PROCESS_HOST)->start_ms + BACK_OFF_TOP_MS,
			on_drop);
	}
	if (all_are_ready(f)) /* there is nothing to try */
		commit(s, f);
	else
		start_hosts(f);
	return 0;
}

void
deploy_give_up(struct supervisor *s)
{
	list_for_each (at, &s->hosts.all) {
		struct host *h = container_of(at, struct host, on);

		if (h->role == HOST_TRIED)
			child_kill(&h->child);
	}
}
