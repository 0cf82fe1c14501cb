/*
 * One table of names, for functions and for servers: a name that only one of
 * them guarded would be a way to be somebody else for the other.
 */
#include "gateway/proxy_words.h"

#include "base/header_name.h"
#include "gateway/declared_request.h"
#include "gateway/request.h"

/* Proxy would be CGI's HTTP_PROXY. */
static const struct slice names[] = {SLICE_INIT("forwarded"),
	SLICE_INIT("proxy"), SLICE_INIT("x-client-ip"),
	SLICE_INIT("x-mpcloud-uid"), SLICE_INIT("x-original-url"),
	SLICE_INIT("x-real-ip"), SLICE_INIT("x-rewrite-url")};

/* X-WX-… is what WeChat's own platform tells a service of its caller, all but
 * the name of the service, which the caller says. */
static const struct slice begins[] = {
	SLICE_INIT("x-forwarded-"), SLICE_INIT("x-wx-")};

bool
proxy_words_has(struct slice name)
{
	for (size_t i = 0; i < array_size(names); i++)
		if (header_name_is(name, names[i]))
			return true;
	for (size_t i = 0; i < array_size(begins); i++)
		if (header_name_begins(name, begins[i]))
			return !header_name_is(name, SLICE("x-wx-service"));
	return false;
}

void
proxy_words_each(const struct request *r, header_fn *fn, void *owner)
{
	struct slice peer = slice_str(exchange_peer(r->x));
	const struct {
		struct slice name, value;
	} ours[] = {
		{SLICE("X-Forwarded-For"), peer},
		{SLICE("X-Forwarded-Host"), exchange_header(r->x, "Host")},
		{SLICE("X-Forwarded-Proto"),
			exchange_is_tls(r->x) ? SLICE("https") : SLICE("http")},
		{SLICE("X-Real-IP"), peer},
	};

	for (size_t i = 0; i < array_size(ours); i++)
		if (ours[i].value.len && !declared_sets_header(r, ours[i].name))
			fn(owner, ours[i].name, ours[i].value);
}
