/*
 * The table of stages, and what all of them share: names in the statement, and
 * what the rows are between one stage and the next.
 *
 * A stage that makes documents ends with OFFSET 0, which PostgreSQL does not
 * look through: or each mention of a field in the next stage would compute the
 * whole document once more, and so on to the power of the number of stages.
 */
#include "documents/stage.h"

#include <stdarg.h>
#include <stdio.h>

static const struct stage rows[] = {
	{"$addFields", stage_put_add_fields},
	{"$bucket", stage_put_bucket},
	{"$bucketAuto", stage_put_bucket_auto},
	{"$collStats", stage_put_coll_stats},
	{"$count", stage_put_count},
	{"$facet", stage_put_facet},
	{"$geoNear", stage_put_geo_near},
	{"$graphLookup", stage_put_graph_lookup},
	{"$group", stage_put_group},
	{"$indexStats", stage_put_index_stats},
	{"$limit", stage_put_limit},
	{"$lookup", stage_put_lookup},
	{"$match", stage_put_match},
	{"$merge", stage_put_merge},
	{"$out", stage_put_out},
	{"$project", stage_put_project},
	{"$redact", stage_put_redact},
	{"$replaceRoot", stage_put_replace_root},
	{"$replaceWith", stage_put_replace_with},
	{"$sample", stage_put_sample},
	{"$set", stage_put_add_fields},
	{"$skip", stage_put_skip},
	{"$sort", stage_put_sort},
	{"$sortByCount", stage_put_sort_by_count},
	{"$unionWith", stage_put_union},
	{"$unset", stage_put_unset},
	{"$unwind", stage_put_unwind},
};

int
stage_wrong(struct pipe *p, const char *text, ...)
{
	char room[sizeof(p->why->text)];
	va_list args;

	va_start(args, text);
	(void)vsnprintf(room, sizeof(room), text, args);
	va_end(args);
	return fault_set(p->why, ERR_DB_PARAM, "%s", room);
}

int
stage_keep_json(struct pipe *p, json_t *v)
{
	return json_array_append_new(p->kept, v) < 0 ? ERR_TOO_BIG : 0;
}

unsigned
stage_number(struct pipe *p)
{
	return ++*p->numbers;
}

unsigned
stage_open(struct pipe *p)
{
	unsigned n = stage_number(p);

	sql_add(p->s, p->has_with ? ", " : "WITH ");
	buf_printf(&p->s->text, "s%u AS (", n);
	p->has_with = true;
	return n;
}

void
stage_close(struct pipe *p, unsigned n)
{
	sql_add(p->s, ")");
	p->last = n;
}

void
stage_from(struct pipe *p)
{
	buf_printf(&p->s->text, " FROM s%u", p->last);
}

/* {"$meta": "textScore"} is a variable that nobody can name. */
static const struct sql_var *
with_score(struct pipe *p, const char *alias)
{
	struct sql_var *var;

	if (!p->scored)
		return p->vars;
	var = arena_new(p->arena, struct sql_var);
	*var = (struct sql_var){
		.name = "$meta",
		.sql = arena_printf(p->arena, "mpcloud.num(%s.score)", alias),
		.next = p->vars,
	};
	return var;
}

struct sql_from
stage_document_as(struct pipe *p, const char *alias)
{
	return (struct sql_from){
		.doc = arena_printf(p->arena, "%s.doc", alias),
		.id = p->whole ? NULL : arena_printf(p->arena, "%s._id", alias),
		.vars = with_score(p, alias),
		.hides_openid = p->hides_openid,
	};
}

struct sql_from
stage_document(struct pipe *p)
{
	char alias[16];

	(void)snprintf(alias, sizeof(alias), "s%u", p->last);
	return stage_document_as(p, alias);
}

void
stage_put_id(struct pipe *p, const char *alias)
{
	if (!p->whole)
		buf_printf(&p->s->text, "%s._id, ", alias);
	if (p->scored)
		buf_printf(&p->s->text, "%s.score, ", alias);
}

void
stage_made(struct pipe *p)
{
	p->whole = true;
	p->info = NULL;
	p->hides_openid = false;
	p->scored = false;
}

void
stage_settle(struct pipe *p)
{
	unsigned n;

	if (!p->hides_openid)
		return;
	n = stage_open(p);
	sql_add(p->s, p->scored ? "SELECT _id, score, doc - '_openid' AS doc"
				: "SELECT _id, doc - '_openid' AS doc");
	stage_from(p);
	sql_add(p->s, " OFFSET 0");
	stage_close(p, n);
	p->hides_openid = false;
	p->info = NULL;
}

void
stage_put_whole(struct pipe *p, const struct coll_info *info, const char *alias)
{
	bool shows = access_shows_openid(info, &p->b->req->scope);

	buf_printf(&p->s->text,
		shows ? "mpcloud.whole(%s._id, %s.doc)"
		      : "mpcloud.whole(%s._id, %s.doc - '_openid')",
		alias, alias);
}

int
stage_expr(struct pipe *p, const json_t *v, struct expr **ret)
{
	return expr_parse(ret, v, p->names, p->arena, p->b->now_ms, p->why);
}

int
stage_check_name(struct pipe *p, const char *stage, const char *name)
{
	if (!name[0] || name[0] == '$' || strchr(name, '.'))
		return stage_wrong(p,
			"%s: the field name '%.60s' cannot be empty, have a "
			"dot or begin with $",
			stage, name);
	return 0;
}

int
stage_path(struct pipe *p, const json_t *v, bool dollar, const char *what,
	struct path *ret)
{
	struct slice s = slice_of(json_string_value(v), json_string_length(v));

	if (!json_is_string(v) || (dollar && !slice_starts(s, "$")))
		return stage_wrong(p, "%s must be a field's path%s", what,
			dollar ? " with $ in front" : "");
	if (dollar)
		s = slice_of(s.ptr + 1, s.len - 1);
	return path_parse(ret, s, p->arena, p->why);
}

static const struct stage *
find_stage(const char *name)
{
	for (size_t i = 0; i < array_size(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

int
stage_count(struct pipe *p)
{
	int64_t top = p->b->docs ? p->b->docs->limits.stages_top
				 : doc_limits_preset.stages_top;

	if (++*p->count <= (unsigned)top)
		return 0;
	return stage_wrong(p,
		"a pipeline may have %lld stages, those within it counted: "
		"shorten it, or raise database.pipeline_stages",
		(long long)top);
}

/* The name and argument of stage `i`. */
static int
read_stage(
	struct pipe *p, size_t i, const struct stage **stage, const json_t **v)
{
	const json_t *one = json_array_get(p->stages, i);
	void *at = json_object_iter((json_t *)(uintptr_t)one);

	if (!at || json_object_size(one) != 1)
		return stage_wrong(p,
			"A pipeline stage specification object must contain "
			"exactly one field.");
	*v = json_object_iter_value(at);
	*stage = find_stage(json_object_iter_key(at));
	if (!*stage)
		return fault_set(p->why, ERR_DB_OPERATOR,
			"Unrecognized pipeline stage name: '%.60s'",
			json_object_iter_key(at));
	return 0;
}

int
stage_put_all(struct pipe *p)
{
	const struct stage *stage = NULL;
	const json_t *v = NULL;
	int r = 0;

	while (r == 0 && p->at < json_array_size(p->stages)) {
		r = read_stage(p, p->at++, &stage, &v);
		if (r == 0)
			r = stage_count(p);
		if (r == 0)
			r = stage->put(p, v);
	}
	return r;
}

static int
enter(struct pipe *p, const json_t *stages)
{
	if (!json_is_array(stages))
		return stage_wrong(p, "a pipeline is a list of stages");
	if (p->depth > STAGE_DEPTH_TOP)
		return stage_wrong(
			p, "pipelines may be nested %d deep", STAGE_DEPTH_TOP);
	return 0;
}

int
stage_put_part(struct pipe *p, struct pipe *inner, const json_t *stages,
	const struct coll_info *info, const struct sql_var *vars,
	const char *const *names, const char *select)
{
	int r;

	*inner = *p;
	inner->stages = stages;
	inner->at = 0;
	inner->depth++;
	inner->is_part = true;
	inner->has_with = false;
	inner->vars = vars;
	inner->names = names;
	r = enter(inner, stages);
	if (r < 0)
		return r;
	sql_add(p->s, "(");
	if (info)
		r = stage_put_source(inner, info);
	if (r == 0)
		r = stage_put_all(inner);
	if (r < 0)
		return r;
	if (inner->has_with)
		sql_add(p->s, " ");
	buf_printf(&p->s->text, "SELECT %s FROM ", select);
	if (inner->whole) {
		buf_printf(&p->s->text, "s%u y)", inner->last);
		return 0;
	}
	buf_printf(&p->s->text,
		"(SELECT mpcloud.whole(_id, doc%s) AS doc FROM s%u) y)",
		inner->hides_openid ? " - '_openid'" : "", inner->last);
	return 0;
}
