#pragma once

/*
 * Stages of a pipeline into common table expressions: each is one that selects
 * from the one before,
 *
 *   WITH s1 AS (SELECT _id, doc FROM "env_x"."orders" WHERE …),
 *        s2 AS (SELECT … AS doc FROM (…) GROUP BY k)
 *
 * which PostgreSQL joins into one plan.  Rows are (_id, doc) as in the table
 * for as long as stages leave _id alone, and (doc) with _id inside after that.
 */

#include "documents/doc_sql.h"
#include "documents/expr.h"
#include "documents/plan.h"
#include "documents/sql_from.h"

struct index_field;

enum {
	STAGE_DEPTH_TOP = 20,  /* pipelines within pipelines */
	STAGE_VARS_TOP = 32,   /* of a let */
	STAGE_FIELDS_TOP = 400 /* of a $group, a $project … */
};

/* What the documents of a pipeline's collection must have at a path besides:
 * one of the values that SQL text says. */
struct stage_hit {
	const struct path *path; /* NULL: nothing */
	const char *values;
};

/* A pipeline on its way into SQL. */
struct pipe {
	struct doc_build *b;
	struct sql *s;
	struct arena *arena;
	struct fault *why;
	json_t *kept; /* a list: stage_keep_json */

	const json_t *stages;
	size_t at;         /* the next stage */
	unsigned *numbers; /* given to names in the statement, so far */
	unsigned *count;   /* stages of the whole request, so far */
	unsigned depth;    /* pipelines around this one */
	bool is_part;      /* of a $facet, $lookup, $unionWith … */
	const struct sql_var *vars; /* of let, in SQL */
	const char *const *names;   /* their names, ended by NULL */

	struct stage_hit hit; /* for the pipeline that begins next */

	/* What the rows are now: SELECT … FROM s<last>. */
	unsigned last;                /* 0: nothing yet */
	bool has_with;                /* "WITH" was said */
	bool whole;                   /* (doc), else (_id, doc) */
	const struct coll_info *info; /* where (_id, doc) came from */
	bool hides_openid; /* doc still has an _openid that nobody may see */
	bool sorted;       /* the order of rows means something */
	bool scored;       /* a column `score`: how well $text fits */
};

/* A row of the table of stages. */
struct stage {
	const char *name;
	int (*put)(struct pipe *p, const json_t *v);
};

/* stage.c */
/* All stages of p->stages from p->at on. */
int stage_put_all(struct pipe *p) _must_check_;
/* One more stage: an error past the operator's ceiling. */
int stage_count(struct pipe *p) _must_check_;
/* A pipeline inside a pipeline: `stages` of `info` (or of the rows of `p`, when
 * that is NULL), "(WITH … SELECT doc FROM …)", with no alias.  *inner is for
 * its own use. */
int stage_put_part(struct pipe *p, struct pipe *inner, const json_t *stages,
	const struct coll_info *info, const struct sql_var *vars,
	const char *const *names, const char *select) _must_check_;
/* "s3 AS (" with WITH or a comma before, 3 being what it returns; then ")",
 * after which the rows are those of s3. */
unsigned stage_open(struct pipe *p);
void stage_close(struct pipe *p, unsigned n);
/* " FROM s2 " of what stage_open began. */
void stage_from(struct pipe *p);
/* Where expressions of the stage that is open find their document. */
struct sql_from stage_document(struct pipe *p);
/* The same under another alias. */
struct sql_from stage_document_as(struct pipe *p, const char *alias);
/* A number for names in the statement. */
unsigned stage_number(struct pipe *p);
/* "s2._id, s2.score, ", what of these the rows have. */
void stage_put_id(struct pipe *p, const char *alias);
/* doc without _openid from here on. */
void stage_settle(struct pipe *p);
/* After a stage whose rows are documents made anew. */
void stage_made(struct pipe *p);
/* A whole document of a collection's table, without what may not be seen. */
void stage_put_whole(
	struct pipe *p, const struct coll_info *info, const char *alias);

/* JSON that was made here, kept as long as the statement is built. */
int stage_keep_json(struct pipe *p, json_t *v) _must_check_;

int stage_wrong(struct pipe *p, const char *text, ...) _printf_(2, 3);
/* An expression of this pipeline. */
int stage_expr(struct pipe *p, const json_t *v, struct expr **ret) _must_check_;
/* A name of one field, without dots and $: "The field name 'a.b' cannot …". */
int stage_check_name(
	struct pipe *p, const char *stage, const char *name) _must_check_;
/* A path, with or without its $ in front. */
int stage_path(struct pipe *p, const json_t *v, bool dollar, const char *what,
	struct path *ret) _must_check_;

/* stage_source.c */
/* The collection itself, with the matches, order and page that follow. */
int stage_put_source(struct pipe *p, const struct coll_info *info) _must_check_;
/* "SELECT _id, doc FROM table WHERE " permission; version 0: no rows. */
int stage_put_table(struct pipe *p, const struct coll_info *info) _must_check_;
int stage_put_match(struct pipe *p, const json_t *v);
int stage_put_sort(struct pipe *p, const json_t *v);
int stage_put_skip(struct pipe *p, const json_t *v);
int stage_put_limit(struct pipe *p, const json_t *v);
int stage_put_sample(struct pipe *p, const json_t *v);

/* stage_project.c */
int stage_put_project(struct pipe *p, const json_t *v);
int stage_put_add_fields(struct pipe *p, const json_t *v);
int stage_put_unset(struct pipe *p, const json_t *v);
int stage_put_replace_root(struct pipe *p, const json_t *v);
int stage_put_replace_with(struct pipe *p, const json_t *v);
/* `doc` with a member: the value follows, then ")". */
void stage_open_member(
	struct pipe *p, const char *doc, const struct path *path);
/* _id becomes an ordinary member of the documents. */
void stage_make_whole(struct pipe *p);

/* stage_group.c */
int stage_put_group(struct pipe *p, const json_t *v);
int stage_put_count(struct pipe *p, const json_t *v);
int stage_put_sort_by_count(struct pipe *p, const json_t *v);
/* Accumulators {"name": {"$sum": …}}, parsed. */
struct group;
int group_parse(struct pipe *p, const json_t *v, const char *except,
	struct group **ret) _must_check_;
/* ", X1 AS v1, X2 AS v2" from the document. */
void group_put_inputs(
	struct pipe *p, const struct group *g, const struct sql_from *from);
/* " || jsonb_build_object('name', sum(…), …)" over columns v1, v2 … */
void group_put_outputs(struct pipe *p, const struct group *g);
/* The first one's name, when the JSON that it came from will not last. */
void group_rename(struct group *g, const char *name);
/* The order of rows matters to one of them. */
bool group_has_order(const struct group *g);

/* stage_bucket.c */
int stage_put_bucket(struct pipe *p, const json_t *v);
int stage_put_bucket_auto(struct pipe *p, const json_t *v);

/* stage_join.c, stage_graph.c */
int stage_put_lookup(struct pipe *p, const json_t *v);
int stage_put_graph_lookup(struct pipe *p, const json_t *v);
int stage_put_union(struct pipe *p, const json_t *v);
int stage_find_info(struct pipe *p, const json_t *name, const char *stage,
	const struct coll_info **ret) _must_check_;
int stage_check_foreign(struct pipe *p, const struct coll_info *info,
	const struct path *path) _must_check_;
/* The condition that `path` of a document has one of the values (a jsonb array)
 * that SQL text says.  alias: "" or "f." */
void stage_put_hit(struct pipe *p, const struct coll_info *info,
	const struct path *path, const char *values, const char *alias);
/* An index that begins with `path` and holds all documents, or NULL. */
const struct index_field *stage_index(
	const struct coll_info *info, const struct path *path);

/* stage_shape.c */
int stage_put_unwind(struct pipe *p, const json_t *v);
int stage_put_facet(struct pipe *p, const json_t *v);
int stage_put_redact(struct pipe *p, const json_t *v);

/* stage_geo.c, stage_out.c */
int stage_put_geo_near(struct pipe *p, const json_t *v);
int stage_put_out(struct pipe *p, const json_t *v);
int stage_put_merge(struct pipe *p, const json_t *v);
int stage_put_index_stats(struct pipe *p, const json_t *v);
int stage_put_coll_stats(struct pipe *p, const json_t *v);
