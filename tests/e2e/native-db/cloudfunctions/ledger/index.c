/*
 * Every call of mpcloud.h about documents, one an event: {"how":"transfer",
 * "by":30} …  The transfer is how a function in C does a transaction.
 */
#include <jansson.h>
#include <mpcloud.h>
#include <stdio.h>
#include <string.h>

static int
failed(struct mpc_context *ctx)
{
	(void)mpc_fail(ctx, mpc_error_text(ctx));
	return -1;
}

/* ---- a transfer ------------------------------------------------------------
 */

struct transfer {
	long long by;
	int tries;
	int refused; /* not enough money */
};

static int
change(struct mpc_context *ctx, const char *account, long long by)
{
	const char *query = mpc_printf(ctx, "{\"_id\":\"%s\"}", account);
	const char *update = mpc_printf(ctx, "{\"$inc\":{\"sum\":%lld}}", by);
	int64_t changed;
	int r = mpc_db_update(ctx, "accounts", query, update, &changed);

	return r < 0 ? r : changed == 1 ? 0 : -1;
}

static int
transfer(struct mpc_context *ctx, void *arg)
{
	struct transfer *t = arg;
	const char *document;
	json_t *from;
	int r;

	t->tries++;
	r = mpc_db_get(ctx, "accounts", "a", &document, NULL);
	if (r < 0)
		return r;
	from = json_loads(document, JSON_DECODE_ANY, NULL);
	t->refused = json_integer_value(json_object_get(from, "sum")) < t->by;
	json_decref(from);
	if (t->refused)
		return -1;
	r = change(ctx, "a", -t->by);
	return r < 0 ? r : change(ctx, "b", t->by);
}

static int
do_transfer(struct mpc_context *ctx, const json_t *event)
{
	struct transfer t = {
		.by = json_integer_value(json_object_get(event, "by"))};
	int r = mpc_tx_run(ctx, transfer, &t);
	const char *text;

	if (r < 0 && !t.refused)
		return failed(ctx);
	text = mpc_printf(ctx, "{\"ok\":%s,\"tries\":%d}",
		r < 0 ? "false" : "true", t.tries);
	return mpc_result(ctx, text, strlen(text));
}

/* ---- one call each ----------------------------------------------------------
 */

static int
give(struct mpc_context *ctx, int r, const char *json, size_t len)
{
	return r < 0 ? failed(ctx) : mpc_result(ctx, json, len);
}

static int
give_number(struct mpc_context *ctx, int r, int64_t n)
{
	const char *text = mpc_printf(ctx, "%lld", (long long)n);

	return give(ctx, r, text, strlen(text));
}

static int
fill(struct mpc_context *ctx)
{
	static const char *const words[] = {"one", "two", "three"};
	const char *id = "";
	int r = mpc_db_create(ctx, "made");

	for (int i = 0; i < 3 && r == 0; i++)
		r = mpc_db_add(ctx, "words",
			mpc_printf(ctx, "{\"word\":\"%s\",\"n\":%d}", words[i],
				i + 1),
			&id);
	return give(ctx, r, mpc_quote(ctx, id), strlen(mpc_quote(ctx, id)));
}

static int
find(struct mpc_context *ctx)
{
	const char *list = "";
	size_t len = 0;
	int r = mpc_db_find(ctx, "words", "{\"n\":{\"$gte\":2}}",
		"{\"order\":{\"n\":-1},\"limit\":1,\"projection\":{\"_id\":0,"
		"\"word\":1}}",
		&list, &len);

	return give(ctx, r, list, len);
}

static int
aggregate(struct mpc_context *ctx)
{
	const char *list = "";
	size_t len = 0;
	int r = mpc_db_aggregate(ctx, "words",
		"[{\"$group\":{\"_id\":null,\"sum\":{\"$sum\":\"$n\"}}}]",
		&list, &len);

	return give(ctx, r, list, len);
}

static int
change_one(struct mpc_context *ctx)
{
	const char *doc = "", *none = "";
	size_t len = 0, none_len = 0;
	int r = mpc_db_set(ctx, "words", "fixed", "{\"n\":7}");

	if (r == 0)
		r = mpc_db_update_return(ctx, "words", "{\"_id\":\"fixed\"}",
			"{\"$inc\":{\"n\":1}}", &doc, &len);
	if (r < 0)
		return failed(ctx);
	doc = mpc_printf(ctx, "%.*s", (int)len, doc);
	r = mpc_db_update_return(ctx, "words", "{\"_id\":\"not there\"}",
		"{\"$inc\":{\"n\":1}}", &none, &none_len);
	doc = mpc_printf(ctx, "[%s,%.*s]", doc, (int)none_len, none);
	return give(ctx, r, doc, strlen(doc));
}

/* What is left open by one call is gone for the next. */
static int
rollback(struct mpc_context *ctx)
{
	int64_t inside = 0, after = 0;
	int r = mpc_tx_start(ctx);

	if (r == 0)
		r = mpc_db_remove(ctx, "words", "{}", NULL);
	if (r == 0)
		r = mpc_db_count(ctx, "words", NULL, &inside);
	if (r == 0)
		r = mpc_tx_rollback(ctx);
	if (r == 0)
		r = mpc_db_count(ctx, "words", NULL, &after);
	return give_number(ctx, r, inside == 0 ? after : -1);
}

static int
count(struct mpc_context *ctx)
{
	int64_t n = 0;
	int r = mpc_db_count(ctx, "words", "{\"n\":{\"$lt\":3}}", &n);

	return give_number(ctx, r, n);
}

static int
wrong(struct mpc_context *ctx)
{
	const char *list;

	return give_number(ctx,
		mpc_db_aggregate(ctx, "words", "[{\"$no\":1}]", &list, NULL),
		0);
}

static int
no_json(struct mpc_context *ctx)
{
	const char *list;

	return give_number(
		ctx, mpc_db_aggregate(ctx, "words", "[{", &list, NULL), 0);
}

static int
no_transaction(struct mpc_context *ctx)
{
	return give_number(ctx, mpc_tx_commit(ctx), 0);
}

static const struct {
	const char *how;
	int (*run)(struct mpc_context *ctx);
} rows[] = {
	{"fill", fill},
	{"find", find},
	{"aggregate", aggregate},
	{"changeOne", change_one},
	{"rollback", rollback},
	{"count", count},
	{"wrong", wrong},
	{"noJson", no_json},
	{"noTransaction", no_transaction},
};

MPC_EXPORT int
mpc_main(struct mpc_context *ctx, const char *text, size_t len)
{
	json_t *event = json_loadb(text, len, 0, NULL);
	const char *how = json_string_value(json_object_get(event, "how"));
	int r = -1;

	if (how && strcmp(how, "transfer") == 0)
		r = do_transfer(ctx, event);
	for (size_t i = 0; how && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(how, rows[i].how) == 0)
			r = rows[i].run(ctx);
	json_decref(event);
	return r;
}
