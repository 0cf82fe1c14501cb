/*
 * Custom login's tickets: those that the SDKs and node:crypto made, and what
 * must not pass for one.
 */
#include "auth/custom.h"
#include "base/crypto.h"
#include "tests/unit/data/tickets.h"
#include "tests/unit/test.h"

static int
check(const char *ticket, const char *pem, int64_t now, struct custom_ticket *t)
{
	struct fault why = {0};
	int e = custom_ticket_read(t, slice_str(ticket), &why);

	if (e == 0)
		e = custom_ticket_check(t, slice_str(pem), "env1", now, &why);
	custom_ticket_done(t);
	if (e < 0)
		assert_true(why.text[0]);
	return e;
}

static void
a_ticket_of_the_sdks_says_who_it_is(void **state)
{
	struct custom_ticket t;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			check(tickets[i].ticket, ticket_public, TICKET_NOW, &t),
			0);
		assert_string_equal(t.key_id, "key-1");
		assert_string_equal(t.uid, "user-1");
		assert_true(t.ends_ms == TICKET_NOW + 604800000);
	}
}

static void
only_what_is_signed_right_and_says_all_is_a_ticket(void **state)
{
	struct custom_ticket t;
	int good = 0;

	(void)state;
	for (size_t i = 0; i < array_size(tickets); i++) {
		int e = check(tickets[i].ticket, ticket_public, TICKET_NOW, &t);

		if (e != (tickets[i].good ? 0 : ERR_TICKET_BAD))
			fail_msg("%s: %d", tickets[i].what, e);
		good += tickets[i].good;
	}
	assert_int_equal(good, 6);
	assert_true(array_size(tickets) > 70);
}

static void
no_ticket_verifies_under_another_key(void **state)
{
	struct custom_ticket t;
	int refused = 0;

	(void)state;
	for (size_t i = 0; i < array_size(tickets); i++)
		if (tickets[i].good) {
			assert_int_equal(check(tickets[i].ticket, other_public,
						 TICKET_NOW, &t),
				ERR_TICKET_BAD);
			refused++;
		}
	assert_int_equal(refused, 6);
}

static void
a_ticket_has_its_time(void **state)
{
	static const struct {
		int64_t at;
		int err;
	} rows[] = {
		{-5 * 60000 - 1, ERR_TICKET_BAD}, /* our clock is late */
		{-5 * 60000, 0},
		{600000 - 1, 0},
		{600000, ERR_TICKET_BAD},
	};
	struct custom_ticket t;

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++)
		assert_int_equal(check(tickets[0].ticket, ticket_public,
					 TICKET_NOW + rows[i].at, &t),
			rows[i].err);
}

static void
every_shorter_ticket_is_refused(void **state)
{
	struct custom_ticket t;
	char text[TICKET_TOP];
	size_t len = strlen(tickets[0].ticket);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		memcpy(text, tickets[0].ticket, n);
		text[n] = '\0';
		assert_int_equal(check(text, ticket_public, TICKET_NOW, &t),
			ERR_TICKET_BAD);
	}
}

static void
a_key_s_id_is_a_plain_word(void **state)
{
	char longest[LOGIN_KEY_ID + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(login_key_id_fits(SLICE("5f-Ab_9")));
	assert_true(login_key_id_fits(slice_of(longest, LOGIN_KEY_ID)));
	assert_false(login_key_id_fits(slice_of(longest, LOGIN_KEY_ID + 1)));
	assert_false(login_key_id_fits(SLICE("")));
	assert_false(login_key_id_fits(SLICE("a b")));
	assert_false(login_key_id_fits(SLICE("a/b")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ticket_of_the_sdks_says_who_it_is),
		cmocka_unit_test(
			only_what_is_signed_right_and_says_all_is_a_ticket),
		cmocka_unit_test(no_ticket_verifies_under_another_key),
		cmocka_unit_test(a_ticket_has_its_time),
		cmocka_unit_test(every_shorter_ticket_is_refused),
		cmocka_unit_test(a_key_s_id_is_a_plain_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
