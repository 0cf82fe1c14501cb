/*
 * include/mpcloud.h for the function's author: what concerns one invocation.
 * The context's members are cut out of its JSON when they are asked for; most
 * functions ask for one or none.
 */
#include "include/mpcloud.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/val.h"
#include "functions/mpc_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 1024 };

static char *
copy(struct mpc_context *ctx, const char *text, size_t len)
{
	char *p = mpc_alloc(ctx, len + 1);

	if (p && len > 0)
		memcpy(p, text, len);
	return p;
}

int
mpc_error(struct mpc_context *ctx, int err, const char *text, size_t len)
{
	ctx->error = copy(ctx, text, len);
	return err;
}

/* A JSON string as C text. */
const char *
mpc_unquote(struct mpc_context *ctx, struct slice raw)
{
	_json_ json_t *v = NULL;

	if (raw.len < 2 || raw.ptr[0] != '"')
		return "";
	if (!memchr(raw.ptr, '\\', raw.len)) {
		const char *text = copy(ctx, raw.ptr + 1, raw.len - 2);

		return text ? text : "";
	}
	if (val_parse(&v, raw, NULL) < 0 || !json_is_string(v))
		return "";
	return copy(ctx, json_string_value(v), json_string_length(v)) ?: "";
}

/* The declarations say const: what is asked is not changed, only cut out. */
static const char *
member(const struct mpc_context *from, const char *name, const char *preset)
{
	struct mpc_context *ctx = (struct mpc_context *)(uintptr_t)from;
	struct slice raw;

	if (val_find_raw(ctx->context, name, &raw) < 0 || raw.ptr[0] != '"')
		return preset ? preset : "";
	return mpc_unquote(ctx, raw);
}

const char *
mpc_openid(const struct mpc_context *ctx)
{
	return member(ctx, "openid", NULL);
}

const char *
mpc_unionid(const struct mpc_context *ctx)
{
	return member(ctx, "unionid", NULL);
}

const char *
mpc_appid(const struct mpc_context *ctx)
{
	return member(ctx, "appid", ctx->worker->appid);
}

const char *
mpc_uid(const struct mpc_context *ctx)
{
	return member(ctx, "uid", NULL);
}

const char *
mpc_env(const struct mpc_context *ctx)
{
	return member(ctx, "env", ctx->worker->env);
}

const char *
mpc_client_ip(const struct mpc_context *ctx)
{
	return member(ctx, "clientIp", NULL);
}

const char *
mpc_request_id(const struct mpc_context *ctx)
{
	return member(ctx, "requestId", NULL);
}

int64_t
mpc_remaining_ms(const struct mpc_context *ctx)
{
	int64_t left = ctx->deadline - clock_mono();

	return left > 0 ? left / CLOCK_MS : 0;
}

int
mpc_result(struct mpc_context *ctx, const char *json, size_t len)
{
	const char *p = copy(ctx, json, len);

	if (!p)
		return MPC_ERR_TOO_BIG;
	ctx->result = slice_of(p, len);
	return 0;
}

int
mpc_fail(struct mpc_context *ctx, const char *message)
{
	ctx->fail = copy(ctx, message, strlen(message));
	return ctx->fail ? 0 : MPC_ERR_TOO_BIG;
}

const char *
mpc_error_text(const struct mpc_context *ctx)
{
	return ctx->error ? ctx->error : "";
}

void *
mpc_alloc(struct mpc_context *ctx, size_t size)
{
	if (size > WORKER_MEMORY || ctx->arena.used > WORKER_MEMORY - size)
		return NULL;
	return arena_try(&ctx->arena, size);
}

char *
mpc_printf(struct mpc_context *ctx, const char *fmt, ...)
{
	va_list ap, again;
	char *text = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		text = mpc_alloc(ctx, (size_t)n + 1);
	if (text)
		(void)vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return text;
}

void
mpc_log(struct mpc_context *ctx, enum mpc_level level, const char *fmt, ...)
{
	char line[LINE], *text = line;
	_free_ char *more = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n >= LINE) {
		n = min(n, (int)PROTO_LOG_TOP);
		text = more = mem_alloc((size_t)n + 1);
		va_start(ap, fmt);
		(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	worker_log(ctx, (int)level, slice_of(text, (size_t)n));
}

const char *
mpc_quote(struct mpc_context *ctx, const char *text)
{
	struct buf b _buf_ = {0};
	const char *p;

	buf_init(&b, WORKER_MEMORY);
	buf_json(&b, slice_str(text));
	p = b.full ? NULL : copy(ctx, b.ptr, b.len);
	return p ? p : "\"\"";
}
