/*
 * What functions declare becomes what calls them: document triggers stand on
 * the collections' tables and speak in the transaction of the write.
 */
#include "tests/unit/queue_driver.h"

#include "base/val.h"
#include "trigger/triggers.h"

static int changes;

static void
on_change(void *owner)
{
	(void)owner;
	changes++;
}

static void
make_collection(const char *name)
{
	(void)sql("SELECT mpcloud.collection_make('test', '%s', 'env_test', "
		  "'%s', 'system.' || encode(substr(sha256('%s'), 1, 16), "
		  "'hex'), 1)",
		name, name, name);
}

static void
fresh(void)
{
	(void)sql("DROP SCHEMA IF EXISTS env_test CASCADE");
	(void)sql("DELETE FROM mpcloud.collections");
	queue_setup();
	changes = 0;
}

static struct triggers *
begin(void)
{
	struct triggers *t = triggers_new(q.f.pool, "test", on_change, NULL);

	triggers_start(t);
	return t;
}

/* The function's triggers are these, and stand. */
static void
declare(struct triggers *t, const char *function, const char *specs)
{
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(specs), NULL), 0);
	triggers_put(t, function, v);
	until(triggers_is_idle(t));
}

/* Events of documents in the queue, "operation:id" in the order of the rows. */
static const char *
heard(void)
{
	return sql("SELECT string_agg(function || ' ' || (event::jsonb ->> "
		   "'operation') || ':' || (event::jsonb ->> 'id'), ' ' ORDER "
		   "BY id) FROM mpcloud.queue WHERE kind = 'document'");
}

static void
a_change_is_heard_with_what_was_and_what_is(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "stock",
		"[{\"name\":\"on-goods\",\"type\":\"document\",\"collection\":"
		"\"goods\",\"events\":[\"create\",\"update\",\"delete\"]}]");
	assert_int_equal(changes, 1);
	(void)sql("INSERT INTO env_test.goods VALUES ('a', '{\"n\":1}')");
	(void)sql("UPDATE env_test.goods SET doc = '{\"n\":2}'");
	(void)sql("UPDATE env_test.goods SET doc = '{\"n\":2}'");
	(void)sql("DELETE FROM env_test.goods");
	assert_string_equal(heard(), "stock create:a stock update:a stock "
				     "delete:a");
	assert_string_equal(
		sql("SELECT event::jsonb = '{\"type\":\"document\",\"trigger\":"
		    "\"on-goods\",\"operation\":\"update\",\"collection\":"
		    "\"goods\",\"id\":\"a\",\"doc\":{\"_id\":\"a\",\"n\":2},"
		    "\"before\":{\"_id\":\"a\",\"n\":1}}' FROM mpcloud.queue "
		    "WHERE id = 2"),
		"t");
	assert_string_equal(
		sql("SELECT event::jsonb -> 'doc' = 'null' AND event::jsonb -> "
		    "'before' = '{\"_id\":\"a\",\"n\":2}' FROM mpcloud.queue "
		    "WHERE id = 3"),
		"t");
	t = triggers_free(t);
	queue_teardown();
}

static void
the_function_is_told_when_it_was_taken_up(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "stock",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\",\"events\":[\"create\"]}]");
	queue_up(0);
	(void)sql("INSERT INTO env_test.goods VALUES ('a', '{}')");
	until(q.ncalled == 1);
	assert_non_null(strstr(
		q.called[0].event, "{\"time\":\"2027-01-15T08:00:00.000Z\","));
	assert_string_equal(q.called[0].trigger, "document");
	assert_string_equal(q.called[0].source, "wx_trigger");
	assert_string_equal(q.called[0].openid, "");
	t = triggers_free(t);
	queue_teardown();
}

static void
a_write_that_is_rolled_back_is_not_heard(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "stock",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\"}]");
	(void)sql("DO $$ BEGIN INSERT INTO env_test.goods VALUES ('a', '{}'); "
		  "IF (SELECT count(*) FROM mpcloud.queue) = 1 THEN RAISE "
		  "'back'; END IF; EXCEPTION WHEN raise_exception THEN INSERT "
		  "INTO env_test.goods VALUES ('b', '{}'); END $$");
	assert_string_equal(heard(), "stock create:b");
	t = triggers_free(t);
	queue_teardown();
}

static void
only_what_was_asked_for_is_heard(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	make_collection("other");
	declare(t, "made",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\",\"events\":[\"create\"]}]");
	declare(t, "gone",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\",\"events\":[\"delete\"]}]");
	(void)sql("INSERT INTO env_test.goods VALUES ('a', '{\"_id\":5}')");
	(void)sql("UPDATE env_test.goods SET doc = '{\"_id\":5,\"n\":2}'");
	(void)sql("DELETE FROM env_test.goods");
	(void)sql("INSERT INTO env_test.other VALUES ('a', '{}')");
	/* an _id that is no text is told as it is */
	assert_string_equal(heard(), "made create:5 gone delete:5");
	assert_string_equal(
		sql("SELECT count(*) FROM pg_trigger WHERE tgname = "
		    "'mpcloud_queue'"),
		"1");
	t = triggers_free(t);
	queue_teardown();
}

static void
triggers_go_with_their_function(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "stock",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\"},{\"name\":\"h\",\"type\":\"login\"}]");
	declare(t, "stock", "[{\"name\":\"h\",\"type\":\"login\"}]");
	assert_string_equal(sql("SELECT string_agg(name, ',') FROM "
				"mpcloud.triggers"),
		"h");
	assert_string_equal(
		sql("SELECT count(*) FROM pg_trigger WHERE tgname = "
		    "'mpcloud_queue'"),
		"0");
	declare(t, "stock", "[]");
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.triggers"), "0");
	assert_int_equal(changes, 3);
	declare(t, "stock", "[]");
	assert_int_equal(changes, 3);
	t = triggers_free(t);
	queue_teardown();
}

static void
a_collection_may_come_after_its_trigger(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	declare(t, "stock",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"later\"}]");
	make_collection("later");
	(void)sql("INSERT INTO env_test.later VALUES ('a', '{}')");
	assert_string_equal(heard(), "stock create:a");
	/* and come again */
	(void)sql("SELECT mpcloud.collection_drop('test', 'later', 'env_test', "
		  "'later')");
	make_collection("later");
	(void)sql("INSERT INTO env_test.later VALUES ('b', '{}')");
	assert_string_equal(heard(), "stock create:a stock create:b");
	t = triggers_free(t);
	queue_teardown();
}

static void
gateways_that_say_it_at_once_say_it_once(void **state)
{
	struct triggers *t[4];
	_json_ json_t *v = NULL;

	(void)state;
	fresh();
	make_collection("goods");
	assert_int_equal(val_parse(&v,
				 SLICE("[{\"name\":\"g\",\"type\":\"document\","
				       "\"collection\":\"goods\"},{\"name\":"
				       "\"l\",\"type\":\"login\"}]"),
				 NULL),
		0);
	for (int i = 0; i < 4; i++) {
		t[i] = triggers_new(q.f.pool, "test", on_change, NULL);
		for (int k = 0; k < 5; k++) {
			char name[16];

			(void)snprintf(name, sizeof(name), "f%d", k);
			triggers_put(t[i], name, v);
		}
		triggers_start(t[i]);
	}
	for (int i = 0; i < 4; i++)
		until(triggers_is_idle(t[i]));
	assert_string_equal(sql("SELECT count(*) FROM mpcloud.triggers"), "10");
	assert_string_equal(
		sql("SELECT count(*) FROM pg_trigger WHERE tgname = "
		    "'mpcloud_queue'"),
		"1");
	assert_int_equal(changes, 5);
	for (int i = 0; i < 4; i++)
		t[i] = triggers_free(t[i]);
	queue_teardown();
}

static void
a_table_that_a_transaction_holds_gets_its_trigger_later(void **state)
{
	static const char there[] = "SELECT count(*) FROM pg_trigger WHERE "
				    "tgname = 'mpcloud_queue'";
	struct triggers *t;
	struct one holder = {0};
	_json_ json_t *v = json_pack("[{s:s,s:s,s:s}]", "name", "g", "type",
		"document", "collection", "goods");

	(void)state;
	fresh();
	make_collection("goods");
	/* writes, and does not commit before it may */
	job_init(&holder.ask.job, on_done);
	pool_ask_once(q.f.pool, &holder.ask,
		"DO $$ BEGIN INSERT INTO env_test.goods VALUES ('x', '{}'); "
		"WHILE NOT EXISTS (SELECT FROM mpcloud.settings WHERE name = "
		"'go') LOOP PERFORM pg_sleep(0.01); END LOOP; END $$",
		NULL, 0);
	until_sql("t", "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = "
		       "'env_test.goods'::regclass AND mode = "
		       "'RowExclusiveLock')");
	t = begin();
	triggers_put(t, "stock", v);
	until_sql("1", "SELECT count(*) FROM mpcloud.triggers");
	/* others may write meanwhile: we never wait long in their way */
	for (int i = 0; i < 20; i++)
		(void)sql("INSERT INTO env_test.goods VALUES ('%d', '{}')", i);
	assert_string_equal(sql(there), "0");
	assert_false(triggers_is_idle(t));
	assert_int_equal(holder.done, 0);
	(void)sql("INSERT INTO mpcloud.settings VALUES ('go', '1', 1)");
	until(triggers_is_idle(t));
	until(holder.done);
	assert_string_equal(sql(there), "1");
	(void)sql("DELETE FROM mpcloud.settings");
	t = triggers_free(t);
	queue_teardown();
}

static void
out_of_a_pipeline_is_heard_as_changes_and_an_import_is_not(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "stock",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\"}]");
	(void)sql("/*mpcloud import*/ INSERT INTO env_test.goods VALUES "
		  "('same', '{\"n\":1}'), ('other', '{\"n\":1}'), "
		  "('gone', '{\"n\":1}')");
	assert_string_equal(heard(), "");
	(void)sql("SELECT mpcloud.stage_out('test', 'goods', 'env_test', "
		  "'goods', 'p', 1, 'out', 'insert', ARRAY["
		  "'{\"_id\":\"same\",\"n\":1}', '{\"_id\":\"other\",\"n\":2}',"
		  " '{\"_id\":\"new\"}']::jsonb[])");
	assert_string_equal(heard(), "stock delete:gone stock update:other "
				     "stock create:new");
	assert_string_equal(sql("SELECT string_agg(_id, ',' ORDER BY _id) FROM "
				"env_test.goods"),
		"new,other,same");
	t = triggers_free(t);
	queue_teardown();
}

static void
a_trigger_that_sets_itself_off_ends(void **state)
{
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	make_collection("goods");
	declare(t, "loop",
		"[{\"name\":\"g\",\"type\":\"document\",\"collection\":"
		"\"goods\"}]");
	queue_up(0); /* with a depth_top of 3 */
	(void)sql("INSERT INTO env_test.goods VALUES ('a0', '{}')");
	for (unsigned i = 0; i < 3; i++) {
		until(q.ncalled == i + 1);
		/* what documents/doc.c writes for such a caller */
		assert_int_equal(q.called[i].call->caller->depth, i + 1);
		(void)sql("/*mpcloud depth%u*/ INSERT INTO env_test.goods "
			  "VALUES ('a%u', '{}')",
			q.called[i].call->caller->depth, i + 1);
		answer_call(i, 0, NULL);
	}
	until_sql(
		"1", "SELECT count(*) FROM mpcloud.queue WHERE state = 'dead'");
	assert_int_equal(q.ncalled, 3);
	assert_non_null(strstr(sql("SELECT last_error FROM mpcloud.queue WHERE "
				   "state = 'dead'"),
		"functions.trigger_depth"));
	t = triggers_free(t);
	queue_teardown();
}

static void
logins_payments_and_files_are_heard_by_who_wants_them(void **state)
{
	static const char heard_by[] =
		"SELECT coalesce(string_agg(function || ':' || (event::jsonb "
		"->> '%s'), ' ' ORDER BY function, id), '') FROM mpcloud.queue "
		"WHERE kind = '%s'";
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	declare(t, "all",
		"[{\"name\":\"l\",\"type\":\"login\"},{\"name\":"
		"\"p\",\"type\":\"pay\"},{\"name\":\"f\",\"type\":"
		"\"file\",\"prefix\":\"\"}]");
	declare(t, "some",
		"[{\"name\":\"l\",\"type\":\"login\",\"events\":[\"first\"]},"
		"{\"name\":\"p\",\"type\":\"pay\",\"events\":[\"refunded\"]},"
		"{\"name\":\"f\",\"type\":\"file\",\"prefix\":\"pic/\","
		"\"events\":[\"delete\"]}]");
	(void)sql("SELECT mpcloud.trigger_login('test', 'u', 'wx', 'o', NULL, "
		  "true, 5), mpcloud.trigger_login('test', 'u', 'wx', 'o', "
		  "NULL, false, 6)");
	assert_string_equal(sql(heard_by, "event", "login"),
		"all:first all:again some:first");
	(void)sql("INSERT INTO mpcloud.orders (mchid, out_trade_no, appid, "
		  "openid, description, total, state, created_at, updated_at) "
		  "VALUES ('m', '123456', 'wx', 'o', 'd', 5, 'SUCCESS', 1, 1)");
	(void)sql("SELECT mpcloud.trigger_pay('test', 'm', '123456', 'paid', "
		  "7), mpcloud.trigger_pay('test', 'm', '123456', 'refunded', "
		  "8), mpcloud.trigger_pay('test', 'm', 'none', 'paid', 9)");
	assert_string_equal(sql(heard_by, "event", "pay"),
		"all:paid all:refunded some:refunded");
	assert_string_equal(sql("SELECT DISTINCT retries::text FROM "
				"mpcloud.queue WHERE kind = 'pay'"),
		"300");
	(void)sql("SELECT mpcloud.trigger_file('test', 'pic/a', 'delete', "
		  "'{}', NULL, 7), mpcloud.trigger_file('test', 'b', 'delete',"
		  " '{}', NULL, 7), mpcloud.trigger_file('test', 'pic/a', "
		  "'create', '{}', NULL, 7)");
	assert_string_equal(sql(heard_by, "path", "file"),
		"all:pic/a all:b all:pic/a some:pic/a");
	(void)sql("DELETE FROM mpcloud.orders");
	t = triggers_free(t);
	queue_teardown();
}

/* What push_take told, and who hears of what with which caller. */
static void
a_message_is_taken_in_once_for_those_who_want_it(void **state)
{
	static const char take[] =
		"SELECT mpcloud.push_take('test', '%s', '%s', '%s', "
		"'{\"Tag\":\"%s\"}', '%s', %d)";
	static const char queued[] =
		"SELECT string_agg(function || ':' || (event::jsonb ->> 'Tag') "
		"|| ':' || (caller ->> 'uid') || ':' || (caller ->> 'openid') "
		"|| ':' || (caller ->> 'unionid') || ':' || (caller ->> "
		"'appid'), ' ' ORDER BY id) FROM mpcloud.queue WHERE kind = "
		"'push'";
	static const char text[] = "[\"text\",\"message\"]";
	static const char enter[] = "[\"event\",\"event.enter\",\"enter\"]";
	struct triggers *t;

	(void)state;
	fresh();
	t = begin();
	declare(t, "all",
		"[{\"name\":\"p\",\"type\":\"push\",\"appid\":\"\"}]");
	declare(t, "enters",
		"[{\"name\":\"p\",\"type\":\"push\",\"appid\":"
		"\"wx1\",\"events\":[\"enter\",\"image\"]}]");
	(void)sql("INSERT INTO mpcloud.users (uid, appid, openid, unionid, "
		  "created_at, last_login_at) VALUES ('u7', 'wx1', 'o7', "
		  "'un7', 1, 1)");
	assert_string_equal(sql(take, "wx1", "id 1", text, "a", "o7", 5), "1");
	assert_string_equal(sql(take, "wx1", "id 1", text, "a", "o7", 6), "");
	assert_string_equal(sql(take, "wx2", "id 1", enter, "b", "o8", 7), "1");
	assert_string_equal(sql(take, "wx1", "id 2", enter, "c", "", 8), "2");
	assert_string_equal(sql(queued),
		"all:a:u7:o7:un7:wx1 all:b::o8::wx2 all:c::::wx1 "
		"enters:c::::wx1");
	assert_string_equal(
		sql("SELECT count(*) FROM mpcloud.pushes WHERE received_at "
		    "BETWEEN 5 AND 8"),
		"3");
	(void)sql("DELETE FROM mpcloud.users");
	t = triggers_free(t);
	queue_teardown();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_heard_with_what_was_and_what_is),
		cmocka_unit_test(the_function_is_told_when_it_was_taken_up),
		cmocka_unit_test(a_write_that_is_rolled_back_is_not_heard),
		cmocka_unit_test(only_what_was_asked_for_is_heard),
		cmocka_unit_test(triggers_go_with_their_function),
		cmocka_unit_test(a_collection_may_come_after_its_trigger),
		cmocka_unit_test(gateways_that_say_it_at_once_say_it_once),
		cmocka_unit_test(
			a_table_that_a_transaction_holds_gets_its_trigger_later),
		cmocka_unit_test(
			out_of_a_pipeline_is_heard_as_changes_and_an_import_is_not),
		cmocka_unit_test(a_trigger_that_sets_itself_off_ends),
		cmocka_unit_test(
			logins_payments_and_files_are_heard_by_who_wants_them),
		cmocka_unit_test(
			a_message_is_taken_in_once_for_those_who_want_it),
	};

	return cmocka_run_group_tests(tests, queue_suite_start, stop);
}
