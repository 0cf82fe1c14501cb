#pragma once

/*
 * Slow requests about documents, by their shape: collection, verb, condition
 * and order with every value replaced by its type, so that neither data nor
 * openids are kept.  A bounded ring in each gateway; from time to time what is
 * new goes to mpcloud.slow, where all gateways' are together.
 */

#include "base/arena.h"
#include "documents/coll_op.h"
#include "documents/doc.h"

enum { SLOW_TOP = 256, SLOW_SHAPE_TOP = 2048 };

struct slow;

int slow_new(
	struct slow **ret, struct pool *pool, const char *env) _must_check_;
struct slow *slow_free(struct slow *s);
DEFINE_CLEANUP(struct slow *, slow_free)
/* Requests that take `ms` are noted; 0: none is. */
void slow_set(struct slow *s, int64_t ms);

/* A request has its answer after `ns`; noted when that is slow.  `s` may be
 * NULL.  info: of its collection, or NULL. */
void slow_note(struct slow *s, const struct doc_request *req,
	const struct coll_info *info, int64_t ns, int64_t rows);

/* All that is known, this gateway's newest included: op->json is a list, the
 * most time in all first. */
void slow_list(struct slow *s, struct coll_op *op);
/* The same with each collection's indexes, for db/advise.h. */
void slow_facts(struct slow *s, struct coll_op *op);
void slow_clear(struct slow *s, struct coll_op *op);

/* slow_shape.c: the shape as JSON. */
void slow_shape(struct buf *to, const struct doc_request *req,
	const struct coll_info *info);
