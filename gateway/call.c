/*
 * Cloud calls by name.
 *
 * A call knows nothing of HTTP or frames: it has a parsed body, a caller and
 * an arena, and ends as a job with the envelope's bytes.  Who may is decided
 * here, from the table, for all doors alike.
 */
#include "gateway/call.h"

#include "db/tx.h"
#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "gateway/who.h"

#include <string.h>

const struct call_row call_table[] = {
#define X(action, handler, form, who) {action, handler, form, who},
#include "gateway/call.def"
#undef X
};

const size_t call_count = array_size(call_table);

int
call_find(const json_t *body, const struct call_row **ret, struct fault *why)
{
	struct slice action;
	int e = val_str(body, "action", 128, &action, why);

	if (e < 0)
		return e;
	for (size_t i = 0; i < call_count; i++)
		if (slice_is(action, call_table[i].action)) {
			*ret = &call_table[i];
			return 0;
		}
	if (slice_starts(action, "auth."))
		return fault_set(why, ERR_UNIMPLEMENTED,
			"not offered by this server: %.*s (logins by SMS, "
			"e-mail "
			"and third parties, linked accounts, user profiles)",
			SLICE_ARG(action));
	return fault_set(why, ERR_ACTION, "%.*s: this action is not known here",
		SLICE_ARG(action));
}

static void
call_rest(struct call *c)
{
	if (c->rest)
		c->rest(c);
	c->rest = NULL;
	json_decref(c->held);
	c->held = NULL;
	c->inner = NULL;
	c->doc.tx = tx_unref(c->doc.tx);
}

static void
on_drop(struct job *job)
{
	struct call *c = container_of(job, struct call, job);

	if (c->inner)
		job_cancel(c->inner);
	call_rest(c);
}

static int
call_start(struct call *c)
{
	int e = call_find(c->body, &c->row, &c->job.why);

	if (e < 0)
		return e;
	e = who_check(c->row->who, c->caller);
	if (e < 0)
		return e;
	if (!c->form)
		c->form = c->row->form;
	if (call_tx_elsewhere(c))
		return 0;
	return c->row->run(c);
}

void
call_run(struct call *c)
{
	struct loop *loop = c->gateway->loop;
	int e;

	c->values = VAL_REQUEST_TOP;
	/* The operation inside has the deadline. */
	job_begin(&c->job, loop, 0, on_drop);
	e = call_start(c);
	if (e < 0) {
		call_rest(c);
		job_fail_soon(&c->job, loop, e);
	}
}

void
call_wait(struct call *c, struct job *inner)
{
	c->inner = inner;
}

void
call_end(struct call *c, int err, const struct fault *why)
{
	call_rest(c);
	if (err < 0 && why)
		c->job.why = *why;
	job_finish(&c->job, err);
}

void
call_end_soon(struct call *c)
{
	struct loop *loop = c->gateway->loop;

	call_rest(c);
	job_fail_soon(&c->job, loop, 0);
}

int
call_text(struct call *c, const char *key, struct slice text, json_t **ret)
{
	json_t *v = NULL;
	int e = val_parse_some(&v, text, &c->values, &c->job.why);

	if (e < 0)
		return fault_prefix(&c->job.why,
			e == ERR_TOO_BIG ? e : ERR_PARAM, "%s: ", key);
	if (!c->held)
		c->held = json_array();
	if (!c->held || json_array_append_new(c->held, v) < 0)
		return -ENOMEM;
	*ret = v;
	return 0;
}

int
call_value(struct call *c, const char *key, const json_t **ret)
{
	const json_t *v = json_object_get(c->body, key);
	json_t *parsed = NULL;
	int e;

	*ret = NULL;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v)) {
		*ret = v;
		return 0;
	}
	if (!json_string_length(v))
		return 0;
	e = call_text(c, key,
		slice_of(json_string_value(v), json_string_length(v)), &parsed);
	if (e < 0)
		return e;
	*ret = parsed;
	return 0;
}

/* "requestId": what every envelope begins with. */
static struct reply
envelope(struct call *c, size_t more)
{
	struct slice id = slice_str(c->request_id);
	struct reply r = reply_room(
		c->arena, sizeof("{\"requestId\":") + reply_quoted(id) + more);

	if (r.ptr) {
		reply_str(&r, "{\"requestId\":");
		reply_quote(&r, id);
	}
	return r;
}

int
call_answer(struct call *c, struct slice data)
{
	struct reply r;

	if (data.len && c->form == FORM_REST) {
		c->answer = data;
		return 0;
	}
	r = envelope(c, sizeof(",\"data\":}") + data.len);
	if (!r.ptr)
		return ERR_ANSWER_BIG;
	if (data.len) {
		reply_str(&r, ",\"data\":");
		reply_put(&r, data);
	}
	reply_str(&r, "}");
	c->answer = reply_done(&r);
	return 0;
}

int
call_answer_beside(struct call *c, struct slice members)
{
	struct reply r = envelope(c, sizeof(",}") + members.len);

	if (!r.ptr)
		return ERR_ANSWER_BIG;
	reply_str(&r, ",");
	reply_put(&r, members);
	reply_str(&r, "}");
	c->answer = reply_done(&r);
	return 0;
}
