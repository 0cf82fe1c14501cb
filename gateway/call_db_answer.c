/*
 * What a database call answers, in the form of the action that was asked.
 *
 * Documents come from the database as text and are spliced in, or quoted where
 * the form wants JSON inside a string; an answer is measured first, so that one
 * of any size takes one piece of the arena.
 */
#include "gateway/call_db.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"

#include <ctype.h>
#include <string.h>

enum { SHORT = 512, NUMBER = 24 };

/* The text cannot stand inside a string: there the quotes have backslashes. */
static const char oid_head[] = "{\"$oid\": \"";
enum { OID_HEAD = sizeof(oid_head) - 1, OID_HEX = 24, OID_TAIL = 2 };

static bool
is_oid(const char *at, const char *end)
{
	if (end - at < OID_HEAD + OID_HEX + OID_TAIL ||
		memcmp(at + OID_HEAD + OID_HEX, "\"}", OID_TAIL) != 0)
		return false;
	for (int i = 0; i < OID_HEX; i++)
		if (!isxdigit((unsigned char)at[OID_HEAD + i]))
			return false;
	return true;
}

/* The place of the next tagged ObjectId from `at` on; `end` without one. */
static char *
oid_find(char *at, char *end)
{
	while ((at = memmem(at, (size_t)(end - at), oid_head, OID_HEAD))) {
		if (is_oid(at, end))
			return at;
		at += OID_HEAD;
	}
	return end;
}

void
call_db_plain_ids(struct slice *json)
{
	char *from = (char *)(uintptr_t)json->ptr, *end = from + json->len;
	char *to = oid_find(from, end);

	for (from = to; from < end;) {
		char *next;

		memmove(to, from + OID_HEAD - 1, OID_HEX + 2);
		to += OID_HEX + 2;
		from += OID_HEAD + OID_HEX + OID_TAIL;
		next = oid_find(from, end);
		memmove(to, from, (size_t)(next - from));
		to += next - from;
		from = next;
	}
	json->len = (size_t)(to - json->ptr);
}

/* ---- pieces -------------------------------------------------------------- */

static bool
is_quoted(const struct call *c)
{
	return c->form == FORM_TEXT || c->form == FORM_TX;
}

static size_t
doc_len(const struct call *c, struct slice doc)
{
	return is_quoted(c) ? reply_quoted(doc) : doc.len;
}

static void
doc_put(struct call *c, struct reply *r, struct slice doc)
{
	if (is_quoted(c))
		reply_quote(r, doc);
	else
		reply_put(r, doc);
}

static size_t
list_len(const struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	size_t n = 2 + op->count;

	for (size_t i = 0; i < op->count; i++)
		n += doc_len(c, op->list[i]);
	return n;
}

static void
list_put(struct call *c, struct reply *r)
{
	const struct doc_op *op = &c->op.doc;

	reply_str(r, "[");
	for (size_t i = 0; i < op->count; i++) {
		if (i)
			reply_str(r, ",");
		doc_put(c, r, op->list[i]);
	}
	reply_str(r, "]");
}

static void
member_number(struct reply *r, const char *head, int64_t n)
{
	reply_str(r, head);
	reply_number(r, n);
}

/* {"requestId":…, and with data at hand ,"data":{ up to its members. */
static struct reply
data_open(struct call *c, size_t more)
{
	struct slice id = slice_str(c->request_id);
	struct reply r = reply_room(c->arena, SHORT + reply_quoted(id) + more);

	if (!r.ptr)
		return r;
	reply_str(&r, "{");
	if (c->form != FORM_REST) {
		reply_str(&r, "\"requestId\":");
		reply_quote(&r, id);
		reply_str(&r, c->form == FORM_TX ? "" : ",\"data\":{");
	}
	return r;
}

static int
data_close(struct call *c, struct reply *r)
{
	bool two = c->form != FORM_TX && c->form != FORM_REST;

	reply_str(r, two ? "}}" : "}");
	c->answer = reply_done(r);
	return 0;
}

/* A number, which generation 1's transactions put into canonical EJSON. */
static void
data_number(struct call *c, struct reply *r, const char *key, int64_t n)
{
	const char *head = "\":", *tail = "";

	if (c->form == FORM_TX) {
		head = "\":\"{\\\"$numberInt\\\":\\\"";
		tail = "\\\"}\"";
	}
	reply_str(r, c->form == FORM_TX ? ",\"" : "\"");
	reply_str(r, key);
	reply_str(r, head);
	reply_number(r, n);
	reply_str(r, tail);
}

/* ---- lists --------------------------------------------------------------- */

/* What stands beside data: the total, when it was asked for. */
static void
total_put(struct call *c, struct reply *r)
{
	if (c->doc.want_total)
		member_number(r, ",\"total\":", c->op.doc.total);
}

static int
answer_list(struct call *c)
{
	struct reply r = data_open(c, list_len(c));

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "\"list\":");
	list_put(c, &r);
	if (c->form != FORM_TEXT) {
		member_number(&r, ",\"limit\":",
			c->doc.limit < 0 ? c->gateway->docs.limits.limit_preset
					 : c->doc.limit);
		member_number(&r, ",\"offset\":", c->doc.skip);
	}
	if (c->form == FORM_REST) {
		total_put(c, &r);
		return data_close(c, &r);
	}
	reply_str(&r, "}");
	total_put(c, &r);
	reply_str(&r, "}");
	c->answer = reply_done(&r);
	return 0;
}

/* GET …/documents/{id}: the document itself.  In a transaction, where an absent
 * one is an ordinary answer, null. */
static int
answer_document(struct call *c)
{
	const struct doc_op *op = &c->op.doc;

	if (op->count)
		return call_answer(c, op->list[0]);
	if (c->doc.tx)
		return call_answer(c, SLICE("null"));
	return fault_set(&c->job.why, ERR_DB_NO_DOC,
		"no document of this _id in %.*s, or none that this caller may "
		"read",
		SLICE_ARG(c->doc.collection));
}

static int
answer_found(struct call *c)
{
	return c->form == FORM_REST && c->doc.by_id ? answer_document(c)
						    : answer_list(c);
}

/* One document as text, "null" without one; where() gives an array. */
static int
answer_tx_list(struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	struct slice doc = op->count ? op->list[0] : SLICE("null");
	struct reply list, r;

	if (!c->doc.by_id) {
		c->form = FORM_PLAIN;
		list = reply_room(c->arena, list_len(c));
		if (!list.ptr)
			return ERR_ANSWER_BIG;
		list_put(c, &list);
		doc = reply_done(&list);
		c->form = FORM_TX;
	}
	r = data_open(c, reply_quoted(doc));
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, ",\"data\":");
	reply_quote(&r, doc);
	total_put(c, &r);
	return data_close(c, &r);
}

/* Generation 1's aggregate: one string of an array of strings. */
static int
answer_nested(struct call *c)
{
	struct reply list, r;

	c->form = FORM_TEXT;
	list = reply_room(c->arena, list_len(c));
	if (!list.ptr)
		return ERR_ANSWER_BIG;
	list_put(c, &list);
	c->form = FORM_PLAIN;
	r = data_open(c, reply_quoted(reply_done(&list)));
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "\"list\":");
	reply_quote(&r, reply_done(&list));
	return data_close(c, &r);
}

static int
answer_aggregate(struct call *c)
{
	struct reply r;

	if (c->form == FORM_PLAIN)
		return answer_nested(c);
	r = data_open(c, list_len(c));
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, "\"list\":");
	list_put(c, &r);
	return data_close(c, &r);
}

/* ---- changes ------------------------------------------------------------- */

/* An _id in the stored form, as clients read it. */
static struct slice
id_told(const char *id)
{
	struct slice s = id ? slice_str(id) : SLICE("null");

	call_db_plain_ids(&s);
	return s;
}

static void
ids_put(const struct doc_op *op, struct reply *r)
{
	reply_str(r, "[");
	for (size_t i = 0; i < op->count; i++) {
		if (i)
			reply_str(r, ",");
		reply_put(r, id_told(op->ids[i]));
	}
	reply_str(r, "]");
}

static int
answer_tx_inserted(struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	struct slice id = id_told(op->count ? op->ids[0] : NULL);
	struct reply r = data_open(c, 2 * id.len);

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	data_number(c, &r, "inserted", (int64_t)op->count);
	data_number(c, &r, "ok", 1);
	reply_str(&r, ",\"insertedId\":");
	reply_put(&r, id);
	reply_str(&r, ",\"id\":"); /* what wx-server-sdk 1.x reads */
	reply_put(&r, id);
	return data_close(c, &r);
}

static int
answer_inserted(struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	size_t n = 0;
	struct reply r;

	for (size_t i = 0; i < op->count; i++)
		n += 2 * strlen(op->ids[i]) + 1;
	r = data_open(c, n);
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	if (c->form == FORM_PLAIN && op->count == 1) {
		reply_str(&r, "\"_id\":");
		reply_put(&r, id_told(op->ids[0]));
		reply_str(&r, ",");
	}
	reply_str(&r, "\"insertedIds\":");
	ids_put(op, &r);
	return data_close(c, &r);
}

/* [{"_id":…}] in a string, as MongoDB's own answer has it. */
static int
answer_tx_updated(struct call *c)
{
	struct slice id = id_told(c->op.doc.upserted_id);
	struct reply list = reply_room(c->arena, NUMBER + id.len);
	struct reply r;

	if (!list.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&list, "[{\"_id\":");
	reply_put(&list, id);
	reply_str(&list, "}]");
	r = data_open(c, reply_quoted(reply_done(&list)));
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	data_number(c, &r, "updated", c->op.doc.total);
	reply_str(&r, ",\"upserted\":");
	if (c->op.doc.upserted_id)
		reply_quote(&r, reply_done(&list));
	else
		reply_str(&r, "null");
	return data_close(c, &r);
}

static int
answer_updated(struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	struct slice id = id_told(op->upserted_id);
	struct reply r = data_open(c, 3 * id.len);

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	data_number(c, &r, "updated", op->total);
	reply_str(&r, ",\"upsert_id\":");
	reply_put(&r, id);
	if (c->form != FORM_TEXT) {
		reply_str(&r, ",\"upserted_id\":");
		reply_put(&r, id);
	}
	if (c->form == FORM_REST) {
		member_number(&r, ",\"matched\":", op->total);
		reply_str(&r, ",\"upsertedId\":");
		reply_put(&r, id);
	}
	return data_close(c, &r);
}

static int
answer_returned(struct call *c)
{
	const struct doc_op *op = &c->op.doc;
	struct slice none = SLICE("null");
	struct reply r =
		data_open(c, op->count ? doc_len(c, op->list[0]) : none.len);

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	data_number(c, &r, "updated", (int64_t)op->count);
	reply_str(&r, ",\"doc\":");
	if (op->count)
		doc_put(c, &r, op->list[0]);
	else
		reply_put(&r, none);
	return data_close(c, &r);
}

static int
answer_number(struct call *c, const char *key)
{
	struct reply r = data_open(c, NUMBER);

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	data_number(c, &r, key, c->op.doc.total);
	return data_close(c, &r);
}

static int
answer_removed(struct call *c)
{
	return answer_number(c, "deleted");
}

static int
answer_counted(struct call *c)
{
	return answer_number(c, "total");
}

static int
answer_made(struct call *c)
{
	return call_answer(c, slice_of("", 0));
}

/* What each verb answers; in generation 1's transactions, where that differs.
 */
static const struct {
	int (*always)(struct call *c), (*in_tx)(struct call *c);
} answers[] = {
	[DOC_ADD_COLLECTION] = {answer_made, NULL},
	[DOC_INSERT] = {answer_inserted, answer_tx_inserted},
	[DOC_FIND] = {answer_found, answer_tx_list},
	[DOC_COUNT] = {answer_counted, NULL},
	[DOC_UPDATE] = {answer_updated, answer_tx_updated},
	[DOC_UPDATE_RETURN] = {answer_returned, NULL},
	[DOC_REMOVE] = {answer_removed, NULL},
	[DOC_AGGREGATE] = {answer_aggregate, NULL},
};

int
call_db_answer(struct call *c)
{
	struct doc_op *op = &c->op.doc;
	enum doc_verb verb = c->doc.verb;

	if (verb != DOC_INSERT)
		for (size_t i = 0; i < op->count; i++)
			call_db_plain_ids(&op->list[i]);
	if (c->doc.explain)
		return answer_list(c);
	if (c->form == FORM_TX && answers[verb].in_tx)
		return answers[verb].in_tx(c);
	return answers[verb].always(c);
}
