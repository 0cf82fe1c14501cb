/*
 * Platform certificates: downloaded by one gateway for all, verified with what
 * they bring, there again after a restart, asked for at once when a serial
 * number is not known, and never more often than that.
 */
#include "base/event.h"
#include "base/mem.h"
#include "db/schema.h"
#include "pay/cert.h"
#include "tests/lib/pg.h"
#include "tests/unit/gate_driver.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEEPERS = 2, HOUR_S = 3600 };

static struct testpg *pg;

/* Gateways beside the one of the driver. */
struct side {
	struct pool *pool;
	struct merchants *all;
	struct cert_keeper *keeper;
};

struct cert_fixture {
	struct gate_fixture *f;
	struct side side[KEEPERS];
	char answer[8192]; /* GET /v3/certificates's */
	int64_t now;       /* ns */
};

static const char *apiv3_key;

static void
as_certificates(struct merchant_conf *conf)
{
	conf->public_key_pem = conf->public_key_id = NULL;
	if (apiv3_key)
		conf->apiv3_key = apiv3_key;
}

static void
side_open(struct cert_fixture *c, int i)
{
	const struct pool_conf conf = {
		.url = testpg_url(pg),
		.connections = 1,
		.timeout_ms = 10000,
		.waiting_top = 100,
	};
	struct side *s = &c->side[i];
	struct merchant *m = NULL;

	assert_int_equal(pool_new(&s->pool, &c->f->loop, &conf, NULL), 0);
	s->all = merchants_new();
	if (i == 0) {
		m = merchant_ref(c->f->merchant);
	} else {
		struct merchant_conf mine = {
			.appids = c->f->merchant->appid,
			.mchid = c->f->merchant->mchid,
			.serial = c->f->merchant->serial,
			.notify_url = c->f->merchant->notify_url,
			.api_base = c->f->merchant->api_base,
			.private_key_pem = c->f->merchant->private_key_pem,
			.apiv3_key = c->f->merchant->apiv3_key,
		};

		assert_int_equal(merchant_new(&m, &mine, NULL), 0);
	}
	assert_int_equal(merchants_add(s->all, m, NULL), 0);
	s->keeper =
		cert_keeper_new(&c->f->loop, s->pool, c->f->fetcher, s->all);
}

static void
side_close(struct side *s)
{
	s->keeper = cert_keeper_free(s->keeper);
	s->all = merchants_free(s->all);
	s->pool = pool_free(s->pool);
}

static struct certs *
certs_of(struct cert_fixture *c, int i)
{
	return c->side[i].all->merchant[0]->certs;
}

static struct gate_say
say_of(struct cert_fixture *c)
{
	return (struct gate_say){
		.body = c->answer,
		.key = "platform_private_key",
		.serial = vector_key(vectors_own, "platform_serial"),
	};
}

static struct cert_fixture *
setup(void)
{
	struct cert_fixture *c = mem_new(struct cert_fixture);
	const json_t *v = vector(vectors_own, "own-certificates");
	char *text = json_dumps(json_object_get(v, "response"), JSON_COMPACT);

	(void)snprintf(c->answer, sizeof(c->answer), "%s", text);
	free(text);
	(void)testpg_query(pg, "TRUNCATE mpcloud.pay_certificates, "
			       "mpcloud.pay_leases");
	c->now = 1798761600 * CLOCK_S; /* 2027-01-01, within the certificate */
	clock_set(c->now);
	c->f = gate_setup(as_certificates);
	return c;
}

static void
teardown(struct cert_fixture *c)
{
	for (int i = 0; i < KEEPERS; i++)
		side_close(&c->side[i]);
	gate_teardown(c->f);
	apiv3_key = NULL;
	mem_free(c);
}

static void
turn_until_known(struct cert_fixture *c, int i)
{
	while (!certs_of(c, i)->count)
		loop_turn(&c->f->loop, true);
}

static void
move(struct cert_fixture *c, int64_t seconds)
{
	c->now += seconds * CLOCK_S;
	clock_set(c->now);
}

static void
one_gateway_downloads_for_all(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	for (int i = 0; i < KEEPERS; i++)
		side_open(c, i);
	for (int i = 0; i < KEEPERS; i++)
		turn_until_known(c, i);
	assert_int_equal(c->f->count, 1);
	assert_string_equal(c->f->asked[0].target, "/v3/certificates");
	assert_string_equal(c->f->asked[0].serial, ""); /* we know none yet */
	for (int i = 0; i < KEEPERS; i++)
		assert_non_null(merchant_key(
			c->side[i].all->merchant[0], slice_str(say.serial)));
	assert_string_equal(
		testpg_query(pg,
			"SELECT concat_ws('|', mchid, serial, fetched_at,"
			" expires_at > effective_at) FROM"
			" mpcloud.pay_certificates"),
		"1900000109|5A5A00000000000000000000000000000000A5A5|"
		"1798761600000|t");
	teardown(c);
}

static void
a_restart_begins_with_what_was_stored(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	move(c, HOUR_S / 2);
	side_open(c, 1);
	turn_until_known(c, 1);
	assert_int_equal(c->f->count, 1);
	teardown(c);
}

static void
they_are_asked_for_anew_each_hour_and_swapped(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	(void)testpg_query(pg,
		"INSERT INTO mpcloud.pay_certificates SELECT mchid, 'GONE',"
		" pem, effective_at, expires_at, fetched_at FROM"
		" mpcloud.pay_certificates");
	move(c, HOUR_S + 1);
	while (c->f->count < 2)
		loop_turn(&c->f->loop, true);
	while (certs_of(c, 0)->fetched_ms < c->now / CLOCK_MS)
		loop_turn(&c->f->loop, true);
	assert_string_equal(c->f->asked[1].serial, say.serial);
	assert_string_equal(testpg_query(pg, "SELECT string_agg(serial, ',')"
					     " FROM mpcloud.pay_certificates"),
		say.serial);
	assert_int_equal(certs_of(c, 0)->count, 1);
	teardown(c);
}

#define CLOSED \
	"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\"," \
	"\"out_trade_no\":\"shop-0001\",\"trade_state\":\"CLOSED\"}"

/* Waits for the gate of the driver. */
static int
ask(struct cert_fixture *c, const struct gate_say *say, size_t count)
{
	struct gate *g = gate_ready(c->f, say, count);

	gate_query(
		g, &c->f->home, c->f->merchant, &c->f->arena, "", "shop-0001");
	return gate_wait(c->f);
}

/* The certificates change between two answers. */
static void
an_unknown_serial_is_asked_for_once_and_the_answer_looked_at_again(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say certs = say_of(c);
	struct gate_say answer = certs;
	struct gate_say turns[] = {answer, certs};

	(void)state;
	turns[0].body = CLOSED;
	(void)gate_ready(c->f, &certs, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	/* as if WeChat Pay had made a new one since */
	{
		_cleanup_(certs_unrefp) struct certs *none =
			certs_new("1900000109");

		certs_swap(certs_of(c, 0), none);
	}
	(void)testpg_query(pg, "TRUNCATE mpcloud.pay_certificates");
	move(c, 61);
	assert_int_equal(ask(c, turns, 2), 0);
	assert_string_equal(c->f->gate.told.state, "CLOSED");
	assert_int_equal(c->f->count, 2);
	assert_string_equal(c->f->asked[1].target, "/v3/certificates");
	teardown(c);
}

static void
unknown_serials_make_one_download_every_two_seconds_at_most(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say certs = say_of(c);
	struct gate_say turns[] = {certs, certs};

	(void)state;
	turns[0].body = CLOSED;
	turns[0].serial = "7777";
	(void)gate_ready(c->f, &certs, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	move(c, 2);
	assert_int_equal(ask(c, turns, 2), ERR_PAY_FORGED);
	assert_int_equal(c->f->count, 2);
	/* the clock stands still */
	assert_int_equal(ask(c, turns, 2), ERR_PAY_FORGED);
	assert_int_equal(c->f->count, 1);
	move(c, 2);
	assert_int_equal(ask(c, turns, 2), ERR_PAY_FORGED);
	assert_int_equal(c->f->count, 2);
	teardown(c);
}

static int refreshed;

static void
on_refreshed(struct job *job)
{
	refreshed = job->err;
}

static int
refresh_for(struct cert_fixture *c, const char *serial)
{
	struct certs_ask a = {0};

	refreshed = 1;
	job_init(&a.job, on_refreshed);
	certs_refresh(c->f->merchant, &c->f->loop, &a, slice_str(serial));
	while (refreshed == 1)
		loop_turn(&c->f->loop, true);
	return refreshed;
}

static int
refresh(struct cert_fixture *c)
{
	return refresh_for(c, "7777");
}

/* WeChat Pay is busy twice; whoever waits has it at the third. */
static void
a_download_that_fails_is_tried_again_while_somebody_waits(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say turns[] = {
		{.status = 500, .body = "{\"code\":\"SYSTEM_ERROR\"}"},
		{.status = 429, .body = "{\"code\":\"RATELIMIT_EXCEEDED\"}"},
		say_of(c),
	};

	(void)state;
	(void)gate_ready(c->f, turns, 3);
	side_open(c, 0);
	assert_int_equal(refresh_for(c, turns[2].serial), 0);
	assert_int_equal(c->f->count, 3);
	assert_int_equal(certs_of(c, 0)->count, 1);
	teardown(c);
}

/* The download that runs may have been answered before the new certificate was
 * made. */
static void
who_asks_during_a_download_gets_one_that_began_later(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);
	struct certs_ask a = {0};

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	while (!c->f->count)
		loop_turn(&c->f->loop, true);
	refreshed = 1;
	job_init(&a.job, on_refreshed);
	certs_refresh(c->f->merchant, &c->f->loop, &a, SLICE("7777"));
	while (!certs_of(c, 0)->count)
		loop_turn(&c->f->loop, true);
	move(c, 2);
	while (refreshed == 1)
		loop_turn(&c->f->loop, true);
	assert_int_equal(refreshed, 0);
	assert_int_equal(c->f->count, 2);
	teardown(c);
}

static void
a_public_key_s_number_downloads_nothing(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	move(c, 2);
	assert_int_equal(refresh_for(c, "PUB_KEY_ID_7"), ERR_UPSTREAM_CONFIG);
	assert_int_equal(c->f->count, 1);
	teardown(c);
}

static void
another_apiv3_key_is_named_as_the_cause(void **state)
{
	struct cert_fixture *c;
	struct gate_say say;
	uint64_t bad;

	(void)state;
	apiv3_key = "00000000000000000000000000000000";
	c = setup();
	say = say_of(c);
	bad = event_count(EVENT_PAY_CERT_BAD);
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	assert_int_equal(refresh(c), ERR_PAY_DECRYPT);
	assert_int_equal(event_count(EVENT_PAY_CERT_BAD), bad + 1);
	assert_int_equal(certs_of(c, 0)->count, 0);
	teardown(c);
}

static void
a_download_that_others_signed_is_not_believed(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	say.key = "wechatpay_pubkey_private";
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	assert_int_equal(refresh(c), ERR_PAY_FORGED);
	assert_int_equal(c->f->count, 3);
	assert_int_equal(certs_of(c, 0)->count, 0);
	assert_string_equal(
		testpg_query(
			pg, "SELECT count(*) FROM mpcloud.pay_certificates"),
		"0");
	teardown(c);
}

static void
a_serial_that_is_not_the_certificate_s_is_refused(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);
	char *at = strstr(c->answer, "5A5A");

	(void)state;
	at[0] = '6';
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	assert_int_equal(refresh(c), ERR_FORMAT);
	assert_int_equal(certs_of(c, 0)->count, 0);
	teardown(c);
}

static void
the_end_of_a_certificate_is_told_a_month_before(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);
	uint64_t told = event_count(EVENT_PAY_CERT_OLD);
	int64_t end;

	(void)state;
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	turn_until_known(c, 0);
	assert_int_equal(event_count(EVENT_PAY_CERT_OLD), told);
	end = certs_of(c, 0)->cert[0].facts.to_ms;
	c->now = (end - 29LL * 86400000) * CLOCK_MS;
	clock_set(c->now);
	while (certs_of(c, 0)->fetched_ms < c->now / CLOCK_MS)
		loop_turn(&c->f->loop, true);
	assert_int_equal(event_count(EVENT_PAY_CERT_OLD), told + 1);
	teardown(c);
}

static void
with_public_key(struct merchant_conf *conf)
{
	(void)conf;
}

/* It would count as traffic that keeps the merchant platform's change-over from
 * ending. */
static void
a_public_key_alone_downloads_nothing(void **state)
{
	struct cert_fixture *c = setup();
	struct gate_say say = say_of(c);

	(void)state;
	gate_teardown(c->f);
	clock_set(c->now);
	c->f = gate_setup(with_public_key);
	(void)gate_ready(c->f, &say, 1);
	side_open(c, 0);
	assert_int_equal(refresh(c), ERR_UPSTREAM_CONFIG);
	for (int i = 0; i < 20; i++)
		loop_turn(&c->f->loop, false);
	assert_int_equal(c->f->count, 0);
	teardown(c);
}

static int
group_setup(void **state)
{
	struct fault why = {0};

	if (vectors_setup(state) < 0)
		return -1;
	pg = testpg_new();
	return schema_migrate(testpg_url(pg), &why);
}

static int
group_teardown(void **state)
{
	pg = testpg_free(pg);
	return vectors_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_gateway_downloads_for_all),
		cmocka_unit_test(a_restart_begins_with_what_was_stored),
		cmocka_unit_test(they_are_asked_for_anew_each_hour_and_swapped),
		cmocka_unit_test(
			an_unknown_serial_is_asked_for_once_and_the_answer_looked_at_again),
		cmocka_unit_test(
			unknown_serials_make_one_download_every_two_seconds_at_most),
		cmocka_unit_test(
			a_download_that_fails_is_tried_again_while_somebody_waits),
		cmocka_unit_test(
			who_asks_during_a_download_gets_one_that_began_later),
		cmocka_unit_test(a_public_key_s_number_downloads_nothing),
		cmocka_unit_test(another_apiv3_key_is_named_as_the_cause),
		cmocka_unit_test(a_download_that_others_signed_is_not_believed),
		cmocka_unit_test(
			a_serial_that_is_not_the_certificate_s_is_refused),
		cmocka_unit_test(
			the_end_of_a_certificate_is_told_a_month_before),
		cmocka_unit_test(a_public_key_alone_downloads_nothing),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
