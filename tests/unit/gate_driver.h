#pragma once

/*
 * A merchant API on loopback for the tests of pay/gate, wxpay and cert: it
 * checks our signatures, and answers what the test says, signed as WeChat Pay
 * would.  A second one is the backup host.
 */

#include "base/clock.h"
#include "pay/certs.h"
#include "pay/gate.h"
#include "pay/sign.h"
#include "tests/unit/fake_wechat.h"
#include "tests/unit/vectors.h"

enum { GATE_ASKED = 16 };

/* One request as it came. */
struct gate_asked {
	char method[8], target[300], serial[80], type[64];
	struct buf body;
	bool backup;
};

/* What is answered: to the requests in turn, the last one to all later. */
struct gate_say {
	int status;       /* 0: 200 */
	const char *body; /* NULL: nothing */
	const char *raw;  /* instead: not signed */
	size_t raw_len;
	/* signed with: NULL the public key's private half */
	const char *key, *serial;
	int64_t skew_s;
	bool unsigned_, probe, close;
};

struct gate_fixture {
	struct loop loop;
	struct fake fake, backup;
	struct fetcher *fetcher;
	struct merchant *merchant;
	struct gate_home home;
	struct arena arena;
	struct gate gate;
	int done;
	const struct gate_say *say;
	size_t say_count;
	struct gate_asked asked[GATE_ASKED];
	size_t count;
	unsigned bad; /* requests of ours that did not verify */
};

/* `change` (may be NULL) makes another configuration of the usual one. */
struct gate_fixture *gate_setup(void (*change)(struct merchant_conf *conf));
void gate_teardown(struct gate_fixture *f);
/* job_init of f->gate; what is answered from now on. */
struct gate *gate_ready(
	struct gate_fixture *f, const struct gate_say *say, size_t count);
/* Until f->gate's job is done; its error. */
int gate_wait(struct gate_fixture *f);

/* What orders and refunds are asked with. */
#define ORDER_BODY \
	"{\"appid\":\"wx0123456789abcdef\",\"mchid\":\"1900000109\"," \
	"\"description\":\"苹果\",\"out_trade_no\":\"shop-0001\"," \
	"\"time_expire\":\"2026-11-21T18:00:00+08:00\",\"attach\":\"a=1\"," \
	"\"notify_url\":\"https://example.com/n\",\"amount\":{\"total\":101," \
	"\"currency\":\"CNY\"},\"payer\":{\"openid\":\"oTest1\"}}"
#define REFUND_BODY \
	"{\"out_trade_no\":\"shop-0001\",\"out_refund_no\":\"back-0001\"," \
	"\"reason\":\"苹果坏了\",\"amount\":{\"refund\":50,\"total\":101," \
	"\"currency\":\"CNY\"}}"

/* For gate_ready. */
#define SAY(...) \
	(const struct gate_say[]){__VA_ARGS__}, \
		array_size(((const struct gate_say[]){__VA_ARGS__}))
/* For gate_order and the others. */
#define WITH f->merchant, &f->arena
