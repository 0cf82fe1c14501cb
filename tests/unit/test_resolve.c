/*
 * Addresses of names, from the machine's own resolver: RFC 6761 says what
 * "localhost" and names under "invalid" are.
 */
#include "base/resolve.h"
#include "tests/unit/test.h"

#include <netdb.h>

struct fixture {
	struct loop loop;
	struct resolve resolve;
	unsigned called, count;
	int status;
	struct buf text;
};

static void
on_done(struct resolve *r, int status, const struct addrinfo *all)
{
	struct fixture *f = container_of(r, struct fixture, resolve);

	f->called++;
	f->status = status;
	f->count = resolve_text(&f->text, all, 4);
}

static void
setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	buf_init(&f->text, 1024);
	f->resolve.on_done = on_done;
	assert_int_equal(loop_init(&f->loop), 0);
}

static void
teardown(struct fixture *f)
{
	loop_done(&f->loop);
	buf_done(&f->text);
}

static void
a_name_has_addresses(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(
		resolve_start(&f.resolve, &f.loop, "localhost", "80"), 0);
	assert_int_equal(f.called, 0);
	loop_run(&f.loop);
	assert_int_equal(f.called, 1);
	assert_int_equal(f.status, 0);
	assert_in_range(f.count, 1, 4);
	assert_true(
		strstr(f.text.ptr, "127.0.0.1") || strstr(f.text.ptr, "::1"));
	teardown(&f);
}

static void
no_more_addresses_are_told_than_asked_for(void **state)
{
	struct addrinfo again, first, *known;
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(getaddrinfo("127.0.0.1", NULL, NULL, &known), 0);
	again = first = *known;
	again.ai_next = NULL;
	first.ai_next = &again;
	assert_int_equal(resolve_text(&f.text, &first, 1), 1);
	assert_string_equal(f.text.ptr, "127.0.0.1");
	assert_int_equal(resolve_text(&f.text, NULL, 1), 0);
	buf_clear(&f.text);
	assert_int_equal(resolve_text(&f.text, &first, 2), 2);
	assert_string_equal(f.text.ptr, "127.0.0.1,127.0.0.1");
	freeaddrinfo(known);
	teardown(&f);
}

static void
a_name_that_cannot_be_is_told_as_an_error(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(
		resolve_start(&f.resolve, &f.loop, "none.invalid", NULL), 0);
	loop_run(&f.loop);
	assert_int_equal(f.called, 1);
	assert_true(f.status < 0);
	assert_int_equal(f.count, 0);
	teardown(&f);
}

static void
a_question_that_was_cancelled_is_not_answered(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f);
	assert_int_equal(
		resolve_start(&f.resolve, &f.loop, "localhost", NULL), 0);
	resolve_cancel(&f.resolve);
	assert_null(f.resolve.inside);
	resolve_cancel(&f.resolve);
	loop_run(&f.loop);
	assert_int_equal(f.called, 0);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_has_addresses),
		cmocka_unit_test(no_more_addresses_are_told_than_asked_for),
		cmocka_unit_test(a_name_that_cannot_be_is_told_as_an_error),
		cmocka_unit_test(a_question_that_was_cancelled_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
