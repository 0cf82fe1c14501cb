/* Asks for a call that it does not wait for; the event is that call's. */
#include <mpcloud.h>

#include <string.h>

MPC_EXPORT int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *id, *answer;

	(void)len;
	if (mpc_enqueue(ctx, "job", event, "{\"retries\": 0}", &id) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	answer = mpc_printf(ctx, "{\"id\":\"%s\"}", id);
	return mpc_result(ctx, answer, strlen(answer));
}
