#pragma once

/*
 * CloudBase's JSON security rules:
 *
 *   {"read": true, "write": "doc._openid == auth.openid",
 *    "update": "… && request.data.price == undefined"}
 *
 * create, update and delete fall back to write; what is absent is false.  An
 * expression of up to 1024 bytes is parsed once, when the collection's entry
 * is read, and bound for each call: auth, request and now are known then, doc
 * is not, so what remains is a condition on documents.
 *
 * Comparisons are JavaScript's, but never of two types: what JavaScript would
 * convert has no answer, and neither that nor its opposite grants anything.
 * Source: docs.cloudbase.net, "security rules" and "get".
 */

#include "documents/access.h"
#include "documents/sql_from.h"

struct rules;
struct rule_node;
struct sql;

/* `v`: an object, or its text.  `known`: a list of the names of collections,
 * of which get() may find documents in, or NULL for any; it may name others
 * too.  Both may go afterwards.  Errors name the rule and the column: "update:
 * column 17: …". */
int rules_parse(struct rules **ret, const json_t *v, const json_t *known,
	struct arena *arena, struct fault *why) _must_check_;
/* Does any of them ask for documents of other collections? */
bool rules_get(const struct rules *rules);

/* A list of documents that stands in for a collection. */
struct rule_table {
	struct slice name;
	const char *sql; /* a subselect of two columns: key and document */
};

/* What a rule of files speaks of: `resource`. */
struct rule_file {
	const char *openid; /* whose it is; "": nobody's */
	struct slice path;
};

struct rule_call {
	enum access_act act;
	const struct doc_scope *scope;
	const json_t *data; /* of ACCESS_UPDATE: what is written, or NULL */
	const struct coll_info *info;
	int64_t now_ms;
	/* What get() finds documents in instead of the database, for trying
	 * rules; or NULL. */
	const struct rule_table *tables;
	size_t table_count;
	const struct rule_file *file; /* of rule_parse_file's, else NULL */
};

/* Leaves are QUERY_RULE, or indexable ones that are never narrower than the
 * rule, beside it.  QUERY_NONE: it is true of no document. */
int rules_bind(struct query **ret, const struct rules *rules,
	const struct rule_call *call, struct arena *arena,
	struct fault *why) _must_check_;

/* The condition of a QUERY_RULE: true or false, never NULL, and no document
 * makes it raise an error. */
void rule_sql(struct sql *s, const struct rule_node *rule,
	const struct sql_from *from);
