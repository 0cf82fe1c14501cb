/*
 * $regexMatch and its like: a pattern that is known when it is parsed is
 * translated then, so that its errors are told at once; another one is put
 * together by mpcloud.expr_pattern as well as SQL can.
 */
#include "documents/expr_tree.h"
#include "documents/regex.h"

static struct slice
str(const json_t *v)
{
	return slice_of(json_string_value(v), json_string_length(v));
}

/* The constant pattern and letters; false when an expression makes them. */
static bool
find_pattern(const json_t *v, struct slice *pattern, struct slice *options)
{
	const json_t *regex = json_object_get(v, "regex");
	const json_t *letters = json_object_get(v, "options");
	const json_t *inner = json_object_get(regex, "$regularExpression");

	*pattern = str(regex);
	*options = str(letters);
	if (inner) {
		*pattern = str(json_object_get(inner, "pattern"));
		if (!letters)
			*options = str(json_object_get(inner, "options"));
	} else if (json_object_get(regex, "$regex")) {
		*pattern = str(json_object_get(regex, "$regex"));
		if (!letters)
			*options = str(json_object_get(regex, "$options"));
	}
	return pattern->ptr &&
	       !(json_is_string(regex) && pattern->len &&
		       pattern->ptr[0] == '$') &&
	       (!letters || (options->ptr && !slice_starts(*options, "$")));
}

static int
add_pattern(struct expr_parser *p, const struct buf *text, struct expr *e)
{
	_json_ json_t *v =
		json_pack("{s:s%}", "$literal", text->ptr, text->len);

	if (!v)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s: the pattern is not UTF-8 text", e->op->name);
	return expr_read_arg(p, v, e, "pattern");
}

int
expr_read_regex(struct expr_parser *p, const json_t *v, struct expr *e)
{
	const json_t *input = json_object_get(v, "input");
	struct slice pattern, options;
	_buf_ struct buf text;
	int r;

	buf_init(&text, 1 << 20);
	if (!json_is_object(v) || !input)
		return fault_set(p->why, ERR_DB_PARAM,
			"%s takes an object of 'input', 'regex' and 'options'",
			e->op->name);
	if (!find_pattern(v, &pattern, &options))
		return expr_read_named(p, v, e);
	r = expr_check_names(p, v, e->op->name, "input regex options");
	if (r == 0)
		r = regex_translate(
			&text, pattern, options, REGEX_FIND, p->why);
	if (r == 0)
		r = expr_read_arg(p, input, e, "input");
	buf_add(&text, "", 0);
	return r < 0 ? r : add_pattern(p, &text, e);
}
