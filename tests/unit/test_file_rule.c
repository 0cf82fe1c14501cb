/*
 * Who may do what with a path, under each permission and CloudBase's rules for
 * storage; a change of the rules holds for the next request at every gateway.
 */
#include "storage/file_rule.h"

#include "base/clock.h"
#include "storage/file_rules_set.h"
#include "tests/unit/file_driver.h"

static const struct caller visitor = {.role = CALLER_USER,
	.uid = "u-visitor",
	.appid = "",
	.openid = "",
	.unionid = "",
	.kind = "anonymous"};

/* "crud" of what `who` may do with a file of `owner`. */
static const char *
may(const char *permission, const char *rules, struct file_scope who,
	const char *path, const char *owner)
{
	_cleanup_(file_rules_freep) struct file_rules *r = NULL;
	static char text[5];
	static const char letters[] = "rcud";
	struct fault why = {0};
	int n = 0;

	if (file_rules_new(&r, slice_str(permission), slice_str(rules), &why) <
		0)
		fail_msg("%s", why.text);
	for (int act = 0; act < 4; act++)
		if (file_may(r, (enum access_act)act, &who, slice_str(path),
			    act == ACCESS_CREATE ? NULL : owner, 1000,
			    NULL) == 0)
			text[n++] = letters[act];
	text[n] = '\0';
	return text;
}

static void
simple_permissions_say_what_cloudbase_says(void **state)
{
	static const struct {
		const char *permission, *own, *other, *stranger;
	} cases[] = {
		{"READONLY", "rcud", "rc", "r"},
		{"PRIVATE", "rcud", "c", ""},
		{"ADMINWRITE", "r", "r", "r"},
		{"ADMINONLY", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *p = cases[i].permission;

		assert_string_equal(
			may(p, "", BY(anna), "a", "o-anna"), cases[i].own);
		assert_string_equal(may(p, "", BY(visitor), "a", "u-visitor"),
			cases[i].own);
		assert_string_equal(
			may(p, "", BY(ben), "a", "o-anna"), cases[i].other);
		assert_string_equal(
			may(p, "", BY(ben), "a", ""), cases[i].other);
		assert_string_equal(may(p, "", BY(nobody), "a", "o-anna"),
			cases[i].stranger);
		assert_string_equal(
			may(p, "", BY(nobody), "a", ""), cases[i].stranger);
		assert_string_equal(may(p, "", ADMIN, "a", "o-anna"), "rcud");
	}
}

/* The first two are CloudBase's own examples for storage. */
static void
rules_compare_the_resource_with_the_caller(void **state)
{
	static const struct {
		const char *rules, *own, *other, *stranger;
	} cases[] = {
		{"{\"read\":true,\"write\":\"resource.openid=="
		 "auth.openid\"}",
			"rcud", "rc", "r"},
		{"{\"read\":\"auth != null\",\"write\":false}", "r", "r", ""},
		{"{\"read\":\"resource.openid == auth.openid\"}", "r", "", ""},
		{"{}", "", "", ""},
		{"{\"read\":\"resource.path == 'a'\"}", "r", "r", "r"},
		{"{\"read\":\"resource.path != 'a'\"}", "", "", ""},
		{"{\"read\":\"resource['path'] in ['a', 'b']\"}", "r", "r",
			"r"},
		{"{\"read\":\"auth.openid == 'o-ben'\"}", "", "r", ""},
		{"{\"read\":\"!(auth.openid == 'o-ben')\"}", "r", "", ""},
		{"{\"read\":\"now > 999 && now < 1001\"}", "r", "r", "r"},
		{"{\"read\":\"resource.openid == undefined\"}", "", "", ""},
		{"{\"write\":true,\"delete\":false}", "cu", "cu", "cu"},
		{"{\"create\":\"auth.uid == 'u-anna'\"}", "c", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		const char *r = cases[i].rules;

		assert_string_equal(may("CUSTOM", r, BY(anna), "a", "o-anna"),
			cases[i].own);
		assert_string_equal(may("CUSTOM", r, BY(ben), "a", "o-anna"),
			cases[i].other);
		assert_string_equal(may("CUSTOM", r, BY(nobody), "a", "o-anna"),
			cases[i].stranger);
		assert_string_equal(
			may("CUSTOM", r, ADMIN, "a", "o-anna"), "rcud");
	}
	/* nobody's file is not everybody's who has no openid */
	assert_string_equal(may("CUSTOM",
				    "{\"read\":\"resource.openid == "
				    "auth.openid\"}",
				    BY(visitor), "a", ""),
		"");
	assert_string_equal(
		may("CUSTOM", "{\"read\":\"resource.openid == auth.uid\"}",
			BY(visitor), "a", "u-visitor"),
		"r");
}

static void
a_bad_rule_is_told_with_its_place(void **state)
{
	static const char *const cases[][3] = {
		{"EVERYBODY", "", "permission: READONLY"},
		{"CUSTOM", "", ""},
		{"CUSTOM", "[]", "an object"},
		{"CUSTOM", "{\"raed\":true}", "raed is not known"},
		{"CUSTOM", "{\"read\":1}",
			"read: true, false or an expression"},
		{"CUSTOM", "{\"read\":\"doc.a == 1\"}",
			"read: column 1: doc is not known"},
		{"CUSTOM", "{\"write\":\"true && request.data.a\"}",
			"write: column 9: request is not known"},
		{"CUSTOM", "{\"read\":\"get('database.a.b').c\"}",
			"read: column 1: get is not known"},
		{"CUSTOM", "{\"read\":\"resource.size > 1\"}",
			"resource has openid and path"},
		{"CUSTOM", "{\"read\":\"resource\"}",
			"resource has openid and path"},
		{"CUSTOM", "{\"read\":\"resource.openid ==\"}", "read: column"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		struct file_rules *r = NULL;
		struct fault why = {0};

		assert_true(file_rules_new(&r, slice_str(cases[i][0]),
				    slice_str(cases[i][1]), &why) < 0);
		assert_non_null(strstr(why.text, cases[i][2]));
	}
}

static int
set(struct fixture *f, const char *text, struct file_rules_op *op)
{
	_json_ json_t *v = NULL;

	assert_int_equal(val_parse(&v, slice_str(text), NULL), 0);
	*op = (struct file_rules_op){.arena = &f->arena};
	job_init(&op->job, on_done);
	file_rules_set(f->files[1], op, v);
	return wait_job(f, &op->job);
}

static void
set_rules_hold_from_the_next_request_on_everywhere(void **state)
{
	struct fixture *f = setup();
	struct file_rules_op op;

	(void)state;
	assert_int_equal(put(f, BY(anna), "a", "x"), 0);
	assert_int_equal(get(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(set(f, "{\"permission\":\"READONLY\"}", &op), 0);
	assert_true(op.changed);
	assert_int_equal(get(f, BY(ben), "a"), 0);
	assert_int_equal(set(f, "{\"permission\":\"READONLY\"}", &op), 0);
	assert_false(op.changed);
	assert_int_equal(set(f, "{\"read\":\"resource.path == 'b'\"}", &op), 0);
	assert_int_equal(get(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(ben), "b"), ERR_FILE_NONE);
	assert_int_equal(put(f, BY(anna), "a", "y"), ERR_FILE_DENIED);
	assert_int_equal(set(f, "{\"read\":\"resource.\"}", &op), ERR_PARAM);
	assert_int_equal(
		set(f, "{\"rules\":{},\"permission\":\"PRIVATE\"}", &op),
		ERR_PARAM);
	assert_int_equal(set(f, "{\"permission\":\"CUSTOM\"}", &op), ERR_PARAM);
	assert_int_equal(
		set(f, "{\"premission\":\"PRIVATE\"}", &op), ERR_PARAM);
	assert_non_null(strstr(op.job.why.text, "premission is not known"));
	assert_int_equal(get(f, BY(ben), "b"), ERR_FILE_NONE);
	assert_int_equal(set(f,
				 "{\"lifecycle\":[{\"prefix\":\"tmp/\","
				 "\"expire\":\"1d\"}]}",
				 &op),
		0);
	assert_string_equal(op.now.ptr,
		"{\"version\": 3, \"changedAt\": 1800000000000, \"lifecycle\": "
		"[{\"expire\": 86400000, \"prefix\": \"tmp/\"}], "
		"\"permission\": \"PRIVATE\"}");
	assert_int_equal(get(f, BY(ben), "a"), ERR_FILE_DENIED);
	assert_int_equal(get(f, BY(anna), "a"), 0);
	teardown(f);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple_permissions_say_what_cloudbase_says),
		cmocka_unit_test(rules_compare_the_resource_with_the_caller),
		cmocka_unit_test(a_bad_rule_is_told_with_its_place),
		cmocka_unit_test(
			set_rules_hold_from_the_next_request_on_everywhere),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
