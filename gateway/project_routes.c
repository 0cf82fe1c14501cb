/*
 * One table, two files: whichever changes, a new table is made of both, and
 * takes the old one's place whole or not at all.  What cannot be taken is told
 * and tried again when it changes; the table before goes on.
 */
#include "gateway/project_routes.h"

#include "base/event.h"
#include "base/mem.h"
#include "base/timer.h"
#include "base/val.h"
#include "db/listen.h"
#include "db/pool.h"
#include "gateway/fn_door.h"
#include "gateway/gateway.h"
#include "routes/declared.h"

#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 30000, AGAIN_MS = 1000 };

struct project_routes {
	struct gateway *gateway;
	char *url, *state_dir;
	json_t *operator_file; /* or NULL */
	char *operator_name;
	json_t *file, *sites; /* the project's; NULL: none */
	int64_t version;
	struct listen *listen;
	struct ask ask;
	struct timer again;
	bool look; /* something came while the database was asked */
	project_routes_fn *first;
	void *owner;
};

struct project_routes *
project_routes_new(
	struct gateway *gateway, const char *url, const char *state_dir)
{
	struct project_routes *p = mem_new(struct project_routes);

	p->gateway = gateway;
	gateway->count->routes = 0; /* shared memory outlives processes */
	p->url = str_dup(url);
	p->state_dir = str_dup(state_dir);
	return p;
}

struct project_routes *
project_routes_free(struct project_routes *p)
{
	if (!p)
		return NULL;
	timer_clear(&p->again);
	p->listen = listen_free(p->listen);
	job_cancel(&p->ask.job);
	p->gateway->declared = declared_unref(p->gateway->declared);
	json_decref(p->gateway->fn_doors);
	p->gateway->fn_doors = NULL;
	json_decref(p->operator_file);
	json_decref(p->file);
	json_decref(p->sites);
	free(p->operator_name);
	free(p->url);
	free(p->state_dir);
	return mem_free(p);
}

/* {"dist": "dist-3f2a"} → {"dist": "/var/lib/mpcloud/sites/dist-3f2a"}. */
static json_t *
sites_here(const struct project_routes *p, const json_t *sites)
{
	json_t *all = json_object(), *v;
	const char *folder;

	json_object_foreach ((json_t *)(uintptr_t)sites, folder, v) {
		const char *name = json_string_value(v);
		_free_ char *path = NULL;

		if (!name || !*name || *name == '.' || strchr(name, '/'))
			continue;
		path = str_printf("%s/sites/%s", p->state_dir, name);
		(void)json_object_set_new(all, folder, json_string(path));
	}
	return all;
}

static int
make_table(struct project_routes *p, const json_t *operator_file,
	const char *operator_name, const json_t *file, const json_t *sites,
	struct declared_table **ret, struct fault *why)
{
	_json_ json_t *here = sites_here(p, sites);
	struct declared_source sources[2];
	size_t count = 0;

	if (operator_file)
		sources[count++] =
			(struct declared_source){.file = operator_file,
				.name = operator_name,
				.is_operator_s = true};
	if (file)
		sources[count++] = (struct declared_source){
			.file = file, .name = "routes.json", .sites = here};
	return declared_table_new(ret, sources, count, p->gateway->loop, why);
}

static void
put(struct project_routes *p, struct declared_table *table)
{
	struct declared_table *old = p->gateway->declared;

	p->gateway->declared = table;
	json_decref(p->gateway->fn_doors);
	p->gateway->fn_doors = fn_door_all(table);
	(void)declared_unref(old);
}

int
project_routes_try(struct project_routes *p, const json_t *operator_file,
	const char *name, struct declared_table **ret, struct fault *why)
{
	return make_table(p, operator_file, name, p->file, p->sites, ret, why);
}

void
project_routes_take(struct project_routes *p, const json_t *operator_file,
	const char *name, struct declared_table *table)
{
	json_decref(p->operator_file);
	p->operator_file = json_incref((json_t *)(uintptr_t)operator_file);
	free(p->operator_name);
	p->operator_name = str_dup(name);
	put(p, table);
}

int
project_routes_open(struct project_routes *p, const json_t *operator_file,
	const char *name, struct fault *why)
{
	struct declared_table *table = NULL;
	int e = project_routes_try(p, operator_file, name, &table, why);

	if (e == 0)
		project_routes_take(p, operator_file, name, table);
	return e;
}

int
project_routes_check(struct project_routes *p, const json_t *file,
	const json_t *sites, struct fault *why)
{
	struct declared_table *table = NULL;
	int e = make_table(p, p->operator_file, p->operator_name, file, sites,
		&table, why);

	(void)declared_unref(table);
	return e;
}

/* --- the database --- */

static void
say_first(struct project_routes *p)
{
	project_routes_fn *first = p->first;

	p->first = NULL;
	if (first)
		first(p->owner);
}

static void
take_row(struct project_routes *p)
{
	_json_ json_t *file = NULL, *sites = NULL;
	struct declared_table *table = NULL;
	struct fault why = {0};
	int64_t version = ask_int(&p->ask, 0, 0);
	int e = val_parse(&file, ask_value(&p->ask, 0, 1), &why);

	if (e == 0)
		e = val_parse(&sites, ask_value(&p->ask, 0, 2), &why);
	if (e == 0)
		e = make_table(p, p->operator_file, p->operator_name, file,
			sites, &table, &why);
	/* also one that cannot be taken is not tried again and again */
	p->version = version;
	if (e < 0) {
		event(EVENT_ROUTES_BAD, "version", EVENT_INT(version), "error",
			fault_text(&why, e), NULL);
		return;
	}
	json_decref(p->file);
	json_decref(p->sites);
	p->file = take(file);
	p->sites = take(sites);
	put(p, table);
	event(EVENT_ROUTES, "version", EVENT_INT(version), "routes",
		EVENT_INT((int64_t)declared_count(table)), NULL);
}

static void
on_again(struct timer *t)
{
	project_routes_look(container_of(t, struct project_routes, again));
}

static void
on_row(struct job *job)
{
	struct ask *ask = container_of(job, struct ask, job);
	struct project_routes *p =
		container_of(ask, struct project_routes, ask);
	bool failed = job->err < 0;

	if (!failed && ask_rows(ask) > 0)
		take_row(p);
	if (!failed)
		p->gateway->count->routes = p->version + 1;
	timer_set(&p->again, p->gateway->loop,
		p->look  ? 0
		: failed ? AGAIN_MS
			 : POLL_MS,
		on_again);
	p->look = false;
	say_first(p);
}

void
project_routes_look(struct project_routes *p)
{
	char known[24];

	if (p->ask.job.busy) {
		p->look = true;
		return;
	}
	(void)snprintf(known, sizeof(known), "%lld", (long long)p->version);
	p->ask = (struct ask){.is_read = true};
	job_init(&p->ask.job, on_row);
	pool_ask(p->gateway->pool, &p->ask,
		"SELECT * FROM mpcloud.routes_get($1::text, $2::bigint)",
		(struct slice[]){slice_str(p->gateway->conf->server_env),
			slice_str(known)},
		2);
}

static void
on_notified(void *owner, const char *payload)
{
	struct project_routes *p = owner;

	if (!payload || strcmp(payload, p->gateway->conf->server_env) == 0)
		project_routes_look(p);
}

void
project_routes_start(
	struct project_routes *p, project_routes_fn *first, void *owner)
{
	struct fault why = {0};

	p->first = first;
	p->owner = owner;
	if (listen_new(&p->listen, p->gateway->loop, p->url, "mpcloud_routes",
		    on_notified, p, &why) < 0)
		event(EVENT_ROUTES_BAD, "error", why.text, NULL);
	project_routes_look(p);
}
