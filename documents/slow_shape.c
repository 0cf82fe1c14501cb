/*
 * A request without its values.  What remains is what an index is chosen by:
 * names of fields, operators, types.  A name of a field may itself be data (a
 * map by openid): one that looks like an id is a star.
 */
#include "documents/slow.h"

#include "documents/value.h"

#include <string.h>

enum { DEPTH_TOP = 12, MEMBERS_TOP = 24, NAME_TOP = 100, STEP_TOP = 24 };

static void put_condition(struct buf *to, const json_t *v, unsigned depth);

static bool
looks_like_an_id(struct slice step)
{
	bool digit = false;

	for (size_t i = 0; i < step.len; i++)
		digit |= step.ptr[i] >= '0' && step.ptr[i] <= '9';
	return step.len >= STEP_TOP || (step.len >= 16 && digit);
}

/* A dotted path, quoted. */
static void
put_path(struct buf *to, struct slice path)
{
	_buf_ struct buf text = {0};
	struct slice step;

	buf_init(&text, NAME_TOP + STEP_TOP + 8);
	while (slice_split(&path, '.', &step)) {
		if (text.len)
			buf_char(&text, '.');
		if (looks_like_an_id(step))
			buf_char(&text, '*');
		else
			buf_slice(&text, step);
		if (text.len > NAME_TOP)
			break;
	}
	buf_json(to, buf_all(&text));
}

static const char *
type_of(const json_t *v)
{
	static const struct {
		const char *tag, *type;
	} tags[] = {{"$date", "date"}, {"$tcb_server_date", "date"},
		{"$oid", "objectId"}, {"$numberInt", "number"},
		{"$numberLong", "number"}, {"$numberDouble", "number"},
		{"$numberDecimal", "number"}, {"$binary", "binary"},
		{"$regularExpression", "regex"}, {"$regex", "regex"},
		{"$timestamp", "timestamp"}};

	switch (json_typeof(v)) {
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		return "null";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
	default:
		for (size_t i = 0; i < array_size(tags); i++)
			if (json_object_get(v, tags[i].tag))
				return tags[i].type;
		return "object";
	}
}

static bool
has_operators(const json_t *v)
{
	void *at = json_object_iter((json_t *)(uintptr_t)v);

	return at && json_object_iter_key(at)[0] == '$' &&
	       !value_is_tagged(v) && strcmp(type_of(v), "object") == 0;
}

/* A list of conditions: $and, $or, $nor. */
static void
put_list(struct buf *to, const json_t *list, unsigned depth)
{
	json_t *item;
	size_t i;

	buf_char(to, '[');
	json_array_foreach (list, i, item) {
		if (i >= MEMBERS_TOP)
			break;
		if (i)
			buf_char(to, ',');
		put_condition(to, item, depth + 1);
	}
	buf_char(to, ']');
}

/* The type of the first of a list: $in, $nin, $all. */
static void
put_types(struct buf *to, const json_t *list)
{
	const json_t *first = json_array_get(list, 0);

	buf_char(to, '[');
	if (first)
		buf_printf(to, "\"%s\"", type_of(first));
	buf_char(to, ']');
}

static void
put_operand(struct buf *to, const char *op, const json_t *v, unsigned depth)
{
	if (strcmp(op, "$exists") == 0)
		buf_str(to, value_is_true(v) ? "true" : "false");
	else if (strcmp(op, "$expr") == 0)
		buf_str(to, "\"expression\"");
	else if (json_is_array(v) &&
		 (strcmp(op, "$and") == 0 || strcmp(op, "$or") == 0 ||
			 strcmp(op, "$nor") == 0))
		put_list(to, v, depth);
	else if (json_is_array(v))
		put_types(to, v);
	else if (has_operators(v) || strcmp(op, "$elemMatch") == 0)
		put_condition(to, v, depth + 1);
	else
		buf_printf(to, "\"%s\"", type_of(v));
}

static void
put_member(struct buf *to, const char *name, const json_t *v, unsigned depth)
{
	if (name[0] == '$') {
		buf_json(to, slice_of(name, strnlen(name, 40)));
		buf_char(to, ':');
		put_operand(to, name, v, depth);
		return;
	}
	put_path(to, slice_str(name));
	buf_char(to, ':');
	if (has_operators(v))
		put_condition(to, v, depth + 1);
	else
		buf_printf(to, "\"%s\"", type_of(v));
}

static void
put_condition(struct buf *to, const json_t *v, unsigned depth)
{
	const char *name;
	json_t *member;
	size_t n = 0;

	if (!json_is_object(v) || depth > DEPTH_TOP) {
		buf_str(to, "\"…\"");
		return;
	}
	buf_char(to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, name, member) {
		if (n == MEMBERS_TOP)
			break;
		if (n++)
			buf_char(to, ',');
		put_member(to, name, member, depth);
	}
	buf_char(to, '}');
}

static bool
goes_down(const json_t *v)
{
	int64_t way;
	struct fault ignored;

	if (json_is_string(v))
		return strcmp(json_string_value(v), "desc") == 0;
	return value_int(v, -1, 1, &way, &ignored) == 0 && way < 0;
}

/* {"a": 1} or [{"field": "a", "direction": "asc"}] → [{"a":1}, …], because an
 * order has one and JSON's members have none. */
static void
put_order(struct buf *to, const json_t *order)
{
	json_t *v;
	const char *name;
	size_t n = 0, i;

	buf_char(to, '[');
	json_object_foreach ((json_t *)(uintptr_t)order, name, v) {
		buf_str(to, n++ ? ",{" : "{");
		put_path(to, slice_str(name));
		buf_str(to, goes_down(v) ? ":-1}" : ":1}");
	}
	json_array_foreach (order, i, v) {
		const char *field =
			json_string_value(json_object_get(v, "field"));

		buf_str(to, n++ ? ",{" : "{");
		put_path(to, slice_str(field ? field : "?"));
		buf_str(to, goes_down(json_object_get(v, "direction")) ? ":-1}"
								       : ":1}");
	}
	buf_char(to, ']');
}

/* Of an aggregation: what each stage is, and of $match and $sort what an index
 * can help with. */
static void
put_stages(struct buf *to, const json_t *stages)
{
	json_t *stage;
	size_t i;

	buf_char(to, '[');
	json_array_foreach (stages, i, stage) {
		void *at = json_object_iter(stage);
		const char *name = at ? json_object_iter_key(at) : "?";
		const json_t *v = at ? json_object_iter_value(at) : NULL;

		if (i == MEMBERS_TOP)
			break;
		buf_str(to, i ? ",{" : "{");
		buf_json(to, slice_of(name, strnlen(name, 40)));
		buf_char(to, ':');
		if (strcmp(name, "$match") == 0)
			put_condition(to, v, 0);
		else if (strcmp(name, "$sort") == 0 && json_is_object(v))
			put_order(to, v);
		else
			buf_str(to, "\"…\"");
		buf_char(to, '}');
	}
	buf_char(to, ']');
}

static const char *
verb_name(enum doc_verb verb)
{
	static const char *const names[] = {
		[DOC_ADD_COLLECTION] = "addCollection",
		[DOC_INSERT] = "insert",
		[DOC_FIND] = "find",
		[DOC_COUNT] = "count",
		[DOC_UPDATE] = "update",
		[DOC_UPDATE_RETURN] = "update",
		[DOC_REMOVE] = "remove",
		[DOC_AGGREGATE] = "aggregate",
	};

	return names[verb];
}

/* The permission asks for the caller's own. */
static bool
is_own(const struct doc_request *req, const struct coll_info *info)
{
	bool reads = req->verb == DOC_FIND || req->verb == DOC_COUNT ||
		     req->verb == DOC_AGGREGATE;

	if (req->scope.admin || !info || req->verb == DOC_INSERT)
		return false;
	return info->permission == PERMISSION_PRIVATE ||
	       (info->permission == PERMISSION_READONLY && !reads);
}

void
slow_shape(struct buf *to, const struct doc_request *req,
	const struct coll_info *info)
{
	buf_str(to, "{\"collection\":");
	buf_json(to, req->collection);
	buf_printf(to, ",\"verb\":\"%s\"", verb_name(req->verb));
	if (is_own(req, info))
		buf_str(to, ",\"own\":true");
	if (req->query && json_object_size(req->query)) {
		buf_str(to, ",\"where\":");
		put_condition(to, req->query, 0);
	}
	if (json_object_size(req->order) + json_array_size(req->order)) {
		buf_str(to, ",\"order\":");
		put_order(to, req->order);
	}
	if (req->verb == DOC_AGGREGATE) {
		buf_str(to, ",\"stages\":");
		put_stages(to, req->stages);
	}
	buf_char(to, '}');
}
