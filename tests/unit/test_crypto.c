/*
 * Known answers from outside: FIPS 180-4, RFC 4231, the GCM specification
 * (McGrew and Viega), WeChat's published example, and signatures made by
 * openssl(1).
 */
#include "base/arena.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/val.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static struct slice
hex(const char *text)
{
	_buf_ struct buf b;
	char *copy;

	buf_init(&b, 4096);
	assert_int_equal(text_unhex(&b, slice_str(text)), 0);
	copy = arena_str(&arena, buf_all(&b));
	return slice_of(copy, b.len);
}

static struct slice
base64(const char *text)
{
	_buf_ struct buf b;
	char *copy;

	buf_init(&b, 4096);
	assert_int_equal(text_unbase64(&b, slice_str(text)), 0);
	copy = arena_str(&arena, buf_all(&b));
	return slice_of(copy, b.len);
}

static struct slice
repeat(char c, size_t n)
{
	char *p = arena_get(&arena, n);

	memset(p, c, n);
	return slice_of(p, n);
}

static void
assert_hex(const uint8_t *got, size_t len, const char *want)
{
	assert_true(slice_eq(slice_of(got, len), hex(want)));
}

static void
sha_agrees_with_fips_180(void **state)
{
	const struct slice longer = SLICE("abcdbcdecdefdefgefghfghighijhijk"
					  "ijkljklmklmnlmnomnopnopq");
	uint8_t one[SHA1_LEN], two[SHA256_LEN];

	(void)state;
	crypto_sha1(SLICE("abc"), one);
	assert_hex(one, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	crypto_sha1(longer, one);
	assert_hex(one, 20, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	crypto_sha256(SLICE("abc"), two);
	assert_hex(two, 32,
		"ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad");
	crypto_sha256(longer, two);
	assert_hex(two, 32,
		"248d6a61d20638b8e5c026930c3e6039"
		"a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 1321 A.5; RFC 2202 (md5) and RFC 4231 (sha224), case 2 each. */
static void
digests_are_found_by_name(void **state)
{
	const struct slice in = SLICE("what do ya want for nothing?");
	uint8_t got[DIGEST_TOP];

	(void)state;
	assert_int_equal(crypto_digest("md5", SLICE("abc"), got), 16);
	assert_hex(got, 16, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(crypto_digest("MD5", SLICE(""), got), 16);
	assert_hex(got, 16, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(crypto_hmac("md5", SLICE("Jefe"), in, got), 16);
	assert_hex(got, 16, "750c783e6ab0b503eaa86e310a5db738");
	assert_int_equal(crypto_hmac("sha224", SLICE("Jefe"), in, got), 28);
	assert_hex(got, 28,
		"a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44");
	assert_int_equal(crypto_hmac("sha1", SLICE(""), SLICE(""), got), 20);
	assert_int_equal(crypto_digest("md4", SLICE(""), got), -EINVAL);
	assert_int_equal(crypto_hmac("", SLICE(""), SLICE(""), got), -EINVAL);
}

static void
check_hmac(struct slice key, struct slice in, const char *want)
{
	_cleanup_(hmac_freep) struct hmac *h = hmac_new(key);
	uint8_t got[SHA256_LEN];

	crypto_hmac_sha256(key, in, got);
	assert_hex(got, 32, want);
	for (int i = 0; i < 3; i++) { /* a prepared context stays good */
		memset(got, 0, sizeof(got));
		hmac_sum(h, in, got);
		assert_hex(got, 32, want);
	}
}

static void
hmac_agrees_with_rfc_4231(void **state)
{
	(void)state;
	check_hmac(repeat(0x0b, 20), SLICE("Hi There"),
		"b0344c61d8db38535ca8afceaf0bf12b"
		"881dc200c9833da726e9376c2e32cff7");
	check_hmac(SLICE("Jefe"), SLICE("what do ya want for nothing?"),
		"5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843");
	check_hmac(repeat((char)0xaa, 20), repeat((char)0xdd, 50),
		"773ea91e36800e46854db8ebd09181a7"
		"2959098b3ef8c122d9635514ced565fe");
	check_hmac(hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
		repeat((char)0xcd, 50),
		"82558a389a443c0ea4cc819899f2083a"
		"85f0faa3e578f8077a2e3ff46729665b");
	check_hmac(repeat((char)0xaa, 131),
		SLICE("Test Using Larger Than Block-Size Key - Hash Key First"),
		"60e431591ee0b67f0d8a26aacbf5b77f"
		"8e0bc6213728c5140546040f0ee37f54");
	check_hmac(repeat((char)0xaa, 131),
		SLICE("This is a test using a larger than block-size key and "
		      "a larger than block-size data. The key needs to be "
		      "hashed before being used by the HMAC algorithm."),
		"9b09ffa71b942fcb27635fbcd5b0e944"
		"bfdc63644f0713938a7f51535c3a35e2");
}

#define GCM_PLAIN \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_AAD "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_IV  "cafebabefacedbaddecaf888"

/* Test cases 1, 2, 4, 5, 13, 14 and 16 of the specification. */
static const struct {
	const char *key, *iv, *aad, *plain, *sealed;
} gcm[] = {
	{"00000000000000000000000000000000", "000000000000000000000000", "", "",
		"58e2fccefa7e3061367f1d57a4e7455a"},
	{"00000000000000000000000000000000", "000000000000000000000000", "",
		"00000000000000000000000000000000",
		"0388dace60b6a392f328c2b971b2fe78"
		"ab6e47d42cec13bdf53a67b21257bddf"},
	{"feffe9928665731c6d6a8f9467308308", GCM_IV, GCM_AAD, GCM_PLAIN,
		"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329ac"
		"a12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
		"5bc94fbc3221a5db94fae95ae7121a47"},
	{"feffe9928665731c6d6a8f9467308308", "cafebabefacedbad", GCM_AAD,
		GCM_PLAIN,
		"61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c"
		"742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598"
		"3612d2e79e3b0785561be14aaca2fccb"},
	{"0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "", "",
		"530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000", "",
		"00000000000000000000000000000000",
		"cea7403d4d606b6e074ec5d3baf39d18"
		"d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
		GCM_IV, GCM_AAD, GCM_PLAIN,
		"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555"
		"d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
		"76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void
unbase64(struct buf *to, const char *text)
{
	buf_init(to, 1024);
	assert_int_equal(text_unbase64(to, slice_str(text)), 0);
}

/* WeChat's own sample of a sealed answer: "API signature" of its server API
 * pages (wxa-api-security-gcm-official). */
static void
gcm_opens_wechats_own_sample(void **state)
{
	_buf_ struct buf key, iv, sealed, tag, plain;

	(void)state;
	unbase64(&key, "otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY=");
	unbase64(&iv, "r2WDQt56rEAmMuoR");
	unbase64(&sealed,
		"HExs66Ik3el+iM4IpeQ7SMEN934FRLFYOd3EmeaIrpP4EPTHckoco6O+PaoR"
		"ZRa3lqaPRZT7r52f7LUok6gLxc6cdR8C4vpIIfh4xfLC4L7FNy9GbuMK1hco"
		"i8b7gkWJcwZMkuCFNEDmqn3T49oWzAQOrY4LZnnnykv6oUJotdAsnKvmoJkL"
		"K7hRh7M2B1d2UnTnRuoIyarXc5Iojwoghx4BOvnV");
	unbase64(&tag, "z2BFD8QctKXTuBlhICGOjQ==");
	buf_add(&sealed, tag.ptr, tag.len);
	buf_init(&plain, 1024);
	assert_int_equal(
		crypto_gcm_open(buf_all(&key), buf_all(&iv),
			SLICE("https://api.weixin.qq.com/wxa/getuserriskrank|"
			      "wxba6223c06417af7b|1635927956|"
			      "fa05fe1e5bcc79b81ad5ad4b58acf787"),
			buf_all(&sealed), &plain),
		0);
	assert_true(slice_is(buf_all(&plain),
		"{\"_n\":\"ShYZpqdVgY+yQVAxNSWhYg\",\"_appid\":"
		"\"wxba6223c06417af7b\",\"_timestamp\":1635927956,\"errcode\":"
		"0,\"errmsg\":\"getuserriskrank succ\",\"risk_rank\":0,"
		"\"unoin_id\":2258658297}"));
}

static void
gcm_agrees_with_its_specification(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(gcm); i++) {
		struct slice key = hex(gcm[i].key), iv = hex(gcm[i].iv);
		struct slice aad = hex(gcm[i].aad), plain = hex(gcm[i].plain);
		struct slice sealed = hex(gcm[i].sealed);
		_buf_ struct buf b, c;

		buf_init(&b, 1000);
		buf_init(&c, 1000);
		assert_int_equal(crypto_gcm_seal(key, iv, aad, plain, &b), 0);
		assert_true(slice_eq(buf_all(&b), sealed));
		assert_int_equal(crypto_gcm_open(key, iv, aad, sealed, &c), 0);
		assert_true(slice_eq(buf_all(&c), plain));
	}
}

static void
a_forged_seal_opens_to_nothing(void **state)
{
	struct slice key = hex(gcm[6].key), iv = hex(gcm[6].iv);
	struct slice sealed = hex(gcm[6].sealed), aad = hex(gcm[6].aad);
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 1000);
	for (size_t i = 0; i < sealed.len; i++) {
		char *forged = arena_str(&arena, sealed);

		forged[i] ^= 1;
		assert_int_equal(crypto_gcm_open(key, iv, aad,
					 slice_of(forged, sealed.len), &b),
			ERR_FORMAT);
	}
	assert_int_equal(crypto_gcm_open(key, iv, SLICE("other"), sealed, &b),
		ERR_FORMAT);
	assert_int_equal(
		crypto_gcm_open(key, iv, aad, slice_of(sealed.ptr, 15), &b),
		ERR_FORMAT);
	assert_int_equal(
		crypto_gcm_open(SLICE("short"), iv, aad, sealed, &b), -EINVAL);
	assert_int_equal(
		crypto_gcm_seal(key, SLICE(""), aad, sealed, &b), -EINVAL);
	assert_int_equal(b.len, 0);
}

/* WeChat's published example of encryptedData (an empty message too), and one
 * that openssl(1) made. */
static void
cbc_opens_what_wechat_sealed(void **state)
{
	struct slice key = base64("YZJqKnNFi0KAiKUc0ggC2g==");
	struct slice iv = base64("KEWv/gyiIwAfHvjrLeaX6w==");
	struct slice sealed = base64(
		"Gu2PVnxVWl+jK4F8c0liGxfkB5Bj3m5HRvwgEIk1Yb+36RZ3Bg7YmUnud/oo"
		"iHz0PQroipsH7GCjlGwUeT04NwmrFaP1y3dRYPLpS43ed9QZWcFIFo+8vTs3"
		"Zco6S98DUvaNEAs8duhz/BzfBOZaIHMziRqEtPFI0ZDzCgJluBirJ6Wl3Uky"
		"gZ5/QLo3KA53qGdip7K48Rq8XbCwuidTCw==");
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(crypto_cbc_open(key, iv, sealed, &b), 0);
	assert_true(slice_starts(buf_all(&b),
		"{\"phoneNumber\":\"186****5613\",\"purePhoneNumber\":"));
	buf_clear(&b);
	assert_int_equal(crypto_cbc_open(base64("tiihtNczf5v6AKRyjwEUhQ=="),
				 base64("r7BXXKkLb8qrSNn05n0qiA=="),
				 base64("qJ3AQxeKzsJ9mDC9BRN4YQ=="), &b),
		0);
	assert_int_equal(b.len, 0);
}

static void
cbc_refuses_what_is_not_padded_right(void **state)
{
	struct slice iv = base64("r7BXXKkLb8qrSNn05n0qiA==");
	struct slice sealed = base64("qJ3AQxeKzsJ9mDC9BRN4YQ==");
	struct slice key = base64("HyVFkGl5F5OQWJZZaNzBBg==");
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(crypto_cbc_open(key, iv, sealed, &b), ERR_FORMAT);
	assert_int_equal(crypto_cbc_open(key, iv, slice_of(sealed.ptr, 15), &b),
		ERR_FORMAT);
	assert_int_equal(crypto_cbc_open(key, iv, SLICE(""), &b), ERR_FORMAT);
	assert_int_equal(crypto_cbc_open(SLICE("k"), iv, sealed, &b), -EINVAL);
	assert_int_equal(b.len, 0);
}

/* NIST SP 800-38A, F.2.1 (AES-128) and F.2.5 (AES-256), CBC. */
static void
cbc_without_padding_is_that_of_nist(void **state)
{
	static const struct {
		const char *key, *sealed;
	} list[] = {
		{"2b7e151628aed2a6abf7158809cf4f3c",
			"7649abac8119b246cee98e9b12e9197d"
			"5086cb9b507219ee95db113a917678b2"},
		{"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914d"
		 "f"
		 "f4",
			"f58c4c04d6e5f1ba779eabfb5f7bfbd6"
			"9cfc4e967edb808d679f777bc6702c7d"},
	};
	struct slice iv = hex("000102030405060708090a0b0c0d0e0f");
	struct slice plain = hex("6bc1bee22e409f96e93d7e117393172a"
				 "ae2d8a571e03ac9c9eb76fac45af8e51");

	(void)state;
	for (size_t i = 0; i < array_size(list); i++) {
		struct slice key = hex(list[i].key);
		_buf_ struct buf b, back;

		buf_init(&b, 1000);
		buf_init(&back, 1000);
		assert_int_equal(crypto_cbc_raw_seal(key, iv, plain, &b), 0);
		assert_true(slice_eq(buf_all(&b), hex(list[i].sealed)));
		assert_int_equal(
			crypto_cbc_raw_open(key, iv, buf_all(&b), &back), 0);
		assert_true(slice_eq(buf_all(&back), plain));
		assert_int_equal(crypto_cbc_raw_open(
					 key, iv, slice_of(b.ptr, 15), &back),
			ERR_FORMAT);
		assert_int_equal(crypto_cbc_raw_seal(
					 slice_of(key.ptr, 15), iv, plain, &b),
			-EINVAL);
	}
}

static void
secrets_are_equal_only_when_all_bytes_are(void **state)
{
	(void)state;
	assert_true(crypto_eq(SLICE("abc"), SLICE("abc")));
	assert_true(crypto_eq(SLICE(""), (struct slice){NULL, 0}));
	assert_false(crypto_eq(SLICE("abc"), SLICE("abd")));
	assert_false(crypto_eq(SLICE("abc"), SLICE("ab")));
}

/* Random bytes are fetched ahead; a forked child must not get the parent's. */
static void
a_forked_child_has_random_bytes_of_its_own(void **state)
{
	char ours[32], theirs[32], before[32];
	int fds[2], status;
	pid_t pid;

	(void)state;
	crypto_random(before, sizeof(before));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		crypto_random(theirs, sizeof(theirs));
		_exit(write(fds[1], theirs, 32) == 32 ? 0 : 1);
	}
	crypto_random(ours, sizeof(ours));
	assert_int_equal(read(fds[0], theirs, 32), 32);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_not_equal(ours, theirs, 32);
	assert_memory_not_equal(ours, before, 32);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static json_t *
vectors(void)
{
	const char *source = getenv("MPCLOUD_SOURCE");
	_free_ char *path =
		source ? str_printf(
				 "%s/tests/unit/data/wechat-vectors-own.json",
				 source)
		       : str_printf("%.*sdata/wechat-vectors-own.json",
				 (int)(strrchr(__FILE__, '/') - __FILE__ + 1),
				 __FILE__);
	_free_ char *text = NULL;
	struct fault why = {0};
	json_t *v = NULL;
	size_t len;

	if (file_read(path, 1 << 20, &text, &len, &why) < 0 ||
		val_parse(&v, slice_of(text, len), &why) < 0)
		fail_msg("%s", why.text);
	return v;
}

static struct slice
member(const json_t *obj, const char *key)
{
	struct slice s;

	assert_int_equal(val_str(obj, key, 100000, &s, NULL), 0);
	return s;
}

/* PKCS#1 v1.5 signatures have one value: ours must be openssl's own. */
static void
rsa_signs_and_verifies_as_openssl_does(void **state)
{
	_json_ json_t *all = vectors();
	const json_t *keys = json_object_get(all, "keys");
	const json_t *list = json_object_get(all, "vectors"), *v;
	_cleanup_(rsa_freep) struct rsa *secret = NULL;
	size_t i, checked = 0;

	(void)state;
	assert_int_equal(rsa_load_private(&secret,
				 member(keys, "merchant_private_key"), NULL),
		0);
	json_array_foreach (list, i, v) {
		_buf_ struct buf b;

		if (!json_object_get(v, "signature") ||
			!json_object_get(v, "canonical_url"))
			continue;
		buf_init(&b, 1000);
		assert_int_equal(
			rsa_sign(secret, member(v, "string_to_sign"), &b), 0);
		assert_true(slice_eq(buf_all(&b), member(v, "signature")));
		assert_int_equal(rsa_verify(secret, member(v, "string_to_sign"),
					 member(v, "signature")),
			0);
		checked++;
	}
	assert_int_equal(checked, 6);
}

static void
check_notify(struct slice pem, const json_t *v)
{
	const json_t *h = json_object_get(v, "headers");
	_cleanup_(rsa_freep) struct rsa *rsa = NULL;
	_buf_ struct buf b;

	assert_int_equal(rsa_load_public(&rsa, pem, NULL), 0);
	buf_init(&b, 10000);
	buf_slice(&b, member(h, "Wechatpay-Timestamp"));
	buf_char(&b, '\n');
	buf_slice(&b, member(h, "Wechatpay-Nonce"));
	buf_char(&b, '\n');
	buf_slice(&b, member(v, "body"));
	buf_char(&b, '\n');
	assert_int_equal(
		rsa_verify(rsa, buf_all(&b), member(h, "Wechatpay-Signature")),
		0);
	b.ptr[0] ^= 1;
	assert_int_equal(
		rsa_verify(rsa, buf_all(&b), member(h, "Wechatpay-Signature")),
		ERR_FORMAT);
	assert_int_equal(
		rsa_verify(rsa, buf_all(&b), SLICE("not base64")), ERR_FORMAT);
	assert_int_equal(
		rsa_verify(rsa, buf_all(&b), SLICE("AAAA")), ERR_FORMAT);
	assert_int_equal(rsa_sign(rsa, SLICE("x"), &b), -EINVAL);
}

static void
rsa_verifies_with_a_certificate_and_with_a_public_key(void **state)
{
	_json_ json_t *all = vectors();
	const json_t *keys = json_object_get(all, "keys");
	const json_t *list = json_object_get(all, "vectors"), *v;
	size_t i, certs = 0, pubs = 0;

	(void)state;
	json_array_foreach (list, i, v) {
		struct slice id = member(v, "id");

		if (!slice_starts(id, "own-notify-"))
			continue;
		if (memmem(id.ptr, id.len, "-cert", 5)) {
			check_notify(member(keys, "platform_certificate"), v);
			certs++;
		} else if (memmem(id.ptr, id.len, "-pubkey", 7)) {
			check_notify(member(keys, "wechatpay_pubkey"), v);
			pubs++;
		}
	}
	assert_true(certs > 0 && pubs > 0);
}

static void
what_is_no_rsa_key_is_refused_with_a_reason(void **state)
{
	static const struct slice ec = SLICE(
		"-----BEGIN PUBLIC KEY-----\n"
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncD\n"
		"fYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R\n"
		"9Q==\n-----END PUBLIC KEY-----\n"); /* P-256, its base point */
	struct rsa *rsa = NULL;
	struct fault why = {0};

	(void)state;
	assert_int_equal(
		rsa_load_private(&rsa, SLICE("nonsense"), &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "private key"));
	assert_int_equal(rsa_load_public(&rsa, SLICE(""), &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "certificate"));
	assert_int_equal(rsa_load_public(&rsa, ec, &why), ERR_FORMAT);
	assert_non_null(strstr(why.text, "RSA"));
	assert_null(rsa);
}

static int
arena_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 24);
	return 0;
}

static int
arena_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha_agrees_with_fips_180),
		cmocka_unit_test(digests_are_found_by_name),
		cmocka_unit_test(hmac_agrees_with_rfc_4231),
		cmocka_unit_test(gcm_opens_wechats_own_sample),
		cmocka_unit_test(gcm_agrees_with_its_specification),
		cmocka_unit_test(a_forged_seal_opens_to_nothing),
		cmocka_unit_test(cbc_opens_what_wechat_sealed),
		cmocka_unit_test(cbc_refuses_what_is_not_padded_right),
		cmocka_unit_test(cbc_without_padding_is_that_of_nist),
		cmocka_unit_test(secrets_are_equal_only_when_all_bytes_are),
		cmocka_unit_test(a_forked_child_has_random_bytes_of_its_own),
		cmocka_unit_test(rsa_signs_and_verifies_as_openssl_does),
		cmocka_unit_test(
			rsa_verifies_with_a_certificate_and_with_a_public_key),
		cmocka_unit_test(what_is_no_rsa_key_is_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
