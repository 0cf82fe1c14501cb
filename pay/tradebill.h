#pragma once

/*
 * WeChat's trade bill of one day, line by line, as its text says it (docs
 * "trade bill format"): columns by their names, since their order and number
 * differ between merchants; amounts as fen, exactly.  Pure.
 */

#include "base/err.h"
#include "base/slice.h"

enum tradebill_kind {
	TRADEBILL_PAID,
	TRADEBILL_REFUND,
	TRADEBILL_REVOKED, /* paid and taken back at the till */
};

/* Slices point into the text. */
struct tradebill_line {
	enum tradebill_kind kind;
	int64_t at_ms; /* paid, or the refund accepted */
	struct slice appid, mchid, openid, transaction_id, out_trade_no;
	struct slice trade_type, bank_type, currency;
	int64_t total; /* fen; of a refund: 0 or the order's */
	/* of a refund; else empty and 0 */
	struct slice refund_id, out_refund_no, refund_state;
	int64_t refund; /* fen */
};

#define X(name, need, words) COLUMN_##name,
enum tradebill_column {
#include "pay/tradebill.def"
	COLUMN_COUNT_
};
#undef X

/* A place in the text, which is borrowed. */
struct tradebill {
	struct slice rest;
	unsigned columns;
	int at[COLUMN_COUNT_]; /* where each stands, or -1 */
	unsigned line;         /* of the text, from 1 */
	unsigned count;        /* lines given */
	bool is_over;
};

/* ERR_FORMAT says what is wrong. */
int tradebill_open(struct tradebill *ret, struct slice text,
	struct fault *why) _must_check_;
/* 1: a line; 0: that was all (also when asked again), and as many as the bill
 * itself says; ERR_FORMAT names the line. */
int tradebill_next(struct tradebill *t, struct tradebill_line *ret,
	struct fault *why) _must_check_;

/* "12.30" yuan is 1230; no sign, at most two decimals but for zeros.  -EINVAL.
 */
int tradebill_fen(struct slice yuan, int64_t *ret) _must_check_;
