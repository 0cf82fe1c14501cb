/*
 * The opening handshake of WebSocket (RFC 6455, 4.2), seen from the server:
 * strict about what makes it one, silent about extensions, none of which we
 * take.
 */
#include "gateway/ws_handshake.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "gateway/request.h"

#include <string.h>

#define GUID         "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define TOKEN_PREFIX "mpcloud.token."

enum { KEY_LEN = 24, KEY_BYTES = 16, PROTOCOL_TOP = 128 };

static bool
key_is_good(struct slice key)
{
	_buf_ struct buf bytes;

	buf_init(&bytes, KEY_LEN);
	return key.len == KEY_LEN && text_unbase64(&bytes, key) == 0 &&
	       bytes.len == KEY_BYTES;
}

int
ws_check(const struct request *r, struct fault *why)
{
	if (strcmp(exchange_method(r->x), "GET") != 0)
		return fault_set(
			why, ERR_UPGRADE, "a WebSocket is opened with GET");
	if (!slice_lists(
		    exchange_header(r->x, "Upgrade"), SLICE("websocket")) ||
		!slice_lists(
			exchange_header(r->x, "Connection"), SLICE("upgrade")))
		return fault_set(why, ERR_UPGRADE,
			"this path speaks WebSocket: send Upgrade: websocket "
			"and Connection: Upgrade (a proxy in front must pass "
			"both on)");
	if (!slice_is(exchange_header(r->x, "Sec-WebSocket-Version"), "13"))
		return fault_set(
			why, ERR_UPGRADE, "Sec-WebSocket-Version must be 13");
	if (!key_is_good(exchange_header(r->x, "Sec-WebSocket-Key")))
		return fault_set(why, ERR_UPGRADE,
			"Sec-WebSocket-Key must be 16 bytes in base64");
	return 0;
}

struct ws_offer
ws_offered(const struct request *r)
{
	struct slice list = exchange_header(r->x, "Sec-WebSocket-Protocol");
	struct ws_offer offer = {
		.protocol = slice_of("", 0), .token = slice_of("", 0)};
	size_t prefix = strlen(TOKEN_PREFIX);
	struct slice one;

	while (slice_split(&list, ',', &one)) {
		one = slice_trim(one);
		if (slice_starts(one, TOKEN_PREFIX))
			offer.token =
				slice_of(one.ptr + prefix, one.len - prefix);
		else if (!offer.protocol.len && one.len <= PROTOCOL_TOP)
			offer.protocol = one;
	}
	return offer;
}

void
ws_accept_key(struct slice key, char ret[WS_ACCEPT])
{
	_buf_ struct buf text, sum;
	uint8_t sha1[SHA1_LEN];

	buf_init(&text, KEY_LEN + sizeof(GUID));
	buf_init(&sum, WS_ACCEPT);
	buf_slice(&text, key);
	buf_str(&text, GUID);
	crypto_sha1(buf_all(&text), sha1);
	text_base64(&sum, slice_of(sha1, sizeof(sha1)));
	memcpy(ret, sum.ptr, WS_ACCEPT - 1);
	ret[WS_ACCEPT - 1] = '\0';
}

/* Between the endpoint's yes and the connection's change, which never comes
 * when the client leaves before it. */
struct opening {
	struct request *request;
	struct loop *loop;
	struct ws_conf conf;
};

static void
on_upgrade(void *owner, struct upgrade *up, int fd, struct slice early)
{
	struct opening *o = owner;

	o->request->act = NULL;
	(void)ws_new(o->loop, fd, up, &o->conf, early);
	mem_free(o);
}

static void
on_end(struct request *r)
{
	struct opening *o = r->act;

	if (!o)
		return;
	if (o->conf.dropped)
		o->conf.dropped(o->conf.owner);
	r->act = mem_free(o);
}

static void
send_switch(struct request *r)
{
	struct opening *o = r->act;
	char accept[WS_ACCEPT];

	ws_accept_key(exchange_header(r->x, "Sec-WebSocket-Key"), accept);
	exchange_add_header(r->x, "Upgrade", "websocket");
	exchange_add_header(r->x, "Sec-WebSocket-Accept", accept);
	if (o->conf.protocol)
		exchange_add_header(
			r->x, "Sec-WebSocket-Protocol", o->conf.protocol);
	exchange_upgrade(r->x, on_upgrade, o);
}

int
ws_accept(struct request *r, const struct ws_conf *conf)
{
	struct opening *o = mem_new(struct opening);

	o->loop = r->gateway->loop;
	o->request = r;
	o->conf = *conf;
	r->act = o;
	r->send = send_switch;
	r->end = on_end;
	return 0;
}
