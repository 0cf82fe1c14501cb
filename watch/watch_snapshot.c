/*
 * A snapshot has 64-bit numbers, the stream 32-bit ones: those of one time are
 * nearer to each other than 2^31.
 */
#include "watch/watch_snapshot.h"

#include "base/err.h"
#include "base/mem.h"

enum { UNDER_WAY_TOP = 1 << 20 };

int
watch_snapshot_parse(struct watch_snapshot *ret, struct slice text)
{
	struct watch_snapshot s = {0};
	struct slice low = {0}, high = {0}, one;
	size_t room = 1;

	if (!slice_split(&text, ':', &low) || !slice_split(&text, ':', &high) ||
		slice_to_u64(low, UINT64_MAX, &s.low) < 0 ||
		slice_to_u64(high, UINT64_MAX, &s.high) < 0)
		return ERR_FORMAT;
	for (size_t i = 0; i < text.len; i++)
		room += text.ptr[i] == ',';
	if (room > UNDER_WAY_TOP)
		return ERR_FORMAT;
	s.under_way = mem_array(room, uint64_t);
	while (text.len && slice_split(&text, ',', &one))
		if (slice_to_u64(one, UINT64_MAX, &s.under_way[s.count++]) <
			0) {
			watch_snapshot_done(&s);
			return ERR_FORMAT;
		}
	*ret = s;
	return 0;
}

void
watch_snapshot_done(struct watch_snapshot *s)
{
	s->under_way = mem_free(s->under_way);
	s->count = 0;
}

bool
watch_snapshot_saw(const struct watch_snapshot *s, uint32_t xid)
{
	uint64_t full =
		s->high + (uint64_t)(int64_t)(int32_t)(xid - (uint32_t)s->high);

	if (full >= s->high)
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (s->under_way[i] == full)
			return false;
	return true;
}
