/*
 * What each command makes of a release: the state that is, changed, and handed
 * to the machine in deploy.c.
 */
#include "src/deploy_inside.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "src/host.h"
#include "src/supervisor.h"
#include "src/words.h"

#include <string.h>

enum { PREVIOUS_TOP = 50 };

static void
fail(struct supervisor *s, struct deploy *d, int err, const struct fault *why)
{
	job_fail_soon(&d->job, &s->loop, err);
	d->job.why = *why;
}

/* --- parts of a state --- */

void
deploy_drop_gray(struct fn_release *r)
{
	r->header = mem_free(r->header);
	r->value = mem_free(r->value);
	json_decref(r->openids);
	r->openids = NULL;
	r->gray = r->percent = 0;
	r->guard_errors = 0;
	r->guard_ms = 0;
}

/* `v` as a release in place of what was; all checks are release_parse's. */
static int
put_release(struct registry_state *to, const json_t *v, struct fault *why)
{
	struct fn_release r;
	int err = release_parse(&r, v, why);

	if (err < 0)
		return err;
	release_done(&to->release);
	to->release = r;
	return 0;
}

static int
set_gray(struct registry_state *to, unsigned version, const json_t *trial,
	struct fault *why)
{
	_json_ json_t *v = NULL, *gray = NULL;
	const json_t *rules = json_object_get(trial, "gray");
	json_t *guard = json_object_get(trial, "guard");

	deploy_drop_gray(&to->release);
	v = release_build(&to->release);
	gray = json_is_object(rules) ? json_deep_copy(rules) : json_object();
	(void)json_object_set_new(gray, "version", json_integer(version));
	(void)json_object_set(v, "gray", gray);
	if (guard)
		(void)json_object_set(v, "guard", guard);
	return put_release(to, v, why);
}

/* The stable version that was is remembered, to go back to. */
static void
set_stable(struct registry_state *to, unsigned version)
{
	unsigned was = to->release.stable;

	deploy_drop_gray(&to->release);
	to->release.stable = version;
	if (!was || was == version)
		return;
	if (!to->previous)
		to->previous = json_array();
	(void)json_array_append_new(to->previous, json_integer(was));
	while (json_array_size(to->previous) > PREVIOUS_TOP)
		(void)json_array_remove(to->previous, 0);
}

/* --- which function --- */

static struct function *
deployed(struct supervisor *s, const char *name, struct fault *why)
{
	struct function *f = hosts_find(s, name);

	if (f && (f->state.release.stable ||
			 json_object_size(f->state.release.aliases)))
		return f;
	(void)fault_set(why, ERR_FN_NOT_FOUND,
		"no function \"%s\" is deployed; `mpcloud fn list` lists them",
		name);
	return NULL;
}

static int
check_there(struct supervisor *s, const char *name, unsigned version,
	struct fault *why)
{
	if (registry_has(&s->registry, name, version))
		return 0;
	return fault_set(why, ERR_FN_NOT_FOUND,
		"there is no version %u of %s; `mpcloud fn versions %s` lists "
		"them",
		version, name, name);
}

static void
mark_stale(struct function *f, unsigned version)
{
	list_for_each (at, &f->hosts) {
		struct host *h = container_of(at, struct host, of);

		if (!version || host_version(h) == version)
			h->stale = true;
	}
}

/* A live version that does not run now is tried afresh: what is to answer must
 * be seen to load. */
static void
mark_failing(struct function *f, unsigned version)
{
	struct host *h = hosts_of(f, HOST_LIVE, version);

	if (h && h->child.state != CHILD_READY)
		h->stale = true;
}

static void
change(struct supervisor *s, struct deploy *d, struct function *f,
	struct registry_state *next, unsigned version)
{
	struct fault why = {0};
	int r;

	d->version = version;
	r = deploy_change(s, f, next, d, &why);
	if (r < 0)
		fail(s, d, r, &why);
}

/* --- commands --- */

/* What is wrong with a version's files is told before anything else, and its
 * entry is kept. */
static int
check_package(struct supervisor *s, const char *name, unsigned version,
	const json_t *entry, struct fault *why)
{
	struct registry_presets presets = deploy_presets(s);
	struct fn_settings settings;
	int r = registry_package(
		&s->registry, name, version, entry, &presets, &settings, why);

	if (r < 0) {
		registry_blame(&s->registry, name, version, why->text);
		return r;
	}
	fn_settings_done(&settings);
	return 0;
}

void
deploy_start(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *entry, const json_t *trial)
{
	struct registry_state next = {0};
	struct fault why = {0};
	struct function *f;
	int r = check_package(s, name, version, entry, &why);

	if (r < 0) {
		fail(s, d, r, &why);
		return;
	}
	f = hosts_get(s, name);
	registry_state_copy(&next, &f->state);
	json_decref(next.trouble);
	next.trouble = NULL;
	if (trial && next.release.stable)
		r = set_gray(&next, version, trial, &why);
	else
		set_stable(&next, version);
	if (r < 0) {
		registry_state_done(&next);
		loop_defer(&s->loop, &s->hosts.pump); /* may be a new one */
		fail(s, d, r, &why);
		return;
	}
	if (!f->changing)
		mark_stale(f, version);
	change(s, d, f, &next, version);
}

bool
deploy_is_same(struct supervisor *s, const char *name, unsigned version,
	const json_t *entry)
{
	const struct function *f = hosts_find(s, name);
	const struct host *h = f ? hosts_of(f, HOST_LIVE, version) : NULL;
	const struct fn_release *r = f ? &f->state.release : NULL;

	return h && h->child.state == CHILD_READY && !h->stale &&
	       !f->changing && r->stable == version && !r->gray &&
	       registry_entry_is(&s->registry, name, version, entry);
}

void
deploy_again(struct supervisor *s, struct deploy *d, const char *name)
{
	struct registry_state next;
	struct fault why = {0};
	struct function *f = deployed(s, name, &why);

	if (!f) {
		fail(s, d, why.code, &why);
		return;
	}
	registry_state_copy(&next, &f->state);
	if (!f->changing)
		mark_stale(f, 0);
	change(s, d, f, &next, next.release.stable);
}

/* The latest of those that were stable before and are still there; where that
 * was not written down, the next older one that loads. */
static unsigned
version_before(struct supervisor *s, const struct function *f)
{
	const json_t *previous = f->state.previous;
	unsigned stable = f->state.release.stable, found = 0;
	_json_ json_t *all = NULL;
	json_t *v;
	size_t i;

	for (i = json_array_size(previous); i > 0; i--) {
		unsigned version = (unsigned)json_integer_value(
			json_array_get(previous, i - 1));

		if (version != stable &&
			registry_has(&s->registry, f->name, version))
			return version;
	}
	if (registry_versions(&s->registry, f->name, &all, NULL) < 0)
		return 0;
	json_array_foreach (all, i, v) {
		unsigned version = (unsigned)json_integer_value(v);
		_free_ char *bad = NULL;

		if (version >= stable)
			break;
		bad = registry_blamed(&s->registry, f->name, version);
		if (!bad)
			found = version;
	}
	return found;
}

/* Going back leaves out what was gone back from: the next rollback goes
 * further. */
static void
cut_previous(struct registry_state *to, unsigned version)
{
	for (size_t i = json_array_size(to->previous); i > 0; i--)
		if (json_integer_value(json_array_get(to->previous, i - 1)) ==
			version) {
			while (json_array_size(to->previous) >= i)
				(void)json_array_remove(to->previous,
					json_array_size(to->previous) - 1);
			to->release.stable = 0; /* nothing to remember */
			return;
		}
	if (version < to->release.stable)
		to->release.stable = 0;
}

static int
choose_rollback(struct supervisor *s, const struct function *f,
	unsigned *version, struct fault *why)
{
	if (!*version)
		*version = version_before(s, f);
	if (!*version)
		return fault_set(why, ERR_FN_NOT_FOUND,
			"there is no version of %s before %u", f->name,
			f->state.release.stable);
	if (*version == f->state.release.stable)
		return fault_set(why, ERR_CONFLICT,
			"version %u of %s answers already", *version, f->name);
	return check_there(s, f->name, *version, why);
}

void
deploy_rollback(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version)
{
	struct registry_state next;
	struct fault why = {0};
	struct function *f = deployed(s, name, &why);
	int r = f ? choose_rollback(s, f, &version, &why) : why.code;

	if (r < 0) {
		fail(s, d, r, &why);
		return;
	}
	registry_state_copy(&next, &f->state);
	cut_previous(&next, version);
	set_stable(&next, version);
	if (!f->changing)
		mark_failing(f, version);
	change(s, d, f, &next, version);
}

static int
end_gray(struct registry_state *next, struct fault *why)
{
	if (!next->release.gray)
		return fault_set(why, ERR_PARAM, "%s has no gray version",
			next->release.name);
	deploy_drop_gray(&next->release);
	return 0;
}

static int
begin_gray(struct supervisor *s, struct function *f,
	struct registry_state *next, unsigned version, const json_t *trial,
	struct fault *why)
{
	int r = check_there(s, f->name, version, why);

	if (r == 0)
		r = set_gray(next, version, trial, why);
	if (r < 0)
		return r;
	json_decref(next->trouble);
	next->trouble = NULL;
	if (!f->changing)
		mark_failing(f, version);
	return 0;
}

void
deploy_gray(struct supervisor *s, struct deploy *d, const char *name,
	unsigned version, const json_t *trial)
{
	struct registry_state next = {0};
	struct fault why = {0};
	struct function *f = deployed(s, name, &why);
	int r = f ? 0 : why.code;

	if (f) {
		registry_state_copy(&next, &f->state);
		r = version ? begin_gray(s, f, &next, version, trial, &why)
			    : end_gray(&next, &why);
	}
	if (r < 0) {
		registry_state_done(&next);
		fail(s, d, r, &why);
		return;
	}
	change(s, d, f, &next, version ? version : next.release.stable);
}

void
deploy_promote(struct supervisor *s, struct deploy *d, const char *name)
{
	struct registry_state next;
	struct fault why = {0};
	struct function *f = deployed(s, name, &why);
	unsigned version;

	if (f && !f->state.release.gray)
		(void)fault_set(&why, ERR_PARAM,
			"%s has no gray version: nothing is to be promoted; "
			"`mpcloud fn gray` or `mpcloud deploy --gray` begin a "
			"trial",
			name);
	if (why.code < 0) {
		fail(s, d, why.code, &why);
		return;
	}
	registry_state_copy(&next, &f->state);
	version = next.release.gray;
	set_stable(&next, version);
	if (!f->changing)
		mark_failing(f, version);
	change(s, d, f, &next, version);
}

static int
set_alias(struct supervisor *s, struct registry_state *next, const char *alias,
	unsigned version, struct fault *why)
{
	_json_ json_t *v = release_build(&next->release);
	json_t *aliases = json_object_get(v, "aliases");
	int r = version ? check_there(s, next->release.name, version, why) : 0;

	if (r < 0)
		return r;
	if (version)
		(void)json_object_set_new(
			aliases, alias, json_integer(version));
	else if (json_object_del(aliases, alias) < 0)
		return fault_set(why, ERR_PARAM, "%s has no alias \"%.60s\"",
			next->release.name, alias);
	return put_release(next, v, why);
}

void
deploy_alias(struct supervisor *s, struct deploy *d, const char *name,
	const char *alias, unsigned version)
{
	struct registry_state next = {0};
	struct fault why = {0};
	struct function *f = deployed(s, name, &why);
	int r = f ? 0 : why.code;

	if (f) {
		registry_state_copy(&next, &f->state);
		r = set_alias(s, &next, alias, version, &why);
	}
	if (r < 0) {
		registry_state_done(&next);
		fail(s, d, r, &why);
		return;
	}
	if (!f->changing && version)
		mark_failing(f, version);
	change(s, d, f, &next, version ? version : next.release.stable);
}

/* --- what happens by itself, and the end --- */

static json_t *
trouble_of(unsigned version, struct slice text)
{
	json_t *v = json_object();
	_free_ char *why = str_ndup(text.ptr, text.len);

	(void)json_object_set_new(v, "version", json_integer(version));
	(void)json_object_set_new(v, "why", words_json(why));
	(void)json_object_set_new(
		v, "at", json_integer(clock_now() / CLOCK_MS));
	return v;
}

static void
take_back(struct supervisor *s, struct function *f, unsigned version,
	struct slice text)
{
	struct registry_state next;
	struct fault why = {0};

	registry_state_copy(&next, &f->state);
	deploy_drop_gray(&next.release);
	json_decref(next.trouble);
	next.trouble = trouble_of(version, text);
	if (f->changing && f->next.release.gray == version) {
		deploy_drop_gray(&f->next.release);
		json_decref(f->next.trouble);
		f->next.trouble = json_incref(next.trouble);
	}
	if (deploy_take_up(s, f, &next, &why) == 0)
		return;
	/* It answers no more calls all the same; only a restart of the daemon
	 * would bring it back. */
	event(EVENT_FN_BAD, "function", f->name, "why", why.text, NULL);
	registry_state_done(&next);
	deploy_drop_gray(&f->state.release);
	gateways_release(s, &f->state.release);
}

void
deploy_on_trouble(struct supervisor *s, struct slice name, unsigned version,
	struct slice text)
{
	_free_ char *its = str_ndup(name.ptr, name.len);
	_free_ char *why = str_ndup(text.ptr, text.len);
	struct function *f = hosts_find(s, its);

	/* Every gateway has a guard; the first one is enough. */
	if (!f || !version || f->state.release.gray != version)
		return;
	event(EVENT_FN_TAKEN_BACK, "function", f->name, "version",
		EVENT_INT(version), "why", why, NULL);
	take_back(s, f, version, text);
}

int
deploy_undo(struct supervisor *s, const char *name, struct fault *why)
{
	struct function *f = hosts_find(s, name);
	int r;

	if (!f || (list_empty(&f->hosts) && !f->error[0]))
		return fault_set(why, ERR_FN_NOT_FOUND,
			"no function \"%s\" is deployed; `mpcloud fn list` "
			"lists them",
			name);
	if (f->changing)
		return fault_set(why, ERR_BUSY,
			"%s is being changed just now: try again when that has "
			"come to its end",
			name);
	r = registry_forget(&s->registry, name, why);
	if (r < 0)
		return r;
	gateways_forget(s, name);
	registry_state_done(&f->state);
	memcpy(f->state.release.name, f->name, sizeof(f->name));
	f->error[0] = '\0';
	deploy_let_go(s, f);
	hosts_put(f);
	return 0;
}
