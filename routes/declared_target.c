/*
 * What a route leads to: one of five, each with its members.
 */
#include "base/mem.h"
#include "routes/declared_inside.h"
#include "routes/site.h"

#include <stdio.h>
#include <string.h>

enum { NAME_TOP = 60, FOLDER_TOP = 1024, PAGE_TOP = 255, URL_TOP = 2048 };

static int
read_function(struct declared_reading *rd, const json_t *v)
{
	const char *s;
	int e = declared_read_string(rd, v, NAME_TOP, &s);

	rd->route->pub.target = DECLARED_FUNCTION;
	if (e == 0)
		rd->route->pub.function = str_dup(s);
	return e;
}

/* Where the folder is on this machine; NULL: not here. */
static const char *
folder_here(const struct declared_source *source, const char *folder)
{
	return source->sites ? json_string_value(
				       json_object_get(source->sites, folder))
			     : folder;
}

static int
check_folder(struct declared_reading *rd, const char *s)
{
	struct slice rest = slice_str(s), part;

	if (!rd->source->sites && s[0] != '/' && !rd->source->check_only)
		return declared_refuse(rd,
			"\"%s\": in the operator's file a folder is an "
			"absolute path",
			s);
	while (slice_split(&rest, '/', &part))
		if (slice_is(part, ".."))
			return declared_refuse(rd,
				"\"%s\": \"..\" leads out of the project", s);
	return 0;
}

static int
read_static(struct declared_reading *rd, const json_t *v)
{
	const char *s, *here;
	struct fault why = {0};
	int e = declared_read_string(rd, v, FOLDER_TOP, &s);

	rd->route->pub.target = DECLARED_STATIC;
	if (e == 0)
		e = check_folder(rd, s);
	if (e < 0)
		return e;
	rd->route->pub.folder = str_dup(s);
	here = folder_here(rd->source, s);
	if (rd->source->check_only || !here)
		return 0;
	e = site_new(&rd->route->pub.site, rd->loop, here, &why);
	/* A project's copy may be on other machines only. */
	if (e < 0 && !rd->source->sites)
		return declared_refuse(rd, "%s", why.text);
	return 0;
}

static int
read_page(struct declared_reading *rd, const json_t *v, char **ret)
{
	const char *s;
	int e = declared_read_string(rd, v, PAGE_TOP, &s);

	if (e == 0 && (s[0] == '/' || s[0] == '.' || strstr(s, "/.")))
		e = declared_refuse(rd,
			"\"%s\": a file inside of the folder is wanted: "
			"index.html",
			s);
	if (e == 0)
		*ret = str_dup(s);
	return e;
}

static int
read_index(struct declared_reading *rd, const json_t *v)
{
	return read_page(rd, v, &rd->route->index);
}

static int
read_fallback(struct declared_reading *rd, const json_t *v)
{
	return read_page(rd, v, &rd->route->fallback);
}

static int
read_not_found(struct declared_reading *rd, const json_t *v)
{
	return read_page(rd, v, &rd->route->not_found);
}

static int
read_stored(struct declared_reading *rd, const json_t *v)
{
	int e = declared_read_text(rd, v, &rd->route->file);

	rd->route->pub.target = DECLARED_FILE;
	if (e == 0)
		rd->route->pub.file = rd->route->file.whole;
	return e;
}

static int
read_upstream(struct declared_reading *rd, const json_t *v)
{
	const json_t *place;
	const char *s;
	int e = declared_read_string(rd, v, NAME_TOP, &s);

	if (e < 0)
		return e;
	rd->route->pub.target = DECLARED_UPSTREAM;
	rd->route->pub.upstream_name = str_dup(s);
	place = json_object_get(rd->upstreams, s);
	if (!place)
		return declared_refuse(
			rd, "\"%s\" is not among the file's \"upstreams\"", s);
	rd->route->pub.upstream =
		rd->table->upstreams[json_integer_value(place)];
	return 0;
}

/* A stranger's capture must not choose the server that a browser is sent to:
 * none stands before the path's first slash. */
static bool
location_is_safe(const struct declared_text *t)
{
	const char *s = t->whole, *mark = strstr(s, "://"), *brace;
	const char *slash = strchr(mark ? mark + 3 : s, '/');

	brace = strchr(s, '{');
	if (mark && !(strncmp(s, "https://", 8) == 0 ||
			    strncmp(s, "http://", 7) == 0))
		return false;
	/* From http to https; what follows must not go on with the name. */
	if (strncmp(s, "https://{$host}", 15) == 0)
		return !s[15] || s[15] == '/' ||
		       strncmp(s + 15, "{$path}", 7) == 0;
	if (!mark && (s[0] != '/' || s[1] == '/' || s[1] == '\\'))
		return false;
	return !brace || (slash && slash < brace);
}

static int
read_redirect(struct declared_reading *rd, const json_t *v)
{
	struct declared_full *f = rd->route;
	int e = declared_read_text(rd, v, &f->location);

	f->pub.target = DECLARED_REDIRECT;
	f->pub.redirect_status = 302;
	if (e < 0)
		return e;
	if (!location_is_safe(&f->location))
		return declared_refuse(rd,
			"\"%s\": \"/path\" or \"https://host/path\" is wanted, "
			"with captures in the path only",
			f->location.whole);
	f->pub.location = f->location.whole;
	return 0;
}

static int
read_status(struct declared_reading *rd, const json_t *v)
{
	static const int known[] = {301, 302, 303, 307, 308};

	for (size_t i = 0; i < array_size(known); i++)
		if (json_integer_value(v) == known[i]) {
			rd->route->pub.redirect_status = known[i];
			return 0;
		}
	return declared_refuse(rd, "301, 302, 303, 307 or 308 is wanted");
}

static const struct declared_member to_function[] = {
	{"function", read_function}};
static const struct declared_member to_static[] = {{"static", read_static},
	{"index", read_index}, {"fallback", read_fallback},
	{"notFound", read_not_found}};
static const struct declared_member to_file[] = {{"file", read_stored}};
static const struct declared_member to_upstream[] = {
	{"upstream", read_upstream}};
static const struct declared_member to_redirect[] = {
	{"redirect", read_redirect}, {"status", read_status}};

static const struct declared_member firsts[] = {{"function", read_function},
	{"static", read_static}, {"file", read_stored},
	{"upstream", read_upstream}, {"redirect", read_redirect}};

/* By the first member's name. */
static const struct {
	const struct declared_member *rows;
	size_t count;
} kinds[] = {
	{to_function, array_size(to_function)},
	{to_static, array_size(to_static)},
	{to_file, array_size(to_file)},
	{to_upstream, array_size(to_upstream)},
	{to_redirect, array_size(to_redirect)},
};

int
declared_read_target(struct declared_reading *rd, const json_t *v)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < array_size(kinds); i++) {
		if (!json_object_get(v, kinds[i].rows[0].name))
			continue;
		if (found != SIZE_MAX)
			return declared_refuse(rd,
				"\"%s\" and \"%s\": a route leads to one",
				kinds[found].rows[0].name,
				kinds[i].rows[0].name);
		found = i;
	}
	if (found == SIZE_MAX) {
		/* names the nearest of what is misspelled */
		int e = declared_members(rd, v, firsts, array_size(firsts));

		return e < 0 ? e
			     : declared_refuse(rd,
				       "{\"function\": …}, {\"static\": …}, "
				       "{\"file\": …}, {\"upstream\": …} or "
				       "{\"redirect\": …} is wanted");
	}
	return declared_members(rd, v, kinds[found].rows, kinds[found].count);
}
