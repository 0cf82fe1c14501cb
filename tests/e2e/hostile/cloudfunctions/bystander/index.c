/* A neighbour that minds its own business; it must notice nothing. */
#include <mpcloud.h>

#include <string.h>
#include <unistd.h>

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *doc;

	(void)len;
	if (strstr(event, "\"slow\""))
		(void)usleep(1500000);
	if (mpc_db_get(ctx, "board", "one", &doc, &len) < 0)
		return mpc_fail(ctx, mpc_error_text(ctx)), -1;
	return mpc_result(ctx, doc, len);
}
