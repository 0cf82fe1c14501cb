#pragma once

/*
 * Cloud calls: {"action": …} in, {"requestId", "data"} out.  One way for POST
 * /admin, POST /web and the CALL frames of workers; the rows are in call.def.
 */

#include "auth/session.h"
#include "base/job.h"
#include "base/val.h"
#include "db/tx.h"
#include "documents/doc.h"
#include "functions/crew.h"
#include "gateway/forward.h"
#include "pay/order.h"
#include "trigger/queue.h"

struct call;
struct gateway;
struct multipart;

/* How an answer is written.  A request may use any form under any name. */
enum call_form {
	FORM_PLAIN = 1, /* generation 1: documents are JSON */
	FORM_TEXT = 2,  /* generation 2: documents are strings holding JSON */
	FORM_TX = 3,    /* generation 1's transactions: numbers are strings
			   too, and stand beside the requestId */
	FORM_REST = 4,  /* /v1/database: the data alone */
	FORM_LIST = 5,  /* aggregation as FORM_PLAIN has all else */
};

struct call_row {
	const char *action;
	/* 0: call_end will be called; negative: refused. */
	int (*run)(struct call *call);
	enum call_form form;
	unsigned who;
};

extern const struct call_row call_table[];
extern const size_t call_count;

struct call {
	struct job job; /* err, why */
	/* in, borrowed until done */
	struct gateway *gateway;
	struct arena *arena;
	const struct caller *caller;
	const char *request_id, *client_ip;
	const char *source;    /* where it came from: "wx_client", "scf" … */
	const char *route_key; /* as in struct fn_call, or NULL */
	const struct request *request; /* whose headers count, or NULL */
	const json_t *body;            /* object; of a form: its texts */
	const struct multipart *parts; /* of a form; NULL: JSON was sent */
	enum call_form form;           /* the door's own; 0: the action's */
	void *owner;                   /* the door's, to find itself back */
	bool is_forwarded;     /* by another gateway: not to be sent on */
	const char *function;  /* that asks; "" or NULL: none */
	const json_t *openapi; /* its permissions; NULL: see call_wechat.c */
	/* out, in the arena: the whole envelope */
	struct slice answer;
	const char *type;  /* the answer is bytes of this type, no envelope */
	uint32_t retry_ms; /* of an error, 0: not known */
	/* call.c's and the handlers' */
	const struct call_row *row;
	struct job *inner;
	void (*rest)(struct call *c); /* at the end, however it ends */
	void *wechat;  /* of the handlers that use call_wechat.h */
	json_t *held;  /* array: values parsed out of strings */
	size_t values; /* how many more may be */
	struct doc_request doc;
	union {
		struct doc_op doc;
		struct fn_call fn;
		struct order order;
		struct tx_op tx;
		struct forward_ask forward;
		struct login login;
		struct queue_put put;
		void *own; /* in the arena */
	} op;
};

/* The row of body.action; ERR_ACTION, ERR_PARAM. */
int call_find(const json_t *body, const struct call_row **ret,
	struct fault *why) _must_check_;
/* job_init(&call->job, …) and the `in` members first. */
void call_run(struct call *call);

/* For handlers. */

/* Wait for this job of c->op. */
void call_wait(struct call *c, struct job *inner);
/* `why` of the inner job, or NULL. */
void call_end(struct call *c, int err, const struct fault *why);
/* From the handler itself: c->answer is there already. */
void call_end_soon(struct call *c);
/* body[key], also when it is JSON inside a string; NULL when absent, null or
 * empty.  Borrowed until the call ends. */
int call_value(
	struct call *c, const char *key, const json_t **ret) _must_check_;
/* Parses a string of the body; borrowed the same way. */
int call_text(struct call *c, const char *key, struct slice text,
	json_t **ret) _must_check_;
/* {"requestId":…} with `data`, when it has bytes, as the data member. */
int call_answer(struct call *c, struct slice data) _must_check_;
/* {"requestId":…,members}: what an action says beside its data. */
int call_answer_beside(struct call *c, struct slice members) _must_check_;

int call_db_find(struct call *c);
int call_db_insert(struct call *c);
int call_db_update(struct call *c);
int call_db_update_return(struct call *c);
int call_db_remove(struct call *c);
int call_db_count(struct call *c);
int call_db_aggregate(struct call *c);
int call_db_add_collection(struct call *c);
/* Generation 1 inside transactions. */
int call_db_tx_get(struct call *c);
int call_db_tx_insert(struct call *c);
int call_db_tx_update(struct call *c);
int call_db_tx_remove(struct call *c);
int call_auth_anonymous(struct call *c);
int call_auth_access(struct call *c);
int call_auth_user(struct call *c);
int call_auth_ticket(struct call *c);
int call_auth_sign_in(struct call *c);
int call_auth_registered(struct call *c);
int call_auth_password(struct call *c);
int call_auth_create_user(struct call *c);
int call_auth_logout(struct call *c);
int call_watch_sign(struct call *c);
int call_websocket_send(struct call *c);
int call_websocket_close(struct call *c);
int call_tx_start(struct call *c);
int call_tx_commit(struct call *c);
int call_tx_abort(struct call *c);
/* True: another gateway holds the body's transactionId and was asked. */
bool call_tx_elsewhere(struct call *c) _must_check_;
int call_storage_upload(struct call *c);
int call_storage_download(struct call *c);
int call_storage_remove(struct call *c);
int call_storage_copy(struct call *c);
int call_storage_authority(struct call *c);
int call_fn_invoke(struct call *c);
int call_fn_stats(struct call *c);
int call_queue_put(struct call *c);
int call_opendata(struct call *c);
int call_opendata_check(struct call *c);
int call_session_check(struct call *c);
int call_session_reset(struct call *c);
int call_openapi(struct call *c);
int call_openapi_json(struct call *c);
int call_pay_create(struct call *c);
int call_pay_get(struct call *c);
int call_pay_refund(struct call *c);
int call_pay_get_refund(struct call *c);
/* cloudPay, for unmodified wx-server-sdk. */
int call_cloudpay(struct call *c);
int call_pay_query(struct call *c);
int call_pay_close(struct call *c);

/* The parsing half of a database call: fills c->doc, reaches nothing. */
int call_db_parse(struct call *c, enum doc_verb verb) _must_check_;

/* crews_ops.on_call: a worker's CALL frame. */
void call_from_worker(struct crews *crews, struct host_call *call);
