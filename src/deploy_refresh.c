/*
 * When settings or variables change, hosts that would be started otherwise now
 * are replaced, as a deploy does it.  A thousand functions are not started at
 * once: a few changes run, the others wait with their mark.
 */
#include "src/deploy_inside.h"

#include "base/event.h"
#include "src/host.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <string.h>

enum { AT_ONCE = 4 };

/* 1 when the host would be told something else now. */
static int
has_changed(struct supervisor *s, const struct host *h, struct fault *why)
{
	_json_ json_t *now = NULL;
	struct host_setup setup;
	int r = deploy_plan(
		s, h->setup.function.name, host_version(h), &setup, why);

	if (r < 0)
		return r;
	now = host_setup_build(&setup);
	host_setup_done(&setup);
	return !json_equal(now, h->setup_json);
}

void
deploy_refresh_failed(
	struct supervisor *s, const struct function *f, const char *text)
{
	list_for_each (at, &s->hosts.waiters) {
		struct deploy *d = container_of(at, struct deploy, on);
		json_t *one = json_object();

		(void)json_object_set_new(one, "name", json_string(f->name));
		(void)json_object_set_new(one, "error", words_json(text));
		if (!d->failed)
			d->failed = json_array();
		(void)json_array_append_new(d->failed, one);
	}
}

static void
tell_failed(struct supervisor *s, const struct function *f, int err,
	const struct fault *why)
{
	const char *text = fault_text(why, err);

	event(EVENT_FN_BAD, "function", f->name, "why", text, NULL);
	deploy_refresh_failed(s, f, text);
}

/* How many hosts are marked, or negative. */
static int
mark_changed(struct supervisor *s, struct function *f, struct fault *why)
{
	int marked = 0;

	list_for_each (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);
		int r = has_changed(s, h, why);

		if (r < 0)
			return r;
		h->stale = r == 1;
		marked += r;
	}
	return marked;
}

/* A version that could not be started before has no host: it is tried too. */
static bool
lacks_hosts(const struct function *f)
{
	_json_ json_t *versions = deploy_versions(&f->state.release);
	json_t *v;
	size_t i;

	json_array_foreach (versions, i, v)
		if (!hosts_of(f, HOST_LIVE, (unsigned)json_integer_value(v)))
			return true;
	return false;
}

static void
refresh(struct supervisor *s, struct function *f)
{
	struct registry_state next;
	struct fault why = {0};
	int r = mark_changed(s, f, &why);

	if (r == 0 && !lacks_hosts(f))
		return;
	if (r >= 0) {
		registry_state_copy(&next, &f->state);
		f->refreshing = true;
		r = deploy_change(s, f, &next, NULL, &why);
	}
	if (r < 0) {
		f->refreshing = false;
		tell_failed(s, f, r, &why);
	}
}

static unsigned
count_refreshing(const struct supervisor *s)
{
	unsigned n = 0;

	list_for_each (at, &s->hosts.functions)
		n += container_of(at, struct function, on)->refreshing;
	return n;
}

static void
wake_waiters(struct supervisor *s)
{
	list_for_each_safe (at, &s->hosts.waiters) {
		struct deploy *d = container_of(at, struct deploy, on);

		list_del(&d->on);
		job_fail_soon(&d->job, &s->loop, 0);
	}
}

void
deploy_on_pump(struct defer *pump)
{
	struct supervisor *s =
		container_of(pump, struct supervisor, hosts.pump);
	unsigned running = count_refreshing(s), stale = 0;

	list_for_each_safe (at, &s->hosts.functions) {
		struct function *f = container_of(at, struct function, on);

		if (f->stale && !f->changing && running < AT_ONCE) {
			f->stale = false;
			refresh(s, f);
			running += f->refreshing;
		}
		stale += f->stale;
		hosts_put(f);
	}
	if (!stale && !running)
		wake_waiters(s);
}

void
deploy_refresh(struct supervisor *s, const char *name)
{
	list_for_each (at, &s->hosts.functions) {
		struct function *f = container_of(at, struct function, on);

		if (!name || !strcmp(f->name, name))
			f->stale = true;
	}
	loop_defer(&s->loop, &s->hosts.pump);
}

static void
on_drop(struct job *job)
{
	list_del(&container_of(job, struct deploy, job)->on);
}

void
deploy_wait(struct supervisor *s, struct deploy *d)
{
	/* Each change has its own deadline. */
	job_begin(&d->job, &s->loop, 0, on_drop);
	list_add(&s->hosts.waiters, &d->on);
	loop_defer(&s->loop, &s->hosts.pump);
}
