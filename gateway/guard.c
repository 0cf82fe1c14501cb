/*
 * Shedding and breakers, as requests meet them.
 *
 * Nothing is looked at while the loop keeps up and no breaker is declared: a
 * byte and a pointer are read.  When it does not keep up, what can be refused
 * from the head alone (a stranger's read) is refused there; who is logged in is
 * weighed when it is known who he is, because who has just ordered goes first.
 */
#include "gateway/guard.h"

#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "gateway/request.h"
#include "routes/breaker.h"
#include "routes/declared.h"
#include "routes/shed.h"
#include "routes/upstream.h"

#include <string.h>

struct guard {
	struct gateway *gateway;
	struct shed shed;
	struct breakers *breakers;
	struct breaker_rule functions; /* of those at no declared route */
	int64_t paying_ns;
	bool told;
};

/* Of one request that a breaker let in. */
struct guarded {
	struct breaker_rule rule;
	const char *name;
	char kind;
};

static const char *const high_paths[] = {"/v1/pay/", "/v1/wechat/"};

static void
tell(struct guard *guard)
{
	unsigned level = guard->shed.level;

	if (level && !guard->told)
		event(EVENT_SHED, "level", EVENT_INT(level), "ms",
			EVENT_INT(guard->shed.least_ns / CLOCK_MS), NULL);
	else if (!level && guard->told)
		event(EVENT_SHED_OVER, NULL);
	guard->told = level > 0;
}

static unsigned
under_way(const struct gateway *g)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->listener_count; i++)
		if (g->listeners[i].kind & LISTENER_OPEN &&
			g->listeners[i].http)
			n += http_busy(g->listeners[i].http);
	return n;
}

static void
on_turn(void *owner, int64_t busy_ns)
{
	struct guard *guard = owner;

	shed_turn(&guard->shed, clock_mono(), busy_ns,
		guard->shed.under_way ? under_way(guard->gateway) : 0);
	tell(guard);
}

struct guard *
guard_new(struct gateway *g)
{
	struct guard *guard = mem_new(struct guard);

	guard->gateway = g;
	guard->breakers = breakers_new();
	return guard;
}

struct guard *
guard_free(struct guard *guard)
{
	if (!guard)
		return NULL;
	loop_measure(guard->gateway->loop, NULL, NULL);
	guard->breakers = breakers_free(guard->breakers);
	return mem_free(guard);
}

void
guard_configure(struct guard *guard)
{
	const struct conf *conf = guard->gateway->conf;
	bool on = conf->limits_shed_delay || conf->limits_shed_requests;

	guard->shed.target_ns = conf->limits_shed_delay * CLOCK_MS;
	guard->shed.under_way = (unsigned)conf->limits_shed_requests;
	guard->paying_ns = conf->limits_paying * CLOCK_MS;
	guard->functions = breaker_preset(false);
	guard->functions.errors = (unsigned)conf->limits_breaker;
	if (!on)
		guard->shed.level = 0;
	loop_measure(guard->gateway->loop, on ? on_turn : NULL, guard);
}

static bool
is_high(const struct request *r)
{
	const char *path = exchange_path(r->x);

	if (!(r->on->kind & LISTENER_OPEN) || r->route->know == KNOW_PROBE)
		return true;
	for (size_t i = 0; i < array_size(high_paths); i++)
		if (strncmp(path, high_paths[i], strlen(high_paths[i])) == 0)
			return true;
	return false;
}

static bool
is_read(const struct request *r)
{
	const char *method = exchange_method(r->x);

	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static enum shed_priority
priority_of(const struct request *r)
{
	if (r->declared && r->declared->priority != SHED_UNSAID)
		return r->declared->priority;
	if (is_high(r))
		return SHED_HIGH;
	if (is_read(r) && !exchange_header(r->x, "Authorization").len)
		return SHED_LOW;
	return SHED_NORMAL;
}

static int
refuse(struct request *r)
{
	r->gateway->count->shed++;
	return ERR_SHED;
}

int
guard_head(struct request *r)
{
	struct guard *guard = r->gateway->guard;

	if (!guard || !guard->shed.level || priority_of(r) != SHED_LOW)
		return 0;
	return shed_allows(&guard->shed, SHED_LOW) ? 0 : refuse(r);
}

static bool
is_paying(const struct guard *guard, const struct request *r)
{
	const char *uid = r->caller.uid;
	int64_t at;

	if (!uid || !*uid || !guard->paying_ns)
		return false;
	at = shm_last_paid(guard->gateway->shm, slice_str(uid));
	return at && clock_mono() - at < guard->paying_ns;
}

int
guard_caller(struct request *r)
{
	struct guard *guard = r->gateway->guard;

	if (!guard || guard->shed.level <= SHED_STEPS ||
		priority_of(r) != SHED_NORMAL || is_paying(guard, r))
		return 0;
	return shed_allows(&guard->shed, SHED_NORMAL) ? 0 : refuse(r);
}

void
guard_paying(struct gateway *g, const struct caller *caller)
{
	if (g->guard && caller->uid && *caller->uid)
		shm_paid(g->shm, slice_str(caller->uid), clock_mono());
}

/* What would answer, and the rule that holds for it; false: none does. */
static bool
rule_of(const struct guard *guard, const struct request *r, struct guarded *ret)
{
	const struct declared_route *d = r->declared;

	*ret = (struct guarded){.kind = 'f'};
	if (d) {
		if (!d->breaker.errors)
			return false;
		ret->rule = d->breaker;
		ret->kind = d->target == DECLARED_UPSTREAM ? 'u' : 'f';
		/* Routes to one program learn from each other. */
		if (d->target == DECLARED_UPSTREAM)
			ret->name = upstream_name(d->upstream);
		else
			ret->name = d->target == DECLARED_FUNCTION ? d->function
								   : d->name;
		return true;
	}
	if (!guard->functions.errors ||
		strcmp(r->route->path, "/v1/functions/{name}") != 0)
		return false;
	ret->rule = guard->functions;
	return true;
}

int
guard_act(struct request *r)
{
	struct guard *guard = r->gateway->guard;
	struct guarded g, *keep;
	struct breaker *b;

	if (!guard || r->guarded || !rule_of(guard, r, &g))
		return 0;
	keep = arena_new(request_arena(r), struct guarded);
	*keep = g;
	/* The table may be replaced before it ends. */
	keep->name = arena_str(
		request_arena(r), g.name ? slice_str(g.name) : r->param);
	b = breaker_find(guard->breakers, keep->kind, keep->name);
	if (b) {
		int e = breaker_ask(b, &keep->rule, clock_mono(), &r->retry_ms);

		if (e < 0) {
			r->gateway->count->circuit++;
			return e;
		}
	}
	r->guarded = keep;
	return 0;
}

/* A breaker is made when there is reason to: else anybody could make them, by
 * names that no function has. */
void
guard_end(struct request *r, int status)
{
	struct guard *guard = r->gateway->guard;
	const struct guarded *g = r->guarded;
	enum breaker_end end;
	struct breaker *b;

	if (!g || !guard)
		return;
	end = breaker_end_of(r->err, status, g->kind == 'u');
	b = end == BREAKER_ERROR
		    ? breaker_of(guard->breakers, g->kind, g->name)
		    : breaker_find(guard->breakers, g->kind, g->name);
	if (b)
		breaker_tell(b, &g->rule, clock_mono(), end);
}

unsigned
guard_level(const struct guard *guard)
{
	return guard->shed.level;
}

struct breakers *
guard_breakers(struct guard *guard)
{
	return guard->breakers;
}
