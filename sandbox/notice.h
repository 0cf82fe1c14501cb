#pragma once

/*
 * News for merchants: a payment, a refund.  Each is told to its notify_url,
 * again by the schedule until it is taken (200 or 204), and may meet a trouble
 * that a test asked for (notice_fault.def).
 */

#include "agenda.h"
#include "fault.h"

#include "base/fetch.h"
#include "base/val.h"

struct sandbox;
struct trade;
struct refund;
struct seller;

enum notice_fault {
#define X(name, word, kind) NOTICE_##name,
#include "notice_fault.def"
#undef X
	NOTICE_FAULTS
};

/* What a trouble does. */
enum notice_trouble {
	TROUBLE_NONE,
	TROUBLE_WHEN,    /* when and how often it is sent */
	TROUBLE_HEADERS, /* what stands in the headers, and the sealing */
	TROUBLE_FACTS    /* what it says, rightly signed */
};

enum { NOTICE_FAULTS_TOP = 256, NOTICES_TOP = 100000, DELIVERIES_TOP = 65536 };

/* Waits for news. */
struct notice_armed {
	enum notice_fault kind;
	unsigned left; /* pieces of news; 0: until taken back */
	unsigned percent;
	unsigned deliveries; /* how many of each piece's suffer */
	unsigned copies;
	unsigned delay_ms;
	uint64_t dice;
	char *order; /* only of this order; NULL: any */
	char *event; /* only what begins so: "TRANSACTION", "REFUND"; NULL */
};

/* A delivery that is over, for who asks. */
struct delivery {
	uint64_t number; /* from 1 */
	int64_t at_ms, took_ms;
	unsigned attempt; /* of this piece of news, from 1 */
	int status;       /* 0: no answer, or never sent */
	const char *event, *fault;
	char *out_trade_no, *out_refund_no, *id, *error;
	char *serial;
};

struct notices {
	struct list all;   /* the oldest first */
	struct list ready; /* want to be sent, no hand is free */
	struct fetcher *fetcher;
	unsigned count, flying;
	struct notice *held;        /* waits for another to pass it */
	struct notice_armed forced; /* of the next, before all others */
	struct notice_armed faults[NOTICE_FAULTS_TOP];
	unsigned fault_count;
	struct delivery *ring; /* DELIVERIES_TOP of them */
	uint64_t told;         /* numbers given */
};

void notices_init(struct notices *n);
int notices_start(struct sandbox *s) _must_check_;
void notices_done(struct notices *n);

/* To its notify_url; nothing happens when it has none. */
void notice_of_trade(struct sandbox *s, struct trade *t);
void notice_of_refund(struct sandbox *s, struct refund *r);

enum notice_fault notice_fault_find(struct slice word);
const char *notice_fault_word(enum notice_fault kind);
enum notice_trouble notice_fault_trouble(enum notice_fault kind);
/* False when there is no room.  Takes the strings. */
bool notice_fault_add(struct notices *n, const struct notice_armed *what);
void notice_faults_clear(struct notices *n);

/* Sends all that waits for its time now; how many those were. */
unsigned notices_hurry(struct sandbox *s);

/* ---- between the notice*.c files ---- */

struct notice {
	struct list on;    /* notices.all */
	struct list ready; /* notices.ready */
	struct entry next; /* the next delivery by the schedule */
	struct sandbox *sandbox;
	struct seller *seller;
	struct list attempts; /* under way */
	const char *event;    /* "TRANSACTION.SUCCESS" */
	char *url, *id, *out_trade_no, *out_refund_no;
	json_t *facts;
	int64_t created_ms;
	unsigned tries;  /* deliveries by the schedule that began */
	unsigned wanted; /* to be sent when there is a hand */
	bool v2, taken;
	char *v2_sign_type, *v2_appid;
	bool again; /* once more when it was taken */
	struct notice_armed trouble;
};

/* What a delivery sends: headers and body. */
struct parcel {
	struct buf body;
	char *serial; /* of the key that signed; NULL: none did */
	char *headers[8];
	unsigned header_count;
};

/* `kind`: the trouble of this delivery. */
int parcel_make(struct parcel *ret, const struct notice *n,
	enum notice_fault kind) _must_check_;
void parcel_done(struct parcel *p);

/* What is to be said, spoilt by `kind`; the caller's. */
json_t *notice_facts(const struct notice *n, enum notice_fault kind);
/* base64 of AEAD_AES_256_GCM, appended. */
int seal_v3(struct buf *to, struct slice key, struct slice nonce,
	struct slice associated, struct slice plain) _must_check_;
/* v2.c: the XML of it. */
int v2_notice_body(struct buf *to, const struct notice *n,
	enum notice_fault kind) _must_check_;
/* Deliveries under way are given up. */
void notice_forget_attempts(struct notice *n);

/* `count` deliveries as soon as there are hands. */
void notice_send(struct notice *n, unsigned count);
/* One delivery has ended. */
void notice_answered(struct notice *n, bool taken, enum notice_fault kind);
void delivery_note(struct notices *all, const struct notice *n,
	enum notice_fault kind, int64_t at_ms, int64_t took_ms, int status,
	const char *serial, const char *error);
void notice_drop(struct notice *n);
