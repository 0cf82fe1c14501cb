/* A native function that does one thing an event names: {"how":"echo"} … */
#include <mpcloud.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
say_who(struct mpc_context *ctx)
{
	char *text = mpc_printf(ctx, "{\"openid\":%s,\"env\":%s,\"appid\":%s}",
		mpc_quote(ctx, mpc_openid(ctx)), mpc_quote(ctx, mpc_env(ctx)),
		mpc_quote(ctx, mpc_appid(ctx)));

	return mpc_result(ctx, text, strlen(text));
}

/* {"how":"put …"}: the whole event becomes a document of "items". */
static int
put(struct mpc_context *ctx, const char *event)
{
	const char *id;
	char *text;

	if (mpc_db_add(ctx, "items", event, &id) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	text = mpc_printf(ctx, "{\"id\":%s}", mpc_quote(ctx, id));
	return mpc_result(ctx, text, strlen(text));
}

static int
get(struct mpc_context *ctx)
{
	const char *doc;
	size_t len;

	if (mpc_db_get(ctx, "board", "one", &doc, &len) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return mpc_result(ctx, doc, len);
}

static int
call_echo(struct mpc_context *ctx)
{
	const char *answer;
	size_t len;

	if (mpc_call_function(
		    ctx, "echo", "{\"from\":\"native\"}", &answer, &len) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return mpc_result(ctx, answer, len);
}

static int
hog(void)
{
	for (;;) {
		char *p = malloc(8 << 20);

		if (p)
			memset(p, 1, 8 << 20);
	}
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	if (strstr(event, "\"echo\""))
		return mpc_result(ctx, event, len);
	if (strstr(event, "\"who\""))
		return say_who(ctx);
	if (strstr(event, "\"put\""))
		return put(ctx, event);
	if (strstr(event, "\"get\""))
		return get(ctx);
	if (strstr(event, "\"call\""))
		return call_echo(ctx);
	if (strstr(event, "\"crash\""))
		raise(SIGSEGV);
	if (strstr(event, "\"exit\""))
		exit(4);
	if (strstr(event, "\"hog\""))
		return hog();
	while (strstr(event, "\"loop\""))
		;
	if (strstr(event, "\"badjson\""))
		return mpc_result(ctx, "{nope", 5);
	if (strstr(event, "\"log\"")) {
		mpc_log(ctx, MPC_WARN, "a line of mpc_log");
		printf("a line of printf\n");
		fflush(stdout);
	}
	return strstr(event, "\"fail\"") ? mpc_fail(ctx, "failed on purpose"),
	       -1                        : 0;
}
