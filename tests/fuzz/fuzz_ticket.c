/*
 * What strangers say at a login: custom login's tickets ('t'), what stands in
 * one that was signed ('c', JSON: no fuzzer forges a signature), a device's
 * name ('d') and id ('i'), a user name ('u').
 */
#include "auth/custom.h"
#include "auth/device.h"
#include "auth/member.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static const char key[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAytXPcGBiUrVHm95qAgKm\n"
	"B4dA5aNNhG+Kr0VgxF6lGMJgrkHO7RK8DWpODh52aDvxzaNrzLno3Sd47PnKmaEH\n"
	"biB5l0988eBTrg4/9DW4+CCdofOeGWdTau+zRiYGzT17atyjaUsOkzN9IbS4wW00\n"
	"8mIgI5G32UxO5nQdCFRQVUfXdu0yeSwHmJS8VCRUnHo3shxoiXl0z82THhTsQbGx\n"
	"r1jhe0Pkg65NH0Ty/HWEBr1y34+pYEubXHJe1YcSNO+trhssepBJnIpF15aKdATD\n"
	"IKCAmyY5IZlvi0LcjBO89mongkCWm2zswK/gwCbEF11HZi4HqBva7xfQ8ibGjD5B\n"
	"SQIDAQAB\n"
	"-----END PUBLIC KEY-----\n";

enum { NOW_S = 1780000000 };

static void
must_be_plain(const struct custom_ticket *t)
{
	size_t n = strlen(t->uid);

	must(n >= 4 && n <= CUSTOM_ID_TOP && !strpbrk(t->uid, "\"'\\ \n/"));
	must(t->ends_ms == 0 || t->ends_ms > NOW_S * 1000LL);
}

static void
feed_ticket(struct slice in)
{
	struct custom_ticket t;

	if (custom_ticket_read(&t, in, NULL) == 0) {
		must(login_key_id_fits(slice_str(t.key_id)));
		must(t.signed_part.ptr >= in.ptr &&
			t.signed_part.ptr + t.signed_part.len <=
				in.ptr + in.len);
		if (custom_ticket_check(&t, slice_str(key), "env1",
			    NOW_S * 1000LL, NULL) == 0)
			must_be_plain(&t);
	}
	custom_ticket_done(&t);
}

static void
feed_claims(struct slice in)
{
	struct custom_ticket t = {0};

	if (val_parse(&t.claims, in, NULL) == 0 &&
		custom_ticket_says(&t, "env1", NOW_S * 1000LL, NULL) == 0)
		must_be_plain(&t);
	custom_ticket_done(&t);
}

static void
feed_device(struct slice in)
{
	char clean[DEVICE_TOP + 1], again[DEVICE_TOP + 1];

	device_clean(in, clean);
	must(text_is_utf8(slice_str(clean)));
	for (const char *c = clean; *c; c++)
		must((unsigned char)*c >= 0x20 && *c != 0x7f);
	device_clean(slice_str(clean), again);
	must(strlen(again) <= strlen(clean));
}

static void
feed_name(struct slice in)
{
	char name[MEMBER_NAME + 1];

	if (member_name(in, name, NULL) == 0)
		must(strlen(name) == in.len);
	must(device_id_clean(in).len <= DEVICE_ID_TOP);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data + 1, size - 1);

	if (!size)
		return 0;
	if (data[0] == 'c')
		feed_claims(in);
	else if (data[0] == 'd')
		feed_device(in);
	else if (data[0] == 'u' || data[0] == 'i')
		feed_name(in);
	else
		feed_ticket(in);
	return 0;
}
