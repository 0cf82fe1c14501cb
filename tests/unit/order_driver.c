/*
 * The WeChat Pay that the tests of orders speak to, and the gateways that ask
 * it.
 */
#include "tests/unit/order_driver.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "db/schema.h"

#include <stdlib.h>

struct testpg *pg;
static json_t *vectors; /* keys of wechat-vectors-own.json */

const char *
key(const char *name)
{
	const char *s = json_string_value(
		json_object_get(json_object_get(vectors, "keys"), name));

	assert_non_null(s);
	return s;
}

const struct caller user = {
	.role = CALLER_USER,
	.uid = "0123456789abcdef0123456789abcdef",
	.appid = "wx0123456789abcdef",
	.openid = "oTest1",
	.unionid = "",
	.sid = 1,
};

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
	bool is_get = slice_is(r->method, "GET");
	_buf_ struct buf text;

	buf_init(&text, 65536);
	sign_request_text(&text, is_get ? "GET" : "POST", r->target,
		field(r, "timestamp"), field(r, "nonce_str"), r->body);
	return (is_get || slice_is(r->method, "POST")) &&
	       slice_starts(r->target, "/v3/pay/transactions/") &&
	       slice_is(field(r, "mchid"), key("mchid")) &&
	       slice_is(field(r, "serial_no"), key("merchant_serial")) &&
	       slice_is(fake_header(r, "Wechatpay-Serial"),
		       key("wechatpay_pubkey_id")) &&
	       slice_is(fake_header(r, "Accept"), "application/json") &&
	       (is_get || slice_is(fake_header(r, "Content-Type"),
				  "application/json")) &&
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

static bool
ends(struct slice s, const char *tail)
{
	size_t n = strlen(tail);

	return s.len >= n && memcmp(s.ptr + s.len - n, tail, n) == 0;
}

/* A question about an order, or closing one. */
static bool
answer_life(struct fixture *f, const struct fake_request *r, struct buf *to)
{
	bool is_close = ends(r->target, "/close");
	int status = is_close ? f->close_status : f->trade_status;
	const char *text = is_close ? f->close_refusal : f->trade;
	_buf_ struct buf head;

	buf_init(&head, 65536);
	if (slice_is(r->target, "/v3/pay/transactions/jsapi"))
		return false;
	*(is_close ? &f->closes : &f->queries) += 1;
	if (!is_close && !text) {
		status = 404;
		text = "{\"code\":\"ORDER_NOT_EXIST\",\"message\":\"m\"}";
	}
	if (!status)
		status = is_close ? 204 : 200;
	answer_sign(f, slice_str(status == 204 ? "" : text), &head);
	fake_say(to, status, head.ptr, slice_str(status == 204 ? "" : text));
	return true;
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
	if (answer_life(f, r, to))
		return;
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

static struct merchants *
merchants_of(const struct merchant_conf *conf)
{
	struct merchants *all = merchants_new();
	struct merchant *m;

	assert_int_equal(merchant_new(&m, conf, NULL), 0);
	assert_int_equal(merchants_add(all, m, NULL), 0);
	return all;
}

void
reconfigure(struct fixture *f)
{
	struct merchants *fresh = merchants_of(&f->conf);

	for (int i = 0; i < GATEWAYS; i++)
		pay_configure(f->pay[i], fresh);
	merchants_free(f->merchants);
	f->merchants = fresh;
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
		f->pay[i] =
			pay_new(&f->loop, f->pool[i], f->fetcher, f->merchants);
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

static struct merchant_conf
conf_of(const struct fixture *f)
{
	return (struct merchant_conf){
		.appids = key("appid"),
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

struct fixture *
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
	f->merchants = merchants_of(&f->conf);
	arena_init(&f->arena, 1024 * 1024);
	(void)testpg_query(pg, "TRUNCATE mpcloud.orders, mpcloud.refunds");
	gateways_open(f);
	return f;
}

void
teardown(struct fixture *f)
{
	clock_set(-1);
	assert_int_equal(f->bad_requests, 0);
	for (int i = 0; i < GATEWAYS; i++) {
		f->pay[i] = pay_free(f->pay[i]);
		f->pool[i] = pool_free(f->pool[i]);
	}
	f->merchants = merchants_free(f->merchants);
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

void
asked_init(struct asked *a, struct fixture *f)
{
	memset(a, 0, sizeof(*a));
	job_init(&a->order.job, on_done);
	a->order.arena = &f->arena;
}

int
wait_for(struct fixture *f, struct asked *a)
{
	assert_int_equal(a->done, 0);
	loop_turn(&f->loop, false);
	while (!a->done)
		loop_turn(&f->loop, true);
	assert_int_equal(a->done, 1);
	return a->order.job.err;
}

void
place_start(struct fixture *f, int gateway, struct asked *a,
	const struct caller *who, const char *text, bool may_price)
{
	_json_ json_t *body = NULL;

	assert_int_equal(val_parse(&body, slice_str(text), NULL), 0);
	asked_init(a, f);
	order_place(f->pay[gateway], &a->order, who, body, may_price);
}

int
place_as(struct fixture *f, struct asked *a, const struct caller *who,
	const char *text, bool may_price)
{
	place_start(f, 0, a, who, text, may_price);
	return wait_for(f, a);
}

int
place(struct fixture *f, struct asked *a, const char *text)
{
	return place_as(f, a, &user, text, true);
}

json_t *
answer_of(const struct asked *a)
{
	json_t *v = NULL;

	assert_int_equal(val_parse(&v, a->order.answer, NULL), 0);
	return v;
}

const char *
text_of(const json_t *v, const char *name)
{
	const char *s = json_string_value(json_object_get(v, name));

	assert_non_null(s);
	return s;
}

void
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

int
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

int
group_teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	pg = testpg_free(pg);
	return 0;
}
