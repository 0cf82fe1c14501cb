/*
 * The pure parts of watch(): messages of js-sdk as they were seen on the wire,
 * events as it reads them, and the sealed texts that a client carries.
 */
#include "auth/seal.h"
#include "tests/unit/test.h"
#include "watch/watch_events.h"
#include "watch/watch_message.h"
#include "watch/watch_sign.h"

#define KEY   "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define OTHER "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static int
parse(struct watch_message *m, const char *text)
{
	struct fault why;

	return watch_message_parse(m, slice_str(text), &why);
}

#define assert_slice(s, text) assert_true(slice_is((s), (text)))

static void
what_the_sdk_sends_is_read(void **state _unused_)
{
	struct watch_message m;

	assert_int_equal(
		parse(&m, "{\"requestId\":\"1_0.1\",\"msgType\":\"LOGIN\","
			  "\"msgData\":{\"envId\":\"e\",\"accessToken\":\"\"},"
			  "\"exMsgData\":{\"runtime\":\"web\",\"signStr\":"
			  "\"SIGN\",\"secretVersion\":\"1\"}}"),
		0);
	assert_int_equal(m.kind, WATCH_LOGIN);
	assert_slice(m.sign, "SIGN");
	assert_slice(m.request_id, "1_0.1");
	assert_slice(m.watch_id, "");
	watch_message_done(&m);
	assert_int_equal(
		parse(&m, "{\"watchId\":\"w\",\"requestId\":\"r\",\"msgType\":"
			  "\"INIT_WATCH\",\"msgData\":{\"envId\":\"e\","
			  "\"collName\":\"t\",\"query\":\"{\\\"a\\\":1}\","
			  "\"limit\":5,\"orderBy\":{\"n\":\"desc\",\"m\":"
			  "\"asc\"}}}"),
		0);
	assert_int_equal(m.kind, WATCH_INIT_WATCH);
	assert_slice(m.collection, "t");
	assert_slice(m.query, "{\"a\":1}");
	assert_slice(m.order, "[{\"field\":\"n\",\"direction\":\"desc\"},"
			      "{\"field\":\"m\",\"direction\":\"asc\"}]");
	assert_int_equal(m.limit, 5);
	watch_message_done(&m);
	assert_int_equal(
		parse(&m, "{\"watchId\":\"w\",\"requestId\":\"r\",\"msgType\":"
			  "\"REBUILD_WATCH\",\"msgData\":{\"envId\":\"e\","
			  "\"collName\":\"t\",\"queryID\":\"q1\",\"eventID\":"
			  "4}}"),
		0);
	assert_slice(m.query_id, "q1");
	assert_int_equal(m.event_id, 4);
	watch_message_done(&m);
	assert_int_equal(parse(&m, "{\"requestId\":\"r\",\"msgType\":\"PING\","
				   "\"msgData\":null}"),
		0);
	assert_int_equal(m.kind, WATCH_PING);
	watch_message_done(&m);
}

static void
a_query_may_be_json_or_a_string_of_it(void **state _unused_)
{
	struct watch_message m;

	assert_int_equal(
		parse(&m, "{\"watchId\":\"w\",\"msgType\":\"INIT_WATCH\","
			  "\"msgData\":{\"collName\":\"t\",\"query\":{\"a\":"
			  "[1,null]},\"orderBy\":[{\"field\":\"n\"}]}}"),
		0);
	assert_slice(m.query, "{\"a\":[1,null]}");
	assert_slice(m.order, "[{\"field\":\"n\"}]");
	assert_int_equal(m.limit, -1);
	watch_message_done(&m);
}

static void
what_is_wrong_is_refused(void **state _unused_)
{
	static const char *const bad[] = {"", "[]", "1", "{}", "{\"a\"",
		"{\"msgType\":\"DANCE\"}", "{\"msgType\":\"LOGIN\"}",
		"{\"msgType\":\"LOGIN\",\"exMsgData\":{\"signStr\":1}}",
		"{\"msgType\":\"INIT_WATCH\",\"msgData\":{\"collName\":\"t\"}}",
		"{\"msgType\":\"INIT_WATCH\",\"watchId\":\"w\"}",
		"{\"msgType\":\"INIT_WATCH\",\"watchId\":\"w\",\"msgData\":{"
		"\"collName\":\"t\",\"orderBy\":{\"n\":true}}}",
		"{\"msgType\":\"INIT_WATCH\",\"watchId\":\"w\",\"msgData\":{"
		"\"collName\":\"t\",\"limit\":-2}}",
		"{\"msgType\":\"REBUILD_WATCH\",\"watchId\":\"w\",\"msgData\":"
		"{\"queryID\":\"q\",\"eventID\":-1}}",
		"{\"msgType\":\"CHECK_LAST\",\"watchId\":\"w\",\"msgData\":{"
		"\"queryID\":\"q\",\"eventID\":1.5}}"};
	struct watch_message m;

	for (size_t i = 0; i < array_size(bad); i++) {
		if (parse(&m, bad[i]) == 0)
			fail_msg("taken: %s", bad[i]);
		watch_message_done(&m);
	}
}

/* The frames of watch-protocol-js-sdk-3.7.0, tests/e2e/watch/protocol.json. */
static void
events_are_written_as_the_sdk_reads_them(void **state _unused_)
{
	const struct watch_change changes[] = {
		{.data = WATCH_UPDATE,
			.queue = WATCH_QUEUE_UPDATE,
			.id = SLICE("\"d1\""),
			.doc = SLICE("{\"_id\":\"d1\"}"),
			.updated = SLICE("{\"n\":9,\"o.k\":true}"),
			.removed = SLICE("[\"x\"]")},
		{.data = WATCH_ADD,
			.queue = WATCH_ENQUEUE,
			.id = SLICE("\"d3\""),
			.doc = SLICE("{\"_id\":\"d3\"}")},
		{.data = WATCH_REMOVE,
			.queue = WATCH_DEQUEUE,
			.id = SLICE("7")},
	};
	_buf_ struct buf b;

	buf_init(&b, 4096);
	watch_events_put(&b, true, 1ULL << 52, changes, array_size(changes));
	assert_string_equal(b.ptr,
		",{\"ID\":4503599627370496,\"DataType\":\"update\","
		"\"QueueType\":\"update\",\"DocID\":\"d1\",\"Doc\":\"\","
		"\"UpdatedFields\":\"{\\\"n\\\":9,\\\"o.k\\\":true}\","
		"\"removedFields\":\"[\\\"x\\\"]\"},"
		"{\"ID\":4503599627370496,\"DataType\":\"add\","
		"\"QueueType\":\"enqueue\",\"DocID\":\"d3\",\"Doc\":"
		"\"{\\\"_id\\\":\\\"d3\\\"}\",\"UpdatedFields\":\"\","
		"\"removedFields\":\"\"},"
		"{\"ID\":4503599627370496,\"DataType\":\"remove\","
		"\"QueueType\":\"dequeue\",\"DocID\":7,\"Doc\":\"\","
		"\"UpdatedFields\":\"\",\"removedFields\":\"\"}");
}

static void
an_empty_result_is_a_document_that_comes_and_goes(void **state _unused_)
{
	_buf_ struct buf b;

	buf_init(&b, 4096);
	watch_events_put_empty(&b, 3);
	assert_string_equal(b.ptr,
		"{\"ID\":3,\"DataType\":\"init\",\"QueueType\":\"init\","
		"\"DocID\":\"\",\"Doc\":\"{\\\"_id\\\":\\\"\\\"}\","
		"\"UpdatedFields\":\"\",\"removedFields\":\"\"},"
		"{\"ID\":3,\"DataType\":\"remove\",\"QueueType\":\"dequeue\","
		"\"DocID\":\"\",\"Doc\":\"\",\"UpdatedFields\":\"\","
		"\"removedFields\":\"\"}");
}

static struct seal *
seal_of(const char *key)
{
	struct seal *seal = NULL;
	struct fault why;

	assert_int_equal(seal_new(&seal, slice_str(key), &why), 0);
	return seal;
}

static const struct caller someone = {.role = CALLER_USER,
	.uid = "u1",
	.appid = "wx1",
	.openid = "o1",
	.unionid = "",
	.kind = "wechat",
	.custom_id = "c \"1\"",
	.sid = 0xfedcba9876543210};

static void
a_signature_is_good_for_five_minutes(void **state _unused_)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	_cleanup_(seal_freep) struct seal *other = seal_of(OTHER);
	_buf_ struct buf sign;
	struct arena arena;
	struct caller who;

	buf_init(&sign, 4096);
	arena_init(&arena, 1 << 16);
	assert_int_equal(watch_sign_put(seal, &someone, 1000, &sign), 0);
	assert_int_equal(
		watch_sign_open(seal, buf_all(&sign), 1300, &arena, &who), 0);
	assert_int_equal(who.role, CALLER_USER);
	assert_string_equal(who.uid, "u1");
	assert_string_equal(who.openid, "o1");
	assert_string_equal(who.custom_id, "c \"1\"");
	assert_true(who.sid == someone.sid);
	assert_int_equal(
		watch_sign_open(seal, buf_all(&sign), 1301, &arena, &who),
		ERR_TOKEN_EXPIRED);
	assert_int_equal(
		watch_sign_open(other, buf_all(&sign), 1000, &arena, &who),
		ERR_TOKEN_BAD);
	sign.ptr[sign.len / 2] ^= 1;
	assert_int_equal(
		watch_sign_open(seal, buf_all(&sign), 1000, &arena, &who),
		ERR_TOKEN_BAD);
	arena_done(&arena);
}

static void
a_query_id_comes_back_whole_and_is_no_signature(void **state _unused_)
{
	_cleanup_(seal_freep) struct seal *seal = seal_of(KEY);
	const struct watch_place place = {.uid = SLICE("u1"),
		.collection = SLICE("t"),
		.query = SLICE("{\"a\":\"\\u0000\"}"),
		.order = SLICE(""),
		.limit = -1,
		.epoch = UINT64_MAX - 1};
	_buf_ struct buf id;
	struct watch_place got;
	struct arena arena;
	struct caller who;

	buf_init(&id, 4096);
	arena_init(&arena, 1 << 16);
	assert_int_equal(watch_place_put(seal, &place, &id), 0);
	assert_int_equal(watch_place_open(seal, buf_all(&id), &arena, &got), 0);
	assert_true(slice_eq(got.uid, place.uid));
	assert_true(slice_eq(got.query, place.query));
	assert_int_equal(got.limit, -1);
	assert_true(got.epoch == place.epoch);
	assert_int_equal(watch_sign_open(seal, buf_all(&id), 0, &arena, &who),
		ERR_TOKEN_BAD);
	id.len--;
	assert_int_equal(
		watch_place_open(seal, buf_all(&id), &arena, &got), ERR_PARAM);
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_sdk_sends_is_read),
		cmocka_unit_test(a_query_may_be_json_or_a_string_of_it),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(events_are_written_as_the_sdk_reads_them),
		cmocka_unit_test(
			an_empty_result_is_a_document_that_comes_and_goes),
		cmocka_unit_test(a_signature_is_good_for_five_minutes),
		cmocka_unit_test(
			a_query_id_comes_back_whole_and_is_no_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
