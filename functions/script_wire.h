#pragma once

/* One request of host.fetch, for script_fetch.c and script_wire.c alone. */

#include "functions/script_inside.h"

#include <curl/curl.h>

struct fetches {
	struct script *script;
	CURLM *multi;
	struct list busy, over; /* struct wire */
	size_t len;
};

struct wire {
	struct list on;
	uint32_t number;
	CURL *easy;
	struct curl_slist *headers;
	struct buf url, method, ask, head, body;
	const char *code; /* why it failed, NULL: it did not */
	char why[512];
	bool refuse_redirect;
};

/* How it ended: `code` and `why` when it failed. */
void wire_judge(struct wire *w, CURLcode code);
/* What onFetch is given. */
JSValueRef wire_response(JSContextRef js, struct wire *w);
JSValueRef wire_error(JSContextRef js, const struct wire *w);
