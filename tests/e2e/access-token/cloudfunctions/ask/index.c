/* One call of WeChat's API, and what came of it. */
#include <mpcloud.h>

MPC_EXPORT int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *answer;
	size_t n;

	(void)event;
	(void)len;
	if (mpc_openapi(ctx, "/wxa/tokens/try", "{}", &answer, &n) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return mpc_result(ctx, answer, n);
}
