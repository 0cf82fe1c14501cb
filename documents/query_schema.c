/*
 * $jsonSchema: MongoDB's subset of draft 4, with bsonType.  The schema is
 * checked and written again as mpcloud.fits (routines/schema.sql) reads it:
 * types as lists of BSON's names, patterns translated, values in the stored
 * form.
 */
#include "documents/query_parse.h"

#include "base/buf.h"
#include "documents/regex.h"

#include <string.h>

struct schema {
	struct query_parse *p;
	struct buf to;
	const char *word; /* the keyword that is read */
	bool first;       /* no keyword of this object was written yet */
};

static int put_schema(struct schema *s, const json_t *v);

static int
bad(struct schema *s, const char *takes)
{
	return fault_set(s->p->why, ERR_DB_PARAM, "$jsonSchema: %.40s takes %s",
		s->word, takes);
}

static void
put_name(struct schema *s, const char *name)
{
	if (!s->first)
		buf_char(&s->to, ',');
	s->first = false;
	buf_json(&s->to, slice_str(name));
	buf_char(&s->to, ':');
}

static int
put_value(struct schema *s, const json_t *v)
{
	return value_put(&s->to, v, s->p->now_ms, s->p->why);
}

static int
put_number(struct schema *s, const json_t *v)
{
	double d;

	if (value_double(v, &d, NULL) < 0)
		return bad(s, "a number");
	put_name(s, s->word);
	return put_value(s, v);
}

static int
put_count(struct schema *s, const json_t *v)
{
	int64_t n;

	if (value_int(v, 0, INT32_MAX, &n, NULL) < 0)
		return bad(s, "a whole number, 0 or more");
	put_name(s, s->word);
	buf_i64(&s->to, n);
	return 0;
}

static int
put_bool(struct schema *s, const json_t *v)
{
	if (!json_is_boolean(v))
		return bad(s, "true or false");
	put_name(s, s->word);
	return put_value(s, v);
}

static int
put_nothing(struct schema *s, const json_t *v)
{
	return json_is_string(v) ? 0 : bad(s, "a text");
}

/* JSON's names of types beside BSON's. */
static const struct type {
	const char *name, *list;
} types[] = {
	{"number", "\"int\",\"long\",\"double\",\"decimal\""},
	{"boolean", "\"bool\""},
	{"bool", "\"bool\""},
	{"int", "\"int\""},
	{"long", "\"long\""},
	{"double", "\"double\""},
	{"decimal", "\"decimal\""},
	{"string", "\"string\""},
	{"object", "\"object\""},
	{"array", "\"array\""},
	{"null", "\"null\""},
	{"date", "\"date\""},
	{"objectId", "\"objectId\""},
	{"binData", "\"binData\""},
	{"regex", "\"regex\""},
	{"timestamp", "\"timestamp\""},
	{"minKey", "\"minKey\""},
	{"maxKey", "\"maxKey\""},
};

static int
put_type(struct schema *s, const json_t *v)
{
	const char *name = json_string_value(v);

	for (size_t i = 0; name && i < array_size(types); i++)
		if (strcmp(name, types[i].name) == 0) {
			buf_str(&s->to, types[i].list);
			return 0;
		}
	return bad(s, "BSON's names of types, such as \"string\", or a list "
		      "of them");
}

/* Both "type" and "bsonType". */
static int
put_types(struct schema *s, const json_t *v)
{
	json_t *item;
	size_t i;
	int r = 0;

	put_name(s, s->word);
	buf_char(&s->to, '[');
	if (!json_is_array(v))
		r = put_type(s, v);
	json_array_foreach (v, i, item) {
		if (i)
			buf_char(&s->to, ',');
		if (r == 0)
			r = put_type(s, item);
	}
	buf_char(&s->to, ']');
	return r;
}

static bool
is_names(const json_t *v)
{
	json_t *item;
	size_t i;

	json_array_foreach (v, i, item)
		if (!json_is_string(item))
			return false;
	return json_array_size(v) > 0;
}

static int
put_names(struct schema *s, const json_t *v)
{
	if (!is_names(v))
		return bad(s, "a list of members' names that is not empty");
	put_name(s, s->word);
	return put_value(s, v);
}

static int
put_enum(struct schema *s, const json_t *v)
{
	if (json_array_size(v) == 0)
		return bad(s, "a list of values that is not empty");
	put_name(s, s->word);
	return put_value(s, v);
}

static int
put_translated(struct schema *s, struct slice pattern)
{
	_buf_ struct buf text;
	int r;

	buf_init(&text, 32 * REGEX_TOP);
	r = regex_translate(&text, pattern, SLICE(""), REGEX_TEST, s->p->why);
	buf_json(&s->to, buf_all(&text));
	return r;
}

static int
put_pattern(struct schema *s, const json_t *v)
{
	if (!json_is_string(v))
		return bad(s, "a regular expression as a text");
	put_name(s, s->word);
	return put_translated(
		s, slice_of(json_string_value(v), json_string_length(v)));
}

/* A schema for each member's name, or for each pattern of names. */
static int
put_map(struct schema *s, const json_t *v, bool patterns)
{
	const char *name;
	json_t *item;
	bool first = true;
	int r = 0;

	if (!json_is_object(v))
		return bad(s, "an object of schemas");
	put_name(s, s->word);
	buf_char(&s->to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		if (!first)
			buf_char(&s->to, ',');
		first = false;
		if (patterns)
			r = put_translated(s, slice_str(name));
		else
			buf_json(&s->to, slice_str(name));
		buf_char(&s->to, ':');
		if (r == 0)
			r = put_schema(s, item);
		if (r < 0)
			return r;
	}
	buf_char(&s->to, '}');
	return 0;
}

static int
put_members(struct schema *s, const json_t *v)
{
	return put_map(s, v, false);
}

static int
put_patterns(struct schema *s, const json_t *v)
{
	return put_map(s, v, true);
}

/* For each member's name: names that it needs, or a schema. */
static int
put_needs(struct schema *s, const json_t *v)
{
	const char *name;
	json_t *item;
	bool first = true;

	if (!json_is_object(v))
		return bad(s, "an object");
	put_name(s, s->word);
	buf_char(&s->to, '{');
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		int r;

		if (!first)
			buf_char(&s->to, ',');
		first = false;
		buf_json(&s->to, slice_str(name));
		buf_char(&s->to, ':');
		r = is_names(item) ? put_value(s, item) : put_schema(s, item);
		if (r < 0)
			return r;
	}
	buf_char(&s->to, '}');
	return 0;
}

static int
put_list(struct schema *s, const json_t *v)
{
	json_t *item;
	size_t i;

	if (json_array_size(v) == 0)
		return bad(s, "a list of schemas that is not empty");
	put_name(s, s->word);
	buf_char(&s->to, '[');
	json_array_foreach (v, i, item) {
		int r;

		if (i)
			buf_char(&s->to, ',');
		r = put_schema(s, item);
		if (r < 0)
			return r;
	}
	buf_char(&s->to, ']');
	return 0;
}

static int
put_one(struct schema *s, const json_t *v)
{
	put_name(s, s->word);
	return put_schema(s, v);
}

static int
put_one_or_bool(struct schema *s, const json_t *v)
{
	return json_is_boolean(v) ? put_bool(s, v) : put_one(s, v);
}

static int
put_one_or_list(struct schema *s, const json_t *v)
{
	return json_is_array(v) ? put_list(s, v) : put_one(s, v);
}

static const struct keyword {
	const char *name;
	int (*put)(struct schema *s, const json_t *v);
} keywords[] = {
	{"bsonType", put_types},
	{"type", put_types},
	{"required", put_names},
	{"properties", put_members},
	{"patternProperties", put_patterns},
	{"additionalProperties", put_one_or_bool},
	{"dependencies", put_needs},
	{"minProperties", put_count},
	{"maxProperties", put_count},
	{"items", put_one_or_list},
	{"additionalItems", put_one_or_bool},
	{"minItems", put_count},
	{"maxItems", put_count},
	{"uniqueItems", put_bool},
	{"minimum", put_number},
	{"maximum", put_number},
	{"exclusiveMinimum", put_bool},
	{"exclusiveMaximum", put_bool},
	{"multipleOf", put_number},
	{"minLength", put_count},
	{"maxLength", put_count},
	{"pattern", put_pattern},
	{"enum", put_enum},
	{"allOf", put_list},
	{"anyOf", put_list},
	{"oneOf", put_list},
	{"not", put_one},
	{"title", put_nothing},
	{"description", put_nothing},
};

static int
put_keyword(struct schema *s, const char *name, const json_t *v)
{
	s->word = name;
	for (size_t i = 0; i < array_size(keywords); i++)
		if (strcmp(name, keywords[i].name) == 0)
			return keywords[i].put(s, v);
	return fault_set(s->p->why, ERR_DB_PARAM,
		"$jsonSchema: the keyword %.40s is not known", name);
}

static int
put_schema(struct schema *s, const json_t *v)
{
	const char *name, *word = s->word;
	json_t *item;
	int r = query_enter(s->p);

	if (r < 0)
		return r;
	if (!json_is_object(v))
		return bad(s, "a schema, which is an object");
	buf_char(&s->to, '{');
	s->first = true;
	json_object_foreach ((json_t *)(uintptr_t)v, name, item) {
		r = put_keyword(s, name, item);
		if (r < 0)
			return r;
	}
	buf_char(&s->to, '}');
	s->first = false;
	s->word = word;
	query_leave(s->p);
	return 0;
}

int
query_put_schema(struct query_parse *p, const json_t *v, struct query *all)
{
	struct schema s = {.p = p, .word = "$jsonSchema"};
	struct query *q;
	int r = query_add(p, all, QUERY_SCHEMA, &q);

	if (r < 0)
		return r;
	buf_init(&s.to, VALUE_SIZE_TOP);
	r = put_schema(&s, v);
	if (r == 0)
		r = query_keep(p, &q->value, &s.to);
	buf_done(&s.to);
	return r;
}
