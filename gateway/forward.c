/*
 * Between gateways: an HTTP request on a connection of its own, which is never
 * repeated, since a commit must not be.  The body holds the call, its caller
 * and the time; a header its HMAC-SHA256.  What the call came to is told by
 * name, so that the door it came by words it as it words its own.
 */
#include "gateway/forward.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "base/text.h"
#include "gateway/call.h"
#include "gateway/gateway.h"

#include <stdio.h>

enum { CONNECT_MS = 2000, BODY_TOP = 256 << 20, HEAD_TOP = 128 };

struct forward {
	struct fetcher *fetcher;
	struct hmac *hmac;
	struct forward_conf conf;
	char *dir; /* of the cloud sockets, with the slash; NULL: none */
};

static char *
dir_of(const char *socket)
{
	const char *slash = socket ? strrchr(socket, '/') : NULL;

	if (!slash || strncmp(slash, "/cloud-", 7) != 0)
		return NULL;
	return str_ndup(socket, (size_t)(slash - socket) + 1);
}

struct forward *
forward_new(struct fetcher *fetcher, const struct shm *shm,
	const struct forward_conf *conf)
{
	struct forward *f = mem_new(struct forward);

	f->fetcher = fetcher;
	f->hmac = hmac_new(shm_secret(shm));
	f->conf = *conf;
	f->dir = dir_of(conf->socket);
	f->conf.socket = NULL; /* borrowed */
	return f;
}

struct forward *
forward_free(struct forward *f)
{
	if (!f)
		return NULL;
	(void)hmac_free(f->hmac);
	(void)mem_free(f->dir);
	return mem_free(f);
}

static void
member(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "\"%s\":", key);
	buf_json(b, slice_str(value ? value : ""));
	buf_char(b, ',');
}

static void
body_put(struct buf *b, const struct call *c)
{
	const struct caller *who = c->caller;

	buf_printf(b,
		"{\"at\":%lld,\"role\":%d,\"form\":%d,\"sid\":\"%llx\","
		"\"depth\":%u,",
		(long long)clock_now_ms(), (int)who->role, (int)c->form,
		(unsigned long long)who->sid, who->depth);
	member(b, "uid", who->uid);
	member(b, "appid", who->appid);
	member(b, "openid", who->openid);
	member(b, "unionid", who->unionid);
	member(b, "kind", who->kind);
	member(b, "customId", who->custom_id);
	member(b, "requestId", c->request_id);
	member(b, "clientIp", c->client_ip);
	member(b, "source", c->source);
	buf_str(b, "\"call\":");
	val_put(b, c->body);
	buf_char(b, '}');
}

static void
sign(const struct forward *f, struct slice body, char ret[2 * SHA256_LEN + 1])
{
	uint8_t sum[SHA256_LEN];

	hmac_sum(f->hmac, body, sum);
	text_hex_string(ret, sum, sizeof(sum));
}

bool
forward_verify(
	const struct forward *f, struct slice signature, struct slice body)
{
	char own[2 * SHA256_LEN + 1];

	sign(f, body, own);
	return crypto_eq(signature, slice_str(own));
}

static void
on_drop(struct job *job)
{
	fetch_done(&container_of(job, struct forward_ask, job)->fetch);
}

/* The gateway of this transaction is not there: nor is the transaction. */
static int
no_answer(struct forward_ask *a)
{
	struct fault *why = &a->job.why;

	if (!a->fetch.sent)
		return fault_set(
			why, ERR_DB_NO_TX, "%s", err_text(ERR_DB_NO_TX));
	return fault_set(why, ERR_DB_DOWN,
		"the gateway that holds this transaction did not answer: it is "
		"not known whether this call was done; read the documents "
		"before you run it again");
}

static int
code_of(struct slice name)
{
	for (int code = ERR_LAST_ + 1; code <= -1000; code++)
		if (slice_is(name, err_info(code)->name))
			return code;
	return ERR_INTERNAL;
}

/* {"err": "ERR_…", "message": …} */
static int
refused(struct forward_ask *a, struct slice body)
{
	struct slice name = {"", 0}, words = {"", 0};
	_json_ json_t *v = NULL;
	int err;

	if (val_parse(&v, body, NULL) < 0 ||
		val_str(v, "err", 64, &name, NULL) < 0 ||
		val_str_or(v, "message", 1024, words, &words, NULL) < 0)
		return ERR_INTERNAL;
	err = code_of(name);
	if (words.len)
		(void)fault_set(&a->job.why, err, "%.*s", SLICE_ARG(words));
	return err;
}

static int
outcome(struct forward_ask *a, const struct job *job)
{
	struct slice body = buf_all(&a->fetch.body);
	char *to;

	if (job->err == ERR_ANSWER_BIG || job->err == ERR_SHUTDOWN)
		return job->err;
	if (job->err < 0)
		return no_answer(a);
	if (a->fetch.status != 200)
		return refused(a, body);
	to = arena_try(a->call->arena, body.len + 1);
	if (!to)
		return ERR_ANSWER_BIG;
	memcpy(to, body.ptr, body.len);
	a->answer = slice_of(to, body.len);
	return 0;
}

static void
on_fetched(struct job *job)
{
	struct forward_ask *a =
		container_of(container_of(job, struct fetch, job),
			struct forward_ask, fetch);
	int err = outcome(a, job);

	fetch_done(&a->fetch);
	job_finish(&a->job, err);
}

static void
post(struct forward *f, struct forward_ask *a, unsigned gateway)
{
	char head[HEAD_TOP], signature[2 * SHA256_LEN + 1];
	const char *const headers[] = {
		head, "Content-Type: application/json", NULL};
	_free_ char *path = str_printf("%scloud-%u.sock", f->dir, gateway);
	_buf_ struct buf body;

	buf_init(&body, BODY_TOP);
	body_put(&body, a->call);
	if (buf_check(&body) < 0) {
		job_fail_soon(&a->job, a->call->gateway->loop, ERR_TOO_BIG);
		return;
	}
	sign(f, buf_all(&body), signature);
	(void)snprintf(head, sizeof(head), "X-Mpcloud-Sign: %s", signature);
	job_begin(&a->job, a->call->gateway->loop, 0, on_drop);
	fetch_start(f->fetcher, &a->fetch,
		&(struct fetch_ask){
			.method = "POST",
			.url = "http://gateway/gateway/call",
			.headers = headers,
			.body = buf_all(&body),
			.unix_path = path,
			.timeout_ms = f->conf.timeout_ms,
			.connect_ms = CONNECT_MS,
			.answer_top = f->conf.answer_top,
		});
}

void
forward_call(struct forward *f, struct forward_ask *a, struct call *call,
	unsigned gateway)
{
	struct loop *loop = call->gateway->loop;

	a->call = call;
	a->forward = f;
	a->answer = slice_of("", 0);
	if (!f->dir || gateway >= SHM_GATEWAYS) {
		job_fail_soon(&a->job, loop, ERR_DB_NO_TX);
		return;
	}
	job_init(&a->fetch.job, on_fetched);
	post(f, a, gateway);
}
