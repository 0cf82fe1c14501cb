/*
 * Which host answers for which function.  A function has an active host, and
 * while a version is tried a second one beside it; hosts that were replaced
 * belong to no function any more and only finish.
 */
#include "src/hosts.h"

#include "base/conf.h"
#include "base/event.h"
#include "base/mem.h"
#include "src/deploy.h"
#include "src/host.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct function *
hosts_find(const struct supervisor *s, const char *name)
{
	list_for_each (at, &s->hosts.functions) {
		struct function *f = container_of(at, struct function, on);

		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

struct function *
hosts_get(struct supervisor *s, const char *name)
{
	struct function *f = hosts_find(s, name);
	struct list *before = &s->hosts.functions;

	if (f)
		return f;
	f = mem_new(struct function);
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	list_for_each (at, &s->hosts.functions) {
		before = at;
		if (strcmp(container_of(at, struct function, on)->name, name) >
			0)
			break;
		before = &s->hosts.functions;
	}
	list_add(before, &f->on);
	return f;
}

void
hosts_put(struct function *f)
{
	if (f->active || f->tried || f->deploy || f->error[0])
		return;
	list_del(&f->on);
	free(f);
}

static int
start_active(struct supervisor *s, struct function *f, struct fault *why)
{
	struct fn_settings settings;
	struct host_setup setup;
	int r = registry_active(&s->registry, f->name, &settings, why);

	if (r < 0)
		return r;
	r = host_plan(s, &settings, &setup, why);
	fn_settings_done(&settings);
	if (r < 0)
		return r;
	f->active = host_new(s, f, HOST_ACTIVE, &setup);
	child_start(&f->active->child);
	return 0;
}

int
hosts_start(struct supervisor *s, struct fault *why)
{
	_json_ json_t *names = NULL;
	const json_t *name;
	size_t i;
	int r = registry_names(&s->registry, &names, why);

	if (r < 0)
		return r;
	json_array_foreach (names, i, name) {
		struct function *f = hosts_get(s, json_string_value(name));
		struct fault bad = {0};

		r = start_active(s, f, &bad);
		if (r < 0 && r != -ENOENT) {
			/* One broken function stops nobody else. */
			words_keep(f->error, sizeof(f->error),
				slice_str(fault_text(&bad, r)));
			event(EVENT_FN_BAD, "function", f->name, "why",
				f->error, NULL);
			f->settled = true;
		}
		if (r < 0)
			hosts_put(f);
	}
	return 0;
}

void
hosts_done(struct supervisor *s)
{
	list_for_each_safe (at, &s->hosts.all)
		host_free(container_of(at, struct host, on));
	list_for_each_safe (at, &s->hosts.functions) {
		list_del(at);
		free(container_of(at, struct function, on));
	}
}

bool
hosts_are_settled(const struct supervisor *s)
{
	list_for_each (at, &s->hosts.functions) {
		const struct function *f =
			container_of(at, struct function, on);

		if (f->active && !f->settled)
			return false;
	}
	return true;
}

bool
hosts_are_gone(const struct supervisor *s)
{
	list_for_each (at, &s->hosts.all)
		if (container_of(at, struct host, on)->child.state !=
			CHILD_GONE)
			return false;
	return true;
}

void
hosts_drain(struct supervisor *s, uint64_t ms)
{
	list_for_each_safe (at, &s->hosts.all) {
		struct host *h = container_of(at, struct host, on);

		if (h->role == HOST_ACTIVE)
			host_leave(h, ms);
	}
}

void
hosts_meet(struct supervisor *s, struct gateway *g)
{
	list_for_each (at, &s->hosts.all) {
		struct host *h = container_of(at, struct host, on);

		if (h->role == HOST_ACTIVE && h->child.state == CHILD_READY)
			host_meet(h, g);
	}
}

void
hosts_on_ready(struct host *h)
{
	if (h->role == HOST_TRIED) {
		deploy_on_ready(h);
	} else if (h->role == HOST_ACTIVE) {
		h->function->settled = true;
		host_meet_all(h);
	}
	supervisor_look(h->sup);
}

void
hosts_on_end(struct host *h)
{
	if (h->role == HOST_TRIED)
		deploy_on_end(h);
	else if (h->role == HOST_ACTIVE)
		h->function->settled = true;
	else if (h->child.state == CHILD_GONE) {
		struct function *f = h->function;

		if (f && f->active == h)
			f->active = NULL;
		host_bury(h);
	}
	supervisor_look(h->sup);
}

static json_t *
status_of(const struct function *f)
{
	const struct host *h = f->active ? f->active : f->tried;
	const char *error = h && h->error[0] ? h->error : f->error;
	const char *state = "failed"; /* waits for its next try, or has none */
	json_t *one = json_pack("{s:s}", "name", f->name);

	if (h) {
		if (h->child.state != CHILD_WAITING)
			state = child_state_name(h->child.state);
		(void)json_object_set_new(
			one, "version", json_integer(host_version(h)));
		(void)json_object_set_new(one, "runtime",
			json_string(fn_runtime_name(
				h->setup.function.runtime)));
		(void)json_object_set_new(
			one, "pid", json_integer(h->child.pid));
		(void)json_object_set_new(
			one, "restarts", json_integer(h->child.restarts));
		(void)json_object_set_new(one, "missing",
			h->missing ? json_copy(h->missing) : json_array());
	}
	(void)json_object_set_new(one, "state", json_string(state));
	if (error[0])
		(void)json_object_set_new(one, "error", words_json(error));
	if (f->tried)
		(void)json_object_set_new(
			one, "deploying", json_integer(host_version(f->tried)));
	return one;
}

json_t *
hosts_status(const struct supervisor *s)
{
	json_t *list = json_array();

	list_for_each (at, &s->hosts.functions)
		(void)json_array_append_new(
			list, status_of(container_of(at, struct function, on)));
	return list;
}
