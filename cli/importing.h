#pragma once

/*
 * One run of `mpcloud db import`: its options, one file after the other, and
 * what is said at the end.
 */

#include "cli/import.h"

struct importing {
	struct cli *cli;
	struct import_conf conf; /* collection and path: of the file's turn */
	json_t *report, *ids;    /* of the files that are in */
	int64_t refused;         /* documents */
	int64_t failed;          /* indexes */
};

/* g->conf.collection, made when absent; definition: {"permission", "rules",
 * "indexes"} or NULL. */
int importing_define(struct importing *g, json_t *definition) _must_check_;
/* g->conf.path into g->conf.collection; tells what came of it. */
int importing_file(struct importing *g) _must_check_;
/* cli_import_folder.c: all files of a folder, or all collections of a file of
 * mongodump --archive, into collections of their names. */
int importing_folder(struct importing *g, const char *folder) _must_check_;
int importing_archive(struct importing *g, const char *path) _must_check_;
