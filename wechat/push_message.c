/*
 * What is in a message of WeChat's.  Its name is what makes three tries one
 * call: WeChat promises a MsgId for messages only, and tells to take sender and
 * time of events, which two results of one second would share; so the rest
 * counts too.
 */
#include "wechat/push.h"

#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
	ID_TOP = 64,
	SENDER_SHOWN = 30, /* bytes; escaped they are three times as many */
	EVENT_SHOWN = 15,
	SUM_SHOWN = 16, /* bytes of SHA-256 */
};

static struct slice
field(const json_t *msg, const char *name)
{
	const json_t *v = json_object_get(msg, name);

	return json_is_string(v)
		       ? slice_of(json_string_value(v), json_string_length(v))
		       : SLICE("");
}

struct slice
push_sender(const json_t *msg)
{
	return field(msg, "FromUserName");
}

/* Canonical: members sorted, so that their order does not matter. */
static void
put_sum(struct buf *to, const json_t *msg)
{
	_free_ char *text = json_dumps(msg, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t sum[SHA256_LEN];

	crypto_sha256(slice_str(text), sum);
	text_hex(to, slice_of(sum, SUM_SHOWN));
}

void
push_name(const json_t *msg, char ret[PUSH_NAME_TOP])
{
	struct slice id = field(msg, "MsgId"), from = push_sender(msg);
	struct slice what = field(msg, "Event");
	_buf_ struct buf name;

	buf_init(&name, PUSH_NAME_TOP - 1);
	if (id.len && id.len <= ID_TOP) {
		buf_str(&name, "id ");
		text_url(&name, id);
	}
	if (!id.len || buf_check(&name) < 0) {
		buf_clear(&name);
		buf_printf(&name, "event %lld ",
			(long long)json_integer_value(
				json_object_get(msg, "CreateTime")));
		text_url(&name, slice_of(from.ptr,
					min(from.len, (size_t)SENDER_SHOWN)));
		buf_char(&name, ' ');
		text_url(&name,
			slice_of(what.ptr, min(what.len, (size_t)EVENT_SHOWN)));
		buf_char(&name, ' ');
		put_sum(&name, msg);
	}
	memcpy(ret, name.ptr, name.len);
	ret[name.len] = '\0';
}

json_t *
push_events(const json_t *msg)
{
	struct slice type = field(msg, "MsgType"), what = field(msg, "Event");
	_free_ char *whole = NULL;
	json_t *all = json_array();

	(void)json_array_append_new(all, json_stringn(type.ptr, type.len));
	if (!slice_is(type, "event")) {
		(void)json_array_append_new(all, json_string("message"));
	} else if (what.len) {
		whole = str_printf("event.%.*s", SLICE_ARG(what));
		(void)json_array_append_new(all, json_string(whole));
		(void)json_array_append_new(
			all, json_stringn(what.ptr, what.len));
	}
	return all;
}
