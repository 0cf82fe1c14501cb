/*
 * A database call's body → struct doc_request.
 *
 * The members may be JSON or JSON inside strings, whatever the action is
 * called: generation 2 of the SDKs writes strings, generation 1 plain JSON,
 * and some write both.  Reaches nothing, so that the fuzzer can have it.
 */
#include "gateway/call.h"

#include "documents/value.h"
#include "gateway/call_db.h"
#include "gateway/gateway.h"

enum { NAME_TOP = 256 };

/* A new value that lives as long as the call. */
static json_t *
held(struct call *c, json_t *v)
{
	if (!c->held)
		c->held = json_array();
	return json_array_append_new(c->held, v) < 0 ? NULL : v;
}

/* An array's element, which may be JSON inside a string. */
static int
element(struct call *c, const char *key, json_t *item, json_t **ret)
{
	*ret = item;
	if (!json_is_string(item))
		return 0;
	return call_text(c, key,
		slice_of(json_string_value(item), json_string_length(item)),
		ret);
}

/* Generation 1 gives the _id of a new document beside it. */
static int
name_document(struct call *c, const json_t *list)
{
	json_t *id = json_object_get(c->body, "_id");
	json_t *doc = json_array_get(list, 0);

	if (!id || json_array_size(list) != 1 || !json_is_object(doc) ||
		json_object_get(doc, "_id"))
		return 0;
	doc = held(c, json_copy(doc));
	if (!doc || json_object_set(doc, "_id", id) < 0)
		return -ENOMEM;
	return json_array_set((json_t *)(uintptr_t)list, 0, doc);
}

/* insertDocument's data: an array of strings or objects; addDocument's: one
 * object. */
static int
parse_documents(struct call *c, const json_t *data, const json_t **ret)
{
	json_t *list = held(c, json_array());
	json_t *item, *parsed;
	size_t i;
	int e;

	if (!list)
		return -ENOMEM;
	*ret = list;
	if (!json_is_array(data)) {
		e = json_array_append(list, (json_t *)(uintptr_t)data);
		return e < 0 ? -ENOMEM : name_document(c, list);
	}
	json_array_foreach (data, i, item) {
		e = element(c, "data", item, &parsed);
		if (e < 0)
			return e;
		if (json_array_append(list, parsed) < 0)
			return -ENOMEM;
	}
	return name_document(c, list);
}

static int
parse_data(struct call *c)
{
	struct doc_request *d = &c->doc;
	const json_t *data = NULL;
	int e = call_value(c, "data", &data);

	if (e < 0)
		return e;
	if (d->verb == DOC_INSERT) {
		if (!data)
			return fault_set(&c->job.why, ERR_DB_PARAM,
				"data: a document or an array of them");
		return parse_documents(c, data, &d->data);
	}
	if ((d->verb == DOC_UPDATE || d->verb == DOC_UPDATE_RETURN) &&
		!json_is_object(data))
		return fault_set(
			&c->job.why, ERR_DB_PARAM, "data: an object is needed");
	d->data = data;
	return 0;
}

static int
parse_object(struct call *c, const char *key, const json_t **ret)
{
	int e = call_value(c, key, ret);

	if (e < 0)
		return e;
	if (*ret && !json_is_object(*ret))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"%s: an object is needed", key);
	if (*ret && json_object_size(*ret) == 0)
		*ret = NULL;
	return 0;
}

/* A number in any of its forms, also as the text that a URL gives. */
static int
parse_number(struct call *c, const char *key, int64_t preset, int64_t *ret)
{
	const json_t *v = NULL;
	int e = call_value(c, key, &v);

	*ret = preset;
	if (e < 0 || !v)
		return e;
	if (value_int(v, -1, INT32_MAX, ret, NULL) == 0)
		return 0;
	return fault_set(&c->job.why, ERR_DB_PARAM,
		"%s: must be a whole number from 0 to %d", key, INT32_MAX);
}

static int
parse_flag(struct call *c, const char *key, bool *ret)
{
	const json_t *v = NULL;
	int e = call_value(c, key, &v);

	*ret = false;
	if (e < 0 || !v)
		return e;
	if (!json_is_boolean(v) && !json_is_number(v) && !value_is_tagged(v))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"%s: must be true or false", key);
	*ret = value_is_true(v);
	return 0;
}

static int
parse_page(struct call *c)
{
	struct doc_request *d = &c->doc;
	int e = call_value(c, "order", &d->order);

	if (e < 0)
		return e;
	e = parse_object(c, "projection", &d->projection);
	if (e < 0)
		return e;
	e = parse_number(c, "offset", 0, &d->skip);
	if (e < 0)
		return e;
	e = parse_number(c, "limit", -1, &d->limit);
	if (e < 0)
		return e;
	d->skip = max(d->skip, INT64_C(0));
	/* MongoDB's limit(0) is no limit, wx.cloud's SDKs make it the preset.
	 */
	if (!d->limit)
		d->limit = -1;
	return parse_flag(c, "total", &d->want_total);
}

static int
parse_flags(struct call *c)
{
	struct doc_request *d = &c->doc;
	struct slice type;
	int e;

	e = parse_flag(c, "multi", &d->multi);
	if (e < 0)
		return e;
	e = parse_flag(c, "merge", &d->merge);
	if (e < 0)
		return e;
	e = parse_flag(c, "upsert", &d->upsert);
	if (e < 0)
		return e;
	e = parse_flag(c, "explain", &d->explain);
	if (e < 0)
		return e;
	if (d->explain && !d->scope.admin)
		return fault_set(&c->job.why, ERR_DB_DENIED,
			"explain: only an administrator or a function may ask");
	e = val_str_or(
		c->body, "queryType", 16, SLICE("WHERE"), &type, &c->job.why);
	if (e < 0)
		return e;
	d->by_id = slice_is(type, "DOC");
	if (d->by_id)
		d->multi = false;
	return 0;
}

static int
parse_filters(struct call *c)
{
	const json_t **to = &c->doc.array_filters;
	int e = call_value(c, "arrayFilters", to);

	if (e < 0)
		return e;
	if (*to && !json_is_array(*to))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"arrayFilters: an array of conditions is needed");
	return 0;
}

/* A stage's value: JSON text, or the value itself, which may be a string that
 * is no JSON ("$list" of an $unwind). */
static int
stage_value(struct call *c, json_t *v, json_t **ret)
{
	struct slice text;
	int e;

	*ret = v;
	if (!json_is_string(v))
		return 0;
	text = slice_of(json_string_value(v), json_string_length(v));
	if (!text.len || val_check(text) == ERR_JSON)
		return 0;
	e = call_text(c, "stageValue", text, ret);
	return e;
}

/* {"stageKey": "$match", "stageValue": …} → {"$match": …} */
static int
parse_stage(struct call *c, json_t *item, json_t *list)
{
	const json_t *key = json_object_get(item, "stageKey");
	json_t *stage, *value = NULL;
	int e;

	if (!key)
		return json_array_append(list, item);
	if (!json_is_string(key))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"stageKey: must be a stage's name, as \"$match\"");
	value = json_object_get(item, "stageValue");
	if (!value)
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"stageValue: %.64s needs one", json_string_value(key));
	e = stage_value(c, value, &value);
	if (e < 0)
		return e;
	stage = json_object();
	if (json_array_append_new(list, stage) < 0)
		return -ENOMEM;
	return json_object_set(stage, json_string_value(key), value);
}

static int
parse_stages(struct call *c)
{
	const json_t *stages = NULL;
	json_t *list, *item, *parsed;
	size_t i;
	int e = call_value(c, "stages", &stages);

	if (e < 0)
		return e;
	if (!json_is_array(stages))
		return fault_set(&c->job.why, ERR_DB_PARAM,
			"stages: an array of stages is needed");
	list = held(c, json_array());
	if (!list)
		return -ENOMEM;
	json_array_foreach (stages, i, item) {
		e = element(c, "stages", item, &parsed);
		if (e == 0 && !json_is_object(parsed))
			e = fault_set(&c->job.why, ERR_DB_PARAM,
				"stages[%zu]: must be an object", i);
		if (e == 0)
			e = parse_stage(c, parsed, list);
		if (e < 0)
			return e;
	}
	c->doc.stages = list;
	return 0;
}

/* A program whose id is undefined sends no _id at all: without this doc(id)
 * would be whichever document comes first, and its remove() take that. */
static int
check_id(struct call *c)
{
	if (!c->doc.by_id || json_object_get(c->doc.query, "_id"))
		return 0;
	return fault_set(&c->job.why, ERR_DB_PARAM,
		"query: doc() is the document of an _id, and none was given");
}

/* What the verb looks at besides collection and condition. */
static int
parse_rest(struct call *c)
{
	int e;

	switch (c->doc.verb) {
	case DOC_INSERT:
	case DOC_UPDATE:
	case DOC_UPDATE_RETURN:
		e = parse_data(c);
		return e < 0 ? e : parse_filters(c);
	case DOC_FIND:
		return parse_page(c);
	case DOC_AGGREGATE:
		return parse_stages(c);
	case DOC_ADD_COLLECTION:
	case DOC_COUNT:
	case DOC_REMOVE:
	default:
		return 0;
	}
}

/* A user who did not come through WeChat has no openid: what he makes is his
 * by his uid. */
void
call_db_scope(struct doc_scope *scope, const struct caller *who)
{
	*scope = (struct doc_scope){
		.admin = caller_is_admin(who),
		.openid = *who->openid ? who->openid : who->uid,
		.uid = who->uid,
		.login_type = caller_login_type(who),
	};
}

int
call_db_parse(struct call *c, enum doc_verb verb)
{
	struct doc_request *d = &c->doc;
	int e;

	*d = (struct doc_request){
		.verb = verb,
		.env = c->gateway->conf->server_env,
		.limit = -1,
		.session = slice_str(c->caller->uid),
		.depth = c->caller->depth,
	};
	call_db_scope(&d->scope, c->caller);
	e = val_str(c->body, "collectionName", NAME_TOP, &d->collection,
		&c->job.why);
	if (e < 0)
		return e;
	e = parse_object(c, "query", &d->query);
	if (e < 0)
		return e;
	e = parse_flags(c);
	if (e < 0)
		return e;
	e = check_id(c);
	return e < 0 ? e : parse_rest(c);
}
