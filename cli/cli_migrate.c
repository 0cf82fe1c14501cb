/*
 * `mpcloud migrate check`: what a wx.cloud project uses, first what needs work,
 * each with where it is and what to do.
 */
#include "cli/cli.h"
#include "migrate/migrate.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_PLACES = 3, NOTE_WIDTH = 72 };

static const struct {
	const char *state, *heading;
	bool is_work; /* without it the project does not run here */
} groups[] = {{"no", "Not supported", true}, {"unknown", "Not known", true},
	{"differs", "Works differently: what to change", false},
	{"yes", "Works as it is", false}};

static int
by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Items of one state, sorted by name, as a new object. */
static json_t *
group_of(const json_t *apis, const char *state)
{
	size_t room = json_object_size(apis), count = 0;
	const char **keys = mem_array(room + 1, const char *);
	json_t *out = json_object(), *item;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)apis, key, item)
		if (strcmp(val_text(item, "state"), state) == 0)
			keys[count++] = key;
	qsort(keys, count, sizeof(*keys), by_key);
	for (size_t i = 0; i < count; i++)
		(void)json_object_set(
			out, keys[i], json_object_get(apis, keys[i]));
	(void)mem_free((void *)(uintptr_t)keys);
	return out;
}

/* "pages/a.js:3 pages/b.js:7 and 4 more" */
static char *
places_text(const json_t *item)
{
	const json_t *places = json_object_get(item, "places"), *place;
	int64_t uses = val_number(item, "uses");
	_buf_ struct buf b;
	size_t at;

	buf_init(&b, 1 << 16);
	json_array_foreach (places, at, place) {
		if (at == SHOWN_PLACES)
			break;
		buf_printf(&b, "%s%s:%lld", at ? "  " : "",
			val_text(place, "file"),
			(long long)val_number(place, "line"));
	}
	if (uses > SHOWN_PLACES)
		buf_printf(&b, "  and %lld more",
			(long long)(uses - SHOWN_PLACES));
	return str_ndup(b.ptr ? b.ptr : "", b.len);
}

/* Broken between words, each line behind six spaces. */
static void
print_note(const char *note)
{
	size_t column = 0;

	while (*note) {
		size_t len = strcspn(note, " ");

		if (column == 0 || column + 1 + len > NOTE_WIDTH) {
			(void)printf("%s      ", column ? "\n" : "");
			column = 0;
		} else {
			(void)putchar(' ');
			column++;
		}
		(void)fwrite(note, 1, len, stdout);
		column += len;
		note += len;
		note += *note == ' ';
	}
	if (column)
		(void)putchar('\n');
}

/* Settings and modules are told of only when something is to be done. */
static bool
is_quiet(const char *key, const json_t *item)
{
	return strcmp(val_text(item, "state"), "yes") == 0 &&
	       (strncmp(key, "cloudbaserc.json", 16) == 0 ||
		       strncmp(key, "require ", 8) == 0);
}

static void
print_items(const json_t *group)
{
	size_t width = 0;
	const char *key, *last = "";
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)group, key, item)
		if (!is_quiet(key, item))
			width = max(width, min(strlen(key), (size_t)40));
	json_object_foreach ((json_t *)(uintptr_t)group, key, item) {
		_free_ char *places = places_text(item);
		const char *note = val_text(item, "note");

		if (is_quiet(key, item))
			continue;
		/* One note for all that it is about. */
		if (strcmp(note, last) != 0)
			print_note(last);
		last = note;
		(void)fputs("  ", stdout);
		cli_put_text(key);
		for (size_t i = min(strlen(key), width); i < width + 2; i++)
			(void)putchar(' ');
		cli_put_text(places);
		(void)putchar('\n');
	}
	print_note(last);
}

static void
print_problems(const json_t *problems)
{
	size_t at;
	json_t *one;

	if (json_array_size(problems))
		(void)puts("\nWrong in itself");
	json_array_foreach ((json_t *)(uintptr_t)problems, at, one) {
		(void)fputs("  ", stdout);
		cli_put_text(val_text(one, "file"));
		(void)fputs(": ", stdout);
		cli_put_text(val_text(one, "why"));
		(void)putchar('\n');
	}
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static size_t
count_shown(const json_t *group)
{
	const char *key;
	json_t *item;
	size_t n = 0;

	json_object_foreach ((json_t *)(uintptr_t)group, key, item)
		n += !is_quiet(key, item);
	return n;
}

static void
print_all(const struct migrate *m, const char *folder)
{
	cli_put_text(folder);
	(void)printf(": %zu file%s read\n", m->files, plural(m->files));
	if (m->strange)
		(void)printf("%zu file%s of other kinds (.vue, .jsx, .tsx) not "
			     "read: check what they are compiled to.\n",
			m->strange, plural(m->strange));
	for (size_t i = 0; i < array_size(groups); i++) {
		_json_ json_t *group = group_of(m->apis, groups[i].state);
		size_t count = count_shown(group);

		if (!count)
			continue;
		(void)printf("\n%s (%zu)\n", groups[i].heading, count);
		print_items(group);
	}
	print_problems(m->problems);
}

static size_t
count_work(const struct migrate *m)
{
	size_t work = json_array_size(m->problems);

	for (size_t i = 0; i < array_size(groups); i++) {
		_json_ json_t *group = group_of(m->apis, groups[i].state);

		work += groups[i].is_work ? json_object_size(group) : 0;
	}
	return work;
}

static void
print_end(size_t work, bool differs)
{
	if (work)
		(void)printf("\n%zu thing%s must change before this project "
			     "runs here.\n",
			work, plural(work));
	else if (differs)
		(void)puts("\nThis project runs here once that is changed.");
	else
		(void)puts("\nThis project runs here.");
	(void)puts("How to move it, step by step: docs/migrating.md");
}

int
cli_migrate_check(struct cli *cli)
{
	const char *folder = cli->count ? cli->words[0] : ".";
	struct fault why = {0};
	struct migrate m;
	size_t work;
	int r;

	migrate_init(&m);
	r = migrate_tree(&m, folder, &why);
	work = r < 0 ? 1 : count_work(&m);
	if (r < 0) {
		migrate_done(&m);
		return cli_fail(EXIT_USAGE, "%s", fault_text(&why, r));
	}
	if (cli->options[OPT_JSON]) {
		_json_ json_t *answer =
			json_pack("{s:s, s:I, s:I, s:I, s:O, s:O}", "project",
				folder, "files", (json_int_t)m.files, "unread",
				(json_int_t)m.strange, "work", (json_int_t)work,
				"apis", m.apis, "problems", m.problems);

		cli_print_json(answer);
	} else {
		_json_ json_t *differs = group_of(m.apis, "differs");

		print_all(&m, folder);
		print_end(work, json_object_size(differs) > 0);
	}
	migrate_done(&m);
	return work ? EXIT_FAILED : EXIT_OK;
}
