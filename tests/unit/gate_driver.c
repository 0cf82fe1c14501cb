/*
 * The merchant API of gate_driver.h.
 */
#include "tests/unit/gate_driver.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static struct slice
field(const struct fake_request *r, const char *name)
{
	struct slice rest = fake_header(r, "Authorization"), part, k;

	if (!slice_starts(rest, "WECHATPAY2-SHA256-RSA2048 "))
		return slice_of("", 0);
	(void)slice_split(&rest, ' ', &part);
	while (slice_split(&rest, ',', &part)) {
		if (!slice_split(&part, '=', &k) || !slice_is(k, name) ||
			part.len < 2)
			continue;
		return slice_of(part.ptr + 1, part.len - 2);
	}
	return slice_of("", 0);
}

static struct rsa *
load(const char *name)
{
	struct rsa *key = NULL;

	assert_int_equal(
		rsa_load_private(
			&key, slice_str(vector_key(vectors_own, name)), NULL),
		0);
	return key;
}

/* As WeChat Pay would check it, from the documented string. */
static bool
is_signed(const struct fake_request *r)
{
	_cleanup_(rsa_freep) struct rsa *key = load("merchant_private_key");
	struct slice time = field(r, "timestamp"), no = field(r, "nonce_str");
	_buf_ struct buf text;
	uint64_t at;

	buf_init(&text, 1 << 20);
	buf_printf(&text, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n",
		SLICE_ARG(r->method), SLICE_ARG(r->target), SLICE_ARG(time),
		SLICE_ARG(no), SLICE_ARG(r->body));
	return slice_to_u64(time, INT64_MAX, &at) == 0 &&
	       llabs((int64_t)at - clock_now_s()) < 5 && no.len == 32 &&
	       slice_is(field(r, "mchid"), vector_key(vectors_own, "mchid")) &&
	       slice_is(field(r, "serial_no"),
		       vector_key(vectors_own, "merchant_serial")) &&
	       fake_header(r, "User-Agent").len &&
	       fake_header(r, "Accept").len &&
	       rsa_verify(key, buf_all(&text), field(r, "signature")) == 0;
}

static void
head_sign(const struct gate_say *say, struct slice body, struct buf *head)
{
	int64_t now = clock_now_s() + say->skew_s;
	_cleanup_(rsa_freep) struct rsa *key =
		load(say->key ? say->key : "wechatpay_pubkey_private");
	_buf_ struct buf text, sign;

	buf_init(&text, 1 << 20);
	buf_init(&sign, 4096);
	buf_printf(&text, "%lld\nfakenonce\n%.*s\n", (long long)now,
		SLICE_ARG(body));
	assert_int_equal(rsa_sign(key, buf_all(&text), &sign), 0);
	buf_printf(head,
		"Wechatpay-Timestamp: %lld\r\nWechatpay-Nonce: fakenonce\r\n"
		"Wechatpay-Signature: %s%s\r\nWechatpay-Serial: %s\r\n"
		"Request-ID: 08F-1\r\n",
		(long long)now, say->probe ? "WECHATPAY/SIGNTEST/" : "",
		sign.ptr,
		say->serial ? say->serial
			    : vector_key(vectors_own, "wechatpay_pubkey_id"));
}

static void
text_copy(char *to, size_t room, struct slice from)
{
	(void)snprintf(to, room, "%.*s", SLICE_ARG(from));
}

static void
note(struct gate_fixture *f, const struct fake_request *r, bool backup)
{
	struct gate_asked *a = &f->asked[f->count];

	assert_true(f->count < GATE_ASKED);
	text_copy(a->method, sizeof(a->method), r->method);
	text_copy(a->target, sizeof(a->target), r->target);
	text_copy(a->serial, sizeof(a->serial),
		fake_header(r, "Wechatpay-Serial"));
	text_copy(a->type, sizeof(a->type), fake_header(r, "Content-Type"));
	buf_init(&a->body, 1 << 20);
	buf_slice(&a->body, r->body);
	a->backup = backup;
	f->count++;
	if (slice_starts(r->target, "/v3/"))
		f->bad += !is_signed(r);
}

static void
on_ask(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct gate_fixture *f = fake->owner;
	const struct gate_say *say;
	_buf_ struct buf head;
	struct slice body;

	note(f, r, fake == &f->backup);
	assert_true(f->say_count > 0);
	say = f->say;
	if (f->say_count > 1) {
		f->say++;
		f->say_count--;
	}
	fake->mode = say->close ? FAKE_CLOSE : FAKE_ANSWER;
	buf_init(&head, 8192);
	body = say->raw ? slice_of(say->raw, say->raw_len ? say->raw_len
							  : strlen(say->raw))
			: slice_str(say->body ? say->body : "");
	if (!say->raw && !say->unsigned_)
		head_sign(say, body, &head);
	else
		buf_str(&head, "");
	fake_say(to, say->status ? say->status : 200, head.ptr ? head.ptr : "",
		body);
}

struct gate_fixture *
gate_setup(void (*change)(struct merchant_conf *conf))
{
	struct gate_fixture *f = mem_new(struct gate_fixture);
	struct merchant_conf conf = {
		.appids = vector_key(vectors_own, "appid"),
		.mchid = vector_key(vectors_own, "mchid"),
		.serial = vector_key(vectors_own, "merchant_serial"),
		.notify_url = "https://example.com/n",
		.private_key_pem =
			vector_key(vectors_own, "merchant_private_key"),
		.public_key_pem = vector_key(vectors_own, "wechatpay_pubkey"),
		.public_key_id = vector_key(vectors_own, "wechatpay_pubkey_id"),
		.apiv3_key = vector_key(vectors_own, "api_v3_key"),
		.v2_key = vector_key(vectors_own, "api_v2_key"),
	};
	struct fault why = {0};

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	fake_start(&f->fake, &f->loop, on_ask);
	fake_start(&f->backup, &f->loop, on_ask);
	f->fake.owner = f->backup.owner = f;
	conf.api_base = f->fake.base;
	conf.api_backup = f->backup.base;
	if (change)
		change(&conf);
	if (merchant_new(&f->merchant, &conf, &why) < 0)
		fail_msg("%s", why.text);
	f->home = (struct gate_home){&f->loop, f->fetcher};
	arena_init(&f->arena, 8 << 20);
	return f;
}

void
gate_teardown(struct gate_fixture *f)
{
	assert_int_equal(f->bad, 0);
	gate_done(&f->gate);
	assert_int_equal(f->merchant->refs, 1);
	merchant_unref(f->merchant);
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	fake_stop(&f->backup);
	for (size_t i = 0; i < f->count; i++)
		buf_done(&f->asked[i].body);
	arena_done(&f->arena);
	loop_done(&f->loop);
	clock_set(-1);
	mem_free(f);
}

static void
on_done(struct job *job)
{
	container_of(job, struct gate_fixture, gate.job)->done++;
}

struct gate *
gate_ready(struct gate_fixture *f, const struct gate_say *say, size_t count)
{
	gate_done(&f->gate);
	memset(&f->gate, 0, sizeof(f->gate));
	job_init(&f->gate.job, on_done);
	f->done = 0;
	f->say = say;
	f->say_count = count;
	for (size_t i = 0; i < f->count; i++)
		buf_done(&f->asked[i].body);
	f->count = 0;
	f->fake.mode = f->backup.mode = FAKE_ANSWER;
	return &f->gate;
}

int
gate_wait(struct gate_fixture *f)
{
	assert_int_equal(f->done, 0);
	loop_turn(&f->loop, false);
	while (!f->done)
		loop_turn(&f->loop, true);
	assert_int_equal(f->done, 1);
	return f->gate.job.err;
}
