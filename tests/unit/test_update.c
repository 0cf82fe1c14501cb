/*
 * The operators of an update on members of a document.  Where an answer is an
 * example of MongoDB's manual, its page is named.
 */
#include "tests/unit/update_call.h"

static void
fields_are_set_and_unset(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $set */
		{"{'quantity':500,'details':{'model':'14QQ','make':'xyz'},"
		 "'tags':['technical','non-technical']}",
			"{'$set':{'quantity':500,'details':{'model':'2600',"
			"'make':'Fashionaires'},'tags':['coat','outerwear',"
			"'clothing']}}",
			"{'quantity':500,'details':{'model':'2600','make':"
			"'Fashionaires'},'tags':['coat','outerwear',"
			"'clothing']}"},
		{"{'details':{'model':'14QQ','make':'xyz'}}",
			"{'$set':{'details.make':'Kustom Kidz'}}",
			"{'details':{'model':'14QQ','make':'Kustom Kidz'}}"},
		{"{'tags':['technical','non-technical'],'ratings':"
		 "[{'by':'Customer007','rating':4}]}",
			"{'$set':{'tags.1':'rain gear','ratings.0.rating':2}}",
			"{'tags':['technical','rain gear'],'ratings':"
			"[{'by':'Customer007','rating':2}]}"},
		/* members that are not operators: a $set */
		{"{'a':1}", "{'b':2,'c.d':3}", "{'a':1,'b':2,'c':{'d':3}}"},
		{"{'a':{'b':1}}", "{'$set':{'a.c.d':2,'a.e':3,'f.g.h':4}}",
			"{'a':{'b':1,'c':{'d':2},'e':3},'f':{'g':{'h':4}}}"},
		{"{'a':[1,2]}", "{'$set':{'a.1':5,'a.3':7}}",
			"{'a':[1,5,null,7]}"},
		{"{}", "{'$set':{'a.0':1}}", "{'a':{'0':1}}"},
		{"{'a':[{'b':1}]}", "{'$set':{'a.2.c':1}}",
			"{'a':[{'b':1},null,{'c':1}]}"},
		{"{'a':{'-1':1,'01':2}}", "{'$set':{'a.-1':3,'a.01':4}}",
			"{'a':{'-1':3,'01':4}}"},
		{"{'a':[1,2]}", "{'$set':{'a.-1':3}}",
			"Cannot create field '-1' in element 'a', which is of "
			"type array"},
		{"{'a':[1,2]}", "{'$set':{'a.01':3}}",
			"Cannot create field '01'"},
		{"{'a':[1,2]}", "{'$set':{'a.b':3}}",
			"Cannot create field 'b'"},
		{"{'a':5}", "{'$set':{'a.b':3}}",
			"Cannot create field 'b' in element 'a', which is of "
			"type int"},
		{"{'a':null}", "{'$set':{'a.b':3}}", "of type null"},
		{"{'a':{'$date':5}}", "{'$set':{'a.b':3}}", "of type date"},
		{"{'a':{'b':'x'}}", "{'$set':{'a.b.c.d':3,'a.k':1}}",
			"Cannot create field 'c' in element 'a.b', which is of "
			"type string"},
		/* manual: $unset */
		{"{'item':'chisel','sku':'C001','quantity':4,'instock':true}",
			"{'$unset':{'quantity':'','instock':''}}",
			"{'item':'chisel','sku':'C001'}"},
		{"{'a':1,'b':{'c':1,'d':2}}",
			"{'$unset':{'a':'','b.c':'','z':'','b.x.y':''}}",
			"{'b':{'d':2}}"},
		{"{'a':[1,2]}", "{'$unset':{'a.0':'','a.7':'','a.-1':''}}",
			"{'a':[null,2]}"},
		{"{'a':1,'b':2}", "{'$set':{'a':{'$date':5}},'$unset':{'b':1}}",
			"{'a':{'$date':5}}"},
		{"{'a':1}",
			"{'$currentDate':{'b':true,'c.d':{'$type':'date'},"
			"'e':{'$type':'timestamp'}}}",
			"{'a':1,'b':{'$date':1700000000123},'c':{'d':{'$date':"
			"1700000000123}},'e':{'$timestamp':{'t':1700000000,"
			"'i':1}}}"},
	};

	(void)state;
	check_cases(cases);
}

static void
numbers_are_changed_exactly(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $inc, $mul, $min, $max */
		{"{'quantity':10,'metrics':{'orders':2,'ratings':3.5}}",
			"{'$inc':{'quantity':-2,'metrics.orders':1}}",
			"{'quantity':8,'metrics':{'orders':3,'ratings':3.5}}"},
		{"{'price':10.99}", "{'$mul':{'price':1.25}}",
			"{'price':13.7375}"},
		{"{'item':'Unknown'}",
			"{'$mul':{'price':{'$numberLong':'100'},'q':2.5}}",
			"{'item':'Unknown','price':0,'q':0.0}"},
		{"{'highScore':800,'lowScore':200}",
			"{'$min':{'lowScore':150},'$max':{'highScore':950}}",
			"{'highScore':950,'lowScore':150}"},
		{"{'highScore':800,'lowScore':200}",
			"{'$min':{'lowScore':250},'$max':{'highScore':750}}",
			"{'highScore':800,'lowScore':200}"},
		{"{'d':{'$date':1380592800000}}",
			"{'$min':{'d':{'$date':1380585600000}}}",
			"{'d':{'$date':1380585600000}}"},
		{"{'n':1}", "{'$inc':{'n':2,'m.k':5}}", "{'n':3,'m':{'k':5}}"},
		{"{'n':0.1}", "{'$inc':{'n':0.2}}",
			"{'n':0.30000000000000004}"},
		{"{'n':1}", "{'$inc':{'n':{'$numberDouble':'1.0'}}}",
			"{'n':2.0}"},
		{"{'n':1.5}", "{'$inc':{'n':-0.5}}", "{'n':1.0}"},
		{"{'n':9007199254740993}", "{'$inc':{'n':1}}",
			"{'n':9007199254740994}"},
		{"{'n':2147483647}", "{'$inc':{'n':1}}", "{'n':2147483648}"},
		{"{'n':9223372036854775807}", "{'$inc':{'n':0}}",
			"{'n':9223372036854775807}"},
		{"{'n':-9223372036854775808}", "{'$inc':{'n':0}}",
			"{'n':-9223372036854775808}"},
		{"{'n':9223372036854775807}", "{'$inc':{'n':1}}",
			"{'n':9223372036854775808.0}"},
		{"{'n':4294967296}", "{'$mul':{'n':4294967296}}",
			"{'n':18446744073709551616.0}"},
		{"{'n':1e308}", "{'$inc':{'n':1e308},'$set':{'a':1}}",
			"{'n':{'$numberDouble':'Infinity'},'a':1}"},
		{"{'n':-1e308}", "{'$mul':{'n':10}}",
			"{'n':{'$numberDouble':'-Infinity'}}"},
		{"{'n':1e-308}", "{'$mul':{'n':1e-308}}", "{'n':0.0}"},
		{"{'n':1e200}", "{'$mul':{'n':1e-200}}", "{'n':1.0}"},
		{"{'n':{'$numberDouble':'NaN'}}", "{'$inc':{'n':1}}",
			"{'n':{'$numberDouble':'NaN'}}"},
		{"{'n':{'$numberDouble':'Infinity'}}", "{'$mul':{'n':-2}}",
			"{'n':{'$numberDouble':'-Infinity'}}"},
		{"{'n':1}", "{'$inc':{'n':{'$numberDouble':'Infinity'}}}",
			"{'n':{'$numberDouble':'Infinity'}}"},
		{"{'n':{'$numberDecimal':'0.1'}}", "{'$inc':{'n':1}}",
			"{'n':{'$numberDecimal':'1.1'}}"},
		{"{'a':[1,2]}", "{'$inc':{'a.1':5,'a.2':1}}", "{'a':[1,7,1]}"},
		{"{'a':'x'}", "{'$inc':{'a':1}}",
			"Cannot apply $inc to a value of non-numeric type. The "
			"field 'a' has the type string"},
		{"{'a':{'b':null}}", "{'$mul':{'a.b':1}}",
			"The field 'a.b' has the type null"},
		{"{}", "{'$inc':{'a':'1'}}",
			"Cannot increment with non-numeric argument: {a:"},
		{"{}", "{'$mul':{'a':null}}",
			"Cannot multiply with non-numeric argument: {a:"},
	};

	(void)state;
	check_cases(cases);
}

static void
the_lesser_and_the_greater_are_of_all_types(void **state)
{
	/* null < numbers < text < object < array < binary < ObjectId < bool <
	 * date < regular expression; manual: Comparison/Sort Order */
	static const struct update_case cases[] = {
		{"{'a':1,'b':1,'c':1}",
			"{'$min':{'a':'x','b':null,'d':9},'$max':{'c':'x',"
			"'e':9}}",
			"{'a':1,'b':null,'c':'x','d':9,'e':9}"},
		{"{'a':'b','c':true}", "{'$max':{'a':'a','c':{'$date':1}}}",
			"{'a':'b','c':{'$date':1}}"},
		{"{'a':1}", "{'$max':{'a':1.0}}", "{'a':1}"},
		{"{'a':{'$numberDouble':'NaN'}}", "{'$max':{'a':-5}}",
			"{'a':-5}"},
		{"{'a':[1]}", "{'$max':{'a':{'x':1}}}", "{'a':[1]}"},
	};

	(void)state;
	check_cases(cases);
}

static void
bits_are_changed(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $bit */
		{"{'expdata':13}", "{'$bit':{'expdata':{'and':10}}}",
			"{'expdata':8}"},
		{"{'expdata':3}", "{'$bit':{'expdata':{'or':5}}}",
			"{'expdata':7}"},
		{"{'expdata':1}", "{'$bit':{'expdata':{'xor':5}}}",
			"{'expdata':4}"},
		{"{'a':13,'b':{'c':1}}",
			"{'$bit':{'a':{'and':{'$numberInt':'10'},'or':1},"
			"'b.c':{'xor':{'$numberLong':'4294967296'}},'d':{'or':"
			"6}}}",
			"{'a':9,'b':{'c':4294967297},'d':6}"},
		{"{'a':-1}", "{'$bit':{'a':{'and':255}}}", "{'a':255}"},
		{"{'a':1.5}", "{'$bit':{'a':{'and':255}}}",
			"Cannot apply $bit to a value of non-integral type. "
			"The field 'a' has the type double"},
		{"{}", "{'$bit':{'a':{'nand':255}}}", "'and', 'or' and 'xor'"},
		{"{}", "{'$bit':{'a':1}}", "The $bit modifier takes"},
		{"{}", "{'$bit':{'a':{'and':1.5}}}", "whole numbers"},
	};

	(void)state;
	check_cases(cases);
}

static void
fields_are_renamed(void **state)
{
	static const struct update_case cases[] = {
		/* manual: $rename */
		{"{'alias':['The American Cincinnatus'],'nmae':{'first':"
		 "'george','last':'washington'}}",
			"{'$rename':{'nmae':'name'}}",
			"{'alias':['The American Cincinnatus'],'name':{'first':"
			"'george','last':'washington'}}"},
		{"{'name':{'first':'george','last':'washington'}}",
			"{'$rename':{'name.first':'name.fname'}}",
			"{'name':{'fname':'george','last':'washington'}}"},
		{"{'name':1}", "{'$rename':{'wife':'spouse'}}", "{'name':1}"},
		{"{'a':1,'b':{'c':2},'z':9}",
			"{'$rename':{'a':'x.y','b.c':'z'}}",
			"{'b':{},'x':{'y':1},'z':2}"},
		{"{'a':[{'b':1}]}", "{'$rename':{'a.0.b':'c'}}",
			"The source field cannot be an array element"},
		{"{'a':[{'b':1}],'c':1}", "{'$rename':{'c':'a.0.d'}}",
			"The destination field cannot be an array element"},
		{"{}", "{'$rename':{'a':'a.b'}}", "would create a conflict"},
		{"{}", "{'$rename':{'a':1}}", "must be a string"},
		{"{}", "{'$rename':{'a':'_id'}}", "immutable field '_id'"},
	};

	(void)state;
	check_cases(cases);
}

static void
what_contradicts_itself_is_refused(void **state)
{
	static const struct update_case cases[] = {
		{"{}", "{'$set':{'a':1},'$inc':{'a':1}}",
			"Updating the path 'a' would create a conflict at 'a'"},
		{"{}", "{'$set':{'a':1},'$inc':{'a.b':1}}",
			"Updating the path 'a.b' would create a conflict at "
			"'a'"},
		{"{}", "{'$set':{'a.b.c':1},'$unset':{'a.b':1}}",
			"create a conflict at 'a.b'"},
		{"{}", "{'$set':{'a':1},'$setOnInsert':{'a.b':1}}",
			"create a conflict at 'a'"},
		{"{}", "{'$set':{'a.$[].b':1,'a.0':1}}", "conflict at 'a'"},
		{"{}", "{'$set':{'a.$[].b':1},'$push':{'a':1}}",
			"conflict at 'a'"},
		{"{}", "{'$set':{'a.$[].b':1},'$unset':{'a.$[].b.c':1}}",
			"conflict at 'a.$[].b'"},
		{"{}", "{'$inc':{'_id':1}}", "immutable field '_id'"},
		{"{}", "{'$set':{'_id.a':1}}", "immutable field '_id'"},
		{"{}", "{'$unset':{'_id':1}}", "immutable field '_id'"},
		{"{}", "{}", "not empty"},
		{"{}", "[]", "must be an object"},
		{"{}", "{'$foo':{'a':1}}", "Unknown modifier: $foo"},
		{"{}", "{'$set':1}", "$set takes an object"},
		{"{}", "{'$set':{'':1}}", "field's name"},
		{"{}", "{'$set':{'a..b':1}}", "empty step"},
		{"{}", "{'$set':{'a.$x':1}}",
			"The dollar ($) prefixed field '$x' in 'a.$x' is not "
			"allowed"},
		{"{}", "{'$set':{'$[].x':1}}", "first position"},
		{"{}", "{'$pop':{'a':2}}", "$pop expects 1 or -1"},
		{"{}", "{'$currentDate':{'a':{'$type':'int'}}}",
			"$currentDate"},
		{"{}", "{'$push':{'a':{'$each':1}}}", "must be an array"},
		{"{}", "{'$push':{'a':{'$each':[],'$x':1}}}",
			"Unrecognized clause in $push: $x"},
		{"{}", "{'$addToSet':{'a':{'$each':[],'$slice':1}}}",
			"Unrecognized clause in $addToSet: $slice"},
		{"{}", "{'$push':{'a':{'$each':[],'$sort':2}}}", "$sort"},
		{"{}", "{'$pullAll':{'a':1}}", "array argument"},
	};

	(void)state;
	check_cases(cases);
}

static void
set_on_insert_counts_where_a_document_is_made(void **state)
{
	static const struct update_case one = {"{'a':1}",
		"{'$set':{'b':2},'$setOnInsert':{'c':3,'d.e':4}}",
		"{'a':1,'b':2,'c':3,'d':{'e':4}}"};
	static const struct update_case other = {"{'a':1}",
		"{'$set':{'b':2},'$setOnInsert':{'c':3,'d.e':4}}",
		"{'a':1,'b':2}"};
	static const struct update_case only = {
		"{'a':1}", "{'$setOnInsert':{'c':3,'d.e':4}}", "{'a':1}"};

	(void)state;
	check_case(&one, true);
	check_case(&other, false);
	check_case(&only, false);
}

static void
hundreds_of_places_are_changed_at_once(void **state)
{
	static char update[60000], after[60000];
	const struct update_case one = {"{'m':{}}", update, after};
	size_t u = 0, a = 0;

	(void)state;
	u += (size_t)snprintf(update, sizeof(update), "{'$set':{'x':1");
	a += (size_t)snprintf(after, sizeof(after), "{'x':1,'m':{'x':0");
	for (int i = 0; i < 600; i++) {
		u += (size_t)snprintf(
			update + u, sizeof(update) - u, ",'m.k%d':%d", i, i);
		a += (size_t)snprintf(
			after + a, sizeof(after) - a, ",'k%d':%d", i, i);
	}
	u += (size_t)snprintf(
		update + u, sizeof(update) - u, ",'m.x':0},'$inc':{'n':1");
	a += (size_t)snprintf(after + a, sizeof(after) - a, "},'n':1");
	for (int i = 0; i < 130; i++) {
		u += (size_t)snprintf(
			update + u, sizeof(update) - u, ",'i%d':%d", i, i);
		a += (size_t)snprintf(
			after + a, sizeof(after) - a, ",'i%d':%d", i, i);
	}
	(void)snprintf(update + u, sizeof(update) - u, "}}");
	(void)snprintf(after + a, sizeof(after) - a, "}");
	check_case(&one, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_set_and_unset),
		cmocka_unit_test(numbers_are_changed_exactly),
		cmocka_unit_test(the_lesser_and_the_greater_are_of_all_types),
		cmocka_unit_test(bits_are_changed),
		cmocka_unit_test(fields_are_renamed),
		cmocka_unit_test(what_contradicts_itself_is_refused),
		cmocka_unit_test(set_on_insert_counts_where_a_document_is_made),
		cmocka_unit_test(hundreds_of_places_are_changed_at_once),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
