/*
 * The configuration file.  Everything that is known of a setting is its row in
 * conf.def; the code here knows types, not settings.  A value is read into a
 * fresh struct conf, so that a bad file changes nothing.
 */
#include "base/conf.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/paths.h"
#include "base/quantity.h"
#include "base/sock.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_TOP = 256 * 1024 };

const struct conf_row conf_rows[] = {
#define X(section, name, type, low, high, preset, unit, reload, text) \
	{#section, #name, type, low, high, preset, unit, reload, text, \
		offsetof(struct conf, section##_##name)},
#include "base/conf.def"
#undef X
};

const size_t conf_count = array_size(conf_rows);

enum { ROWS = array_size(conf_rows) };

static bool
is_string(const struct conf_row *row)
{
	return row->type == CONF_TEXT || row->type == CONF_PATH ||
	       row->type == CONF_ADDRESSES || row->type == CONF_CHOICE;
}

static void *
field(const struct conf *conf, const struct conf_row *row)
{
	return (char *)(uintptr_t)conf + row->at;
}

static char *
number_text(const struct conf_row *row, int64_t n)
{
	struct buf b;

	buf_init(&b, 64);
	if (row->type == CONF_TIME_MS)
		quantity_put_time(&b, n);
	else if (row->type == CONF_BYTES)
		quantity_put_bytes(&b, n);
	else
		buf_i64(&b, n);
	return b.ptr;
}

static int
set_number(int64_t *at, const struct conf_row *row, struct slice value,
	struct fault *why)
{
	const char *form = "a number";
	uint64_t n;
	int64_t got = 0;
	int r;

	if (row->type == CONF_TIME_MS) {
		form = "a time with its unit: 500ms, 10s, 5m, 2h, 30d";
		r = quantity_time(value, &got);
	} else if (row->type == CONF_BYTES) {
		form = "a size: 4096, 4k, 6m, 1g";
		r = quantity_bytes(value, &got);
	} else {
		r = slice_to_u64(value, INT64_MAX, &n);
		if (r == 0)
			got = (int64_t)n;
	}
	if (r == -EINVAL)
		return fault_set(why, ERR_CONFIG, "must be %s", form);
	if (r < 0 || got < row->low || got > row->high) {
		_free_ char *low = number_text(row, row->low);
		_free_ char *high = number_text(row, row->high);

		return fault_set(
			why, ERR_CONFIG, "must be from %s to %s", low, high);
	}
	*at = got;
	return 0;
}

static int
set_bool(bool *at, struct slice value, struct fault *why)
{
	static const char *const words[] = {
		"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < array_size(words); i++)
		if (slice_is_nocase(value, words[i])) {
			*at = i % 2;
			return 0;
		}
	return fault_set(why, ERR_CONFIG, "must be yes or no");
}

static int
check_addresses(struct slice value, struct fault *why)
{
	struct slice rest = value, word;

	while (slice_split(&rest, ' ', &word)) {
		_free_ char *address = str_ndup(word.ptr, word.len);

		if (word.len && sock_check(address, why) < 0)
			return ERR_CONFIG;
	}
	return 0;
}

static int
check_choice(const struct conf_row *row, struct slice value, struct fault *why)
{
	struct slice rest = slice_str(row->unit), word;

	while (slice_split(&rest, '|', &word))
		if (slice_eq(word, value))
			return 0;
	return fault_set(why, ERR_CONFIG, "must be one of %s", row->unit);
}

static int
set_string(char **at, const struct conf_row *row, struct slice value,
	struct fault *why)
{
	int r = 0;

	if (row->type == CONF_PATH && value.len && value.ptr[0] != '/')
		r = fault_set(why, ERR_CONFIG, "must be a path from / on");
	else if (row->type == CONF_ADDRESSES)
		r = check_addresses(value, why);
	else if (row->type == CONF_CHOICE)
		r = check_choice(row, value, why);
	if (r < 0)
		return r;
	free(*at);
	*at = str_ndup(value.ptr, value.len);
	return 0;
}

static int
conf_set(struct conf *conf, const struct conf_row *row, struct slice value,
	struct fault *why)
{
	void *at = field(conf, row);

	if (is_string(row))
		return set_string(at, row, value, why);
	if (row->type == CONF_BOOL)
		return set_bool(at, value, why);
	return set_number(at, row, value, why);
}

struct conf *
conf_new(void)
{
	struct conf *conf = mem_new(struct conf);

	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		int r = conf_set(conf, row, slice_str(row->preset), NULL);

		assert(r == 0);
		(void)r;
	}
	return conf;
}

struct conf *
conf_free(struct conf *conf)
{
	if (!conf)
		return NULL;
	for (size_t i = 0; i < conf_count; i++)
		if (is_string(&conf_rows[i]))
			free(*(char **)field(conf, &conf_rows[i]));
	while (conf->more) {
		struct conf *next = conf->more->next;

		(void)conf_free(conf->more);
		conf->more = next;
	}
	free(conf->title);
	return mem_free(conf);
}

const struct conf *
conf_more(
	const struct conf *conf, const char *section, const struct conf *after)
{
	const struct conf *c = after ? after->next : conf->more;

	while (c && strcmp(c->section, section) != 0)
		c = c->next;
	return c;
}

char *
conf_show(const struct conf *conf, const struct conf_row *row)
{
	const void *at = field(conf, row);

	if (is_string(row))
		return str_dup(*(char *const *)at);
	if (row->type == CONF_BOOL)
		return str_dup(*(const bool *)at ? "yes" : "no");
	return number_text(row, *(const int64_t *)at);
}

static const struct conf_row *
row_find(struct slice section, struct slice name)
{
	for (size_t i = 0; i < conf_count; i++)
		if (slice_is(section, conf_rows[i].section) &&
			slice_is(name, conf_rows[i].name))
			return &conf_rows[i];
	return NULL;
}

const struct conf_row *
conf_find(const char *section_dot_name)
{
	struct slice name = slice_str(section_dot_name), section;

	if (!slice_split(&name, '.', &section))
		return NULL;
	return row_find(section, name);
}

/* The row whose name is nearest; one of the same section is nearer. */
static const struct conf_row *
row_near(struct slice section, struct slice name)
{
	const struct conf_row *best = NULL;
	size_t least = max(name.len / 2, (size_t)2) * 2 + 1;

	for (size_t i = 0; i < conf_count; i++) {
		const struct conf_row *row = &conf_rows[i];
		size_t d = slice_distance(name, slice_str(row->name));

		if (d == SIZE_MAX)
			continue;
		d = d * 2 + !slice_is(section, row->section);
		if (d < least) {
			least = d;
			best = row;
		}
	}
	return best;
}

static int
unknown(struct slice section, struct slice name, struct fault *why)
{
	const struct conf_row *near = row_near(section, name);

	if (!near)
		return fault_set(why, ERR_CONFIG, "no such setting");
	return fault_set(why, ERR_CONFIG,
		"no such setting; did you mean %s.%s?", near->section,
		near->name);
}

/* Where the parser stands. */
struct reader {
	struct conf *conf; /* the whole */
	struct conf *into; /* the whole, or a section with a name */
	struct slice section;
	unsigned line;
	unsigned set_in[ROWS];  /* the line each setting was found in, or 0 */
	unsigned more_in[ROWS]; /* the same of the section with a name */
};

/* Sections that may have a name, and the setting that the name is; without one
 * it is a name for people, and the section must have it. */
static const struct {
	const char *section, *setting;
} named[] = {{"wechat", "appid"}, {"pay", "mchid"}, {"tls", NULL}};

enum { TITLE_TOP = 64, MORE_TOP = 64 };

static int
title_check(struct reader *in, struct slice title, struct fault *why)
{
	unsigned count = 0;

	for (size_t i = 0; i < title.len; i++)
		if (!strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN"
			    "OPQRSTUVWXYZ_-",
			    title.ptr[i]))
			return fault_set(why, ERR_CONFIG,
				"a section's name is of letters and digits");
	if (title.len > TITLE_TOP)
		return fault_set(why, ERR_CONFIG,
			"a section's name has %d characters at most",
			TITLE_TOP);
	for (const struct conf *c = in->conf->more; c; c = c->next, count++)
		if (slice_is(in->section, c->section) &&
			slice_is(title, c->title))
			return fault_set(why, ERR_CONFIG,
				"[%s %s] is there already", c->section,
				c->title);
	if (count >= MORE_TOP)
		return fault_set(why, ERR_CONFIG,
			"more than %d sections with a name", MORE_TOP);
	return 0;
}

/* "[pay 1900000001]": a conf of its own at the list's end. */
static int
more_add(struct reader *in, struct slice title, struct fault *why)
{
	struct conf **at = &in->conf->more;
	int r = title_check(in, title, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < array_size(named); i++) {
		const struct conf_row *row;

		if (!slice_is(in->section, named[i].section))
			continue;
		while (*at)
			at = &(*at)->next;
		in->into = *at = conf_new();
		in->into->section = named[i].section;
		in->into->title = str_ndup(title.ptr, title.len);
		memset(in->more_in, 0, sizeof(in->more_in));
		if (!named[i].setting)
			return 0;
		row = row_find(in->section, slice_str(named[i].setting));
		in->more_in[row - conf_rows] = in->line;
		return conf_set(in->into, row, title, why);
	}
	return fault_set(why, ERR_CONFIG,
		"[%.*s] takes no name; [wechat APPID], [pay MCHID] and "
		"[tls NAME] do",
		SLICE_ARG(in->section));
}

/* A sandbox plays them all. */
static void
more_inherit(struct conf *conf)
{
	for (struct conf *c = conf->more; c; c = c->next) {
		struct {
			char **to;
			const char *from, *preset;
		} rows[] = {
			{&c->wechat_api_base, conf->wechat_api_base,
				conf_find("wechat.api_base")->preset},
			{&c->pay_api_base, conf->pay_api_base,
				conf_find("pay.api_base")->preset},
			{&c->pay_api_backup, conf->pay_api_backup,
				conf_find("pay.api_backup")->preset},
		};

		for (size_t i = 0; i < array_size(rows); i++)
			if (strcmp(*rows[i].to, rows[i].preset) == 0) {
				free(*rows[i].to);
				*rows[i].to = str_dup(rows[i].from);
			}
	}
}

static int
read_section(struct reader *in, struct slice line, struct fault *why)
{
	struct slice near = {NULL, 0}, name, title;
	size_t least = 3;

	if (line.ptr[line.len - 1] != ']')
		return fault_set(why, ERR_CONFIG, "']' is missing");
	title = slice_trim(slice_of(line.ptr + 1, line.len - 2));
	(void)slice_split(&title, ' ', &name);
	title = slice_trim(title);
	for (size_t i = 0; i < conf_count; i++) {
		struct slice known = slice_str(conf_rows[i].section);
		size_t d = slice_distance(name, known);

		if (d == 0) {
			in->section = name;
			in->into = in->conf;
			return title.len ? more_add(in, title, why) : 0;
		}
		if (d < least) {
			least = d;
			near = known;
		}
	}
	if (near.ptr)
		return fault_set(why, ERR_CONFIG,
			"no section [%.*s]; did you mean [%.*s]?",
			SLICE_ARG(slice_of(name.ptr, min(name.len, 64UL))),
			SLICE_ARG(near));
	return fault_set(why, ERR_CONFIG, "no section [%.*s]",
		SLICE_ARG(slice_of(name.ptr, min(name.len, 64UL))));
}

/* " #" or " ;": what other programs read as a comment would be part of a path
 * or a name here.  A connection string's own quotes may hold one. */
static bool
has_comment(const struct reader *in, struct slice value)
{
	if (slice_is(in->section, "database"))
		return false;
	for (size_t i = 1; i < value.len; i++)
		if ((value.ptr[i] == '#' || value.ptr[i] == ';') &&
			(value.ptr[i - 1] == ' ' || value.ptr[i - 1] == '\t'))
			return true;
	return false;
}

static int
read_value(struct reader *in, struct slice name, struct slice value,
	struct fault *why)
{
	const struct conf_row *row = row_find(in->section, name);
	unsigned *set_in;

	if (!row)
		return unknown(in->section, name, why);
	if (in->into == in->conf && value.len && slice_is(in->section, "tls"))
		return fault_set(why, ERR_CONFIG,
			"the section needs a name: [tls shop]");
	set_in = in->into == in->conf ? in->set_in : in->more_in;
	set_in += row - conf_rows;
	if (*set_in)
		return fault_set(
			why, ERR_CONFIG, "was set in line %u already", *set_in);
	*set_in = in->line;
	if (has_comment(in, value))
		return fault_set(why, ERR_CONFIG,
			"a comment stands on a line of its own, not behind a "
			"value");
	return conf_set(in->into, row, value, why);
}

static int
read_setting(struct reader *in, struct slice line, struct fault *why)
{
	struct slice rest = line, name;
	int r;

	(void)slice_split(&rest, '=', &name);
	name = slice_trim(name);
	name.len = min(name.len, 64UL);
	if (!rest.ptr || !name.len)
		return fault_set(why, ERR_CONFIG,
			"neither [section], name = value nor ; comment");
	if (!in->section.ptr)
		return fault_set(why, ERR_CONFIG,
			"%.*s: stands before the first [section]",
			SLICE_ARG(name));
	r = read_value(in, name, slice_trim(rest), why);
	if (r < 0)
		return fault_prefix(why, r,
			"%.*s.%.*s: ", SLICE_ARG(in->section), SLICE_ARG(name));
	return 0;
}

static int
read_line(struct reader *in, struct slice line, struct fault *why)
{
	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len && memchr(line.ptr, '\0', line.len))
		return fault_set(why, ERR_CONFIG, "a NUL byte");
	line = slice_trim(line);
	if (!line.len || line.ptr[0] == ';' || line.ptr[0] == '#')
		return 0;
	if (line.ptr[0] == '[')
		return read_section(in, line, why);
	return read_setting(in, line, why);
}

int
conf_parse(struct conf **ret, const char *name, struct slice text,
	struct fault *why)
{
	_cleanup_(conf_freep) struct conf *conf = NULL;
	struct reader in = {0};
	struct slice line;
	int r;

	if (text.len > FILE_TOP)
		return fault_set(
			why, ERR_CONFIG, "%s: larger than 256 KiB", name);
	if (slice_starts(text, "\xef\xbb\xbf")) /* an editor's mark */
		text = slice_of(text.ptr + 3, text.len - 3);
	in.conf = in.into = conf = conf_new();
	while (slice_split(&text, '\n', &line)) {
		in.line++;
		r = read_line(&in, line, why);
		if (r < 0)
			return fault_prefix(why, r, "%s:%u: ", name, in.line);
	}
	more_inherit(conf);
	*ret = take(conf);
	return 0;
}

int
conf_load(struct conf **ret, const char *path, struct fault *why)
{
	_free_ char *text = NULL;
	size_t len;
	int r;

	r = file_read(path, FILE_TOP, &text, &len, why);
	return r < 0 ? r : conf_parse(ret, path, slice_of(text, len), why);
}
