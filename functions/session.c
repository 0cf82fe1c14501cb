/*
 * Session tokens: by one an unmodified SDK in a worker says, over our own HTTP
 * door for workers, which invocation it speaks for.  A token is random and is
 * forgotten when its invocation ends.
 */
#include "functions/hand.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

/* The kernel is asked for random bytes in large portions; what was used is
 * wiped. */
static void
random_take(struct crews *crews, unsigned char *to, size_t len)
{
	if (crews->stock_left < len) {
		crypto_random(crews->stock, sizeof(crews->stock));
		crews->stock_left = sizeof(crews->stock);
	}
	crews->stock_left -= len;
	memcpy(to, crews->stock + crews->stock_left, len);
	mem_wipe(crews->stock + crews->stock_left, len);
}

/* Eight digits of the process, eight of the id, and sixteen random bytes. */
void
session_open(struct invocation *inv)
{
	unsigned char id[4] = {(unsigned char)(inv->id >> 24),
		(unsigned char)(inv->id >> 16), (unsigned char)(inv->id >> 8),
		(unsigned char)inv->id};
	unsigned char secret[16];

	memcpy(inv->token, inv->crews->token_prefix, 8);
	text_hex_string(inv->token + 8, id, sizeof(id));
	random_take(inv->crews, secret, sizeof(secret));
	text_hex_string(inv->token + 16, secret, sizeof(secret));
	list_add(&inv->crews->tokens[inv->id % TOKEN_BUCKETS], &inv->by_token);
}

static bool
token_id(struct slice token, uint32_t *ret)
{
	uint32_t id = 0;

	if (token.len != TOKEN_LEN)
		return false;
	for (size_t i = 8; i < 16; i++) {
		char c = token.ptr[i];

		if (c >= '0' && c <= '9')
			id = id << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			id = id << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret = id;
	return true;
}

static struct invocation *
session_find(struct crews *crews, struct slice token)
{
	uint32_t id;

	if (!token_id(token, &id))
		return NULL;
	list_for_each (at, &crews->tokens[id % TOKEN_BUCKETS]) {
		struct invocation *inv =
			container_of(at, struct invocation, by_token);

		if (inv->id == id &&
			crypto_eq(token, slice_of(inv->token, TOKEN_LEN)))
			return inv;
	}
	return NULL;
}

bool
crews_find_session(struct crews *crews, struct slice token,
	const struct caller **ret, const char **ret_function,
	const char **ret_request_id)
{
	struct invocation *inv = session_find(crews, token);

	if (!inv)
		return false;
	*ret = &inv->caller;
	*ret_function = inv->function;
	*ret_request_id = inv->request_id;
	return true;
}

const json_t *
crews_session_openapi(struct crews *crews, struct slice token)
{
	struct invocation *inv = session_find(crews, token);

	return inv && inv->hand ? inv->hand->crew->openapi : NULL;
}

void
session_close(struct invocation *inv)
{
	list_del(&inv->by_token);
	mem_wipe(inv->token, sizeof(inv->token));
}
