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
 * Source: docs.cloudbase.net, "security rules".
 */

#include "db/access.h"

struct rules;

int rules_parse(struct rules **ret, const json_t *v, struct arena *arena,
	struct fault *why) _must_check_;

int rules_bind(struct query **ret, const struct rules *rules,
	enum access_act act, const struct doc_scope *scope, const json_t *data,
	const char *env, struct arena *arena, int64_t now_ms,
	struct fault *why) _must_check_;
