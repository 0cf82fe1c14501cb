/*
 * Who may see and change which documents, and that hostile names and values
 * stay names and values.
 */
#include "tests/unit/doc_call.h"

static void
hostile_names_are_only_names(void **state)
{
	static const char *const names[] = {
		"x\"; DROP SCHEMA mpcloud CASCADE; --",
		"'; SELECT 1; --",
		"\"",
		"\"\"",
		"a.b",
		"SELECT",
		"$1",
		"%I %s",
		"\\",
		"new\nline",
		"中文集合",
		"coll0_pkey",
		"_underscore",
		"pg_class",
		/* the same 63 bytes, then different */
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a2",
	};
	struct call c = {0};
	char data[300], want[100];

	(void)state;
	for (size_t i = 0; i < array_size(names); i++) {
		ok(&c, DOC_ADD_COLLECTION, names[i], NULL, NULL);
		(void)snprintf(data, sizeof(data), "[{\"_id\":\"%zu\"}]", i);
		ok(&c, DOC_INSERT, names[i], NULL, data);
	}
	for (size_t i = 0; i < array_size(names); i++) {
		ok(&c, DOC_FIND, names[i], NULL, NULL);
		(void)snprintf(want, sizeof(want), "{\"_id\":\"%zu\"}", i);
		assert_string_equal(c.text, want);
	}
	assert_int_equal(
		run(&c, DOC_ADD_COLLECTION, "", NULL, NULL), ERR_DB_PARAM);
	assert_int_equal(run(&c, DOC_ADD_COLLECTION, "system.x", NULL, NULL),
		ERR_DB_PARAM);
	assert_int_equal(run(&c, DOC_ADD_COLLECTION, "bad\xff", NULL, NULL),
		ERR_DB_PARAM);
	end(&c);
}

static void
hostile_values_are_only_values(void **state)
{
	static const char *const values[] = {
		"\"'; DROP TABLE x; --\"",
		"\"\\\" ? (@ == 1)\"",
		"\"$v\"",
		"\"\\\\\"",
		"\"{openid}\"",
		"{\"a' OR 1=1\":1}",
		"[\"{\\\"a\\\",b}\"]",
	};
	struct call c;
	const char *coll = fresh(&c);
	char text[400];

	(void)state;
	for (size_t i = 0; i < array_size(values); i++) {
		(void)snprintf(text, sizeof(text),
			"[{\"_id\":\"%zu\",\"v\":%s,\"w\\\" ' "
			"\\\\\":{\"}\":%s}}]",
			i, values[i], values[i]);
		ok(&c, DOC_INSERT, coll, NULL, text);
	}
	for (size_t i = 0; i < array_size(values); i++) {
		char want[8];

		(void)snprintf(want, sizeof(want), "%zu", i);
		(void)snprintf(text, sizeof(text), "{\"v\":%s}", values[i]);
		assert_string_equal(ids_of(&c, coll, text), want);
		(void)snprintf(text, sizeof(text), "{\"w\\\" ' \\\\.}\":%s}",
			values[i]);
		assert_string_equal(ids_of(&c, coll, text), want);
	}
	c.multi = true;
	for (size_t i = 0; i < array_size(values); i++) {
		(void)snprintf(text, sizeof(text),
			"{\"$set\":{\"w\\\" ' \\\\.}\":[%s],\"u\":%s}}",
			values[i], values[i]);
		ok(&c, DOC_UPDATE, coll, NULL, text);
		assert_int_equal(c.op.total, (int)array_size(values));
		(void)snprintf(text, sizeof(text), "{\"u\":%s}", values[i]);
		ok(&c, DOC_COUNT, coll, text, NULL);
		assert_int_equal(c.op.total, (int)array_size(values));
	}
	end(&c);
}

/* For each permission: may others read, may the owner read, write? */
static void
permissions_are_kept(void **state)
{
	static const struct {
		const char *permission;
		int read, write; /* of the owner: 0 or an error */
		int others;      /* how many documents another one sees */
		int nobody;      /* reading, without an openid */
	} cases[] = {
		{"READONLY", 0, 0, 2, 0},
		{"PRIVATE", 0, 0, 1, ERR_DB_DENIED},
		{"ADMINWRITE", 0, ERR_DB_DENIED, 2, 0},
		{"ADMINONLY", ERR_DB_DENIED, ERR_DB_DENIED, -1, ERR_DB_DENIED},
	};
	struct call c;

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *coll = fresh(&c);

		/* even before there is a row to look at */
		permit(coll, cases[i].permission);
		assert_int_equal(as(&c, "alice", DOC_FIND, coll, NULL, NULL),
			cases[i].read);
		assert_int_equal(
			as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"none\"}",
				"{\"$set\":{\"a\":1}}"),
			cases[i].write);
		assert_int_equal(as(&c, "alice", DOC_REMOVE, coll,
					 "{\"_id\":\"none\"}", NULL),
			cases[i].write);
		assert_int_equal(as(&c, "", DOC_COUNT, coll, NULL, NULL),
			cases[i].nobody);
		assert_int_equal(as(&c, "", DOC_INSERT, coll, NULL, "[{}]"),
			ERR_DB_DENIED);
		assert_int_equal(as(&c, "", DOC_REMOVE, coll, NULL, NULL),
			ERR_DB_DENIED);

		permit(coll, "READONLY");
		assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
					 "[{\"_id\":\"1\",\"n\":1}]"),
			0);
		assert_int_equal(as(&c, "bob", DOC_INSERT, coll, NULL,
					 "[{\"_id\":\"2\",\"n\":1}]"),
			0);
		permit(coll, cases[i].permission);
		if (as(&c, "bob", DOC_COUNT, coll, NULL, NULL) == 0)
			assert_int_equal(c.op.total, cases[i].others);
		else
			assert_int_equal(cases[i].others, -1);
		c.multi = true;
		if (as(&c, "bob", DOC_UPDATE, coll, NULL,
			    "{\"$set\":{\"n\":2}}") == 0)
			assert_int_equal(c.op.total, 1);
		if (as(&c, "bob", DOC_REMOVE, coll, "{\"_id\":\"1\"}", NULL) ==
			0)
			assert_int_equal(c.op.total, 0);
		c.multi = false;
		ok(&c, DOC_COUNT, coll, "{\"n\":1}", NULL);
		assert_int_equal(c.op.total, cases[i].write == 0 ? 1 : 2);
		end(&c);
	}
}

static void
the_owner_is_stamped_and_hidden(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
				 "[{\"_id\":\"1\",\"a\":1},{\"_id\":\"2\"}]"),
		0);
	ok(&c, DOC_COUNT, coll, "{\"_openid\":\"alice\"}", NULL);
	assert_int_equal(c.op.total, 2);
	assert_int_equal(as(&c, "bob", DOC_FIND, coll, NULL, NULL), 0);
	assert_string_equal(
		c.text, "{\"_id\":\"1\", \"a\": 1}\n{\"_id\":\"2\"}");
	c.projection = "{\"_openid\": 1, \"_id\": 0}";
	assert_int_equal(as(&c, "alice", DOC_FIND, coll, NULL, NULL), 0);
	assert_string_equal(c.text, "{}\n{}");
	c.projection = NULL;

	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL,
				 "[{\"_openid\":\"bob\"}]"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$set\":{\"_openid\":\"bob\"}}"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$rename\":{\"_openid\":\"b\"}}"),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, NULL,
				 "{\"$rename\":{\"a\":\"_openid\"}}"),
		ERR_DB_DENIED);
	c.order = "{\"_openid\":1}";
	assert_int_equal(
		as(&c, "bob", DOC_FIND, coll, NULL, NULL), ERR_DB_DENIED);
	c.order = NULL;
	end(&c);
}

static void
an_openid_cannot_be_guessed_by_asking(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	assert_int_equal(as(&c, "alice", DOC_INSERT, coll, NULL, "[{}]"), 0);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"_openid\":{\"$gt\":\"al\"}}", NULL),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"$or\":[{\"_openid\":\"alice\"}]}", NULL),
		ERR_DB_DENIED);
	assert_int_equal(as(&c, "bob", DOC_COUNT, coll,
				 "{\"_openid\":\"{openid}\"}", NULL),
		0);
	assert_int_equal(c.op.total, 0);
	assert_int_equal(as(&c, "alice", DOC_COUNT, coll,
				 "{\"_openid\":\"{openid}\"}", NULL),
		0);
	assert_int_equal(c.op.total, 1);
	end(&c);
}

static void
a_users_set_stays_his(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	c.replace = c.upsert = true;
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"s\"}",
				 "{\"a\":1}"),
		0);
	assert_string_equal(c.op.upserted_id, "\"s\"");
	assert_int_equal(
		as(&c, "bob", DOC_UPDATE, coll, "{\"_id\":\"s\"}", "{\"a\":2}"),
		0);
	assert_int_equal(c.op.total, 0);
	assert_null(c.op.upserted_id);
	assert_int_equal(as(&c, "alice", DOC_UPDATE, coll, "{\"_id\":\"s\"}",
				 "{\"a\":3}"),
		0);
	assert_int_equal(c.op.total, 1);
	c.replace = c.upsert = false;
	ok(&c, DOC_FIND, coll, NULL, NULL);
	assert_string_equal(
		c.text, "{\"_id\":\"s\", \"a\": 3, \"_openid\": \"alice\"}");
	end(&c);
}

/* Of a table that a VACUUM found empty the plan of an UPDATE looks at no row,
 * and so at no condition: the INSERT needs a gate of its own. */
static void
an_upsert_makes_nothing_where_its_caller_may_not_write(void **state)
{
	static const char *const conditions[] = {
		"{\"x\":1}", "{\"_id\":\"s\"}", "{\"_id\":\"s\",\"x\":1}"};
	struct call c;
	const char *coll = fresh(&c);
	char vacuum[200];

	(void)state;
	permit(coll, "ADMINWRITE");
	(void)snprintf(
		vacuum, sizeof(vacuum), "VACUUM ANALYZE env_test.%s", coll);
	(void)testpg_query(server, vacuum);
	c.upsert = true;
	for (int i = 0; i < 4 * (int)array_size(conditions); i++) {
		c.multi = i & 1;
		c.replace = i & 2;
		assert_int_equal(as(&c, "alice", DOC_UPDATE, coll,
					 conditions[i / 4], "{\"y\":1}"),
			ERR_DB_DENIED);
	}
	c.upsert = c.multi = c.replace = false;
	ok(&c, DOC_COUNT, coll, NULL, NULL);
	assert_int_equal(c.op.total, 0);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_names_are_only_names),
		cmocka_unit_test(hostile_values_are_only_values),
		cmocka_unit_test(permissions_are_kept),
		cmocka_unit_test(the_owner_is_stamped_and_hidden),
		cmocka_unit_test(an_openid_cannot_be_guessed_by_asking),
		cmocka_unit_test(a_users_set_stays_his),
		cmocka_unit_test(
			an_upsert_makes_nothing_where_its_caller_may_not_write),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
