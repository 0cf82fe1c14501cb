/*
 * What gateways know of collections: two catalogs on one database, each the
 * catalog of a gateway.
 */
#include "documents/catalog.h"

#include "documents/index.h"
#include "documents/rule.h"
#include "tests/unit/doc_call.h"

static struct catalog *other;

struct want {
	struct catalog_ask ask;
	int calls, err;
};

static void
on_want(struct job *job)
{
	struct want *w = container_of(
		container_of(job, struct catalog_ask, job), struct want, ask);

	w->calls++;
	w->err = job->err;
	loop_stop(&loop);
}

static bool
ask_start(struct catalog *c, struct want *w, const char *name)
{
	*w = (struct want){0};
	w->ask.env = "test";
	w->ask.name[0] = slice_str(name);
	w->ask.count = 1;
	job_init(&w->ask.job, on_want);
	return catalog_ask(c, &w->ask);
}

/* What `c` says of a collection; to be ended. */
static const struct coll_info *
ask_for(struct catalog *c, struct want *w, const char *name)
{
	if (!ask_start(c, w, name))
		while (!w->calls)
			loop_turn(&loop, true);
	assert_int_equal(w->err, 0);
	return catalog_of(&w->ask, slice_str(name));
}

static enum permission
permission_in(struct catalog *c, const char *name)
{
	struct want w;
	enum permission p = ask_for(c, &w, name)->permission;

	catalog_end(&w.ask);
	return p;
}

static int64_t
version_in(struct catalog *c, const char *name)
{
	struct want w;
	int64_t version = ask_for(c, &w, name)->version;

	catalog_end(&w.ask);
	return version;
}

static void
what_is_known_is_answered_at_once(void **state)
{
	struct call c;
	const char *name = fresh(&c);
	const struct coll_info *info;
	struct want w, again;

	(void)state;
	permit(name, "PRIVATE");
	info = ask_for(docs.catalog, &w, name);
	assert_int_equal(info->permission, PERMISSION_PRIVATE);
	assert_true(info->version > 0);
	assert_true(slice_is(info->coll.name, name));
	assert_false(info->shows_openid);
	assert_null(info->rules);
	assert_true(ask_start(docs.catalog, &again, name));
	assert_ptr_equal(again.ask.info[0], info);
	/* it stays for who holds it, whatever happens */
	catalog_forget(docs.catalog, "test", slice_str(name));
	assert_int_equal(info->permission, PERMISSION_PRIVATE);
	catalog_end(&again.ask);
	catalog_end(&w.ask);
	end(&c);
}

/* A thousand callers, and room for a few questions. */
static void
many_that_want_the_same_share_a_question(void **state)
{
	enum { MANY = 1000 };
	static struct want many[MANY];
	struct pool_conf conf = {.url = testpg_url(server),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 3};
	struct pool *narrow;
	struct catalog *c;
	struct call call;
	const char *name = fresh(&call);
	int left = MANY;

	(void)state;
	assert_int_equal(pool_new(&narrow, &loop, &conf, NULL), 0);
	assert_int_equal(catalog_new(&c, narrow), 0);
	for (int i = 0; i < MANY; i++)
		assert_false(ask_start(c, &many[i], name));
	/* one who does not wait any more is not called */
	job_cancel(&many[5].ask.job);
	while (left > 1) {
		loop_turn(&loop, true);
		left = 0;
		for (int i = 0; i < MANY; i++)
			left += many[i].calls == 0;
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(many[i].calls, i != 5);
		assert_int_equal(many[i].err, 0);
		if (i != 5)
			assert_ptr_equal(
				many[i].ask.info[0], many[0].ask.info[0]);
	}
	for (int i = 0; i < MANY; i++)
		catalog_end(&many[i].ask);
	catalog_free(c);
	pool_free(narrow);
	end(&call);
}

static void
a_change_elsewhere_is_seen_within_a_moment(void **state)
{
	struct call c;
	const char *name = fresh(&c);
	int64_t before;

	(void)state;
	permit(name, "READONLY");
	assert_int_equal(permission_in(other, name), PERMISSION_READONLY);
	before = version_in(other, name);
	permit(name, "ADMINONLY");
	while (permission_in(other, name) != PERMISSION_ADMINONLY)
		loop_turn(&loop, true);
	assert_true(version_in(other, name) > before);
	end(&c);
}

static void
set_rules(const char *name, const char *rules)
{
	char sql[600];

	(void)snprintf(sql, sizeof(sql),
		"UPDATE mpcloud.collections SET permission = 'CUSTOM', rules = "
		"'%s', version = nextval('mpcloud.catalog_version') WHERE name "
		"= '%s'",
		rules, name);
	(void)testpg_query(server, sql);
	catalog_forget(docs.catalog, "test", slice_str(name));
}

/* The same through a statement, at once: another gateway's catalog is old, and
 * that decides nothing. */
static void
what_is_old_grants_nothing(void **state)
{
	struct docs ours = docs;
	struct call c;
	const char *name = fresh(&c);

	(void)state;
	for (int i = 0; i < 5; i++) {
		permit(name, "READONLY");
		docs.catalog = other;
		assert_int_equal(
			as(&c, "alice", DOC_COUNT, name, NULL, NULL), 0);
		docs = ours;
		permit(name, "ADMINONLY");
		docs.catalog = other;
		assert_int_equal(as(&c, "alice", DOC_COUNT, name, NULL, NULL),
			ERR_DB_DENIED);
		docs = ours;
	}
	end(&c);
}

/* Nor does it refuse: not before the statement is made, and not in it. */
static void
what_is_old_refuses_nothing(void **state)
{
	static const char *const rules[] = {"{\"create\": false}",
		"{\"create\": \"request.data.n > 0\"}",
		"{\"create\": \"request.data.n == doc.m\"}"};
	struct docs ours = docs;
	struct call c;
	const char *name = fresh(&c);

	(void)state;
	for (size_t i = 0; i < array_size(rules); i++) {
		set_rules(name, rules[i]);
		docs.catalog = other;
		assert_int_equal(
			as(&c, "alice", DOC_INSERT, name, NULL, "[{}]"),
			ERR_DB_DENIED);
		docs = ours;
		set_rules(name, "{\"create\": true}");
		docs.catalog = other;
		assert_int_equal(
			as(&c, "alice", DOC_INSERT, name, NULL, "[{}]"), 0);
		docs = ours;
	}
	end(&c);
}

static void
what_does_not_exist_is_asked_again_soon(void **state)
{
	struct call c = {0};

	(void)state;
	assert_int_equal(version_in(other, "late"), 0);
	ok(&c, DOC_ADD_COLLECTION, "late", NULL, NULL);
	while (version_in(other, "late") == 0)
		loop_turn(&loop, true);
	end(&c);
}

/* Strangers' names make no room for themselves. */
static void
names_made_up_push_nothing_out(void **state)
{
	struct call c;
	const char *name = fresh(&c);
	struct want w;
	char made[40];

	(void)state;
	assert_true(version_in(docs.catalog, name) > 0);
	for (int i = 0; i < 2500; i++) {
		(void)snprintf(made, sizeof(made), "made-up-%d", i);
		assert_int_equal(version_in(docs.catalog, made), 0);
	}
	assert_true(ask_start(docs.catalog, &w, name));
	catalog_end(&w.ask);
	end(&c);
}

static void
several_are_asked_for_together(void **state)
{
	struct call c, d;
	char first[32];
	struct want w = {0};

	(void)state;
	(void)snprintf(first, sizeof(first), "%s", fresh(&c));
	w.ask.env = "test";
	w.ask.name[0] = slice_str(first);
	w.ask.name[1] = slice_str("nowhere");
	w.ask.name[2] = slice_str(fresh(&d));
	w.ask.name[3] = w.ask.name[0];
	w.ask.count = 4;
	job_init(&w.ask.job, on_want);
	assert_false(catalog_ask(docs.catalog, &w.ask));
	while (!w.calls)
		loop_turn(&loop, true);
	assert_int_equal(w.err, 0);
	assert_true(w.ask.info[0]->version > 0);
	assert_int_equal(w.ask.info[1]->version, 0);
	assert_true(w.ask.info[2]->version > w.ask.info[0]->version);
	assert_ptr_equal(w.ask.info[3], w.ask.info[0]);
	assert_null(catalog_of(&w.ask, slice_str("else")));
	catalog_end(&w.ask);
	end(&d);
	end(&c);
}

static void
a_name_that_cannot_be_one_is_an_error(void **state)
{
	struct want w;

	(void)state;
	assert_false(ask_start(docs.catalog, &w, "system.x"));
	while (!w.calls)
		loop_turn(&loop, true);
	assert_int_equal(w.err, ERR_DB_PARAM);
	catalog_end(&w.ask);
}

static void
rules_that_cannot_be_read_deny_everything(void **state)
{
	struct call c;
	const char *name = fresh(&c);
	struct want w;

	(void)state;
	set_rules(name, "{\"read\": true, \"write\": \"doc.a = 1\"}");
	assert_null(ask_for(docs.catalog, &w, name)->rules);
	catalog_end(&w.ask);
	assert_int_equal(
		as(&c, "alice", DOC_FIND, name, NULL, NULL), ERR_DB_DENIED);
	set_rules(name, "{\"read\": true}");
	assert_int_equal(as(&c, "alice", DOC_FIND, name, NULL, NULL), 0);
	assert_int_equal(
		as(&c, "alice", DOC_INSERT, name, NULL, "[{}]"), ERR_DB_DENIED);
	end(&c);
}

/* What a rule's get() asks need not exist, and may go away. */
static void
a_collection_that_rules_ask_may_come_and_go(void **state)
{
	struct call c;
	const char *name = fresh(&c);

	(void)state;
	ok(&c, DOC_INSERT, name, NULL, "[{\"_id\":\"1\",\"who\":\"a\"}]");
	set_rules(name, "{\"read\": \"get(`database.staff.${doc.who}`).ok == "
			"true\"}");
	assert_int_equal(
		as(&c, "alice", DOC_COUNT, name, NULL, NULL), ERR_DB_DENIED);
	ok(&c, DOC_ADD_COLLECTION, "staff", NULL, NULL);
	ok(&c, DOC_INSERT, "staff", NULL, "[{\"_id\":\"a\",\"ok\":true}]");
	assert_int_equal(as(&c, "alice", DOC_COUNT, name, NULL, NULL), 0);
	assert_int_equal(c.op.total, 1);
	/* behind the catalog's back */
	(void)testpg_query(server,
		"DROP TABLE env_test.staff; DELETE FROM mpcloud.collections "
		"WHERE name = 'staff'");
	assert_int_equal(
		as(&c, "alice", DOC_COUNT, name, NULL, NULL), ERR_DB_DENIED);
	end(&c);
}

static void
a_lost_server_is_said_to_all_who_wait(void **state)
{
	struct want a, b;

	(void)state;
	testpg_kill(server);
	while (pool_is_up(pool))
		loop_turn(&loop, true);
	assert_false(ask_start(docs.catalog, &a, "new1"));
	assert_false(ask_start(docs.catalog, &b, "new1"));
	testpg_start(server);
	while (!a.calls || !b.calls)
		loop_turn(&loop, true);
	/* waited for until the server was back */
	assert_int_equal(a.err, 0);
	assert_int_equal(b.err, 0);
	catalog_end(&a.ask);
	catalog_end(&b.ask);
}

static int
start_two(void **state)
{
	int r = group_start(state);

	return r < 0 ? r : catalog_new(&other, pool);
}

static int
stop_two(void **state)
{
	other = catalog_free(other);
	return group_stop(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_is_answered_at_once),
		cmocka_unit_test(many_that_want_the_same_share_a_question),
		cmocka_unit_test(a_change_elsewhere_is_seen_within_a_moment),
		cmocka_unit_test(what_is_old_grants_nothing),
		cmocka_unit_test(what_is_old_refuses_nothing),
		cmocka_unit_test(what_does_not_exist_is_asked_again_soon),
		cmocka_unit_test(names_made_up_push_nothing_out),
		cmocka_unit_test(several_are_asked_for_together),
		cmocka_unit_test(a_name_that_cannot_be_one_is_an_error),
		cmocka_unit_test(rules_that_cannot_be_read_deny_everything),
		cmocka_unit_test(a_collection_that_rules_ask_may_come_and_go),
		cmocka_unit_test(a_lost_server_is_said_to_all_who_wait),
	};

	return cmocka_run_group_tests(tests, start_two, stop_two);
}
