/*
 * The operators of an update on arrays, and places among their elements.
 * Where an answer is an example of MongoDB's manual, its page is named.
 */
#include "tests/unit/update_call.h"

static void
elements_are_pushed(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $push, $each, $position, $slice, $sort */
		{"{'scores':[44,78,38,80]}", "{'$push':{'scores':89}}",
			"{'scores':[44,78,38,80,89]}"},
		{"{'scores':[44]}", "{'$push':{'scores':{'$each':[90,92,85]}}}",
			"{'scores':[44,90,92,85]}"},
		{"{'quizzes':[{'wk':1,'score':10},{'wk':2,'score':8},{'wk':3,"
		 "'score':5},{'wk':4,'score':6}]}",
			"{'$push':{'quizzes':{'$each':[{'wk':5,'score':8},"
			"{'wk':6,'score':7},{'wk':7,'score':6}],'$sort':"
			"{'score':-1},'$slice':3}}}",
			"{'quizzes':[{'wk':1,'score':10},{'wk':2,'score':8},"
			"{'wk':5,'score':8}]}"},
		{"{'scores':[100]}",
			"{'$push':{'scores':{'$each':[50,60,70],'$position':0}}"
			"}",
			"{'scores':[50,60,70,100]}"},
		{"{'scores':[50,60,70,100]}",
			"{'$push':{'scores':{'$each':[20,30],'$position':2}}}",
			"{'scores':[50,60,20,30,70,100]}"},
		{"{'scores':[50,60,20,30,70,100]}",
			"{'$push':{'scores':{'$each':[90,80],'$position':-2}}}",
			"{'scores':[50,60,20,30,90,80,70,100]}"},
		{"{'scores':[40,50,60]}",
			"{'$push':{'scores':{'$each':[80,78,86],'$slice':-5}}}",
			"{'scores':[50,60,80,78,86]}"},
		{"{'scores':[89,90]}",
			"{'$push':{'scores':{'$each':[100,20],'$slice':3}}}",
			"{'scores':[89,90,100]}"},
		{"{'scores':[89,70,100,20]}",
			"{'$push':{'scores':{'$each':[],'$slice':-3}}}",
			"{'scores':[70,100,20]}"},
		{"{'tests':[89,70,89,50]}",
			"{'$push':{'tests':{'$each':[40,60],'$sort':1}}}",
			"{'tests':[40,50,60,70,89,89]}"},
		{"{'tests':[89,70,100,20]}",
			"{'$push':{'tests':{'$each':[],'$sort':-1}}}",
			"{'tests':[100,89,70,20]}"},
		/* by several fields, nested, missing ones first */
		{"{'a':[{'p':2,'q':{'r':1}},{'p':1,'q':{'r':5}},{'p':1},7]}",
			"{'$push':{'a':{'$each':[{'p':2,'q':{'r':9}}],'$sort':"
			"{'p':1,'q.r':-1}}}}",
			"{'a':[7,{'p':1,'q':{'r':5}},{'p':1},{'p':2,'q':{'r':"
			"9}},{'p':2,'q':{'r':1}}]}"},
		{"{}",
			"{'$push':{'a':{'$each':[3,1,2],'$sort':1,'$slice':2},"
			"'b':1,'c.d':[1]}}",
			"{'a':[1,2],'b':[1],'c':{'d':[[1]]}}"},
		{"{'a':[1,2]}", "{'$push':{'a':{'$each':[],'$slice':0}}}",
			"{'a':[]}"},
		{"{'a':[1,2]}", "{'$push':{'a':{'$each':[9],'$position':-9}}}",
			"{'a':[9,1,2]}"},
		{"{'a':[1,2]}", "{'$push':{'a':{'$each':[9],'$position':9}}}",
			"{'a':[1,2,9]}"},
		{"{'a':'x'}", "{'$push':{'a':1}}",
			"The field 'a' must be an array for $push but is of "
			"type string"},
		{"{'a':{'b':null}}",
			"{'$push':{'a.b':{'$each':[1],'$position':0}}}",
			"The field 'a.b' must be an array"},
	};

	(void)state;
	check_cases(cases);
}

static void
elements_are_taken_away(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $pop, $pull, $pullAll */
		{"{'scores':[8,9,10]}", "{'$pop':{'scores':-1}}",
			"{'scores':[9,10]}"},
		{"{'scores':[9,10]}", "{'$pop':{'scores':1}}",
			"{'scores':[9]}"},
		{"{'a':[],'b':{'c':[1,2]}}", "{'$pop':{'a':1,'b.c':1,'z':1}}",
			"{'a':[],'b':{'c':[1]}}"},
		{"{'fruits':['apples','pears','oranges','grapes','bananas'],"
		 "'vegetables':['carrots','celery','squash','carrots']}",
			"{'$pull':{'fruits':{'$in':['apples','oranges']},"
			"'vegetables':'carrots'}}",
			"{'fruits':['pears','grapes','bananas'],'vegetables':"
			"['celery','squash']}"},
		{"{'votes':[3,5,6,7,7,8]}", "{'$pull':{'votes':{'$gte':6}}}",
			"{'votes':[3,5]}"},
		{"{'results':[{'item':'A','score':5},{'item':'B','score':8}]}",
			"{'$pull':{'results':{'score':8,'item':'B'}}}",
			"{'results':[{'item':'A','score':5}]}"},
		{"{'results':[{'item':'C','score':8,'comment':'Strongly agree'}"
		 ",{'item':'B','score':4}]}",
			"{'$pull':{'results':{'score':8,'item':'B'}}}",
			"{'results':[{'item':'C','score':8,'comment':'Strongly "
			"agree'},{'item':'B','score':4}]}"},
		{"{'results':[{'item':'A','score':5,'answers':[{'q':1,'a':4},"
		 "{'q':2,'a':6}]},{'item':'B','score':8,'answers':[{'q':1,'a':"
		 "8},{'q':2,'a':9}]}]}",
			"{'$pull':{'results':{'answers':{'$elemMatch':{'q':2,"
			"'a':{'$gte':8}}}}}}",
			"{'results':[{'item':'A','score':5,'answers':[{'q':1,"
			"'a':4},{'q':2,'a':6}]}]}"},
		{"{'scores':[0,2,5,5,1,0]}", "{'$pullAll':{'scores':[0,5]}}",
			"{'scores':[2,1]}"},
		{"{'a':[1,{'k':1,'j':2},[1,2],[2,1],null]}",
			"{'$pull':{'a':[1,2]}}",
			"{'a':[1,{'k':1,'j':2},[2,1],null]}"},
		{"{'a':[1,{'k':1},null]}", "{'$pull':{'a':null}}",
			"{'a':[1,{'k':1}]}"},
		{"{'a':[1.0,'1',1]}", "{'$pull':{'a':1}}", "{'a':['1']}"},
		{"{'a':[{'$date':5},{'$date':6}]}",
			"{'$pull':{'a':{'$date':{'$numberLong':'5'}}}}",
			"{'a':[{'$date':6}]}"},
		{"{'a':['xa','ya',5]}",
			"{'$pull':{'a':{'$regularExpression':{'pattern':'^x',"
			"'options':''}}}}",
			"{'a':['ya',5]}"},
		{"{'o':{'a':[{'b':{'c':1}},{'b':{'c':2}}]}}",
			"{'$pull':{'o.a':{'b.c':{'$lt':2}}},'$set':{'x':1}}",
			"{'o':{'a':[{'b':{'c':2}}]},'x':1}"},
		{"{'a':[{'t':1},{'t':2},{'t':3}]}",
			"{'$pull':{'a':{'$or':[{'t':1},{'t':3}]}}}",
			"{'a':[{'t':2}]}"},
		{"{'a':[1,2,3]}", "{'$pull':{'a':{'$ne':2}}}", "{'a':[2]}"},
		{"{'b':1}", "{'$pull':{'a':{'$gt':2}},'$pullAll':{'c':[1]}}",
			"{'b':1}"},
		{"{'a':1}", "{'$pull':{'a':{'$gt':2}}}",
			"Cannot apply $pull to a non-array value. The field "
			"'a' has the type int"},
		{"{'a':'x'}", "{'$pull':{'a':{'$nin':[]}}}",
			"Cannot apply $pull to a non-array value"},
		{"{'a':[1,2]}", "{'$pull':{'a':{'$nin':[]}}}", "{'a':[]}"},
		{"{'a':1}", "{'$pullAll':{'a':[1]}}", "non-array value"},
		{"{'a':{}}", "{'$pop':{'a':1}}",
			"Path 'a' contains an element of non-array type "
			"'object'"},
	};

	(void)state;
	check_cases(cases);
}

static void
a_set_holds_each_value_once(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $addToSet */
		{"{'letters':['a','b']}", "{'$addToSet':{'letters':['c','d']}}",
			"{'letters':['a','b',['c','d']]}"},
		{"{'tags':['electronics','supplies']}",
			"{'$addToSet':{'tags':{'$each':['camera','electronics',"
			"'accessories']}}}",
			"{'tags':['electronics','supplies','camera',"
			"'accessories']}"},
		{"{'a':[1]}", "{'$addToSet':{'a':1.0,'b':{'$each':[2,2]}}}",
			"{'a':[1],'b':[2]}"},
		{"{'a':[{'x':1,'y':2}]}", "{'$addToSet':{'a':{'x':1}}}",
			"{'a':[{'x':1,'y':2},{'x':1}]}"},
		{"{'a':1}", "{'$addToSet':{'a':1}}",
			"The field 'a' must be an array for $addToSet"},
	};

	(void)state;
	check_cases(cases);
}

static void
a_place_is_the_element_that_matched(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $ (update) */
		{"{'grades':[85,80,80]}", "{'$set':{'grades.$':82}}",
			"{'grades':[85,82,80]}", "{'_id':1,'grades':80}"},
		{"{'grades':[{'grade':80,'mean':75,'std':8},{'grade':85,'mean':"
		 "90,'std':5},{'grade':85,'mean':85,'std':8}]}",
			"{'$set':{'grades.$.std':6}}",
			"{'grades':[{'grade':80,'mean':75,'std':8},{'grade':85,"
			"'mean':90,'std':6},{'grade':85,'mean':85,'std':8}]}",
			"{'_id':4,'grades.grade':85}"},
		{"{'grades':[{'grade':80,'mean':75,'std':8},{'grade':85,'mean':"
		 "90,'std':5},{'grade':90,'mean':85,'std':3}]}",
			"{'$set':{'grades.$.std':6}}",
			"{'grades':[{'grade':80,'mean':75,'std':8},{'grade':85,"
			"'mean':90,'std':6},{'grade':90,'mean':85,'std':3}]}",
			"{'_id':5,'grades':{'$elemMatch':{'grade':{'$lte':90},"
			"'mean':{'$gt':80}}}}"},
		{"{'a':[1,5,9]}", "{'$inc':{'a.$':100}}", "{'a':[1,105,9]}",
			"{'a':{'$gt':2,'$lt':7}}"},
		{"{'a':[1,5,9]}", "{'$unset':{'a.$':''}}", "{'a':[1,null,9]}",
			"{'$and':[{'b':null},{'a':{'$in':[5,9]}}]}"},
		{"{'a':[{'b':1},{'b':2}]}",
			"{'$set':{'a.$.c':1,'a.$.d.e':2},'$inc':{'a.$.b':5}}",
			"{'a':[{'b':1},{'b':7,'c':1,'d':{'e':2}}]}",
			"{'$or':[{'a.b':7},{'a.b':2}]}"},
		{"{'o':{'a':[3,4]}}", "{'$push':{'o.a.$':5}}",
			"The field 'o.a.$' must be an array for $push but is "
			"of type int",
			"{'o.a':{'$elemMatch':{'$gte':4}}}"},
		{"{'a':[{'l':[1,2]},{'l':[3]}]}",
			"{'$push':{'a.$.l':9},'$set':{'x':1}}",
			"{'a':[{'l':[1,2]},{'l':[3,9]}],'x':1}", "{'a.l':3}"},
		{"{'a':[{'l':[{'z':1},{'z':2}]},{'l':[]}]}",
			"{'$inc':{'a.$.l.$[].z':1}}",
			"{'a':[{'l':[{'z':2},{'z':3}]},{'l':[]}]}",
			"{'a.l.z':2}"},
		{"{'a':[{'$date':5},{'k':1},{'k':2}]}", "{'$inc':{'a.$.k':5}}",
			"{'a':[{'$date':5},{'k':6},{'k':2}]}",
			"{'a':{'$elemMatch':{'k':{'$nin':[7]}}}}"},
		{"{'a':[1,2]}", "{'$set':{'a.$':5}}",
			"The positional operator did not find the match needed "
			"from the query",
			"{'_id':'x'}"},
		{"{'a':1}", "{'$set':{'a.$':5}}",
			"The positional operator did not find the match needed",
			"{'a':1}"},
		{"{'a':[[1]]}", "{'$set':{'a.$.$':5}}",
			"$ can only be the first", "{'a':1}"},
	};

	(void)state;
	check_cases(cases);
}

static void
places_are_all_elements_or_those_that_a_filter_fits(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $[] */
		{"{'grades':[85,82,80]}", "{'$inc':{'grades.$[]':10}}",
			"{'grades':[95,92,90]}"},
		{"{'grades':[{'grade':80,'std':8},{'grade':85,'std':5}]}",
			"{'$inc':{'grades.$[].std':-2}}",
			"{'grades':[{'grade':80,'std':6},{'grade':85,'std':3}]"
			"}"},
		{"{'grades':[{'type':'quiz','questions':[10,8,5]},{'type':"
		 "'quiz','questions':[8,9,6]},{'type':'hw','questions':[5,4,3]}"
		 ","
		 "{'type':'exam','questions':[25,10,23,0]}]}",
			"{'$inc':{'grades.$[t].questions.$[score]':2}}",
			"{'grades':[{'type':'quiz','questions':[10,10,7]},"
			"{'type':'quiz','questions':[10,11,8]},{'type':'hw',"
			"'questions':[5,4,3]},{'type':'exam','questions':[25,"
			"10,23,0]}]}",
			NULL, "[{'t.type':'quiz'},{'score':{'$lt':10}}]"},
		/* manual: $[<identifier>] */
		{"{'grades':[95,102,90]}", "{'$set':{'grades.$[element]':100}}",
			"{'grades':[95,100,90]}", NULL,
			"[{'element':{'$gte':100}}]"},
		{"{'grades':[{'grade':80,'mean':75},{'grade':85,'mean':90},"
		 "{'grade':90,'mean':85}]}",
			"{'$set':{'grades.$[elem].mean':100}}",
			"{'grades':[{'grade':80,'mean':75},{'grade':85,'mean':"
			"100},{'grade':90,'mean':100}]}",
			NULL, "[{'elem.grade':{'$gte':85}}]"},
		{"{'degrees':[{'level':'Master'},{'level':'Bachelor'}]}",
			"{'$set':{'degrees.$[degree].gradcampaign':1}}",
			"{'degrees':[{'level':'Master','gradcampaign':1},"
			"{'level':'Bachelor'}]}",
			NULL, "[{'degree.level':{'$ne':'Bachelor'}}]"},
		/* two filters on one array, each of what was there before */
		{"{'a':[{'k':1},{'k':5}]}",
			"{'$set':{'a.$[x].big':true},'$inc':{'a.$[y].k':10},"
			"'$unset':{'a.$[].k2':''}}",
			"{'a':[{'k':11},{'k':5,'big':true}]}", NULL,
			"[{'x.k':{'$gt':3}},{'y.k':{'$lt':3}}]"},
		{"{'a':[{'k':1},{'k':2}]}", "{'$unset':{'a.$[x]':''}}",
			"{'a':[{'k':1},null]}", NULL,
			"[{'$or':[{'x.k':2},{'x.k':3}]}]"},
		{"{'a':[[1,2],[3]]}", "{'$inc':{'a.$[].$[]':1}}",
			"{'a':[[2,3],[4]]}"},
		{"{'a':[{'b':[1,2,3]}]}", "{'$pull':{'a.$[].b':{'$gt':1}}}",
			"{'a':[{'b':[1]}]}"},
		{"{'a':[],'b':1}", "{'$set':{'a.$[].x':1,'b':2}}",
			"{'a':[],'b':2}"},
		{"{'a':[1]}", "{'$set':{'a.$[].x':1}}",
			"Cannot create field 'x'"},
		{"{}", "{'$set':{'a.$[]':1}}",
			"The path 'a' must exist in the document in order to "
			"apply array updates."},
		{"{'a':1}", "{'$set':{'a.$[]':1}}",
			"Cannot apply array updates to non-array element 'a', "
			"which is of type int"},
		{"{'a':[1]}", "{'$set':{'a.$[x]':1}}",
			"No array filter found for identifier 'x' in path "
			"'a.$[x]'"},
		{"{'a':[1]}", "{'$set':{'a.$[]':1}}",
			"The array filter for identifier 'x' was not used",
			NULL, "[{'x':1}]"},
		{"{'a':[1]}", "{'$set':{'a.$[x]':1}}",
			"multiple array filters with the same top-level field "
			"name x",
			NULL, "[{'x':1},{'x.a':1}]"},
		{"{'a':[1]}", "{'$set':{'a.$[x]':1}}", "about one name", NULL,
			"[{'x':1,'y':1}]"},
		{"{'a':[{'x':1}]}", "{'$rename':{'a.$[].x':'y'}}",
			"may not be dynamic"},
	};

	(void)state;
	check_cases(cases);
}

static void
a_document_starts_with_what_must_be_equal(void **state)
{
	static const struct {
		const char *query, *start;
	} cases[] = {
		{"{'a':1,'b':{'$gt':2},'_id':'x'}", "{'a':1}"},
		{"{'a.b':1,'a.c':{'$eq':2},'d':[1]}",
			"{'a':{'b':1,'c':2},'d':[1]}"},
		{"{'$and':[{'a':1},{'b':{'$in':[3]}}],'$or':[{'c':2}]}",
			"{'a':1,'b':3,'c':2}"},
		{"{'$or':[{'a':1},{'b':2}],'$nor':[{'c':1}]}", "{}"},
		{"{'a':{'$date':5},'r':{'$regularExpression':{'pattern':'x',"
		 "'options':''}},'n':null}",
			"{'a':{'$date':5},'n':null}"},
		{"{'a':1,'a.b':2}", "path 'a.b' is matched twice"},
		{"{'a.b':1,'a':{'c':1}}", "path 'a' is matched twice"},
		{"{'a':{'c':1},'a.b':1}", "path 'a.b' is matched twice"},
		{"{'a':1,'$and':[{'a':2}]}", "path 'a' is matched twice"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(cases); i++) {
		_json_ json_t *query = parse(cases[i].query);
		_json_ json_t *start = json_object();
		struct fault why = {0};
		struct arena arena;
		int r;

		arena_init(&arena, 1 << 20);
		r = update_start(start, query, &arena, &why);
		if (cases[i].start[0] == '{') {
			_json_ json_t *want = parse(cases[i].start);

			assert_int_equal(r, 0);
			assert_true(json_equal(start, want));
		} else {
			assert_int_equal(r, ERR_DB_PARAM);
			assert_non_null(strstr(why.text, cases[i].start));
		}
		arena_done(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_pushed),
		cmocka_unit_test(elements_are_taken_away),
		cmocka_unit_test(a_set_holds_each_value_once),
		cmocka_unit_test(a_place_is_the_element_that_matched),
		cmocka_unit_test(
			places_are_all_elements_or_those_that_a_filter_fits),
		cmocka_unit_test(a_document_starts_with_what_must_be_equal),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
