/*
 * A piece of news from its birth to its end: which trouble it meets, when it is
 * sent, when it is sent again.  How a delivery looks is in notice_parcel.c, how
 * it travels in notice_send.c.
 */

#include "notice.h"

#include "pay.h"
#include "random.h"
#include "trade.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>

enum { HOLD_MS = 2000 };

static const struct {
	const char *word;
	enum notice_trouble trouble;
} kinds[] = {
#define X(name, word, what) [NOTICE_##name] = {word, TROUBLE_##what},
#include "notice_fault.def"
#undef X
};

enum notice_fault
notice_fault_find(struct slice word)
{
	for (unsigned i = 0; i < NOTICE_FAULTS; i++)
		if (slice_is(word, kinds[i].word))
			return (enum notice_fault)i;
	return NOTICE_FAULTS;
}

const char *
notice_fault_word(enum notice_fault kind)
{
	return kinds[kind].word;
}

enum notice_trouble
notice_fault_trouble(enum notice_fault kind)
{
	return kinds[kind].trouble;
}

/* ---- troubles that wait ---- */

bool
notice_fault_add(struct notices *n, const struct notice_armed *what)
{
	if (n->fault_count == NOTICE_FAULTS_TOP)
		return false;
	n->faults[n->fault_count++] = *what;
	return true;
}

static void
armed_del(struct notices *n, unsigned place)
{
	mem_free(n->faults[place].order);
	mem_free(n->faults[place].event);
	n->fault_count--;
	memmove(&n->faults[place], &n->faults[place + 1],
		(n->fault_count - place) * sizeof(n->faults[0]));
}

void
notice_faults_clear(struct notices *n)
{
	while (n->fault_count > 0)
		armed_del(n, n->fault_count - 1);
}

static bool
armed_fits(struct notice_armed *a, const struct notice *n)
{
	if (a->order && strcmp(a->order, n->out_trade_no) != 0)
		return false;
	if (a->event && strncmp(n->event, a->event, strlen(a->event)) != 0)
		return false;
	return dice_throw(&a->dice, a->percent);
}

/* The first that fits; used up by asking. */
static struct notice_armed
trouble_take(struct notices *all, const struct notice *n)
{
	if (all->forced.kind != NOTICE_NONE)
		return all->forced;
	for (unsigned i = 0; i < all->fault_count; i++) {
		struct notice_armed found = all->faults[i];

		if (!armed_fits(&all->faults[i], n))
			continue;
		if (all->faults[i].left > 0 && --all->faults[i].left == 0)
			armed_del(all, i);
		found.order = found.event = NULL;
		return found;
	}
	return (struct notice_armed){.kind = NOTICE_NONE};
}

/* ---- birth and end ---- */

void
notices_init(struct notices *n)
{
	list_init(&n->all);
	list_init(&n->ready);
}

void
notices_done(struct notices *n)
{
	while (!list_empty(&n->all))
		notice_drop(list_first(&n->all, struct notice, on));
	notice_faults_clear(n);
	n->fetcher = fetcher_free(n->fetcher);
	for (unsigned i = 0; n->ring && i < DELIVERIES_TOP; i++) {
		mem_free(n->ring[i].out_trade_no);
		mem_free(n->ring[i].out_refund_no);
		mem_free(n->ring[i].id);
		mem_free(n->ring[i].serial);
		mem_free(n->ring[i].error);
	}
	n->ring = mem_free(n->ring);
}

static void
on_due(struct entry *entry)
{
	struct notice *n = container_of(entry, struct notice, next);

	notice_send(n, 1);
}

/* Somebody else's news has passed. */
static void
held_release(struct notices *all)
{
	struct notice *n = all->held;

	all->held = NULL;
	if (!n)
		return;
	entry_clear(&n->next);
	notice_send(n, 1);
}

static void
on_held_long(struct entry *entry)
{
	struct notice *n = container_of(entry, struct notice, next);

	held_release(&n->sandbox->pay->notices);
}

/* Its first delivery. */
static void
notice_begin(struct notice *n)
{
	struct pay *pay = n->sandbox->pay;

	switch (n->trouble.kind) {
	case NOTICE_DELAY:
		agenda_put(&pay->agenda, &n->next, n->trouble.delay_ms, on_due);
		return;
	case NOTICE_DROP:
		delivery_note(&pay->notices, n, NOTICE_DROP, clock_now_ms(), 0,
			0, NULL, "never sent");
		notice_drop(n);
		return;
	case NOTICE_CONCURRENT:
		notice_send(n, n->trouble.copies);
		return;
	case NOTICE_REORDER:
		held_release(&pay->notices);
		pay->notices.held = n;
		agenda_put(&pay->agenda, &n->next, HOLD_MS, on_held_long);
		return;
	case NOTICE_DUPLICATE:
		n->again = true;
		break;
	default:
		break;
	}
	notice_send(n, 1);
}

static struct notice *
notice_new(struct sandbox *s, const struct trade *t, const char *url, char *id,
	size_t id_top)
{
	struct notices *all = &s->pay->notices;
	struct notice *oldest = list_first(&all->all, struct notice, on);
	struct notice *n = mem_new(struct notice);
	char now[16], tail[12];

	if (!*id) {
		china_digits(now, clock_now_ms());
		random_letters(tail, 11, DIGITS);
		(void)snprintf(id, id_top, "EV-%s%s", now, tail);
	}
	if (all->count >= NOTICES_TOP && oldest)
		notice_drop(oldest);
	n->sandbox = s;
	n->seller = t->seller;
	n->url = str_dup(url);
	n->id = str_dup(id);
	n->out_trade_no = str_dup(trade_word(t, "out_trade_no"));
	n->v2_sign_type = str_dup(t->v2_sign_type ? t->v2_sign_type : "MD5");
	n->v2_appid = str_dup(trade_word(t, "appid"));
	n->created_ms = clock_now_ms();
	list_init(&n->attempts);
	list_init(&n->ready);
	entry_init(&n->next);
	list_add(&all->all, &n->on);
	all->count++;
	return n;
}

void
notice_drop(struct notice *n)
{
	struct notices *all = &n->sandbox->pay->notices;

	if (all->held == n)
		all->held = NULL;
	notice_forget_attempts(n);
	entry_clear(&n->next);
	list_del(&n->ready);
	list_del(&n->on);
	all->count--;
	mem_free(n->url);
	mem_free(n->id);
	mem_free(n->out_trade_no);
	mem_free(n->out_refund_no);
	mem_free(n->v2_sign_type);
	mem_free(n->v2_appid);
	json_decref(n->facts);
	mem_free(n);
}

static void
notice_born(struct notice *n)
{
	n->trouble = trouble_take(&n->sandbox->pay->notices, n);
	notice_begin(n);
}

void
notice_of_trade(struct sandbox *s, struct trade *t)
{
	const char *url = trade_word(t, "notify_url");
	struct notice *n;

	if (!url || !*url)
		return;
	n = notice_new(s, t, url, t->event_id, sizeof(t->event_id));
	n->v2 = t->v2;
	n->event = "TRANSACTION.SUCCESS";
	n->facts = trade_facts(t);
	notice_born(n);
}

void
notice_of_refund(struct sandbox *s, struct refund *r)
{
	static const char *const events[] = {
		[REFUND_PROCESSING] = "REFUND.PROCESSING",
		[REFUND_SUCCESS] = "REFUND.SUCCESS",
		[REFUND_ABNORMAL] = "REFUND.ABNORMAL",
		[REFUND_CLOSED] = "REFUND.CLOSED",
	};
	const char *url = refund_word(r, "notify_url");
	struct notice *n;

	if (!url)
		url = s->pay->settings.refund_notify_url;
	if (!url || !*url)
		return;
	n = notice_new(s, r->trade, url, r->event_id, sizeof(r->event_id));
	n->v2 = r->v2;
	n->event = events[r->state];
	n->out_refund_no = str_dup(refund_word(r, "out_refund_no"));
	n->facts = refund_news(r);
	notice_born(n);
}

/* ---- after a delivery ---- */

void
notice_answered(struct notice *n, bool taken, enum notice_fault kind)
{
	struct pay *pay = n->sandbox->pay;

	if (pay->notices.held && pay->notices.held != n)
		held_release(&pay->notices);
	if (kind == NOTICE_PROBE) {
		/* The genuine one follows, whatever was said. */
		notice_send(n, 1);
		return;
	}
	n->taken = n->taken || taken;
	if (!list_empty(&n->attempts) || n->wanted > 0 || entry_waits(&n->next))
		return;
	if (n->taken && n->again) {
		n->again = false;
		notice_send(n, 1);
	} else if (n->taken || n->tries > pay->settings.schedule_count) {
		notice_drop(n);
	} else {
		agenda_put(&pay->agenda, &n->next,
			pay->settings.schedule[n->tries - 1], on_due);
	}
}

unsigned
notices_hurry(struct sandbox *s)
{
	struct notices *all = &s->pay->notices;
	unsigned count = 0;

	for (struct list *at = all->all.next, *next; at != &all->all;
		at = next) {
		struct notice *n = container_of(at, struct notice, on);

		next = at->next;
		if (!entry_waits(&n->next))
			continue;
		entry_clear(&n->next);
		if (all->held == n)
			all->held = NULL;
		notice_send(n, 1);
		count++;
	}
	return count;
}

void
delivery_note(struct notices *all, const struct notice *n,
	enum notice_fault kind, int64_t at_ms, int64_t took_ms, int status,
	const char *serial, const char *error)
{
	struct delivery *d = &all->ring[all->told % DELIVERIES_TOP];

	mem_free(d->out_trade_no);
	mem_free(d->out_refund_no);
	mem_free(d->id);
	mem_free(d->serial);
	mem_free(d->error);
	*d = (struct delivery){
		.number = ++all->told,
		.at_ms = at_ms,
		.took_ms = took_ms,
		.attempt = n->tries,
		.status = status,
		.event = n->event,
		.fault = kinds[kind].word,
		.out_trade_no = str_dup(n->out_trade_no),
		.out_refund_no =
			n->out_refund_no ? str_dup(n->out_refund_no) : NULL,
		.id = str_dup(n->id),
		.serial = serial ? str_dup(serial) : NULL,
		.error = error ? str_dup(error) : NULL,
	};
}
