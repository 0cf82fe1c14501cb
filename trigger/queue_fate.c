/*
 * One row per error that is not the fault of the function's author, or that no
 * other attempt can mend; everything else is an attempt that failed.
 */
#include "trigger/queue_fate.h"

#include "base/err.h"

enum { FIRST_MS = 1000, LAST_MS = 600000 };

static const struct {
	int err;
	enum fate fate;
} rows[] = {
	{0, FATE_DONE},
	{ERR_BUSY, FATE_RETURN},
	{ERR_LIMITED, FATE_RETURN},
	{ERR_SHUTDOWN, FATE_RETURN},
	{ERR_FN_CRASHING, FATE_RETURN}, /* it rests; this one was not begun */
	{ERR_FN_NOT_FOUND, FATE_MISSING},
	{ERR_TOO_BIG, FATE_DEAD},
};

enum fate
fate_of(int err, unsigned failed, unsigned retries)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (rows[i].err == err)
			return rows[i].fate;
	return failed < retries ? FATE_RETRY : FATE_DEAD;
}

int64_t
fate_delay_ms(unsigned failed, uint32_t dice)
{
	int64_t ms = FIRST_MS;

	for (unsigned i = 1; i < failed && ms < LAST_MS; i++)
		ms *= 2;
	ms = min(ms, (int64_t)LAST_MS);
	return ms + dice % (ms / 4 + 1);
}
