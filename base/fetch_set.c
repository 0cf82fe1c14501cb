/*
 * What curl is told about a request, besides where it goes and who is called
 * back.
 */
#include "base/fetch_inside.h"

#include <string.h>
#include <strings.h>

enum { KEEP_S = 50 };

#define SET(option, value) (void)curl_easy_setopt(t->easy, (option), (value))

static void
set_house_rules(struct transfer *t)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_MAXAGE_CONN, (long)KEEP_S);
	SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	SET(CURLOPT_PROXY, ""); /* not whatever the environment says */
}

static void
set_method(struct transfer *t, const struct fetch_ask *ask)
{
	bool post = strcmp(ask->method, "POST") == 0;

	if (strcmp(ask->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (!post && strcmp(ask->method, "GET") != 0)
		SET(CURLOPT_CUSTOMREQUEST, ask->method);
	if (!post && !ask->body.len)
		return;
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len);
	SET(CURLOPT_COPYPOSTFIELDS, ask->body.len ? ask->body.ptr : "");
}

static void
set_headers(struct transfer *t, const struct fetch_ask *ask)
{
	/* Curl's own ideas (a form, a question before the body) are taken
	 * out first; what the caller says comes after. */
	static const char *const none[] = {NULL};
	const char *const *h = ask->headers ? ask->headers : none;
	struct curl_slist *all = NULL;
	/* curl signs what is taken out, too, and nobody could verify it */
	bool typed = ask->sigv4 != NULL;

	if (!ask->sigv4)
		all = curl_slist_append(all, "Expect:");
	for (; *h; h++) {
		all = curl_slist_append(all, *h);
		typed |= strncasecmp(*h, "Content-Type:", 13) == 0;
	}
	if (!typed)
		all = curl_slist_append(all, "Content-Type:");
	t->headers = all;
	SET(CURLOPT_HTTPHEADER, all);
}

/* Curl keeps copies and would keep the connection for whoever shows the same
 * certificate; once is enough. */
static void
set_certificate(struct transfer *t, const struct fetch_ask *ask)
{
	struct curl_blob cert = {
		.data = (void *)(uintptr_t)ask->client_cert.ptr,
		.len = ask->client_cert.len,
		.flags = CURL_BLOB_COPY,
	};
	struct curl_blob key = {
		.data = (void *)(uintptr_t)ask->client_key.ptr,
		.len = ask->client_key.len,
		.flags = CURL_BLOB_COPY,
	};

	SET(CURLOPT_SSLCERT_BLOB, &cert);
	SET(CURLOPT_SSLKEY_BLOB, &key);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
}

static int
on_begin(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct transfer *t = arg;

	(void)to, (void)from, (void)to_port, (void)from_port;
	return t->begun++ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* A connection that was in use a moment ago is not one that the other side is
 * just closing. */
static void
set_once(struct transfer *t)
{
	SET(CURLOPT_PREREQFUNCTION, on_begin);
	SET(CURLOPT_PREREQDATA, t);
	SET(CURLOPT_MAXAGE_CONN, 2L);
}

void
transfer_set(struct transfer *t, const struct fetch_ask *ask)
{
	set_house_rules(t);
	if (ask->client_cert.len)
		set_certificate(t, ask);
	if (ask->once)
		set_once(t);
	set_method(t, ask);
	set_headers(t, ask);
}
