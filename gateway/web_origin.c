/*
 * A request with an Origin is a browser's (or says so).  One that is not listed
 * is refused rather than answered without the headers that would let its page
 * read the answer: its author sees why, and nothing was done in his visitor's
 * name.  One look for a header is all that others pay.
 */
#include "gateway/web_origin.h"

#include "gateway/endpoint.h"
#include "gateway/request.h"
#include "routes/cors.h"

static const struct route preflight = {.path = "",
	.endpoint = endpoint_preflight,
	.know = KNOW_NOT,
	.who = WHO_ANY,
	.listeners = LISTENER_OPEN,
	.style = STYLE_REST,
	.body = BODY_NONE};

int
web_origin_check(struct request *r)
{
	struct slice origin = exchange_header(r->x, "Origin");

	r->from_page = origin.ptr != NULL;
	/* WeChat's servers and probes are no browsers */
	if (!origin.ptr || r->route->know == KNOW_PROBE ||
		cors_allows(r->gateway->web_origins, origin,
			exchange_header(r->x, "Host"), exchange_is_tls(r->x)))
		return 0;
	return fault_set(&r->why, ERR_ORIGIN,
		"pages of %.*s may not use this server: list it in "
		"server.web_origins",
		(int)min(origin.len, (size_t)100), origin.ptr);
}

bool
web_origin_preflight(struct request *r)
{
	if (!(r->on->kind & LISTENER_OPEN) || !cors_is_preflight(r->x))
		return false;
	r->route = &preflight;
	r->from_page = true;
	return true;
}

void
web_origin_say(struct request *r)
{
	if (!r->from_page)
		return;
	if (r->route != &preflight)
		cors_say(r->gateway->web_origins, r->x, NULL);
	if (!exchange_added(r->x, "Vary").ptr)
		exchange_add_header(r->x, "Vary", "Origin");
}
