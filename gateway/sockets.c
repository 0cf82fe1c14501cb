/*
 * All sockets of a gateway on one list, those of a user on a short one: a user
 * is found by the hash of his uid.  A socket outlives the access token that
 * opened it, not its session: revocations are looked up for all sockets every
 * LOOK_MS, which is cheaper than telling each gateway of each logout.
 */
#include "gateway/sockets.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/shm.h"
#include "base/sip.h"
#include "gateway/gateway.h"

enum { USERS = 4096, LOOK_MS = 1000 };

struct sockets {
	struct gateway *gateway;
	struct list all, users[USERS], ids[USERS];
	struct timer look;
	uint64_t key[2];
	uint64_t revocations; /* when all were looked at last */
	bool has_new;         /* some came since */
	const void *routes;   /* in force then */
};

static bool
is_revoked(const struct sockets *all, uint64_t sid)
{
	return sid && shm_is_revoked(all->gateway->shm, sid);
}

static void
end_socket(struct socket *s, unsigned code, const char *reason)
{
	if (s->close)
		s->close(s, code, reason);
	else if (s->ws)
		ws_close(s->ws, code, reason);
}

static void
look_at_all(struct sockets *all)
{
	list_for_each (at, &all->all) {
		struct socket *s = container_of(at, struct socket, on_all);

		if (all->gateway->draining)
			end_socket(s, CLOSE_RESTART, "the server restarts");
		else if (is_revoked(all, s->sid))
			end_socket(s, CLOSE_NO_LOGIN,
				"the session has ended: log in again");
		else if (s->look)
			s->look(s);
	}
}

/* A session may have ended while its socket was being opened. */
static void
on_look(struct timer *timer)
{
	struct sockets *all = container_of(timer, struct sockets, look);
	uint64_t now = shm_revocations(all->gateway->shm);

	if (all->gateway->draining || all->has_new || now != all->revocations ||
		all->routes != all->gateway->declared) {
		all->revocations = now;
		all->routes = all->gateway->declared;
		all->has_new = false;
		look_at_all(all);
	}
	timer_set(timer, all->gateway->loop, LOOK_MS, on_look);
}

struct sockets *
sockets_new(struct gateway *g)
{
	struct sockets *all = mem_new(struct sockets);

	all->gateway = g;
	list_init(&all->all);
	for (size_t i = 0; i < USERS; i++)
		list_init(&all->users[i]), list_init(&all->ids[i]);
	crypto_random(all->key, sizeof(all->key));
	timer_set(&all->look, g->loop, LOOK_MS, on_look);
	return all;
}

struct sockets *
sockets_free(struct sockets *all)
{
	struct socket *s;

	if (!all)
		return NULL;
	timer_clear(&all->look);
	while ((s = list_first(&all->all, struct socket, on_all)))
		s->drop(s);
	return mem_free(all);
}

void
socket_init(struct socket *s)
{
	list_init(&s->on_all);
	list_init(&s->on_user);
	list_init(&s->on_id);
	s->id = s->uid = slice_of("", 0);
}

static struct list *
user_list(struct sockets *all, struct slice uid)
{
	return &all->users[sip_hash(all->key, uid.ptr, uid.len) % USERS];
}

static struct list *
id_list(struct sockets *all, struct slice id)
{
	return &all->ids[sip_hash(all->key, id.ptr, id.len) % USERS];
}

static int
count_user(const struct list *list, struct slice uid)
{
	int n = 0;

	list_for_each (at, list)
		if (slice_eq(
			    container_of(at, struct socket, on_user)->uid, uid))
			n++;
	return n;
}

int
socket_add(struct sockets *all, struct socket *s, struct fault *why)
{
	int64_t top = all->gateway->conf->sockets_user;

	if (s->uid.len) {
		struct list *list = user_list(all, s->uid);

		if (count_user(list, s->uid) >= top)
			return fault_set(why, ERR_LIMITED,
				"this user has %lld WebSockets open here "
				"already: close some (sockets.user)",
				(long long)top);
		list_del(&s->on_user);
		list_add(list, &s->on_user);
	}
	list_del(&s->on_all);
	list_add(&all->all, &s->on_all);
	all->has_new = true;
	list_del(&s->on_id);
	if (s->id.len)
		list_add(id_list(all, s->id), &s->on_id);
	return 0;
}

void
socket_del(struct socket *s)
{
	list_del(&s->on_user);
	list_del(&s->on_id);
	list_del(&s->on_all);
}

struct socket *
sockets_find(struct sockets *all, struct slice id)
{
	struct list *list = id_list(all, id);

	list_for_each (at, list) {
		struct socket *s = container_of(at, struct socket, on_id);

		if (slice_eq(s->id, id))
			return s;
	}
	return NULL;
}

bool
socket_is_over(const struct sockets *all, uint64_t sid)
{
	return is_revoked(all, sid);
}

size_t
sockets_watches(struct sockets *all, struct slice uid)
{
	const struct list *list = user_list(all, uid);
	size_t n = 0;

	list_for_each (at, list) {
		struct socket *s = container_of(at, struct socket, on_user);

		if (slice_eq(s->uid, uid))
			n += s->watches;
	}
	return n;
}
