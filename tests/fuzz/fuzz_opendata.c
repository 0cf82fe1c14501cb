/*
 * What a client says is open data, and what it says is a cloudID.  The first
 * byte chooses: encryptedData as text, rawData with its signature, or an id.
 * The corpus holds data that opens, so that what is inside is reached.
 */
#include "tests/fuzz/fuzz.h"
#include "wechat/cloudid.h"
#include "wechat/opendata.h"

static const struct session_keys *
keys_get(void)
{
	static struct session_keys keys;

	if (!keys.count) {
		must(session_key_parse(&keys.key[0],
			     SLICE("HyVFkGl5F5OQWJZZaNzBBg==")) == 0);
		must(session_key_parse(&keys.key[1],
			     SLICE("ABEiM0RVZneImaq7zN3u/w==")) == 0);
		keys.count = 2;
	}
	return &keys;
}

static void
feed(struct slice encrypted, struct slice raw, struct slice signature)
{
	const struct opendata_ask ask = {
		.appid = SLICE("wx0123456789abcdef"),
		.openid = SLICE("oTest1"),
		.encrypted = encrypted,
		.iv = SLICE("Dw4NDAsKCQgHBgUEAwIBAA=="),
		.raw = raw,
		.signature = signature,
		.now_s = 1700000000,
		.age_s = 3600,
	};
	_json_ json_t *got = NULL;
	struct fault why = {0};
	int r = opendata_open(keys_get(), &ask, &got, &why);

	must(r <= 0 && (r == 0 || !got));
	if (got)
		must(json_is_object(json_object_get(got, "watermark")));
}

static void
feed_id(struct slice in)
{
	static struct seal *seal;
	json_t *got = NULL;

	if (!seal)
		must(seal_new(&seal,
			     SLICE("000102030405060708090a0b0c0d0e0f"
				   "101112131415161718191a1b1c1d1e1f"),
			     NULL) == 0);
	must(cloudid_open(seal, SLICE("wx"), SLICE("o"), in, 1700000000, &got) <
		0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data + 1, size - 1), none = {0};

	if (!size)
		return 0;
	if (data[0] == 'i')
		feed_id(in);
	else if (data[0] == 's')
		feed(none, in,
			SLICE("75e81ceda165f4ffa64f4068af58c64b8f54b88c"));
	else
		feed(in, none, none);
	return 0;
}
