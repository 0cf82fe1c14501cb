/*
 * The queue and the triggers of a gateway.
 *
 * What a function's triggers are follows from the version that its release
 * names as stable: versions come first (GATE_FN_ADD), the release after them.
 * So each version's triggers are kept here until a release names it no more.
 */
#include "trigger/triggers.h"

#include "base/clock.h"
#include "base/mem.h"
#include "routes/http_paths.h"
#include "src/gatewayd.h"
#include "trigger/queue.h"
#include "trigger/timer.h"

#include <stdio.h>
#include <unistd.h>

static const int64_t GIVE_BACK_NS = 1000 * CLOCK_MS;

struct version {
	struct list on; /* gatewayd->versions */
	char name[64];
	unsigned version, retries;
	json_t *triggers;
};

static struct version *
version_free(struct version *v)
{
	if (!v)
		return NULL;
	list_del(&v->on);
	json_decref(v->triggers);
	return mem_free(v);
}

static struct version *
find(struct gatewayd *d, const char *name, unsigned version)
{
	list_for_each (at, &d->versions) {
		struct version *v = container_of(at, struct version, on);

		if (v->version == version && strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

static struct queue_conf
conf_of(const struct gatewayd *d, const char *node)
{
	const struct conf *conf = d->conf->conf;

	return (struct queue_conf){
		.pool = d->pool,
		.crews = d->crews,
		.env = conf->server_env,
		.node = node,
		.gateway = d->index,
		.url = conf->database_url,
		.running_top = (unsigned)conf->functions_queue_running,
		.each_top = (unsigned)conf->functions_queue_each,
		.depth_top = (unsigned)conf->functions_trigger_depth,
		.poll_ms = (uint64_t)conf->functions_queue_poll,
		.lease_ms = (uint64_t)conf->functions_queue_lease,
		.missing_ms = conf->functions_queue_missing,
		.keep_ms = conf->functions_queue_keep,
		.dead_keep_ms = conf->functions_queue_dead_keep,
		.marks = shm_files(d->shm),
	};
}

/* Timers are read from there. */
static void
on_changed(void *owner)
{
	struct gatewayd *d = owner;

	if (d->timers)
		timers_kick(d->timers);
}

int
gatewayd_triggers_setup(struct gatewayd *d, struct fault *why)
{
	char node[256] = "";
	struct queue_conf conf;

	if (gethostname(node, sizeof(node) - 1) < 0)
		(void)snprintf(node, sizeof(node), "node");
	list_init(&d->versions);
	d->gateway.paths = http_paths_new();
	d->triggers =
		triggers_new(d->pool, d->conf->conf->server_env, on_changed, d);
	conf = conf_of(d, node);
	return queue_new(&d->gateway.queue, &d->loop, &conf, why);
}

static void
timers_begin(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;
	const struct timers_conf timers = {
		.pool = d->pool,
		.queue = d->gateway.queue,
		.env = conf->server_env,
		.check_ms = (uint64_t)conf->functions_timer_check,
		.grace_ms = conf->functions_timer_grace,
	};

	d->timers = timers_new(&timers);
}

void
gatewayd_triggers_start(struct gatewayd *d)
{
	timers_begin(d);
	triggers_start(d->triggers);
	queue_start(d->gateway.queue);
}

void
gatewayd_triggers_take_up(struct gatewayd *d)
{
	struct queue_conf conf;

	if (!d->gateway.queue)
		return;
	conf = conf_of(d, "");
	queue_configure(d->gateway.queue, &conf);
}

void
gatewayd_triggers_added(struct gatewayd *d, const struct fn_settings *s)
{
	struct version *v = mem_new(struct version);

	(void)version_free(find(d, s->name, s->version));
	(void)snprintf(v->name, sizeof(v->name), "%s", s->name);
	v->version = s->version;
	v->retries = s->retries;
	v->triggers = s->triggers ? json_deep_copy(s->triggers) : NULL;
	list_add(&d->versions, &v->on);
	if (!queue_has(d->gateway.queue, s->name))
		queue_know(d->gateway.queue, s->name, s->retries);
}

/* Those of this function that the release does not name; all of them without
 * one. */
static void
prune(struct gatewayd *d, const char *name, const struct fn_release *release)
{
	struct version *gone;

	do {
		gone = NULL;
		list_for_each (at, &d->versions) {
			struct version *v =
				container_of(at, struct version, on);

			if (strcmp(v->name, name) == 0 &&
				(!release ||
					!release_names(release, v->version)))
				gone = v;
		}
		(void)version_free(gone);
	} while (gone);
}

/* Documents that are written and users that log in set off a function. */
static bool
is_heard(const struct version *v)
{
	const json_t *one;
	size_t i;

	json_array_foreach (v->triggers, i, one) {
		const char *type =
			json_string_value(json_object_get(one, "type"));

		if (type &&
			(!strcmp(type, "document") || !strcmp(type, "login")))
			return true;
	}
	return false;
}

static void
hear(struct gatewayd *d)
{
	bool hears = false;

	list_for_each (at, &d->versions)
		hears |= is_heard(container_of(at, struct version, on));
	queue_set_hears(d->gateway.queue, hears);
}

void
gatewayd_triggers_released(struct gatewayd *d, const struct fn_release *release)
{
	const struct version *stable = find(d, release->name, release->stable);

	if (stable) {
		queue_know(d->gateway.queue, stable->name, stable->retries);
		triggers_put(d->triggers, stable->name, stable->triggers);
		http_paths_set(
			d->gateway.paths, stable->name, stable->triggers);
	}
	prune(d, release->name, release);
	hear(d);
}

void
gatewayd_triggers_deleted(struct gatewayd *d, const char *name)
{
	queue_forget(d->gateway.queue, name);
	triggers_put(d->triggers, name, NULL);
	http_paths_set(d->gateway.paths, name, NULL);
	prune(d, name, NULL);
	hear(d);
}

bool
gatewayd_triggers_drain(struct gatewayd *d)
{
	if (!d->gateway.queue)
		return true;
	if (clock_mono() >= d->drain_until - GIVE_BACK_NS)
		queue_give_back(d->gateway.queue);
	return queue_drain(d->gateway.queue);
}

void
gatewayd_triggers_done(struct gatewayd *d)
{
	d->timers = timers_free(d->timers);
	d->gateway.queue = queue_free(d->gateway.queue);
	d->triggers = triggers_free(d->triggers);
	d->gateway.paths = http_paths_free(d->gateway.paths);
	while (d->versions.next && !list_empty(&d->versions))
		(void)version_free(
			list_first(&d->versions, struct version, on));
}
