/*
 * GET /healthz: the loop turns.  GET /readyz: send traffic here.
 */
#include "db/pool.h"
#include "gateway/endpoint.h"
#include "gateway/request.h"

int
endpoint_health(struct request *r)
{
	return request_reply(r, 200, SLICE("{\"status\":\"ok\"}"));
}

int
endpoint_ready(struct request *r)
{
	const struct gateway *g = r->gateway;

	if (g->draining)
		return request_reply(
			r, 503, SLICE("{\"status\":\"draining\"}"));
	if (!pool_is_up(g->pool))
		return request_reply(
			r, 503, SLICE("{\"status\":\"no database\"}"));
	return request_reply(r, 200, SLICE("{\"status\":\"ok\"}"));
}
