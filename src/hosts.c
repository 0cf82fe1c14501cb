/*
 * Which hosts a function has: one for each version that its release names, and
 * while a change is tried those that will be.  Hosts that were replaced belong
 * to no function any more and only finish.
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

enum { AT_ONCE_LEAST = 8 };

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
	memcpy(f->state.release.name, f->name, sizeof(f->name));
	list_init(&f->hosts);
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

static void
function_free(struct function *f)
{
	list_del(&f->on);
	registry_state_done(&f->state);
	registry_state_done(&f->next);
	free(f);
}

void
hosts_put(struct function *f)
{
	if (list_empty(&f->hosts) && !f->changing && !f->deploy && !f->error[0])
		function_free(f);
}

struct host *
hosts_of(const struct function *f, enum host_role role, unsigned version)
{
	list_for_each (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == role && host_version(h) == version)
			return h;
	}
	return NULL;
}

bool
hosts_answer(const struct function *f)
{
	const struct host *h = hosts_of(f, HOST_LIVE, f->state.release.stable);

	return h && h->child.state == CHILD_READY;
}

static int
start_version(struct supervisor *s, struct function *f, unsigned version,
	struct fault *why)
{
	struct host_setup setup;
	int r = deploy_plan(s, f->name, version, &setup, why);

	if (r < 0)
		return r;
	(void)host_new(s, f, HOST_LIVE, &setup); /* start_some starts it */
	return 0;
}

/* A thousand programs that load at once are all late: some at a time. */
static void
start_some(struct supervisor *s)
{
	unsigned starting = 0;

	list_for_each (at, &s->hosts.all)
		starting += container_of(at, struct host, on)->child.state ==
			    CHILD_STARTING;
	list_for_each (at, &s->hosts.all) {
		struct host *h = container_of(at, struct host, on);

		if (h->role != HOST_LIVE || h->child.state != CHILD_DOWN)
			continue;
		if (starting++ >= s->hosts.at_once)
			return;
		child_start(&h->child);
	}
}

/* One broken version stops no other. */
static void
start_versions(struct supervisor *s, struct function *f)
{
	_json_ json_t *versions = deploy_versions(&f->state.release);
	json_t *v;
	size_t i;

	json_array_foreach (versions, i, v) {
		unsigned version = (unsigned)json_integer_value(v);
		struct fault bad = {0};
		int r = start_version(s, f, version, &bad);

		if (r < 0) {
			words_keep(f->error, sizeof(f->error),
				slice_str(fault_text(&bad, r)));
			event(EVENT_FN_BAD, "function", f->name, "version",
				EVENT_INT(version), "why", f->error, NULL);
		}
	}
}

static void
start_function(struct supervisor *s, const char *name)
{
	struct registry_state state;
	struct fault bad = {0};
	struct function *f;
	int r = registry_read(&s->registry, name, &state, &bad);

	if (r == -ENOENT)
		return;
	f = hosts_get(s, name);
	if (r == 0) {
		registry_state_done(&f->state);
		f->state = state;
		start_versions(s, f);
		return;
	}
	words_keep(f->error, sizeof(f->error), slice_str(fault_text(&bad, r)));
	event(EVENT_FN_BAD, "function", f->name, "why", f->error, NULL);
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
	json_array_foreach (names, i, name)
		start_function(s, json_string_value(name));
	s->hosts.at_once = max(AT_ONCE_LEAST, 2 * uv_available_parallelism());
	start_some(s);
	return 0;
}

void
hosts_done(struct supervisor *s)
{
	list_for_each_safe (at, &s->hosts.all)
		host_free(container_of(at, struct host, on));
	list_for_each_safe (at, &s->hosts.functions)
		function_free(container_of(at, struct function, on));
}

bool
hosts_are_settled(const struct supervisor *s)
{
	list_for_each (at, &s->hosts.all) {
		const struct host *h = container_of(at, struct host, on);

		if (h->role == HOST_LIVE && !h->settled)
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

		if (h->role == HOST_LIVE)
			host_leave(h, ms);
	}
}

static void
function_meet(struct function *f, struct gateway *g)
{
	bool any = false;

	list_for_each (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_LIVE && h->child.state == CHILD_READY) {
			host_meet(h, g);
			any = true;
		}
	}
	if (any)
		gateway_release(g, &f->state.release);
}

void
hosts_meet(struct supervisor *s, struct gateway *g)
{
	list_for_each (at, &s->hosts.functions)
		function_meet(container_of(at, struct function, on), g);
}

/* The first time, which makes room for the next one's start. */
static void
settle(struct host *h)
{
	if (h->settled)
		return;
	h->settled = true;
	start_some(h->sup);
}

void
hosts_on_ready(struct host *h)
{
	if (h->role == HOST_TRIED) {
		deploy_on_ready(h);
	} else if (h->role == HOST_LIVE) {
		settle(h);
		host_meet_all(h);
		gateways_release(h->sup, &h->function->state.release);
	}
	supervisor_look(h->sup);
}

void
hosts_on_end(struct host *h)
{
	if (h->role == HOST_TRIED)
		deploy_on_end(h);
	else if (h->role == HOST_LIVE)
		settle(h);
	else if (h->child.state == CHILD_GONE)
		host_bury(h);
	supervisor_look(h->sup);
}

/* --- status --- */

static const char *
state_of(const struct host *h)
{
	/* A host that waits for its next try has failed. */
	return h->child.state == CHILD_WAITING
		       ? "failed"
		       : child_state_name(h->child.state);
}

static json_t *
host_status(const struct host *h)
{
	json_t *one = json_pack("{s:I, s:s, s:I, s:I}", "version",
		(json_int_t)host_version(h), "state", state_of(h), "pid",
		(json_int_t)h->child.pid, "restarts",
		(json_int_t)h->child.restarts);

	if (h->error[0])
		(void)json_object_set_new(one, "error", words_json(h->error));
	return one;
}

static void
put_hosts(const struct function *f, json_t *to)
{
	json_t *list = json_array(), *tried = NULL;

	list_for_each (at, &f->hosts) {
		const struct host *h = container_of(at, struct host, of);

		if (h->role == HOST_LIVE)
			(void)json_array_append_new(list, host_status(h));
		else if (!tried)
			tried = json_integer(host_version(h));
	}
	(void)json_object_set_new(to, "hosts", list);
	if (tried)
		(void)json_object_set_new(to, "deploying", tried);
}

/* What a person is told first: of the version that most calls get, or, while
 * there is none yet, of the one that is tried. */
static const struct host *
main_host(const struct function *f)
{
	const struct host *h = hosts_of(f, HOST_LIVE, f->state.release.stable);

	return h ? h : list_first(&f->hosts, struct host, of);
}

static void
put_main(const struct host *h, json_t *to)
{
	(void)json_object_set_new(to, "version", json_integer(host_version(h)));
	(void)json_object_set_new(to, "runtime",
		json_string(fn_runtime_name(h->setup.function.runtime)));
	(void)json_object_set_new(to, "pid", json_integer(h->child.pid));
	(void)json_object_set_new(
		to, "restarts", json_integer(h->child.restarts));
	(void)json_object_set_new(to, "missing",
		h->missing ? json_copy(h->missing) : json_array());
}

static json_t *
status_of(const struct function *f)
{
	const struct host *h = main_host(f);
	const char *error = h && h->error[0] ? h->error : f->error;
	json_t *one = json_pack("{s:s}", "name", f->name);

	if (h)
		put_main(h, one);
	(void)json_object_set_new(
		one, "state", json_string(h ? state_of(h) : "failed"));
	if (error[0])
		(void)json_object_set_new(one, "error", words_json(error));
	put_hosts(f, one);
	(void)json_object_set_new(
		one, "release", release_build(&f->state.release));
	if (f->state.trouble)
		(void)json_object_set_new(
			one, "trouble", json_deep_copy(f->state.trouble));
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
