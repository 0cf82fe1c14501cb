#pragma once

/*
 * The one statement that each verb of doc.h becomes.
 */

#include "db/coll.h"
#include "db/doc.h"
#include "db/query.h"
#include "db/sql.h"

/* A request on its way into SQL. */
struct doc_build {
	const struct doc_request *req;
	struct coll coll;
	struct query *where;
	struct sql *sql;
	struct arena *arena; /* for as long as the statement is built */
	int64_t now_ms;
	struct fault *why;
	const char **ids; /* DOC_INSERT, and ids[0] of an upsert */
	bool without_id;  /* the projection leaves _id out */
};

/* doc_read.c */
int doc_sql_find(struct doc_build *b) _must_check_;
int doc_sql_count(struct doc_build *b) _must_check_;
/* doc_write.c */
int doc_sql_insert(struct doc_build *b) _must_check_;
int doc_sql_update(struct doc_build *b) _must_check_;
int doc_sql_remove(struct doc_build *b) _must_check_;

enum doc_gate { DOC_GATE_READ, DOC_GATE_WRITE };
/* " WHERE " permission and condition. */
void doc_sql_where(struct doc_build *b, enum doc_gate gate);
/* "(SELECT mpcloud.gate_write(…))" */
void doc_sql_gate(struct doc_build *b, enum doc_gate gate);

/* project.c: the tree of a projection, {"a": true, "b": {"c": true}}; either
 * may be empty. */
struct project {
	bool has_pick; /* some field is asked for: all others go */
	bool without_id;
	struct slice pick, omit; /* JSON text, in the arena; len 0: none */
};
int project_parse(struct project *ret, const json_t *v, struct arena *arena,
	struct fault *why) _must_check_;
