/*
 * The watch engine, or the way to it.  Gateway 0 has the engine and, from the
 * supervisor, the socket by which the others come: who waits there while it is
 * started again is not lost.
 */
#include "base/mem.h"
#include "src/gatewayd.h"
#include "watch/watch_relay.h"

#include <unistd.h>

static struct watches_conf
engine_of(const struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;

	return (struct watches_conf){
		.url = conf->database_url,
		.env = conf->server_env,
		.docs = &d->gateway.docs,
		.queries_top = (size_t)conf->watch_queries,
		.memory_top = (size_t)conf->watch_memory,
		.linger_ms = (uint64_t)conf->watch_linger,
	};
}

int
gatewayd_watch_setup(struct gatewayd *d, struct fault *why)
{
	_free_ char *path =
		str_printf("%s/watch.sock", d->conf->conf->server_run_dir);
	const struct watch_relay_conf relay = {
		.index = d->index,
		.fd = d->watch_fd,
		.path = path,
		.holder = getppid(),
		.secret = shm_secret(d->shm),
		.engine = engine_of(d),
	};

	return watch_relay_new(&d->gateway.watch, &d->loop, &relay, why);
}

void
gatewayd_watch_take_up(struct gatewayd *d)
{
	const struct watches_conf engine = engine_of(d);

	watch_relay_configure(d->gateway.watch, &engine);
}

void
gatewayd_watch_done(struct gatewayd *d)
{
	d->gateway.watch = watch_relay_free(d->gateway.watch);
}
