/*
 * Batches and pages on a real server.
 */
#include "documents/bulk.h"
#include "tests/unit/doc_call.h"

struct turn {
	struct bulk_op op;
	int done;
	char text[8192]; /* of the answer's rows */
};

static struct arena names;

static void
on_turn(struct job *job)
{
	struct bulk_op *op = container_of(job, struct bulk_op, job);
	struct turn *t = container_of(op, struct turn, op);
	_buf_ struct buf b = {0};

	t->done = 1;
	loop_stop(&loop);
	t->text[0] = '\0';
	if (job->err < 0)
		return;
	buf_init(&b, sizeof(t->text) - 1);
	for (int row = 0; row < ask_rows(&op->ask); row++) {
		struct slice key;

		if (ask_columns(&op->ask) == 3)
			bulk_put_row(&b, op, row, EJSON_CANONICAL, &key);
		else
			buf_slice(&b, ask_value(&op->ask, row, 0));
	}
	(void)snprintf(t->text, sizeof(t->text), "%s", b.len ? b.ptr : "");
}

static struct turn *
turn(void)
{
	static struct turn t;

	t = (struct turn){0};
	job_init(&t.op.job, on_turn);
	return &t;
}

static int
wait(struct turn *t)
{
	while (!t->done)
		loop_turn(&loop, true);
	return t->op.job.err;
}

static struct coll
coll_of(const char *name)
{
	struct coll c;

	assert_int_equal(
		coll_parse(&c, "test", slice_str(name), &names, NULL), 0);
	return c;
}

static const char *
begun(const struct coll *c, const char *import, bool anew)
{
	struct turn *t = turn();

	bulk_begin(pool, &t->op, c, slice_str(import), SLICE("file"), anew);
	assert_int_equal(wait(t), 0);
	return strstr(t->text, "\"parts\"");
}

/* What became of the lines as part `first` of import "i". */
static struct turn *
write_as(const struct coll *c, enum bulk_mode mode, const char *lines,
	int64_t first)
{
	const struct bulk_part part = {
		.import = SLICE("i"),
		.first = first,
		.last = first + 10,
		.digest = SLICE("00ff"),
	};
	struct turn *t = turn();
	struct bulk_batch b;

	bulk_batch_init(&b);
	bulk_read(&b, mode, slice_str(lines), 1000000, 2000);
	assert_int_equal(b.refused_count, 0);
	assert_int_equal(b.again, 0);
	bulk_write(pool, &t->op, c, mode, &b, &part);
	bulk_batch_done(&b);
	(void)wait(t);
	return t;
}

static const char *
page(const struct coll *c, const char *after, int64_t top, int64_t bytes)
{
	struct turn *t = turn();

	bulk_page(pool, &t->op, c, slice_str(after), top, bytes);
	assert_int_equal(wait(t), 0);
	return t->text;
}

static struct coll
fresh_coll(void)
{
	struct call c;
	struct coll coll = coll_of(fresh(&c));

	end(&c);
	(void)begun(&coll, "i", true);
	return coll;
}

static void
a_part_is_written_once_however_often_it_is_sent(void **state)
{
	struct coll c = fresh_coll();
	struct turn *t = write_as(&c, BULK_INSERT, "{\"a\":1}\n\n{}\n", 0);

	(void)state;
	assert_int_equal(t->op.job.err, 0);
	assert_int_equal(t->op.written, 2);
	assert_false(t->op.repeated);
	t = write_as(&c, BULK_INSERT, "{\"a\":1}\n{}", 0);
	assert_int_equal(t->op.job.err, 0);
	assert_true(t->op.repeated);
	assert_int_equal(t->op.written, 0);
	t = write_as(&c, BULK_INSERT, "{\"a\":1}", 10);
	assert_int_equal(t->op.written, 1);
	assert_non_null(strstr(begun(&c, "i", false),
		"[[0, 10, 2, \"00ff\"], [10, 20, 1, \"00ff\"]]"));
}

static void
a_part_that_is_refused_is_not_noted(void **state)
{
	struct coll c = fresh_coll();
	struct turn *t = write_as(&c, BULK_INSERT, "{\"_id\":\"x\"}", 0);

	(void)state;
	assert_int_equal(t->op.job.err, 0);
	t = write_as(&c, BULK_INSERT, "{\"_id\":\"w\"}\n{\"_id\":\"x\"}", 10);
	assert_int_equal(t->op.job.err, ERR_DB_EXISTS);
	assert_string_equal(page(&c, "", 10, 1000), "{\"_id\":\"x\"}\n");
	t = write_as(&c, BULK_INSERT, "{\"_id\":\"w\"}", 10);
	assert_int_equal(t->op.job.err, 0);
	assert_false(t->op.repeated);
}

static void
what_exists_is_named_by_its_line(void **state)
{
	struct coll c = fresh_coll();
	struct bulk_batch b;
	struct turn *t = write_as(&c, BULK_INSERT, "{\"_id\":\"x\"}", 0);

	(void)state;
	t = turn();
	bulk_batch_init(&b);
	bulk_read(&b, BULK_INSERT, SLICE("{\"_id\":\"a\"}\n{\"_id\":\"x\"}"), 0,
		0);
	bulk_find(pool, &t->op, &c, &b);
	bulk_batch_done(&b);
	assert_int_equal(wait(t), 0);
	assert_string_equal(t->text, "2");
}

static void
each_mode_does_what_it_says(void **state)
{
	static const char *const after[] = {
		[BULK_UPSERT] = "{\"_id\":\"x\",\"a\":\"new\",\"b\":\"old\"}\n"
				"{\"_id\":\"y\"}\n",
		[BULK_REPLACE] = "{\"_id\":\"x\",\"a\":\"new\"}\n"
				 "{\"_id\":\"y\"}\n",
		[BULK_SKIP] = "{\"_id\":\"x\",\"a\":\"old\",\"b\":\"old\"}\n"
			      "{\"_id\":\"y\"}\n",
	};

	(void)state;
	for (enum bulk_mode m = BULK_UPSERT; m <= BULK_SKIP; m++) {
		struct coll c = fresh_coll();
		struct turn *t;

		(void)write_as(&c, BULK_INSERT,
			"{\"_id\":\"x\",\"a\":\"old\",\"b\":\"old\"}", 0);
		t = write_as(&c, m,
			"{\"_id\":\"x\",\"a\":\"new\"}\n{\"_id\":\"y\"}", 10);
		assert_int_equal(t->op.job.err, 0);
		assert_int_equal(t->op.written, m == BULK_SKIP ? 1 : 2);
		assert_string_equal(page(&c, "", 10, 1000), after[m]);
	}
}

#define TYPED \
	"{\"_id\":{\"$numberInt\":\"7\"}}\n" \
	"{\"_id\":{\"$date\":{\"$numberLong\":\"5\"}},\"a\":true}\n" \
	"{\"_id\":{\"$oid\":\"57e193d7a9cc81b4027498b5\"}}\n" \
	"{\"_id\":\"57e193d7a9cc81b4027498b6\"}\n"

static void
ids_keep_their_types(void **state)
{
	struct coll c = fresh_coll();
	struct turn *t = write_as(&c, BULK_INSERT, TYPED, 0);

	(void)state;
	assert_int_equal(t->op.job.err, 0);
	assert_string_equal(page(&c, "", 10, 1000), TYPED);
}

static void
pages_follow_one_another_and_end_with_enough_bytes(void **state)
{
	struct coll c = fresh_coll();

	(void)state;
	(void)write_as(&c, BULK_INSERT,
		"{\"_id\":\"c\"}\n{\"_id\":\"a\",\"t\":\"0123456789\"}\n"
		"{\"_id\":\"B\"}\n{\"_id\":\"b\"}",
		0);
	assert_string_equal(page(&c, "", 2, 1000),
		"{\"_id\":\"B\"}\n{\"_id\":\"a\",\"t\":\"0123456789\"}\n");
	assert_string_equal(
		page(&c, "B", 3, 5), "{\"_id\":\"a\",\"t\":\"0123456789\"}\n");
	assert_string_equal(
		page(&c, "a", 3, 1000), "{\"_id\":\"b\"}\n{\"_id\":\"c\"}\n");
	assert_string_equal(page(&c, "c", 3, 1000), "");
}

static void
ids_that_are_made_keep_the_order_of_the_file(void **state)
{
	struct coll c = fresh_coll();
	const char *text;

	(void)state;
	(void)write_as(&c, BULK_INSERT,
		"{\"n\":\"1\"}\n{\"n\":\"2\"}\n{\"n\":\"3\"}\n{\"n\":\"4\"}",
		0);
	text = page(&c, "", 10, 1000);
	for (int n = 1; n <= 4; n++) {
		char want[16];

		(void)snprintf(want, sizeof(want), "\"n\":\"%d\"}\n", n);
		text = strstr(text, want);
		assert_non_null(text);
	}
}

static void
an_id_that_comes_twice_is_told(void **state)
{
	static const char lines[] =
		"{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{\"_id\":\"b\"}\n"
		"{\"_id\":\"a\"}";
	struct bulk_batch b;

	(void)state;
	bulk_batch_init(&b);
	bulk_read(&b, BULK_UPSERT, slice_str(lines), 0, 0);
	assert_int_equal(b.again, 2);
	assert_int_equal(b.refused_count, 0);
	bulk_batch_done(&b);
	bulk_batch_init(&b);
	bulk_read(&b, BULK_INSERT, slice_str(lines), 0, 0);
	assert_int_equal(b.refused_count, 2);
	assert_non_null(strstr(b.refused.ptr, "{\"at\":2,"));
	assert_non_null(strstr(b.refused.ptr, "{\"at\":3,"));
	bulk_batch_done(&b);
}

static void
bad_lines_are_told_by_line_and_field(void **state)
{
	struct bulk_batch b;

	(void)state;
	bulk_batch_init(&b);
	bulk_read(&b, BULK_INSERT,
		SLICE("{\"a\":1}\n\n{\"a\":{\"b\":[{\"$numberInt\":\"x\"}]}}\n"
		      "{bad}\n[]\n{\"_id\":\"\"}\n{\"s\":\"\\u0000\"}"),
		0, 0);
	assert_int_equal(b.refused_count, 5);
	assert_non_null(strstr(b.refused.ptr, "{\"at\":2,\"why\":\"a.b.0: "));
	assert_non_null(strstr(
		b.refused.ptr, "{\"at\":3,\"why\":\"not valid JSON: column "));
	assert_non_null(
		strstr(b.refused.ptr, "{\"at\":4,\"why\":\"a document is"));
	assert_non_null(strstr(b.refused.ptr, "{\"at\":5,\"why\":\"_id must"));
	assert_non_null(strstr(b.refused.ptr, "{\"at\":6,\"why\":\"field s: "));
	bulk_batch_done(&b);
}

static void
what_was_noted_goes_at_the_end_and_with_the_collection(void **state)
{
	struct coll c = fresh_coll();
	struct turn *t;
	char sql[200];

	(void)state;
	(void)write_as(&c, BULK_INSERT, "{}", 0);
	assert_string_equal(
		testpg_query(server, "SELECT count(*) FROM "
				     "mpcloud.import_parts WHERE import = 'i'"),
		"1");
	t = turn();
	bulk_end(pool, &t->op, SLICE("{i}"));
	assert_int_equal(wait(t), 0);
	assert_string_equal(
		testpg_query(server, "SELECT count(*) FROM "
				     "mpcloud.import_parts WHERE import = 'i'"),
		"0");
	(void)begun(&c, "i", false);
	(void)snprintf(sql, sizeof(sql),
		"DELETE FROM mpcloud.collections WHERE name = '%.*s'",
		SLICE_ARG(c.name));
	(void)testpg_query(server, sql);
	assert_string_equal(
		testpg_query(server, "SELECT count(*) FROM mpcloud.imports"),
		"0");
	t = turn();
	bulk_begin(pool, &t->op, &c, SLICE("i"), SLICE("f"), false);
	assert_int_equal(wait(t), ERR_DB_NO_COLLECTION);
}

static void
definitions_name_every_collection(void **state)
{
	struct coll c = fresh_coll();
	struct turn *t = turn();
	char want[200];

	(void)state;
	bulk_definitions(pool, &t->op, "test");
	assert_int_equal(wait(t), 0);
	(void)snprintf(
		want, sizeof(want), "\"name\": \"%.*s\"", SLICE_ARG(c.name));
	assert_non_null(strstr(t->text, want));
	assert_non_null(strstr(t->text, "\"permission\": \"ADMINONLY\""));
}

static int
start_all(void **state)
{
	arena_init(&names, 1 << 20);
	return group_start(state);
}

static int
stop_all(void **state)
{
	arena_done(&names);
	return group_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_part_is_written_once_however_often_it_is_sent),
		cmocka_unit_test(a_part_that_is_refused_is_not_noted),
		cmocka_unit_test(what_exists_is_named_by_its_line),
		cmocka_unit_test(each_mode_does_what_it_says),
		cmocka_unit_test(ids_keep_their_types),
		cmocka_unit_test(
			pages_follow_one_another_and_end_with_enough_bytes),
		cmocka_unit_test(ids_that_are_made_keep_the_order_of_the_file),
		cmocka_unit_test(an_id_that_comes_twice_is_told),
		cmocka_unit_test(bad_lines_are_told_by_line_and_field),
		cmocka_unit_test(definitions_name_every_collection),
		cmocka_unit_test(
			what_was_noted_goes_at_the_end_and_with_the_collection),
	};

	return cmocka_run_group_tests(tests, start_all, stop_all);
}
