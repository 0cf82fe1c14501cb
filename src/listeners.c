/*
 * Which sockets there are is decided by the configuration alone; systemd's are
 * taken where their address is one of it.  A socket that systemd passed and no
 * setting names is an error: its clients would wait for ever.
 */
#include "src/listeners.h"

#include "base/conf.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/shm.h"
#include "base/sock.h"
#include "base/sysd.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 4096, INHERITED_FIRST = 3, ADDRESS_TOP = 128 };

struct passed {
	int first, count;
	bool used[LISTENERS_TOP];
};

static int
add(struct listeners *ls, const char *kind, struct slice address,
	struct fault *why)
{
	if (ls->count == LISTENERS_TOP)
		return fault_set(why, ERR_CONFIG, "server.gateways: %d at most",
			(int)SHM_GATEWAYS);
	ls->all[ls->count++] = (struct listener){
		.kind = kind,
		.address = str_ndup(address.ptr, address.len),
		.fd = -1,
		.gateway = -1,
	};
	return 0;
}

static int
add_all(struct listeners *ls, const char *kind, const char *addresses,
	struct fault *why)
{
	struct slice rest = slice_str(addresses), one;
	int r = 0;

	while (r == 0 && slice_split(&rest, ' ', &one)) {
		one = slice_trim(one);
		if (one.len && ls->count == ADDRESSES_TOP)
			r = fault_set(why, ERR_CONFIG,
				"server.listen: %d addresses at most",
				(int)ADDRESSES_TOP);
		else if (one.len)
			r = add(ls, kind, one, why);
	}
	return r;
}

static int
add_unix(struct listeners *ls, const char *kind, const char *dir,
	const char *name, struct fault *why)
{
	_free_ char *path = str_printf("%s/%s", dir, name);

	return add(ls, kind, slice_str(path), why);
}

unsigned
listeners_gateways(const struct conf *conf)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (conf->server_gateways > 0)
		return (unsigned)conf->server_gateways;
	return cores < 1 ? 1 : (unsigned)min(cores, (long)SHM_GATEWAYS);
}

/* A worker belongs to one gateway, which alone knows its session tokens: each
 * gateway has a cloud socket of its own. */
static int
add_cloud(struct listeners *ls, const struct conf *conf, unsigned gateway,
	struct fault *why)
{
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "cloud/cloud-%u.sock", gateway);
	r = add_unix(ls, "cloud", conf->server_run_dir, name, why);
	if (r == 0)
		ls->all[ls->count - 1].gateway = (int)gateway;
	return r;
}

/* Gateway 0 follows the database's changes for all: the others come here. */
static int
add_watch(struct listeners *ls, const struct conf *conf, struct fault *why)
{
	int r = add_unix(ls, "watch", conf->server_run_dir, "watch.sock", why);

	if (r == 0)
		ls->all[ls->count - 1].gateway = 0;
	return r;
}

static int
plan(struct listeners *ls, const struct conf *conf, struct fault *why)
{
	int r = add_all(ls, "tcp", conf->server_listen, why);

	if (r == 0)
		r = add_all(ls, "tls", conf->server_listen_tls, why);
	if (r == 0)
		r = add_all(ls, "metrics", conf->metrics_listen, why);
	for (unsigned i = 0; r == 0 && i < listeners_gateways(conf); i++)
		r = add_cloud(ls, conf, i, why);
	if (r == 0)
		r = add_unix(ls, "ops", conf->server_run_dir, "ops.sock", why);
	if (r == 0)
		r = add_watch(ls, conf, why);
	return r;
}

static bool
is_same(const char *configured, const char *real)
{
	if (!strncmp(configured, "unix:", 5))
		configured += 5;
	return !strcmp(configured, real);
}

static bool
take_over(struct listener *l, struct passed *p)
{
	char name[ADDRESS_TOP];

	for (int i = 0; i < p->count; i++) {
		if (p->used[i] ||
			sock_name(p->first + i, name, sizeof(name)) < 0 ||
			!is_same(l->address, name))
			continue;
		p->used[i] = true;
		l->fd = p->first + i;
		l->inherited = true;
		(void)fd_set_blocking(l->fd, false);
		return true;
	}
	return false;
}

static int
check_unused(const struct passed *p, struct fault *why)
{
	char name[ADDRESS_TOP];

	for (int i = 0; i < p->count; i++) {
		if (p->used[i])
			continue;
		if (sock_name(p->first + i, name, sizeof(name)) < 0)
			(void)snprintf(name, sizeof(name), "number %d", i);
		return fault_set(why, ERR_CONFIG,
			"server.listen: systemd passed a socket (%s) that no "
			"setting names",
			name);
	}
	return 0;
}

static int
open_one(struct listener *l, const struct identity *owner, struct fault *why)
{
	bool own = !strcmp(l->kind, "ops") || !strcmp(l->kind, "watch");

	if (strcmp(l->kind, "cloud") != 0 && !own)
		return sock_listen(l->address, BACKLOG, &l->fd, why);
	return sock_listen_unix(l->address, own ? 0600 : 0666,
		owner && own ? owner->uid : (uid_t)-1,
		owner && own ? owner->gid : (gid_t)-1, &l->fd, why);
}

/* Port 0 let the kernel choose: show what it chose. */
static void
name_it(struct listener *l)
{
	char name[ADDRESS_TOP];

	if (strncmp(l->address, "unix:", 5) != 0 && l->address[0] != '/' &&
		sock_name(l->fd, name, sizeof(name)) == 0) {
		l->address = mem_free(l->address);
		l->address = str_dup(name);
	}
}

int
listeners_open(struct listeners *ls, const struct conf *conf,
	const struct identity *owner, struct fault *why)
{
	struct passed passed = {INHERITED_FIRST, sysd_listen_fds(), {false}};
	int r = plan(ls, conf, why);

	if (r == 0 && passed.count > LISTENERS_TOP)
		r = fault_set(why, ERR_CONFIG, "LISTEN_FDS: %d sockets at most",
			(int)LISTENERS_TOP);
	for (size_t i = 0; r == 0 && i < ls->count; i++) {
		if (!take_over(&ls->all[i], &passed))
			r = open_one(&ls->all[i], owner, why);
		if (r == 0)
			name_it(&ls->all[i]);
	}
	if (r == 0)
		r = check_unused(&passed, why);
	return r;
}

/* A socket file of ours goes with its socket. */
static void
close_one(struct listener *l)
{
	const char *path = l->address;

	if (l->fd < 0)
		return;
	if (!strncmp(path, "unix:", 5))
		path += 5;
	if (path[0] == '/' && !l->inherited)
		(void)unlink(path);
	(void)close(take_fd(l->fd));
}

void
listeners_refuse(struct listeners *ls)
{
	for (size_t i = 0; i < ls->count; i++)
		if (!strcmp(ls->all[i].kind, "tcp") ||
			!strcmp(ls->all[i].kind, "tls"))
			close_one(&ls->all[i]);
}

void
listeners_close(struct listeners *ls)
{
	for (size_t i = 0; i < ls->count; i++) {
		close_one(&ls->all[i]);
		ls->all[i].address = mem_free(ls->all[i].address);
	}
	ls->count = 0;
}

static int
check_tls(const struct conf *conf, struct fault *why)
{
	if (!*conf->server_listen_tls)
		return 0;
	if (!*conf->server_tls_certificate || !*conf->server_tls_key)
		return fault_set(why, ERR_CONFIG,
			"server.listen_tls: needs server.tls_certificate and "
			"server.tls_key");
	return 0;
}

static bool
names_address(const char *addresses, struct slice wanted)
{
	struct slice rest = slice_str(addresses), one;

	while (slice_split(&rest, ' ', &one))
		if (slice_eq(slice_trim(one), wanted))
			return true;
	return false;
}

static int
check_proxied(const struct conf *conf, struct fault *why)
{
	struct slice rest = slice_str(conf->server_proxy_protocol), one;

	while (slice_split(&rest, ' ', &one)) {
		one = slice_trim(one);
		if (one.len && !names_address(conf->server_listen, one) &&
			!names_address(conf->server_listen_tls, one))
			return fault_set(why, ERR_CONFIG,
				"server.proxy_protocol: %.*s is not one of "
				"server.listen or server.listen_tls",
				SLICE_ARG(one));
	}
	return 0;
}

/* Counters say how a business goes. */
static int
check_metrics(const struct conf *conf, struct fault *why)
{
	struct slice rest = slice_str(conf->metrics_listen), one;

	while (!*conf->metrics_token_file && slice_split(&rest, ' ', &one))
		if (one.len && !slice_starts(one, "127.") &&
			!slice_starts(one, "[::1]") &&
			!slice_starts(one, "localhost:"))
			return fault_set(why, ERR_CONFIG,
				"metrics.listen: %.*s can be reached from "
				"elsewhere and needs metrics.token_file",
				SLICE_ARG(one));
	return 0;
}

int
listeners_check(const struct conf *conf, struct fault *why)
{
	struct listeners ls = {.count = 0};
	int r = plan(&ls, conf, why);

	for (size_t i = 0; i < ls.count; i++)
		ls.all[i].address = mem_free(ls.all[i].address);
	if (r == 0)
		r = check_tls(conf, why);
	if (r == 0)
		r = check_proxied(conf, why);
	return r < 0 ? r : check_metrics(conf, why);
}
