/*
 * Orders against a real PostgreSQL and a WeChat Pay on loopback that checks
 * our signatures and signs its answers.  Two pay objects on two pools play two
 * gateways.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/val.h"
#include "db/schema.h"
#include "pay/order.h"
#include "pay/sign.h"
#include "tests/lib/pg.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <unistd.h>

enum { GATEWAYS = 2 };

static struct testpg *pg;
static json_t *vectors; /* keys of wechat-vectors-own.json */

static const char *
key(const char *name)
{
	const char *s = json_string_value(
		json_object_get(json_object_get(vectors, "keys"), name));

	assert_non_null(s);
	return s;
}

/* How the fake spoils its answer. */
enum spoil {
	SPOIL_NOTHING,
	SPOIL_BODY, /* signed, then changed */
	SPOIL_NO_SIGN,
	SPOIL_NO_NONCE,
	SPOIL_SERIAL,
	SPOIL_OTHER_KEY, /* signed with the wrong key */
	SPOIL_OLD,       /* 300 s ago */
	SPOIL_PROBE,     /* WECHATPAY/SIGNTEST/, the first time */
	SPOIL_PROBES,    /* always */
	SPOIL_NOT_JSON,
	SPOIL_NO_PREPAY,
};

struct fixture {
	struct loop loop;
	struct fake fake;
	struct fetcher *fetcher;
	struct pool *pool[GATEWAYS];
	struct pay *pay[GATEWAYS];
	struct pay_conf conf;
	struct arena arena;
	struct rsa *merchant, *platform, *other;
	enum spoil spoil;
	int status;            /* not 200: a refusal */
	const char *refusal;   /* its body */
	unsigned bad_requests; /* unsigned or wrongly signed by us */
	struct buf bodies[8];
};

struct asked {
	struct order order;
	int done;
};

static const struct caller user = {
	.role = CALLER_USER,
	.uid = "0123456789abcdef0123456789abcdef",
	.appid = "wx0123456789abcdef",
	.openid = "oTest1",
	.unionid = "",
	.sid = 1,
};

static struct caller
other_user(void)
{
	struct caller who = user;

	who.uid = "ffffffffffffffffffffffffffffffff";
	who.openid = "oTest2";
	return who;
}

/* A field of our Authorization header. */
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

/* As WeChat Pay would check it, with the merchant's public key. */
static bool
is_signed(const struct fixture *f, const struct fake_request *r)
{
	_buf_ struct buf text;

	buf_init(&text, 65536);
	sign_request_text(&text, "POST", r->target, field(r, "timestamp"),
		field(r, "nonce_str"), r->body);
	return slice_is(r->method, "POST") &&
	       slice_is(r->target, "/v3/pay/transactions/jsapi") &&
	       slice_is(field(r, "mchid"), key("mchid")) &&
	       slice_is(field(r, "serial_no"), key("merchant_serial")) &&
	       slice_is(fake_header(r, "Wechatpay-Serial"),
		       key("wechatpay_pubkey_id")) &&
	       slice_is(fake_header(r, "Accept"), "application/json") &&
	       slice_is(fake_header(r, "Content-Type"), "application/json") &&
	       fake_header(r, "User-Agent").len > 0 &&
	       rsa_verify(f->merchant, buf_all(&text), field(r, "signature")) ==
		       0;
}

static void
answer_sign(struct fixture *f, struct slice body, struct buf *head)
{
	int64_t now = clock_now_s() - (f->spoil == SPOIL_OLD ? 300 : 0);
	bool probe = f->spoil == SPOIL_PROBES ||
		     (f->spoil == SPOIL_PROBE && f->fake.requests == 1);
	_buf_ struct buf text, sign;

	buf_init(&text, 65536);
	buf_init(&sign, 65536);
	buf_printf(&text, "%lld\nfakenonce\n%.*s\n", (long long)now,
		SLICE_ARG(body));
	assert_int_equal(
		rsa_sign(f->spoil == SPOIL_OTHER_KEY ? f->other : f->platform,
			buf_all(&text), &sign),
		0);
	buf_printf(head, "Wechatpay-Timestamp: %lld\r\n", (long long)now);
	if (f->spoil != SPOIL_NO_NONCE)
		buf_str(head, "Wechatpay-Nonce: fakenonce\r\n");
	if (f->spoil != SPOIL_NO_SIGN)
		buf_printf(head, "Wechatpay-Signature: %s%s\r\n",
			probe ? "WECHATPAY/SIGNTEST/" : "", sign.ptr);
	buf_printf(head, "Wechatpay-Serial: %s%s\r\n",
		key("wechatpay_pubkey_id"),
		f->spoil == SPOIL_SERIAL ? "9" : "");
}

static void
on_ask(struct fake *fake, const struct fake_request *r, struct buf *to)
{
	struct fixture *f = fake->owner;
	unsigned n = fake->requests - 1;
	_buf_ struct buf head, body;

	buf_init(&head, 65536);
	buf_init(&body, 65536);
	if (n < array_size(f->bodies))
		buf_slice(&f->bodies[n], r->body);
	f->bad_requests += !is_signed(f, r);
	if (f->status != 200) {
		fake_say(to, f->status, "", slice_str(f->refusal));
		return;
	}
	if (f->spoil == SPOIL_NOT_JSON)
		buf_str(&body, "ok");
	else if (f->spoil == SPOIL_NO_PREPAY)
		buf_str(&body, "{}");
	else
		buf_printf(&body, "{\"prepay_id\":\"wx%08u\"}", fake->requests);
	answer_sign(f, buf_all(&body), &head);
	if (f->spoil == SPOIL_BODY)
		body.ptr[body.len - 3] ^= 1;
	fake_say(to, 200, head.ptr, buf_all(&body));
}

static void
gateways_open(struct fixture *f)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 1000,
	};

	for (int i = 0; i < GATEWAYS; i++) {
		assert_int_equal(
			pool_new(&f->pool[i], &f->loop, &conf, NULL), 0);
		assert_int_equal(pay_new(&f->pay[i], &f->loop, f->pool[i],
					 f->fetcher, &f->conf, NULL),
			0);
	}
}

static void
keys_load(struct fixture *f)
{
	static const char doc[] = "wechatpay_pubkey_private";

	/* the merchant's public half: what WeChat Pay knows */
	assert_int_equal(rsa_load_private(&f->merchant,
				 slice_str(key("merchant_private_key")), NULL),
		0);
	assert_int_equal(
		rsa_load_private(&f->platform, slice_str(key(doc)), NULL), 0);
	assert_int_equal(rsa_load_private(&f->other,
				 slice_str(key("platform_private_key")), NULL),
		0);
}

static struct pay_conf
conf_of(const struct fixture *f)
{
	return (struct pay_conf){
		.appid = key("appid"),
		.mchid = key("mchid"),
		.serial = key("merchant_serial"),
		.notify_url = "https://example.com/v1/pay/notify",
		.api_base = f->fake.base,
		.private_key_pem = key("merchant_private_key"),
		.public_key_pem = key("wechatpay_pubkey"),
		.public_key_id = key("wechatpay_pubkey_id"),
		.apiv3_key = key("api_v3_key"),
	};
}

static struct fixture *
setup(void)
{
	struct fixture *f = mem_new(struct fixture);

	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(fetcher_new(&f->fetcher, &f->loop), 0);
	fake_start(&f->fake, &f->loop, on_ask);
	f->fake.owner = f;
	f->status = 200;
	keys_load(f);
	for (size_t i = 0; i < array_size(f->bodies); i++)
		buf_init(&f->bodies[i], 65536);
	f->conf = conf_of(f);
	arena_init(&f->arena, 1024 * 1024);
	(void)testpg_query(pg, "TRUNCATE mpcloud.orders");
	gateways_open(f);
	return f;
}

static void
teardown(struct fixture *f)
{
	clock_set(-1);
	assert_int_equal(f->bad_requests, 0);
	for (int i = 0; i < GATEWAYS; i++) {
		f->pay[i] = pay_free(f->pay[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->fetcher = fetcher_free(f->fetcher);
	fake_stop(&f->fake);
	for (size_t i = 0; i < array_size(f->bodies); i++)
		buf_done(&f->bodies[i]);
	rsa_free(f->merchant);
	rsa_free(f->platform);
	rsa_free(f->other);
	arena_done(&f->arena);
	loop_done(&f->loop);
	free(f);
}

static void
on_done(struct job *job)
{
	container_of(job, struct asked, order.job)->done++;
}

static void
asked_init(struct asked *a, struct fixture *f)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->order.job, on_done);
	a->order.arena = &f->arena;
}

static int
wait_for(struct fixture *f, struct asked *a)
{
	assert_int_equal(a->done, 0);
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->order.job.err;
}

static void
place_start(struct fixture *f, int gateway, struct asked *a,
	const struct caller *who, const char *text, bool may_price)
{
	_json_ json_t *body = NULL;

	assert_int_equal(val_parse(&body, slice_str(text), NULL), 0);
	asked_init(a, f);
	order_place(f->pay[gateway], &a->order, who, body, may_price);
}

static int
place_as(struct fixture *f, struct asked *a, const struct caller *who,
	const char *text, bool may_price)
{
	place_start(f, 0, a, who, text, may_price);
	return wait_for(f, a);
}

static int
place(struct fixture *f, struct asked *a, const char *text)
{
	return place_as(f, a, &user, text, true);
}

static json_t *
answer_of(const struct asked *a)
{
	json_t *v = NULL;

	assert_int_equal(val_parse(&v, a->order.answer, NULL), 0);
	return v;
}

static const char *
text_of(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	assert_non_null(s);
	return s;
}

#define APPLES \
	"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\"," \
	"\"total\":1999,\"attach\":\"cart=7\"}"

/* The payment of an answer, checked as the WeChat client would. */
static void
payment_check(struct fixture *f, const struct asked *a, const char *prepay_id)
{
	_json_ json_t *v = answer_of(a);
	const json_t *p = json_object_get(v, "payment");
	_buf_ struct buf text;

	buf_init(&text, 4096);
	assert_int_equal(json_object_size(p), 5);
	assert_string_equal(text_of(p, "signType"), "RSA");
	buf_printf(&text, "%s\n%s\n%s\nprepay_id=%s\n", key("appid"),
		text_of(p, "timeStamp"), text_of(p, "nonceStr"), prepay_id);
	assert_int_equal(strlen(text_of(p, "timeStamp")), 10);
	assert_int_equal(strlen(text_of(p, "nonceStr")), 32);
	assert_int_equal(strncmp(text_of(p, "package"), "prepay_id=", 10), 0);
	assert_string_equal(text_of(p, "package") + 10, prepay_id);
	assert_int_equal(rsa_verify(f->merchant, buf_all(&text),
				 slice_str(text_of(p, "paySign"))),
		0);
}

static void
an_order_is_stored_placed_and_signed_for_payment(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	payment_check(f, &a, "wx00000001");
	assert_string_equal(f->bodies[0].ptr,
		"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\","
		"\"description\":\"苹果 3 斤\",\"out_trade_no\":\"shop-0001\","
		"\"notify_url\":\"https://example.com/v1/pay/notify\","
		"\"attach\":\"cart=7\","
		"\"amount\":{\"total\":1999,\"currency\":\"CNY\"},"
		"\"payer\":{\"openid\":\"oTest1\"}}");
	assert_string_equal(
		testpg_query(pg, "SELECT concat_ws('|', mchid, out_trade_no,"
				 " appid, openid, uid, total, currency,"
				 " attach, state, prepay_id)"
				 " FROM mpcloud.orders"),
		"1900000109|shop-0001|wx0123456789abcdef|oTest1|"
		"0123456789abcdef0123456789abcdef|1999|CNY|cart=7|NOTPAY|"
		"wx00000001");
	assert_string_equal(testpg_query(pg, "SELECT body FROM mpcloud.orders"),
		f->bodies[0].ptr);
	teardown(f);
}

static void
a_number_is_made_when_none_is_given(void **state)
{
	struct fixture *f = setup();
	struct asked a, b;

	(void)state;
	assert_int_equal(
		place(f, &a, "{\"description\":\"x\",\"total\":1}"), 0);
	assert_int_equal(
		place(f, &b, "{\"description\":\"x\",\"total\":1}"), 0);
	{
		_json_ json_t *first = answer_of(&a), *second = answer_of(&b);
		const char *no = text_of(first, "outTradeNo");

		assert_int_equal(strlen(no), 32);
		assert_int_equal(
			strspn(no, "0123456789abcdefghijklmnopqrstuvwxyz"), 32);
		assert_string_not_equal(no, text_of(second, "outTradeNo"));
	}
	assert_null(strstr(f->bodies[0].ptr, "attach"));
	teardown(f);
}

static void
an_order_asked_again_is_paid_with_its_prepay_id_for_two_hours(void **state)
{
	struct fixture *f = setup();
	int64_t now = clock_now();
	struct asked a, b;

	(void)state;
	clock_set(now);
	assert_int_equal(place(f, &a, APPLES), 0);
	clock_set(now + 6900 * CLOCK_S - CLOCK_MS);
	assert_int_equal(place(f, &b, APPLES), 0);
	assert_int_equal(f->fake.requests, 1);
	payment_check(f, &b, "wx00000001");
	{
		_json_ json_t *first = answer_of(&a), *second = answer_of(&b);
		const json_t *p = json_object_get(first, "payment");
		const json_t *q = json_object_get(second, "payment");

		assert_string_not_equal(
			text_of(p, "nonceStr"), text_of(q, "nonceStr"));
		assert_int_equal(atoll(text_of(q, "timeStamp")), clock_now_s());
	}
	clock_set(now + 7200 * CLOCK_S);
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(f->fake.requests, 2);
	payment_check(f, &a, "wx00000002");
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
what_is_sent_again_is_what_was_sent_even_after_a_reload(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->status = 500;
	f->refusal = "{\"code\":\"SYSTEM_ERROR\",\"message\":\"x\"}";
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_BUSY);
	f->conf.notify_url = "https://example.com/elsewhere";
	assert_int_equal(pay_configure(f->pay[0], &f->conf, NULL), 0);
	f->status = 200;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
the_row_is_there_before_wechat_is_asked(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->fake.mode = FAKE_HANG;
	place_start(f, 0, &a, &user, APPLES, true);
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	assert_string_equal(
		testpg_query(pg, "SELECT state FROM mpcloud.orders"),
		"CREATED");
	/* the client goes; the order stays and can be paid later */
	job_cancel(&a.order.job);
	f->fake.mode = FAKE_ANSWER;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "1");
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	teardown(f);
}

static void
other_content_under_the_same_number_is_a_conflict(void **state)
{
	static const char *const others[] = {
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\","
		"\"total\":1998,\"attach\":\"cart=7\"}",
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"apples\","
		"\"total\":1999,\"attach\":\"cart=7\"}",
		"{\"outTradeNo\":\"shop-0001\",\"description\":\"苹果 3 斤\","
		"\"total\":1999}",
	};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	for (size_t i = 0; i < array_size(others); i++)
		assert_int_equal(place(f, &a, others[i]), ERR_CONFLICT);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
another_user_s_order_is_not_to_be_had(void **state)
{
	struct fixture *f = setup();
	struct caller other = other_user();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(place_as(f, &a, &other, APPLES, true), ERR_CONFLICT);
	assert_int_equal(place_as(f, &a, &other,
				 "{\"outTradeNo\":\"shop-0001\"}", false),
		ERR_ORDER_NOT_FOUND);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &other, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
a_mini_program_pays_what_a_function_priced(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(
		place_as(f, &a, &user, "{\"outTradeNo\":\"shop-0001\"}", false),
		ERR_ORDER_NOT_FOUND);
	assert_int_equal(place_as(f, &a, &user, APPLES, false), ERR_DENIED);
	assert_int_equal(
		place_as(f, &a, &user, "{\"total\":1}", false), ERR_DENIED);
	assert_int_equal(place_as(f, &a, &user, "{}", false), ERR_PARAM);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "0");
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(
		place_as(f, &a, &user, "{\"outTradeNo\":\"shop-0001\"}", false),
		0);
	payment_check(f, &a, "wx00000001");
	assert_int_equal(place(f, &a, "{\"outTradeNo\":\"shop-0001\"}"), 0);
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
orders_of_a_wrong_form_are_refused_before_they_are_stored(void **state)
{
	static const char *const bad[] = {
		"{\"description\":\"x\"}",
		"{\"description\":\"x\",\"total\":0}",
		"{\"description\":\"x\",\"total\":-1}",
		"{\"description\":\"x\",\"total\":1.0}",
		"{\"description\":\"x\",\"total\":\"1\"}",
		"{\"description\":\"x\",\"total\":10000000001}",
		"{\"description\":\"\",\"total\":1}",
		"{\"total\":1}",
		"{\"description\":1,\"total\":1}",
		"{\"description\":\"a\\nb\",\"total\":1}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":\"12345\"}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":\"123 "
		"456\"}",
		"{\"description\":\"x\",\"total\":1,\"outTradeNo\":"
		"\"123456789012345678901234567890123\"}",
		"{\"description\":\"x\",\"total\":1,\"out_trade_no\":"
		"\"123456\"}",
		"{\"description\":\"x\",\"total\":1,\"openid\":\"o\"}",
		"{\"outTradeNo\":\"123456\",\"description\":\"x\"}",
		"{}",
		"[]",
		"\"x\"",
	};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	for (size_t i = 0; i < array_size(bad); i++)
		assert_int_equal(place(f, &a, bad[i]), ERR_PARAM);
	assert_int_equal(f->fake.requests, 0);
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "0");
	teardown(f);
}

static void
lengths_are_counted_in_characters(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	for (int n = 127; n <= 128; n++) {
		_buf_ struct buf text;

		buf_init(&text, 4096);
		buf_str(&text, "{\"total\":1,\"description\":\"");
		for (int i = 0; i < n; i++)
			buf_str(&text, "果");
		buf_str(&text, "\"}");
		assert_int_equal(
			place(f, &a, text.ptr), n == 127 ? 0 : ERR_PARAM);
	}
	for (int n = 128; n <= 129; n++) {
		_buf_ struct buf text;

		buf_init(&text, 4096);
		buf_str(&text, "{\"total\":10000000000,\"description\":\"x\","
			       "\"attach\":\"");
		for (int i = 0; i < n; i++)
			buf_str(&text, "果");
		buf_str(&text, "\"}");
		assert_int_equal(
			place(f, &a, text.ptr), n == 128 ? 0 : ERR_PARAM);
	}
	teardown(f);
}

static void
two_gateways_at_once_make_one_order(void **state)
{
	struct fixture *f = setup();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct asked two[GATEWAYS];
		char text[200];

		(void)snprintf(text, sizeof(text),
			"{\"outTradeNo\":\"both-%04d\",\"description\":\"x\","
			"\"total\":5}",
			i);
		for (int k = 0; k < GATEWAYS; k++)
			place_start(f, k, &two[k], &user, text, true);
		while (!two[0].done || !two[1].done)
			loop_turn(&f->loop, true);
		assert_int_equal(two[0].order.job.err, 0);
		assert_int_equal(two[1].order.job.err, 0);
	}
	assert_string_equal(
		testpg_query(pg, "SELECT count(*) FROM mpcloud.orders"), "4");
	for (unsigned i = 1; i < f->fake.requests && i < 8; i++)
		for (unsigned k = 0; k < i; k++) {
			/* same number, same bytes */
			const char *no = strstr(f->bodies[i].ptr, "both-");

			if (strstr(f->bodies[k].ptr, "both-")[8] == no[8])
				assert_string_equal(
					f->bodies[k].ptr, f->bodies[i].ptr);
		}
	teardown(f);
}

static void
an_answer_that_does_not_verify_is_never_believed(void **state)
{
	static const struct {
		enum spoil spoil;
		int err;
		unsigned requests;
	} rows[] = {
		{SPOIL_BODY, ERR_PAY_FORGED, 1},
		{SPOIL_NO_SIGN, ERR_PAY_FORGED, 1},
		{SPOIL_NO_NONCE, ERR_PAY_FORGED, 1},
		{SPOIL_SERIAL, ERR_PAY_FORGED, 1},
		{SPOIL_OTHER_KEY, ERR_PAY_FORGED, 1},
		{SPOIL_OLD, ERR_PAY_FORGED, 1},
		{SPOIL_PROBES, ERR_UPSTREAM_BUSY, 2},
		{SPOIL_NOT_JSON, ERR_UPSTREAM, 1},
		{SPOIL_NO_PREPAY, ERR_UPSTREAM, 1},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->spoil = rows[i].spoil;
		assert_int_equal(place(f, &a, APPLES), rows[i].err);
		assert_int_equal(f->fake.requests, rows[i].requests);
		assert_int_equal(a.order.answer.len, 0);
		assert_string_equal(testpg_query(pg, "SELECT state || coalesce("
						     "prepay_id, '')"
						     " FROM mpcloud.orders"),
			"CREATED");
		/* nothing is lost: the same number, once it is real */
		f->spoil = SPOIL_NOTHING;
		assert_int_equal(place(f, &a, APPLES), 0);
		teardown(f);
	}
}

static void
a_signature_probe_is_answered_by_asking_again(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->spoil = SPOIL_PROBE;
	assert_int_equal(place(f, &a, APPLES), 0);
	assert_int_equal(f->fake.requests, 2);
	assert_string_equal(f->bodies[1].ptr, f->bodies[0].ptr);
	payment_check(f, &a, "wx00000002");
	teardown(f);
}

static void
refusals_are_told_as_what_they_mean(void **state)
{
	static const struct {
		int status;
		const char *body;
		int err;
		const char *words;
	} rows[] = {
		{400, "{\"code\":\"PARAM_ERROR\",\"message\":\"bad total\"}",
			ERR_PAY_REFUSED, "PARAM_ERROR: bad total"},
		{400, "{\"code\":\"INVALID_REQUEST\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "INVALID_REQUEST: m"},
		{403, "{\"code\":\"OUT_TRADE_NO_USED\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "OUT_TRADE_NO_USED"},
		{403, "{\"code\":\"RULELIMIT\",\"message\":\"m\"}",
			ERR_PAY_REFUSED, "RULELIMIT"},
		{400, "{\"code\":\"APPID_MCHID_NOT_MATCH\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "APPID_MCHID_NOT_MATCH"},
		{400, "{\"code\":\"MCH_NOT_EXISTS\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "[pay]"},
		{401, "{\"code\":\"SIGN_ERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "SIGN_ERROR"},
		{401, "", ERR_UPSTREAM_CONFIG, "[pay]"},
		{403, "{\"code\":\"NO_AUTH\",\"message\":\"m\"}",
			ERR_UPSTREAM_CONFIG, "NO_AUTH"},
		{429, "{\"code\":\"FREQUENCY_LIMITED\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again"},
		{500, "{\"code\":\"SYSTEM_ERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again"},
		{500, "{\"code\":\"SYSTEMERROR\",\"message\":\"m\"}",
			ERR_UPSTREAM_BUSY, "may safely be tried again"},
		{502, "<html>bad gateway</html>", ERR_UPSTREAM_BUSY,
			"may safely be tried again"},
		{418, "{}", ERR_PAY_REFUSED, "refused"},
		{302, "", ERR_UPSTREAM, ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->status = rows[i].status;
		f->refusal = rows[i].body;
		assert_int_equal(place(f, &a, APPLES), rows[i].err);
		assert_int_equal(f->fake.requests, 1);
		assert_non_null(strstr(a.order.job.why.text, rows[i].words));
		assert_string_equal(
			testpg_query(pg, "SELECT state FROM mpcloud.orders"),
			"CREATED");
		teardown(f);
	}
}

static void
a_connection_that_ends_in_the_middle_loses_nothing(void **state)
{
	static const enum fake_mode modes[] = {FAKE_CUT, FAKE_CLOSE};

	(void)state;
	for (size_t i = 0; i < array_size(modes); i++) {
		struct fixture *f = setup();
		struct asked a;

		f->fake.mode = modes[i];
		assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM);
		assert_non_null(strstr(a.order.job.why.text, "safely"));
		f->fake.mode = FAKE_ANSWER;
		assert_int_equal(place(f, &a, APPLES), 0);
		assert_string_equal(testpg_query(pg, "SELECT count(*)"
						     " FROM mpcloud.orders"),
			"1");
		assert_string_equal(
			f->bodies[f->fake.requests - 1].ptr, f->bodies[0].ptr);
		teardown(f);
	}
}

static void
a_paid_order_is_not_paid_again(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place(f, &a, APPLES), 0);
	(void)testpg_query(pg, "UPDATE mpcloud.orders SET state = 'SUCCESS'");
	assert_int_equal(place(f, &a, APPLES), ERR_CONFLICT);
	assert_non_null(strstr(a.order.job.why.text, "SUCCESS"));
	assert_int_equal(f->fake.requests, 1);
	teardown(f);
}

static void
an_order_paid_while_it_is_placed_again_stays_paid(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	f->fake.mode = FAKE_HANG;
	place_start(f, 0, &a, &user, APPLES, true);
	while (!f->fake.requests)
		loop_turn(&f->loop, true);
	job_cancel(&a.order.job);
	/* paid behind our back, then the late answer of a second try */
	f->fake.mode = FAKE_ANSWER;
	place_start(f, 0, &a, &user, APPLES, true);
	while (f->fake.requests < 2)
		loop_turn(&f->loop, true);
	(void)testpg_query(pg, "UPDATE mpcloud.orders SET state = 'SUCCESS'");
	assert_int_equal(wait_for(f, &a), ERR_CONFLICT);
	assert_string_equal(
		testpg_query(pg, "SELECT state FROM mpcloud.orders"),
		"SUCCESS");
	teardown(f);
}

static void
an_order_can_be_read_back_by_its_owner(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	clock_set(1700000000 * CLOCK_S + 123 * CLOCK_MS);
	assert_int_equal(place(f, &a, APPLES), 0);
	asked_init(&a, f);
	order_get(f->pay[1], &a.order, &user, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), 0);
	assert_true(slice_is(a.order.answer,
		"{\"outTradeNo\":\"shop-0001\",\"total\":1999,"
		"\"currency\":\"CNY\",\"description\":\"苹果 3 斤\","
		"\"state\":\"NOTPAY\","
		"\"createdAt\":\"2023-11-14T22:13:20.123Z\"}"));
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &user, SLICE("shop-0002"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &user, SLICE("' OR 1=1 --"));
	assert_int_equal(wait_for(f, &a), ERR_ORDER_NOT_FOUND);
	teardown(f);
}

static void
nobody_has_no_orders(void **state)
{
	static const struct caller nobody = {
		.uid = "", .appid = "", .openid = "", .unionid = ""};
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(place_as(f, &a, &nobody, APPLES, true), ERR_NO_LOGIN);
	asked_init(&a, f);
	order_get(f->pay[0], &a.order, &nobody, SLICE("shop-0001"));
	assert_int_equal(wait_for(f, &a), ERR_NO_LOGIN);
	teardown(f);
}

static void
payment_that_is_off_says_so(void **state)
{
	struct fixture *f = setup();
	struct asked a;

	(void)state;
	assert_int_equal(
		pay_configure(f->pay[0], &(struct pay_conf){.mchid = ""}, NULL),
		0);
	assert_int_equal(place(f, &a, APPLES), ERR_UPSTREAM_CONFIG);
	assert_non_null(strstr(a.order.job.why.text, "[pay] mchid"));
	teardown(f);
}

static void
a_bad_setting_is_named_and_changes_nothing(void **state)
{
	static const char pem[] = "-----BEGIN PRIVATE KEY-----\nQUJD\n";
	struct fixture *f = setup();
	const struct {
		size_t at;
		const char *value, *words;
	} rows[] = {
		{offsetof(struct pay_conf, serial), "", "serial"},
		{offsetof(struct pay_conf, serial), "a\"b", "serial"},
		{offsetof(struct pay_conf, appid), "", "appid"},
		{offsetof(struct pay_conf, notify_url), "", "notify_url"},
		{offsetof(struct pay_conf, notify_url), "ftp://x/", "https"},
		{offsetof(struct pay_conf, notify_url), "https://x/?a=1",
			"query"},
		{offsetof(struct pay_conf, private_key_pem), NULL,
			"private_key_file"},
		{offsetof(struct pay_conf, private_key_pem), pem,
			"private_key_file"},
		{offsetof(struct pay_conf, public_key_pem), "",
			"public_key_file"},
		{offsetof(struct pay_conf, public_key_pem), "x",
			"public_key_file"},
		{offsetof(struct pay_conf, public_key_id), "", "public_key_id"},
		{offsetof(struct pay_conf, apiv3_key), "short",
			"apiv3_key_file"},
		{offsetof(struct pay_conf, api_base), "", "api_base"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(rows); i++) {
		struct pay_conf conf = f->conf;
		struct fault why = {0};

		*(const char **)(void *)((char *)&conf + rows[i].at) =
			rows[i].value;
		assert_int_equal(
			pay_configure(f->pay[0], &conf, &why), ERR_CONFIG);
		assert_non_null(strstr(why.text, rows[i].words));
		assert_null(strstr(why.text, "QUJD"));
	}
	{
		struct asked a;

		assert_int_equal(place(f, &a, APPLES), 0);
	}
	teardown(f);
}

static int
group_setup(void **state)
{
	_free_ char *path =
		path_data("tests/unit/data/wechat-vectors-own.json");
	_free_ char *text = NULL;
	struct fault why = {0};
	size_t len;

	(void)state;
	if (file_read(path, 1 << 20, &text, &len, NULL) < 0 ||
		val_parse(&vectors, slice_of(text, len), NULL) < 0)
		return -1;
	pg = testpg_new();
	if (schema_migrate(testpg_url(pg), &why) < 0) {
		(void)fprintf(stderr, "%s\n", why.text);
		return -1;
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	pg = testpg_free(pg);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_order_is_stored_placed_and_signed_for_payment),
		cmocka_unit_test(a_number_is_made_when_none_is_given),
		cmocka_unit_test(
			an_order_asked_again_is_paid_with_its_prepay_id_for_two_hours),
		cmocka_unit_test(
			what_is_sent_again_is_what_was_sent_even_after_a_reload),
		cmocka_unit_test(the_row_is_there_before_wechat_is_asked),
		cmocka_unit_test(
			other_content_under_the_same_number_is_a_conflict),
		cmocka_unit_test(another_user_s_order_is_not_to_be_had),
		cmocka_unit_test(a_mini_program_pays_what_a_function_priced),
		cmocka_unit_test(
			orders_of_a_wrong_form_are_refused_before_they_are_stored),
		cmocka_unit_test(lengths_are_counted_in_characters),
		cmocka_unit_test(two_gateways_at_once_make_one_order),
		cmocka_unit_test(
			an_answer_that_does_not_verify_is_never_believed),
		cmocka_unit_test(a_signature_probe_is_answered_by_asking_again),
		cmocka_unit_test(refusals_are_told_as_what_they_mean),
		cmocka_unit_test(
			a_connection_that_ends_in_the_middle_loses_nothing),
		cmocka_unit_test(a_paid_order_is_not_paid_again),
		cmocka_unit_test(
			an_order_paid_while_it_is_placed_again_stays_paid),
		cmocka_unit_test(an_order_can_be_read_back_by_its_owner),
		cmocka_unit_test(nobody_has_no_orders),
		cmocka_unit_test(payment_that_is_off_says_so),
		cmocka_unit_test(a_bad_setting_is_named_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
