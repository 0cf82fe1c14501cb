/*
 * What the upper floors may ask of an exchange.
 */
#include "http/http_inside.h"

const char *
exchange_method(const struct exchange *x)
{
	return x->method;
}

const char *
exchange_path(const struct exchange *x)
{
	return x->target.path;
}

struct slice
exchange_target(const struct exchange *x)
{
	return x->raw;
}

struct slice
exchange_query(const struct exchange *x, const char *name)
{
	struct exchange *own = (struct exchange *)(uintptr_t)x;

	return target_query(&own->arena, x->target.query, name);
}

struct slice
exchange_body(const struct exchange *x)
{
	return buf_all(&x->body);
}

const char *
exchange_peer(const struct exchange *x)
{
	return x->peer ? x->peer : x->conn->peer;
}

uint64_t *
exchange_peer_word(struct exchange *x)
{
	return x->peer ? &x->peer_word : &x->conn->peer_word;
}

void
exchange_set_peer(struct exchange *x, const char *peer)
{
	x->peer =
		arena_str(exchange_room(x, strlen(peer) + 1), slice_str(peer));
}

bool
exchange_is_tls(const struct exchange *x)
{
	if (x->tls_told)
		return x->tls;
	return x->conn->told_tls ? x->conn->tls_before : x->http->certs != NULL;
}

void
exchange_set_tls(struct exchange *x, bool is_tls)
{
	x->tls_told = true;
	x->tls = is_tls;
}

const char *
exchange_id(const struct exchange *x)
{
	return x->id;
}

struct arena *
exchange_arena(struct exchange *x)
{
	return &x->arena;
}

int64_t
exchange_started(const struct exchange *x)
{
	return x->started;
}

int
exchange_status(const struct exchange *x)
{
	return x->status;
}

size_t
exchange_sent(const struct exchange *x)
{
	return x->sent;
}

void
exchange_set_data(struct exchange *x, void *data)
{
	x->data = data;
}

void *
exchange_data(const struct exchange *x)
{
	return x->data;
}
