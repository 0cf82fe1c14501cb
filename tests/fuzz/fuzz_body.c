/*
 * Bodies of POST /admin and POST /web, and CALL frames: bytes → a database
 * request.
 */
#include "base/conf.h"
#include "gateway/call.h"
#include "gateway/gateway.h"
#include "tests/fuzz/fuzz.h"

/* Whatever came, the pipeline is a list of objects. */
static void
check_stages(const json_t *stages)
{
	json_t *stage;
	size_t i;

	if (!json_is_array(stages))
		__builtin_trap();
	json_array_foreach (stages, i, stage)
		if (!json_is_object(stage))
			__builtin_trap();
}

static void
parse(struct gateway *g, const json_t *body, enum doc_verb verb)
{
	static const struct caller caller = {.role = CALLER_USER,
		.uid = "u",
		.appid = "a",
		.openid = "o",
		.unionid = ""};
	struct call call = {.gateway = g,
		.caller = &caller,
		.request_id = "r",
		.values = VAL_REQUEST_TOP,
		.body = body};
	const struct call_row *row;
	int e;

	e = call_find(body, &row, &call.job.why);
	if (e == 0 && !row->action)
		__builtin_trap();
	e = call_db_parse(&call, verb);
	if (e == 0 && !call.doc.collection.ptr)
		__builtin_trap();
	if (e == 0 && verb == DOC_INSERT && !json_is_array(call.doc.data))
		__builtin_trap();
	if (e == 0 && verb == DOC_AGGREGATE)
		check_stages(call.doc.stages);
	json_decref(call.held);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *conf;
	struct gateway g = {0};
	json_t *body = NULL;

	if (!conf)
		conf = conf_new();
	g.conf = conf;
	if (val_parse(&body, slice_of(data, size), NULL) < 0)
		return 0;
	if (json_is_object(body))
		for (int v = DOC_ADD_COLLECTION; v <= DOC_AGGREGATE; v++)
			parse(&g, body, (enum doc_verb)v);
	json_decref(body);
	return 0;
}
