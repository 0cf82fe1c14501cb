/*
 * Deploys.  A function has at most one version on trial; its host has one try.
 * active.json is written between "its code is loaded" and "it gets calls", so
 * that a daemon that dies at any point comes back with a version that loads.
 */
#include "src/deploy.h"

#include "base/conf.h"
#include "base/event.h"
#include "src/host.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <errno.h>
#include <stdio.h>

/* How long a host that was replaced may finish. */
static uint64_t
drain_ms(const struct supervisor *s)
{
	return (uint64_t)s->conf->server_drain;
}

static struct registry_presets
presets_of(const struct conf *c)
{
	return (struct registry_presets){
		.timeout_ms = c->functions_timeout,
		.memory = c->functions_memory,
		.idle_ms = c->functions_idle,
		.workers = (unsigned)c->functions_workers,
		.queue = (unsigned)c->functions_queue,
	};
}

static void
on_drop(struct job *job)
{
	struct deploy *d = container_of(job, struct deploy, job);

	d->function->deploy = NULL; /* the version is tried all the same */
}

void
deploy_done(struct deploy *d)
{
	job_cancel(&d->job);
	json_decref(d->missing);
	d->missing = NULL;
}

static void
deploy_end(struct function *f, const struct host *h, int err,
	const struct fault *why)
{
	struct deploy *d = f->deploy;

	f->deploy = NULL;
	if (!d)
		return;
	d->version = host_version(h);
	d->missing = json_incref(h->missing);
	(void)snprintf(d->said, sizeof(d->said), "%s", h->error);
	if (why)
		d->job.why = *why;
	/* Never from inside deploy_start. */
	job_fail_soon(&d->job, &h->sup->loop, err);
}

static void
take_over(struct host *h)
{
	struct function *f = h->function;
	struct host *old = f->active;

	f->tried = NULL;
	f->active = h;
	f->settled = true;
	f->error[0] = '\0';
	h->role = HOST_ACTIVE;
	h->child.once = false;
	host_meet_all(h); /* from here on new calls are the new version's */
	if (old) {
		old->function = NULL;
		host_leave(old, drain_ms(h->sup));
	}
	event(EVENT_FN_DEPLOYED, "function", f->name, "version",
		EVENT_INT(host_version(h)), NULL);
}

void
deploy_on_ready(struct host *h)
{
	struct function *f = h->function;
	struct fault why = {0};
	int r = registry_activate(&h->sup->registry, &h->setup.function, &why);

	if (r < 0) {
		words_keep(h->error, sizeof(h->error), slice_str(why.text));
		child_kill(&h->child); /* its end ends the deploy */
		return;
	}
	take_over(h);
	deploy_end(f, h, 0, NULL);
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
	f->tried = NULL;
	h->function = NULL;
	deploy_end(f, h, why.code, &why);
	hosts_put(f);
	host_bury(h);
}

static int
try_settings(struct supervisor *s, struct function *f,
	const struct fn_settings *settings, struct fault *why)
{
	struct host_setup setup;
	int r = supervisor_check(s, why);

	if (r < 0)
		return r;
	if (f->tried)
		return fault_set(why, ERR_BUSY,
			"%s version %u is being deployed just now", f->name,
			host_version(f->tried));
	r = host_plan(s, settings, &setup, why);
	if (r < 0)
		return r;
	f->tried = host_new(s, f, HOST_TRIED, &setup);
	child_start(&f->tried->child);
	return 0;
}

static void
try_for(struct supervisor *s, struct deploy *d,
	const struct fn_settings *settings)
{
	struct function *f = hosts_get(s, settings->name);
	struct fault why = {0};
	int r = try_settings(s, f, settings, &why);

	if (r < 0) {
		hosts_put(f);
		job_fail_soon(&d->job, &s->loop, r);
		d->job.why = why;
		return;
	}
	d->function = f;
	f->deploy = d;
	job_begin(&d->job, &s->loop,
		f->tried->child.kind->start_ms + BACK_OFF_TOP_MS, on_drop);
}

static void
fail(struct supervisor *s, struct deploy *d, int err, const struct fault *why)
{
	job_fail_soon(&d->job, &s->loop, err);
	d->job.why = *why;
}

void
deploy_start(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *entry)
{
	struct registry_presets presets = presets_of(s->conf);
	struct fn_settings settings;
	struct fault why = {0};
	int r = registry_package(
		&s->registry, name, version, entry, &presets, &settings, &why);

	if (r < 0) {
		fail(s, d, r, &why);
		return;
	}
	try_for(s, d, &settings);
	fn_settings_done(&settings);
}

void
deploy_again(struct supervisor *s, struct deploy *d, const char *name)
{
	const struct function *f = hosts_find(s, name);
	struct fn_settings settings;
	struct fault why = {0};
	int r = f ? registry_active(&s->registry, name, &settings, &why)
		  : -ENOENT;

	if (r == -ENOENT)
		r = fault_set(&why, ERR_FN_NOT_FOUND,
			"no function \"%s\" is deployed", name);
	if (r < 0) {
		fail(s, d, r, &why);
		return;
	}
	try_for(s, d, &settings);
	fn_settings_done(&settings);
}

int
deploy_undo(struct supervisor *s, const char *name, struct fault *why)
{
	struct function *f = hosts_find(s, name);
	struct host *h;
	int r;

	if (!f || (!f->active && !f->error[0]))
		return fault_set(why, ERR_FN_NOT_FOUND,
			"no function \"%s\" is deployed", name);
	if (f->tried)
		return fault_set(why, ERR_BUSY,
			"%s version %u is being deployed just now", name,
			host_version(f->tried));
	r = registry_deactivate(&s->registry, name, why);
	if (r < 0)
		return r;
	h = f->active;
	f->active = NULL;
	f->error[0] = '\0';
	if (h) {
		h->function = NULL;
		gateways_forget(s, name, host_version(h));
		host_leave(h, drain_ms(s));
	}
	hosts_put(f);
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

/* As it would be deployed now; 1 when that is not how it was. */
static int
has_changed(struct supervisor *s, const struct function *f,
	const struct fn_settings *settings, struct fault *why)
{
	_json_ json_t *now = NULL;
	struct host_setup setup;
	int r = host_plan(s, settings, &setup, why);

	if (r < 0)
		return r;
	now = host_setup_build(&setup);
	host_setup_done(&setup);
	return !json_equal(now, f->active->setup_json);
}

static void
refresh_one(struct supervisor *s, struct function *f)
{
	struct registry_presets presets = presets_of(s->conf);
	struct fn_settings settings = {0};
	struct fault why = {0};
	int r = registry_package(&s->registry, f->name, host_version(f->active),
		NULL, &presets, &settings, &why);

	if (r == 0)
		r = has_changed(s, f, &settings, &why);
	if (r == 1)
		r = try_settings(s, f, &settings, &why);
	if (r < 0)
		event(EVENT_FN_BAD, "function", f->name, "why",
			fault_text(&why, r), NULL);
	fn_settings_done(&settings);
}

void
deploy_refresh(struct supervisor *s)
{
	list_for_each_safe (at, &s->hosts.functions) {
		struct function *f = container_of(at, struct function, on);

		if (f->active && !f->tried)
			refresh_one(s, f);
	}
}
