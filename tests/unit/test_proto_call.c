/*
 * The SDKs' messages.  The bytes in base64 are what wx-server-sdk 4.0.2 sent to
 * and took from a server that listened (openapi.subscribeMessage.send,
 * security.imgSecCheck, getOpenData, getVoIPSign); protobufjs made them.
 */
#include "base/text.h"
#include "tests/unit/test.h"
#include "wechat/proto_call.h"

static void
unbase64(struct buf *to, const char *text)
{
	buf_init(to, 4096);
	assert_int_equal(text_unbase64(to, slice_str(text)), 0);
}

static void
is(struct slice s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	assert_memory_equal(s.ptr, text, s.len);
}

static void
a_call_of_openapi_is_pairs_of_name_and_json(void **state)
{
	static const char *const pairs[][2] = {
		{"touser", "\"o1\""},
		{"page", "\"index\""},
		{"data", "{\"thing1\":{\"value\":\"x\"}}"},
		{"template_id", "\"T\""},
		{"miniprogram_state", "\"developer\""},
	};
	struct proto_call c;
	_buf_ struct buf b;

	(void)state;
	unbase64(&b,
		"CAASeQoOCgZ0b3VzZXISBCJvMSIKDwoEcGFnZRIHImluZGV4IgogCgRkYXRhE"
		"hh7InRoaW5nMSI6eyJ2YWx1ZSI6IngifX0KEgoLdGVtcGxhdGVfaWQSAyJUIg"
		"ogChFtaW5pcHJvZ3JhbV9zdGF0ZRILImRldmVsb3BlciI=");
	assert_int_equal(proto_call_parse(&c, buf_all(&b)), 0);
	assert_int_equal(c.api, PROTO_OPEN_API);
	assert_int_equal(c.pairs, 5);
	for (size_t i = 0; i < 5; i++) {
		is(c.pair[i].key, pairs[i][0]);
		is(c.pair[i].value, pairs[i][1]);
		is(c.pair[i].filename, "");
	}
	is(c.appid, "");
}

static void
a_file_is_bytes_with_a_name(void **state)
{
	struct proto_call c;
	_buf_ struct buf b;

	(void)state;
	unbase64(&b, "CAASGQoXCgVtZWRpYRIDAQIDIgltZWRpYS5wbmc=");
	assert_int_equal(proto_call_parse(&c, buf_all(&b)), 0);
	assert_int_equal(c.pairs, 1);
	is(c.pair[0].key, "media");
	is(c.pair[0].value, "\1\2\3");
	is(c.pair[0].filename, "media.png");
}

static void
services_have_a_name_and_a_request_of_their_own(void **state)
{
	struct slice ids[2], appid;
	struct proto_voip v;
	struct proto_call c;
	struct buf b;

	(void)state;
	unbase64(&b, "CAIiIQoXQXBpR2V0T3BlbkRhdGFCeUNsb3VkSWQSBhIEY2lkMQ==");
	assert_int_equal(proto_call_parse(&c, buf_all(&b)), 0);
	assert_int_equal(c.api, PROTO_SERVICE_API);
	is(c.service, "ApiGetOpenDataByCloudId");
	assert_int_equal(proto_cloudids_parse(c.request, ids, 2, &appid), 1);
	is(ids[0], "cid1");
	is(appid, "");
	assert_int_equal(
		proto_cloudids_parse(c.request, ids, 0, &appid), ERR_TOO_BIG);
	buf_done(&b);

	unbase64(&b, "CAIiFwoLQXBpVm9pcFNpZ24SCBIBZxgBIgFu");
	assert_int_equal(proto_call_parse(&c, buf_all(&b)), 0);
	is(c.service, "ApiVoipSign");
	assert_int_equal(proto_voip_parse(&v, c.request), 0);
	is(v.group, "g");
	is(v.nonce, "n");
	assert_int_equal(v.timestamp, 1);
	buf_done(&b);
}

static void
same(const struct buf *b, const char *base64)
{
	_buf_ struct buf text;

	buf_init(&text, 4096);
	text_base64(&text, buf_all(b));
	buf_char(&text, '\0');
	assert_string_equal(text.ptr, base64);
}

static void
answers_are_the_bytes_that_the_sdk_takes(void **state)
{
	struct buf b, list;

	(void)state;
	buf_init(&b, 4096);
	proto_answer_put(&b,
		&(struct proto_answer){
			.body = SLICE("{\"errcode\":0,\"errmsg\":\"ok\",\"msg_"
				      "id\":1}"),
			.content_type = SLICE("application/json"),
			.status = 200,
		});
	same(&b,
		"CiZ7ImVycmNvZGUiOjAsImVycm1zZyI6Im9rIiwibXNnX2lkIjoxfRIQYXBwbG"
		"ljYXRpb24vanNvbhgAIMgBMAA=");
	buf_clear(&b);
	buf_init(&list, 4096);
	proto_opendata_put(&list, SLICE("cid1"),
		SLICE("{\"cloudID\":\"cid1\",\"data\":{\"phoneNumber\":"
		      "\"13800000000\"}}"));
	proto_answer_put(&b, &(struct proto_answer){.body = buf_all(&list),
				     .content_type = {"", 0},
				     .status = 200});
	same(&b,
		"CkEKPwoEY2lkMRI3eyJjbG91ZElEIjoiY2lkMSIsImRhdGEiOnsicGhvbmVOdW"
		"1iZXIiOiIxMzgwMDAwMDAwMCJ9fRIAGAAgyAEwAA==");
	buf_clear(&b);
	buf_clear(&list);
	proto_signature_put(&list, SLICE("voip-sig"));
	proto_answer_put(&b, &(struct proto_answer){.body = buf_all(&list),
				     .content_type = {"", 0},
				     .status = 200});
	same(&b, "CgoKCHZvaXAtc2lnEgAYACDIATAA");
	buf_done(&b);
	buf_done(&list);
}

/* protobuf.dev/programming-guides/encoding: an int32 of -2 is
 * 11111110 11111111 (8 times) 00000001. */
static void
negative_numbers_have_ten_bytes(void **state)
{
	struct proto_field f;
	struct slice rest;
	_buf_ struct buf b;

	(void)state;
	buf_init(&b, 64);
	proto_put_int(&b, 3, -2);
	assert_int_equal(b.len, 11);
	assert_memory_equal(
		b.ptr, "\x18\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
	rest = buf_all(&b);
	assert_int_equal(proto_next(&rest, &f), 1);
	assert_int_equal(f.number, 3);
	assert_int_equal((int64_t)f.value, -2);
	assert_int_equal(proto_next(&rest, &f), 0);
}

/* The same guide: 150 in field 1 is 08 96 01, "testing" in field 2 is
 * 12 07 74 65 73 74 69 6e 67. */
static void
the_guides_examples_are_read(void **state)
{
	struct slice rest = SLICE("\x08\x96\x01\x12\x07testing");
	struct proto_field f;

	(void)state;
	assert_int_equal(proto_next(&rest, &f), 1);
	assert_int_equal(f.number, 1);
	assert_int_equal(f.value, 150);
	assert_int_equal(proto_next(&rest, &f), 1);
	assert_int_equal(f.number, 2);
	is(f.bytes, "testing");
	assert_int_equal(proto_next(&rest, &f), 0);
}

static void
fields_of_other_numbers_are_passed_over(void **state)
{
	/* field 9 fixed64, field 10 fixed32, field 11 varint, then appid */
	struct slice data = SLICE("\x49"
				  "12345678"
				  "\x55"
				  "1234"
				  "\x58\x01\x32\x03wx1");
	struct proto_call c;

	(void)state;
	assert_int_equal(proto_call_parse(&c, data), 0);
	is(c.appid, "wx1");
	assert_int_equal(c.pairs, 0);
	assert_int_equal(proto_options_parse(SLICE("\x0a\x02hi"), &c.appid), 0);
	is(c.appid, "hi");
	assert_int_equal(proto_options_parse(SLICE(""), &c.appid), 0);
	is(c.appid, "");
}

static void
broken_messages_are_refused(void **state)
{
	static const struct slice broken[] = {
		{"\x12\x05pair", 6},     /* shorter than it says */
		{"\x12", 1},             /* no length */
		{"\x08", 1},             /* no number */
		{"\x08\x80", 2},         /* a number without its end */
		{"\x02\x00", 2},         /* field 0 */
		{"\x0b", 1},             /* a group */
		{"\x0f\x01", 2},         /* no such kind */
		{"\x49\x01\x02", 3},     /* half a fixed64 */
		{"\x12\x02\x0a\x05", 4}, /* broken inside */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11},
	};
	struct proto_call c;

	(void)state;
	for (size_t i = 0; i < array_size(broken); i++)
		assert_int_equal(proto_call_parse(&c, broken[i]), ERR_FORMAT);
}

static void
members_have_a_ceiling(void **state)
{
	struct proto_call c;
	struct buf pairs, all;

	(void)state;
	buf_init(&pairs, 65536);
	buf_init(&all, 65536);
	for (int i = 0; i < PROTO_PAIRS; i++)
		proto_put_bytes(&pairs, 1, SLICE("\x0a\x01k"));
	proto_put_bytes(&all, 2, buf_all(&pairs));
	assert_int_equal(proto_call_parse(&c, buf_all(&all)), 0);
	assert_int_equal(c.pairs, PROTO_PAIRS);
	proto_put_bytes(&all, 2, SLICE("\x0a\x03\x0a\x01k"));
	assert_int_equal(proto_call_parse(&c, buf_all(&all)), ERR_TOO_BIG);
	buf_done(&pairs);
	buf_done(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_of_openapi_is_pairs_of_name_and_json),
		cmocka_unit_test(a_file_is_bytes_with_a_name),
		cmocka_unit_test(
			services_have_a_name_and_a_request_of_their_own),
		cmocka_unit_test(answers_are_the_bytes_that_the_sdk_takes),
		cmocka_unit_test(negative_numbers_have_ten_bytes),
		cmocka_unit_test(the_guides_examples_are_read),
		cmocka_unit_test(fields_of_other_numbers_are_passed_over),
		cmocka_unit_test(broken_messages_are_refused),
		cmocka_unit_test(members_have_a_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
