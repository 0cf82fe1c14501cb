#include <mpcloud.h>

/* One document by its id, as it is. */
int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	const char *doc;
	size_t doc_len;

	(void)event;
	(void)len;
	if (mpc_db_get(ctx, "goods", "g500", &doc, &doc_len) < 0)
		return -1;
	return mpc_result(ctx, doc, doc_len);
}
