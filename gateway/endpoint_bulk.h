#pragma once

/*
 * What the endpoints of imports and exports share: the collection that is
 * meant, a statement on the lane, and an end that gives the lane back however
 * the request ends.
 */

#include "documents/bulk.h"
#include "gateway/request.h"

struct bulk_act {
	struct request *r;
	struct coll coll;
	struct bulk_op op;
	struct pool *pool; /* the lane's, or NULL: not taken */
	struct gateway *gateway;
};

/* Takes the lane. */
int bulk_act_take(struct bulk_act *a, struct request *r) _must_check_;
/* The same, and finds the collection `name`. */
int bulk_act_find(
	struct bulk_act *a, struct request *r, struct slice name) _must_check_;
/* Fine to call twice. */
void bulk_act_done(struct bulk_act *a);
/* Before each statement. */
void bulk_act_op(struct bulk_act *a, job_fn *done);
struct bulk_act *bulk_act_of(struct job *job);
