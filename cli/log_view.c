/*
 * One line: chosen and shown.  What a function printed may be what a stranger
 * sent it, so nothing in it may command the operator's terminal.
 */
#include "cli/log_view.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/val.h"

#include <stdlib.h>
#include <string.h>

static const char *const levels[] = {"debug", "info", "warn", "error"};

#define DIM    "\033[2m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

int
log_view_level(const char *word, int *ret)
{
	for (size_t i = 0; i < array_size(levels); i++)
		if (slice_is_nocase(slice_str(word), levels[i])) {
			*ret = (int)i;
			return 0;
		}
	return ERR_PARAM;
}

static int64_t
unit_of(char c)
{
	switch (c) {
	case 's':
		return CLOCK_S;
	case 'm':
		return 60 * CLOCK_S;
	case 'h':
		return 3600 * CLOCK_S;
	case 'd':
		return 86400 * CLOCK_S;
	default:
		return 0;
	}
}

int
log_view_since(struct log_view *v, const char *word, struct fault *why)
{
	struct slice s = slice_str(word);
	int64_t unit = s.len > 1 ? unit_of(s.ptr[s.len - 1]) : 0, at;
	_buf_ struct buf text = {0};
	uint64_t n;

	if (unit && slice_to_u64(slice_of(s.ptr, s.len - 1), 100000, &n) == 0)
		at = clock_now() - (int64_t)n * unit;
	else if (text_untime(s, &at) < 0)
		return fault_set(why, ERR_PARAM,
			"--since: \"%s\" is neither a while as 90s, 10m, 2h, "
			"3d nor a time as 2026-11-20T23:47:04Z",
			word);
	buf_init(&text, sizeof(v->since));
	text_time(&text, at);
	memcpy(v->since, text.ptr, min(text.len, sizeof(v->since) - 1));
	return 0;
}

bool
log_view_selects(const struct log_view *v)
{
	return v->level > 0 || v->request || v->text || *v->since;
}

/* Its place is the first in a line of ours: no need to parse them all. */
struct slice
log_view_time(struct slice line)
{
	static const char head[] = "{\"time\":\"";
	const size_t n = sizeof(head) - 1;
	const char *end;

	if (line.len < n || memcmp(line.ptr, head, n) != 0)
		return SLICE("");
	end = memchr(line.ptr + n, '"', line.len - n);
	return slice_of(line.ptr + n, end ? (size_t)(end - line.ptr) - n : 0);
}

static int
level_of(const json_t *v)
{
	int level = 1;

	(void)!log_view_level(val_text(v, "level"), &level);
	return level;
}

bool
log_view_takes(const struct log_view *v, struct slice line)
{
	struct slice time = log_view_time(line);
	_json_ json_t *o = NULL;

	if (*v->since &&
		memcmp(time.ptr, v->since, min(time.len, strlen(v->since))) < 0)
		return false;
	if (!v->level && !v->request && !v->text)
		return true;
	if (val_parse(&o, line, NULL) < 0)
		return false;
	if (level_of(o) < v->level)
		return false;
	if (v->request && !strstr(val_text(o, "requestId"), v->request))
		return false;
	return !v->text || strcasestr(val_text(o, "message"), v->text);
}

/* C1 controls are 0xc2 0x80 to 0xc2 0x9f.  Lines after the first stand in. */
static void
print_text(const char *text, FILE *to)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0;

		if (c1)
			at++;
		if (*at == '\n' && at[1])
			(void)fputs("\n    ", to);
		else if (c1 || *at == 0x7f ||
			 (*at < 0x20 && *at != '\n' && *at != '\t'))
			(void)fprintf(to, "\\x%02x", *at);
		else
			(void)putc(*at, to);
	}
}

static const char *
colour_of(const struct log_view *v, const json_t *o)
{
	int level = level_of(o);

	if (!v->colour)
		return "";
	if (level >= 3)
		return RED;
	if (level == 2)
		return YELLOW;
	return level == 0 || json_object_get(o, "kind") ? DIM : "";
}

bool
log_view_ends(const struct log_view *v, struct slice line)
{
	_json_ json_t *o = NULL;

	return v->last && val_parse(&o, line, NULL) == 0 &&
	       json_object_get(o, "kind") &&
	       !strncmp(val_text(o, "message"), v->last, strlen(v->last));
}

void
log_view_print(const struct log_view *v, struct slice line)
{
	FILE *to = v->to ? v->to : stdout;
	_json_ json_t *o = NULL;
	const char *colour;

	if (v->json || val_parse(&o, line, NULL) < 0) {
		(void)fwrite(line.ptr, 1, line.len, to);
		(void)putc('\n', to);
		return;
	}
	colour = colour_of(v, o);
	(void)fprintf(to, "%s%s%s %s%-5s%s ", v->colour ? DIM : "",
		val_text(o, "time"), v->colour ? PLAIN : "", colour,
		val_text(o, "level"), *colour ? PLAIN : "");
	if (v->names)
		(void)fprintf(to, "%s ", val_text(o, "function"));
	(void)fprintf(to, "%s%s%s  %s", v->colour ? DIM : "",
		val_text(o, "requestId"), v->colour ? PLAIN : "", colour);
	print_text(val_text(o, "message"), to);
	(void)fputs(*colour ? PLAIN "\n" : "\n", to);
}
