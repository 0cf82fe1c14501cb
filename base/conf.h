#pragma once

/*
 * mpcloud.conf: INI, every setting one row of conf.def with type, range,
 * default, unit, what a reload does, and its manual text.  A bad file changes
 * nothing and says where it is wrong ("mpcloud.conf:12: server.gateways: …").
 *
 * Further mini programs, merchants and certificates have sections with a name:
 * [wechat APPID], [pay MCHID], [tls NAME].
 */

#include "base/err.h"
#include "base/slice.h"

enum conf_type {
	CONF_INT,
	CONF_BOOL,
	CONF_TEXT,
	CONF_PATH,
	CONF_ADDRESSES,
	CONF_TIME_MS,
	CONF_BYTES,
	CONF_CHOICE
};

struct conf_row {
	const char *section, *name;
	enum conf_type type;
	int64_t low, high;
	const char *preset; /* default, as it would be written */
	const char *unit;   /* a CONF_CHOICE's words, with | between them */
	bool reload;        /* a reload takes it up; else a restart does */
	const char *text;   /* manual: whole sentences */
	size_t at;          /* offset in struct conf */
};

/* Generated from conf.def: conf->server_listen, conf->limits_body … */
struct conf {
#define X(section, name, type, low, high, preset, unit, reload, text) \
	CONF_C_##type section##_##name;
#define CONF_C_CONF_INT       int64_t
#define CONF_C_CONF_BOOL      bool
#define CONF_C_CONF_TEXT      char *
#define CONF_C_CONF_PATH      char *
#define CONF_C_CONF_ADDRESSES char *
#define CONF_C_CONF_TIME_MS   int64_t
#define CONF_C_CONF_BYTES     int64_t
#define CONF_C_CONF_CHOICE    char *
#include "base/conf.def"
#undef X
#undef CONF_C_CONF_INT
#undef CONF_C_CONF_BOOL
#undef CONF_C_CONF_TEXT
#undef CONF_C_CONF_PATH
#undef CONF_C_CONF_ADDRESSES
#undef CONF_C_CONF_TIME_MS
#undef CONF_C_CONF_BYTES
#undef CONF_C_CONF_CHOICE

	/* Sections with a name, in the file's order; NULL in those themselves.
	 */
	struct conf *more;
	/* This one is such a section: which, its name (wechat_appid or
	 * pay_mchid has it too), the next one.  Only that section's settings
	 * count.  What it does not say is the default, but for api_base and
	 * api_backup, which are the unnamed section's. */
	const char *section;
	char *title;
	struct conf *next;
};

extern const struct conf_row conf_rows[];
extern const size_t conf_count;

struct conf *conf_new(void) _returns_value_; /* the defaults */
struct conf *conf_free(struct conf *conf);
DEFINE_CLEANUP(struct conf *, conf_free)

/* `name` is for messages. */
int conf_parse(struct conf **ret, const char *name, struct slice text,
	struct fault *why) _must_check_;
int conf_load(
	struct conf **ret, const char *path, struct fault *why) _must_check_;
/* One setting as it would be written in the file. */
char *conf_show(
	const struct conf *conf, const struct conf_row *row) _returns_value_;
/* The first section with a name after `after` (NULL: from the start) that is
 * one of `section`; NULL: no more. */
const struct conf *conf_more(
	const struct conf *conf, const char *section, const struct conf *after);
const struct conf_row *conf_find(const char *section_dot_name);
