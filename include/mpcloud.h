#pragma once

/*
 * mpcloud.h: cloud functions in C.
 *
 * A native function is a shared object with one entry:
 *
 *     #include <mpcloud.h>
 *
 *     MPC_EXPORT int
 *     mpc_main(struct mpc_context *ctx, const char *event, size_t len)
 *     {
 *             return mpc_result(ctx, "{\"hello\":\"world\"}", 17);
 *     }
 *
 *     cc -shared -fPIC -O2 -o index.so index.c
 *
 * The event is the JSON text the caller sent.  Calls below that wait (mpc_call
 * and all above it) look synchronous; when the function's concurrency is over
 * one, other invocations of the same worker run meanwhile, so keep what must
 * survive such a call in locals or under ctx, not in statics.
 *
 * All functions return 0 or a negative error; mpc_error_text says it in words.
 * Strings given out belong to the invocation and end with it.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

#define MPC_API_VERSION 1
#define MPC_EXPORT      __attribute__((visibility("default")))

/* What calls answer besides 0; mpc_error_text has the words. */
enum mpc_error {
	MPC_ERR_ANSWER = -1,   /* the cloud answered with an error code */
	MPC_ERR_ARGUMENT = -2, /* an argument is missing or is not JSON */
	MPC_ERR_TOO_BIG = -3,  /* past 64 MiB of the invocation's memory */
	MPC_ERR_CONFLICT = -4, /* another transaction was there first */
	MPC_ERR_NETWORK = -5   /* the host was not reached, or is not allowed */
};

struct mpc_context;

/* What the author provides.  mpc_main is required; mpc_init runs once in the
 * template, before any call, for what is worth loading early. */
MPC_EXPORT int mpc_main(struct mpc_context *ctx, const char *event, size_t len);
MPC_EXPORT int mpc_init(void);

/* The answer: JSON text.  The last call before mpc_main returns counts; none:
 * null.  A negative return of mpc_main makes the call fail with mpc_fail's
 * words. */
int mpc_result(struct mpc_context *ctx, const char *json, size_t len);
int mpc_fail(struct mpc_context *ctx, const char *message);

/* Who called, "" when unknown: wx.cloud's OPENID, UNIONID, APPID, … */
const char *mpc_openid(const struct mpc_context *ctx);
const char *mpc_unionid(const struct mpc_context *ctx);
const char *mpc_appid(const struct mpc_context *ctx);
const char *mpc_uid(const struct mpc_context *ctx);
const char *mpc_env(const struct mpc_context *ctx);
const char *mpc_client_ip(const struct mpc_context *ctx);
const char *mpc_request_id(const struct mpc_context *ctx);
/* Milliseconds until the deadline. */
int64_t mpc_remaining_ms(const struct mpc_context *ctx);

/* Memory that ends with the invocation; NULL past 64 MiB. */
void *mpc_alloc(struct mpc_context *ctx, size_t size);
char *mpc_printf(struct mpc_context *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

enum mpc_level { MPC_DEBUG, MPC_INFO, MPC_WARN, MPC_ERROR };
void mpc_log(struct mpc_context *ctx, enum mpc_level level, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

/* Any cloud call: `body` is the JSON of POST /admin ({"action":…}); *ret is
 * its answer.  0, or negative when the answer has a code. */
int mpc_call(struct mpc_context *ctx, const char *body, size_t len,
	const char **ret, size_t *ret_len);

/* Documents; texts are JSON.  *ret of get: the document, or "null". */
int mpc_db_get(struct mpc_context *ctx, const char *collection, const char *id,
	const char **ret, size_t *ret_len);
/* *ret: a JSON array.  `options`: {"limit":…,"offset":…,"order":…,
 * "projection":…} or NULL. */
int mpc_db_find(struct mpc_context *ctx, const char *collection,
	const char *query, const char *options, const char **ret,
	size_t *ret_len);
int mpc_db_count(struct mpc_context *ctx, const char *collection,
	const char *query, int64_t *ret);
/* *ret: a JSON array.  `stages`: [{"$match":…}, {"$group":…} …]. */
int mpc_db_aggregate(struct mpc_context *ctx, const char *collection,
	const char *stages, const char **ret, size_t *ret_len);
/* *ret_id may be NULL. */
int mpc_db_add(struct mpc_context *ctx, const char *collection,
	const char *document, const char **ret_id);
/* The whole document, made when absent. */
int mpc_db_set(struct mpc_context *ctx, const char *collection, const char *id,
	const char *document);
/* All that match.  `update`: {"$set":…} and the like; *ret_updated may be
 * NULL. */
int mpc_db_update(struct mpc_context *ctx, const char *collection,
	const char *query, const char *update, int64_t *ret_updated);
/* One that matches; *ret: as it is afterwards, or "null". */
int mpc_db_update_return(struct mpc_context *ctx, const char *collection,
	const char *query, const char *update, const char **ret,
	size_t *ret_len);
/* All that match. */
int mpc_db_remove(struct mpc_context *ctx, const char *collection,
	const char *query, int64_t *ret_removed);
int mpc_db_create(struct mpc_context *ctx, const char *collection);

/*
 * A transaction belongs to its invocation: from start to commit or rollback
 * all mpc_db_ calls but mpc_db_create are part of it.  It lives 30 seconds at
 * the most.  MPC_ERR_CONFLICT: another one wrote first; nothing was done.
 *
 * mpc_tx_run does all of it: body returns 0 to commit, negative to roll back,
 * and is called again after a conflict, up to three times.
 *
 *     static int
 *     pay(struct mpc_context *ctx, void *arg)
 *     {
 *             int r = mpc_db_update(ctx, "accounts", "{\"_id\":\"a\"}",
 *                     "{\"$inc\":{\"sum\":-30}}", NULL);
 *             if (r == 0)
 *                     r = mpc_db_update(ctx, "accounts", "{\"_id\":\"b\"}",
 *                             "{\"$inc\":{\"sum\":30}}", NULL);
 *             return r;
 *     }
 *
 *     if (mpc_tx_run(ctx, pay, NULL) < 0)
 *             return mpc_fail(ctx, mpc_error_text(ctx)), -1;
 */
typedef int mpc_tx_fn(struct mpc_context *ctx, void *arg);
int mpc_tx_start(struct mpc_context *ctx);
int mpc_tx_commit(struct mpc_context *ctx);
int mpc_tx_rollback(struct mpc_context *ctx);
int mpc_tx_run(struct mpc_context *ctx, mpc_tx_fn *body, void *arg);

/* A connected descriptor (TCP) to a host outside, which the function's setting
 * "network" must allow: a name or an address, resolved and checked outside of
 * the function.  It is the caller's: read, write, close.  MPC_ERR_NETWORK:
 * mpc_error_text says why.  Other invocations of this worker wait meanwhile. */
int mpc_connect(struct mpc_context *ctx, const char *host, int port);

/* Another function of this environment, as the same user. */
int mpc_call_function(struct mpc_context *ctx, const char *name,
	const char *data, const char **ret, size_t *ret_len);
/* The same, but nobody waits: it runs at least once, and again when it fails.
 * `options`: {"runAt"|"delay", "retries", "key"} or NULL; *ret_id, which may be
 * NULL: its number in the queue. */
int mpc_enqueue(struct mpc_context *ctx, const char *name, const char *data,
	const char *options, const char **ret_id);
/* One of WeChat's server APIs, by its name ("subscribeMessage.send") or path
 * ("/wxa/…"), which the function's permissions.openapi must list.  `data`: the
 * members as WeChat's page names them, a file as {"contentType", "value":
 * base64, "fileName"?}.  *ret: what WeChat answered, an errcode too; for media
 * {"contentType", "buffer": base64}. */
int mpc_openapi(struct mpc_context *ctx, const char *api, const char *data,
	const char **ret, size_t *ret_len);
/* A WeChat Pay order: {"outTradeNo"?, "description", "total", "attach"?,
 * "expireAt"?, "function"? …};
 * *ret: {"outTradeNo", "payment": {…}} for wx.requestPayment. */
int mpc_pay_order(struct mpc_context *ctx, const char *order, const char **ret,
	size_t *ret_len);
/* How it stands: *ret: {"outTradeNo", "total", "state", …}; mpc_pay_query asks
 * WeChat Pay first; mpc_pay_close: nobody can pay it any more (fails with
 * CONFLICT when it is paid). */
int mpc_pay_get(struct mpc_context *ctx, const char *out_trade_no,
	const char **ret, size_t *ret_len);
int mpc_pay_query(struct mpc_context *ctx, const char *out_trade_no,
	const char **ret, size_t *ret_len);
int mpc_pay_close(struct mpc_context *ctx, const char *out_trade_no,
	const char **ret, size_t *ret_len);

const char *mpc_error_text(const struct mpc_context *ctx);

/* A JSON string literal with quotes and escapes; belongs to the invocation. */
const char *mpc_quote(struct mpc_context *ctx, const char *text);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
