/*
 * The statements about a user's devices.  All name the uid, so that a caller
 * reaches his own only.  What is ended is put into shared memory at once; other
 * nodes hear of it from the database (upkeep.c).
 */
#include "auth/device.h"

#include "auth/params.h"
#include "base/clock.h"
#include "base/text.h"

enum { DEADLINE_MS = 15000 };

static const char list_sql[] =
	"SELECT sid, coalesce(device, ''), kind, appid, created_at, used_at"
	" FROM mpcloud.families WHERE uid = $1 AND revoked_at IS NULL"
	" AND expires_at > $2::bigint ORDER BY used_at DESC, sid LIMIT 200";

static const char end_sql[] =
	"UPDATE mpcloud.families SET revoked_at = $2::bigint, reason = $3"
	" WHERE uid = $1 AND revoked_at IS NULL"
	" AND ($4::bigint IS NULL OR sid = $4::bigint)"
	" AND ($5::text IS NULL OR device_id = $5::text)"
	" AND ($6::bigint IS NULL OR sid <> $6::bigint) RETURNING sid";

/* Controls beyond ASCII (U+0080 to U+009F), and what ends a line or turns the
 * text round (U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). */
static bool
is_hidden(struct slice s)
{
	const unsigned char *c = (const unsigned char *)s.ptr;

	if (c[0] == 0xc2)
		return c[1] < 0xa0;
	if (c[0] != 0xe2)
		return false;
	if (c[1] == 0x80)
		return c[2] == 0x8e || c[2] == 0x8f ||
		       (c[2] >= 0xa8 && c[2] <= 0xae);
	return c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

/* Bytes of the character that begins here; 0: none that is fit to print. */
static size_t
char_len(struct slice s)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (c < 0x20 || c == 0x7f || n > s.len ||
		!text_is_utf8(slice_of(s.ptr, n)))
		return 0;
	return is_hidden(s) ? 0 : n;
}

void
device_clean(struct slice said, char ret[DEVICE_TOP + 1])
{
	size_t at = 0;

	said = slice_trim(said);
	for (int i = 0; i < DEVICE_CHARS && said.len;) {
		size_t n = char_len(said);

		if (n) {
			memcpy(ret + at, said.ptr, n);
			at += n;
			i++;
		}
		said = slice_of(said.ptr + max(n, (size_t)1),
			said.len - max(n, (size_t)1));
	}
	ret[at] = '\0';
}

struct slice
device_id_clean(struct slice said)
{
	for (size_t i = 0; i < said.len; i++) {
		char c = said.ptr[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
			!(c >= 'A' && c <= 'Z') && c != '-' && c != '_')
			return slice_of("", 0);
	}
	return said.len <= DEVICE_ID_TOP ? said : slice_of("", 0);
}

static void
on_list_drop(struct job *job)
{
	job_cancel(&container_of(job, struct devices, job)->ask.job);
}

static void
on_listed(struct job *job)
{
	struct devices *d = container_of(job, struct devices, ask.job);

	job_finish(&d->job, job->err);
}

void
devices_list(
	struct devices *d, const struct family_home *home, struct slice uid)
{
	_params_ struct params p;

	params_init(&p);
	job_begin(&d->job, home->loop, DEADLINE_MS, on_list_drop);
	d->ask = (struct ask){.is_read = true};
	job_init(&d->ask.job, on_listed);
	params_text(&p, uid);
	params_int(&p, clock_now_ms());
	pool_ask(home->pool, &d->ask, list_sql, p.v, p.count);
}

int
devices_count(const struct devices *d)
{
	return ask_rows(&d->ask);
}

struct device
devices_at(const struct devices *d, int i)
{
	return (struct device){
		.sid = (uint64_t)ask_int(&d->ask, i, 0),
		.name = ask_value(&d->ask, i, 1),
		.kind = ask_value(&d->ask, i, 2),
		.appid = ask_value(&d->ask, i, 3),
		.created_ms = ask_int(&d->ask, i, 4),
		.used_ms = ask_int(&d->ask, i, 5),
	};
}

static void
on_end_drop(struct job *job)
{
	job_cancel(&container_of(job, struct device_end, job)->ask.job);
}

static void
on_ended(struct job *job)
{
	struct device_end *e = container_of(job, struct device_end, ask.job);
	int64_t now_s = clock_now_s();

	if (job->err == 0) {
		e->ended = ask_rows(&e->ask);
		for (int i = 0; i < e->ended; i++)
			shm_revoke(e->home.shm,
				(uint64_t)ask_int(&e->ask, i, 0),
				now_s + e->home.access_ttl_s, now_s);
	}
	job_finish(&e->job, job->err);
}

static void
put_sid(struct params *p, uint64_t sid)
{
	if (sid)
		params_int(p, (int64_t)sid);
	else
		params_null(p);
}

void
device_end(struct device_end *e, const struct family_home *home,
	struct slice uid, const struct device_which *which)
{
	_params_ struct params p;

	params_init(&p);
	e->home = *home;
	e->ended = 0;
	job_begin(&e->job, home->loop, DEADLINE_MS, on_end_drop);
	e->ask = (struct ask){.is_read = false};
	job_init(&e->ask.job, on_ended);
	params_text(&p, uid);
	params_int(&p, clock_now_ms());
	params_text(&p, slice_str(which->reason));
	put_sid(&p, which->sid);
	params_word(&p, which->device_id);
	put_sid(&p, which->keep);
	pool_ask(home->pool, &e->ask, end_sql, p.v, p.count);
}

void
device_end_all(struct device_end *e, const struct family_home *home,
	struct slice uid, const char *reason)
{
	device_end(e, home, uid, &(struct device_which){.reason = reason});
}

void
device_end_done(struct device_end *e)
{
	job_cancel(&e->job);
}
