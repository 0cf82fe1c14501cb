/*
 * libpq would resolve a host name by itself, but blocking.  So the string is
 * taken apart here; pg_open.c resolves the name on the loop and hands libpq
 * addresses.  The name stays in `host`, because certificates are checked
 * against it.
 */
#include "db/dsn.h"

#include "base/buf.h"
#include "base/mem.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdlib.h>

enum { PAIRS = 64, ADDED = 9 };

struct dsn {
	char *key[PAIRS], *value[PAIRS];
	unsigned count;
	char *resolve; /* the host name to resolve, or NULL */
};

static void
free_options(PQconninfoOption **options)
{
	if (*options)
		PQconninfoFree(*options);
}

struct dsn *
dsn_free(struct dsn *dsn)
{
	if (!dsn)
		return NULL;
	for (unsigned i = 0; i < dsn->count; i++) {
		(void)mem_free(dsn->key[i]);
		(void)mem_free(dsn->value[i]);
	}
	(void)mem_free(dsn->resolve);
	return mem_free(dsn);
}

static const char *
find(const struct dsn *dsn, const char *key)
{
	for (unsigned i = 0; i < dsn->count; i++)
		if (strcmp(dsn->key[i], key) == 0)
			return dsn->value[i];
	return NULL;
}

static void
set(struct dsn *dsn, const char *key, char *value)
{
	for (unsigned i = 0; i < dsn->count; i++)
		if (strcmp(dsn->key[i], key) == 0) {
			(void)mem_free(dsn->value[i]);
			dsn->value[i] = value;
			return;
		}
	dsn->key[dsn->count] = str_dup(key);
	dsn->value[dsn->count++] = value;
}

static void
set_preset(struct dsn *dsn, const char *key, const char *value)
{
	if (!find(dsn, key))
		set(dsn, key, str_dup(value));
}

static int
copy(struct dsn *dsn, const PQconninfoOption *options, struct fault *why)
{
	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (!o->val || !o->val[0])
			continue;
		if (dsn->count >= PAIRS - ADDED)
			return fault_set(why, ERR_CONFIG,
				"database.url: too many parameters");
		set(dsn, o->keyword, str_dup(o->val));
	}
	return 0;
}

/* What every connection of ours says.  jit: our statements are short.  public:
 * that is where CREATE EXTENSION postgis puts its functions. */
static void
add_ours(struct dsn *dsn, uint64_t timeout_ms)
{
	const char *own = find(dsn, "options");

	set(dsn, "options",
		str_printf("%s%s-c statement_timeout=%" PRIu64
			   " -c jit=off -c timezone=UTC"
			   " -c search_path=mpcloud,public",
			own ? own : "", own ? " " : "", timeout_ms));
	set(dsn, "client_encoding", str_dup("UTF8"));
	set_preset(dsn, "fallback_application_name", "mpcloud");
	set_preset(dsn, "gssencmode", "disable"); /* looks names up, blocking */
	set_preset(dsn, "tcp_user_timeout", "10000");
}

void
dsn_set_option(struct dsn *dsn, const char *option)
{
	set(dsn, "options",
		str_printf("%s -c %s", find(dsn, "options"), option));
}

void
dsn_set_replication(struct dsn *dsn)
{
	set(dsn, "replication", str_dup("database"));
}

static int
find_name(struct dsn *dsn, struct fault *why)
{
	const char *host = find(dsn, "host");

	if (!host)
		host = getenv("PGHOST");
	if (!host || !host[0] || find(dsn, "hostaddr") || getenv("PGHOSTADDR"))
		return 0;
	if (strchr(host, ','))
		return host[0] == '/' ? 0
				      : fault_set(why, ERR_CONFIG,
						"database.url: a list of hosts "
						"needs their "
						"addresses in hostaddr");
	if (host[0] != '/' && host[0] != '@')
		dsn->resolve = str_dup(host);
	return 0;
}

int
dsn_parse(struct dsn **ret, const char *url, uint64_t timeout_ms,
	struct fault *why)
{
	_cleanup_(free_options) PQconninfoOption *options = NULL;
	_cleanup_(dsn_freep) struct dsn *dsn = mem_new(struct dsn);
	char *text = NULL;
	int r;

	options = PQconninfoParse(url, &text);
	if (!options) {
		/* libpq's sentence may quote the string: it may hold a
		 * password */
		PQfreemem(text);
		return fault_set(why, ERR_CONFIG,
			"database.url: not a connection string that libpq "
			"can read");
	}
	r = copy(dsn, options, why);
	if (r == 0)
		r = find_name(dsn, why);
	if (r < 0)
		return r;
	add_ours(dsn, timeout_ms);
	*ret = take(dsn);
	return 0;
}

const char *
dsn_host(const struct dsn *dsn)
{
	return dsn->resolve;
}

/* "name,name,name": libpq wants a name for every address. */
static void
repeat(struct buf *to, const char *name, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_char(to, ',');
		buf_str(to, name);
	}
}

struct pg_conn *
dsn_connect(const struct dsn *dsn, const char *addrs, unsigned count)
{
	const char *keys[PAIRS + 3], *values[PAIRS + 3];
	_buf_ struct buf names;
	unsigned n = 0;

	buf_init(&names, 4096);
	for (unsigned i = 0; i < dsn->count; i++) {
		if (addrs && strcmp(dsn->key[i], "host") == 0)
			continue;
		keys[n] = dsn->key[i];
		values[n++] = dsn->value[i];
	}
	if (addrs) {
		repeat(&names, dsn->resolve, count);
		keys[n] = "host";
		values[n++] = names.ptr;
		keys[n] = "hostaddr";
		values[n++] = addrs;
	}
	keys[n] = values[n] = NULL;
	return PQconnectStartParams(keys, values, 0);
}
