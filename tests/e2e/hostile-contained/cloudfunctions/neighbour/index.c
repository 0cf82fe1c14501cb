/* Minds its own business; every call of it must be answered. */
#include <mpcloud.h>

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	return mpc_result(ctx, event, len);
}
