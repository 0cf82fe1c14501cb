/*
 * Rate limits by hand-made arithmetic, SipHash by its authors' vectors.
 */
#include "base/gcra.h"
#include "base/shm.h"
#include "base/sip.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECOND = 1000000000, SIZE = 1 << 20 };

static struct gcra_table *table;
static void *memory;

static int
up(void **state)
{
	(void)state;
	memory = aligned_alloc(4096, SIZE);
	if (!memory)
		return -1;
	memset(memory, 0, SIZE);
	table = gcra_table_at(memory, SIZE);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

/* The first rows of the authors' table (key 00 01 … 0f, input 00 01 … of each
 * length) and the example of the paper's appendix A, which is row 15. */
static void
sip_hash_agrees_with_its_authors(void **state)
{
	static const struct {
		size_t len;
		uint64_t sum;
	} rows[] = {
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{2, 0x0d6c8009d9a94f5a},
		{3, 0x85676696d7fb7e2d},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	};
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	unsigned char in[64];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_true(sip_hash(key, in, rows[i].len) == rows[i].sum);
}

static void
the_burst_goes_at_once_and_then_the_rate_holds(void **state)
{
	struct gcra_rule rule = gcra_per_minute(60, 3);
	int64_t now = 1000LL * SECOND;
	struct gcra_verdict v;

	(void)state;
	for (int i = 0; i < 3; i++) {
		v = gcra_ask(table, 42, rule, now);
		assert_true(v.allowed);
		assert_int_equal(v.remaining, 2 - i);
		assert_int_equal(v.reset_ns, (i + 1LL) * SECOND);
		assert_int_equal(v.retry_ns, 0);
	}
	v = gcra_ask(table, 42, rule, now);
	assert_false(v.allowed);
	assert_int_equal(v.retry_ns, SECOND);
	assert_int_equal(v.reset_ns, 3LL * SECOND);
	assert_int_equal(v.remaining, 0);
	assert_false(gcra_ask(table, 42, rule, now + SECOND - 1).allowed);
	assert_true(gcra_ask(table, 42, rule, now + SECOND).allowed);
	assert_false(gcra_ask(table, 42, rule, now + SECOND).allowed);
	/* Left alone it has its whole burst again, and no more. */
	for (int i = 0; i < 3; i++)
		assert_true(gcra_ask(table, 42, rule, now + 100LL * SECOND)
				    .allowed);
	assert_false(gcra_ask(table, 42, rule, now + 100LL * SECOND).allowed);
}

static void
asking_in_vain_costs_nothing(void **state)
{
	struct gcra_rule rule = gcra_per_minute(60, 1);

	(void)state;
	assert_true(gcra_ask(table, 7, rule, SECOND).allowed);
	for (int i = 0; i < 1000; i++)
		assert_false(gcra_ask(table, 7, rule, SECOND + 1).allowed);
	assert_true(gcra_ask(table, 7, rule, 2LL * SECOND).allowed);
}

static void
rate_zero_allows_everything(void **state)
{
	struct gcra_rule rule = gcra_per_minute(0, 5);

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_true(gcra_ask(table, 8, rule, SECOND).allowed);
}

static void
keys_do_not_share(void **state)
{
	struct gcra_rule rule = gcra_per_minute(1, 1);

	(void)state;
	assert_true(gcra_ask(table, 100, rule, SECOND).allowed);
	assert_true(gcra_ask(table, 101, rule, SECOND).allowed);
	assert_false(gcra_ask(table, 100, rule, SECOND).allowed);
}

static void
a_narrower_rule_does_not_shut_out_who_used_a_wider_one(void **state)
{
	struct gcra_verdict v;

	(void)state;
	for (int i = 0; i < 1000; i++)
		(void)gcra_ask(table, 9, gcra_per_minute(60, 1000), SECOND);
	v = gcra_ask(table, 9, gcra_per_minute(60, 2), SECOND);
	assert_false(v.allowed);
	assert_int_equal(v.retry_ns, SECOND);
}

/* A full bucket forgives the oldest; the newcomer owes nothing. */
static void
a_full_table_forgives_rather_than_punishes(void **state)
{
	enum { SMALL = 64 * 2 };
	struct gcra_rule rule = gcra_per_minute(1, 1);
	void *small = aligned_alloc(64, SMALL);
	struct gcra_table *t;

	(void)state;
	memset(small, 0, SMALL);
	t = gcra_table_at(small, SMALL);
	for (uint64_t key = 1; key <= 1000; key++)
		assert_true(
			gcra_ask(t, key, rule, SECOND * 1000LL + (int64_t)key)
				.allowed);
	assert_false(gcra_ask(t, 1000, rule, SECOND * 1001LL).allowed);
	free(small);
}

/* A flood of keys must not free those who owe by what is given back to it. */
static void
giving_back_to_a_key_without_a_cell_takes_nobodys(void **state)
{
	struct gcra_take take = {.rule = gcra_per_minute(1, 1), .cost = 1};
	void *one_bucket = aligned_alloc(64, 128);
	struct gcra_table *t;

	(void)state;
	memset(one_bucket, 0, 128);
	t = gcra_table_at(one_bucket, 128);
	for (uint64_t key = 1; key <= 4; key++)
		assert_true(gcra_ask_cost(t, key, take, SECOND).allowed);
	gcra_give_back(t, 5, take);
	for (uint64_t key = 1; key <= 4; key++)
		assert_false(gcra_ask_cost(t, key, take, SECOND).allowed);
	gcra_give_back(t, 1, take);
	assert_true(gcra_ask_cost(t, 1, take, SECOND).allowed);
	free(one_bucket);
}

static void
keys_depend_on_kind_table_and_bytes(void **state)
{
	void *other = aligned_alloc(64, 4096);
	struct gcra_table *t;
	uint64_t key = gcra_key(table, 'i', "1.2.3.4", 7);

	(void)state;
	memset(other, 0, 4096);
	t = gcra_table_at(other, 4096);
	assert_true(key == gcra_key(table, 'i', "1.2.3.4", 7));
	assert_true(key ==
		    gcra_key(gcra_table_at(memory, SIZE), 'i', "1.2.3.4", 7));
	assert_true(key != gcra_key(table, 'u', "1.2.3.4", 7));
	assert_true(key != gcra_key(table, 'i', "1.2.3.5", 7));
	assert_true(key != gcra_key(t, 'i', "1.2.3.4", 7));
	free(other);
}

/* Four processes ask for one key at once: together they get the burst. */
static void
processes_share_one_limit(void **state)
{
	struct gcra_rule rule = gcra_per_minute(1, 1000);
	struct gcra_table *shared;
	struct shm *shm = NULL;
	int fd, allowed = 0;
	pid_t pids[4];

	(void)state;
	assert_int_equal(shm_create(&fd), 0);
	assert_int_equal(shm_open_fd(&shm, fd), 0);
	shared = shm_gcra(shm);
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			int n = 0;

			for (int j = 0; j < 1000; j++)
				n += gcra_ask(shared, 5, rule, SECOND).allowed;
			shm_gateway(shm, (unsigned)i)->requests = (uint64_t)n;
			_exit(0);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
		allowed += (int)shm_gateway(shm, i)->requests;
	}
	assert_int_equal(allowed, 1000);
	(void)shm_close(shm);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sip_hash_agrees_with_its_authors),
		cmocka_unit_test(
			the_burst_goes_at_once_and_then_the_rate_holds),
		cmocka_unit_test(asking_in_vain_costs_nothing),
		cmocka_unit_test(rate_zero_allows_everything),
		cmocka_unit_test(keys_do_not_share),
		cmocka_unit_test(
			a_narrower_rule_does_not_shut_out_who_used_a_wider_one),
		cmocka_unit_test(a_full_table_forgives_rather_than_punishes),
		cmocka_unit_test(
			giving_back_to_a_key_without_a_cell_takes_nobodys),
		cmocka_unit_test(keys_depend_on_kind_table_and_bytes),
		cmocka_unit_test(processes_share_one_limit),
	};

	return cmocka_run_group_tests(tests, up, down);
}
