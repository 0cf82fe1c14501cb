/*
 * Hashing passwords: known answers, a ceiling, work that nobody waits for.
 */
#include "auth/password.h"
#include "tests/unit/test.h"

#include <stdlib.h>

/* Published with argon2: src/test.c of github.com/P-H-C/phc-winner-argon2. */
#define KNOWN \
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$" \
	"CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
#define KNOWN_OTHER \
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$" \
	"nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

enum { WAITING = 3, MANY = 8 };

struct fixture {
	struct loop loop;
	struct passwords *passwords;
	int done;
};

struct asked {
	struct password password;
	struct fixture *f;
	bool done;
};

static struct fixture *
setup(void)
{
	const struct password_conf conf = {
		.memory_kib = 64,
		.iterations = 1,
		.lanes = 1,
		.waiting_top = WAITING,
	};
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(loop_init(&f->loop), 0);
	f->passwords = passwords_new(&f->loop);
	passwords_configure(f->passwords, &conf);
	return f;
}

static void
teardown(struct fixture *f)
{
	passwords_free(f->passwords);
	loop_done(&f->loop);
	free(f);
}

static void
on_done(struct job *job)
{
	struct password *p = container_of(job, struct password, job);
	struct asked *a = container_of(p, struct asked, password);

	assert_false(a->done);
	a->done = true;
	a->f->done++;
}

static void
ask(struct fixture *f, struct asked *a, const char *plain, const char *encoded)
{
	memset(a, 0, sizeof(*a));
	a->f = f;
	job_init(&a->password.job, on_done);
	if (encoded)
		password_check(f->passwords, &a->password, slice_str(plain),
			slice_str(encoded));
	else
		password_make(f->passwords, &a->password, slice_str(plain));
	assert_false(a->done);
}

static int
wait_for(struct fixture *f, struct asked *a)
{
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	return a->password.job.err;
}

static bool
is_good(struct fixture *f, const char *plain, const char *encoded)
{
	struct asked a;

	ask(f, &a, plain, encoded);
	assert_int_equal(wait_for(f, &a), 0);
	return a.password.good;
}

static void
published_hashes_are_found_good(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_true(is_good(f, "password", KNOWN));
	assert_true(is_good(f, "password", KNOWN_OTHER));
	assert_false(is_good(f, "Password", KNOWN));
	assert_false(is_good(f, "password ", KNOWN));
	assert_false(is_good(f, "", KNOWN));
	teardown(f);
}

static void
a_hash_is_salted_and_found_good(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	ask(f, &a, "correct horse", NULL);
	assert_int_equal(wait_for(f, &a), 0);
	ask(f, &b, "correct horse", NULL);
	assert_int_equal(wait_for(f, &b), 0);
	assert_memory_equal(
		a.password.encoded, "$argon2id$v=19$m=64,t=1,p=1$", 28);
	assert_string_not_equal(a.password.encoded, b.password.encoded);
	assert_true(is_good(f, "correct horse", a.password.encoded));
	assert_false(is_good(f, "correct hors", a.password.encoded));
	teardown(f);
}

static void
a_hash_of_other_parameters_is_stale(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	ask(f, &a, "password", KNOWN_OTHER);
	assert_int_equal(wait_for(f, &a), 0);
	assert_true(a.password.good && a.password.stale);
	ask(f, &a, "password", NULL);
	assert_int_equal(wait_for(f, &a), 0);
	ask(f, &b, "password", a.password.encoded);
	assert_int_equal(wait_for(f, &b), 0);
	assert_true(b.password.good && !b.password.stale);
	/* a wrong one is not said to be */
	ask(f, &a, "passwor", KNOWN_OTHER);
	assert_int_equal(wait_for(f, &a), 0);
	assert_false(a.password.stale);
	teardown(f);
}

static void
nobody_s_password_is_never_good(void **state)
{
	struct fixture *f = setup();

	(void)state;
	assert_false(is_good(f, "password", ""));
	assert_false(is_good(f, "", ""));
	teardown(f);
}

static void
what_is_no_hash_is_an_error(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	ask(f, &a, "password", "plain text");
	assert_int_equal(wait_for(f, &a), ERR_FORMAT);
	assert_false(a.password.good);
	teardown(f);
}

/* Two run, three wait; the others are told at once. */
static void
more_than_may_wait_are_told_that_it_is_busy(void **state)
{
	struct fixture *f = setup();
	struct asked a[MANY];
	int busy = 0, good = 0;

	(void)state;
	for (int i = 0; i < MANY; i++)
		ask(f, &a[i], "password", KNOWN_OTHER);
	for (int i = 0; i < MANY; i++) {
		int e = wait_for(f, &a[i]);

		busy += e == ERR_BUSY;
		good += e == 0 && a[i].password.good;
	}
	assert_int_equal(good, PASSWORD_RUNNING + WAITING);
	assert_int_equal(busy, MANY - PASSWORD_RUNNING - WAITING);
	teardown(f);
}

static void
one_that_nobody_waits_for_makes_room(void **state)
{
	struct fixture *f = setup();
	struct asked a[PASSWORD_RUNNING + WAITING], last;

	(void)state;
	for (size_t i = 0; i < array_size(a); i++)
		ask(f, &a[i], "password", KNOWN_OTHER);
	for (size_t i = 0; i < array_size(a); i++)
		job_cancel(&a[i].password.job);
	ask(f, &last, "password", KNOWN_OTHER);
	assert_int_equal(wait_for(f, &last), 0);
	assert_true(last.password.good);
	assert_int_equal(f->done, 1);
	teardown(f);
}

static void
the_end_does_not_wait_for_those_that_wait(void **state)
{
	struct fixture *f = setup();
	struct asked a[PASSWORD_RUNNING + WAITING];

	(void)state;
	for (size_t i = 0; i < array_size(a); i++)
		ask(f, &a[i], "password", KNOWN_OTHER);
	for (size_t i = 0; i < array_size(a); i++)
		job_cancel(&a[i].password.job);
	assert_int_equal(f->done, 0);
	teardown(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_hashes_are_found_good),
		cmocka_unit_test(a_hash_is_salted_and_found_good),
		cmocka_unit_test(a_hash_of_other_parameters_is_stale),
		cmocka_unit_test(nobody_s_password_is_never_good),
		cmocka_unit_test(what_is_no_hash_is_an_error),
		cmocka_unit_test(more_than_may_wait_are_told_that_it_is_busy),
		cmocka_unit_test(one_that_nobody_waits_for_makes_room),
		cmocka_unit_test(the_end_does_not_wait_for_those_that_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
