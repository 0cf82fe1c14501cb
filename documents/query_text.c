/*
 * $text: the words of $search, sorted into those of which any will do, the
 * "phrases" that must be there, and what a minus sign forbids.
 */
#include "documents/query_parse.h"

#include "base/buf.h"

enum { SEARCH_TOP = 4096, WORDS_TOP = 100 };

struct words {
	struct buf any, all, none;
	unsigned count;
};

static void
put_word(struct buf *to, struct slice word)
{
	buf_char(to, to->len ? ',' : '[');
	buf_json(to, word);
}

static bool
is_space(char c)
{
	return c && strchr(" \t\r\n\f\v", c);
}

/* One word or phrase at `at`; what follows it. */
static struct slice
read_word(struct words *w, struct slice at)
{
	bool minus = at.len > 1 && *at.ptr == '-', phrase;
	const char *end;
	size_t len = 0;

	at = slice_of(at.ptr + minus, at.len - minus);
	phrase = at.len > 1 && *at.ptr == '"';
	at = slice_of(at.ptr + phrase, at.len - phrase);
	end = phrase ? memchr(at.ptr, '"', at.len) : NULL;
	if (phrase)
		len = end ? (size_t)(end - at.ptr) : at.len;
	else
		while (len < at.len && !is_space(at.ptr[len]))
			len++;
	w->count++;
	if (len)
		put_word(minus    ? &w->none
			 : phrase ? &w->all
				  : &w->any,
			slice_of(at.ptr, len));
	return slice_of(
		at.ptr + len + (end != NULL), at.len - len - (end != NULL));
}

static void
put_list(struct buf *to, const char *name, const struct buf *list)
{
	buf_printf(to, "\"%s\":", name);
	buf_slice(to, list->len ? buf_all(list) : SLICE("["));
	buf_char(to, ']');
}

/* Where there are phrases the single words do not matter. */
static int
put_words(struct query_parse *p, struct slice search, struct words *w,
	struct query *q)
{
	_buf_ struct buf text = {0};

	while (search.len) {
		if (is_space(*search.ptr)) {
			search = slice_of(search.ptr + 1, search.len - 1);
			continue;
		}
		search = read_word(w, search);
		if (w->count > WORDS_TOP)
			return fault_set(p->why, ERR_DB_PARAM,
				"$search may have %d words", WORDS_TOP);
	}
	if (w->all.len)
		buf_clear(&w->any);
	buf_init(&text, 64 * SEARCH_TOP);
	buf_char(&text, '{');
	put_list(&text, "any", &w->any);
	buf_char(&text, ',');
	put_list(&text, "all", &w->all);
	buf_char(&text, ',');
	put_list(&text, "none", &w->none);
	buf_char(&text, '}');
	return query_keep(p, &q->value, &text);
}

static int
check_members(struct query_parse *p, const json_t *v)
{
	static const char *const known[] = {"$search", "$language",
		"$caseSensitive", "$diacriticSensitive"};
	const char *name;
	json_t *item;

	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		bool found = false;

		for (size_t i = 0; i < array_size(known); i++)
			found |= strcmp(name, known[i]) == 0;
		if (!found)
			return query_unknown(p, name);
	}
	if (json_is_true(json_object_get(v, "$caseSensitive")))
		return fault_set(p->why, ERR_DB_PARAM,
			"$caseSensitive: words are always compared without "
			"regard to case; add a $regex for the exact one");
	return 0;
}

int
query_put_text(struct query_parse *p, const json_t *v, struct query *all)
{
	const json_t *search = json_object_get(v, "$search");
	struct words w = {0};
	struct query *q;
	int r = query_add(p, all, QUERY_TEXT, &q);

	if (r < 0)
		return r;
	if (!json_is_string(search) || json_string_length(search) > SEARCH_TOP)
		return fault_set(p->why, ERR_DB_PARAM,
			"$text takes {\"$search\": words}, of %d bytes at most",
			SEARCH_TOP);
	r = check_members(p, v);
	if (r < 0)
		return r;
	buf_init(&w.any, 16 * SEARCH_TOP);
	buf_init(&w.all, 16 * SEARCH_TOP);
	buf_init(&w.none, 16 * SEARCH_TOP);
	r = put_words(p,
		slice_of(json_string_value(search), json_string_length(search)),
		&w, q);
	buf_done(&w.any);
	buf_done(&w.all);
	buf_done(&w.none);
	return r;
}
