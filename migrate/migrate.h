#pragma once

/*
 * `mpcloud migrate check`: what a wx.cloud project uses, and how that stands
 * here.  Files are read and never run.
 *
 * The one idea is a scope: the kind of a value, as far as one file's text tells
 * it.  wx.cloud.database() is a DB, and what a DB's names lead to stands in
 * migrate.def.  Names that are given such a value carry its scope through the
 * file, and so do members of that name.
 */

#include "base/err.h"
#include "base/slice.h"

#include <jansson.h>

enum migrate_scope {
#define SCOPE(name, word) SCOPE_##name,
#include "migrate/migrate.def"
	SCOPE_COUNT_
};

enum migrate_state { MIGRATE_NO, MIGRATE_DIFFERS, MIGRATE_YES };

struct migrate_row {
	enum migrate_scope scope, result;
	const char *names; /* words between spaces */
	enum migrate_state state;
	const char *note;
};

extern const struct migrate_row migrate_rows[];
extern const size_t migrate_row_count;

/* The row that has `name` among its names; NULL. */
const struct migrate_row *migrate_find(
	enum migrate_scope scope, struct slice name);
/* What that name leads to. */
enum migrate_scope migrate_leads(enum migrate_scope scope, struct slice name);
/* "wx.cloud." */
const char *migrate_word(enum migrate_scope scope) _returns_value_;

/*
 * What was found: an object of items by their names,
 * {"wx.cloud.init": {"state": "differs", "note": …, "places": [{"file",
 * "line"}]}}, in "apis"; and what is wrong with a file, [{"file", "why"}], in
 * "problems".
 */
struct migrate {
	json_t *apis, *problems;
	const char *file; /* that is being read */
	bool in_function; /* it is of a function, not of a page */
	size_t files, functions;
	size_t strange; /* files of kinds that are not read: .vue, .tsx */
};

void migrate_init(struct migrate *m);
void migrate_done(struct migrate *m);
/* One use; `scope` and `name` need not have a row: then it is unknown. */
void migrate_add(struct migrate *m, enum migrate_scope scope, struct slice name,
	unsigned line);
void migrate_problem(struct migrate *m, const char *why);

/* migrate_scan.c: a file's JavaScript or TypeScript. ERR_PARAM: it is none;
 * what was found before that stays. */
int migrate_scan(
	struct migrate *m, struct slice text, struct fault *why) _must_check_;
/* cloud:// in text that is no JavaScript. */
void migrate_scan_text(struct migrate *m, struct slice text);

/* migrate_file.c: a JSON file that CloudBase or WeChat gives a meaning, by its
 * name; others are passed over. */
int migrate_json(struct migrate *m, const char *name, struct slice text,
	struct fault *why) _must_check_;

/* migrate_tree.c: all of a folder. */
int migrate_tree(
	struct migrate *m, const char *folder, struct fault *why) _must_check_;
