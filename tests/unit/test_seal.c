/*
 * Sealed values open where they were sealed and nowhere else.
 */
#include "auth/seal.h"
#include "base/text.h"
#include "tests/unit/test.h"

#define KEY      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define TOO_LONG KEY "00"
#define NOT_HEX \
	"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static struct seal *
seal_of(const char *hex)
{
	struct seal *seal = NULL;

	assert_int_equal(seal_new(&seal, slice_str(hex), NULL), 0);
	return seal;
}

static void
a_value_opens_in_its_own_place_only(void **state)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	_buf_ struct buf sealed, plain;

	(void)state;
	buf_init(&sealed, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(seal_close(seal, SLICE("session_key:u1"),
				 SLICE("tiihtNczf5v6AKRyjwEUhQ=="), &sealed),
		0);
	assert_null(memmem(sealed.ptr, sealed.len, "tiihtN", 6));
	assert_int_equal(seal_open(seal, SLICE("session_key:u2"),
				 buf_all(&sealed), &plain),
		ERR_FORMAT);
	assert_int_equal(
		seal_open(seal, SLICE("secret:u1"), buf_all(&sealed), &plain),
		ERR_FORMAT);
	assert_int_equal(plain.len, 0);
	assert_int_equal(seal_open(seal, SLICE("session_key:u1"),
				 buf_all(&sealed), &plain),
		0);
	assert_string_equal(plain.ptr, "tiihtNczf5v6AKRyjwEUhQ==");
}

/* What is handed out in numbers has a key that opens no secret, and back. */
static void
brief_texts_are_under_a_key_of_their_own(void **state)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	struct seal *own = seal_brief(seal);
	_buf_ struct buf kept, brief, plain;

	(void)state;
	buf_init(&kept, 1024);
	buf_init(&brief, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(
		seal_close(seal, SLICE("what"), SLICE("secret"), &kept), 0);
	assert_int_equal(
		seal_close(own, SLICE("what"), SLICE("query"), &brief), 0);
	assert_int_equal(seal_open(own, SLICE("what"), buf_all(&kept), &plain),
		ERR_FORMAT);
	assert_int_equal(
		seal_open(seal, SLICE("what"), buf_all(&brief), &plain),
		ERR_FORMAT);
	assert_int_equal(
		seal_open(own, SLICE("what"), buf_all(&brief), &plain), 0);
	assert_string_equal(plain.ptr, "query");
}

static void
every_changed_or_missing_byte_is_seen(void **state)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	_buf_ struct buf sealed, plain;

	(void)state;
	buf_init(&sealed, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(
		seal_close(seal, SLICE("what"), SLICE("plain"), &sealed), 0);
	for (size_t i = 0; i < sealed.len; i++) {
		assert_int_equal(seal_open(seal, SLICE("what"),
					 slice_of(sealed.ptr, i), &plain),
			ERR_FORMAT);
		sealed.ptr[i] ^= 1;
		assert_int_equal(seal_open(seal, SLICE("what"),
					 buf_all(&sealed), &plain),
			ERR_FORMAT);
		sealed.ptr[i] ^= 1;
	}
	assert_int_equal(
		seal_open(seal, SLICE("what"), buf_all(&sealed), &plain), 0);
}

static void
another_master_key_opens_nothing(void **state)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	_cleanup_(seal_freep) struct seal *other =
		seal_of("ffffffffffffffffffffffffffffffffffffffffffffffffffffff"
			"ffffffffff");
	_buf_ struct buf sealed, plain;

	(void)state;
	buf_init(&sealed, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(
		seal_close(seal, SLICE("what"), SLICE(""), &sealed), 0);
	assert_int_equal(
		seal_open(other, SLICE("what"), buf_all(&sealed), &plain),
		ERR_FORMAT);
	assert_int_equal(
		seal_open(seal, SLICE("what"), buf_all(&sealed), &plain), 0);
}

static void
a_value_sealed_by_node_opens(void **state)
{
	/* node -e 'const
	 * c=require("crypto"),k=Buffer.from([...Array(32).keys()]),
	 * n=Buffer.alloc(12,9),g=c.createCipheriv("aes-256-gcm",k,n);
	 * g.setAAD(Buffer.from("session_key:u1"));
	 * console.log(Buffer.concat([Buffer.from([1]),n,g.update("plain text"),
	 * g.final(),g.getAuthTag()]).toString("hex"))' */
	static const char hex[] = "01090909090909090909090909c3746952e9bf37c1a9"
				  "7d46e665e9e90fd9c6a529f72e8177436f";
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	_buf_ struct buf sealed, plain;

	(void)state;
	buf_init(&sealed, 1024);
	buf_init(&plain, 1024);
	assert_int_equal(text_unhex(&sealed, slice_str(hex)), 0);
	assert_int_equal(seal_open(seal, SLICE("session_key:u1"),
				 buf_all(&sealed), &plain),
		0);
	assert_string_equal(plain.ptr, "plain text");
}

static void
a_master_key_of_another_form_is_refused(void **state)
{
	static const char *const bad[] = {"", "00", TOO_LONG, NOT_HEX};
	struct seal *seal = NULL;
	struct fault why;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(
			seal_new(&seal, slice_str(bad[i]), &why), ERR_CONFIG);
	assert_null(seal);
	assert_non_null(strstr(why.text, "64 hex digits"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_opens_in_its_own_place_only),
		cmocka_unit_test(brief_texts_are_under_a_key_of_their_own),
		cmocka_unit_test(every_changed_or_missing_byte_is_seen),
		cmocka_unit_test(another_master_key_opens_nothing),
		cmocka_unit_test(a_value_sealed_by_node_opens),
		cmocka_unit_test(a_master_key_of_another_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
