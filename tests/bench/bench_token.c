/*
 * What a token and a paySign cost: one JSON line of microseconds, the best of
 * several runs.
 */
#include "auth/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "pay/sign.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 7, ROUNDS = 50000, SIGN_ROUNDS = 200, EC_ROUNDS = 1000 };

static const char key_text[] =
	"k1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";

/* The private number of RFC 7515, appendix A.3. */
static const char ec_text[] =
	"e1 ES256 jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\n";

static const struct caller somebody = {
	.uid = "0123456789abcdef0123456789abcdef",
	.appid = "wx0123456789abcdef",
	.openid = "oTestOpenId000000000000000001",
	.unionid = "",
	.sid = 1,
};

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static double
check_us(struct token_keys *keys, struct slice token, int64_t now, int rounds)
{
	int64_t from = clock_mono();

	for (int i = 0; i < rounds; i++) {
		struct arena arena;
		struct caller who;

		arena_init(&arena, 65536);
		must(token_check(keys, token, now, &arena, &who) == 0);
		arena_done(&arena);
	}
	return (double)(clock_mono() - from) / 1000 / rounds;
}

static double
issue_us(struct token_keys *keys, int64_t now, int rounds)
{
	int64_t from = clock_mono();
	_buf_ struct buf t;

	buf_init(&t, 4096);
	for (int i = 0; i < rounds; i++) {
		buf_clear(&t);
		must(token_issue(keys, &somebody, now, 7200, &t) == 0);
	}
	return (double)(clock_mono() - from) / 1000 / rounds;
}

static double
sign_us(struct rsa *key)
{
	int64_t from = clock_mono();
	_buf_ struct buf sign;

	buf_init(&sign, 4096);
	for (int i = 0; i < SIGN_ROUNDS; i++) {
		buf_clear(&sign);
		must(sign_payment(&sign, key, SLICE("wx0123456789abcdef"),
			     SLICE("1554208460"),
			     SLICE("593BEC0C930BF1AFEB40B4A08C8FB242"),
			     SLICE("wx201410272009395522657a690389285100")) ==
			0);
	}
	return (double)(clock_mono() - from) / 1000 / SIGN_ROUNDS;
}

static struct rsa *
key_make(void)
{
	_buf_ struct buf private_pem, public_pem;
	struct rsa *key;

	buf_init(&private_pem, 8192);
	buf_init(&public_pem, 8192);
	must(rsa_generate(&private_pem, &public_pem) == 0);
	must(rsa_load_private(&key, buf_all(&private_pem), NULL) == 0);
	return key;
}

int
main(void)
{
	_cleanup_(rsa_freep) struct rsa *key = key_make();
	_cleanup_(token_keys_freep) struct token_keys *keys = NULL, *ec = NULL;
	double check = 1e9, issue = 1e9, pay = 1e9;
	double ec_check = 1e9, ec_issue = 1e9;
	int64_t now = clock_now_s();
	_buf_ struct buf t, e;

	buf_init(&t, 4096);
	buf_init(&e, 4096);
	must(token_keys_parse(&keys, slice_str(key_text), NULL) == 0);
	must(token_keys_parse(&ec, slice_str(ec_text), NULL) == 0);
	must(token_issue(ec, &somebody, now, 7200, &e) == 0);
	must(token_issue(keys, &somebody, now, 7200, &t) == 0);
	for (int i = 0; i < RUNS; i++) {
		double c = check_us(keys, buf_all(&t), now, ROUNDS);
		double s = issue_us(keys, now, ROUNDS);

		check = min(check, c);
		issue = min(issue, s);
		s = sign_us(key);
		pay = min(pay, s);
		c = check_us(ec, buf_all(&e), now, EC_ROUNDS);
		s = issue_us(ec, now, EC_ROUNDS);
		ec_check = min(ec_check, c);
		ec_issue = min(ec_issue, s);
	}
	printf("{\"scenario\":\"token\",\"check_us\":%.2f,\"issue_us\":%.2f,"
	       "\"token_bytes\":%zu,\"es256_check_us\":%.1f,"
	       "\"es256_issue_us\":%.1f,\"pay_sign_us\":%.1f}\n",
		check, issue, t.len, ec_check, ec_issue, pay);
	return 0;
}
