#pragma once

/*
 * What a caller may do with a collection, as a condition on its documents:
 * simple permissions and CUSTOM rules alike become a query tree that is ANDed
 * into the statement.  Deny by default.
 */

#include "documents/catalog.h"
#include "documents/doc.h"
#include "documents/query.h"

enum access_act { ACCESS_READ, ACCESS_CREATE, ACCESS_UPDATE, ACCESS_DELETE };

/* The condition for `scope`; data: what is written (the rules' request.data)
 * or NULL.  An admin gets QUERY_ALL.  When it can be true of no document
 * whatever: ERR_DB_DENIED, in the SDKs' words.  For ACCESS_CREATE the tree
 * speaks of the new document. */
int access_where(struct query **ret, const struct coll_info *info,
	enum access_act act, const struct doc_scope *scope, const json_t *data,
	struct arena *arena, int64_t now_ms, struct fault *why) _must_check_;

/* A condition that the caller wrote himself, whatever it is part of: '{openid}'
 * becomes his own; where the collection does not show _openid he may compare
 * it with his own only, else ERR_DB_DENIED. */
int access_query(struct query *q, const struct coll_info *info,
	const struct doc_scope *scope, struct arena *arena,
	struct fault *why) _must_check_;

/* May a user's condition, order, projection or pipeline name _openid? */
bool access_shows_openid(
	const struct coll_info *info, const struct doc_scope *scope);
