/*
 * include/mpcloud.h: the function's own requests to the cloud.  Each is the
 * action that wx.cloud's SDK sends for it (generation 1: documents are plain
 * JSON), written straight into the worker's frame; what is wanted is cut out
 * of the answer's text, which is never parsed as a whole.  Those about
 * documents are in mpc_db.c.
 */
#include "include/mpcloud.h"

#include "base/val.h"
#include "functions/mpc_inside.h"

#include <string.h>

int
mpc_bad_argument(struct mpc_context *ctx, const char *name)
{
	char *text = mpc_printf(ctx, "%s: not valid JSON", name);

	return mpc_error(ctx, MPC_ERR_ARGUMENT, text ? text : name,
		strlen(text ? text : name));
}

bool
mpc_is_json(const char *text)
{
	return text && val_check(slice_str(text)) == 0;
}

struct mpc_request
mpc_request_begin(struct mpc_context *ctx, const char *action)
{
	struct mpc_request q = {.ctx = ctx};

	q.out = worker_call_begin(ctx, &q.mark);
	buf_str(q.out, "{\"action\":\"");
	buf_str(q.out, action);
	buf_char(q.out, '"');
	return q;
}

void
mpc_request_text(struct mpc_request *q, const char *key, const char *text)
{
	buf_str(q->out, key);
	buf_json(q->out, slice_str(text ? text : ""));
}

void
mpc_request_json(struct mpc_request *q, const char *key, struct slice json)
{
	buf_str(q->out, key);
	buf_slice(q->out, json);
}

/* The answer has a code: say it and its message. */
static int
answer_error(struct mpc_context *ctx, struct slice answer)
{
	struct slice code, message = {0};
	const char *text;
	int err = MPC_ERR_ANSWER;

	if (val_find_raw(answer, "code", &code) < 0)
		return 0;
	if (val_find_raw(answer, "message", &message) < 0)
		message = SLICE("\"\"");
	text = mpc_printf(ctx, "%s: %s", mpc_unquote(ctx, code),
		mpc_unquote(ctx, message));
	if (!text)
		text = "the cloud answered an error";
	if (slice_is(code, "\"DATABASE_TRANSACTION_CONFLICT\""))
		err = MPC_ERR_CONFLICT;
	return mpc_error(ctx, err, text, strlen(text));
}

static int
too_big(struct mpc_context *ctx)
{
	static const char text[] = "the request or its answer is too large";

	return mpc_error(ctx, MPC_ERR_TOO_BIG, text, sizeof(text) - 1);
}

int
mpc_request_done(struct mpc_request *q)
{
	buf_char(q->out, '}');
	if (worker_call_end(q->ctx, q->mark) < 0)
		return too_big(q->ctx);
	return answer_error(q->ctx, q->ctx->reply);
}

int
mpc_request_end(struct mpc_request *q, struct slice *data)
{
	static const char none[] = "the answer has no data";
	int r = mpc_request_done(q);

	if (r < 0 || val_find_raw(q->ctx->reply, "data", data) == 0)
		return r;
	return mpc_error(q->ctx, MPC_ERR_ANSWER, none, sizeof(none) - 1);
}

/* The reply is ours to write on, and what follows the piece is not needed any
 * more. */
void
mpc_give(struct slice piece, const char **ret, size_t *len)
{
	((char *)(uintptr_t)piece.ptr)[piece.len] = '\0';
	*ret = piece.ptr;
	if (len)
		*len = piece.len;
}

int
mpc_call(struct mpc_context *ctx, const char *body, size_t len,
	const char **ret, size_t *ret_len)
{
	size_t mark;
	struct buf *out;

	if (val_check(slice_of(body, len)) < 0)
		return mpc_bad_argument(ctx, "body");
	out = worker_call_begin(ctx, &mark);
	buf_add(out, body, len);
	if (worker_call_end(ctx, mark) < 0)
		return too_big(ctx);
	if (ret)
		*ret = ctx->reply.ptr;
	if (ret_len)
		*ret_len = ctx->reply.len;
	return answer_error(ctx, ctx->reply);
}

int
mpc_call_function(struct mpc_context *ctx, const char *name, const char *data,
	const char **ret, size_t *ret_len)
{
	struct mpc_request q;
	struct slice got, raw;
	int r;

	if (data && !mpc_is_json(data))
		return mpc_bad_argument(ctx, "data");
	q = mpc_request_begin(ctx, "functions.invokeFunction");
	mpc_request_text(&q, ",\"function_name\":", name);
	mpc_request_text(&q, ",\"request_data\":", data ? data : "{}");
	r = mpc_request_end(&q, &got);
	if (r < 0)
		return r;
	*ret = val_find_raw(got, "response_data", &raw) == 0
		       ? mpc_unquote(ctx, raw)
		       : "null";
	if (ret_len)
		*ret_len = strlen(*ret);
	return 0;
}

int
mpc_openapi(struct mpc_context *ctx, const char *api, const char *data,
	const char **ret, size_t *ret_len)
{
	struct mpc_request q;
	struct slice got, raw;
	int r;

	if (data && !mpc_is_json(data))
		return mpc_bad_argument(ctx, "data");
	q = mpc_request_begin(ctx, "wx.api");
	mpc_request_text(&q, ",\"apiName\":", api);
	mpc_request_text(&q, ",\"requestData\":", data ? data : "{}");
	r = mpc_request_end(&q, &got);
	if (r < 0)
		return r;
	*ret = val_find_raw(got, "responseData", &raw) == 0
		       ? mpc_unquote(ctx, raw)
		       : "null";
	if (ret_len)
		*ret_len = strlen(*ret);
	return 0;
}

/* The options stand beside what is called: an object without its braces. */
static void
put_options(struct mpc_request *q, const char *options)
{
	const char *begin = strchr(options, '{'), *end = strrchr(options, '}');
	struct slice s = slice_of(begin + 1, (size_t)(end - begin - 1));

	if (s.len && memchr(s.ptr, ':', s.len))
		mpc_request_json(q, ",", s);
}

int
mpc_enqueue(struct mpc_context *ctx, const char *name, const char *data,
	const char *options, const char **ret_id)
{
	struct mpc_request q;
	struct slice got, id;
	int r;

	if (data && !mpc_is_json(data))
		return mpc_bad_argument(ctx, "data");
	if (options && (!mpc_is_json(options) ||
			       *(options + strspn(options, " \t\r\n")) != '{'))
		return mpc_bad_argument(ctx, "options");
	q = mpc_request_begin(ctx, "functions.enqueue");
	mpc_request_text(&q, ",\"function_name\":", name);
	mpc_request_text(&q, ",\"request_data\":", data ? data : "{}");
	if (options)
		put_options(&q, options);
	r = mpc_request_end(&q, &got);
	if (r < 0 || !ret_id)
		return r;
	*ret_id = val_find_raw(got, "id", &id) == 0 ? mpc_unquote(ctx, id) : "";
	return 0;
}

int
mpc_pay_order(struct mpc_context *ctx, const char *order, const char **ret,
	size_t *ret_len)
{
	struct mpc_request q;
	struct slice data;
	int r;

	if (!mpc_is_json(order))
		return mpc_bad_argument(ctx, "order");
	q = mpc_request_begin(ctx, "pay.createOrder");
	mpc_request_json(&q, ",\"data\":", slice_str(order));
	r = mpc_request_end(&q, &data);
	if (r < 0)
		return r;
	mpc_give(data, ret, ret_len);
	return 0;
}

static int
pay_look(struct mpc_context *ctx, const char *action, const char *no,
	const char **ret, size_t *ret_len)
{
	struct mpc_request q;
	struct slice data;
	int r;

	if (!no)
		return mpc_bad_argument(ctx, "out_trade_no");
	q = mpc_request_begin(ctx, action);
	mpc_request_text(&q, ",\"outTradeNo\":", no);
	r = mpc_request_end(&q, &data);
	if (r < 0)
		return r;
	mpc_give(data, ret, ret_len);
	return 0;
}

int
mpc_pay_get(struct mpc_context *ctx, const char *out_trade_no, const char **ret,
	size_t *ret_len)
{
	return pay_look(ctx, "pay.getOrder", out_trade_no, ret, ret_len);
}

int
mpc_pay_query(struct mpc_context *ctx, const char *out_trade_no,
	const char **ret, size_t *ret_len)
{
	return pay_look(ctx, "pay.queryOrder", out_trade_no, ret, ret_len);
}

int
mpc_pay_close(struct mpc_context *ctx, const char *out_trade_no,
	const char **ret, size_t *ret_len)
{
	return pay_look(ctx, "pay.closeOrder", out_trade_no, ret, ret_len);
}
