/*
 * Certificates, time limits and proxies in front: what listeners have of the
 * configuration and take up anew at a reload.
 */
#include "src/gatewayd.h"

#include "base/sock.h"

#include <string.h>

enum { ADDRESS_TOP = 128 };

/* "127.0.0.1:0" names whatever port the kernel chose. */
static bool
address_fits(struct slice said, const char *name)
{
	size_t host;

	if (slice_is(said, name))
		return true;
	if (said.len < 2 || memcmp(said.ptr + said.len - 2, ":0", 2) != 0)
		return false;
	host = said.len - 1;
	return strncmp(name, said.ptr, host) == 0 && !strchr(name + host, ':');
}

bool
gatewayd_is_proxied(const struct conf *conf, int fd)
{
	struct slice rest = slice_str(conf->server_proxy_protocol), one;
	char name[ADDRESS_TOP];

	if (sock_name(fd, name, sizeof(name)) < 0)
		return false;
	while (slice_split(&rest, ' ', &one))
		if (slice_trim(one).len && address_fits(slice_trim(one), name))
			return true;
	return false;
}

int
gatewayd_tls_take_up(
	struct gatewayd *d, const struct gatewayd_conf *c, struct fault *why)
{
	struct gateway *g = &d->gateway;

	for (size_t i = 0; i < g->listener_count; i++) {
		struct listener *l = &g->listeners[i];
		int e;

		if (l->kind != LISTENER_TLS || !l->http)
			continue;
		if (!c->cert_count)
			return fault_set(why, ERR_CONFIG,
				"server.tls_certificate: is needed while "
				"server.listen_tls is served");
		e = http_set_certificates(
			l->http, c->certs, c->cert_count, why);
		if (e < 0)
			return e;
	}
	return 0;
}

void
gatewayd_limits_take_up(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;

	d->gateway.trust = d->conf->trust;
	for (size_t i = 0; i < d->gateway.listener_count; i++)
		if (d->gateway.listeners[i].http)
			http_set_limits(d->gateway.listeners[i].http,
				(uint64_t)conf->limits_head_timeout,
				(uint64_t)conf->limits_body_timeout);
}
