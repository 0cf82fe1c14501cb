/*
 * The SDKs' messages.  Fields of other numbers are passed over, as protocol
 * buffers want it; of a field that is there twice the last one counts.
 */
#include "wechat/proto_call.h"

static int
pair_parse(struct openapi_pair *ret, struct slice data)
{
	struct openapi_pair p = {.key = {"", 0}};
	struct proto_field f;
	int r;

	while ((r = proto_next(&data, &f)) > 0) {
		if (f.wire != PROTO_BYTES)
			continue;
		if (f.number == 1)
			p.key = f.bytes;
		else if (f.number == 2)
			p.value = f.bytes;
		else if (f.number == 3)
			p.type = f.bytes;
		else if (f.number == 4)
			p.filename = f.bytes;
	}
	*ret = p;
	return r;
}

static int
pairs_parse(struct proto_call *c, struct slice data)
{
	struct proto_field f;
	int r;

	while ((r = proto_next(&data, &f)) > 0) {
		if (f.number != 1 || f.wire != PROTO_BYTES)
			continue;
		if (c->pairs == PROTO_PAIRS)
			return ERR_TOO_BIG;
		r = pair_parse(&c->pair[c->pairs], f.bytes);
		if (r < 0)
			return r;
		c->pairs++;
	}
	return r;
}

/* Of two texts, fields `one` and `two`. */
static int
texts_parse(struct slice data, uint32_t one, struct slice *ret_one,
	uint32_t two, struct slice *ret_two)
{
	struct proto_field f;
	int r;

	while ((r = proto_next(&data, &f)) > 0)
		if (f.wire == PROTO_BYTES && f.number == one)
			*ret_one = f.bytes;
		else if (f.wire == PROTO_BYTES && f.number == two && ret_two)
			*ret_two = f.bytes;
	return r;
}

static int
field_take(struct proto_call *c, const struct proto_field *f)
{
	if (f->number == 1 && f->wire == PROTO_VARINT)
		c->api = (enum proto_api)(f->value & 0xff);
	if (f->wire != PROTO_BYTES)
		return 0;
	switch (f->number) {
	case 2:
		return pairs_parse(c, f->bytes);
	case 4:
		return texts_parse(f->bytes, 1, &c->service, 2, &c->request);
	case 6:
		c->appid = f->bytes;
		return 0;
	default:
		return 0;
	}
}

int
proto_call_parse(struct proto_call *ret, struct slice data)
{
	struct proto_field f;
	int r;

	*ret = (struct proto_call){
		.appid = {"", 0}, .service = {"", 0}, .request = {"", 0}};
	while ((r = proto_next(&data, &f)) > 0) {
		r = field_take(ret, &f);
		if (r < 0)
			return r;
	}
	return r;
}

int
proto_options_parse(struct slice data, struct slice *ret)
{
	*ret = slice_of("", 0);
	return texts_parse(data, 1, ret, 0, NULL);
}

void
proto_answer_put(struct buf *to, const struct proto_answer *a)
{
	proto_put_bytes(to, 1, a->body);
	proto_put_bytes(to, 2, a->content_type);
	proto_put_int(to, 3, a->error);
	proto_put_int(to, 4, a->status);
	proto_put_int(to, 6, a->service_error);
}

void
proto_signature_put(struct buf *to, struct slice signature)
{
	proto_put_bytes(to, 1, signature);
}

int
proto_voip_parse(struct proto_voip *ret, struct slice data)
{
	struct proto_voip v = {.group = {"", 0}, .nonce = {"", 0}};
	struct proto_field f;
	int r;

	while ((r = proto_next(&data, &f)) > 0)
		if (f.number == 2 && f.wire == PROTO_BYTES)
			v.group = f.bytes;
		else if (f.number == 3 && f.wire == PROTO_VARINT)
			v.timestamp = (int64_t)f.value;
		else if (f.number == 4 && f.wire == PROTO_BYTES)
			v.nonce = f.bytes;
	if (r == 0)
		*ret = v;
	return r;
}

int
proto_cloudids_parse(struct slice data, struct slice *ret, size_t top,
	struct slice *ret_appid)
{
	struct proto_field f;
	size_t count = 0;
	int r;

	*ret_appid = slice_of("", 0);
	while ((r = proto_next(&data, &f)) > 0) {
		if (f.wire != PROTO_BYTES)
			continue;
		if (f.number == 3)
			*ret_appid = f.bytes;
		if (f.number != 2)
			continue;
		if (count == top)
			return ERR_TOO_BIG;
		ret[count++] = f.bytes;
	}
	return r < 0 ? r : (int)count;
}

void
proto_opendata_put(struct buf *to, struct slice cloudid, struct slice json)
{
	_buf_ struct buf item;

	buf_init(&item, to->ceiling);
	proto_put_bytes(&item, 1, cloudid);
	proto_put_bytes(&item, 2, json);
	to->full |= item.full;
	proto_put_bytes(to, 1, buf_all(&item));
}
