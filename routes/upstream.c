/*
 * Which servers there are, and which one is asked next.
 *
 * A server that fails some times in a row is left alone for a while; when all
 * are, the one that has rested longest is tried, because an error is certain
 * otherwise.  One whose health check fails gets nothing before a check passes.
 */
#include "routes/upstream_server.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/quantity.h"
#include "base/val.h"

#include <string.h>

enum { SERVERS_TOP = 64, URL_TOP = 512 };

static const char *
member_text(const json_t *spec, const char *name)
{
	return json_string_value(json_object_get(spec, name));
}

static void
read_path(struct server *s, const char *path)
{
	size_t len = strlen(path);

	if (len && path[len - 1] == '/')
		len--;
	s->path = str_ndup(path, len);
}

/* "unix:/run/app.sock", "unix:/run/app.sock:/path", as nginx has it. */
static int
socket_read(struct server *s, const char *url, struct fault *why)
{
	const char *socket = url + 5, *path = strchr(socket, ':');

	if (!s->of->trusted)
		return fault_set(why, ERR_CONFIG,
			"\"%.100s\": sockets of this machine are for the "
			"operator's routes (server.routes): the daemon's own "
			"are among them; let the program listen on "
			"127.0.0.1:PORT",
			url);
	if (*socket != '/' || strlen(url) > URL_TOP ||
		(path && path[1] != '/') || strpbrk(url, "?# \t\r\n\"\\"))
		return fault_set(why, ERR_CONFIG,
			"\"%.100s\" is no address of a socket: "
			"unix:/run/app.sock or unix:/run/app.sock:/PATH",
			url);
	if (!path)
		path = socket + strlen(socket);
	s->base = str_ndup(url, (size_t)(path - url));
	s->authority = str_dup("localhost");
	s->socket = str_ndup(socket, (size_t)(path - socket));
	read_path(s, *path ? path + 1 : path);
	return 0;
}

/* "http://host:port/path"; https too. */
static int
server_read(struct server *s, const char *url, struct fault *why)
{
	const char *host = NULL, *path;
	size_t len;

	if (strncmp(url, "unix:", 5) == 0)
		return socket_read(s, url, why);
	if (strncmp(url, "http://", 7) == 0)
		host = url + 7;
	else if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	len = host ? strcspn(host, "/?#") : 0;
	if (!len || strlen(url) > URL_TOP || memchr(host, '@', len) ||
		strpbrk(url, "?# \t\r\n\"\\"))
		return fault_set(why, ERR_CONFIG,
			"\"%.100s\" is no address of a server: "
			"http://127.0.0.1:3000 or https://HOST[:PORT][/PATH]%s",
			url, s->of->trusted ? " or unix:/SOCKET" : "");
	path = host + len;
	s->base = str_ndup(url, (size_t)(path - url));
	s->authority = str_ndup(host, len);
	read_path(s, path);
	return 0;
}

static int
read_servers(struct upstream *u, const json_t *v, struct fault *why)
{
	size_t count = json_array_size(v);

	if (!json_is_array(v) || count == 0 || count > SERVERS_TOP)
		return fault_set(why, ERR_CONFIG,
			"servers: a list of 1 to %d addresses is wanted",
			SERVERS_TOP);
	u->server = mem_array(count, struct server);
	for (u->count = 0; u->count < count;) {
		struct server *s = &u->server[u->count++];
		const char *url =
			json_string_value(json_array_get(v, u->count - 1));
		int e;

		s->of = u;
		e = url ? server_read(s, url, why)
			: fault_set(why, ERR_CONFIG, "a text is wanted");
		if (e < 0)
			return fault_prefix(
				why, e, "servers[%zu]: ", u->count - 1);
	}
	return 0;
}

static int
read_host(struct upstream *u, const json_t *v, struct fault *why)
{
	const char *s = json_string_value(v);

	if (!s || !*s || strpbrk(s, " \t\r\n/"))
		return fault_set(why, ERR_CONFIG,
			"host: \"server\", \"client\" or a name is wanted");
	if (strcmp(s, "client") == 0)
		u->host = HOST_CLIENT;
	else if (strcmp(s, "server") != 0)
		u->host = HOST_NAMED;
	u->host_name = str_dup(s);
	return 0;
}

static int
read_balance(struct upstream *u, const json_t *v, struct fault *why)
{
	const char *s = json_string_value(v);

	u->least_busy = s && strcmp(s, "least_busy") == 0;
	if (u->least_busy || (s && strcmp(s, "round_robin") == 0))
		return 0;
	return fault_set(why, ERR_CONFIG,
		"balance: \"round_robin\" or \"least_busy\" is wanted");
}

static int
read_time(const json_t *v, int64_t *ret)
{
	const char *s = json_string_value(v);

	if (!s || quantity_time(slice_str(s), ret) < 0 || *ret < 1)
		return ERR_CONFIG;
	return 0;
}

/* A member that is a number or a time. */
struct figure {
	const char *name;
	int64_t *to, low, high;
	bool is_time;
};

static int
read_figure(const struct figure *f, const json_t *v, struct fault *why)
{
	if (f->is_time)
		return read_time(v, f->to) == 0
			       ? 0
			       : fault_set(why, ERR_CONFIG,
					 "%s: a time like \"5s\" is wanted",
					 f->name);
	*f->to = json_integer_value(v);
	if (json_is_integer(v) && *f->to >= f->low && *f->to <= f->high)
		return 0;
	return fault_set(why, ERR_CONFIG, "%s: a number of %lld to %lld",
		f->name, (long long)f->low, (long long)f->high);
}

static int
read_figures(const struct figure *figures, size_t count, const char *key,
	const json_t *v, struct fault *why)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(figures[i].name, key) == 0)
			return read_figure(&figures[i], v, why);
	return fault_set(why, ERR_CONFIG, "\"%.60s\" is not known here", key);
}

static int
read_health(struct upstream *u, json_t *spec, struct fault *why)
{
	const struct figure figures[] = {
		{"every", &u->health_ms, 0, 0, true},
		{"timeout", &u->health_timeout_ms, 0, 0, true},
	};
	const char *path = member_text(spec, "path"), *key;
	json_t *v;

	if (!path || *path != '/' || strpbrk(path, " \t\r\n#"))
		return fault_set(why, ERR_CONFIG,
			"health: {\"path\": \"/health\"} is wanted");
	u->health_path = str_dup(path);
	json_object_foreach (spec, key, v) {
		int e = strcmp(key, "path") == 0
				? 0
				: read_figures(figures, array_size(figures),
					  key, v, why);

		if (e < 0)
			return fault_prefix(why, e, "health.");
	}
	return 0;
}

static int
read_member(struct upstream *u, const char *key, json_t *v, struct fault *why)
{
	const struct figure figures[] = {
		{"connect_timeout", &u->connect_ms, 0, 0, true},
		{"timeout", &u->timeout_ms, 0, 0, true},
		{"down", &u->down_ms, 0, 0, true},
		{"idle", &u->idle_ms, 0, 0, true},
		{"retries", &u->retries, 0, 10, false},
		{"fails", &u->fails, 0, 1000, false},
		{"connections", &u->connections, 1, 10000, false},
	};

	if (strcmp(key, "servers") == 0)
		return read_servers(u, v, why);
	if (strcmp(key, "host") == 0)
		return read_host(u, v, why);
	if (strcmp(key, "balance") == 0)
		return read_balance(u, v, why);
	if (strcmp(key, "health") == 0)
		return read_health(u, v, why);
	return read_figures(figures, array_size(figures), key, v, why);
}

/* Who asks the plain ones.  Nothing is connected before the first request. */
static int
open_clients(struct upstream *u, struct fault *why)
{
	u->is_plain = true;
	for (size_t i = 0; i < u->count; i++) {
		struct server *s = &u->server[i];
		const struct http_client_conf conf = {
			.authority = slice_str(s->authority),
			.unix_path = s->socket,
			.connections = (unsigned)u->connections,
			.connect_ms = (uint64_t)u->connect_ms};
		int e;

		if (!s->socket && strncmp(s->base, "http://", 7) != 0) {
			u->is_plain = false;
			continue;
		}
		e = http_client_new(&s->client, u->loop, &conf, why);
		if (e < 0)
			return fault_prefix(why, e, "servers[%zu]: ", i);
	}
	return 0;
}

static int
read_spec(struct upstream *u, json_t *spec, struct fault *why)
{
	const char *key;
	json_t *v;

	if (!json_is_object(spec))
		return fault_set(why, ERR_CONFIG,
			"{\"servers\": [\"http://127.0.0.1:3000\"]} is wanted");
	json_object_foreach (spec, key, v) {
		int e = read_member(u, key, v, why);

		if (e < 0)
			return e;
	}
	return u->count ? open_clients(u, why)
			: fault_set(why, ERR_CONFIG, "\"servers\" is missing");
}

int
upstream_new(struct upstream **ret, struct loop *loop, const char *name,
	const json_t *spec, bool trusted, struct fault *why)
{
	struct upstream *u = mem_new(struct upstream);
	int e;

	*u = (struct upstream){.loop = loop,
		.refs = 1,
		.trusted = trusted,
		.name = str_dup(name),
		.connect_ms = 3000,
		.timeout_ms = 60000,
		.idle_ms = 600000,
		.retries = 1,
		.fails = 3,
		.connections = 256,
		.down_ms = 10000,
		.health_ms = 5000,
		.health_timeout_ms = 2000};
	e = read_spec(u, (json_t *)(uintptr_t)spec, why);
	if (e < 0) {
		(void)upstream_unref(u);
		return e;
	}
	*ret = u;
	return 0;
}

struct upstream *
upstream_ref(struct upstream *u)
{
	u->refs++;
	return u;
}

struct upstream *
upstream_unref(struct upstream *u)
{
	if (!u || --u->refs)
		return NULL;
	health_end(u);
	u->fetcher = fetcher_free(u->fetcher);
	for (size_t i = 0; i < u->count; i++) {
		(void)http_client_free(u->server[i].client);
		(void)mem_free(u->server[i].base);
		(void)mem_free(u->server[i].authority);
		(void)mem_free(u->server[i].socket);
		(void)mem_free(u->server[i].path);
	}
	(void)mem_free(u->server);
	(void)mem_free(u->name);
	(void)mem_free(u->host_name);
	(void)mem_free(u->health_path);
	return mem_free(u);
}

const char *
upstream_name(const struct upstream *u)
{
	return u->name;
}

/* Is `a` to be asked rather than `b`? */
static bool
is_better(const struct upstream *u, const struct server *a,
	const struct server *b, int64_t now)
{
	bool a_rests = a->down_until > now, b_rests = b->down_until > now;

	if (a_rests != b_rests)
		return b_rests;
	if (a_rests)
		return a->down_until < b->down_until;
	return u->least_busy && a->busy < b->busy;
}

struct server *
upstream_choose(struct upstream *u, const struct server *but)
{
	struct server *best = NULL;
	int64_t now = clock_mono();
	size_t start = u->turn++;

	for (size_t i = 0; i < u->count; i++) {
		struct server *s = &u->server[(start + i) % u->count];

		if (s->sick)
			continue;
		if (!best || best == but ||
			(s != but && is_better(u, s, best, now)))
			best = s;
	}
	return best;
}

void
server_told(struct server *s, bool well)
{
	const struct upstream *u = s->of;

	if (well) {
		s->fails = 0;
		s->down_until = 0;
		return;
	}
	if (u->fails && ++s->fails >= u->fails)
		s->down_until = clock_mono() + u->down_ms * CLOCK_MS;
}
