/*
 * Tokens found good a moment ago: what must not be taken for known.
 */
#include "gateway/known.h"
#include "tests/unit/test.h"

#include <unistd.h>

#define TOKEN "Bearer head.payload.0123456789012345678901234567890123456789012"

struct fixture {
	struct shm *shm;
	struct known *known;
	struct arena arena;
	struct caller caller, found;
};

static void
begin(struct fixture *f)
{
	int fd;

	memset(f, 0, sizeof(*f));
	assert_int_equal(shm_create(&fd), 0);
	assert_int_equal(shm_open_fd(&f->shm, fd), 0);
	f->known = known_new(f->shm);
	arena_init(&f->arena, 65536);
	f->caller = (struct caller){.role = CALLER_USER,
		.uid = "u1",
		.appid = "wx1",
		.openid = "oA",
		.unionid = "",
		.sid = 77,
		.expires_s = 2000};
	known_keep(f->known, SLICE(TOKEN), &f->caller);
}

static void
end(struct fixture *f)
{
	known_free(f->known);
	arena_done(&f->arena);
	shm_close(f->shm);
}

static bool
find(struct fixture *f, const char *value, int64_t now_s)
{
	return known_find(
		f->known, slice_str(value), now_s, &f->arena, &f->found);
}

static void
a_token_seen_before_gives_its_caller(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_true(find(&f, TOKEN, 1000));
	assert_int_equal(f.found.role, CALLER_USER);
	assert_string_equal(f.found.uid, "u1");
	assert_string_equal(f.found.openid, "oA");
	assert_string_equal(f.found.unionid, "");
	assert_int_equal(f.found.sid, 77);
	end(&f);
}

static void
a_token_changed_in_any_byte_is_not_known(void **state)
{
	struct fixture f;
	char value[] = TOKEN;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < sizeof(value) - 1; i++) {
		value[i] ^= 1;
		assert_false(find(&f, value, 1000));
		value[i] ^= 1;
	}
	assert_false(find(&f, TOKEN "x", 1000));
	assert_false(known_find(f.known, slice_of(TOKEN, sizeof(TOKEN) - 2),
		1000, &f.arena, &f.found));
	assert_true(find(&f, value, 1000));
	end(&f);
}

static void
an_expired_token_is_not_known(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	assert_true(find(&f, TOKEN, 1999));
	assert_false(find(&f, TOKEN, 2000));
	assert_false(find(&f, TOKEN, 1999)); /* it was let go */
	end(&f);
}

static void
a_session_that_ended_is_not_known(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	shm_revoke(f.shm, 77, 3000, 1000);
	assert_false(find(&f, TOKEN, 1000));
	end(&f);
}

static void
after_a_change_of_keys_nobody_is_known(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	known_forget(f.known);
	assert_false(find(&f, TOKEN, 1000));
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_seen_before_gives_its_caller),
		cmocka_unit_test(a_token_changed_in_any_byte_is_not_known),
		cmocka_unit_test(an_expired_token_is_not_known),
		cmocka_unit_test(a_session_that_ended_is_not_known),
		cmocka_unit_test(after_a_change_of_keys_nobody_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
