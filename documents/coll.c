/*
 * A collection's table carries its name, so that an operator finds it in psql.
 * PostgreSQL cuts names at 63 bytes silently, which would make two long names
 * one table: a name of 63 bytes or more becomes its first 30 bytes and half of
 * its SHA-256, always 63 bytes together, so it can never be a short one.  Names
 * of primary keys share a namespace with tables: they begin with "system.",
 * which no collection may.
 */
#include "documents/coll.h"

#include "base/crypto.h"
#include "base/text.h"
#include "documents/sql.h"

enum { NAME_TOP = 120, ENV_TOP = 50, PLAIN_TOP = 62, HEAD = 30, HALF = 16 };

static void
put_hash(struct buf *to, struct slice name)
{
	uint8_t sum[SHA256_LEN];

	crypto_sha256(name, sum);
	text_hex(to, slice_of(sum, HALF));
}

static int
check_env(const char *env, struct fault *why)
{
	size_t len = env ? strlen(env) : 0;

	if (len == 0 || len > ENV_TOP ||
		len != strspn(env, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"))
		return fault_set(why, ERR_DB_PARAM,
			"an environment id has 1 to %d letters, digits, - "
			"and _",
			ENV_TOP);
	return 0;
}

static int
check_name(struct slice name, struct fault *why)
{
	if (name.len == 0 || name.len > NAME_TOP)
		return fault_set(why, ERR_DB_PARAM,
			"a collection's name has 1 to %d bytes", NAME_TOP);
	if (memchr(name.ptr, '\0', name.len) || !text_is_utf8(name))
		return fault_set(why, ERR_DB_PARAM,
			"a collection's name must be UTF-8 text");
	if (slice_starts(name, "system."))
		return fault_set(why, ERR_DB_PARAM,
			"a collection's name may not begin with system.");
	return 0;
}

static void
put_table(struct buf *to, struct slice name)
{
	size_t head = HEAD;

	if (name.len <= PLAIN_TOP) {
		buf_slice(to, name);
		return;
	}
	while (((unsigned char)name.ptr[head] & 0xc0) == 0x80)
		head--; /* not inside a character */
	buf_add(to, name.ptr, head);
	for (; head < HEAD; head++)
		buf_char(to, '_');
	buf_char(to, '~');
	put_hash(to, name);
}

static struct slice
keep(struct arena *arena, struct buf *b)
{
	struct slice kept = {arena_str(arena, buf_all(b)), b->len};

	buf_clear(b);
	return kept;
}

int
coll_parse(struct coll *ret, const char *env, struct slice name,
	struct arena *arena, struct fault *why)
{
	_buf_ struct buf b = {0};
	struct coll c = {.env = env};
	size_t env_len = strlen(env ? env : "");
	int r = check_env(env, why);

	if (r == 0)
		r = check_name(name, why);
	if (r < 0)
		return r;
	buf_init(&b, 1024);
	c.env = arena_str(arena, slice_of(env, env_len));
	c.name = slice_of(arena_str(arena, name), name.len);
	(void)buf_reserve(&b, 256);
	buf_str(&b, "env_");
	buf_add(&b, env, env_len);
	c.schema = keep(arena, &b);
	put_table(&b, name);
	c.table = keep(arena, &b);
	sql_ident(&b, c.schema);
	buf_char(&b, '.');
	sql_ident(&b, c.table);
	c.quoted = keep(arena, &b);
	*ret = c;
	return 0;
}

struct slice
coll_pkey(const struct coll *c, struct arena *arena)
{
	_buf_ struct buf b;

	buf_init(&b, 1024);
	buf_str(&b, "system.");
	put_hash(&b, c->name);
	return keep(arena, &b);
}

int
coll_check_permission(struct slice permission, struct fault *why)
{
	static const char *const known[] = {
		"READONLY", "PRIVATE", "ADMINWRITE", "ADMINONLY", "CUSTOM"};

	for (size_t i = 0; i < array_size(known); i++)
		if (slice_is(permission, known[i]))
			return 0;
	return fault_set(why, ERR_DB_PARAM,
		"a permission is READONLY, PRIVATE, ADMINWRITE, "
		"ADMINONLY or CUSTOM");
}
