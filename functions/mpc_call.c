/*
 * include/mpcloud.h: the function's own requests to the cloud.  Each is the
 * action that wx.cloud's SDK sends for it (generation 1: documents are plain
 * JSON), written straight into the worker's frame; what is wanted is cut out
 * of the answer's text, which is never parsed as a whole.
 */
#include "include/mpcloud.h"

#include "base/val.h"
#include "functions/mpc_inside.h"

#include <stdlib.h>
#include <string.h>

/* A request that is being written; bad: an argument was no JSON. */
struct request {
	struct mpc_context *ctx;
	struct buf *out;
	size_t mark;
};

static int
bad_argument(struct mpc_context *ctx, const char *name)
{
	char *text = mpc_printf(ctx, "%s: not valid JSON", name);

	return mpc_error(ctx, MPC_ERR_ARGUMENT, text ? text : name,
		strlen(text ? text : name));
}

static bool
is_json(const char *text)
{
	return text && val_check(slice_str(text)) == 0;
}

static struct request
request_begin(struct mpc_context *ctx, const char *action)
{
	struct request q = {.ctx = ctx};

	q.out = worker_call_begin(ctx, &q.mark);
	buf_str(q.out, "{\"action\":\"");
	buf_str(q.out, action);
	buf_char(q.out, '"');
	return q;
}

static void
request_text(struct request *q, const char *key, const char *text)
{
	buf_str(q->out, key);
	buf_json(q->out, slice_str(text ? text : ""));
}

static void
request_json(struct request *q, const char *key, struct slice json)
{
	buf_str(q->out, key);
	buf_slice(q->out, json);
}

/* The answer has no `data`: say its code and message. */
static int
answer_error(struct mpc_context *ctx, struct slice answer)
{
	struct slice code, message = {0};
	const char *text;

	if (val_find_raw(answer, "code", &code) < 0)
		return 0;
	if (val_find_raw(answer, "message", &message) < 0)
		message = SLICE("\"\"");
	text = mpc_printf(ctx, "%s: %s", mpc_unquote(ctx, code),
		mpc_unquote(ctx, message));
	if (!text)
		text = "the cloud answered an error";
	return mpc_error(ctx, MPC_ERR_ANSWER, text, strlen(text));
}

static int
too_big(struct mpc_context *ctx)
{
	static const char text[] = "the request or its answer is too large";

	return mpc_error(ctx, MPC_ERR_TOO_BIG, text, sizeof(text) - 1);
}

/* Sends, waits; *data is the answer's member of that name. */
static int
request_end(struct request *q, struct slice *data)
{
	struct mpc_context *ctx = q->ctx;
	static const char none[] = "the answer has no data";

	buf_char(q->out, '}');
	if (worker_call_end(ctx, q->mark) < 0)
		return too_big(ctx);
	if (val_find_raw(ctx->reply, "data", data) == 0)
		return 0;
	return answer_error(ctx, ctx->reply)
		       ?: mpc_error(
				  ctx, MPC_ERR_ANSWER, none, sizeof(none) - 1);
}

/* A piece of the reply as a text of its own: the reply is ours to write on,
 * and what follows the piece is not needed any more. */
static void
give(struct slice piece, const char **ret, size_t *len)
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
		return bad_argument(ctx, "body");
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

static struct slice
list_of(struct slice data)
{
	struct slice list;

	if (val_find_raw(data, "list", &list) < 0)
		return SLICE("");
	return list;
}

int
mpc_db_get(struct mpc_context *ctx, const char *collection, const char *id,
	const char **ret, size_t *ret_len)
{
	struct request q = request_begin(ctx, "database.queryDocument");
	struct slice data, list;
	int r;

	request_text(&q, ",\"collectionName\":", collection);
	request_text(&q, ",\"queryType\":\"DOC\",\"query\":{\"_id\":", id);
	buf_str(q.out, "},\"limit\":1");
	r = request_end(&q, &data);
	if (r < 0)
		return r;
	list = list_of(data);
	if (list.len < 2)
		list = SLICE("[]");
	/* One document at most, so it is all between the brackets. */
	list = slice_of(list.ptr + 1, list.len - 2);
	while (list.len > 0 && strchr(" \t\r\n", list.ptr[0]))
		list = slice_of(list.ptr + 1, list.len - 1);
	if (list.len > 0) {
		give(list, ret, ret_len);
		return 0;
	}
	*ret = "null";
	if (ret_len)
		*ret_len = 4;
	return 0;
}

static void
find_options(struct request *q, const char *options)
{
	static const struct {
		const char *name, *key;
	} known[] = {
		{"limit", ",\"limit\":"},
		{"offset", ",\"offset\":"},
		{"order", ",\"order\":"},
	};

	for (size_t i = 0; options && i < array_size(known); i++) {
		struct slice raw;

		if (val_find_raw(slice_str(options), known[i].name, &raw) == 0)
			request_json(q, known[i].key, raw);
	}
}

int
mpc_db_find(struct mpc_context *ctx, const char *collection, const char *query,
	const char *options, const char **ret, size_t *ret_len)
{
	struct request q;
	struct slice data, list;
	int r;

	if (query && !is_json(query))
		return bad_argument(ctx, "query");
	if (options && !is_json(options))
		return bad_argument(ctx, "options");
	q = request_begin(ctx, "database.queryDocument");
	request_text(&q, ",\"collectionName\":", collection);
	request_json(&q, ",\"queryType\":\"WHERE\",\"query\":",
		slice_str(query ? query : "{}"));
	find_options(&q, options);
	r = request_end(&q, &data);
	if (r < 0)
		return r;
	list = list_of(data);
	if (list.len > 0) {
		give(list, ret, ret_len);
		return 0;
	}
	*ret = "[]";
	if (ret_len)
		*ret_len = 2;
	return 0;
}

int
mpc_db_add(struct mpc_context *ctx, const char *collection,
	const char *document, const char **ret_id)
{
	struct request q;
	struct slice data, id;
	int r;

	if (!is_json(document))
		return bad_argument(ctx, "document");
	q = request_begin(ctx, "database.addDocument");
	request_text(&q, ",\"collectionName\":", collection);
	request_json(&q, ",\"data\":", slice_str(document));
	r = request_end(&q, &data);
	if (r < 0)
		return r;
	if (ret_id)
		*ret_id = val_find_raw(data, "_id", &id) == 0
				  ? mpc_unquote(ctx, id)
				  : "";
	return 0;
}

/* An action on all that fit, answered with a number. */
static int
counted(struct request *q, const char *name, int64_t *ret)
{
	struct slice data, number;
	int r = request_end(q, &data);

	if (r < 0)
		return r;
	if (ret)
		*ret = val_find_raw(data, name, &number) == 0
			       ? strtoll(number.ptr, NULL, 10)
			       : 0;
	return 0;
}

static void
request_where(struct request *q, const char *collection, const char *query)
{
	request_text(q, ",\"collectionName\":", collection);
	request_json(q, ",\"queryType\":\"WHERE\",\"query\":",
		slice_str(query ? query : "{}"));
}

int
mpc_db_update(struct mpc_context *ctx, const char *collection,
	const char *query, const char *update, int64_t *ret_updated)
{
	struct request q;

	if (!is_json(query))
		return bad_argument(ctx, "query");
	if (!is_json(update))
		return bad_argument(ctx, "update");
	q = request_begin(ctx, "database.updateDocument");
	request_where(&q, collection, query);
	request_json(&q,
		",\"multi\":true,\"merge\":true,\"upsert\":false,\"data\":",
		slice_str(update));
	return counted(&q, "updated", ret_updated);
}

int
mpc_db_remove(struct mpc_context *ctx, const char *collection,
	const char *query, int64_t *ret_removed)
{
	struct request q;

	if (!is_json(query))
		return bad_argument(ctx, "query");
	q = request_begin(ctx, "database.deleteDocument");
	request_where(&q, collection, query);
	buf_str(q.out, ",\"multi\":true");
	return counted(&q, "deleted", ret_removed);
}

int
mpc_db_count(struct mpc_context *ctx, const char *collection, const char *query,
	int64_t *ret)
{
	struct request q;

	if (query && !is_json(query))
		return bad_argument(ctx, "query");
	q = request_begin(ctx, "database.countDocument");
	request_where(&q, collection, query);
	return counted(&q, "total", ret);
}

int
mpc_call_function(struct mpc_context *ctx, const char *name, const char *data,
	const char **ret, size_t *ret_len)
{
	struct request q;
	struct slice got, raw;
	int r;

	if (data && !is_json(data))
		return bad_argument(ctx, "data");
	q = request_begin(ctx, "functions.invokeFunction");
	request_text(&q, ",\"function_name\":", name);
	request_text(&q, ",\"request_data\":", data ? data : "{}");
	r = request_end(&q, &got);
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
mpc_pay_order(struct mpc_context *ctx, const char *order, const char **ret,
	size_t *ret_len)
{
	struct request q;
	struct slice data;
	int r;

	if (!is_json(order))
		return bad_argument(ctx, "order");
	q = request_begin(ctx, "pay.createOrder");
	request_json(&q, ",\"data\":", slice_str(order));
	r = request_end(&q, &data);
	if (r < 0)
		return r;
	give(data, ret, ret_len);
	return 0;
}
