/*
 * A database call's body → struct doc_request.
 *
 * The members may be JSON or JSON inside strings, whatever the action is
 * called: generation 2 of the SDKs writes strings, generation 1 plain JSON,
 * and some write both.  Reaches nothing, so that the fuzzer can have it.
 */
#include "gateway/call.h"

#include "gateway/gateway.h"

enum { NAME_TOP = 256 };

/* insertDocument's data: an array of strings or objects; addDocument's: one
 * object. */
static int
parse_documents(struct call *c, const json_t *data, const json_t **ret)
{
	json_t *list, *item, *parsed;
	size_t i;
	int e;

	if (!c->held)
		c->held = json_array();
	list = json_array();
	if (json_array_append_new(c->held, list) < 0)
		return -ENOMEM;
	if (!json_is_array(data)) {
		*ret = list;
		return json_array_append(list, (json_t *)(uintptr_t)data);
	}
	json_array_foreach (data, i, item) {
		parsed = item;
		if (json_is_string(item)) {
			e = call_text(c, "data",
				slice_of(json_string_value(item),
					json_string_length(item)),
				&parsed);
			if (e < 0)
				return e;
		}
		if (json_array_append(list, parsed) < 0)
			return -ENOMEM;
	}
	*ret = list;
	return 0;
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
	if (d->verb == DOC_UPDATE && !json_is_object(data))
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

static int
parse_find(struct call *c)
{
	struct doc_request *d = &c->doc;
	struct fault *why = &c->job.why;
	int e = call_value(c, "order", &d->order);

	if (e < 0)
		return e;
	e = parse_object(c, "projection", &d->projection);
	if (e < 0)
		return e;
	e = val_int_or(c->body, "offset", 0, INT32_MAX, 0, &d->skip, why);
	if (e < 0)
		return e;
	return val_int_or(c->body, "limit", -1, INT32_MAX, -1, &d->limit, why);
}

static int
parse_flags(struct call *c)
{
	struct doc_request *d = &c->doc;
	struct fault *why = &c->job.why;
	struct slice type;
	int e;

	e = val_bool_or(c->body, "multi", false, &d->multi, why);
	if (e < 0)
		return e;
	e = val_bool_or(c->body, "merge", false, &d->merge, why);
	if (e < 0)
		return e;
	e = val_bool_or(c->body, "upsert", false, &d->upsert, why);
	if (e < 0)
		return e;
	e = val_str_or(c->body, "queryType", 16, SLICE("WHERE"), &type, why);
	if (e < 0)
		return e;
	if (slice_is(type, "DOC"))
		d->multi = false;
	return 0;
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
		.scope =
			{
				.admin = caller_is_admin(c->caller),
				.openid = c->caller->openid,
			},
	};
	e = val_str(c->body, "collectionName", NAME_TOP, &d->collection,
		&c->job.why);
	if (e < 0)
		return e;
	e = parse_object(c, "query", &d->query);
	if (e < 0)
		return e;
	e = parse_data(c);
	if (e < 0)
		return e;
	e = parse_find(c);
	return e < 0 ? e : parse_flags(c);
}
