#pragma once

/*
 * What the tests of stored files share: a real PostgreSQL, a folder, and two
 * gateways' files on them.
 */

#include "base/mark.h"
#include "storage/files.h"
#include "tests/lib/pg.h"
#include "tests/unit/test.h"

enum { GATEWAYS = 2 };
/* From where unit tests are built. */
#define FILES_THUMB_PROGRAM "../../mpcloud-thumb"
#define ENV                 "env1"
#define T0                  1800000000000LL

extern struct testpg *pg;

struct fixture {
	struct loop loop;
	struct pool *pool[GATEWAYS];
	struct files *files[GATEWAYS];
	struct files_conf conf;
	struct mark_table marks;
	struct arena arena;
	char dir[64];
	unsigned woken; /* how often the queue was to be looked at */
};

int group_setup(void **state);
int group_teardown(void **state);
/* Each test: no files, an empty folder, clock at T0. */
struct fixture *setup(void);
void teardown(struct fixture *f);
/* Conf of all gateways is f->conf from now on. */
void reconfigure(struct fixture *f);
/* Gateway 0 ends and begins anew. */
void restart(struct fixture *f);

extern const struct caller anna, ben, nobody;
#define ADMIN   ((struct file_scope){.admin = true})
#define BY(who) ((struct file_scope){.caller = &(who)})

/* One statement; its first value, "" for none. */
const char *sql(const char *fmt, ...) _printf_(1, 2);

/* Turns the loop until the job is done; its error. */
int wait_job(struct fixture *f, struct job *job);
void on_done(struct job *job);

/* Whole operations, at gateway 0. */
int put(struct fixture *f, struct file_scope who, const char *path,
	const char *text);
/* What came is f->text. */
int get(struct fixture *f, struct file_scope who, const char *path);
extern char got[4096];
extern struct file_info got_info;
int rm(struct fixture *f, struct file_scope who, const char *path);
int copy(struct fixture *f, struct file_scope who, const char *from,
	const char *to, bool overwrite, bool move);
/* Files below `sub` of the folder. */
unsigned count_files(const struct fixture *f, const char *sub);
/* Turns the loop until that many are below objects/. */
void until_objects(struct fixture *f, unsigned count);
