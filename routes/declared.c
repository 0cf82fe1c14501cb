/*
 * The table in force: made of the operator's file and the project's, whole or
 * not at all, shared by the requests that began with it.
 */
#include "routes/declared_inside.h"

#include "base/buf.h"
#include "base/mem.h"
#include "routes/limit_rule.h"
#include "routes/site.h"

#include <stdlib.h>
#include <string.h>

enum { WHERE_TOP = 256 };

struct declared_full *
declared_full_free(struct declared_full *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < DECLARED_NAMES; i++)
		free(f->names_own[i]);
	for (size_t i = 0; i < f->nheaders; i++) {
		free(f->header[i].name);
		free(f->header[i].equals);
		free(f->header[i].regex);
		(void)pattern_free(f->header[i].pattern);
	}
	(void)pattern_free(f->pattern);
	declared_change_done(&f->request);
	declared_change_done(&f->answer);
	declared_text_done(&f->location);
	declared_text_done(&f->file);
	(void)cors_free(f->cors);
	(void)site_unref(f->pub.site);
	(void)limit_rules_free(f->pub.limits);
	free((char *)(uintptr_t)f->pub.name);
	free((char *)(uintptr_t)f->pub.function);
	free((char *)(uintptr_t)f->pub.folder);
	free((char *)(uintptr_t)f->pub.upstream_name);
	free(f->place);
	free(f->host);
	free(f->path);
	free(f->loose);
	free(f->cache);
	free(f->index);
	free(f->fallback);
	free(f->not_found);
	return mem_free(f);
}

static struct declared_table *
table_free(struct declared_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		(void)declared_full_free(t->routes[i]);
	for (size_t i = 0; i < t->nsources; i++)
		(void)declared_tree_free(t->tree[i]);
	for (size_t i = 0; i < t->nupstreams; i++)
		declared_upstream_drop(t->upstreams[i]);
	(void)limit_rules_free(t->limits);
	json_decref(t->limits_json);
	json_decref(t->names);
	free(t->routes);
	free(t->guards);
	return mem_free(t);
}

struct declared_table *
declared_ref(struct declared_table *t)
{
	t->refs++;
	return t;
}

struct declared_table *
declared_unref(struct declared_table *t)
{
	if (t && --t->refs == 0)
		(void)table_free(t);
	return NULL;
}

static int
source_read(struct declared_table *t, const struct declared_source *source,
	struct loop *loop, struct fault *why)
{
	struct buf where _buf_ = {0};
	struct declared_reading rd = {.source = source,
		.loop = loop,
		.table = t,
		.upstreams = json_object(),
		.where = &where,
		.why = why};
	int e;

	buf_init(&where, WHERE_TOP);
	t->tree[t->nsources++] = declared_tree_new();
	e = declared_read_file(&rd);
	json_decref(rd.upstreams);
	return e;
}

DEFINE_CLEANUP(struct declared_table *, declared_unref)

int
declared_table_new(struct declared_table **ret,
	const struct declared_source *sources, size_t count, struct loop *loop,
	struct fault *why)
{
	_cleanup_(declared_unrefp) struct declared_table *t =
		mem_new(struct declared_table);
	int e = 0;

	t->refs = 1;
	t->names = json_object();
	t->limits_json = json_array();
	for (size_t i = 0; e == 0 && i < count && i < DECLARED_SOURCES; i++)
		e = source_read(t, &sources[i], loop, why);
	if (e == 0 && json_array_size(t->limits_json))
		e = limit_rules_new(
			&t->limits, t->limits_json, "routes.json: limits", why);
	if (e == 0)
		*ret = take(t);
	return e;
}

size_t
declared_count(const struct declared_table *t)
{
	return t->count;
}

const struct declared_route *
declared_at(const struct declared_table *t, size_t i)
{
	return &t->routes[i]->pub;
}

const struct limit_rules *
declared_limits(const struct declared_table *t)
{
	return t->limits;
}

static void
found(struct declared_ask *ask, const struct declared_full *f)
{
	struct declared_captures *c =
		arena_new(ask->arena, struct declared_captures);

	(void)declared_path_fits(f, ask->path, c, &ask->rest);
	ask->route = &f->pub;
	ask->captures = c;
}

int
declared_find(const struct declared_table *t, struct declared_ask *ask)
{
	const struct declared_full *f = NULL;
	struct slice host;

	ask->route = ask->evaded = NULL;
	ask->rest = (struct slice){NULL, 0};
	ask->allowed = 0;
	ask->steps = 0;
	if (!t->count || !ask->path.len || ask->path.ptr[0] != '/')
		return ERR_NOT_FOUND;
	ask->path = declared_merge(ask->arena, ask->path);
	if (declared_has_dots(ask->path))
		return ERR_BAD_REQUEST;
	host = declared_host_of(ask->arena, ask->host);
	for (size_t i = 0; !f && i < t->nsources; i++)
		f = declared_tree_find(t->tree[i], ask, host);
	if (!f)
		return ask->allowed ? ERR_METHOD : ERR_NOT_FOUND;
	ask->evaded = declared_evaded(t, ask, host, f);
	if (ask->evaded)
		return ERR_BAD_REQUEST;
	found(ask, f);
	return 0;
}
