/*
 * The SDKs' protobuf messages: what is read lies within the message; what is
 * written is read back the same.
 */
#include "tests/fuzz/fuzz.h"
#include "wechat/proto_call.h"

static void
inside(struct slice s, struct slice all)
{
	if (s.len && (s.ptr < all.ptr || s.ptr + s.len > all.ptr + all.len))
		__builtin_trap();
}

static void
again(const struct proto_field *f)
{
	struct proto_field g = {0};
	struct slice rest;
	_buf_ struct buf b;

	buf_init(&b, 1 << 20);
	if (f->wire == PROTO_VARINT)
		proto_put_int(&b, f->number, (int64_t)f->value);
	else if (f->wire == PROTO_BYTES)
		proto_put_bytes(&b, f->number, f->bytes);
	else
		return;
	rest = buf_all(&b);
	if (proto_next(&rest, &g) != 1 || rest.len || g.number != f->number ||
		g.wire != f->wire || g.value != f->value ||
		!slice_eq(g.bytes, f->bytes))
		__builtin_trap();
}

static void
requests_of(struct slice data)
{
	struct slice ids[4], appid = {"", 0};
	struct proto_voip v;
	int n = proto_cloudids_parse(data, ids, 4, &appid);

	for (int i = 0; i < n; i++)
		inside(ids[i], data);
	if (proto_voip_parse(&v, data) == 0) {
		inside(v.group, data);
		inside(v.nonce, data);
	}
	if (proto_options_parse(data, &appid) == 0)
		inside(appid, data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct proto_call c;
	struct slice all = slice_of(data, size), rest = all;
	struct proto_field f;

	while (proto_next(&rest, &f) > 0) {
		inside(f.bytes, all);
		again(&f);
	}
	if (proto_call_parse(&c, all) == 0)
		for (size_t i = 0; i < c.pairs; i++) {
			inside(c.pair[i].key, all);
			inside(c.pair[i].value, all);
		}
	requests_of(all);
	return 0;
}
