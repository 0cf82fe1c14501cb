/*
 * JSON files that CloudBase's tools read: cloudbaserc.json, a function's
 * config.json and package.json.  Where a member stands is found by its text.
 */
#include "migrate/migrate.h"

#include "base/mem.h"
#include "base/val.h"
#include "functions/cron.h"

#include <string.h>

/* Where "word" stands in the text, NULL when it does not. */
static const char *
find_word(struct slice text, const char *word)
{
	_free_ char *quoted = str_printf("\"%s\"", word);

	return memmem(text.ptr, text.len, quoted, strlen(quoted));
}

/* The line of "word", the first one after "of" when that is there. */
static unsigned
line_of(struct slice text, const char *of, const char *word)
{
	const char *from = *of ? find_word(text, of) : NULL, *found = NULL;
	unsigned line = 1;

	if (from)
		found = find_word(
			slice_of(from, text.len - (size_t)(from - text.ptr)),
			word);
	if (!found)
		found = find_word(text, word);
	for (const char *at = text.ptr; found && at < found; at++)
		line += *at == '\n';
	return line;
}

static void
add_keys(struct migrate *m, enum migrate_scope scope, const json_t *object,
	struct slice text)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)object, key, v)
		migrate_add(m, scope, slice_str(key), line_of(text, "", key));
}

static void
add_trigger(struct migrate *m, const json_t *trigger, struct slice text)
{
	const char *type = val_text(trigger, "type");
	const char *times = val_text(trigger, "config");
	struct fault why = {0};
	struct cron cron;

	migrate_add(m, SCOPE_TRIGGER, slice_str(*type ? type : "timer"),
		line_of(text, "", val_text(trigger, "name")));
	if (strcmp(type, "timer") == 0 &&
		cron_parse(&cron, slice_str(times), &why) < 0) {
		_free_ char *said = str_printf("trigger \"%s\": \"%s\": %s",
			val_text(trigger, "name"), times, why.text);

		migrate_problem(m, said);
	}
}

static void
add_triggers(struct migrate *m, const json_t *of, struct slice text)
{
	json_t *trigger;
	size_t at;

	json_array_foreach (json_object_get(of, "triggers"), at, trigger)
		add_trigger(m, trigger, text);
}

static void
read_config(struct migrate *m, const json_t *file, struct slice text)
{
	json_t *list = json_object_get(
		       json_object_get(file, "permissions"), "openapi"),
	       *name;
	size_t at;

	add_triggers(m, file, text);
	json_array_foreach (list, at, name)
		if (json_is_string(name))
			migrate_add(m, SCOPE_OPENAPI,
				slice_str(json_string_value(name)),
				line_of(text, "openapi",
					json_string_value(name)));
}

static void
read_package(struct migrate *m, const json_t *file, struct slice text)
{
	add_keys(m, SCOPE_PACKAGE, json_object_get(file, "dependencies"), text);
}

static void
read_entry(struct migrate *m, const json_t *entry, struct slice text)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)entry, key, v)
		if (strcmp(key, "type") != 0 || /* of events, the usual one */
			strcmp(val_text(entry, "type"), "HTTP") == 0)
			migrate_add(m, SCOPE_ENTRY, slice_str(key),
				line_of(text, val_text(entry, "name"), key));
	add_triggers(m, entry, text);
}

static void
read_cloudbaserc(struct migrate *m, const json_t *file, struct slice text)
{
	json_t *entry;
	size_t at;

	add_keys(m, SCOPE_RC, file, text);
	json_array_foreach (json_object_get(file, "functions"), at, entry)
		read_entry(m, entry, text);
	m->functions += json_array_size(json_object_get(file, "functions"));
}

static const struct {
	const char *name;
	void (*read)(struct migrate *m, const json_t *file, struct slice text);
} readers[] = {{"cloudbaserc.json", read_cloudbaserc},
	{"config.json", read_config}, {"package.json", read_package}};

int
migrate_json(struct migrate *m, const char *name, struct slice text,
	struct fault *why)
{
	for (size_t i = 0; i < array_size(readers); i++) {
		_json_ json_t *file = NULL;
		int r;

		if (strcmp(readers[i].name, name) != 0)
			continue;
		if (slice_starts(text, "\xef\xbb\xbf"))
			text = slice_of(text.ptr + 3, text.len - 3);
		r = val_parse(&file, text, why);
		if (r < 0)
			return r;
		m->files++;
		readers[i].read(m, file, text);
	}
	return 0;
}
