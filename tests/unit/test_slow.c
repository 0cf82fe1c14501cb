/*
 * Slow requests by their shape: no values, counted, the same of all gateways.
 */
#include "tests/unit/index_call.h"

#include "documents/slow.h"

static const char *
shape(enum doc_verb verb, const char *query, const char *order,
	const char *stages, const char *user, enum permission permission)
{
	static char ret[SLOW_SHAPE_TOP + 1];
	const struct coll_info info = {.permission = permission};
	_json_ json_t *q = parse(query);
	_json_ json_t *o = parse(order);
	_json_ json_t *s = parse(stages);
	const struct doc_request req = {
		.verb = verb,
		.collection = SLICE("c"),
		.query = q,
		.order = o,
		.stages = s,
		.scope = {.admin = !user, .openid = user},
	};
	_buf_ struct buf b;

	buf_init(&b, SLOW_SHAPE_TOP);
	slow_shape(&b, &req, &info);
	(void)snprintf(ret, sizeof(ret), "%s", buf_all(&b).ptr);
	return ret;
}

static const char *
where(const char *query)
{
	static char ret[SLOW_SHAPE_TOP + 1];
	const char *all = shape(DOC_FIND, query, NULL, NULL, NULL, 0);
	const char *at = strstr(all, "\"where\":");

	(void)snprintf(ret, sizeof(ret), "%s", at ? at + 8 : "");
	if (*ret)
		ret[strlen(ret) - 1] = '\0';
	return ret;
}

static void
values_become_their_types(void **state)
{
	static const struct {
		const char *query, *shape;
	} rows[] = {
		{"{\"a\":\"secret\",\"b\":5,\"c\":true,\"d\":null}",
			"{\"a\":\"string\",\"b\":\"number\",\"c\":\"boolean\","
			"\"d\":\"null\"}"},
		{"{\"a\":{\"$numberLong\":\"77\"},\"b\":{\"$date\":{"
		 "\"$numberLong\":\"77\"}},\"c\":{\"$oid\":\"secret\"}}",
			"{\"a\":\"number\",\"b\":\"date\",\"c\":\"objectId\"}"},
		{"{\"a\":{\"$gt\":7,\"$lt\":{\"$date\":7}}}",
			"{\"a\":{\"$gt\":\"number\",\"$lt\":\"date\"}}"},
		{"{\"a\":{\"$in\":[\"secret\",\"b\"]}}",
			"{\"a\":{\"$in\":[\"string\"]}}"},
		{"{\"a\":{\"name\":\"secret\"},\"b\":[\"secret\"]}",
			"{\"a\":\"object\",\"b\":\"array\"}"},
		{"{\"$or\":[{\"a\":1},{\"b\":{\"$exists\":false}}]}",
			"{\"$or\":[{\"a\":\"number\"},{\"b\":{\"$exists\":"
			"false}}]}"},
		{"{\"a\":{\"$not\":{\"$elemMatch\":{\"b\":\"secret\"}}}}",
			"{\"a\":{\"$not\":{\"$elemMatch\":{\"b\":\"string\"}}}"
			"}"},
		{"{\"a\":{\"$regularExpression\":{\"pattern\":\"secret\","
		 "\"options\":\"\"}},\"b\":{\"$regex\":\"secret\"}}",
			"{\"a\":\"regex\",\"b\":\"regex\"}"},
		{"{\"$expr\":{\"$eq\":[\"$a\",\"secret\"]},\"$text\":{"
		 "\"$search\":\"secret\"}}",
			"{\"$expr\":\"expression\",\"$text\":{\"$search\":"
			"\"string\"}}"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_string_equal(where(rows[i].query), rows[i].shape);
}

static void
a_field_that_looks_like_an_id_is_a_star(void **state)
{
	(void)state;
	assert_string_equal(
		where("{\"likes.o6zAJs3oh85Zb1lJE8oWix57vny0.at\":1}"),
		"{\"likes.*.at\":\"number\"}");
	assert_string_equal(where("{\"65a000000000000000000001\":1}"),
		"{\"*\":\"number\"}");
	assert_string_equal(where("{\"deliveryAddress.street\":1}"),
		"{\"deliveryAddress.street\":\"number\"}");
}

static void
an_order_and_an_aggregation_have_shapes(void **state)
{
	(void)state;
	assert_string_equal(shape(DOC_FIND, NULL, "{\"a\":1,\"b\":-1}", NULL,
				    NULL, PERMISSION_PRIVATE),
		"{\"collection\":\"c\",\"verb\":\"find\",\"order\":[{\"a\":1},"
		"{\"b\":-1}]}");
	assert_string_equal(
		shape(DOC_FIND, NULL,
			"[{\"field\":\"a\",\"direction\":\"desc\"}]", NULL,
			"o1", PERMISSION_PRIVATE),
		"{\"collection\":\"c\",\"verb\":\"find\",\"own\":true,"
		"\"order\":[{\"a\":-1}]}");
	assert_string_equal(
		shape(DOC_AGGREGATE, NULL, NULL,
			"[{\"$match\":{\"a\":\"secret\"}},{\"$sort\":{\"b\":"
			"-1}},{\"$group\":{\"_id\":\"$secret\"}}]",
			NULL, PERMISSION_READONLY),
		"{\"collection\":\"c\",\"verb\":\"aggregate\",\"stages\":[{"
		"\"$match\":{\"a\":\"string\"}},{\"$sort\":[{\"b\":-1}]},{"
		"\"$group\":\"…\"}]}");
}

static void
a_huge_condition_is_not_noted(void **state)
{
	struct slow *slow;
	struct doc_request req = {.collection = SLICE("c"), .verb = DOC_FIND};
	_json_ json_t *q = json_object();
	char name[64];
	struct op o;

	(void)state;
	for (int i = 0; i < 24; i++) {
		(void)snprintf(
			name, sizeof(name), "field.%c.%040d", 'a' + i, 0);
		for (size_t at = 0; name[at]; at++)
			if (at > 8 && at % 12)
				name[at] = 'x';
			else if (at > 8)
				name[at] = '.';
		(void)json_object_set_new(q, name,
			json_pack(
				"{s:i,s:i,s:i}", "$gt", 1, "$lt", 2, "$ne", 3));
	}
	req.query = q;
	assert_int_equal(slow_new(&slow, pool, "huge"), 0);
	slow_set(slow, 1);
	slow_note(slow, &req, NULL, CLOCK_S, 0);
	op_begin(&o);
	slow_list(slow, &o.op);
	assert_int_equal(op_end(&o), 0);
	assert_string_equal(o.op.json.ptr, "[]");
	arena_done(&o.arena);
	slow = slow_free(slow);
}

/* What the list says of the only shape: times, total, top. */
static void
listed(struct slow *slow, int64_t times, int64_t total, int64_t top)
{
	_json_ json_t *list = NULL;
	const json_t *one;
	struct op o;

	op_begin(&o);
	slow_list(slow, &o.op);
	assert_int_equal(op_end(&o), 0);
	assert_int_equal(val_parse(&list, o.op.json, NULL), 0);
	arena_done(&o.arena);
	assert_int_equal(json_array_size(list), 1);
	one = json_array_get(list, 0);
	assert_int_equal(
		json_integer_value(json_object_get(one, "times")), times);
	assert_int_equal(
		json_integer_value(json_object_get(one, "totalMs")), total);
	assert_int_equal(
		json_integer_value(json_object_get(one, "topMs")), top);
}

static void
all_gateways_count_together(void **state)
{
	struct slow *slow[2];
	_json_ json_t *q = parse("{\"a\":\"secret\"}");
	const struct doc_request req = {
		.collection = SLICE("c"), .verb = DOC_FIND, .query = q};
	struct op o;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(slow_new(&slow[i], pool, "both"), 0);
		slow_set(slow[i], 100);
	}
	slow_note(slow[0], &req, NULL, 99 * CLOCK_MS, 1); /* fast enough */
	slow_note(slow[0], &req, NULL, 100 * CLOCK_MS, 1);
	slow_note(slow[0], &req, NULL, 300 * CLOCK_MS, 1);
	slow_note(slow[1], &req, NULL, 200 * CLOCK_MS, 1);
	listed(slow[0], 2, 400, 300);
	listed(slow[1], 3, 600, 300);
	/* written down, it is not counted again */
	listed(slow[0], 3, 600, 300);
	slow_set(slow[0], 0);
	slow_note(slow[0], &req, NULL, 900 * CLOCK_MS, 1);
	listed(slow[1], 3, 600, 300);
	op_begin(&o);
	slow_clear(slow[0], &o.op);
	assert_int_equal(op_end(&o), 0);
	arena_done(&o.arena);
	op_begin(&o);
	slow_list(slow[1], &o.op);
	assert_int_equal(op_end(&o), 0);
	assert_string_equal(o.op.json.ptr, "[]");
	arena_done(&o.arena);
	for (int i = 0; i < 2; i++)
		slow[i] = slow_free(slow[i]);
}

/* The ring has its bound: what was seen longest ago makes room. */
static void
more_shapes_than_the_ring_holds_push_out_the_oldest(void **state)
{
	struct slow *slow;
	_json_ json_t *list = NULL;
	struct op o;

	(void)state;
	assert_int_equal(slow_new(&slow, pool, "many"), 0);
	slow_set(slow, 1);
	for (int i = 0; i < SLOW_TOP + 10; i++) {
		char name[16];
		struct doc_request req = {.verb = DOC_FIND};

		clock_set((1800000000000 + i) * CLOCK_MS);
		(void)snprintf(name, sizeof(name), "c%d", i);
		req.collection = slice_str(name);
		slow_note(slow, &req, NULL, CLOCK_S, 0);
	}
	clock_set(-1);
	op_begin(&o);
	slow_list(slow, &o.op);
	assert_int_equal(op_end(&o), 0);
	assert_int_equal(val_parse(&list, o.op.json, NULL), 0);
	assert_int_equal(json_array_size(list), SLOW_TOP);
	assert_null(strstr(o.op.json.ptr, "\"c9\""));
	assert_non_null(strstr(o.op.json.ptr, "\"c10\""));
	arena_done(&o.arena);
	slow = slow_free(slow);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_their_types),
		cmocka_unit_test(a_field_that_looks_like_an_id_is_a_star),
		cmocka_unit_test(an_order_and_an_aggregation_have_shapes),
		cmocka_unit_test(a_huge_condition_is_not_noted),
		cmocka_unit_test(all_gateways_count_together),
		cmocka_unit_test(
			more_shapes_than_the_ring_holds_push_out_the_oldest),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
