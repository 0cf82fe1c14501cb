/*
 * `mpcloud fn stats`: what gateways have counted about functions since they
 * started, added up.
 */
#include "cli/cli_fn.h"

#include "base/mem.h"
#include "cli/cli_db.h"
#include "functions/crew_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSIONS_TOP = 65536, ANSWER_TOP = 64 << 20 };

/* One version, all gateways together. */
struct version {
	const char *name, *role, *trouble;
	long long version;
	long long busy, idle, waiting;
	struct crew_stats stats;
};

struct versions {
	struct version *all;
	size_t count;
};

static void
versions_done(struct versions *v)
{
	free(v->all);
}

static long long
int_of(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

static struct version *
version_get(struct versions *list, const char *name, long long version)
{
	struct version *v;

	for (size_t i = 0; i < list->count; i++) {
		v = &list->all[i];
		if (v->version == version && strcmp(v->name, name) == 0)
			return v;
	}
	list->all =
		mem_resize(list->all, (list->count + 1) * sizeof(list->all[0]));
	v = &list->all[list->count++];
	*v = (struct version){
		.name = name, .version = version, .role = "", .trouble = ""};
	return v;
}

static int
compare(const void *a, const void *b)
{
	const struct version *v = a, *w = b;
	int r = strcmp(v->name, w->name);

	if (r)
		return r;
	return (v->version > w->version) - (v->version < w->version);
}

/* Borrows the texts of `answer`. */
static void
add_up(struct versions *list, const json_t *answer, const char *only)
{
	json_t *gateway, *f;
	size_t i, k;

	json_array_foreach (json_object_get(answer, "gateways"), i, gateway)
		json_array_foreach (
			json_object_get(gateway, "functions"), k, f) {
			struct version *v;

			if (list->count >= VERSIONS_TOP ||
				(only &&
					strcmp(only, val_text(f, "name")) != 0))
				continue;
			v = version_get(list, val_text(f, "name"),
				int_of(f, "version"));
			crew_stats_take(&v->stats, f);
			v->role = val_text(f, "role");
			if (*val_text(f, "trouble"))
				v->trouble = val_text(f, "trouble");
			v->busy += int_of(f, "busy");
			v->idle += int_of(f, "idle");
			v->waiting += int_of(f, "waiting");
		}
	if (list->count)
		qsort(list->all, list->count, sizeof(list->all[0]), compare);
}

/* 0.35 ms, 12 ms, 1.2 s; nothing where nothing was measured. */
static void
add_time(struct cells *c, const struct crew_hist *h, unsigned percent)
{
	uint64_t us = crew_hist_at(h, percent);

	if (!us)
		cells_add(c, "-");
	else if (us < 1000)
		cells_add(c, "%.2f ms", (double)us / 1e3);
	else if (us < 10000)
		cells_add(c, "%.1f ms", (double)us / 1e3);
	else if (us < 1000000)
		cells_add(c, "%" PRIu64 " ms", us / 1000);
	else
		cells_add(c, "%.1f s", (double)us / 1e6);
}

static void
add_row(struct cells *c, const struct version *v)
{
	const struct crew_stats *s = &v->stats;

	cells_add(c, "%s", v->name);
	cells_add(c, "%lld", v->version);
	cells_add(c, "%s", v->role);
	cells_add_number(c, "", (int64_t)s->calls);
	cells_add_number(c, "", (int64_t)s->failed);
	add_time(c, &s->took, 50);
	add_time(c, &s->took, 99);
	add_time(c, &s->wait, 50);
	add_time(c, &s->wait, 99);
	cells_add_number(c, "", (int64_t)crew_hist_count(&s->cold));
	add_time(c, &s->cold, 50);
	if (s->memory_top)
		cells_add_size(c, (int64_t)s->memory_top);
	else
		cells_add(c, "-");
}

static void
print_table(const struct versions *list)
{
	static const char *const head[] = {"FUNCTION", "VERSION", "ROLE",
		"CALLS", "ERRORS", "P50", "P99", "WAIT P50", "WAIT P99", "COLD",
		"COLD P50", "MEMORY"};
	_cleanup_(cells_done) struct cells c = {0};

	for (size_t i = 0; i < array_size(head); i++)
		cells_add(&c, "%s", head[i]);
	for (size_t i = 0; i < list->count; i++)
		add_row(&c, &list->all[i]);
	cells_print(&c, array_size(head));
}

/* Of one function also how its calls ended and what its workers do. */
static void
print_more(const struct version *v)
{
	const char *comma = "";

	(void)printf("version %lld: %lld busy, %lld idle, %lld calls wait",
		v->version, v->busy, v->idle, v->waiting);
	for (int end = 0; end < ENDS_; end++) {
		if (!v->stats.ended[end])
			continue;
		(void)printf("%s%" PRIu64 " %s",
			*comma ? comma : "; ended: ", v->stats.ended[end],
			crew_end_word((enum crew_end)end));
		comma = ", ";
	}
	(void)putchar('\n');
	if (*v->trouble)
		(void)printf("  %s\n", v->trouble);
}

static void
print_missing(const json_t *answer)
{
	json_t *missing = json_object_get(answer, "missing"), *one;
	size_t i;

	json_array_foreach (missing, i, one)
		(void)fprintf(stderr,
			"gateway %lld did not answer: its calls are not "
			"counted here\n",
			(long long)json_integer_value(one));
}

static json_t *
version_build(const struct version *v)
{
	json_t *one = crew_stats_build(&v->stats);

	(void)json_object_set_new(one, "name", json_string(v->name));
	(void)json_object_set_new(one, "version", json_integer(v->version));
	(void)json_object_set_new(one, "role", json_string(v->role));
	(void)json_object_set_new(one, "busy", json_integer(v->busy));
	(void)json_object_set_new(one, "idle", json_integer(v->idle));
	(void)json_object_set_new(one, "waiting", json_integer(v->waiting));
	if (*v->trouble)
		(void)json_object_set_new(
			one, "trouble", json_string(v->trouble));
	return one;
}

static void
print_json(const struct versions *list)
{
	_json_ json_t *all = json_array();

	for (size_t i = 0; i < list->count; i++)
		(void)json_array_append_new(all, version_build(&list->all[i]));
	cli_print_json(all);
}

/* Quietly: a daemon without gateways has none that crash. */
static json_t *
ask_quietly(struct cli *cli)
{
	_buf_ struct buf answer;
	json_t *v = NULL;
	int fd, status;

	buf_init(&answer, ANSWER_TOP);
	if (cli_ops_send(cli, "GET", "/ops/functions", SLICE(""), &fd) < 0 ||
		cli_ops_answer(fd, &status, &answer) < 0 || status != 200 ||
		val_parse(&v, buf_all(&answer), NULL) < 0)
		return NULL;
	return v;
}

void
cli_fn_add_trouble(struct cli *cli, json_t *functions)
{
	_cleanup_(versions_done) struct versions list = {0};
	_json_ json_t *answer = ask_quietly(cli);
	json_t *f;
	size_t i;

	add_up(&list, answer, NULL);
	json_array_foreach (functions, i, f)
		for (size_t k = 0; k < list.count; k++)
			if (*list.all[k].trouble &&
				strcmp(list.all[k].name, val_text(f, "name")) ==
					0)
				(void)json_object_set_new(f, "crashing",
					json_string(list.all[k].trouble));
}

int
cli_fn_stats(struct cli *cli)
{
	_cleanup_(versions_done) struct versions list = {0};
	const char *only = cli->count ? cli->words[0] : NULL;
	_json_ json_t *answer = NULL;
	int status =
		cli_ops_json(cli, "GET", "/ops/functions", SLICE(""), &answer);

	if (status != EXIT_OK)
		return status;
	add_up(&list, answer, only);
	if (list.count == 0 && only)
		return cli_fail(EXIT_FAILED,
			"no function \"%s\" is deployed; `mpcloud fn list` "
			"lists them",
			only);
	if (cli->options[OPT_JSON]) {
		print_json(&list);
		return EXIT_OK;
	}
	if (list.count == 0)
		(void)puts("No function is deployed; `mpcloud deploy PROJECT` "
			   "deploys a project's.");
	else
		print_table(&list);
	for (size_t i = 0; only && i < list.count; i++)
		print_more(&list.all[i]);
	print_missing(answer);
	return EXIT_OK;
}
