/*
 * A small cache in front of auth_know.
 *
 * Checking a token costs an HMAC, an AES-GCM opening and two base64 passes,
 * several times what the rest of a short request costs us.  A token's secret is
 * its last part, the signature: that is hashed under a key of this process and
 * compared in constant time, so neither the table nor the clock tells a
 * stranger anything about the tokens in it; what stands before it is compared
 * plainly.  Places are few and are overwritten: it is a cache of the busy, not
 * a list of sessions.
 */
#include "gateway/known.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/sip.h"

/* What is hashed of the secret: 96 of its bits say where to look. */
enum { PLACES = 4096, VALUE_TOP = 2048, SECRET = 48, HASHED = 16 };

struct known_one {
	uint64_t hash;
	struct caller caller; /* its strings stand in `text` */
	size_t len, size;
	char text[]; /* the value, then the caller's strings */
};

struct known {
	const struct shm *shm;
	uint64_t key[2];
	struct known_one *places[PLACES];
};

struct known *
known_new(const struct shm *shm)
{
	struct known *k = mem_new(struct known);

	k->shm = shm;
	crypto_random(k->key, sizeof(k->key));
	return k;
}

static struct known_one *
one_free(struct known_one *one)
{
	if (one)
		mem_wipe(one->text, one->size);
	return mem_free(one);
}

void
known_forget(struct known *k)
{
	for (size_t i = 0; i < PLACES; i++)
		k->places[i] = one_free(k->places[i]);
}

struct known *
known_free(struct known *k)
{
	if (!k)
		return NULL;
	known_forget(k);
	return mem_free(k);
}

static uint64_t
hash_of(const struct known *k, struct slice value)
{
	size_t n = min(value.len, (size_t)HASHED);

	return sip_hash(k->key, value.ptr + value.len - n, n);
}

static bool
is_same(const struct known_one *one, struct slice value)
{
	size_t head = value.len - min(value.len, (size_t)SECRET);

	return one->len == value.len &&
	       memcmp(one->text, value.ptr, head) == 0 &&
	       crypto_eq(slice_of(value.ptr + head, value.len - head),
		       slice_of(one->text + head, one->len - head));
}

/* The caller's strings stand together, behind the value: one copy of all. */
static void
copy(const struct known_one *one, struct arena *arena, struct caller *ret)
{
	const char *from = one->text + one->len;
	size_t size = one->size - one->len;
	char *to = arena_get(arena, size);

	memcpy(to, from, size);
	*ret = one->caller;
	ret->uid = to + (ret->uid - from);
	ret->appid = to + (ret->appid - from);
	ret->openid = to + (ret->openid - from);
	ret->unionid = to + (ret->unionid - from);
	ret->kind = to + (ret->kind - from);
	ret->custom_id = to + (ret->custom_id - from);
}

/* The entry may be overwritten while the request waits, hence copies. */
bool
known_find(struct known *k, struct slice value, int64_t now_s,
	struct arena *arena, struct caller *ret)
{
	uint64_t hash = hash_of(k, value);
	struct known_one *one = k->places[hash % PLACES];

	if (!one || one->hash != hash || !is_same(one, value))
		return false;
	if (now_s >= one->caller.expires_s ||
		shm_is_revoked(k->shm, one->caller.sid)) {
		k->places[hash % PLACES] = one_free(one);
		return false;
	}
	copy(one, arena, ret);
	return true;
}

static const char *
or_empty(const char *s)
{
	return s ? s : "";
}

static const char *
keep(char **at, const char *s)
{
	size_t size = strlen(s) + 1;
	char *to = *at;

	memcpy(to, s, size);
	*at += size;
	return to;
}

void
known_keep(struct known *k, struct slice value, const struct caller *c)
{
	size_t size = value.len + strlen(c->uid) + strlen(c->appid) +
		      strlen(c->openid) + strlen(c->unionid) +
		      strlen(or_empty(c->kind)) +
		      strlen(or_empty(c->custom_id)) + 6;
	uint64_t hash = hash_of(k, value);
	struct known_one **place = &k->places[hash % PLACES];
	struct known_one *one;
	char *at;

	if (value.len > VALUE_TOP || c->role != CALLER_USER)
		return;
	one = mem_alloc(sizeof(*one) + size);
	one->hash = hash;
	one->len = value.len;
	one->size = size;
	one->caller = *c;
	memcpy(one->text, value.ptr, value.len);
	at = one->text + value.len;
	one->caller.uid = keep(&at, c->uid);
	one->caller.appid = keep(&at, c->appid);
	one->caller.openid = keep(&at, c->openid);
	one->caller.unionid = keep(&at, c->unionid);
	one->caller.kind = keep(&at, or_empty(c->kind));
	one->caller.custom_id = keep(&at, or_empty(c->custom_id));
	(void)one_free(*place);
	*place = one;
}
