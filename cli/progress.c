/*
 * The rate is that of the whole run, which jumps less than that of the last
 * second, so that the time left means something.
 */
#include "cli/progress.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 20, LINE_TOP = 1024 };
static const int64_t OFTEN = 100 * CLOCK_MS, SELDOM = 5 * CLOCK_S;

const char *
progress_number(int64_t n)
{
	static char rooms[8][32];
	static unsigned turn;
	char digits[24], *to = rooms[turn++ % array_size(rooms)], *at = to;
	int len = snprintf(digits, sizeof(digits), "%" PRId64, n);

	for (int i = 0; i < len; i++) {
		if (i > (n < 0) && (len - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = '\0';
	return to;
}

const char *
progress_count(int64_t n, const char *unit)
{
	static char rooms[4][48];
	static unsigned turn;
	char *to = rooms[turn++ % array_size(rooms)];

	(void)snprintf(to, sizeof(rooms[0]), "%s %s%s", progress_number(n),
		unit, n == 1 ? "" : "s");
	return to;
}

const char *
progress_documents(int64_t n)
{
	return progress_count(n, "document");
}

void
progress_begin(struct progress *p)
{
	p->began = p->said = clock_mono();
	p->first = p->done;
	p->before = p->documents;
	p->is_terminal = isatty(STDERR_FILENO);
}

double
progress_seconds(const struct progress *p)
{
	return (double)(clock_mono() - p->began) / (double)CLOCK_S;
}

double
progress_rate(const struct progress *p)
{
	double s = progress_seconds(p);

	return (double)(p->documents - p->before) / (s > 0.001 ? s : 0.001);
}

static void
put_amount(struct buf *to, const struct progress *p)
{
	buf_printf(to, "%s: %s", p->name,
		progress_count(p->documents, p->unit ? p->unit : "document"));
	if (p->by_bytes)
		buf_printf(to, ", %.1f", (double)p->done / 1e6);
	if (p->by_bytes && p->total > 0)
		buf_printf(to, " of %.1f", (double)p->total / 1e6);
	if (p->by_bytes)
		buf_str(to, " MB");
	buf_printf(to, ", %s/s", progress_number((int64_t)progress_rate(p)));
}

/* "1:02:03" or "2:03". */
static void
put_time(struct buf *to, int64_t s)
{
	if (s >= 3600)
		buf_printf(to, "%lld:%02lld:%02lld", (long long)(s / 3600),
			(long long)(s / 60 % 60), (long long)(s % 60));
	else
		buf_printf(to, "%lld:%02lld", (long long)(s / 60),
			(long long)(s % 60));
}

static void
put_bar(struct buf *to, double part)
{
	int full = (int)(part * BAR);

	buf_str(to, " [");
	for (int i = 0; i < BAR; i++)
		buf_char(to, i < full ? '=' : i == full ? '>' : ' ');
	buf_char(to, ']');
}

static void
put_part(struct buf *to, const struct progress *p, bool bar)
{
	double done = (double)p->done, total = (double)p->total;
	double part = done < total ? done / total : 1;
	double speed = (done - (double)p->first) / progress_seconds(p);

	buf_printf(to, ", %d%%", (int)(part * 100));
	if (bar)
		put_bar(to, part);
	if (speed <= 0)
		return;
	buf_str(to, bar ? " " : ", ");
	put_time(to, (int64_t)((total - min(done, total)) / speed + 0.5));
	buf_str(to, " left");
}

static size_t
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}

/* On one line of the terminal, or it could not be written over: the bar goes
 * first, then the end. */
static void
show_line(const struct progress *p)
{
	size_t width = p->is_terminal ? terminal_width() : LINE_TOP;
	_buf_ struct buf line = {0};

	buf_init(&line, LINE_TOP);
	put_amount(&line, p);
	if (p->total > 0)
		put_part(&line, p,
			p->is_terminal && line.len + BAR + 24 < width);
	if (p->is_terminal)
		(void)fprintf(stderr, "\r%.*s\033[K",
			(int)min(line.len, width - 1), line.ptr);
	else
		(void)fprintf(stderr, "%s\n", line.ptr);
	(void)fflush(stderr);
}

void
progress_show(struct progress *p)
{
	int64_t now = clock_mono();

	if (p->quiet || now - p->said < (p->is_terminal ? OFTEN : SELDOM))
		return;
	p->said = now;
	show_line(p);
	p->is_shown = p->is_terminal;
}

void
progress_clear(struct progress *p)
{
	if (p->is_shown)
		(void)fputs("\r\033[K", stderr);
	p->is_shown = false;
}
