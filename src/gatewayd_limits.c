/*
 * Limits of a gateway: Valkey, load shedding, the places "at once" that a
 * gateway of our number left behind when it was killed; and API keys.
 */
#include "src/gatewayd.h"

#include "auth/api_key.h"
#include "base/mem.h"
#include "base/valkey.h"
#include "gateway/guard.h"

static int
setup_valkey(struct gatewayd *d, struct fault *why)
{
	const struct conf *conf = d->conf->conf;
	_free_ char *prefix = str_printf("mpcloud:%.24s:", conf->server_env);
	const struct valkey_conf valkey = {
		.url = conf->limits_valkey,
		.password = d->conf->valkey_password,
		.prefix = prefix,
		.timeout_ms = (uint64_t)conf->limits_valkey_timeout,
	};
	int e;

	if (!*conf->limits_valkey)
		return 0;
	e = valkey_new(&d->gateway.valkey, &d->loop, &valkey, why);
	return e < 0 ? fault_prefix(why, e, "limits.valkey: ") : 0;
}

int
gatewayd_limits_setup(struct gatewayd *d, struct fault *why)
{
	shm_places_start(d->shm, d->index);
	d->gateway.guard = guard_new(&d->gateway);
	return setup_valkey(d, why);
}

void
gatewayd_limits_keys(struct gatewayd *d)
{
	const struct family_home home = {
		.loop = &d->loop,
		.pool = d->pool,
		.shm = d->shm,
	};

	d->gateway.api_keys = api_keys_new(&home, d->seal);
}

void
gatewayd_limits_configure(struct gatewayd *d)
{
	guard_configure(d->gateway.guard);
}

void
gatewayd_limits_done(struct gatewayd *d)
{
	d->gateway.guard = guard_free(d->gateway.guard);
	d->gateway.valkey = valkey_free(d->gateway.valkey);
	d->gateway.api_keys = api_keys_free(d->gateway.api_keys);
}
