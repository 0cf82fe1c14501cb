/*
 * Making the parts of a gateway, changing them at a reload, taking them down.
 *
 * A reload first does everything that can fail and changes nothing, then
 * everything that cannot fail; what does both (the listeners' certificates) is
 * undone when it refuses.
 */
#include "src/gatewayd.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/sock.h"
#include "gateway/alert.h"
#include "gateway/alert_view.h"
#include "gateway/call.h"
#include "gateway/file_door.h"
#include "gateway/forward.h"
#include "gateway/known.h"
#include "gateway/lane.h"
#include "gateway/request.h"
#include "gateway/sockets.h"
#include "gateway/watch_session.h"
#include "routes/declared.h"
#include "storage/files.h"
#include "trigger/queue.h"
#include "wechat/access_token.h"

#include <stdio.h>
#include <string.h>

/* How long strings of an older configuration may be in use: longer than any
 * deadline. */
static const int64_t KEEP_NS = 30 * 60 * CLOCK_S;

/* What one request may hold: its body, what the database or a function gave,
 * and the answer put together from it. */
static size_t
arena_top(const struct conf *conf, enum listener_kind kind)
{
	int64_t in = max(conf->limits_body, conf->functions_event_size);
	int64_t out = conf->functions_result_size;

	if (kind & LISTENER_OPEN)
		return (size_t)(in + 4 * out) + (8 << 20);
	return (size_t)(in + 8 * out) + (64 << 20);
}

static int
listen_one(struct gatewayd *d, struct listener *l, struct fault *why)
{
	const struct conf *conf = d->conf->conf;
	bool is_tls = l->kind == LISTENER_TLS;
	struct http_conf http = {
		.fd = l->fd,
		.is_unix = !(l->kind & (LISTENER_OPEN | LISTENER_METRICS)),
		.tls_cert = is_tls ? d->conf->tls_cert : NULL,
		.tls_key = is_tls ? d->conf->tls_key : NULL,
		.ticket_secret = shm_secret(d->shm),
		.proxy_protocol = l->kind & LISTENER_OPEN &&
				  gatewayd_is_proxied(conf, l->fd),
		.connections = (unsigned)conf->limits_connections,
		.connection_memory = (size_t)conf->limits_connection_memory,
		.idle_ms = (uint64_t)conf->limits_idle_timeout,
		.head_ms = (uint64_t)conf->limits_head_timeout,
		.body_ms = (uint64_t)conf->limits_body_timeout,
		.arena_top = arena_top(conf, l->kind),
		.memory_top = (size_t)conf->limits_memory,
	};

	if (is_tls && !http.tls_cert)
		return fault_set(why, ERR_CONFIG,
			"server.listen_tls needs server.tls_certificate and "
			"server.tls_key");
	request_ops(&l->ops, l);
	return http_new(&l->http, &d->loop, &http, &l->ops, why);
}

int
gatewayd_listen(struct gatewayd *d, struct fault *why)
{
	struct gateway *g = &d->gateway;

	for (size_t i = 0; i < g->listener_count; i++) {
		int e = listen_one(d, &g->listeners[i], why);

		if (e < 0)
			return e;
	}
	return gatewayd_tls_take_up(d, d->conf, why);
}

static void
on_line(struct crews *crews, const struct crew_line *line)
{
	static const char *const kinds[] = {[LINE_START] = "START",
		[LINE_INIT] = "INIT",
		[LINE_END] = "END",
		[LINE_REPORT] = "REPORT",
		[LINE_STATE] = "STATE"};
	struct gateway *g = crews_owner(crews);

	function_log_write(
		g->log, &(struct function_line){.function = line->function,
				.request_id = line->request_id,
				.version = line->version,
				.level = line->level,
				.kind = kinds[line->kind],
				.text = line->text});
}

static void
on_trouble(struct crews *crews, const char *function, unsigned version,
	const char *why)
{
	struct gateway *g = crews_owner(crews);

	gatewayd_trouble(container_of(g, struct gatewayd, gateway), function,
		version, why);
}

/* The path of our own cloud socket, "" when we have none. */
static void
cloud_path(const struct gateway *g, char *ret, size_t size)
{
	ret[0] = '\0';
	for (size_t i = 0; i < g->listener_count; i++)
		if (g->listeners[i].kind == LISTENER_CLOUD &&
			sock_name(g->listeners[i].fd, ret, size) < 0)
			ret[0] = '\0';
}

/* Its name in the functions' cloud folder. */
static void
cloud_name(const struct gateway *g, char *ret, size_t size)
{
	const char *slash;

	cloud_path(g, ret, size);
	slash = strrchr(ret, '/');
	if (slash)
		memmove(ret, slash + 1, strlen(slash));
}

/* A call there may wait for the database as long as one here. */
static void
setup_forward(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;
	char path[128];
	const struct forward_conf forward = {
		.socket = path,
		.index = d->index,
		.timeout_ms = (uint64_t)conf->database_timeout * 2 + 10000,
		.answer_top = arena_top(conf, LISTENER_CLOUD),
	};

	cloud_path(&d->gateway, path, sizeof(path));
	d->gateway.forward = forward_new(d->fetcher, d->shm, &forward);
}

static int
setup_crews(struct gatewayd *d)
{
	const struct conf *conf = d->conf->conf;
	_cleanup_(arena_done) struct arena arena;
	char socket[128];
	struct crews_conf crews = {
		.event_top = (size_t)conf->functions_event_size,
		.result_top = (size_t)conf->functions_result_size,
		.env = conf->server_env,
		.appid = conf->wechat_appid,
		.cloud_socket = socket,
		.report_rate = (unsigned)conf->functions_report_rate,
	};
	const struct crews_ops ops = {
		.on_call = call_from_worker,
		.on_line = on_line,
		.on_trouble = on_trouble,
		.owner = &d->gateway,
	};

	arena_init(&arena, 65536);
	d->gateway.conf = conf;
	crews.files_host = file_host(&d->gateway, &arena);
	cloud_name(&d->gateway, socket, sizeof(socket));
	return crews_new(&d->crews, &d->loop, &crews, &ops);
}

/* Functions have to hear of it. */
static void
on_pay_applied(void *owner)
{
	struct gatewayd *d = owner;

	queue_wake(d->gateway.queue);
}

static struct poll_conf
poll_conf_of(const struct gatewayd *d)
{
	return (struct poll_conf){
		.rate = (unsigned)d->conf->conf->pay_poll_rate,
		.count = &d->gateway.count->polls,
	};
}

static void
take_up_pay(struct gatewayd *d)
{
	const struct poll_conf poll = poll_conf_of(d);

	pay_set(d->pay, &(struct pay_more){
				.env = d->conf->conf->server_env,
				.order_life_ms = d->conf->conf->pay_order_life,
				.applied = on_pay_applied,
				.owner = d,
			});
	poll_configure(d->poll, &poll);
	daily_configure(d->daily, d->conf->conf->pay_reconcile);
}

/* Of all certificates the one that ends first; one that says nothing of its end
 * is not watched. */
static void
watch_certificates(struct alerts *alerts, const struct gatewayd_conf *c)
{
	char whose[ALERT_WHOSE] = "";
	int64_t until = INT64_MAX;

	for (size_t i = 0; i < c->cert_count; i++) {
		const struct http_cert *one = &c->certs[i];
		struct cert_facts facts;

		if (cert_read(&facts, slice_str(one->cert), NULL) < 0 ||
			facts.to_ms >= until)
			continue;
		until = facts.to_ms;
		(void)snprintf(whose, sizeof(whose), "%s%s",
			one->name ? "tls " : "server",
			one->name ? one->name : "");
	}
	alerts_set_certificate(alerts, until, whose);
}

/* What is not a part but follows from the configuration. */
static void
take_up(struct gatewayd *d)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	const struct conf *conf = d->conf->conf;
	struct gateway *g = &d->gateway;

	g->conf = conf;
	gatewayd_limits_take_up(d);
	g->apps = d->conf->apps;
	g->keys = d->conf->keys;
	g->metrics_token = d->conf->metrics_token;
	watch_certificates(d->alerts, d->conf);
	g->merchants = d->conf->merchants;
	gatewayd_docs_take_up(d);
	gatewayd_watch_take_up(d);
	gatewayd_limits_configure(d);
	gatewayd_routes_take_up(d);
	gatewayd_files_take_up(d);
	gatewayd_triggers_take_up(d);
	g->ip_rule =
		gcra_per_minute(conf->limits_ip_rate, conf->limits_ip_burst);
	g->user_rule = gcra_per_minute(
		conf->limits_user_rate, conf->limits_user_burst);
	g->access.on = conf->server_access_log;
	g->pay = gatewayd_conf_pays(d->conf) ? d->pay : NULL;
	take_up_pay(d);
	if (d->log)
		function_log_set_top(d->log, conf->functions_log_size);
	if (d->crews)
		crews_set_report_rate(
			d->crews, (unsigned)conf->functions_report_rate);
	for (size_t i = 0; i < array_size(levels); i++)
		if (strcmp(conf->log_level, levels[i]) == 0)
			event_init(d->who, (enum event_level)i);
}

static int
setup_login(struct gatewayd *d, struct fault *why)
{
	struct auth_conf auth = gatewayd_conf_auth(d->conf);
	struct poll_conf poll;
	int e;

	e = seal_new(&d->seal, slice_str(d->conf->master_key), why);
	if (e < 0)
		return fault_prefix(why, e, "token.master_key_file: ");
	e = auth_new(&d->auth, &d->loop, d->pool, d->fetcher, d->conf->keys,
		d->seal, d->shm, &auth);
	if (e < 0)
		return e;
	d->pay = pay_new(&d->loop, d->pool, d->fetcher, d->conf->merchants);
	poll = poll_conf_of(d);
	d->poll = poll_new(&d->loop, d->pool, d->pay, &poll);
	d->daily = daily_new(&d->loop, d->pool, d->pay);
	d->alerts = alerts_new(&d->gateway);
	return access_tokens_new(
		&d->tokens, &d->loop, d->pool, d->fetcher, d->seal);
}

void
gatewayd_upkeep(struct gatewayd *d, upkeep_fn *first)
{
	const struct conf *conf = d->conf->conf;
	const struct family_home home = {
		.loop = &d->loop,
		.pool = d->pool,
		.shm = d->shm,
		.access_ttl_s = conf->token_access_ttl / 1000,
		.refresh_ttl_s = conf->token_refresh_ttl / 1000,
	};

	d->upkeep = upkeep_new(&home, first, d);
}

int
gatewayd_setup(struct gatewayd *d, struct fault *why)
{
	int e;

	e = function_log_new(&d->log, &d->loop, d->state_dir, why);
	if (e < 0)
		return e;
	e = gatewayd_docs_setup(d, why);
	if (e == 0)
		e = gatewayd_watch_setup(d, why);
	if (e == 0)
		e = gatewayd_limits_setup(d, why);
	if (e < 0)
		return e;
	e = fetcher_new(&d->fetcher, &d->loop);
	if (e < 0)
		return e;
	fetcher_count(d->fetcher, shm_series(d->shm, d->index));
	setup_forward(d);
	e = setup_login(d, why);
	if (e < 0)
		return e;
	gatewayd_limits_keys(d);
	e = setup_crews(d);
	if (e == 0)
		e = gatewayd_files_setup(d, why);
	if (e == 0)
		e = gatewayd_triggers_setup(d, why);
	if (e < 0)
		return e;
	d->gateway.pool = d->pool;
	d->gateway.auth = d->auth;
	d->gateway.seal = d->seal;
	d->gateway.fetcher = d->fetcher;
	d->gateway.tokens = d->tokens;
	d->gateway.known = known_new(d->shm);
	d->gateway.sockets = sockets_new(&d->gateway);
	d->gateway.sessions = watch_sessions_new(&d->gateway);
	d->gateway.crews = d->crews;
	d->gateway.log = d->log;
	take_up(d);
	return gatewayd_routes_setup(d, why);
}

static void
forget_old(struct gatewayd *d)
{
	int64_t now = clock_mono();
	struct gatewayd_conf **at = &d->conf->next;

	while (*at) {
		struct gatewayd_conf *old = *at;

		if (now - old->retired_at < KEEP_NS) {
			at = &old->next;
			continue;
		}
		*at = old->next;
		(void)gatewayd_conf_free(old);
	}
}

int
gatewayd_reload(
	struct gatewayd *d, struct gatewayd_conf *fresh, struct fault *why)
{
	struct declared_table *table = NULL;
	struct gatewayd_conf *old = d->conf;
	struct auth_conf auth;
	struct fault ignored;
	int e;

	e = gatewayd_routes_try(d, fresh, &table, why);
	if (e < 0)
		return e;
	e = gatewayd_tls_take_up(d, fresh, why);
	if (e < 0) {
		(void)declared_unref(table);
		(void)gatewayd_tls_take_up(d, old, &ignored);
		return e;
	}
	if (gatewayd_conf_same(fresh, old)) {
		/* Certificates and routes alone: what work under way holds of
		 * the configuration stays where it is. */
		gatewayd_conf_inherit(old, fresh);
		(void)gatewayd_conf_free(fresh);
		gatewayd_routes_take(d, table);
		take_up(d);
		return 0;
	}
	gatewayd_conf_keep(fresh, old);
	old->retired_at = clock_mono();
	fresh->next = old;
	d->conf = fresh;
	auth = gatewayd_conf_auth(fresh);
	auth_configure(d->auth, fresh->keys, &auth);
	merchants_inherit(fresh->merchants, old->merchants);
	pay_configure(d->pay, fresh->merchants);
	if (d->certs)
		cert_keeper_take_up(d->certs, fresh->merchants);
	known_forget(d->gateway.known);
	gatewayd_routes_take(d, table);
	take_up(d);
	forget_old(d);
	return 0;
}

static void
close_listeners(struct gateway *g)
{
	for (size_t i = 0; i < g->listener_count; i++)
		g->listeners[i].http = http_free(g->listeners[i].http);
}

/* Users before what they use: requests hold jobs of all the others. */
void
gatewayd_take_down(struct gatewayd *d)
{
	d->gateway.sockets = sockets_free(d->gateway.sockets);
	d->gateway.sessions = watch_sessions_free(d->gateway.sessions);
	close_listeners(&d->gateway);
	d->gateway.lane = lane_free(d->gateway.lane);
	d->gateway.known = known_free(d->gateway.known);
	d->gateway.files = files_free(d->gateway.files);
	gatewayd_routes_done(d);
	gatewayd_triggers_done(d);
	d->crews = crews_free(d->crews);
	d->poll = poll_free(d->poll);
	d->daily = daily_free(d->daily);
	d->alerts = alerts_free(d->alerts);
	d->pay = pay_free(d->pay);
	d->certs = cert_keeper_free(d->certs);
	d->upkeep = upkeep_free(d->upkeep);
	d->auth = auth_free(d->auth);
	gatewayd_limits_done(d);
	d->gateway.forward = forward_free(d->gateway.forward);
	d->gateway.tokens = d->tokens = access_tokens_free(d->tokens);
	d->fetcher = fetcher_free(d->fetcher);
	gatewayd_watch_done(d);
	gatewayd_docs_done(d);
	d->seal = seal_free(d->seal);
	d->log = function_log_free(d->log);
	channel_close(&d->control);
	timer_clear(&d->retry);
	timer_clear(&d->beat);
	timer_clear(&d->drain);
	access_done(&d->gateway.access);
	loop_done(&d->loop);
	while (d->conf) {
		struct gatewayd_conf *next = d->conf->next;

		(void)gatewayd_conf_free(d->conf);
		d->conf = next;
	}
	d->migrate_url = mem_free(d->migrate_url);
	d->shm = shm_close(d->shm);
}
