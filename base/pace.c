/* The generic cell rate algorithm (ITU-T I.371) for one cell. */
#include "base/pace.h"

bool
pace_ask(struct pace *p, uint64_t now_ms, uint64_t each_ms, uint64_t burst)
{
	uint64_t at = max(p->at, now_ms);

	if (at - now_ms >= each_ms * burst)
		return false;
	p->at = at + each_ms;
	return true;
}
