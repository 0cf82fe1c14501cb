/*
 * GET /.well-known/jwks.json (RFC 7517): the public halves of the keys that
 * sign access tokens, for services that check them without asking us.  With
 * HS256 keys only the set is empty: those are secrets.
 */
#include "auth/token.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

enum { SET_TOP = 16 * 1024 };

int
endpoint_jwks(struct request *r)
{
	struct buf b _buf_;
	int e;

	buf_init(&b, SET_TOP);
	e = token_keys_put_set(r->gateway->keys, &b);
	if (e < 0)
		return e;
	/* a key is in the set before it signs; see docs/login.md */
	exchange_add_header(r->x, "Cache-Control", "public, max-age=300");
	return request_reply(r, 200,
		slice_of(arena_str(request_arena(r), buf_all(&b)), b.len));
}
