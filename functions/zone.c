/*
 * Time zones, read from the system's tzdata (TZif, RFC 8536) without touching
 * the process's own: libc's functions know one zone at a time and take it from
 * the environment.  A zone is a list of instants at which the distance from UTC
 * changes; past the last one goes the rule in the file's last line, which is
 * POSIX's TZ text ("CET-1CEST,M3.5.0,M10.5.0/3") and is written out to 2100
 * when the zone is opened, so that nobody looks at rules later.
 */
#include "functions/zone.h"

#include "base/mem.h"
#include "functions/zone_rule.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILE_TOP = 64 << 10, /* the longest of tzdata has 4 KiB */
	CHANGES_TOP = 4096,
	HEAD = 44,
	OFFSET_TOP = 26 * 3600, /* RFC 8536: -25 h to 26 h */
	UTC8 = 8 * 3600,
	YEAR_END = 2100,
};

/* Far from every date, and from the ends of int64_t. */
#define LONG_AGO (INT64_MIN / 2)
#define NEVER    (INT64_MAX / 2)

struct change {
	int64_t at;
	int32_t offset; /* from then on */
};

struct zone {
	int32_t first; /* offset before the first change */
	size_t len, room;
	struct change *changes;
};

struct zone *
zone_free(struct zone *zone)
{
	if (zone)
		free(zone->changes);
	return mem_free(zone);
}

/* Offset of the `n`-th span; 0 is the one before the first change. */
static int32_t
offset_at(const struct zone *zone, size_t n)
{
	return n ? zone->changes[n - 1].offset : zone->first;
}

void
zone_span(const struct zone *zone, int64_t at, struct zone_span *ret)
{
	static const struct zone preset = {.first = UTC8};
	size_t low = 0, top;

	if (!zone)
		zone = &preset;
	/* `low` becomes the number of changes that are not after `at`. */
	for (top = zone->len; low < top;) {
		size_t mid = (low + top) / 2;

		if (zone->changes[mid].at <= at)
			low = mid + 1;
		else
			top = mid;
	}
	ret->from = low ? zone->changes[low - 1].at : LONG_AGO;
	ret->to = low < zone->len ? zone->changes[low].at : NEVER;
	ret->offset = offset_at(zone, low);
	ret->before = offset_at(zone, low ? low - 1 : 0);
}

/* Times must rise; the same offset again is no change. */
static int
zone_add(struct zone *zone, int64_t at, int64_t offset)
{
	if (offset < -OFFSET_TOP || offset > OFFSET_TOP)
		return -EINVAL;
	if (at < LONG_AGO || at > NEVER)
		return -EINVAL;
	if (zone->len && at <= zone->changes[zone->len - 1].at)
		return -EINVAL;
	if (offset_at(zone, zone->len) == offset)
		return 0;
	if (zone->len == CHANGES_TOP)
		return -E2BIG;
	if (zone->len == zone->room) {
		zone->room = zone->room * 2 + 64;
		zone->changes = mem_resize(
			zone->changes, zone->room * sizeof(struct change));
	}
	zone->changes[zone->len++] = (struct change){at, (int32_t)offset};
	return 0;
}

static int64_t
be(const uint8_t *p, size_t len)
{
	uint64_t n = p[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | p[i];
	return (int64_t)n;
}

/* The counts of a TZif header. */
struct head {
	size_t isut, isstd, leap, time, type, chars;
};

static int
head_read(struct slice from, struct head *ret)
{
	const uint8_t *p = (const uint8_t *)from.ptr;
	size_t *to[] = {&ret->isut, &ret->isstd, &ret->leap, &ret->time,
		&ret->type, &ret->chars};

	if (from.len < HEAD || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return -EINVAL;
	for (size_t i = 0; i < array_size(to); i++) {
		int64_t n = be(p + 20 + 4 * i, 4);

		if (n < 0 || n > FILE_TOP)
			return -EINVAL;
		*to[i] = (size_t)n;
	}
	/* Zones that count leap seconds ("right/…") are not POSIX's. */
	return ret->leap || !ret->type ? -EINVAL : 0;
}

/* How long a block is whose times have `size` bytes. */
static size_t
block_size(const struct head *h, size_t size)
{
	return h->time * (size + 1) + h->type * 6 + h->chars + h->isstd +
	       h->isut;
}

static int
block_read(struct zone *zone, const struct head *h, const uint8_t *p)
{
	const uint8_t *index = p + h->time * 8, *types = index + h->time;
	int r;

	if (be(types, 4) < -OFFSET_TOP || be(types, 4) > OFFSET_TOP)
		return -EINVAL;
	zone->first = (int32_t)be(types, 4);
	for (size_t i = 0; i < h->time; i++) {
		if (index[i] >= h->type)
			return -EINVAL;
		r = zone_add(zone, be(p + i * 8, 8),
			be(types + (size_t)index[i] * 6, 4));
		if (r < 0)
			return r;
	}
	return 0;
}

/* The rule of the last line, from the last change of the table on. */
static int
rule_write(struct zone *zone, struct slice text)
{
	int64_t last = zone->len ? zone->changes[zone->len - 1].at : 0;
	int year = last <= 0 ? 1970 : (int)(1970 + last / 31557600) - 1;
	struct zone_rule rule;
	int r = zone_rule_parse(&rule, text);

	if (r < 0)
		return r;
	if (!rule.summer && zone->len == 0)
		zone->first = rule.offset[0];
	for (; rule.summer && year < YEAR_END; year++) {
		int64_t at[2]; /* summer begins, ends */
		int first;

		zone_rule_year(&rule, year, at);
		first = at[1] < at[0];
		for (int i = 0; i < 2; i++) {
			int k = i ^ first;

			if (at[k] <= last)
				continue;
			r = zone_add(zone, at[k], rule.offset[!k]);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int
file_parse(struct zone *zone, struct slice all)
{
	struct head h;
	size_t skip;
	int r = head_read(all, &h);

	if (r < 0)
		return r;
	/* The first block has times of 32 bits: the second says it all. */
	skip = HEAD + block_size(&h, 4);
	if (skip > all.len)
		return -EINVAL;
	all = slice_of(all.ptr + skip, all.len - skip);
	r = head_read(all, &h);
	if (r < 0)
		return r;
	skip = HEAD + block_size(&h, 8);
	if (skip > all.len)
		return -EINVAL;
	r = block_read(zone, &h, (const uint8_t *)all.ptr + HEAD);
	if (r < 0)
		return r;
	all = slice_of(all.ptr + skip, all.len - skip);
	if (all.len < 2 || all.ptr[0] != '\n' || all.ptr[all.len - 1] != '\n')
		return -EINVAL;
	if (all.len == 2)
		return 0;
	return rule_write(zone, slice_of(all.ptr + 1, all.len - 2));
}

int
zone_parse(struct zone **ret, struct slice file, struct fault *why)
{
	_cleanup_(zone_freep) struct zone *zone = mem_new(struct zone);

	if (file_parse(zone, file) < 0)
		return fault_set(why, ERR_PARAM, "not a TZif file");
	*ret = take(zone);
	return 0;
}

static bool
name_is_valid(struct slice name)
{
	if (name.len > 64 || name.ptr[0] == '/' || name.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		/* No dots: no way up. */
		if (!isalnum(c) && !strchr("_+-/", c))
			return false;
	}
	return true;
}

static int
refuse(struct slice name, struct fault *why)
{
	return fault_set(why, ERR_PARAM,
		"time zone \"%.*s\": give a name of the system's tzdata as "
		"Asia/Shanghai, or a distance from UTC as +08:00",
		(int)min(name.len, (size_t)64), name.ptr);
}

static const char *
zone_dir(void)
{
	const char *dir = getenv("TZDIR");

	return dir && *dir ? dir : "/usr/share/zoneinfo";
}

static int
named_open(struct zone **ret, struct slice name, struct fault *why)
{
	_free_ char *path = NULL, *bytes = NULL;
	_close_ int fd = -1;
	struct stat st;
	ssize_t n;

	path = str_printf("%s/%.*s", zone_dir(), SLICE_ARG(name));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && access(zone_dir(), F_OK) < 0)
		return fault_set(why, ERR_PARAM,
			"time zone \"%.*s\": this machine has no %s; install "
			"the package tzdata, or give a distance from UTC as "
			"+08:00",
			SLICE_ARG(name), zone_dir());
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return refuse(name, why);
	bytes = mem_alloc(FILE_TOP);
	n = read(fd, bytes, FILE_TOP);
	if (n <= 0 || zone_parse(ret, slice_of(bytes, (size_t)n), NULL) < 0)
		return refuse(name, why);
	return 0;
}

/* "+08:00", "-0330", "+8", each with "UTC" before it or not. */
static int
distance_parse(struct slice text, int32_t *ret)
{
	struct slice hours, minutes;
	uint64_t h, m = 0;
	bool west;

	if (slice_starts(text, "UTC"))
		text = slice_of(text.ptr + 3, text.len - 3);
	if (text.len < 2 || (text.ptr[0] != '+' && text.ptr[0] != '-'))
		return -EINVAL;
	west = text.ptr[0] == '-';
	minutes = slice_of(text.ptr + 1, text.len - 1);
	if (memchr(minutes.ptr, ':', minutes.len)) {
		(void)slice_split(&minutes, ':', &hours);
		if (minutes.len != 2)
			return -EINVAL;
	} else {
		size_t digits = minutes.len > 2 ? minutes.len - 2 : minutes.len;

		hours = slice_of(minutes.ptr, digits);
		minutes = slice_of(minutes.ptr + digits, minutes.len - digits);
	}
	if (hours.len > 2 || slice_to_u64(hours, 14, &h) < 0 ||
		(minutes.len && slice_to_u64(minutes, 59, &m) < 0))
		return -EINVAL;
	*ret = (int32_t)(h * 3600 + m * 60) * (west ? -1 : 1);
	return 0;
}

int
zone_open(struct zone **ret, struct slice name, struct fault *why)
{
	_cleanup_(zone_freep) struct zone *zone = mem_new(struct zone);

	zone->first = UTC8;
	if (name.len > 0 && !slice_is(name, "UTC") &&
		distance_parse(name, &zone->first) < 0) {
		if (!name_is_valid(name))
			return refuse(name, why);
		return named_open(ret, name, why);
	}
	if (slice_is(name, "UTC"))
		zone->first = 0;
	*ret = take(zone);
	return 0;
}
