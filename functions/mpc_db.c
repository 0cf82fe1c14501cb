/*
 * include/mpcloud.h: documents.  A transaction belongs to the invocation: while
 * one is open, every call about documents says its id.
 */
#include "include/mpcloud.h"

#include "base/val.h"
#include "functions/mpc_inside.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES = 4 }; /* as runTransaction's of the SDKs: once, and 3 more */

static struct mpc_request
doc_begin(struct mpc_context *ctx, const char *action, const char *collection)
{
	struct mpc_request q = mpc_request_begin(ctx, action);

	mpc_request_text(&q, ",\"collectionName\":", collection);
	if (ctx->tx)
		mpc_request_text(&q, ",\"transactionId\":", ctx->tx);
	return q;
}

static struct slice
list_of(struct slice data)
{
	struct slice list;

	if (val_find_raw(data, "list", &list) < 0)
		return SLICE("");
	return list;
}

static void
give_text(const char *text, const char **ret, size_t *len)
{
	*ret = text;
	if (len)
		*len = strlen(text);
}

/* An action whose answer is a list of documents. */
static int
listed(struct mpc_request *q, const char **ret, size_t *ret_len)
{
	struct slice data, list;
	int r = mpc_request_end(q, &data);

	if (r < 0)
		return r;
	list = list_of(data);
	if (list.len > 0)
		mpc_give(list, ret, ret_len);
	else
		give_text("[]", ret, ret_len);
	return 0;
}

int
mpc_db_get(struct mpc_context *ctx, const char *collection, const char *id,
	const char **ret, size_t *ret_len)
{
	struct mpc_request q =
		doc_begin(ctx, "database.queryDocument", collection);
	struct slice data, list;
	int r;

	mpc_request_text(&q, ",\"queryType\":\"DOC\",\"query\":{\"_id\":", id);
	buf_str(q.out, "},\"limit\":1");
	r = mpc_request_end(&q, &data);
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
		mpc_give(list, ret, ret_len);
		return 0;
	}
	give_text("null", ret, ret_len);
	return 0;
}

static void
find_options(struct mpc_request *q, const char *options)
{
	static const struct {
		const char *name, *key;
	} known[] = {
		{"limit", ",\"limit\":"},
		{"offset", ",\"offset\":"},
		{"order", ",\"order\":"},
		{"projection", ",\"projection\":"},
	};

	for (size_t i = 0; options && i < array_size(known); i++) {
		struct slice raw;

		if (val_find_raw(slice_str(options), known[i].name, &raw) == 0)
			mpc_request_json(q, known[i].key, raw);
	}
}

int
mpc_db_find(struct mpc_context *ctx, const char *collection, const char *query,
	const char *options, const char **ret, size_t *ret_len)
{
	struct mpc_request q;

	if (query && !mpc_is_json(query))
		return mpc_bad_argument(ctx, "query");
	if (options && !mpc_is_json(options))
		return mpc_bad_argument(ctx, "options");
	q = doc_begin(ctx, "database.queryDocument", collection);
	mpc_request_json(&q, ",\"queryType\":\"WHERE\",\"query\":",
		slice_str(query ? query : "{}"));
	find_options(&q, options);
	return listed(&q, ret, ret_len);
}

int
mpc_db_aggregate(struct mpc_context *ctx, const char *collection,
	const char *stages, const char **ret, size_t *ret_len)
{
	struct mpc_request q;

	if (!mpc_is_json(stages))
		return mpc_bad_argument(ctx, "stages");
	q = doc_begin(ctx, "mpc.aggregate", collection);
	mpc_request_json(&q, ",\"stages\":", slice_str(stages));
	return listed(&q, ret, ret_len);
}

int
mpc_db_add(struct mpc_context *ctx, const char *collection,
	const char *document, const char **ret_id)
{
	struct mpc_request q;
	struct slice data, id;
	int r;

	if (!mpc_is_json(document))
		return mpc_bad_argument(ctx, "document");
	q = doc_begin(ctx, "database.addDocument", collection);
	mpc_request_json(&q, ",\"data\":", slice_str(document));
	r = mpc_request_end(&q, &data);
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
counted(struct mpc_request *q, const char *name, int64_t *ret)
{
	struct slice data, number;
	int r = mpc_request_end(q, &data);

	if (r < 0)
		return r;
	if (ret)
		*ret = val_find_raw(data, name, &number) == 0
			       ? strtoll(number.ptr, NULL, 10)
			       : 0;
	return 0;
}

static void
request_where(struct mpc_request *q, const char *query)
{
	mpc_request_json(q, ",\"queryType\":\"WHERE\",\"query\":",
		slice_str(query ? query : "{}"));
}

int
mpc_db_update(struct mpc_context *ctx, const char *collection,
	const char *query, const char *update, int64_t *ret_updated)
{
	struct mpc_request q;

	if (!mpc_is_json(query))
		return mpc_bad_argument(ctx, "query");
	if (!mpc_is_json(update))
		return mpc_bad_argument(ctx, "update");
	q = doc_begin(ctx, "database.updateDocument", collection);
	request_where(&q, query);
	mpc_request_json(&q,
		",\"multi\":true,\"merge\":true,\"upsert\":false,\"data\":",
		slice_str(update));
	return counted(&q, "updated", ret_updated);
}

int
mpc_db_remove(struct mpc_context *ctx, const char *collection,
	const char *query, int64_t *ret_removed)
{
	struct mpc_request q;

	if (!mpc_is_json(query))
		return mpc_bad_argument(ctx, "query");
	q = doc_begin(ctx, "database.deleteDocument", collection);
	request_where(&q, query);
	buf_str(q.out, ",\"multi\":true");
	return counted(&q, "deleted", ret_removed);
}

int
mpc_db_count(struct mpc_context *ctx, const char *collection, const char *query,
	int64_t *ret)
{
	struct mpc_request q;

	if (query && !mpc_is_json(query))
		return mpc_bad_argument(ctx, "query");
	q = doc_begin(ctx, "database.countDocument", collection);
	request_where(&q, query);
	return counted(&q, "total", ret);
}

int
mpc_db_set(struct mpc_context *ctx, const char *collection, const char *id,
	const char *document)
{
	struct mpc_request q;

	if (!mpc_is_json(document))
		return mpc_bad_argument(ctx, "document");
	q = doc_begin(ctx, "database.updateDocument", collection);
	mpc_request_text(&q, ",\"queryType\":\"DOC\",\"query\":{\"_id\":", id);
	mpc_request_json(&q,
		"},\"multi\":false,\"merge\":false,\"upsert\":true,\"data\":",
		slice_str(document));
	return mpc_request_done(&q);
}

int
mpc_db_update_return(struct mpc_context *ctx, const char *collection,
	const char *query, const char *update, const char **ret,
	size_t *ret_len)
{
	struct mpc_request q;
	struct slice data, doc;
	int r;

	if (!mpc_is_json(query))
		return mpc_bad_argument(ctx, "query");
	if (!mpc_is_json(update))
		return mpc_bad_argument(ctx, "update");
	q = doc_begin(ctx, "mpc.updateAndReturn", collection);
	request_where(&q, query);
	mpc_request_json(&q, ",\"data\":", slice_str(update));
	r = mpc_request_end(&q, &data);
	if (r < 0)
		return r;
	if (val_find_raw(data, "doc", &doc) == 0)
		mpc_give(doc, ret, ret_len);
	else
		give_text("null", ret, ret_len);
	return 0;
}

int
mpc_db_create(struct mpc_context *ctx, const char *collection)
{
	struct mpc_request q = mpc_request_begin(ctx, "database.addCollection");

	mpc_request_text(&q, ",\"collectionName\":", collection);
	return mpc_request_done(&q);
}

/* ---- transactions -------------------------------------------------------- */

static int
tx_error(struct mpc_context *ctx, const char *text)
{
	return mpc_error(ctx, MPC_ERR_ARGUMENT, text, strlen(text));
}

int
mpc_tx_start(struct mpc_context *ctx)
{
	struct mpc_request q;
	struct slice id;
	int r;

	if (ctx->tx)
		return tx_error(ctx, "a transaction is open already");
	q = mpc_request_begin(ctx, "database.startTransaction");
	r = mpc_request_done(&q);
	if (r < 0)
		return r;
	if (val_find_raw(ctx->reply, "transactionId", &id) < 0)
		return tx_error(ctx, "the answer has no transactionId");
	ctx->tx = mpc_unquote(ctx, id);
	return 0;
}

/* Over, however it ends. */
static int
tx_end(struct mpc_context *ctx, const char *action)
{
	struct mpc_request q;

	if (!ctx->tx)
		return tx_error(ctx, "no transaction is open");
	q = mpc_request_begin(ctx, action);
	mpc_request_text(&q, ",\"transactionId\":", ctx->tx);
	ctx->tx = NULL;
	return mpc_request_done(&q);
}

int
mpc_tx_commit(struct mpc_context *ctx)
{
	return tx_end(ctx, "database.commitTransaction");
}

int
mpc_tx_rollback(struct mpc_context *ctx)
{
	return tx_end(ctx, "database.abortTransaction");
}

static int
tx_try(struct mpc_context *ctx, mpc_tx_fn *body, void *arg)
{
	const char *words;
	int r = mpc_tx_start(ctx);

	if (r < 0)
		return r;
	r = body(ctx, arg);
	if (r == 0 && ctx->tx)
		return mpc_tx_commit(ctx);
	/* What went wrong is said, not how the undoing went. */
	words = ctx->error;
	if (ctx->tx)
		(void)mpc_tx_rollback(ctx);
	ctx->error = words;
	return r;
}

int
mpc_tx_run(struct mpc_context *ctx, mpc_tx_fn *body, void *arg)
{
	int r = MPC_ERR_CONFLICT;

	for (int i = 0; i < TRIES && r == MPC_ERR_CONFLICT; i++)
		r = tx_try(ctx, body, arg);
	return r;
}
