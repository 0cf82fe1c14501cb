#include <mpcloud.h>
#include <time.h>

static long long
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int
mpc_main(struct mpc_context *ctx, const char *event, size_t len)
{
	long long end = cpu_ns() + 5000000;

	(void)event;
	(void)len;
	while (cpu_ns() < end)
		;
	return mpc_result(ctx, "1", 1);
}
