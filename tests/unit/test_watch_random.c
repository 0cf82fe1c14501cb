/*
 * Random documents, queries of every family of operators, and random changes:
 * what followers made of the events is what the query finds, after every
 * commit; with several writers at once; and with the replication connection
 * killed in the middle.
 */
#include "tests/unit/watch_call.h"

enum {
	STEPS = 400,  /* each looked at by every follower */
	STORM = 6000, /* changes by several at once */
	WRITERS = 8,
	IDS = 24,
};

static uint64_t seed = 20261121;

static unsigned
any(unsigned below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % below;
}

static const char *
pick(const char *const *of, size_t count)
{
	return of[any((unsigned)count)];
}
#define PICK(of) pick(of, array_size(of))

static const char *const values[] = {"1", "2", "3", "5", "7.5", "\"x\"",
	"\"yz\"", "\"z\\u0007\\\"中\"", "[\"x\",\"z\\u0007\\\"中\"]",
	"[[\"x\"],{\"x\":\"x\"}]", "\"_x\"", "null", "true", "false", "[]",
	"[1,2,3]", "[5,\"x\"]", "{\"k\":1}", "{\"k\":{\"l\":2}}",
	"[{\"x\":1,\"y\":2},{\"x\":3,\"y\":1}]", "{\"$date\":1000}",
	"{\"$date\":2000}", "{}"};
static const char *const fields[] = {"a", "b", "s", "t", "o", "d"};

/* One of each family. */
static const struct {
	const char *query, *order;
	int64_t limit;
	const char *user;
} queries[] = {
	{"{}", NULL, -1, NULL},
	{"{\"_id\":\"id3\"}", NULL, -1, NULL},
	{"{\"_id\":{\"$in\":[\"id1\",\"id2\",\"id5\"]}}", NULL, -1, NULL},
	{"{\"a\":1}", NULL, -1, NULL},
	{"{\"a\":\"x\"}", NULL, -1, NULL},
	{"{\"a\":null}", NULL, -1, NULL},
	{"{\"a\":{\"$ne\":2}}", NULL, -1, NULL},
	{"{\"a\":{\"$gt\":2}}", NULL, -1, NULL},
	{"{\"a\":{\"$gte\":2,\"$lt\":6}}", NULL, -1, NULL},
	{"{\"a\":{\"$lte\":\"y\"}}", NULL, -1, NULL},
	{"{\"a\":{\"$in\":[1,\"x\",true]}}", NULL, -1, NULL},
	{"{\"a\":{\"$nin\":[1,\"x\"]}}", NULL, -1, NULL},
	{"{\"d\":{\"$gt\":{\"$date\":1500}}}", NULL, -1, NULL},
	{"{\"b\":{\"$exists\":true}}", NULL, -1, NULL},
	{"{\"b\":{\"$exists\":false}}", NULL, -1, NULL},
	{"{\"a\":{\"$type\":\"number\"}}", NULL, -1, NULL},
	{"{\"a\":{\"$mod\":[2,1]}}", NULL, -1, NULL},
	{"{\"s\":{\"$regex\":\"^[xy]\"}}", NULL, -1, NULL},
	{"{\"t\":{\"$size\":3}}", NULL, -1, NULL},
	{"{\"t\":{\"$all\":[1,2]}}", NULL, -1, NULL},
	{"{\"t\":{\"$elemMatch\":{\"x\":1,\"y\":{\"$gt\":1}}}}", NULL, -1,
		NULL},
	{"{\"t.x\":3}", NULL, -1, NULL},
	{"{\"t.0\":5}", NULL, -1, NULL},
	{"{\"o.k\":1}", NULL, -1, NULL},
	{"{\"o\":{\"k\":1}}", NULL, -1, NULL},
	{"{\"$or\":[{\"a\":1},{\"b\":\"x\"}]}", NULL, -1, NULL},
	{"{\"$and\":[{\"a\":{\"$exists\":true}},{\"s\":\"x\"}]}", NULL, -1,
		NULL},
	{"{\"$nor\":[{\"a\":1},{\"b\":2}]}", NULL, -1, NULL},
	{"{\"a\":{\"$not\":{\"$gt\":2}}}", NULL, -1, NULL},
	{"{\"$expr\":{\"$eq\":[\"$a\",\"$b\"]}}", NULL, -1, NULL},
	{"{\"$expr\":{\"$gt\":[\"$a\",\"$b\"]},\"s\":\"x\"}", NULL, -1, NULL},
	{"{\"$jsonSchema\":{\"required\":[\"a\",\"b\"]}}", NULL, -1, NULL},
	{"{\"p\":{\"$geoWithin\":{\"$centerSphere\":[[0,0],0.5]}}}", NULL, -1,
		NULL},
	{"{\"s\":\"z\\u0007\\\"中\"}", NULL, -1, NULL},
	{"{\"a\":\"x\"}", NULL, -1, "o1"},
	/* decided without the database, but for arrays */
	{"{\"a\":\"x\",\"s\":\"yz\"}", NULL, -1, NULL},
	{"{\"$and\":[{\"a\":\"x\"},{\"a\":\"yz\"}]}", NULL, -1, NULL},
	{"{\"_id\":\"id4\",\"s\":\"x\"}", NULL, -1, NULL},
	{"{\"_id\":\"id4\",\"s\":{\"$gt\":1}}", NULL, -1, NULL},
	{"{\"_openid\":\"{openid}\",\"b\":\"x\"}", NULL, -1, "o3"},
	{"{\"o.k\":\"x\",\"b\":\"x\"}", NULL, -1, NULL},
	{"{\"s\":\"x\"}", NULL, 2, NULL},
	{"{\"s\":\"x\"}", "{\"a\":1}", 2, NULL},
	{"{\"a\":\"x\",\"b\":\"x\",\"s\":\"x\",\"t\":\"x\",\"o\":\"x\"}", NULL,
		-1, NULL},
	{"{}", NULL, -1, "o2"},
	{"{\"_openid\":\"{openid}\"}", NULL, -1, "o1"},
	{"{}", NULL, 5, NULL},
	{"{\"a\":{\"$exists\":true}}", NULL, 3, NULL},
	{"{}", "{\"a\":1}", 6, NULL},
	{"{}", "[{\"field\":\"b\",\"direction\":\"desc\"},{\"field\":\"a\"}]",
		4, NULL},
	{"{\"s\":\"x\"}", "{\"t\":-1}", 2, "o1"},
	{"{}", "{\"o\":-1}", -1, NULL},
};

static struct follower followers[array_size(queries)];

static void
start_following(const char *coll)
{
	for (size_t i = 0; i < array_size(queries); i++)
		follow(&followers[i], coll, queries[i].query, queries[i].order,
			queries[i].limit ? queries[i].limit : -1,
			queries[i].user);
	for (size_t i = 0; i < array_size(queries); i++)
		known(&followers[i]);
}

static void
stop_following(void)
{
	for (size_t i = 0; i < array_size(queries); i++)
		unfollow(&followers[i]);
}

/* A verb, a condition and its data. */
struct step {
	enum doc_verb verb;
	bool multi, replace, upsert;
	char query[200], data[2000];
};

static void
make_doc(char *to, size_t size, bool with_id)
{
	size_t len = (size_t)snprintf(to, size, "{");
	const char *comma = "";

	if (with_id) {
		len += (size_t)snprintf(
			to + len, size - len, "\"_id\":\"id%u\"", any(IDS));
		comma = ",";
	}
	if (any(3) == 0) {
		len += (size_t)snprintf(to + len, size - len,
			"%s\"_openid\":\"o%u\"", comma, 1 + any(3));
		comma = ",";
	}
	if (any(2)) {
		len += (size_t)snprintf(to + len, size - len,
			"%s\"p\":{\"type\":\"Point\",\"coordinates\":[%u,%u]}",
			comma, any(60), any(60));
		comma = ",";
	}
	for (size_t i = 0; i < array_size(fields); i++) {
		if (any(3) == 0)
			continue;
		len += (size_t)snprintf(to + len, size - len, "%s\"%s\":%s",
			comma, fields[i], PICK(values));
		comma = ",";
	}
	(void)snprintf(to + len, size - len, "}");
}

static void
make_step(struct step *s)
{
	const char *f = PICK(fields), *g = PICK(fields);

	*s = (struct step){.verb = DOC_UPDATE};
	(void)snprintf(
		s->query, sizeof(s->query), "{\"_id\":\"id%u\"}", any(IDS));
	switch (any(12)) {
	case 0:
	case 1:
	case 2:
		s->upsert = s->replace = true;
		make_doc(s->data, sizeof(s->data), false);
		break;
	case 3:
		s->verb = DOC_REMOVE;
		break;
	case 4:
		s->multi = true;
		(void)snprintf(s->query, sizeof(s->query), "{\"%s\":%s}", f,
			PICK(values));
		(void)snprintf(s->data, sizeof(s->data),
			"{\"$set\":{\"b\":%s}}", PICK(values));
		break;
	case 5:
		(void)snprintf(
			s->data, sizeof(s->data), "{\"$unset\":{\"%s\":1}}", f);
		break;
	case 6:
		(void)snprintf(s->data, sizeof(s->data),
			"{\"$set\":{\"o.k\":%s}}", PICK(values));
		break;
	case 7:
		(void)snprintf(s->data, sizeof(s->data),
			"{\"$set\":{\"t\":[%u,%u,%s]}}", any(4), any(4),
			PICK(values));
		break;
	default:
		(void)snprintf(s->data, sizeof(s->data),
			"{\"$set\":{\"%s\":%s}%s%s%s}", f, PICK(values),
			f == g ? "" : ",\"$unset\":{\"", f == g ? "" : g,
			f == g ? "" : "\":1}");
	}
}

static void
take_step(struct call *c, const char *coll, const struct step *s)
{
	c->multi = s->multi;
	c->replace = s->replace;
	c->upsert = s->upsert;
	start(c, s->verb, coll, s->query[0] ? s->query : NULL,
		s->data[0] ? s->data : NULL);
}

/* Refusals are fine (what a step makes no sense of), not answering is not. */
static void
after_every_commit_followers_agree(void **state)
{
	static json_t *before[array_size(queries)];
	static unsigned expected[array_size(queries)];
	struct call c;
	const char *coll = fresh(&c);
	struct step s;

	(void)state;
	permit(coll, "READONLY");
	start_following(coll);
	for (size_t i = 0; i < array_size(queries); i++)
		before[i] = json_incref(followers[i].docs);
	for (size_t i = 0; i < array_size(queries); i++)
		json_decref(before[i]), before[i] = asked(&followers[i]);
	for (unsigned step = 0; step < STEPS; step++) {
		make_step(&s);
		take_step(&c, coll, &s);
		(void)finish(&c);
		end(&c);
		for (size_t i = 0; i < array_size(queries); i++) {
			struct follower *f = &followers[i];
			json_t *now = asked(f);

			expected[i] += !json_equal(now, before[i]);
			json_decref(before[i]);
			before[i] = now;
			settled(f);
		}
	}
	/* one event for each commit that changed it, no more */
	for (size_t i = 0; i < array_size(queries); i++) {
		if (followers[i].changes != expected[i])
			print_error("%s\n", queries[i].query);
		assert_int_equal(followers[i].changes, expected[i]);
		assert_int_equal(followers[i].results, 1);
		json_decref(before[i]);
	}
	stop_following();
	end(&c);
}

static struct call writers[WRITERS];
static unsigned done, failed;

/* New documents only: what is missed stays missing. */
static void
make_new(struct step *s, unsigned number)
{
	*s = (struct step){.verb = DOC_INSERT};
	(void)snprintf(s->data, sizeof(s->data),
		"[{\"_id\":\"new%u\",\"a\":%u}]", number, 1 + number % 7);
}

static void
storm(const char *coll, unsigned steps, bool anew, void (*meanwhile)(unsigned))
{
	unsigned sent = 0;
	struct step s;

	memset(writers, 0, sizeof(writers));
	done = failed = 0;
	while (done < steps) {
		for (size_t i = 0; i < WRITERS; i++) {
			struct call *c = &writers[i];

			if (c->op.job.busy)
				continue;
			if (c->done) {
				failed += c->op.job.err < 0;
				done++;
				end(c);
				if (meanwhile)
					meanwhile(done);
			}
			if (sent < steps) {
				if (anew)
					make_new(&s, sent);
				else
					make_step(&s);
				take_step(c, coll, &s);
				sent++;
			}
		}
		turn();
	}
	for (size_t i = 0; i < WRITERS; i++)
		end(&writers[i]);
}

static void
several_writers_at_once_are_followed(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	start_following(coll);
	storm(coll, STORM, false, NULL);
	for (size_t i = 0; i < array_size(queries); i++) {
		settled(&followers[i]);
		assert_int_equal(followers[i].results, 1);
	}
	stop_following();
	end(&c);
}

/* Followers that begin in the middle of it all. */
static struct follower late[40];
static size_t late_count;
static const char *late_coll;

static void
come_late(unsigned at)
{
	if (at % 50 || late_count == array_size(late))
		return;
	follow(&late[late_count], late_coll,
		late_count % 2 ? "{\"a\":{\"$gt\":1}}" : "{\"a\":{\"$gt\":0}}",
		NULL, -1, NULL);
	/* of their own query, so that each asks anew */
	late[late_count].query.query =
		slice_str(str_printf("{\"a\":{\"$gt\":%zu}}", late_count % 7));
	door.stop(&late[late_count].sub);
	door.start(&late[late_count].sub, &late[late_count].query);
	late_count++;
}

static void
who_begins_in_the_middle_misses_nothing(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	late_coll = coll;
	storm(coll, STORM / 2, true, come_late);
	assert_int_equal(late_count, array_size(late));
	for (size_t i = 0; i < late_count; i++) {
		known(&late[i]);
		settled(&late[i]);
		assert_int_equal(late[i].results, 1);
		free((char *)(uintptr_t)late[i].query.query.ptr);
		unfollow(&late[i]);
	}
	end(&c);
}

static void
kill_stream(unsigned at)
{
	if (at % 400 == 200)
		assert_non_null(testpg_query(server,
			"SELECT count(pg_terminate_backend(pid)) FROM "
			"pg_stat_replication"));
}

static void
a_lost_stream_is_made_good(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	permit(coll, "READONLY");
	start_following(coll);
	storm(coll, STORM / 2, false, kill_stream);
	for (size_t i = 0; i < array_size(queries); i++) {
		settled(&followers[i]);
		assert_int_equal(followers[i].results, 1);
	}
	stop_following();
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_every_commit_followers_agree),
		cmocka_unit_test(several_writers_at_once_are_followed),
		cmocka_unit_test(who_begins_in_the_middle_misses_nothing),
		cmocka_unit_test(a_lost_stream_is_made_good),
	};

	return cmocka_run_group_tests(
		tests, watch_group_start, watch_group_stop);
}
