/*
 * Regular expressions of MongoDB and JavaScript in PostgreSQL's words.
 */
#include "documents/regex.h"
#include "tests/unit/test.h"

/* The translation, or the error's sentence. */
static const char *
translated(const char *pattern, const char *options)
{
	static char room[8192];
	struct fault why = {0};
	struct buf b;
	int r;

	buf_init(&b, 1 << 20);
	r = regex_translate(
		&b, slice_str(pattern), slice_str(options), REGEX_TEST, &why);
	(void)snprintf(room, sizeof(room), "%s",
		r < 0   ? why.text
		: b.ptr ? b.ptr
			: "");
	assert_true(r == 0 || r == ERR_DB_PARAM);
	buf_done(&b);
	return room;
}

static void
what_both_have_stays(void **state)
{
	static const char *const same[] = {"", "abc", "^a", "a$", "a|b", "(a)",
		"(?:a)*", "a+b?", "[a-z0-9]", "[^a]", "(?=a)b", "(?!a)",
		"(?<=a)", "(?<!a)", "|", "()", "a{2,3}"};

	(void)state;
	for (size_t i = 0; i < array_size(same); i++)
		assert_string_equal(translated(same[i], ""), same[i]);
}

static void
what_differs_is_said_otherwise(void **state)
{
	static const char *const cases[][3] = {
		{".", "", "[^\\u000A]"},
		{".", "s", "."},
		{"a b", "", "a\\u0020b"},
		{"a b # c\nd", "x", "abd"},
		{"\\d\\w", "", "[0-9][A-Za-z0-9_]"},
		{"[\\d.]", "", "[0-9\\u002E]"},
		{"[]a]", "", "[\\u005Da]"},
		{"[a-]", "", "[a\\u002D]"},
		{"[\\b]", "", "[\\u0008]"},
		{"\\x41\\u4e2d\\u{1F600}", "", "A\\u4E2D\\U0001F600"},
		{"\\ud83d\\ude00", "", "\\U0001F600"},
		{"中", "", "\\u4E2D"},
		{"(?<y>a)\\k<y>\\1", "", "(a)(?:\\1)(?:\\1)"},
		{"(?P<y>a)(?P=y)", "", "(a)(?:\\1)"},
		{"(?=(a))(b)\\2", "", "(?=(a))(b)(?:\\1)"},
		{"a{3}", "", "a{3,3}"},
		{"a{3,}", "", "a{3,}"},
		{"a{,3}", "", "a\\u007B\\u002C3\\u007D"},
		{"a*?b+?", "", "a*b+"},
		{"a(?#note)b", "", "ab"},
		{"x", "i", "(?i)x"},
		{"^x$", "m", "(?w)^x$"},
		{"(?i)x", "", "(?i)x"},
		{"x", "gu", "x"},
		{"\\Ax\\z", "", "\\Ax\\Z"},
		{"'; DROP", "", "\\u0027\\u003B\\u0020DROP"},
		{"/", "", "\\u002F"},
		{"\\/\\.", "", "\\u002F\\u002E"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_string_equal(
			translated(cases[i][0], cases[i][1]), cases[i][2]);
}

static void
what_cannot_be_said_is_refused_in_words(void **state)
{
	static const char *const cases[][2] = {
		{"(", "( is not closed"},
		{")", ") closes nothing"},
		{"[a", "[ is not closed"},
		{"*", "nothing that * repeats"},
		{"a**", "repetitions such as"},
		{"a++", "repetitions such as"},
		{"^*", "assertion cannot be repeated"},
		{"(?=a)+", "assertion cannot be repeated"},
		{"\\", "ends with a backslash"},
		{"\\1", "refers back"},
		{"(\\1)", "refers back"},
		{"(?=(a))\\1", "look-around"},
		{"\\q", "\\q is not known"},
		{"[\\q]", "\\q means nothing"},
		{"\\ud83d", "surrogate"},
		{"\\x4", "2 hexadecimal"},
		{"\\u{110000}", "no character"},
		{"\\0", "NUL"},
		{"[z-a]", "backwards"},
		{"a{3,2}", "backwards"},
		{"a{256}", "255"},
		{"(?i:a)", "(?i"},
		{"(?>a)", "(?>"},
		{"(?R)", "(?R"},
		{"\\p{Klingon}", "Klingon"},
		{"(a{200}){200}", "too long"},
		{"((a?){16}){17}", "too long"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++)
		assert_non_null(
			strstr(translated(cases[i][0], ""), cases[i][1]));
	assert_non_null(strstr(translated("a", "q"), "option q"));
}

static void
ceilings_are_kept(void **state)
{
	char text[REGEX_TOP + 2];

	(void)state;
	(void)memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(strstr(translated(text, ""), "8192 bytes"));
	(void)memset(text, '(', 60);
	text[60] = '\0';
	assert_non_null(strstr(translated(text, ""), "deeper"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_both_have_stays),
		cmocka_unit_test(what_differs_is_said_otherwise),
		cmocka_unit_test(what_cannot_be_said_is_refused_in_words),
		cmocka_unit_test(ceilings_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
