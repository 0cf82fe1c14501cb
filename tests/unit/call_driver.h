#pragma once

/*
 * What the tests of cloud calls share: a call with the floors below played by
 * stubs, which note what they were given.
 */

#include "gateway/call.h"
#include "gateway/gateway.h"
#include "tests/unit/test.h"

/* What the stubs were given last. */
extern struct doc_op *op;
extern struct doc_request asked;
extern char *query, *data, *order, *stages;
extern struct fn_call *fn;
extern struct order *ordered;
extern char *order_body;
extern bool may_price;
/* The transaction that txs_find finds, "tx1", of `tx_owner`. */
extern const char *tx_owner;
extern int tx_refs;

extern const struct caller user, visitor, function, nobody;

struct fixture {
	struct gateway gateway;
	struct shm_gateway count;
	struct call call;
	struct arena arena;
	struct conf *conf;
	json_t *body;
	int done;
};

/* Runs the call; it is done at once only when it was refused. */
void begin(struct fixture *f, const struct caller *who, const char *body);
/* The same through a door with a form of its own. */
void begin_form(struct fixture *f, const struct caller *who, const char *body,
	enum call_form form);
void end(struct fixture *f);
void answer_is(struct fixture *f, const char *text);
/* The database answers these documents. */
void give_list(const char *const *texts, size_t count);
/* It is refused with this error and reaches nobody. */
void refused(const struct caller *who, const char *body, int err);

#define GET_BODY \
	"{\"collectionName\":\"todos\",\"queryType\":\"WHERE\"," \
	"\"query\":\"{\\\"n\\\":{\\\"$gt\\\":{\\\"$numberInt\\\":\\\"1\\\"}}}" \
	"\"," \
	"\"order\":\"{\\\"n\\\":{\\\"$numberInt\\\":\\\"-1\\\"}}\"," \
	"\"offset\":5,\"limit\":20,\"action\":\"database.getDocument\"," \
	"\"envName\":\"env-local\",\"sessionToken\":\"toklocal\"}"
