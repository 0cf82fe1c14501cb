/*
 * A pipeline as one statement: WITH s1 AS (…), s2 AS (…) … SELECT doc, where
 * each is a stage (stage.h).  PostgreSQL sees the whole of it and runs it as
 * one plan; nothing is done row by row here.
 */
#include "documents/aggregate.h"

#include "documents/stage.h"

enum { NESTING_TOP = 100 };

static int
add_name(const json_t *name, struct slice names[CATALOG_NAMES], size_t *count,
	struct fault *why)
{
	struct slice s =
		slice_of(json_string_value(name), json_string_length(name));

	if (!json_is_string(name))
		return 0; /* its stage will say what is wrong */
	for (size_t i = 0; i < *count; i++)
		if (slice_eq(names[i], s))
			return 0;
	if (*count >= CATALOG_NAMES)
		return fault_set(why, ERR_DB_PARAM,
			"a pipeline may name %d collections", CATALOG_NAMES);
	names[(*count)++] = s;
	return 0;
}

static int find_names(const json_t *stages, struct slice names[CATALOG_NAMES],
	size_t *count, unsigned depth, struct fault *why);

/* Pipelines within a stage: of a $lookup, a $unionWith, each of a $facet. */
static int
find_inner(const json_t *v, struct slice names[CATALOG_NAMES], size_t *count,
	unsigned depth, struct fault *why)
{
	const char *key;
	json_t *item;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item) {
		if (r == 0 && json_is_array(item))
			r = find_names(item, names, count, depth + 1, why);
	}
	return r;
}

static int
find_stage_names(const char *stage, const json_t *v,
	struct slice names[CATALOG_NAMES], size_t *count, unsigned depth,
	struct fault *why)
{
	int r = 0;

	if (strcmp(stage, "$lookup") == 0 || strcmp(stage, "$graphLookup") == 0)
		r = add_name(json_object_get(v, "from"), names, count, why);
	else if (strcmp(stage, "$unionWith") == 0)
		r = add_name(json_is_string(v) ? v : json_object_get(v, "coll"),
			names, count, why);
	else if (strcmp(stage, "$facet") != 0)
		return 0;
	return r < 0 ? r : find_inner(v, names, count, depth, why);
}

static int
find_names(const json_t *stages, struct slice names[CATALOG_NAMES],
	size_t *count, unsigned depth, struct fault *why)
{
	json_t *one;
	size_t i;

	if (depth > NESTING_TOP)
		return fault_set(why, ERR_DB_PARAM,
			"pipelines may be nested %d deep", STAGE_DEPTH_TOP);
	json_array_foreach (stages, i, one) {
		void *at = json_object_iter(one);
		int r = at ? find_stage_names(json_object_iter_key(at),
				     json_object_iter_value(at), names, count,
				     depth, why)
			   : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int
aggregate_names(const json_t *stages, struct slice names[CATALOG_NAMES],
	size_t *count, struct fault *why)
{
	return find_names(stages, names, count, 0, why);
}

bool
aggregate_writes(const json_t *stages)
{
	size_t count = json_array_size(stages);
	const json_t *last = count ? json_array_get(stages, count - 1) : NULL;

	return json_object_get(last, "$out") || json_object_get(last, "$merge");
}

/* Stages that are not about the collection's documents from the first on. */
static bool
has_own_source(const json_t *stages)
{
	const json_t *first = json_array_get(stages, 0);

	return json_object_get(first, "$geoNear") ||
	       json_object_get(first, "$indexStats") ||
	       json_object_get(first, "$collStats");
}

static void
put_answer(struct pipe *p)
{
	sql_add(p->s, p->whole ? " SELECT doc"
		      : p->hides_openid
			      ? " SELECT mpcloud.whole(_id, doc - '_openid')"
			      : " SELECT mpcloud.whole(_id, doc)");
	stage_from(p);
}

int
doc_sql_aggregate(struct doc_build *b)
{
	static const char *const none[] = {NULL};
	_json_ json_t *kept = json_array();
	unsigned numbers = 0, count = 0;
	struct pipe p = {
		.b = b,
		.s = b->sql,
		.arena = b->arena,
		.why = b->why,
		.kept = kept,
		.stages = b->req->stages,
		.numbers = &numbers,
		.count = &count,
		.names = none,
		.info = b->info,
		.hides_openid = !access_shows_openid(b->info, &b->req->scope),
	};
	int r = 0;

	if (!json_is_array(b->req->stages))
		return stage_wrong(&p, "a pipeline is a list of stages");
	if (!has_own_source(b->req->stages))
		r = stage_put_source(&p, b->info);
	if (r == 0)
		r = stage_put_all(&p);
	if (r == 0)
		put_answer(&p);
	return r;
}
