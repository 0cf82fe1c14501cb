/*
 * What auth looks after by itself: two daemons are two shared memories on one
 * database.
 */
#include "auth/upkeep.h"
#include "base/clock.h"
#include "base/mem.h"
#include "db/schema.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

#include <unistd.h>

enum { ACCESS_S = 7200, REFRESH_S = 30 * 86400, TURNS = 100000 };

static struct testpg *pg;

struct fixture {
	struct loop loop;
	struct shm *here, *there; /* of two daemons */
	struct pool *pool;
	struct family family;
	int done, known;
};

static struct shm *
memory(void)
{
	struct shm *shm;
	int fd;

	assert_int_equal(shm_create(&fd), 0);
	assert_int_equal(shm_open_fd(&shm, fd), 0);
	(void)close(fd);
	return shm;
}

static struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 100,
	};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(pool_new(&f->pool, &f->loop, &conf, NULL), 0);
	f->here = memory();
	f->there = memory();
	(void)testpg_query(pg, "TRUNCATE mpcloud.users CASCADE");
	return f;
}

static void
teardown(struct fixture *f)
{
	clock_set(-1);
	(void)pool_free(f->pool);
	(void)shm_close(f->here);
	(void)shm_close(f->there);
	loop_done(&f->loop);
	(void)mem_free(f);
}

static struct family_home
home(struct fixture *f, struct shm *shm)
{
	return (struct family_home){
		&f->loop, f->pool, shm, ACCESS_S, REFRESH_S, NULL};
}

static void
on_done(struct job *job)
{
	struct family *family = container_of(job, struct family, job);

	assert_int_equal(job->err, 0);
	container_of(family, struct fixture, family)->done++;
}

static void
turn_until(struct fixture *f, const int *what, int value)
{
	for (int i = 0; i < TURNS && *what < value; i++)
		loop_turn(&f->loop, true);
	assert_int_equal(*what, value);
}

/* A login of this user, "" for a visitor; its session. */
static uint64_t
log_in_as(struct fixture *f, const char *openid)
{
	struct family_home h = home(f, f->here);

	f->family = (struct family){.appid = "wx1"};
	(void)snprintf(f->family.kind, sizeof(f->family.kind), "%s",
		*openid ? FAMILY_WECHAT : FAMILY_ANONYMOUS);
	(void)snprintf(
		f->family.openid, sizeof(f->family.openid), "%s", openid);
	job_init(&f->family.job, on_done);
	family_open(&f->family, &h, &(struct family_from){0});
	turn_until(f, &f->done, f->done + 1);
	return f->family.sid;
}

static uint64_t
log_in(struct fixture *f)
{
	return log_in_as(f, "o1");
}

static void
log_out(struct fixture *f, uint64_t sid)
{
	struct family_home h = home(f, f->here);

	family_end(&f->family, &h, sid);
	turn_until(f, &f->done, f->done + 1);
	family_done(&f->family);
}

static void
on_known(void *owner, int err)
{
	struct fixture *f = owner;

	assert_int_equal(err, 0);
	f->known++;
}

static void
a_session_that_ended_is_refused_by_a_daemon_that_starts_later(void **state)
{
	struct fixture *f = setup();
	uint64_t kept = log_in(f), sid = log_in(f);
	struct family_home h = home(f, f->there);
	struct upkeep *u;

	(void)state;
	log_out(f, sid);
	assert_true(shm_is_revoked(f->here, sid));
	assert_false(shm_is_revoked(f->there, sid));
	u = upkeep_new(&h, on_known, f);
	turn_until(f, &f->known, 1);
	assert_true(shm_is_revoked(f->there, sid));
	assert_false(shm_is_revoked(f->there, kept));
	(void)upkeep_free(u);
	teardown(f);
}

static void
a_session_that_ends_elsewhere_is_refused_soon(void **state)
{
	struct fixture *f = setup();
	uint64_t sid = log_in(f);
	struct family_home h = home(f, f->there);
	struct upkeep *u = upkeep_new(&h, on_known, f);

	(void)state;
	turn_until(f, &f->known, 1);
	log_out(f, sid);
	for (int i = 0; i < TURNS && !shm_is_revoked(f->there, sid); i++)
		loop_turn(&f->loop, true);
	assert_true(shm_is_revoked(f->there, sid));
	(void)upkeep_free(u);
	teardown(f);
}

static void
families_past_their_life_are_swept_away(void **state)
{
	struct fixture *f = setup();
	struct family_home h = home(f, f->there);
	struct upkeep *u;

	(void)state;
	(void)log_in(f);
	family_done(&f->family);
	clock_set(clock_now() + (REFRESH_S + 60) * CLOCK_S);
	u = upkeep_new(&h, on_known, f);
	for (int i = 0; i < TURNS; i++) {
		loop_turn(&f->loop, true);
		if (!strcmp(testpg_query(pg,
				    "SELECT count(*) FROM mpcloud.families"),
			    "0"))
			break;
	}
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.families"), "0");
	(void)upkeep_free(u);
	teardown(f);
}

static void
a_visitor_who_cannot_come_back_is_swept_away(void **state)
{
	static const char count[] = "SELECT count(*) FROM mpcloud.users";
	struct fixture *f = setup();
	struct family_home h = home(f, f->there);
	struct upkeep *u;

	(void)state;
	(void)log_in(f);
	family_done(&f->family);
	(void)log_in_as(f, "");
	family_done(&f->family);
	(void)testpg_query(pg, "DELETE FROM mpcloud.families");
	(void)log_in_as(f, ""); /* he can */
	family_done(&f->family);
	clock_set(clock_now() + 2 * 86400 * CLOCK_S);
	u = upkeep_new(&h, on_known, f);
	for (int i = 0; i < TURNS && strcmp(testpg_query(pg, count), "2"); i++)
		loop_turn(&f->loop, true);
	assert_string_equal(testpg_query(pg, count), "2");
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.users"
				 " WHERE openid = 'o1'"),
		"1");
	(void)upkeep_free(u);
	teardown(f);
}

static void
names_of_messages_are_forgotten_after_three_days(void **state)
{
	static const char names[] =
		"SELECT string_agg(key, ' ') FROM mpcloud.pushes";
	struct fixture *f = setup();
	struct family_home h = home(f, f->there);
	struct upkeep *u;
	char insert[200];

	(void)state;
	(void)snprintf(insert, sizeof(insert),
		"INSERT INTO mpcloud.pushes VALUES ('wx', 'old', %lld), "
		"('wx', 'young', %lld)",
		(long long)clock_now_ms() - 3LL * 86400000 - 1000,
		(long long)clock_now_ms() - 3LL * 86400000 + 600000);
	(void)testpg_query(pg, insert);
	u = upkeep_new(&h, on_known, f);
	for (int i = 0; i < TURNS && strcmp(testpg_query(pg, names), "young");
		i++)
		loop_turn(&f->loop, true);
	assert_string_equal(testpg_query(pg, names), "young");
	(void)upkeep_free(u);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_session_that_ended_is_refused_by_a_daemon_that_starts_later),
		cmocka_unit_test(a_session_that_ends_elsewhere_is_refused_soon),
		cmocka_unit_test(families_past_their_life_are_swept_away),
		cmocka_unit_test(a_visitor_who_cannot_come_back_is_swept_away),
		cmocka_unit_test(
			names_of_messages_are_forgotten_after_three_days),
	};
	int r;

	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), NULL) < 0)
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)testpg_free(pg);
	return r;
}
