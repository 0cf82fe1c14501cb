/*
 * Counters of the shared memory → Prometheus' text: all samples of a metric
 * stand together.
 */
#include "gateway/pay_metrics.h"

#include "base/util.h"
#include "pay/watch.h"

#include <assert.h>

static const char *const outcomes[] = {
#define X(name, text) [name] = text,
#include "gateway/notify.def"
#undef X
};

static const char *const keys[] = {[KEY_PUBLIC] = "public_key",
	[KEY_CERTIFICATE] = "certificate",
	[KEY_V2] = "v2"};

static_assert(
	(int)NOTED_ <= (int)SHM_NOTIFIED && (int)KEYS_ <= (int)SHM_NOTIFY_KEYS,
	"room in shared memory");

static void
head_put(struct buf *to, const char *metric, const char *help)
{
	buf_printf(to,
		"# HELP mpcloud_pay_%s %s\n# TYPE mpcloud_pay_%s counter\n",
		metric, help, metric);
}

static void
sample_put(struct buf *to, unsigned gateway, const char *metric,
	const char *label, const char *value, uint64_t n)
{
	buf_printf(to, "mpcloud_pay_%s{gateway=\"%u\",%s=\"%s\"} %llu\n",
		metric, gateway, label, value, (unsigned long long)n);
}

void
pay_metrics_put(
	struct buf *to, struct shm *shm, const unsigned *index, size_t count)
{
	head_put(to, "callbacks_total", "Callbacks of WeChat Pay by outcome.");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < array_size(outcomes); k++)
			sample_put(to, index[i], "callbacks_total", "outcome",
				outcomes[k],
				shm_gateway(shm, index[i])->notified[k]);
	head_put(to, "callback_keys_total",
		"Callbacks by the kind of key that verified them.");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < array_size(keys); k++)
			sample_put(to, index[i], "callback_keys_total", "key",
				keys[k],
				shm_gateway(shm, index[i])->notify_keys[k]);
	head_put(to, "polls_total",
		"Questions about orders and refunds whose news are late.");
	for (size_t i = 0; i < count; i++)
		sample_put(to, index[i], "polls_total", "of", "all",
			shm_gateway(shm, index[i])->polls);
	buf_printf(to,
		"# HELP mpcloud_pay_clock_skew_seconds WeChat Pay's clock "
		"minus "
		"this server's, the worst of the last hour, as one gateway saw "
		"it.\n# TYPE mpcloud_pay_clock_skew_seconds gauge\n"
		"mpcloud_pay_clock_skew_seconds %lld\n",
		(long long)watch_skew());
}
