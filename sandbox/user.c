/*
 * An openid made here ends in a keyed sum of itself and its app, so that a user
 * is still known after a restart, when the table of users is empty: `mpcloud
 * dev` starts again, the mini program's token is still good, and its order must
 * not be refused for an openid that nobody issued.
 */

#include "user.h"

#include "control.h"
#include "random.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	USERS_TOP = 20000,
	OPENID_RANDOM = 19, /* letters between the o and the sum */
	OPENID_SUM = 8,
	KEY_TTL_S = 3 * 86400,
};

static void
user_free(struct item *item)
{
	struct user *u = container_of(item, struct user, item);

	mem_free(u->unionid);
	mem_free(u);
}

void
user_init(struct sandbox *s)
{
	store_init(&s->users, USERS_TOP, user_free);
}

void
user_done(struct sandbox *s)
{
	store_done(&s->users);
}

/* The first app's sums are over the openid alone. */
static void
openid_sum(const struct sandbox *s, const struct mini *m, struct slice head,
	char ret[OPENID_SUM + 1])
{
	const char *appid = m == mini_find(s, SLICE("")) ? "" : m->appid;
	_free_ char *text = str_printf("%.*s%s", SLICE_ARG(head), appid);
	uint8_t sum[SHA256_LEN];

	crypto_hmac_sha256(slice_str(s->keys.apiv3_key), slice_str(text), sum);
	for (size_t i = 0; i < OPENID_SUM; i++)
		ret[i] = ALNUM[sum[i] % (sizeof(ALNUM) - 1)];
	ret[OPENID_SUM] = '\0';
}

char *
user_new_openid(const struct sandbox *s, const struct mini *m)
{
	_free_ char *head = random_name("o", OPENID_RANDOM, URL_SAFE);
	char sum[OPENID_SUM + 1];

	openid_sum(s, m, slice_str(head), sum);
	return str_printf("%s%s", head, sum);
}

static bool
sum_is_good(const struct sandbox *s, const struct mini *m, struct slice openid)
{
	struct slice head = slice_of(openid.ptr, 1 + OPENID_RANDOM);
	char sum[OPENID_SUM + 1];

	if (openid.len != 1 + OPENID_RANDOM + OPENID_SUM)
		return false;
	openid_sum(s, m, head, sum);
	return slice_eq(
		slice_of(openid.ptr + head.len, OPENID_SUM), slice_str(sum));
}

bool
user_is_known(const struct sandbox *s, struct slice openid)
{
	if (store_find(&s->users, openid))
		return true;
	list_for_each (at, &s->minis.age) {
		struct item *i = container_of(at, struct item, in_age);

		if (sum_is_good(s, container_of(i, struct mini, item), openid))
			return true;
	}
	return false;
}

struct user *
user_get(struct sandbox *s, struct mini *m, struct slice openid)
{
	struct item *found = store_find(&s->users, openid);
	struct user *u = found ? container_of(found, struct user, item) : NULL;

	if (u)
		return u->mini == m ? u : NULL;
	u = mem_new(struct user);
	u->mini = m;
	store_add(&s->users, &u->item, openid);
	return u;
}

struct user *
user_find(struct sandbox *s, struct mini *m, struct slice openid)
{
	if (!store_find(&s->users, openid) && !sum_is_good(s, m, openid))
		return NULL;
	return user_get(s, m, openid);
}

void
user_key_make(struct user *u)
{
	struct session_key *k = &u->keys[++u->generation % KEYS_KEPT];
	uint8_t key[16];
	_buf_ struct buf text;

	crypto_random(key, sizeof(key));
	buf_init(&text, KEY_TEXT + 1);
	text_base64(&text, slice_of(key, sizeof(key)));
	memcpy(k->text, text.ptr, KEY_TEXT + 1);
	k->made_s = clock_now_s();
}

const struct session_key *
user_key_of(const struct user *u, int64_t generation)
{
	if (generation < 1 || generation > u->generation ||
		generation + KEYS_KEPT <= u->generation)
		return NULL;
	return &u->keys[generation % KEYS_KEPT];
}

const struct session_key *
user_key(const struct user *u, bool only_good)
{
	const struct session_key *k = user_key_of(u, u->generation);

	if (k && only_good && k->made_s + KEY_TTL_S <= clock_now_s())
		return NULL;
	return k;
}

struct user *
user_named(struct sandbox *s, const json_t *ask, struct answer *a)
{
	struct mini *m = mini_named(s, ask, a);
	struct slice openid;
	struct fault why = {0};
	struct user *u = NULL;

	if (!m)
		return NULL;
	if (val_str(ask, "openid", OPENID_TOP, &openid, &why) == 0) {
		u = user_find(s, m, openid);
		if (!u)
			(void)fault_set(&why, ERR_PARAM,
				"openid: not one of this app; POST "
				"/sandbox/code makes users");
	}
	if (!u)
		control_refuse(a, &why);
	return u;
}

/* ---- POST /sandbox/session {openid, action} ---- */

void
control_session(struct sandbox *s, struct exchange *x, struct answer *a)
{
	_json_ json_t *ask = NULL;
	struct slice action;
	struct fault why = {0};
	struct user *u;
	int r = control_parse(x, &ask, &why);

	if (r == 0)
		r = val_str_or(ask, "action", OPENID_TOP, SLICE("show"),
			&action, &why);
	if (r == 0 && !slice_is(action, "show") &&
		!slice_is(action, "rotate") && !slice_is(action, "expire"))
		r = fault_set(
			&why, ERR_PARAM, "action: show, rotate or expire");
	if (r < 0) {
		control_refuse(a, &why);
		return;
	}
	u = user_named(s, ask, a);
	if (!u)
		return;
	if (slice_is(action, "rotate"))
		user_key_make(u);
	else if (slice_is(action, "expire"))
		u->keys[u->generation % KEYS_KEPT].made_s = 0;
	buf_printf(&a->body, "{\"generation\":%u,\"good\":%s}", u->generation,
		user_key(u, true) ? "true" : "false");
}
