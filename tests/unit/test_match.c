/*
 * Conditions on a real server, held against the examples of MongoDB's manual
 * (mongodb.com/docs/v4.4/tutorial/query-…, /reference/operator/query/…).
 */
#include "tests/unit/match_driver.h"

#define FIND(list) find_all(list, array_size(list))

/* "Query an Array" */
static void
arrays_are_entered(void **state)
{
	static const struct example all[] = {
		{"{\"tags\":[\"red\",\"blank\"]}", "notebook"},
		{"{\"tags\":{\"$all\":[\"red\",\"blank\"]}}",
			"journal notebook paper planner"},
		{"{\"tags\":\"red\"}", "journal notebook paper planner"},
		{"{\"dim\":{\"$gt\":25}}", "planner"},
		{"{\"dim\":{\"$gt\":15,\"$lt\":20}}",
			"journal notebook paper postcard"},
		{"{\"dim\":{\"$elemMatch\":{\"$gt\":22,\"$lt\":30}}}",
			"planner"},
		{"{\"dim.1\":{\"$gt\":25}}", "planner"},
		{"{\"tags\":{\"$size\":3}}", "paper"},
		{"{\"tags\":{\"$in\":[\"plain\",\"blue\"]}}", "paper postcard"},
		{"{\"tags\":{\"$nin\":[\"plain\",\"red\"]}}", "postcard"},
		{"{\"tags\":{\"$ne\":\"red\"}}", "postcard"},
		{"{\"dim\":{\"$gt\":[14,20]}}",
			"journal notebook paper planner"},
		{"{\"dim\":{\"$in\":[[14,21]]}}", "journal notebook paper"},
		{"{\"tags.2\":{\"$exists\":true}}", "paper"},
		{"{\"tags.0\":{\"$in\":[\"red\",\"blue\"]}}",
			"notebook paper postcard"},
		{"{\"tags\":{\"$all\":[]}}", "-"},
		{"{\"tags\":{\"$in\":[]}}", "-"},
		{"{\"tags\":{\"$nin\":[]}}",
			"journal notebook paper planner postcard"},
	};

	(void)state;
	hold("[{\"_id\":\"journal\",\"tags\":[\"blank\",\"red\"],"
	     "\"dim\":[14,21]},"
	     "{\"_id\":\"notebook\",\"tags\":[\"red\",\"blank\"],"
	     "\"dim\":[14,21]},"
	     "{\"_id\":\"paper\",\"tags\":[\"red\",\"blank\",\"plain\"],"
	     "\"dim\":[14,21]},"
	     "{\"_id\":\"planner\",\"tags\":[\"blank\",\"red\"],"
	     "\"dim\":[22.85,30]},"
	     "{\"_id\":\"postcard\",\"tags\":[\"blue\"],"
	     "\"dim\":[10,15.25]}]");
	FIND(all);
}

/* "Query an Array of Embedded Documents" */
static void
lists_of_objects_are_entered(void **state)
{
	static const struct example all[] = {
		{"{\"instock\":{\"warehouse\":\"A\",\"qty\":5}}", "journal"},
		{"{\"instock.qty\":{\"$lte\":20}}",
			"journal notebook paper planner postcard"},
		{"{\"instock.0.qty\":{\"$lte\":20}}",
			"journal notebook postcard"},
		{"{\"instock\":{\"$elemMatch\":{\"qty\":5,"
		 "\"warehouse\":\"A\"}}}",
			"journal"},
		{"{\"instock\":{\"$elemMatch\":{\"qty\":{\"$gt\":10,"
		 "\"$lte\":20}}}}",
			"journal paper postcard"},
		{"{\"instock.qty\":{\"$gt\":10,\"$lte\":20}}",
			"journal paper planner postcard"},
		{"{\"instock.qty\":5,\"instock.warehouse\":\"A\"}",
			"journal planner"},
		{"{\"instock\":{\"$elemMatch\":{\"$or\":[{\"qty\":60},"
		 "{\"qty\":35}]}}}",
			"paper postcard"},
		{"{\"instock\":{\"$not\":{\"$elemMatch\":{\"qty\":5}}}}",
			"paper postcard"},
	};

	(void)state;
	hold("[{\"_id\":\"journal\",\"instock\":[{\"warehouse\":\"A\","
	     "\"qty\":5},{\"warehouse\":\"C\",\"qty\":15}]},"
	     "{\"_id\":\"notebook\",\"instock\":[{\"warehouse\":\"C\","
	     "\"qty\":5}]},"
	     "{\"_id\":\"paper\",\"instock\":[{\"warehouse\":\"A\","
	     "\"qty\":60},{\"warehouse\":\"B\",\"qty\":15}]},"
	     "{\"_id\":\"planner\",\"instock\":[{\"warehouse\":\"A\","
	     "\"qty\":40},{\"warehouse\":\"B\",\"qty\":5}]},"
	     "{\"_id\":\"postcard\",\"instock\":[{\"warehouse\":\"B\","
	     "\"qty\":15},{\"warehouse\":\"C\",\"qty\":35}]}]");
	FIND(all);
}

/* jstests/core/null_query_semantics.js of MongoDB's repository */
static void
null_is_also_what_is_missing(void **state)
{
	static const struct example all[] = {
		{"{\"a\":null}", "null no all_null with_null"},
		{"{\"a\":{\"$exists\":false}}", "no"},
		{"{\"a\":{\"$in\":[null,4]}}",
			"null number no all_null no_null with_null"},
		{"{\"a\":{\"$nin\":[null,4]}}",
			"empty sub sub_null double none all_b no_b some_b"},
		{"{\"a\":{\"$gte\":null}}", "null no all_null with_null"},
		{"{\"a\":{\"$gt\":null}}", "-"},
		{"{\"a.b\":null}",
			"empty null number sub_null no all_b some_b"},
		{"{\"a.b\":{\"$ne\":null}}",
			"sub double none no_b all_null no_null with_null"},
		{"{\"a.b\":{\"$exists\":false}}",
			"empty null number no double none all_null no_null "
			"with_null"},
		{"{\"a\":{\"$elemMatch\":{\"b\":null}}}",
			"double all_b some_b"},
		{"{\"a\":{\"$elemMatch\":{\"$eq\":null}}}",
			"all_null with_null"},
		{"{\"a\":{\"$not\":{\"$gte\":null}}}",
			"empty number sub sub_null double none all_b no_b "
			"some_b no_null"},
		{"{\"a\":{\"$type\":\"null\"}}", "null all_null with_null"},
		{"{\"a\":{\"$type\":10}}", "null all_null with_null"},
	};

	(void)state;
	hold("[{\"_id\":\"empty\",\"a\":{}},{\"_id\":\"null\",\"a\":null},"
	     "{\"_id\":\"number\",\"a\":4},{\"_id\":\"sub\",\"a\":{\"b\":"
	     "\"hi\"}},"
	     "{\"_id\":\"sub_null\",\"a\":{\"b\":null}},{\"_id\":\"no\"},"
	     "{\"_id\":\"double\",\"a\":[[]]},{\"_id\":\"none\",\"a\":[]},"
	     "{\"_id\":\"all_b\",\"a\":[{\"b\":null},{}]},"
	     "{\"_id\":\"no_b\",\"a\":[{\"b\":1},{\"b\":\"x\"}]},"
	     "{\"_id\":\"some_b\",\"a\":[{\"b\":null},{\"b\":3}]},"
	     "{\"_id\":\"all_null\",\"a\":[null,null]},"
	     "{\"_id\":\"no_null\",\"a\":[1,\"string\",4]},"
	     "{\"_id\":\"with_null\",\"a\":[1,null,4]}]");
	FIND(all);
}

/* Only values of one type are compared ("type bracketing"). */
static void
types_are_not_mixed(void **state)
{
	static const struct example all[] = {
		{"{\"a\":{\"$gt\":4}}", "int double inf"},
		{"{\"a\":{\"$gte\":5}}", "int double inf"},
		{"{\"a\":{\"$lt\":5}}", "minus"},
		{"{\"a\":{\"$lt\":{\"$numberDouble\":\"Infinity\"}}}",
			"int double minus"},
		{"{\"a\":{\"$gte\":{\"$numberDouble\":\"NaN\"}}}", "nan"},
		{"{\"a\":{\"$gt\":{\"$numberDouble\":\"NaN\"}}}", "-"},
		{"{\"a\":{\"$numberDouble\":\"NaN\"}}", "nan"},
		{"{\"a\":5}", "int"},
		{"{\"a\":5.0}", "int"},
		{"{\"a\":{\"$in\":[5.0,7.5,true]}}", "int double bool"},
		{"{\"a\":{\"$gt\":\"\"}}", "text"},
		{"{\"a\":{\"$gte\":false}}", "bool"},
		{"{\"a\":{\"$gt\":{\"$date\":5}}}", "date dates"},
		{"{\"a\":{\"$lte\":{\"$date\":6}}}", "date"},
		{"{\"a\":{\"$date\":6}}", "date"},
		{"{\"a\":{\"$in\":[{\"$date\":6},{\"$date\":9}]}}",
			"date dates"},
		{"{\"a\":{\"$lt\":{\"$oid\":\"607f191e810c19729de860ea\"}}}",
			"oid"},
		{"{\"a\":{\"$oid\":\"507f191e810c19729de860ea\"}}", "oid"},
		{"{\"a\":\"507f191e810c19729de860ea\"}", "-"},
		{"{\"a\":{\"$in\":[{\"$oid\":"
		 "\"507f191e810c19729de860ea\"}]}}",
			"oid"},
		{"{\"a\":{\"$gt\":{}}}", "object"},
		{"{\"a\":{\"$gte\":[]}}", "dates"},
		{"{\"a\":{\"$type\":\"number\"}}", "int double inf minus nan"},
		{"{\"a\":{\"$type\":[\"objectId\",\"date\"]}}",
			"date dates oid"},
		{"{\"a\":{\"$type\":\"object\"}}", "object"},
		{"{\"a\":{\"$type\":1}}", "double inf minus nan"},
		{"{\"a.$date\":6}",
			"$date: no step of a field's path may begin with $ "
			"here"},
	};

	(void)state;
	hold("[{\"_id\":\"int\",\"a\":5},{\"_id\":\"double\",\"a\":7.5},"
	     "{\"_id\":\"inf\",\"a\":{\"$numberDouble\":\"Infinity\"}},"
	     "{\"_id\":\"minus\",\"a\":{\"$numberDouble\":\"-Infinity\"}},"
	     "{\"_id\":\"nan\",\"a\":{\"$numberDouble\":\"NaN\"}},"
	     "{\"_id\":\"text\",\"a\":\"x\"},{\"_id\":\"bool\",\"a\":true},"
	     "{\"_id\":\"date\",\"a\":{\"$date\":6}},"
	     "{\"_id\":\"dates\",\"a\":[{\"$date\":9}]},"
	     "{\"_id\":\"oid\",\"a\":{\"$oid\":\"507f191e810c19729de860ea\"}},"
	     "{\"_id\":\"object\",\"a\":{\"x\":1}},{\"_id\":\"null\","
	     "\"a\":null},{\"_id\":\"none\"}]");
	FIND(all);
}

/* The pages of $elemMatch, $all, $mod */
static void
elements_are_matched(void **state)
{
	static const struct example scores[] = {
		{"{\"results\":{\"$elemMatch\":{\"$gte\":80,\"$lt\":85}}}",
			"1"},
		{"{\"r\":{\"$elemMatch\":{\"product\":\"xyz\","
		 "\"score\":{\"$gte\":8}}}}",
			"5"},
		{"{\"r\":{\"$elemMatch\":{\"product\":\"xyz\"}}}", "3 4 5"},
		{"{\"r\":{\"$elemMatch\":{\"product\":{\"$ne\":\"xyz\"}}}}",
			"3 4 5 6"},
		{"{\"r.product\":{\"$ne\":\"xyz\"}}", "1 2 6"},
		{"{\"results\":{\"$elemMatch\":{\"$in\":[75,1]}}}", "2"},
		{"{\"results\":{\"$elemMatch\":{\"$in\":[\"x\",75,true]}}}",
			"2"},
		{"{\"results\":{\"$elemMatch\":{\"$nin\":[88,\"x\",[],75]}}}",
			"1 2"},
		{"{\"results\":{\"$elemMatch\":{\"x\":null}}}", "-"},
		{"{\"results\":{\"$mod\":[25,0]}}", "2"},
		{"{\"results\":{\"$mod\":[25.9,0.1]}}", "2"},
		{"{\"nested\":{\"$elemMatch\":{\"$elemMatch\":{\"$eq\":2}}}}",
			"1"},
		{"{\"o.list\":{\"$elemMatch\":{\"w\":{\"$elemMatch\":{\"k\":{"
		 "\"$ne\":9}}}}}}",
			"-"},
		{"{\"nested\":2}", "-"},
		{"{\"nested\":{\"$elemMatch\":{\"$eq\":2}}}", "-"},
		{"{\"nested.0\":2}", "-"},
		{"{\"nested.0\":[1,2]}", "1"},
		{"{\"nested.0.1\":2}", "1"},
		{"{\"results.0.x\":null}", "3 4 5 6"},
	};
	static const struct example sizes[] = {
		{"{\"qty\":{\"$all\":[{\"$elemMatch\":{\"size\":\"M\","
		 "\"num\":{\"$gt\":50}}},{\"$elemMatch\":{\"num\":100,"
		 "\"color\":\"green\"}}]}}",
			"efg ijk"},
		{"{\"tags\":{\"$all\":[\"appliance\",\"school\",\"book\"]}}",
			"xyz abc"},
		{"{\"qty.num\":{\"$all\":[50]}}", "abc"},
	};

	(void)state;
	hold("[{\"_id\":1,\"results\":[82,85,88],\"nested\":[[1,2],[3]]},"
	     "{\"_id\":2,\"results\":[75,88,89],"
	     "\"o\":{\"list\":[{\"w\":[2]}]}},"
	     "{\"_id\":3,\"r\":[{\"product\":\"abc\",\"score\":10},"
	     "{\"product\":\"xyz\",\"score\":5}]},"
	     "{\"_id\":4,\"r\":[{\"product\":\"abc\",\"score\":8},"
	     "{\"product\":\"xyz\",\"score\":7}]},"
	     "{\"_id\":5,\"r\":[{\"product\":\"abc\",\"score\":7},"
	     "{\"product\":\"xyz\",\"score\":8}]},"
	     "{\"_id\":6,\"r\":[{\"product\":\"abc\",\"score\":7},"
	     "{\"product\":\"def\",\"score\":8}]}]");
	FIND(scores);
	hold("[{\"_id\":\"xyz\",\"tags\":[\"school\",\"book\",\"bag\","
	     "\"headphone\",\"appliance\"],\"qty\":[{\"size\":\"S\","
	     "\"num\":10,\"color\":\"blue\"},{\"size\":\"M\",\"num\":45,"
	     "\"color\":\"blue\"},{\"size\":\"L\",\"num\":100,"
	     "\"color\":\"green\"}]},"
	     "{\"_id\":\"abc\",\"tags\":[\"appliance\",\"school\",\"book\"],"
	     "\"qty\":[{\"size\":\"6\",\"num\":100,\"color\":\"green\"},"
	     "{\"size\":\"6\",\"num\":50,\"color\":\"blue\"},"
	     "{\"size\":\"8\",\"num\":100,\"color\":\"brown\"}]},"
	     "{\"_id\":\"efg\",\"tags\":[\"school\",\"book\"],"
	     "\"qty\":[{\"size\":\"S\",\"num\":10,\"color\":\"blue\"},"
	     "{\"size\":\"M\",\"num\":100,\"color\":\"blue\"},"
	     "{\"size\":\"L\",\"num\":100,\"color\":\"green\"}]},"
	     "{\"_id\":\"ijk\",\"tags\":[\"electronics\",\"school\"],"
	     "\"qty\":[{\"size\":\"M\",\"num\":100,"
	     "\"color\":\"green\"}]}]");
	FIND(sizes);
}

/* The page of $regex */
static void
regular_expressions_match(void **state)
{
	static const struct example all[] = {
		{"{\"sku\":{\"$regex\":\"789$\"}}", "101 103"},
		{"{\"sku\":{\"$regex\":\"^ABC\",\"$options\":\"i\"}}",
			"100 101"},
		{"{\"d\":{\"$regex\":\"^S\",\"$options\":\"m\"}}", "100 101"},
		{"{\"d\":{\"$regex\":\"^S\"}}", "100"},
		{"{\"d\":{\"$regex\":\"m.*line\",\"$options\":\"si\"}}",
			"102 103"},
		{"{\"d\":{\"$regex\":\"m.*line\",\"$options\":\"i\"}}", "102"},
		{"{\"sku\":{\"$regex\":\"abc #category code\\n123 #item "
		 "number\",\"$options\":\"x\"}}",
			"100"},
		{"{\"sku\":{\"$regularExpression\":{\"pattern\":\"^x\","
		 "\"options\":\"\"}}}",
			"102 103"},
		{"{\"sku\":{\"$in\":[\"abc123\",{\"$regularExpression\":"
		 "{\"pattern\":\"Z7\",\"options\":\"i\"}}]}}",
			"100 103"},
		{"{\"sku\":{\"$nin\":[{\"$regex\":\"^abc\"},5]}}",
			"102 103 104"},
		{"{\"sku\":{\"$not\":{\"$regex\":\"^abc\"}}}", "102 103 104"},
		{"{\"sku\":{\"$regex\":\"^abc\",\"$ne\":\"abc123\"}}", "101"},
		{"{\"sku\":{\"$regex\":{\"$regularExpression\":{\"pattern\":"
		 "\"^ABC\",\"options\":\"\"}},\"$options\":\"i\"}}",
			"100 101"},
		{"{\"tags\":{\"$regex\":\"^sch\"}}", "104"},
		{"{\"r\":{\"$regex\":\"a+\",\"$options\":\"i\"}}", "104"},
		{"{\"r\":{\"$eq\":{\"$regex\":\"a+\",\"$options\":\"i\"}}}",
			"104"},
		{"{\"tags\":{\"$all\":[{\"$regex\":\"^s\"},\"b\"]}}", "104"},
		{"{\"tags\":{\"$elemMatch\":{\"$regex\":\"^s\"}}}", "104"},
		{"{\"sku\":{\"$regex\":\"'; DROP TABLE docs; --\"}}", "-"},
		{"{\"sku\":{\"$gt\":{\"$regex\":\"a\"}}}",
			"$gt cannot compare with a regular expression"},
		{"{\"sku\":{\"$options\":\"i\"}}",
			"$options stands alone: it belongs to $regex"},
	};

	(void)state;
	hold("[{\"_id\":100,\"sku\":\"abc123\","
	     "\"d\":\"Single line description.\"},"
	     "{\"_id\":101,\"sku\":\"abc789\","
	     "\"d\":\"First line\\nSecond line\"},"
	     "{\"_id\":102,\"sku\":\"xyz456\","
	     "\"d\":\"Many spaces before     line\"},"
	     "{\"_id\":103,\"sku\":\"xyz789\","
	     "\"d\":\"Multiple\\nline description\"},"
	     "{\"_id\":104,\"tags\":[\"school\",\"b\"],"
	     "\"r\":{\"$regex\":\"a+\",\"$options\":\"i\"}}]");
	FIND(all);
}

/* An ObjectId and the text of its digits are one key; texts and numbers are
 * two. */
static void
ids_are_asked_by_their_key(void **state)
{
	static const struct example all[] = {
		{"{\"_id\":\"b\"}", "b"},
		{"{\"_id\":1}", "1"},
		{"{\"_id\":1.0}", "1"},
		{"{\"_id\":\"1\"}", "-"},
		{"{\"_id\":{\"$date\":5}}", "{\"$date\":5}"},
		{"{\"_id\":\"507f191e810c19729de860ea\"}",
			"507f191e810c19729de860ea"},
		{"{\"_id\":{\"$in\":[\"b\",1,\"c\",\"x\"]}}", "b c 1"},
		{"{\"_id\":{\"$nin\":[\"b\",1]}}",
			"c {\"$date\":5} 507f191e810c19729de860ea"},
		{"{\"_id\":{\"$gt\":\"b\"}}", "c"},
		{"{\"_id\":{\"$gt\":0}}", "1"},
		{"{\"_id\":{\"$type\":\"date\"}}", "{\"$date\":5}"},
		{"{\"_id\":{\"$ne\":\"b\"}}",
			"c 1 {\"$date\":5} 507f191e810c19729de860ea"},
		{"{\"_id\":{\"$regex\":\"^b\"}}", "b"},
		{"{\"_id\":null}", "-"},
		{"{\"_id\":\"\"}", "-"},
		{"{\"_id\":{\"$exists\":false}}", "-"},
		{"{\"$or\":[{\"_id\":\"b\"},{\"_id\":1}]}", "b 1"},
	};

	(void)state;
	hold("[{\"_id\":\"b\"},{\"_id\":\"c\"},{\"_id\":1},"
	     "{\"_id\":{\"$date\":5}},"
	     "{\"_id\":{\"$oid\":\"507f191e810c19729de860ea\"}}]");
	for (size_t i = 0; i < array_size(all); i++)
		assert_string_equal(found_in(all[i].query, false), all[i].ids);
}

/* The page of $expr */
static void
expressions_match(void **state)
{
	static const struct example budgets[] = {
		{"{\"$expr\":{\"$gt\":[\"$spent\",\"$budget\"]}}", "1 2 5"},
		{"{\"category\":\"food\",\"$expr\":{\"$gt\":[\"$spent\","
		 "\"$budget\"]}}",
			"1"},
		{"{\"$nor\":[{\"$expr\":{\"$gt\":[\"$spent\","
		 "\"$budget\"]}}]}",
			"3 4"},
	};

	(void)state;
	hold("[{\"_id\":1,\"category\":\"food\",\"budget\":400,\"spent\":450},"
	     "{\"_id\":2,\"category\":\"drinks\",\"budget\":100,"
	     "\"spent\":150},"
	     "{\"_id\":3,\"category\":\"clothes\",\"budget\":100,"
	     "\"spent\":50},"
	     "{\"_id\":4,\"category\":\"misc\",\"budget\":500,\"spent\":300},"
	     "{\"_id\":5,\"category\":\"travel\",\"budget\":200,"
	     "\"spent\":650}]");
	FIND(budgets);
}

/* The page of $jsonSchema, and JSON schema's draft 4 */
static void
schemas_match(void **state)
{
	static const struct example schemas[] = {
		{"{\"$jsonSchema\":{\"required\":[\"item\",\"qty\","
		 "\"instock\"],\"properties\":{\"item\":{\"bsonType\":"
		 "\"string\"},\"qty\":{\"bsonType\":\"int\"},\"size\":{"
		 "\"bsonType\":\"object\",\"required\":[\"uom\"],"
		 "\"properties\":{\"uom\":{\"bsonType\":\"string\"},\"h\":{"
		 "\"bsonType\":\"double\"},\"w\":{\"bsonType\":\"double\"}}},"
		 "\"instock\":{\"bsonType\":\"bool\"}}}}",
			"journal notebook postcard apple pears"},
		{"{\"$nor\":[{\"$jsonSchema\":{\"properties\":{\"instock\":{"
		 "\"bsonType\":\"bool\"}}}}]}",
			"paper planner"},
		{"{\"$jsonSchema\":{\"properties\":{\"qty\":{\"minimum\":50,"
		 "\"exclusiveMinimum\":true,\"maximum\":100}}}}",
			"paper planner"},
		{"{\"$jsonSchema\":{\"properties\":{\"item\":{\"pattern\":"
		 "\"^p\",\"minLength\":6}}}}",
			"planner postcard"},
		{"{\"$jsonSchema\":{\"properties\":{\"item\":{\"enum\":["
		 "\"apple\",1]}}}}",
			"apple"},
		{"{\"$jsonSchema\":{\"additionalProperties\":false,"
		 "\"properties\":{\"_id\":{},\"item\":{},\"qty\":{},"
		 "\"instock\":{}},\"patternProperties\":{\"^st\":{}}}}",
			"apple pears"},
		{"{\"$jsonSchema\":{\"dependencies\":{\"status\":[\"size\"]}}}",
			"journal notebook paper planner postcard"},
		{"{\"$jsonSchema\":{\"oneOf\":[{\"required\":[\"size\"]},{"
		 "\"properties\":{\"qty\":{\"multipleOf\":25}}}]}}",
			"postcard pears"},
		{"{\"$jsonSchema\":{\"not\":{\"required\":[\"size\"]}}}",
			"apple pears"},
		{"{\"$jsonSchema\":{\"minProperties\":6}}", "-"},
		{"{\"$jsonSchema\":{\"propertees\":{}}}",
			"$jsonSchema: the keyword propertees is not known"},
		{"{\"$jsonSchema\":{\"minLength\":-1}}",
			"$jsonSchema: minLength takes a whole number, 0 or "
			"more"},
	};

	(void)state;
	hold("[{\"_id\":\"journal\",\"item\":\"journal\",\"qty\":25,"
	     "\"size\":{\"h\":14.0,\"w\":21.0,\"uom\":\"cm\"},"
	     "\"instock\":true},"
	     "{\"_id\":\"notebook\",\"item\":\"notebook\",\"qty\":50,"
	     "\"size\":{\"h\":8.5,\"w\":11.0,\"uom\":\"in\"},"
	     "\"instock\":true},"
	     "{\"_id\":\"paper\",\"item\":\"paper\",\"qty\":100,\"size\":{"
	     "\"h\":8.5,\"w\":11.0,\"uom\":\"in\"},\"instock\":1},"
	     "{\"_id\":\"planner\",\"item\":\"planner\",\"qty\":75,\"size\":{"
	     "\"h\":22.85,\"w\":30.0,\"uom\":\"cm\"},\"instock\":1},"
	     "{\"_id\":\"postcard\",\"item\":\"postcard\",\"qty\":45,"
	     "\"size\":{\"h\":10.0,\"w\":15.25,\"uom\":\"cm\"},"
	     "\"instock\":true},"
	     "{\"_id\":\"apple\",\"item\":\"apple\",\"qty\":45,"
	     "\"status\":\"A\",\"instock\":true},"
	     "{\"_id\":\"pears\",\"item\":\"pears\",\"qty\":50,"
	     "\"status\":\"A\",\"instock\":true}]");
	FIND(schemas);
}

static void
schemas_of_lists_match(void **state)
{
	static const struct example lists[] = {
		{"{\"$jsonSchema\":{\"properties\":{\"a\":{\"items\":{"
		 "\"bsonType\":\"int\"}}}}}",
			"1 2 3"},
		{"{\"$jsonSchema\":{\"properties\":{\"a\":{"
		 "\"uniqueItems\":true,\"minItems\":1}}}}",
			"1 4"},
		{"{\"$jsonSchema\":{\"properties\":{\"a\":{\"items\":[{"
		 "\"enum\":[1]}],\"additionalItems\":false}}}}",
			"2"},
	};

	(void)state;
	hold("[{\"_id\":1,\"a\":[1,2]},{\"_id\":2,\"a\":[]},"
	     "{\"_id\":3,\"a\":[1,1]},{\"_id\":4,\"a\":[\"x\",1]}]");
	FIND(lists);
}

/* The page of $text, but that words are not cut to their stems. */
static void
words_are_found(void **state)
{
	static const struct example all[] = {
		{"{\"$text\":{\"$search\":\"coffee\"}}", "1 2 7"},
		{"{\"$text\":{\"$search\":\"baking coffee cake\"}}",
			"1 2 3 4 7"},
		{"{\"$text\":{\"$search\":\"\\\"coffee shopping\\\" cream\"}}",
			"2"},
		{"{\"$text\":{\"$search\":\"coffee -shopping\"}}", "1 7"},
		{"{\"$text\":{\"$search\":\"COFFEE\"}}", "1 2 7"},
		{"{\"$text\":{\"$search\":\"小程序\"}}", "9"},
		{"{\"$text\":{\"$search\":\"程序 cream\"}}", "7 9"},
		{"{\"$text\":{\"$search\":\"序程\"}}", "-"},
		{"{\"$text\":{\"$search\":\"数据库\"}}", "9"},
		{"{\"$text\":{\"$search\":\"\"}}", "-"},
		{"{\"$text\":{\"$search\":\"' | & ! :* (\"}}", "-"},
		{"{\"views\":{\"$lt\":20},\"$text\":{\"$search\":\"coffee\"}}",
			"2 7"},
		{"{\"$text\":{\"$search\":\"a\",\"$x\":1}}",
			"operator $x is not known here"},
	};

	(void)state;
	hold("[{\"_id\":1,\"subject\":\"coffee\",\"views\":50},"
	     "{\"_id\":2,\"subject\":\"Coffee Shopping\",\"views\":5},"
	     "{\"_id\":3,\"subject\":\"Baking a cake\",\"views\":90},"
	     "{\"_id\":4,\"subject\":\"baking\",\"views\":100},"
	     "{\"_id\":5,\"subject\":\"Café Con Leche\",\"views\":200},"
	     "{\"_id\":6,\"subject\":\"Сырники\",\"views\":80},"
	     "{\"_id\":7,\"subject\":\"coffee and cream\",\"views\":10},"
	     "{\"_id\":8,\"subject\":\"Cafe con Leche\",\"views\":10},"
	     "{\"_id\":9,\"subject\":\"微信小程序的云数据库，快\"}]");
	FIND(all);
}

static void
operators_that_are_not_known_are_named(void **state)
{
	static const struct example all[] = {
		{"{\"a\":{\"$foo\":1}}", "operator $foo is not known here"},
		{"{\"$where\":\"1\"}",
			"operator $where: the database runs no JavaScript; say "
			"it with $expr"},
		{"{\"$xor\":[]}", "operator $xor is not known here"},
		{"{\"$or\":[]}",
			"$or takes a list of conditions that is not empty"},
		{"{\"a\":{\"$in\":5}}", "$in takes a list"},
		{"{\"a\":{\"$in\":[{\"$gt\":1}]}}",
			"a list of values may not hold the operator $gt"},
		{"{\"a\":{\"$mod\":4}}",
			"$mod takes a list of two numbers: divisor and "
			"remainder"},
		{"{\"a\":{\"$mod\":[0,1]}}", "$mod cannot divide by 0"},
		{"{\"a\":{\"$size\":-1}}",
			"$size takes a whole number, 0 or more"},
		{"{\"a\":{\"$size\":1.5}}",
			"$size takes a whole number, 0 or more"},
		{"{\"a\":{\"$type\":\"strin\"}}",
			"$type: strin is no type of BSON; known are "
			"\"string\", \"number\", \"object\" and so on, or "
			"their numbers"},
		{"{\"a\":{\"$elemMatch\":5}}",
			"$elemMatch takes an object of conditions"},
		{"{\"a\":{\"$elemMatch\":{\"$and\":[{\"$expr\":1}]}}}",
			"operator $expr cannot stand in a condition on "
			"elements"},
		{"{\"a\":{\"$not\":5}}",
			"$not takes operators or a regular expression"},
		{"{\"a\":{\"b\":{\"$gt\":1}}}",
			"b.$gt: a member of a document may not begin with $"},
	};

	(void)state;
	for (size_t i = 0; i < array_size(all); i++)
		assert_string_equal(found_in(all[i].query, false), all[i].ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_are_entered),
		cmocka_unit_test(lists_of_objects_are_entered),
		cmocka_unit_test(null_is_also_what_is_missing),
		cmocka_unit_test(types_are_not_mixed),
		cmocka_unit_test(elements_are_matched),
		cmocka_unit_test(regular_expressions_match),
		cmocka_unit_test(ids_are_asked_by_their_key),
		cmocka_unit_test(expressions_match),
		cmocka_unit_test(schemas_match),
		cmocka_unit_test(schemas_of_lists_match),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(operators_that_are_not_known_are_named),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
