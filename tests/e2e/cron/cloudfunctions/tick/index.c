/* Each run of a timer is a document: its event, as it came. */
#include <mpcloud.h>

#include <string.h>

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *id;

	(void)len;
	if (mpc_db_add(ctx, "runs", event, &id) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return 0;
}
