/*
 * The declared routes of a gateway: the operator's file, which comes with the
 * configuration, and the project's, from the database.
 */
#include "base/mem.h"
#include "base/paths.h"
#include "base/val.h"
#include "gateway/project_routes.h"
#include "routes/cors.h"
#include "routes/declared.h"
#include "src/gatewayd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_TOP = 8 * 1024 * 1024 };

static const char *
name_of(const struct gatewayd_conf *c)
{
	return c->conf->server_routes;
}

static int
check_origins(const struct gatewayd_conf *c, struct fault *why)
{
	struct cors *all = NULL;
	int e = cors_new(&all, c->conf->server_web_origins, why);

	(void)cors_free(all);
	return e < 0 ? fault_prefix(why, ERR_CONFIG, "server.web_origins: ")
		     : 0;
}

int
gatewayd_routes_setup(struct gatewayd *d, struct fault *why)
{
	struct gateway *g = &d->gateway;
	int e = check_origins(d->conf, why);

	if (e < 0)
		return e;
	g->project_routes = project_routes_new(
		g, d->conf->conf->database_url, d->state_dir);
	return project_routes_open(
		g->project_routes, d->conf->routes, name_of(d->conf), why);
}

void
gatewayd_routes_start(struct gatewayd *d, void (*first)(void *owner))
{
	project_routes_start(d->gateway.project_routes, first, d);
}

int
gatewayd_routes_try(struct gatewayd *d, const struct gatewayd_conf *fresh,
	struct declared_table **ret, struct fault *why)
{
	int e = check_origins(fresh, why);

	return e < 0 ? e
		     : project_routes_try(d->gateway.project_routes,
			       fresh->routes, name_of(fresh), ret, why);
}

void
gatewayd_routes_take(struct gatewayd *d, struct declared_table *table)
{
	project_routes_take(d->gateway.project_routes, d->conf->routes,
		name_of(d->conf), table);
	/* the configuration is kept for long when the next has come */
	json_decref(d->conf->routes);
	d->conf->routes = NULL;
}

/* The setting was looked at when the configuration was read. */
void
gatewayd_routes_take_up(struct gatewayd *d)
{
	struct gateway *g = &d->gateway;
	struct cors *fresh = NULL;
	struct fault why;

	if (cors_new(&fresh, d->conf->conf->server_web_origins, &why) < 0)
		return;
	(void)cors_free(g->web_origins);
	g->web_origins = fresh;
}

void
gatewayd_routes_done(struct gatewayd *d)
{
	struct gateway *g = &d->gateway;

	g->project_routes = project_routes_free(g->project_routes);
	g->web_origins = cors_free(g->web_origins);
}

/* Beside a cloudbaserc.json it is a project's, which may less. */
static bool
is_project_s(const char *path)
{
	const char *slash = strrchr(path, '/');
	_free_ char *beside = str_printf("%.*scloudbaserc.json",
		slash ? (int)(slash + 1 - path) : 0, path);

	return access(beside, F_OK) == 0;
}

static int
check_file(const char *path, size_t *count, struct fault *why)
{
	struct declared_source source = {.name = path,
		.is_operator_s = !is_project_s(path),
		.check_only = true};
	struct declared_table *table = NULL;
	_json_ json_t *file = NULL;
	_free_ char *text = NULL;
	struct loop loop;
	size_t len;
	int e = file_read(path, FILE_TOP, &text, &len, why);

	if (e < 0)
		return e;
	e = val_parse(&file, slice_of(text, len), why);
	if (e < 0)
		return fault_prefix(why, e, "%s: ", path);
	if (loop_init(&loop) < 0)
		return -EMFILE;
	source.file = file;
	e = declared_table_new(&table, &source, 1, &loop, why);
	if (e == 0)
		*count = declared_count(table);
	(void)declared_unref(table);
	loop_done(&loop);
	return e;
}

int
gatewayd_routes_check(const char *path)
{
	struct fault why = {0};
	size_t count = 0;
	int e = check_file(path, &count, &why);

	if (e < 0) {
		(void)fprintf(stderr, "mpcloud: %s\n", fault_text(&why, e));
		return 1;
	}
	(void)printf("%s is right: %zu route%s\n", path, count,
		count == 1 ? "" : "s");
	return 0;
}
