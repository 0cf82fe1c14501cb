#pragma once

/*
 * A project as CloudBase lays it out: cloudbaserc.json with its functions, the
 * function root with a folder each, and database/NAME.json for collections.
 */

#include "base/val.h"

struct project {
	char *dir;     /* absolute */
	char *root;    /* absolute path of the function folders */
	json_t *file;  /* cloudbaserc.json, {} when there is none */
	json_t *names; /* the functions' names, sorted */
};

int project_open(
	struct project *ret, const char *dir, struct fault *why) _must_check_;
void project_close(struct project *p);
/* Whether it has a function of this name. */
bool project_has(const struct project *p, const char *name);
/* Names members of cloudbaserc.json that mean nothing to us, on standard error:
 * most are misspelled. */
void project_warn(const struct project *p);
/* The function's folder (its "dir", else its name under the root). */
char *project_folder(const struct project *p, const char *name) _returns_value_;
/* Its entry of cloudbaserc.json, the file's functionDefaultConfig and an older
 * file's "config" behind it; NULL when it has none.  Borrowed. */
json_t *project_entry(const struct project *p, const char *name);
/* The folder of what functions share ("common" of the project or of the root,
 * where that is no function), NULL when there is none; the caller frees. */
char *project_common(const struct project *p);
/* The folders of an entry's layers, in their order: layers/NAME of the project.
 * An array of paths; an error when one is not there. */
int project_layers(const struct project *p, const char *name, json_t **ret,
	struct fault *why) _must_check_;
/* storage/rules.json; NULL when there is none. */
int project_storage(
	const struct project *p, json_t **ret, struct fault *why) _must_check_;
/* The files of database/ as {name: content}; {} when there is no such folder.
 */
int project_collections(
	const struct project *p, json_t **ret, struct fault *why) _must_check_;

/* project_env.c: {{env.NAME}} of the functions' entries. */
int project_fill(struct project *p, struct fault *why) _must_check_;
