/*
 * PostgreSQL's change stream on a real server: what is told, in which order,
 * after a loss, and what is said when it cannot be had.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "db/changes.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <stdlib.h>

static struct testpg *server;
static struct loop loop;
static struct changes *changes;
static struct buf told; /* "begin insert:a:{} commit " */
static unsigned starts, troubles;
static struct fault trouble;
static int64_t defined;

static void
on_begin(void *owner, uint32_t xid, uint64_t lsn)
{
	(void)owner;
	assert_true(xid >= 3);
	assert_true(lsn > 0);
	buf_str(&told, "begin ");
}

static void
on_change(void *owner, const struct change *c)
{
	static const char *const kinds[] = {[CHANGE_INSERT] = "insert",
		[CHANGE_UPDATE] = "update",
		[CHANGE_DELETE] = "delete",
		[CHANGE_TRUNCATE] = "truncate"};

	(void)owner;
	assert_true(slice_is(c->schema, "env_test"));
	buf_printf(&told, "%s:%.*s", kinds[c->kind], SLICE_ARG(c->table));
	if (c->old_id.ptr)
		buf_printf(&told, ":from %.*s", SLICE_ARG(c->old_id));
	if (c->id.ptr)
		buf_printf(&told, ":%.*s", SLICE_ARG(c->id));
	if (c->doc.len > 100)
		buf_printf(&told, ":%zu bytes", c->doc.len);
	else if (c->doc.ptr)
		buf_printf(&told, ":%.*s", SLICE_ARG(c->doc));
	buf_char(&told, ' ');
}

static void
on_commit(void *owner, uint64_t lsn)
{
	(void)owner;
	(void)lsn;
	buf_str(&told, "commit ");
	loop_stop(&loop);
}

static void
on_define(void *owner, struct slice name, int64_t version)
{
	(void)owner;
	buf_printf(&told, "define:%.*s%s ", SLICE_ARG(name),
		version ? "" : ":gone");
	if (version)
		defined = version;
}

static void
on_message(void *owner, struct slice text)
{
	(void)owner;
	buf_printf(&told, "say:%.*s ", SLICE_ARG(text));
}

static void
on_start(void *owner)
{
	(void)owner;
	starts++;
	loop_stop(&loop);
}

static void
on_trouble(void *owner, const struct fault *why)
{
	(void)owner;
	troubles++;
	trouble = *why;
	loop_stop(&loop);
}

static const struct changes_ops ops = {
	.on_begin = on_begin,
	.on_change = on_change,
	.on_commit = on_commit,
	.on_define = on_define,
	.on_message = on_message,
	.on_start = on_start,
	.on_trouble = on_trouble,
};

static void
follow(const char *url)
{
	struct fault why = {0};

	buf_clear(&told);
	starts = troubles = 0;
	assert_int_equal(
		changes_new(&changes, &loop, url, "env_test", &ops, &why), 0);
	while (!starts && !troubles)
		loop_turn(&loop, true);
}

static void
begin(void)
{
	follow(testpg_url(server));
	assert_int_equal(starts, 1);
}

static void
sql(const char *text)
{
	(void)testpg_query(server, text);
}

static unsigned
commits(void)
{
	unsigned n = 0;

	for (const char *at = told.ptr; at && (at = strstr(at, "commit "));
		at++)
		n++;
	return n;
}

static void
until_commits(unsigned count)
{
	while (commits() < count)
		loop_turn(&loop, true);
}

static int
setup(void **state)
{
	struct fault why = {0};

	(void)state;
	buf_init(&told, 1 << 20);
	server = testpg_new();
	if (schema_migrate(testpg_url(server), &why) < 0)
		return -1;
	sql("SELECT mpcloud.collection_add('test', 'goods', 'env_test', "
	    "'goods', 'goods_pkey', 0)");
	return loop_init(&loop);
}

static int
teardown(void **state)
{
	(void)state;
	loop_done(&loop);
	buf_done(&told);
	server = testpg_free(server);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	changes = changes_free(changes);
	sql("TRUNCATE env_test.goods");
	return 0;
}

static void
rows_come_in_the_order_of_commits(void **state)
{
	(void)state;
	begin();
	sql("INSERT INTO env_test.goods VALUES ('a', '{\"n\": 1}')");
	sql("BEGIN; UPDATE env_test.goods SET doc = '{\"n\": 2}'; INSERT INTO "
	    "env_test.goods VALUES ('b', '{}'); DELETE FROM env_test.goods "
	    "WHERE _id = 'a'; COMMIT");
	sql("UPDATE env_test.goods SET _id = 'c' WHERE _id = 'b'");
	sql("BEGIN; INSERT INTO env_test.goods VALUES ('z', '{}'); ROLLBACK");
	sql("TRUNCATE env_test.goods");
	until_commits(4);
	assert_string_equal(told.ptr,
		"begin insert:goods:a:{\"n\": 1} commit "
		"begin update:goods:a:{\"n\": 2} insert:goods:b:{} "
		"delete:goods:a commit "
		"begin update:goods:from b:c:{} commit "
		"begin truncate:goods commit ");
}

/* What is stored out of line is not sent when it stayed as it was. */
static void
unchanged_large_documents_are_not_told_again(void **state)
{
	(void)state;
	sql("ALTER TABLE env_test.goods ALTER doc SET STORAGE EXTERNAL");
	begin();
	sql("INSERT INTO env_test.goods VALUES ('big', jsonb_build_object('t', "
	    "repeat('x', 100000)))");
	sql("UPDATE env_test.goods SET _id = 'moved'");
	sql("UPDATE env_test.goods SET doc = doc || '{\"n\": 1}'");
	until_commits(3);
	assert_string_equal(told.ptr,
		"begin insert:goods:big:100009 bytes commit "
		"begin update:goods:from big:moved commit "
		"begin update:goods:moved:100017 bytes commit ");
}

static void
a_collection_made_later_is_told_from_its_first_document_on(void **state)
{
	(void)state;
	begin();
	sql("BEGIN; SELECT mpcloud.collection_add('test', 'later', "
	    "'env_test', 'later', 'later_pkey', 0); INSERT INTO "
	    "env_test.later VALUES ('a', '{}'); COMMIT");
	until_commits(1);
	assert_non_null(strstr(told.ptr, "insert:later:a:{}"));
}

/* Tables of another environment, and our own, are nobody's. */
static void
other_schemas_are_not_told(void **state)
{
	(void)state;
	begin();
	sql("SELECT mpcloud.collection_add('else', 'goods', 'env_else', "
	    "'goods', 'else_pkey', 0)");
	sql("INSERT INTO env_else.goods VALUES ('a', '{}')");
	sql("INSERT INTO env_test.goods VALUES ('mine', '{}')");
	until_commits(2);
	assert_string_equal(
		told.ptr, "begin commit begin insert:goods:mine:{} commit ");
}

/* Who may read a collection changes between two commits, not some time later.
 */
static void
what_defines_a_collection_is_told_in_its_place(void **state)
{
	(void)state;
	begin();
	sql("INSERT INTO env_test.goods VALUES ('a', '{}')");
	sql("BEGIN; INSERT INTO env_test.goods VALUES ('b', '{}'); SELECT "
	    "mpcloud.collection_set('test', 'goods', 'PRIVATE', NULL, NULL); "
	    "COMMIT");
	until_commits(2);
	assert_int_equal(
		strtoll(testpg_query(server,
				"SELECT version FROM mpcloud.collections "
				"WHERE env = 'test' AND name = 'goods'"),
			NULL, 10),
		defined);
	sql("SELECT mpcloud.collection_add('test', 'short', 'env_test', "
	    "'short', 'short_pkey', 0)");
	sql("SELECT mpcloud.collection_drop('test', 'short', 'env_test', "
	    "'short')");
	until_commits(4);
	assert_string_equal(told.ptr,
		"begin insert:goods:a:{} commit "
		"begin insert:goods:b:{} define:goods commit "
		"begin define:short commit begin define:short:gone commit ");
}

static void
a_lost_connection_begins_anew(void **state)
{
	(void)state;
	begin();
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication");
	while (starts < 2)
		loop_turn(&loop, true);
	assert_true(troubles >= 1);
	assert_int_equal(trouble.code, ERR_DB_DOWN);
	sql("INSERT INTO env_test.goods VALUES ('a', '{}')");
	until_commits(1);
	/* nothing is left behind */
	assert_string_equal(testpg_query(server, "SELECT count(*) FROM "
						 "pg_replication_slots"),
		"1");
}

/* From one who follows to all others; what other programs say is not ours. */
static void
what_is_said_in_between_is_told(void **state)
{
	(void)state;
	begin();
	sql("BEGIN; INSERT INTO env_test.goods VALUES ('a', '{}'); SELECT "
	    "pg_logical_emit_message(true, 'mpcloud.watch', 'word'); COMMIT");
	sql("SELECT pg_logical_emit_message(false, 'other', 'noise')");
	sql("SELECT pg_logical_emit_message(true, 'mpcloud.watch', '')");
	until_commits(2);
	assert_string_equal(told.ptr, "begin insert:goods:a:{} say:word commit "
				      "begin say: commit ");
}

/* A process that is stopped, or a machine that is gone without a word, does not
 * make PostgreSQL keep its log: the slot goes with the connection, and that
 * when nothing was heard for wal_sender_timeout. */
static void
who_is_silent_holds_no_log(void **state)
{
	(void)state;
	sql("ALTER SYSTEM SET wal_sender_timeout = '300ms'");
	sql("SELECT pg_reload_conf()");
	begin();
	while (strcmp(testpg_query(server,
			      "SELECT count(*) FROM pg_replication_slots"),
		       "0") != 0)
		sql("SELECT pg_sleep(0.05)");
	sql("ALTER SYSTEM RESET wal_sender_timeout");
	sql("SELECT pg_reload_conf()");
	sql("INSERT INTO env_test.goods VALUES ('unheard', '{}')");
	while (starts < 2)
		loop_turn(&loop, true);
	assert_true(troubles >= 1);
	sql("INSERT INTO env_test.goods VALUES ('a', '{}')");
	until_commits(1);
	assert_string_equal(told.ptr, "begin insert:goods:a:{} commit ");
}

/* While it rests PostgreSQL keeps what is to be told. */
static void
a_pause_loses_nothing(void **state)
{
	(void)state;
	begin();
	changes_pause(changes, true);
	sql("INSERT INTO env_test.goods SELECT 'r' || n, "
	    "jsonb_build_object('t', repeat('x', 1000)) FROM "
	    "generate_series(1, 20000) n");
	changes_pause(changes, false);
	sql("INSERT INTO env_test.goods VALUES ('last', '{}')");
	while (!strstr(told.ptr, "insert:goods:last"))
		loop_turn(&loop, true);
	assert_non_null(strstr(told.ptr, "insert:goods:r20000:1009 bytes"));
}

static void
who_may_not_replicate_is_told_so(void **state)
{
	char url[300];

	(void)state;
	sql("CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA mpcloud TO plain");
	(void)snprintf(url, sizeof(url), "%s user=plain", testpg_url(server));
	follow(url);
	assert_int_equal(troubles, 1);
	assert_int_equal(trouble.code, ERR_WATCH_STREAM);
	assert_non_null(strstr(trouble.text, "REPLICATION"));
}

static void
who_owns_nothing_is_told_so(void **state)
{
	char url[300];

	(void)state;
	sql("CREATE ROLE reader LOGIN REPLICATION; GRANT USAGE ON SCHEMA "
	    "mpcloud TO reader; DROP PUBLICATION IF EXISTS "
	    "mpcloud_env_test");
	(void)snprintf(url, sizeof(url), "%s user=reader", testpg_url(server));
	follow(url);
	assert_int_equal(troubles, 1);
	assert_int_equal(trouble.code, ERR_WATCH_STREAM);
	assert_non_null(strstr(trouble.text, "GRANT CREATE ON DATABASE"));
}

/* An ordinary owner of the database, as docs/watch.md sets one up. */
static void
an_ordinary_owner_may(void **state)
{
	char url[300];
	struct fault why = {0};

	(void)state;
	sql("CREATE ROLE shop LOGIN REPLICATION");
	sql("CREATE DATABASE shop OWNER shop TEMPLATE template0 LC_COLLATE 'C' "
	    "LC_CTYPE 'C'");
	(void)snprintf(url, sizeof(url), "%s user=shop dbname=shop",
		testpg_url(server));
	if (schema_migrate(url, &why) < 0)
		print_error("%s\n", why.text);
	assert_int_equal(why.code, 0);
	follow(url);
	if (troubles)
		print_error("%s\n", trouble.text);
	assert_int_equal(troubles, 0);
}

static void
without_logical_decoding_it_says_what_to_do(void **state)
{
	(void)state;
	testpg_set(server, "wal_level=replica");
	testpg_kill(server);
	testpg_start(server);
	follow(testpg_url(server));
	assert_int_equal(troubles, 1);
	assert_int_equal(trouble.code, ERR_WATCH_STREAM);
	assert_non_null(
		strstr(trouble.text, "ALTER SYSTEM SET wal_level = 'logical'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			rows_come_in_the_order_of_commits, end),
		cmocka_unit_test_teardown(
			unchanged_large_documents_are_not_told_again, end),
		cmocka_unit_test_teardown(
			a_collection_made_later_is_told_from_its_first_document_on,
			end),
		cmocka_unit_test_teardown(other_schemas_are_not_told, end),
		cmocka_unit_test_teardown(
			what_defines_a_collection_is_told_in_its_place, end),
		cmocka_unit_test_teardown(a_lost_connection_begins_anew, end),
		cmocka_unit_test_teardown(what_is_said_in_between_is_told, end),
		cmocka_unit_test_teardown(who_is_silent_holds_no_log, end),
		cmocka_unit_test_teardown(a_pause_loses_nothing, end),
		cmocka_unit_test_teardown(
			who_may_not_replicate_is_told_so, end),
		cmocka_unit_test_teardown(who_owns_nothing_is_told_so, end),
		cmocka_unit_test_teardown(an_ordinary_owner_may, end),
		cmocka_unit_test_teardown(
			without_logical_decoding_it_says_what_to_do, end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
