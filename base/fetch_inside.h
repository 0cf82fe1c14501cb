#pragma once

/*
 * What the fetch*.c files share, and nobody else sees.
 */

#include "base/fetch.h"

#include <curl/curl.h>

struct transfer {
	struct list on;
	CURL *easy;
	struct curl_slist *headers;
	struct fetcher *fetcher;
	struct fetch *fetch;
	struct defer resume; /* of a stream */
	/* how often a request was about to be sent, of `once` */
	unsigned begun;
};

/* Calls of ours on the stack; who is freed meanwhile goes with the last. */
void fetcher_enter(struct fetcher *f);
void fetcher_leave(struct fetcher *f);

/* fetch_set.c */
void transfer_set(struct transfer *t, const struct fetch_ask *ask);

/* fetch_stream.c */
void fetch_stream_init(struct transfer *t);
void fetch_stream_set(struct transfer *t, const struct fetch_ask *ask);
void fetch_stream_rest(struct transfer *t);
size_t fetch_stream_data(struct fetch *fetch, const char *p, size_t len);
/* A line of a head; the empty one ends it. */
void fetch_stream_header(struct fetch *fetch, const char *p, size_t len);
