#include <mpcloud.h>

/* An order of whoever calls. */
int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *id;
	const char *order = mpc_printf(ctx,
		"{\"_openid\":\"%s\",\"goods\":\"g500\",\"count\":1,"
		"\"total\":600,\"status\":\"new\"}",
		mpc_openid(ctx));
	char *answer;

	(void)event;
	(void)len;
	if (mpc_db_add(ctx, "orders", order, &id) < 0)
		return -1;
	answer = mpc_printf(ctx, "{\"id\":\"%s\"}", id);
	return mpc_result(ctx, answer, __builtin_strlen(answer));
}
