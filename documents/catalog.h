#pragma once

/*
 * What a gateway knows of collections: permission, rules, indexes.  Read from
 * mpcloud.collections when first needed and kept; every change there takes a
 * new version.  A statement made for a user carries the version it was made
 * for, and PostgreSQL refuses it (ERR_DB_STALE) when that is no longer so:
 * what is kept here may be old, but never decides anything alone.  An upkeep
 * once a second forgets what other gateways changed.
 */

#include "base/job.h"
#include "db/pool.h"
#include "documents/coll.h"

struct catalog;
struct rules;
struct index_info;

enum permission {
	PERMISSION_ADMINONLY, /* the preset */
	PERMISSION_READONLY,  /* all read, the owner writes */
	PERMISSION_PRIVATE,   /* the owner reads and writes */
	PERMISSION_ADMINWRITE,
	PERMISSION_CUSTOM, /* rules */
};

/* Lives as long as somebody holds it, from catalog_ask to catalog_end. */
struct coll_info {
	struct coll coll;
	int64_t version; /* 0: no such collection */
	enum permission permission;
	bool shows_openid;         /* users may read _openid */
	const struct rules *rules; /* CUSTOM, else NULL; and when they are not
				      valid, which denies everything */
	const struct index_info *indexes; /* that can be used; a list */
};

int catalog_new(struct catalog **ret, struct pool *pool) _must_check_;
struct catalog *catalog_free(struct catalog *c);
DEFINE_CLEANUP(struct catalog *, catalog_free)

/* Fetches what is not known yet of up to CATALOG_NAMES collections; several
 * that want the same at once share one question. */
enum { CATALOG_NAMES = 16 };
struct catalog_ask {
	struct job job;
	const char *env;                  /* borrowed until done */
	struct slice name[CATALOG_NAMES]; /* borrowed until done */
	size_t count;
	/* Only what is read from now on: ERR_DB_STALE came, or a refusal that
	 * no statement would take back. */
	bool anew;
	/* answer, held until catalog_end: what is said of each name; one that
	 * does not exist has version 0 */
	struct coll_info *info[CATALOG_NAMES];
	/* catalog's */
	struct list on;
	uint64_t after; /* the number of the load */
};

/* True: a->info is filled at once and no job was begun.  False: a->job, set up
 * by job_init before, will say. */
bool catalog_ask(struct catalog *c, struct catalog_ask *a) _must_check_;
void catalog_end(struct catalog_ask *a);
/* Among those asked for; NULL when it is not. */
const struct coll_info *catalog_of(
	const struct catalog_ask *a, struct slice name);
/* We changed it ourselves. */
void catalog_forget(struct catalog *c, const char *env, struct slice name);
