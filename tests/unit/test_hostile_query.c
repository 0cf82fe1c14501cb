/*
 * Hostile names, paths, values and expressions: made by chance from what has
 * broken out of SQL, jsonpath, JSON and text[] before, they are found by what
 * they are and by nothing else.  The same seed makes the same ones.
 */
#include "tests/unit/doc_call.h"

static uint64_t seed = 20240607;

static unsigned
chance(unsigned below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(seed >> 33) % below;
}

static const char *const pieces[] = {"'", "\"", "\\", "`", "$1", "$$", "$v",
	"--", "/*", "*/", ";", "{", "}", "[", "]", "(", ")", ",", "@", "?", "*",
	"**", "||", "&&", "==", "::jsonb", "E'", "U&'", "\\u0041", "\\'",
	"NULL", "null", "true", "0", "-1", "1e999", "DROP TABLE", " OR 1=1",
	"doc", "_id", "__proto__", "\n", "\t", "\x01", "\x7f", "é", "中",
	"\xf0\x9f\x98\x80", "\xe2\x80\xae", "\xef\xbb\xbf", "%s%n", "%27", "#",
	"!", "=", "<", ">", "a", "b", " "};

static void
put_hostile(struct buf *to, unsigned top)
{
	for (unsigned n = 1 + chance(top); n > 0; n--)
		buf_str(to, pieces[chance(array_size(pieces))]);
}

/* A name: no path, no operator, not empty. */
static const char *
hostile_name(void)
{
	static char room[600];
	_buf_ struct buf b;

	buf_init(&b, 500);
	put_hostile(&b, 8);
	(void)snprintf(
		room, sizeof(room), "%s%s", b.ptr[0] == '$' ? "x" : "", b.ptr);
	return room;
}

static const char *
hostile_value(void)
{
	static char room[600];
	_buf_ struct buf b;

	buf_init(&b, 500);
	put_hostile(&b, 12);
	(void)snprintf(room, sizeof(room), "%s", b.ptr);
	return room;
}

/* `v` taken over. */
static const char *
text_of(json_t *v)
{
	static char room[8][8192];
	static unsigned at;
	char *to = room[at++ % array_size(room)];
	_buf_ struct buf b;

	assert_non_null(v);
	buf_init(&b, sizeof(room[0]) - 1);
	val_put(&b, v);
	assert_int_equal(buf_check(&b), 0);
	(void)snprintf(to, sizeof(room[0]), "%s", b.ptr);
	json_decref(v);
	return to;
}

/* What finds the document, in the ways that names and values go. */
static void
must_find(struct call *c, const char *coll, json_t *query, const char *id)
{
	const char *text = text_of(query);
	const char *ids = ids_of(c, coll, text);

	if (strcmp(ids, id) != 0)
		print_error("%s\n", text);
	assert_string_equal(ids, id);
}

static void
ask_by_name(struct call *c, const char *coll, const char *name,
	const char *value, const char *id)
{
	const char *other = "no such value";

	must_find(c, coll, json_pack("{s:s,s:s}", "k", id, name, value), id);
	must_find(c, coll,
		json_pack("{s:s,s:{s:[s,s,n]}}", "k", id, name, "$in", value,
			other),
		id);
	must_find(c, coll,
		json_pack("{s:s,s:{s:s,s:s}}", "k", id, name, "$gte", value,
			"$lte", value),
		id);
	must_find(c, coll,
		json_pack("{s:s,s:{s:b,s:s,s:{s:i}}}", "k", id, name, "$exists",
			1, "$ne", other, "$not", "$size", 3),
		id);
	must_find(c, coll,
		json_pack("{s:s,s:{s:s}}", "k", id, name, "$ne", value), "");
	must_find(c, coll, json_pack("{s:s,s:s}", "k", id, name, other), "");
}

static void
names_and_values_are_found_by_what_they_are(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (int i = 0; i < 150; i++) {
		const char *value = hostile_value(), *name = hostile_name();
		char id[16];

		(void)snprintf(id, sizeof(id), "d%d", i);
		ok(&c, DOC_INSERT, coll, NULL,
			text_of(json_pack("[{s:s,s:s,s:s}]", "_id", id, "k", id,
				name, value)));
		ask_by_name(&c, coll, name, value, id);
		c.order = text_of(json_pack("{s:i}", name, -1));
		c.projection =
			text_of(json_pack("{s:i,s:i}", name, 1, "_id", 0));
		ok(&c, DOC_FIND, coll, text_of(json_pack("{s:s}", "k", id)),
			NULL);
		c.order = c.projection = NULL;
		assert_int_equal(c.op.count, 1);
		assert_string_equal(text_of(json_loads(c.text, 0, NULL)),
			text_of(json_pack("{s:s}", name, value)));
	}
	end(&c);
}

/* The same behind steps: members, elements and both. */
static void
paths_lead_to_what_they_name(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (int i = 0; i < 100; i++) {
		const char *value = hostile_value();
		char a[600], b[600], path[1500], id[16];

		(void)snprintf(a, sizeof(a), "%s", hostile_name());
		(void)snprintf(b, sizeof(b), "%s", hostile_name());
		(void)snprintf(id, sizeof(id), "d%d", i);
		ok(&c, DOC_INSERT, coll, NULL,
			text_of(json_pack("[{s:s,s:s,s:{s:[{s:s},i]}}]", "_id",
				id, "k", id, a, b, "leaf", value, 5)));
		(void)snprintf(path, sizeof(path), "%s.%s.leaf", a, b);
		ask_by_name(&c, coll, path, value, id);
		(void)snprintf(path, sizeof(path), "%s.%s.0.leaf", a, b);
		ask_by_name(&c, coll, path, value, id);
		(void)snprintf(path, sizeof(path), "%s.%s", a, b);
		must_find(&c, coll,
			json_pack("{s:s,s:{s:{s:s}}}", "k", id, path,
				"$elemMatch", "leaf", value),
			id);
	}
	end(&c);
}

static void
put_escaped(struct buf *to, const char *value)
{
	for (; *value; value++) {
		if (strchr("\\^$.|?*+()[]{}/-", *value))
			buf_char(to, '\\');
		buf_char(to, *value);
	}
}

/* Every hostile text as a pattern of its own characters. */
static void
patterns_are_patterns_only(void **state)
{
	struct call c;
	const char *coll = fresh(&c);

	(void)state;
	for (int i = 0; i < 150; i++) {
		const char *value = hostile_value();
		_buf_ struct buf pattern;
		char id[16];

		buf_init(&pattern, 4096);
		buf_char(&pattern, '^');
		put_escaped(&pattern, value);
		buf_char(&pattern, '$');
		(void)snprintf(id, sizeof(id), "d%d", i);
		ok(&c, DOC_INSERT, coll, NULL,
			text_of(json_pack("[{s:s,s:s,s:s}]", "_id", id, "k", id,
				"t", value)));
		must_find(&c, coll,
			json_pack("{s:s,s:{s:s}}", "k", id, "t", "$regex",
				pattern.ptr),
			id);
		/* as it is: a pattern or an error, never a fault of ours */
		assert_true(run(&c, DOC_FIND, coll,
				    text_of(json_pack(
					    "{s:{s:s}}", "t", "$regex", value)),
				    NULL) >= 0 ||
			    c.op.job.err == ERR_DB_PARAM);
		assert_true(run(&c, DOC_FIND, coll,
				    text_of(json_pack("{s:{s:s}}", "$text",
					    "$search", value)),
				    NULL) >= 0);
	}
	end(&c);
}

/* What would run for hours elsewhere ends, with a sentence where it must. */
static void
expensive_expressions_end(void **state)
{
	static const char *const patterns[] = {"^(a+)+$", "^(a|aa)+$",
		"^(a|a?)+$", "(.*a){20}b", "^(([a-z])+.)+[A-Z]([a-z])+$",
		"^(?:a?){200}a{200}$", "(a*)*(b*)*c", "(x+x+)+y",
		"((a{1,50}){1,50}){1,50}", "(?=(a+))a*b\\w+\\1"};
	struct call c;
	const char *coll = fresh(&c);
	char *doc = mem_alloc(60000);
	uint64_t began = clock_now();

	(void)state;
	memset(doc, 'a', 50000);
	memcpy(doc, "[{\"t\":\"", 7);
	memcpy(doc + 50000, "!\"}]", 5);
	ok(&c, DOC_INSERT, coll, NULL, doc);
	free(doc);
	for (size_t i = 0; i < array_size(patterns); i++) {
		int r = run(&c, DOC_FIND, coll,
			text_of(json_pack(
				"{s:{s:s}}", "t", "$regex", patterns[i])),
			NULL);

		assert_true(r == 0 || r == ERR_DB_PARAM || r == ERR_TIMEOUT);
		assert_true(r == 0 || c.op.job.why.text[0]);
	}
	assert_true(clock_now() - began < 60ULL * CLOCK_S);
	end(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values_are_found_by_what_they_are),
		cmocka_unit_test(paths_lead_to_what_they_name),
		cmocka_unit_test(patterns_are_patterns_only),
		cmocka_unit_test(expensive_expressions_end),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
