/*
 * Reading session_keys.  The one idea: which of two logins at once got the
 * later key, nobody here can tell, since WeChat's answers may be stored in the
 * other order.  So keys that came within KEY_TWIN_MS of the newest count as
 * newest too (mpcloud.session_keys_kept), and are displaced together with it.
 *
 * What the database gives is sealed; it is opened here and wiped by the owner's
 * session_key_done.
 */
#include "auth/session_key.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { DEADLINE_MS = 15000, SEALED_TOP = 256, NUMBER = 24 };

static const char get_sql[] =
	"SELECT sealed FROM mpcloud.session_keys_kept($1, $2, $3::bigint)"
	" ORDER BY generation DESC LIMIT 16";

/* The user's row is locked first, as a login does it: of two that put a first
 * key at once the second then sees it. */
static const char put_sql[] =
	"WITH u AS (SELECT FROM mpcloud.users"
	"  WHERE appid = $1 AND openid = $2 FOR UPDATE)"
	" SELECT mpcloud.session_key_put($1, $2, $3::bytea, $4::bytea,"
	"  $5::bigint, $6::bigint) FROM u";

int
session_key_parse(struct session_key *ret, struct slice text)
{
	_buf_ struct buf raw;
	int r;

	buf_init(&raw, 64);
	r = text.len == SESSION_KEY_TEXT ? text_unbase64(&raw, text) : -1;
	if (r < 0 || raw.len != SESSION_KEY_BYTES) {
		mem_wipe(raw.ptr, raw.len);
		return ERR_FORMAT;
	}
	memcpy(ret->bytes, raw.ptr, SESSION_KEY_BYTES);
	memcpy(ret->text, text.ptr, text.len);
	ret->text[text.len] = '\0';
	mem_wipe(raw.ptr, raw.len);
	return 0;
}

/* "\x…", as PostgreSQL writes bytea. */
static int
bytea_open(struct seal *seal, const char *place, struct slice text,
	struct session_key *ret)
{
	_buf_ struct buf sealed, plain;
	int r;

	buf_init(&sealed, SEALED_TOP);
	buf_init(&plain, SEALED_TOP);
	if (text.len < 2 ||
		text_unhex(&sealed, slice_of(text.ptr + 2, text.len - 2)) < 0)
		return ERR_FORMAT;
	r = seal_open(seal, slice_str(place), buf_all(&sealed), &plain);
	if (r == 0)
		r = session_key_parse(ret, buf_all(&plain));
	mem_wipe(plain.ptr, plain.len);
	return r;
}

static void
on_rows(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct session_key_ask *a =
		container_of(ask, struct session_key_ask, ask);
	int unopened = 0;

	for (int i = 0; job->err == 0 && i < ask_rows(ask) &&
			a->keys.count < SESSION_KEYS;
		i++)
		if (bytea_open(a->seal, a->place, ask_value(ask, i, 0),
			    &a->keys.key[a->keys.count]) == 0)
			a->keys.count++;
		else
			unopened++;
	if (job->err == 0 && unopened && !a->keys.count)
		job_finish(&a->job,
			fault_set(&a->job.why, ERR_CONFIG,
				"no session_key of this user can be opened: "
				"token.master_key_file is not the file they "
				"were sealed under"));
	else
		job_finish(&a->job, job->err);
}

static void
on_put(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct session_key_ask *a =
		container_of(ask, struct session_key_ask, ask);

	job_finish(&a->job, job->err);
}

static void
drop(struct job *job)
{
	struct session_key_ask *a =
		container_of(job, struct session_key_ask, job);

	job_cancel(&a->ask.job);
}

static void
begin(struct session_key_ask *a, struct loop *loop, struct seal *seal,
	struct slice appid, struct slice openid, job_fn *done)
{
	a->seal = seal;
	a->loop = loop;
	a->keys.count = 0;
	(void)snprintf(a->place, sizeof(a->place), "session_key:%.*s:%.*s",
		SLICE_ARG(appid), SLICE_ARG(openid));
	job_begin(&a->job, loop, DEADLINE_MS, drop);
	a->ask = (struct ask){0};
	job_init(&a->ask.job, done);
}

void
session_key_get(struct session_key_ask *a, struct loop *loop, struct pool *pool,
	struct seal *seal, struct slice appid, struct slice openid)
{
	char since[NUMBER];
	int len = snprintf(
		since, sizeof(since), "%" PRId64, clock_now_ms() - KEY_KEEP_MS);

	begin(a, loop, seal, appid, openid, on_rows);
	a->ask.is_read = true;
	pool_ask(pool, &a->ask, get_sql,
		(struct slice[]){appid, openid, slice_of(since, (size_t)len)},
		3);
}

static void
bytea(struct buf *to, struct slice raw)
{
	buf_str(to, "\\x");
	text_hex(to, raw);
}

void
session_key_put(struct session_key_ask *a, struct loop *loop, struct pool *pool,
	struct seal *seal, struct slice appid, struct slice openid,
	struct slice text)
{
	int64_t now = clock_now_ms();
	_buf_ struct buf sealed, hex, mark, at, before;
	uint8_t sum[SEAL_MARK];

	begin(a, loop, seal, appid, openid, on_put);
	buf_init(&sealed, SEALED_TOP);
	buf_init(&hex, 2 * SEALED_TOP + 2);
	buf_init(&mark, 2 * SEAL_MARK + 2);
	buf_init(&at, NUMBER);
	buf_init(&before, NUMBER);
	if (seal_close(seal, slice_str(a->place), text, &sealed) < 0) {
		job_fail_soon(&a->job, loop, ERR_INTERNAL);
		return;
	}
	seal_mark(seal, slice_str(a->place), text, sum);
	bytea(&hex, buf_all(&sealed));
	bytea(&mark, slice_of(sum, sizeof(sum)));
	buf_i64(&at, now);
	buf_i64(&before, now - KEY_KEEP_MS);
	pool_ask(pool, &a->ask, put_sql,
		(struct slice[]){appid, openid, buf_all(&hex), buf_all(&mark),
			buf_all(&at), buf_all(&before)},
		6);
}

void
session_key_done(struct session_key_ask *a)
{
	job_cancel(&a->job);
	mem_wipe(&a->keys, sizeof(a->keys));
}
