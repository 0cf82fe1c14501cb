/*
 * Message push against published messages and against node:crypto's, right ones
 * and wrong ones (data/push.mjs).
 */
#include "base/mem.h"
#include "tests/unit/data/push.h"
#include "tests/unit/data/push_published.h"
#include "tests/unit/test.h"
#include "wechat/push.h"

static struct push_home
home_make(bool sealed)
{
	return (struct push_home){
		PUSH_APPID, PUSH_TOKEN, sealed ? PUSH_KEY : ""};
}

static void
published_seals_open(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(published); i++) {
		struct push_home home = {published[i].appid, published[i].token,
			published[i].key};
		_buf_ struct buf plain;
		struct slice text;
		struct fault why = {0};

		buf_init(&plain, PUSH_BODY_TOP);
		if (push_unseal(&home, slice_str(published[i].encrypt), &plain,
			    &text, &why) < 0)
			fail_msg("%s: %s", published[i].name, why.text);
		assert_true(slice_is(text, published[i].plain));
	}
}

static void
published_messages_are_verified_and_read(void **state)
{
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < array_size(published); i++) {
		struct push_home home = {published[i].appid, published[i].token,
			published[i].key};
		struct push_ask ask = {
			.timestamp = slice_str(published[i].timestamp),
			.nonce = slice_str(published[i].nonce),
			.msg_signature = slice_str(published[i].msg_signature),
		};
		_json_ json_t *msg = NULL, *outer = NULL;
		_free_ char *body = NULL;

		if (!*published[i].msg_signature)
			continue;
		n++;
		outer = json_pack("{s:s}", "Encrypt", published[i].encrypt);
		body = json_dumps(outer, JSON_COMPACT);
		ask.body = slice_str(body);
		assert_int_equal(push_open(&home, &ask, &msg, NULL), 0);
		assert_string_equal(
			json_string_value(json_object_get(msg, "MsgType")),
			"text");
		assert_string_equal(
			json_string_value(json_object_get(msg, "Content")),
			"hello");
	}
	assert_int_equal(n, 2);
}

static void
the_address_is_checked_by_the_published_sum(void **state)
{
	const struct push_home home = {"wx1", URL_TOKEN, ""};
	struct push_ask ask = {
		.signature = SLICE(URL_SIGNATURE),
		.timestamp = SLICE(URL_TIMESTAMP),
		.nonce = SLICE(URL_NONCE),
	};

	(void)state;
	assert_int_equal(push_check(&home, &ask, NULL), 0);
	ask.nonce = SLICE("xxxxxy");
	assert_int_equal(push_check(&home, &ask, NULL), ERR_PUSH_TOKEN);
	ask.nonce = SLICE("");
	assert_int_equal(push_check(&home, &ask, NULL), ERR_PUSH_UNSIGNED);
}

static void
messages_of_node_are_taken_or_refused_for_their_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(pushes); i++) {
		struct push_home home = home_make(pushes[i].sealed);
		struct push_ask ask = {
			.signature = slice_str(pushes[i].signature),
			.timestamp = slice_str(pushes[i].timestamp),
			.nonce = slice_str(pushes[i].nonce),
			.msg_signature = slice_str(pushes[i].msg_signature),
			.body = slice_str(pushes[i].body),
		};
		_json_ json_t *msg = NULL, *wanted = NULL;
		struct fault why = {0};
		int r = push_open(&home, &ask, &msg, &why);

		if (r != pushes[i].error)
			fail_msg("%s: %d %s", pushes[i].name, r, why.text);
		if (r < 0) {
			assert_null(msg);
			assert_true(strlen(why.text) > 10);
			assert_null(strstr(why.text, PUSH_KEY));
			continue;
		}
		wanted = json_loads(pushes[i].json, 0, NULL);
		if (!wanted || !json_equal(msg, wanted))
			fail_msg("%s: another message", pushes[i].name);
	}
}

/* Every single byte of a sealed message that is changed is noticed. */
static void
no_changed_byte_is_taken(void **state)
{
	struct push_home home = home_make(true);
	struct push_ask ask = {
		.signature = slice_str(pushes[2].signature),
		.timestamp = slice_str(pushes[2].timestamp),
		.nonce = slice_str(pushes[2].nonce),
		.msg_signature = slice_str(pushes[2].msg_signature),
	};
	const char *begin = strstr(pushes[2].body, "Encrypt\":\"") + 10;
	size_t from = (size_t)(begin - pushes[2].body);

	(void)state;
	assert_string_equal(pushes[2].name, "sealed JSON");
	for (size_t i = from; pushes[2].body[i] != '"'; i++) {
		_free_ char *body = str_dup(pushes[2].body);
		json_t *msg = NULL;

		body[i] = body[i] == 'A' ? 'B' : 'A';
		ask.body = slice_str(body);
		assert_int_equal(
			push_open(&home, &ask, &msg, NULL), ERR_PUSH_ALTERED);
	}
}

static void
keys_have_43_letters_of_which_the_last_may_be_any(void **state)
{
	(void)state;
	assert_int_equal(push_key_check(SLICE(PUSH_KEY), NULL), 0);
	for (const char *last = "ABCDEFGxyz019+/"; *last; last++) {
		char key[] = PUSH_KEY;

		key[PUSH_KEY_TEXT - 1] = *last;
		assert_int_equal(push_key_check(slice_str(key), NULL), 0);
	}
	assert_int_equal(push_key_check(SLICE(PUSH_KEY "="), NULL), ERR_CONFIG);
	assert_int_equal(push_key_check(SLICE("short"), NULL), ERR_CONFIG);
	assert_int_equal(
		push_key_check(
			SLICE("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2-"),
			NULL),
		ERR_CONFIG);
	assert_int_equal(
		push_key_check(
			SLICE("jWmYm7qr5nMoAUwZ jGtBxmz3KA1tkAj3ykkR6q2B2C"),
			NULL),
		ERR_CONFIG);
}

static void
a_timestamp_a_day_off_is_stale(void **state)
{
	struct push_ask ask = {.timestamp = SLICE("1700000000")};

	(void)state;
	assert_int_equal(push_fresh(&ask, PUSH_TIME + PUSH_AGE_S, NULL), 0);
	assert_int_equal(push_fresh(&ask, PUSH_TIME - PUSH_AGE_S, NULL), 0);
	assert_int_equal(push_fresh(&ask, PUSH_TIME + PUSH_AGE_S + 1, NULL),
		ERR_PUSH_STALE);
	assert_int_equal(push_fresh(&ask, PUSH_TIME - PUSH_AGE_S - 1, NULL),
		ERR_PUSH_STALE);
	ask.timestamp = SLICE("soon");
	assert_int_equal(push_fresh(&ask, PUSH_TIME, NULL), ERR_PUSH_STALE);
	ask.timestamp = SLICE("99999999999999999999");
	assert_int_equal(push_fresh(&ask, PUSH_TIME, NULL), ERR_PUSH_STALE);
}

static void
name_of(const char *text, char ret[PUSH_NAME_TOP])
{
	_json_ json_t *msg = json_loads(text, 0, NULL);

	assert_non_null(msg);
	push_name(msg, ret);
}

static void
expect_names(const char *a, const char *b, bool same)
{
	char x[PUSH_NAME_TOP], y[PUSH_NAME_TOP];

	name_of(a, x);
	name_of(b, y);
	assert_int_equal(strcmp(x, y) == 0, same);
}

static void
a_message_has_one_name_and_two_have_two(void **state)
{
	char name[PUSH_NAME_TOP];

	(void)state;
	name_of("{\"MsgId\":\"23637352235060880\",\"FromUserName\":\"o1\"}",
		name);
	assert_string_equal(name, "id 23637352235060880");
	expect_names("{\"MsgId\":\"1\",\"CreateTime\":1}",
		"{\"MsgId\":\"1\",\"CreateTime\":2}", true);
	expect_names("{\"MsgId\":\"1\"}", "{\"MsgId\":\"2\"}", false);
	/* the order of members says nothing */
	expect_names(
		"{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"e\"}",
		"{\"Event\":\"e\",\"CreateTime\":1,\"FromUserName\":\"o\"}",
		true);
	expect_names(
		"{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"e\"}",
		"{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"f\"}",
		false);
	expect_names(
		"{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"e\"}",
		"{\"FromUserName\":\"p\",\"CreateTime\":1,\"Event\":\"e\"}",
		false);
	/* two results of checks in one second */
	expect_names("{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"e\","
		     "\"trace_id\":\"1\"}",
		"{\"FromUserName\":\"o\",\"CreateTime\":1,\"Event\":\"e\","
		"\"trace_id\":\"2\"}",
		false);
	/* a name is never longer than its place */
	name_of("{\"FromUserName\":\"中中中中中中中中中中中中中中中中中中\","
		"\"CreateTime\":9223372036854775807,"
		"\"Event\":\"中中中中中中中中中中中中\"}",
		name);
	assert_true(strlen(name) < PUSH_NAME_TOP);
	name_of("{}", name);
	assert_true(*name);
}

static void
expect_events(const char *text, const char *list)
{
	_json_ json_t *msg = json_loads(text, 0, NULL);
	_json_ json_t *wanted = json_loads(list, 0, NULL);
	_json_ json_t *is = push_events(msg);

	assert_true(json_equal(is, wanted));
}

static void
triggers_may_name_a_message_by_type_or_event(void **state)
{
	(void)state;
	expect_events("{\"MsgType\":\"text\"}", "[\"text\",\"message\"]");
	expect_events(
		"{\"MsgType\":\"event\",\"Event\":\"user_enter_tempsession\"}",
		"[\"event\",\"event.user_enter_tempsession\","
		"\"user_enter_tempsession\"]");
	expect_events("{\"MsgType\":\"event\"}", "[\"event\"]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_seals_open),
		cmocka_unit_test(published_messages_are_verified_and_read),
		cmocka_unit_test(the_address_is_checked_by_the_published_sum),
		cmocka_unit_test(
			messages_of_node_are_taken_or_refused_for_their_reason),
		cmocka_unit_test(no_changed_byte_is_taken),
		cmocka_unit_test(
			keys_have_43_letters_of_which_the_last_may_be_any),
		cmocka_unit_test(a_timestamp_a_day_off_is_stale),
		cmocka_unit_test(a_message_has_one_name_and_two_have_two),
		cmocka_unit_test(triggers_may_name_a_message_by_type_or_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
