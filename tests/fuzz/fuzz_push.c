/*
 * Bodies of message push.  The first byte chooses: a plain one is read with a
 * right signature; else the rest is the text of a seal, or what a seal held.
 */
#include "base/crypto.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "wechat/push.h"

#define KEY       "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define TOKEN     "AAAAA"
#define SIGNATURE "313b6ebcc23a0b85616441fe971d559bcb297cd0"

static const struct push_home plain_home = {"wx1", TOKEN, ""};
static const struct push_home sealed_home = {"wx1", TOKEN, KEY};

/* Of what was taken everything can be told. */
static void
look(const json_t *msg)
{
	_json_ json_t *events = push_events(msg);
	char name[PUSH_NAME_TOP];

	push_name(msg, name);
	must(*name && strlen(name) < PUSH_NAME_TOP);
	must(json_array_size(events) >= 1);
	must(push_sender(msg).ptr != NULL);
}

static void
try_plain(struct slice body)
{
	struct push_ask ask = {.signature = SLICE(SIGNATURE),
		.timestamp = SLICE("1700000000"),
		.nonce = SLICE("486465"),
		.body = body};
	_json_ json_t *msg = NULL;
	struct fault why = {0};
	int r = push_open(&plain_home, &ask, &msg, &why);

	must(r != ERR_PUSH_TOKEN && r != ERR_PUSH_UNSIGNED);
	must((r == 0) == (msg != NULL) && (r == 0 || why.text[0]));
	if (msg)
		look(msg);
}

static void
try_seal(struct slice encrypt)
{
	_buf_ struct buf plain;
	struct slice text = {0};
	int r;

	buf_init(&plain, PUSH_BODY_TOP);
	r = push_unseal(&sealed_home, encrypt, &plain, &text, NULL);
	must(r < 0 || (text.ptr >= plain.ptr &&
			      text.ptr + text.len <= plain.ptr + plain.len));
}

/* The input, filled to a whole block, is what was sealed. */
static void
try_inside(struct slice inside)
{
	_buf_ struct buf key, padded, sealed, encrypt;

	buf_init(&key, 64);
	buf_init(&padded, PUSH_BODY_TOP);
	buf_init(&sealed, PUSH_BODY_TOP);
	buf_init(&encrypt, 2 * PUSH_BODY_TOP);
	must(text_unbase64(&key,
		     SLICE("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2A=")) ==
		0);
	buf_slice(&padded, inside);
	while (padded.len % 16 || !padded.len)
		buf_char(&padded, 1);
	if (buf_check(&padded) < 0)
		return;
	must(crypto_cbc_raw_seal(buf_all(&key), slice_of(key.ptr, 16),
		     buf_all(&padded), &sealed) == 0);
	text_base64(&encrypt, buf_all(&sealed));
	try_seal(buf_all(&encrypt));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest;

	if (size == 0)
		return 0;
	rest = slice_of(data + 1, size - 1);
	if (data[0] % 3 == 0)
		try_plain(rest);
	else if (data[0] % 3 == 1)
		try_seal(rest);
	else
		try_inside(rest);
	return 0;
}
