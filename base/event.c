/*
 * Events: a line is built whole and leaves by one write, so that the lines of
 * several processes on one stderr never mix.  A value too long for a log is
 * cut; a pair that does not fit any more is left out rather than the line.
 */
#include "base/event.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_TOP = 64 * 1024, VALUE_TOP = 2048, INT_MARK = '\x01' };

static const struct {
	enum event_level level;
	const char *wire;
} rows[] = {
#define X(name, level, wire, text) {level, wire},
#include "base/event.def"
#undef X
};

static const char *const levels[] = {"debug", "info", "warn", "error"};

static _Atomic uint64_t counts[EVENT_COUNT_];
static const char *process = "mpcloud";
static enum event_level threshold = EVENT_INFO;

void
event_init(const char *who, enum event_level least)
{
	static char room[64];

	(void)snprintf(room, sizeof(room), "%s", who);
	process = room;
	threshold = least;
}

uint64_t
event_count(enum event_name name)
{
	return atomic_load_explicit(&counts[name], memory_order_relaxed);
}

const char *
event_wire(enum event_name name)
{
	return rows[name].wire;
}

const char *
event_int(int64_t n, char *room)
{
	(void)snprintf(room, 24, "%c%" PRId64, INT_MARK, n);
	return room;
}

/* Marked by event_int.  Looked at closely: a stranger's text that begins with
 * the mark must not get into the line unquoted. */
static bool
is_number(const char *value)
{
	size_t digits;

	if (*value++ != INT_MARK)
		return false;
	if (*value == '-')
		value++;
	digits = strspn(value, "0123456789");
	return digits > 0 && digits < 20 && value[digits] == '\0';
}

static void
put_pair(struct buf *line, const char *key, const char *value)
{
	struct slice text = {value, strnlen(value, VALUE_TOP)};

	/* A byte is six at the most when escaped. */
	if (line->len + strlen(key) + 6 * text.len + 16 > line->ceiling)
		return;
	buf_str(line, ",\"");
	buf_str(line, key);
	buf_str(line, "\":");
	if (is_number(value))
		buf_str(line, value + 1);
	else
		buf_json(line, text);
}

static void
put_head(struct buf *line, enum event_name name)
{
	buf_str(line, "{\"time\":\"");
	text_time(line, clock_now());
	buf_str(line, "\",\"level\":\"");
	buf_str(line, levels[rows[name].level]);
	buf_str(line, "\",\"event\":\"");
	buf_str(line, rows[name].wire);
	buf_str(line, "\",\"who\":");
	buf_json(line, slice_str(process));
}

void
event(enum event_name name, ...)
{
	_buf_ struct buf line = {0};
	const char *key;
	va_list ap;

	atomic_fetch_add_explicit(&counts[name], 1, memory_order_relaxed);
	if (rows[name].level < threshold)
		return;
	buf_init(&line, LINE_TOP);
	put_head(&line, name);
	va_start(ap, name);
	while ((key = va_arg(ap, const char *))) {
		const char *value = va_arg(ap, const char *);

		if (value)
			put_pair(&line, key, value);
	}
	va_end(ap);
	buf_str(&line, "}\n");
	event_raw(buf_all(&line));
}

void
event_raw(struct slice line)
{
	while (line.len) {
		ssize_t n = write(STDERR_FILENO, line.ptr, line.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* a log that is gone must not stop us */
		line.ptr += n;
		line.len -= (size_t)n;
	}
}
