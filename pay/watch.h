#pragma once

/*
 * What is noticed in passing at each answer and callback of WeChat Pay's, and
 * told once an hour and merchant: a wrong clock, another kind of key than asked
 * for.
 */

#include "base/fetch.h"
#include "pay/merchant.h"

/* Above this an event tells of it, in seconds. */
enum { WATCH_SKEW_S = 60 };

/* By Wechatpay-Timestamp, else Date: their clock minus ours, in seconds; 0 when
 * they say neither. */
int64_t watch_clock(const struct merchant *m, const struct fetch *f);
/* The same of a time that came otherwise. */
void watch_time(const struct merchant *m, int64_t their_s);
/* A message was signed with the key of this serial. */
void watch_serial(const struct merchant *m, struct slice serial);
/* The greatest skew of the last hour, in seconds: for the operator. */
int64_t watch_skew(void);
