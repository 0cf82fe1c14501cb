/*
 * A message of the watch protocol, from JSON.
 *
 * Each kind is a row: its name, and the function that reads its msgData.  The
 * SDK gives queries as JSON inside a string, orders as {field: "desc"}; either
 * may come as the other, too.
 */
#include "watch/watch_message.h"

#include "base/val.h"

#include <string.h>

enum { VALUES_TOP = 2000, SIGN_TOP = 8192, SEALED_TOP = 64 * 1024 };

static struct slice
text_of(const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	return slice_of(json_string_value(v) ? json_string_value(v) : "",
		json_string_length(v));
}

static int
read_nothing(struct watch_message *m _unused_, const json_t *data _unused_,
	struct fault *why _unused_)
{
	return 0;
}

static int
read_login(
	struct watch_message *m, const json_t *data _unused_, struct fault *why)
{
	json_t *more;
	int e = val_obj(m->json, "exMsgData", &more, why);

	if (e < 0)
		return e;
	return val_str(more, "signStr", SIGN_TOP, &m->sign, why);
}

/* The text of a value that is JSON or JSON inside a string. */
static int
read_json(struct buf *made, const json_t *v, const char *key, struct slice *ret,
	struct fault *why)
{
	*ret = slice_of("", 0);
	if (!v || json_is_null(v))
		return 0;
	if (json_is_string(v)) {
		*ret = slice_of(json_string_value(v), json_string_length(v));
	} else {
		val_put(made, v);
		*ret = buf_all(made);
	}
	if (buf_check(made) < 0 || ret->len > WATCH_QUERY_TOP)
		return fault_set(why, ERR_PARAM,
			"%s: more than %d bytes of JSON", key, WATCH_QUERY_TOP);
	return 0;
}

static int
put_order(struct buf *to, const char *field, const json_t *direction)
{
	bool down;

	if (json_is_string(direction))
		down = strcmp(json_string_value(direction), "desc") == 0;
	else if (json_is_integer(direction))
		down = json_integer_value(direction) < 0;
	else
		return ERR_PARAM;
	if (to->len > 1)
		buf_char(to, ',');
	buf_str(to, "{\"field\":");
	buf_json(to, slice_str(field));
	buf_printf(to, ",\"direction\":\"%s\"}", down ? "desc" : "asc");
	return 0;
}

/* {"n":"desc"} → [{"field":"n","direction":"desc"}]. */
static int
read_order(struct watch_message *m, const json_t *v, struct fault *why)
{
	struct buf *b = &m->made_order;
	const char *field;
	json_t *direction;

	if (!json_is_object(v))
		return read_json(b, v, "orderBy", &m->order, why);
	m->order = slice_of("", 0);
	if (!json_object_size(v))
		return 0;
	buf_char(b, '[');
	json_object_foreach ((json_t *)(uintptr_t)v, field, direction)
		if (put_order(b, field, direction) < 0)
			return fault_set(why, ERR_PARAM,
				"orderBy: \"asc\" or \"desc\" for each field");
	buf_char(b, ']');
	if (buf_check(b) < 0)
		return fault_set(why, ERR_PARAM, "orderBy: too long");
	m->order = buf_all(b);
	return 0;
}

static int
read_init(struct watch_message *m, const json_t *data, struct fault *why)
{
	int e = val_str(data, "collName", WATCH_ID_TOP, &m->collection, why);

	if (e == 0)
		e = read_json(&m->made_query, json_object_get(data, "query"),
			"query", &m->query, why);
	if (e == 0)
		e = read_order(m, json_object_get(data, "orderBy"), why);
	if (e == 0)
		e = val_int_or(
			data, "limit", -1, INT32_MAX, -1, &m->limit, why);
	return e;
}

static int
read_place(struct watch_message *m, const json_t *data, struct fault *why)
{
	int e = val_str(data, "queryID", SEALED_TOP, &m->query_id, why);

	if (e < 0)
		return e;
	return val_int(data, "eventID", 0, INT64_MAX / 2, &m->event_id, why);
}

static const struct kind {
	const char *name;
	int (*read)(
		struct watch_message *m, const json_t *data, struct fault *why);
	bool of_watch; /* names one */
} kinds[] = {
	[WATCH_LOGIN] = {"LOGIN", read_login, false},
	[WATCH_PING] = {"PING", read_nothing, false},
	[WATCH_INIT_WATCH] = {"INIT_WATCH", read_init, true},
	[WATCH_REBUILD_WATCH] = {"REBUILD_WATCH", read_place, true},
	[WATCH_CHECK_LAST] = {"CHECK_LAST", read_place, true},
	[WATCH_CLOSE_WATCH] = {"CLOSE_WATCH", read_nothing, true},
};

static const struct kind *
kind_of(struct slice name)
{
	for (size_t i = 0; i < array_size(kinds); i++)
		if (slice_is(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static int
read_ids(struct watch_message *m, struct fault *why)
{
	struct slice watch = text_of(m->json, "watchId");
	struct slice request = text_of(m->json, "requestId");

	if (watch.len > WATCH_ID_TOP || request.len > WATCH_ID_TOP)
		return fault_set(why, ERR_PARAM,
			"watchId, requestId: %d bytes at most", WATCH_ID_TOP);
	m->watch_id = watch;
	m->request_id = request;
	return 0;
}

int
watch_message_parse(
	struct watch_message *m, struct slice text, struct fault *why)
{
	size_t values = VALUES_TOP;
	const struct kind *kind;
	int e;

	*m = (struct watch_message){.watch_id = slice_of("", 0),
		.request_id = slice_of("", 0),
		.limit = -1};
	buf_init(&m->made_query, WATCH_QUERY_TOP);
	buf_init(&m->made_order, WATCH_QUERY_TOP);
	e = val_parse_some(&m->json, text, &values, why);
	if (e < 0)
		return e;
	if (!json_is_object(m->json))
		return fault_set(why, ERR_PARAM,
			"a message is {requestId, msgType, msgData}");
	e = read_ids(m, why);
	if (e < 0)
		return e;
	kind = kind_of(text_of(m->json, "msgType"));
	if (!kind)
		return fault_set(why, ERR_PARAM,
			"msgType: not known here: LOGIN, PING, INIT_WATCH, "
			"REBUILD_WATCH, CHECK_LAST, CLOSE_WATCH");
	if (kind->of_watch && !m->watch_id.len)
		return fault_set(why, ERR_PARAM, "watchId: missing");
	m->kind = (enum watch_message_kind)(kind - kinds);
	return kind->read(m, json_object_get(m->json, "msgData"), why);
}

void
watch_message_done(struct watch_message *m)
{
	json_decref(m->json);
	m->json = NULL;
	buf_done(&m->made_query);
	buf_done(&m->made_order);
}
