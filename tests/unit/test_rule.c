/*
 * Security rules: what can be written, what is said of what cannot, and what is
 * decided before any document is looked at.
 */
#include "base/val.h"
#include "documents/query.h"
#include "documents/rule.h"
#include "documents/sql.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, 64 << 20);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static json_t *
parse(const char *text)
{
	json_t *v = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

	assert_true(v || !text);
	return v;
}

/* The rule "update" of this expression. */
static int
parse_rule(struct rules **ret, const char *expr, struct fault *why)
{
	_json_ json_t *v = json_pack("{s:s}", "update", expr);

	assert_non_null(v);
	return rules_parse(ret, v, NULL, &arena, why);
}

static const char *
error_of(const char *expr)
{
	static struct fault why;
	struct rules *rules;

	why = (struct fault){0};
	if (parse_rule(&rules, expr, &why) == 0)
		return "none";
	assert_int_equal(why.code, ERR_DB_PARAM);
	assert_true(strncmp(why.text, "update: ", 8) == 0);
	return why.text + 8;
}

static const struct {
	const char *expr, *error;
} errors[] = {
	{"doc.a = 1", "column 7: = assigns; == compares"},
	{"doc.a == 1 & doc.b", "column 12: and is &&"},
	{"doc.a == ", "column 10: the expression is not ended"},
	{"", "column 1: the expression is not ended"},
	{"(doc.a == 1", "column 12: ) is missing"},
	{"doc.a == 1)", "column 11: \")\" is not expected here"},
	{"doc.a == 'x", "column 10: a text is not ended"},
	{"doc.名 == 1 && user.id == 2",
		"column 15: user is not known: there are auth, doc, "
		"request.data, now and get()"},
	{"auth.opneid == doc.x",
		"column 6: auth has openid, uid, loginType and custom"},
	{"request.auth == doc.x",
		"column 9: of request there is request.data only"},
	{"request == null", "column 9: of request there is request.data only"},
	{"doc.n + 1 == 2", "column 7: rules do not calculate"},
	{"doc.name.startsWith('a')",
		"column 20: the only function of a rule is get()"},
	{"now() > 1", "column 4: the only function of a rule is get()"},
	{"doc.a == 1 == true", "column 12: a comparison is no value: write && "
			       "between two"},
	{"(doc.a && doc.b) == 1",
		"column 8: a condition is no value: join conditions "
		"with && and ||"},
	{"!doc.a in [1]", "column 1: a condition is no value: join conditions "
			  "with && and ||"},
	{"doc.a == [1]", "column 10: a list stands to the right of in only"},
	{"'a' in 'abc'", "column 8: in wants a list: [a, b] or a member that "
			 "holds one"},
	{"doc.a in [1 2]",
		"column 13: , is missing between the values of a list"},
	{"doc.a == “x”", "column 10: “ is not the sign that it looks like: use "
			 "ASCII's"},
	{"doc.a＝＝1", "column 6: ＝ is not the sign that it looks like: use "
		       "ASCII's"},
	{"get('users.1').x == 1",
		"column 5: get() takes `database.COLLECTION.ID`: the "
		"collection written out, the id with ${…}"},
	{"get(`database.${doc.c}.1`).x == 1",
		"column 5: get() takes `database.COLLECTION.ID`: the "
		"collection written out, the id with ${…}"},
	{"get(doc.path).x == 1",
		"column 5: get() takes `database.COLLECTION.ID`: the "
		"collection written out, the id with ${…}"},
	{"get('database.a.1') && get('database.a.2') && "
	 "get('database.a.3') && get('database.a.4')",
		"column 70: an expression may have 3 get()"},
	{"get(`database.a.${get(`database.b.${get(`database.c.1`)."
	 "x}`).x}`).x == 1",
		"column 37: get() may be nested 2 deep"},
	{"doc['$where'] == 1",
		"column 5: a member's name does not begin with $"},
	{"doc.$x == 1", "column 5: a name with $ cannot be written; ${…} "
			"stands in a `template`"},
	{"doc.a == 1 ? true", "column 18: : is missing after ?"},
	{"`a${doc.x` == 1", "column 10: } is missing after ${"},
	{"doc.x == `a", "column 11: a template is not ended: ` is "
			"missing"},
	{"doc.a == 01", "column 10: a number has no leading zeros "
			"and 40 digits at most"},
	{"doc.a == 1x", "column 10: a number is not ended well"},
	{"doc.a == 1e999", "column 10: the number is too large"},
	{"doc.a == '\\u0000'",
		"column 12: \\u and \\x take the code of a character; "
		"write those beyond FFFF as they are"},
	{"doc.a == -doc.b", "column 11: - stands before a number only"},
	{"doc.a; doc.b", "column 6: a rule is one expression"},
	{"doc?.a", "column 4: write . : a member that is not there is "
		   "undefined"},
	{"doc.a == {}", "column 10: an object cannot be written here"},
	{"doc.a ?? 1", "column 7: ?? is not known; use ?:"},
	{"doc.", "column 5: a member's name is missing"},
	{"'a'.length == 1",
		"column 4: only auth, doc, request.data and get() have "
		"members"},
	{"doc.a == #", "column 10: \"#\" has no meaning here"},
};

static void
an_error_names_the_column_and_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < array_size(errors); i++)
		assert_string_equal(error_of(errors[i].expr), errors[i].error);
}

static void
what_the_documentation_shows_can_be_written(void **state)
{
	static const char *const exprs[] = {
		/* docs.cloudbase.net, "security rules" and "get" */
		"doc._openid == auth.openid",
		"auth.openid == doc._openid",
		"auth.uid==doc.uid",
		"doc.name=='zzz'",
		"auth != null",
		"auth.loginType != 'ANONYMOUS'",
		"doc.published == true || doc.author == auth.openid",
		"doc.userId == auth.openid || doc.userId == auth.uid",
		"now > doc.expireTime",
		"doc.status != 'deleted'",
		"auth.openid in doc.editors",
		"!(auth.uid in ['zzz','aaa'])",
		"auth.openid == doc.userId && doc.published",
		"doc._openid==auth.openid && request.data.price == undefined",
		"get('database.test.123')[auth.uid] in [1,2,3]",
		"auth.openid in get(`database.B.${doc.shopId}`).owner",
		"doc.a[auth.uid] == 'zzz'",
		"get(`database.a.${get(`database.b.${doc.x}`).ref}`).ok",
		/* and JavaScript */
		"doc.a === 1 && doc.b !== 'x' && doc['c d'].e[0] >= -1.5e3",
		"(doc.vip ? doc.top : 10) > request.data.n",
		"doc.x == undefined ? auth != null : auth.uid == doc.x",
		"doc.k == `user_${auth.uid}`",
		"\"it's\" == doc.q && 'say \"x\"' != doc.q && '\\u4e2d' == "
		"doc.z",
		"doc.名字 == '中文'",
	};

	(void)state;
	for (size_t i = 0; i < array_size(exprs); i++)
		assert_string_equal(error_of(exprs[i]), "none");
}

static void
rules_are_five_and_of_bounded_size(void **state)
{
	static const struct {
		const char *rules, *error;
	} cases[] = {
		{"{}", NULL},
		{"{\"read\":true,\"write\":false,\"create\":\"true\","
		 "\"update\":\"false\",\"delete\":\"auth\"}",
			NULL},
		{"\"{\\\"read\\\": true}\"", NULL}, /* as CloudBase's API */
		{"{\"reed\":true}",
			"there is no rule \"reed\": there are read, write, "
			"create, update and delete"},
		{"{\"read\":1}", "read: a rule is true, false or an "
				 "expression in a text"},
		{"{\"read\":null}", "read: a rule is true, false or an "
				    "expression in a text"},
		{"[]", "rules are an object: {\"read\": true, \"write\": "
		       "\"doc._openid == auth.openid\"}"},
		{"{\"delete\":\"!\"}",
			"delete: column 2: the expression is not ended"},
	};
	char longest[1100];
	char deep[300];

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_json_ json_t *v = parse(cases[i].rules);
		struct fault why = {0};
		struct rules *rules;
		int r = rules_parse(&rules, v, NULL, &arena, &why);

		assert_int_equal(r, cases[i].error ? ERR_DB_PARAM : 0);
		assert_string_equal(
			why.text, cases[i].error ? cases[i].error : "");
	}
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "doc.", 4);
	longest[1024] = '\0';
	assert_string_equal(error_of(longest), "none");
	longest[1024] = 'a';
	longest[1025] = '\0';
	assert_string_equal(
		error_of(longest), "an expression has 1024 bytes at most");
	memset(deep, '(', 200);
	deep[200] = '\0';
	assert_non_null(strstr(error_of(deep), "may be nested 60 deep"));
	memset(deep, '!', 200);
	assert_non_null(strstr(error_of(deep), "may be nested 60 deep"));
}

static const struct doc_scope alice = {
	.openid = "alice", .uid = "u1", .login_type = "WECHAT"};
static const struct doc_scope guest = {
	.openid = "u2", .uid = "u2", .login_type = "ANONYMOUS"};
static const struct doc_scope nobody = {.openid = ""};

/* 'y': of every document, 'n': of none, '?': it depends on the document. */
static char
decide(const char *expr, enum access_act act, const struct doc_scope *scope,
	const char *data)
{
	const struct coll_info info = {.coll = {.env = "test"}};
	_json_ json_t *sent = parse(data);
	const struct rule_call call = {
		.act = act,
		.scope = scope,
		.data = sent,
		.info = &info,
		.now_ms = 1000,
	};
	_json_ json_t *v = json_pack("{s:s,s:s}", "read", expr, "write", expr);
	struct fault why = {0};
	struct rules *rules;
	struct query *q;
	int r = rules_parse(&rules, v, NULL, &arena, &why);

	if (r < 0)
		print_error("%s: %s\n", expr, why.text);
	assert_int_equal(r, 0);
	assert_int_equal(rules_bind(&q, rules, &call, &arena, &why), 0);
	return q->op == QUERY_ALL ? 'y' : q->op == QUERY_NONE ? 'n' : '?';
}

static void
what_is_known_is_decided_without_a_document(void **state)
{
	static const struct {
		const char *expr;
		const struct doc_scope *scope;
		char answer;
	} cases[] = {
		{"true", &nobody, 'y'},
		{"false", &alice, 'n'},
		{"auth != null", &alice, 'y'},
		{"auth != null", &guest, 'y'},
		{"auth != null", &nobody, 'n'},
		{"auth == null", &nobody, 'y'},
		{"auth !== null", &nobody, 'n'},
		{"auth != undefined", &nobody, 'n'},
		{"auth", &nobody, 'n'},
		{"auth && true", &alice, 'y'},
		{"!auth", &nobody, 'y'},
		{"auth.openid == 'alice'", &alice, 'y'},
		{"auth.openid != 'alice'", &alice, 'n'},
		{"auth.openid == 'alice'", &guest, 'n'},
		{"auth.openid != 'alice'", &guest, 'y'},
		{"auth.openid == undefined", &guest, 'y'},
		{"auth.openid == null", &guest, 'y'},
		{"auth.openid === null", &guest, 'n'},
		{"auth.openid", &guest, 'n'},
		{"auth.uid == 'u2'", &guest, 'y'},
		/* who is not logged in has nothing that could be unequal */
		{"auth.uid != 'u2'", &nobody, 'n'},
		{"auth.uid == undefined", &nobody, 'n'},
		{"!(auth.uid == 'u2')", &nobody, 'n'},
		{"auth.loginType != 'ANONYMOUS'", &nobody, 'n'},
		{"auth.loginType != 'ANONYMOUS'", &guest, 'n'},
		{"auth.loginType != 'ANONYMOUS'", &alice, 'y'},
		{"auth.loginType == undefined", &alice, 'y'},
		{"auth.uid in ['u1', 'u9']", &alice, 'y'},
		{"!(auth.uid in ['u1', 'u9'])", &alice, 'n'},
		{"auth.uid in []", &alice, 'n'},
		{"!(auth.uid in [])", &alice, 'y'},
		{"now == 1000", &nobody, 'y'},
		{"now >= 1000 && now < 1000.5 && now > 999", &nobody, 'y'},
		{"1 < 'a'", &alice, 'n'},
		{"!(1 < 'a')", &alice, 'n'},
		{"1 == '1'", &alice, 'n'},
		{"1 != '1'", &alice, 'y'},
		{"null == undefined", &alice, 'n'},
		{"'' || 0 || null || undefined || false", &alice, 'n'},
		{"'a' && 1 && -0.5", &alice, 'y'},
		{"auth.custom.role == 'x'", &alice, 'n'},
		{"auth.openid == 'alice' ? true : doc.x", &alice, 'y'},
		{"(auth.openid == 'alice' ? 5 : 6) == 5", &alice, 'y'},
		{"(auth.openid == 'alice' ? 5 : 6) == 5", &guest, 'n'},
		{"(auth.uid == 'u1' ? 1 : 2) in [2]", &guest, 'y'},
		{"`${auth.uid}-${1.50}` == 'u1-1.5'", &alice, 'y'},
		{"`${auth.openid}` == 'undefined'", &guest, 'n'},
		/* a document is asked only when it matters */
		{"doc.x == 1 || auth != null", &alice, 'y'},
		{"doc.x == 1 && auth == null", &alice, 'n'},
		{"doc.x == 1 && auth != null", &alice, '?'},
		{"doc", &alice, 'y'},
		{"doc != null", &alice, 'y'},
		{"doc.owner == auth.openid", &alice, '?'},
		{"doc.owner == auth.openid", &nobody, 'n'},
		{"doc.owner != auth.openid", &nobody, 'n'},
		{"doc.a < true", &alice, 'n'},
		{"doc.a < null", &alice, 'n'},
		{"!(doc.a < null)", &alice, 'n'},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		char got = decide(
			cases[i].expr, ACCESS_READ, cases[i].scope, NULL);

		if (got != cases[i].answer)
			print_error("%s\n", cases[i].expr);
		assert_int_equal(got, cases[i].answer);
	}
}

static const struct {
	const char *expr;
	char answer;
} changes[] = {
	{"request.data", 'y'},
	{"request.data.n == 5", 'y'},
	{"request.data.n > 5", 'n'},
	{"request.data['n'] <= 5", 'y'},
	{"request.data.a.b == 'x'", 'y'},
	{"request.data['a.b'] == 'x'", 'y'},
	{"request.data.a == undefined", 'n'},
	{"request.data.a.c == undefined", 'y'},
	{"request.data.a == 'x'", 'n'},
	{"request.data.a != 'x'", 'n'},
	{"request.data.a", 'y'},
	{"request.data.o.p == null", 'y'},
	{"request.data.o.p == undefined", 'n'},
	{"request.data.o.z == undefined", 'y'},
	{"request.data.l[1].q == 2", 'y'},
	{"request.data.l[5] == undefined", 'y'},
	{"request.data.d.$date == 1000", 0},
	/* touched, by what is not known */
	{"request.data.c == undefined", 'n'},
	{"request.data.c != undefined", 'y'},
	{"request.data.c == 1", 'n'},
	{"request.data.c != 1", 'n'},
	{"!(request.data.c == 1)", 'n'},
	{"request.data.c > 0", 'n'},
	{"request.data.c", 'n'},
	{"!request.data.c", 'n'},
	{"request.data.c == null", 'n'},
	{"request.data.c != null", 'n'},
	{"request.data.c.x == undefined", 'n'},
	{"request.data.u == undefined", 'n'},
	{"request.data.r == undefined", 'n'},
	{"request.data.s == undefined", 'n'},
	{"request.data.t == undefined", 'n'},
	{"request.data.t[3].v == undefined", 'n'},
	{"request.data.t[3].w == undefined", 'y'},
	{"request.data.price == undefined", 'y'},
	{"request.data.price == null", 'y'},
	{"request.data.c in [1]", 'n'},
	{"!(request.data.c in [1])", 'n'},
	{"request.data.n in [1, 5]", 'y'},
};

static void
a_change_is_known_as_far_as_it_is_set(void **state)
{
	static const char *const set =
		"{\"$set\":{\"n\":5,\"a.b\":\"x\",\"o\":{\"p\":null},\"l\":[1,"
		"{\"q\":2}],\"d\":{\"$date\":1000}},\"$inc\":{\"c\":1},"
		"\"$unset\":{\"u\":\"\"},\"$rename\":{\"r\":\"s\"},\"$push\":"
		"{\"t.$[].v\":1}}";
	(void)state;
	for (size_t i = 0; i < array_size(changes); i++) {
		char got;

		if (!changes[i].answer)
			continue;
		got = decide(changes[i].expr, ACCESS_UPDATE, &alice, set);
		if (got != changes[i].answer)
			print_error("%s\n", changes[i].expr);
		assert_int_equal(got, changes[i].answer);
	}
	/* a whole document */
	assert_int_equal(decide("request.data.n == 1 && request.data.m == "
				"undefined",
				 ACCESS_UPDATE, &alice, "{\"n\":1}"),
		'y');
	/* generation 1 may write a command for a value */
	assert_int_equal(decide("request.data.n == undefined", ACCESS_UPDATE,
				 &alice, "{\"n\":{\"$inc\":1}}"),
		'n');
	assert_int_equal(decide("request.data.n == 1", ACCESS_UPDATE, &alice,
				 "{\"n\":{\"$inc\":1}}"),
		'n');
	/* there is none when reading and deleting */
	assert_int_equal(
		decide("request.data == undefined", ACCESS_READ, &alice, NULL),
		'y');
	assert_int_equal(decide("request.data.x == undefined", ACCESS_DELETE,
				 &alice, NULL),
		'n');
	/* a new document is asked itself; its owner is the server's word */
	assert_int_equal(
		decide("request.data.x == 1", ACCESS_CREATE, &alice, NULL),
		'?');
	assert_int_equal(decide("request.data._openid == undefined",
				 ACCESS_CREATE, &alice, NULL),
		'y');
}

/* What is not there on both sides is no reason for a yes. */
static void
nothing_equals_nothing_only_when_asked_for(void **state)
{
	_json_ json_t *custom = parse("{\"team\":\"t1\",\"none\":null}");
	struct doc_scope user = guest;

	(void)state;
	user.custom = custom;
	assert_int_equal(
		decide("auth.custom.team == 't1'", ACCESS_READ, &user, NULL),
		'y');
	assert_int_equal(decide("auth.custom.level == request.data.level",
				 ACCESS_UPDATE, &user, "{\"a\":1}"),
		'n');
	assert_int_equal(decide("auth.custom.level != request.data.level",
				 ACCESS_UPDATE, &user, "{\"a\":1}"),
		'n');
	assert_int_equal(
		decide("auth.openid == doc.owner", ACCESS_READ, &user, NULL),
		'?'); /* and then no or unknown, never yes */
	assert_int_equal(
		decide("auth.custom.none == null", ACCESS_READ, &user, NULL),
		'y');
	/* a null that somebody sends is no question */
	assert_int_equal(decide("request.data.a == auth.custom.nothere",
				 ACCESS_UPDATE, &user, "{\"a\":null}"),
		'n');
}

static const char *
sql_of(const char *expr)
{
	static char text[4096];
	const struct coll_info info = {.coll = {.env = "test"}};
	const struct rule_call call = {
		.act = ACCESS_UPDATE, .scope = &alice, .info = &info};
	const struct sql_from from = {.doc = "doc", .id = "_id"};
	struct rules *rules;
	struct query *q;
	struct sql s;

	assert_int_equal(parse_rule(&rules, expr, NULL), 0);
	assert_int_equal(rules_bind(&q, rules, &call, &arena, NULL), 0);
	sql_init(&s, &arena);
	sql_query(&s, q, &from);
	assert_int_equal(sql_check(&s, NULL), 0);
	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARG(buf_all(&s.text)));
	sql_done(&s);
	return text;
}

static void
names_of_a_rule_are_parameters_and_tables_are_quoted(void **state)
{
	const char *text;

	(void)state;
	text = sql_of("doc['a\"b'].c == 'x\\'y'");
	assert_null(strstr(text, "a\"b"));
	assert_null(strstr(text, "x'y"));
	text = sql_of("get('database.us\"er;s.1').c == 'x'");
	assert_non_null(strstr(text, "\"env_test\".\"us\"\"er;s\""));
	/* the outer document stays what "doc" means inside */
	text = sql_of("get(`database.u.${doc.k}`).c == doc.z");
	assert_non_null(strstr(text, "(rule_k1, rule_d1) WHERE rule_k1 = "
				     "mpcloud.rule_text((doc -> "));
}

static void
a_collection_that_does_not_exist_holds_nothing(void **state)
{
	const struct coll_info info = {.coll = {.env = "test"}};
	const struct rule_call call = {
		.act = ACCESS_READ, .scope = &alice, .info = &info};
	_json_ json_t *known = parse("[\"other\"]");
	static const struct {
		const char *rules;
		enum query_op op;
	} cases[] = {
		{"{\"read\":\"get('database.users.1').x != 1\"}", QUERY_NONE},
		{"{\"read\":\"get('database.users.1') == null\"}", QUERY_ALL},
		{"{\"read\":\"get('database.other.1').x != 1\"}", QUERY_RULE},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_json_ json_t *v = parse(cases[i].rules);
		struct rules *rules;
		struct query *q;

		assert_int_equal(
			rules_parse(&rules, v, known, &arena, NULL), 0);
		assert_true(rules_get(rules));
		assert_int_equal(rules_bind(&q, rules, &call, &arena, NULL), 0);
		assert_int_equal(q->op, cases[i].op);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_names_the_column_and_what_to_do),
		cmocka_unit_test(what_the_documentation_shows_can_be_written),
		cmocka_unit_test(rules_are_five_and_of_bounded_size),
		cmocka_unit_test(what_is_known_is_decided_without_a_document),
		cmocka_unit_test(a_change_is_known_as_far_as_it_is_set),
		cmocka_unit_test(nothing_equals_nothing_only_when_asked_for),
		cmocka_unit_test(
			names_of_a_rule_are_parameters_and_tables_are_quoted),
		cmocka_unit_test(
			a_collection_that_does_not_exist_holds_nothing),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
