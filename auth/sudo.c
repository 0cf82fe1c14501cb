/*
 * The place bound into the seal names user and session; inside is its end.
 */
#include "auth/sudo.h"

#include "base/text.h"

enum { ROOM = 512 };

static void
place_of(const struct caller *who, struct buf *to)
{
	buf_printf(
		to, "sudo:%s:%016llx", who->uid, (unsigned long long)who->sid);
}

int
sudo_make(struct seal *seal, const struct caller *who, int64_t now_s,
	struct buf *to)
{
	_buf_ struct buf place, plain, sealed;
	int e;

	buf_init(&place, ROOM);
	buf_init(&plain, ROOM);
	buf_init(&sealed, ROOM);
	place_of(who, &place);
	buf_i64(&plain, now_s + SUDO_S);
	e = seal_close(seal, buf_all(&place), buf_all(&plain), &sealed);
	if (e < 0)
		return e;
	text_base64url(to, buf_all(&sealed));
	return buf_check(to);
}

int
sudo_check(struct seal *seal, const struct caller *who, struct slice token,
	int64_t now_s, struct fault *why)
{
	_buf_ struct buf place, plain, sealed;
	uint64_t end = 0;

	buf_init(&place, ROOM);
	buf_init(&plain, ROOM);
	buf_init(&sealed, ROOM);
	place_of(who, &place);
	if (text_unbase64url(&sealed, token) < 0 ||
		seal_open(seal, buf_all(&place), buf_all(&sealed), &plain) <
			0 ||
		slice_to_u64(buf_all(&plain), INT64_MAX, &end) < 0 ||
		(int64_t)end <= now_s)
		return fault_set(why, ERR_PASSWORD_BAD,
			"sudo_token: ask POST /auth/v1/user/sudo for one with "
			"the password; it is good for five minutes");
	return 0;
}
