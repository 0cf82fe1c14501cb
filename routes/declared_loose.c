/*
 * Spellings.  Routes are matched by one spelling of a path: decoded, and with
 * slashes that stand side by side merged, as nginx matches locations.  What an
 * upstream or a function is given is the path as it came, and it may read more
 * into it than we do: Express does not tell upper case from lower, servlet
 * containers cut off what follows a semicolon, some decode twice.  So where
 * such a reading would lead to a route that asks for more than the one that
 * was found, the request is refused: a protected path has no back door.
 */
#include "base/mem.h"
#include "base/text.h"
#include "routes/declared_inside.h"

#include <ctype.h>
#include <string.h>

struct slice
declared_merge(struct arena *a, struct slice path)
{
	char *to;
	size_t len = 0;

	if (path.len < 2 || !memmem(path.ptr, path.len, "//", 2))
		return path;
	to = arena_get(a, path.len + 1);
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] != '/' || !len || to[len - 1] != '/')
			to[len++] = path.ptr[i];
	to[len] = '\0';
	return slice_of(to, len);
}

/* Whether a segment is "." or "..": what they mean differs from server to
 * server, so they mean nothing here. */
bool
declared_has_dots(struct slice path)
{
	for (size_t i = 0; i + 1 < path.len; i++) {
		size_t n = 1;

		if (path.ptr[i] != '/' || path.ptr[i + 1] != '.')
			continue;
		n += i + 2 < path.len && path.ptr[i + 2] == '.';
		if (i + 1 + n == path.len || path.ptr[i + 1 + n] == '/')
			return true;
	}
	return false;
}

/* The byte at `*i`, an escape read as one; *i moves behind it. */
static char
cut_byte(struct slice s, size_t *i)
{
	char c = s.ptr[(*i)++];
	int high, low;

	if (c != '%' || s.len - *i < 2)
		return c;
	high = text_hex_digit(s.ptr[*i]);
	low = text_hex_digit(s.ptr[*i + 1]);
	if (high < 0 || low < 0)
		return c;
	*i += 2;
	return (char)(high * 16 + low);
}

/* The path as the most careless of readers has it. */
static struct slice
loosen(struct arena *a, struct slice path)
{
	char *to = arena_get(a, path.len + 1);
	size_t len = 0;
	bool cut = false;

	for (size_t i = 0; i < path.len;) {
		char c = cut_byte(path, &i);

		if (c == '\\')
			c = '/';
		cut = c == ';' || (cut && c != '/');
		if (cut || (c == '/' && len && to[len - 1] == '/'))
			continue;
		to[len++] = (char)tolower((unsigned char)c);
	}
	while (len > 1 && to[len - 1] == '/')
		len--;
	to[len] = '\0';
	return slice_of(to, len);
}

static bool
is_plain(struct slice path)
{
	for (size_t i = 0; i < path.len; i++)
		if (isupper((unsigned char)path.ptr[i]) ||
			strchr("%;\\", path.ptr[i]))
			return false;
	return path.len < 2 || path.ptr[path.len - 1] != '/';
}

/* Lower case, but for the names of parameters, which mean nothing here. */
static char *
lower(const char *s)
{
	char *to = str_dup(s);

	for (char *p = to; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return to;
}

static bool
is_guarded(const struct declared_route *d)
{
	return (d->target == DECLARED_UPSTREAM ||
		       d->target == DECLARED_FUNCTION) &&
	       (d->auth != DECLARED_AUTH_NONE || d->limits);
}

void
declared_guard(struct declared_table *t, struct declared_full *f)
{
	if (!is_guarded(&f->pub))
		return;
	f->loose = lower(f->path);
	t->guards_upper |= strcmp(f->loose, f->path) != 0;
	if (t->nguards == t->guards_room) {
		t->guards_room = t->guards_room * 2 + 16;
		t->guards = mem_resize(
			t->guards, t->guards_room * sizeof(*t->guards));
	}
	t->guards[t->nguards++] = f;
}

/* Whether `g` asks for something that `f` does not, of the same program. */
static bool
asks_more(const struct declared_route *g, const struct declared_route *f)
{
	if (g->target != f->target ||
		(g->target == DECLARED_FUNCTION &&
			strcmp(g->function, f->function) != 0))
		return false;
	return g->auth != f->auth || g->limits;
}

static bool
goes_first(const struct declared_full *g, const struct declared_full *f)
{
	return g->source != f->source ? g->source < f->source
				      : declared_compare(g, f) < 0;
}

const struct declared_route *
declared_evaded(const struct declared_table *t, const struct declared_ask *ask,
	struct slice host, const struct declared_full *f)
{
	struct slice loose;

	if (!t->nguards || (!t->guards_upper && is_plain(ask->path)))
		return NULL;
	loose = loosen(ask->arena, ask->path);
	for (size_t i = 0; i < t->nguards; i++) {
		const struct declared_full *g = t->guards[i];

		if (g == f || !asks_more(&g->pub, &f->pub))
			continue;
		if (declared_has_dots(loose))
			return &g->pub;
		if (declared_path_fits_loosely(g, loose) &&
			declared_check(g, ask, host, NULL) == FITS &&
			goes_first(g, f))
			return &g->pub;
	}
	return NULL;
}
