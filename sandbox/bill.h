#pragma once

/*
 * A day's bills, made when they are asked for and kept a while under a token,
 * as they were then.  A test can make them differ from what happened.
 */

#include "store.h"

#include "base/buf.h"
#include "base/val.h"

struct sandbox;
struct seller;

enum { BILL_TOP = 48 * 1024 * 1024 };

struct bills {
	struct store texts; /* by token */
	json_t *hidden;     /* out_trade_no or out_refund_no: left out */
	json_t *totals;   /* out_trade_no or out_refund_no → another amount */
	json_t *extras;   /* orders that nobody placed */
	int64_t creating; /* so many questions get STATEMENT_CREATING */
	bool bad_hash, plain; /* plain: no BOM, lines end in \n only */
};

void bills_init(struct bills *b);
void bills_done(struct bills *b);

enum bill_kind { BILL_ALL, BILL_SUCCESS, BILL_REFUND, BILL_FUNDS };

/* What a bill is about: a day of China's, [from_ms, until_ms). */
struct bill_ask {
	const struct seller *seller;
	enum bill_kind kind;
	struct slice date;
	int64_t from_ms, until_ms;
};

/* Appends the bill's text; how many lines of trade are in it. */
size_t bill_write(
	struct buf *to, const struct sandbox *s, const struct bill_ask *ask);
/* bill_funds.c: the same of the money's flow. */
size_t bill_write_funds(
	struct buf *to, const struct sandbox *s, const struct bill_ask *ask);
/* gzip, appended. */
int bill_pack(struct buf *to, struct slice text) _must_check_;
/* Is it left out on request? */
bool bill_hides(const struct sandbox *s, const char *number);
/* The amount, or what a test wants it to be. */
int64_t bill_amount(
	const struct sandbox *s, const char *number, int64_t amount);
/* "12.80" */
void bill_yuan(char ret[32], int64_t fen);
/* What WeChat Pay keeps: 0.6 percent, rounded to a fen. */
int64_t bill_fee(int64_t fen);
/* "2026-11-20 10:00:00" in China. */
void bill_time(char ret[32], int64_t ms);
