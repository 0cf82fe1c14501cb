#pragma once

/* What the files of the database calls share. */

#include "gateway/call.h"

enum { CALL_TX_TOP = 128 }; /* bytes of a transaction's id */

/* Whose transactions the caller finds again: administrators, and functions as
 * they are, are one owner. */
const char *call_db_owner(const struct call *c) _returns_value_;
/* The body's transactionId, when it has one, into c->doc.tx; `must`: it has
 * to.  ERR_DB_NO_TX. */
int call_db_join(struct call *c, bool must) _must_check_;

/* What `who` may see and touch; strings are his. */
void call_db_scope(struct doc_scope *scope, const struct caller *who);

/* c->op.doc is done and went well: its answer in c->form. */
int call_db_answer(struct call *c) _must_check_;

/* ObjectIds are told as plain text: {"$oid": "hex"} becomes "hex", in place.
 * `json` is JSON text as PostgreSQL writes it. */
void call_db_plain_ids(struct slice *json);
