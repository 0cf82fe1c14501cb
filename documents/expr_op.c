/*
 * The table of operators.  A row is all that an operator needs whose arguments
 * are ordinary: its SQL is a template (see expr_tree.h) and usually one call of
 * a function in routines/expr_*.sql, which checks types and words errors as
 * MongoDB does.
 */
#include "documents/expr_tree.h"

#define MANY  EXPR_MANY
#define BOOL  EXPR_IS_BOOL
#define MISS  EXPR_MAY_MISS
#define FIRST EXPR_ONE_FIRST

/* Rows that differ by their name only. */
#define MATH(name) \
	{ \
		name, 1, 1, NULL, 0, "mpcloud.op_math(%n, %1)", NULL, NULL \
	}
#define COMPARE(name) \
	{ \
		name, 2, 2, NULL, BOOL, NULL, NULL, expr_put_compare \
	}
#define DATE_PART(name) \
	{ \
		name, 1, 1, "date! timezone", FIRST, \
			"mpcloud.op_date_part(%n, %*)", NULL, NULL \
	}
#define TRIM(name) \
	{ \
		name, 1, 1, "input! chars", 0, "mpcloud.op_trim(%n, %*)", \
			NULL, NULL \
	}
#define CONVERT(name, to) \
	{ \
		name, 1, 1, NULL, 0, \
			"mpcloud.op_convert(%1, to_jsonb('" to "'::text))", \
			NULL, NULL \
	}
#define OVER(name) \
	{ \
		name, 0, MANY, NULL, 0, NULL, NULL, expr_put_over \
	}
#define REGEX(name) \
	{ \
		name, 1, 1, "input! regex! options", 0, \
			"mpcloud.op_regex(%n, %*)", expr_read_regex, NULL \
	}

const struct expr_op expr_ops[] = {
	/* name, least, most, names, flags, sql, parse, put */

	/* arithmetic */
	{"$abs", 1, 1, NULL, 0, "mpcloud.op_abs(%1)", NULL, NULL},
	{"$add", 0, MANY, NULL, 0, "0mpcloud.op_add(", NULL, expr_put_fold},
	{"$ceil", 1, 1, NULL, 0, "mpcloud.op_round(%n, %1)", NULL, NULL},
	{"$divide", 2, 2, NULL, 0, "mpcloud.op_divide(%*)", NULL, NULL},
	MATH("$exp"),
	{"$floor", 1, 1, NULL, 0, "mpcloud.op_round(%n, %1)", NULL, NULL},
	MATH("$ln"),
	{"$log", 2, 2, NULL, 0, "mpcloud.op_log(%*)", NULL, NULL},
	MATH("$log10"),
	{"$mod", 2, 2, NULL, 0, "mpcloud.op_mod(%*)", NULL, NULL},
	{"$multiply", 0, MANY, NULL, 0, "1mpcloud.op_multiply(", NULL,
		expr_put_fold},
	{"$pow", 2, 2, NULL, 0, "mpcloud.op_pow(%*)", NULL, NULL},
	{"$rand", 0, 0, NULL, 0, "mpcloud.num(random())", expr_read_rand, NULL},
	{"$round", 1, 2, NULL, 0, "mpcloud.op_round(%n, %*)", NULL, NULL},
	MATH("$sqrt"),
	{"$subtract", 2, 2, NULL, 0, "mpcloud.op_subtract(%*)", NULL, NULL},
	{"$trunc", 1, 2, NULL, 0, "mpcloud.op_round(%n, %*)", NULL, NULL},
	MATH("$sin"),
	MATH("$cos"),
	MATH("$tan"),
	MATH("$asin"),
	MATH("$acos"),
	MATH("$atan"),
	{"$atan2", 2, 2, NULL, 0, "mpcloud.op_atan2(%*)", NULL, NULL},
	MATH("$sinh"),
	MATH("$cosh"),
	MATH("$tanh"),
	MATH("$asinh"),
	MATH("$acosh"),
	MATH("$atanh"),
	MATH("$degreesToRadians"),
	MATH("$radiansToDegrees"),

	/* logic, comparison, choice */
	{"$and", 0, MANY, NULL, BOOL, NULL, NULL, expr_put_and},
	{"$or", 0, MANY, NULL, BOOL, NULL, NULL, expr_put_or},
	{"$not", 1, 1, NULL, BOOL, "(NOT %t1)", NULL, NULL},
	COMPARE("$eq"),
	COMPARE("$ne"),
	COMPARE("$neq"),
	COMPARE("$gt"),
	COMPARE("$gte"),
	COMPARE("$lt"),
	COMPARE("$lte"),
	{"$cmp", 2, 2, NULL, 0, "to_jsonb(mpcloud.value_cmp(%*))", NULL, NULL},
	{"$cond", 3, 3, NULL, MISS, "(CASE WHEN %t1 THEN %2 ELSE %3 END)",
		expr_read_cond, NULL},
	{"$ifNull", 2, MANY, NULL, MISS, NULL, NULL, expr_put_if_null},
	{"$switch", 1, 1, NULL, MISS, NULL, expr_read_switch, expr_put_switch},

	/* arrays */
	{"$arrayElemAt", 2, 2, NULL, MISS, "mpcloud.op_element(%*)", NULL,
		NULL},
	{"$arrayToObject", 1, 1, NULL, 0, "mpcloud.op_array_to_object(%1)",
		NULL, NULL},
	{"$concatArrays", 0, MANY, NULL, 0,
		"mpcloud.op_concat_arrays(ARRAY[%*]::jsonb[])", NULL, NULL},
	{"$filter", 1, 1, NULL, 0, NULL, expr_read_filter, expr_put_filter},
	{"$first", 1, 1, NULL, MISS, "mpcloud.op_end(%n, %1)", NULL, NULL},
	{"$last", 1, 1, NULL, MISS, "mpcloud.op_end(%n, %1)", NULL, NULL},
	{"$firstN", 1, 1, "input! n!", 0, "mpcloud.op_some(%n, %*)", NULL,
		NULL},
	{"$lastN", 1, 1, "input! n!", 0, "mpcloud.op_some(%n, %*)", NULL, NULL},
	{"$maxN", 1, 1, "input! n!", 0, "mpcloud.op_some(%n, %*)", NULL, NULL},
	{"$minN", 1, 1, "input! n!", 0, "mpcloud.op_some(%n, %*)", NULL, NULL},
	{"$in", 2, 2, NULL, BOOL, "mpcloud.op_in(%*)", NULL, NULL},
	{"$indexOfArray", 2, 4, NULL, 0, "mpcloud.op_index_of_array(%*)", NULL,
		NULL},
	{"$isArray", 1, 1, NULL, BOOL,
		"(jsonb_typeof(%1) IS NOT DISTINCT FROM 'array')", NULL, NULL},
	{"$map", 1, 1, NULL, 0, NULL, expr_read_map, expr_put_map},
	{"$objectToArray", 1, 1, NULL, 0, "mpcloud.op_object_to_array(%1)",
		NULL, NULL},
	{"$range", 2, 3, NULL, 0, "mpcloud.op_range(%*)", NULL, NULL},
	{"$reduce", 1, 1, NULL, MISS, NULL, expr_read_reduce, expr_put_reduce},
	{"$reverseArray", 1, 1, NULL, 0, "mpcloud.op_reverse_array(%1)", NULL,
		NULL},
	{"$size", 1, 1, NULL, 0, "mpcloud.op_size(%1)", NULL, NULL},
	{"$slice", 2, 3, NULL, 0, "mpcloud.op_slice(%*)", NULL, NULL},
	{"$sortArray", 1, 1, NULL, 0, NULL, expr_read_sort, expr_put_sort},
	{"$zip", 1, 1, "inputs! useLongestLength defaults", 0,
		"mpcloud.op_zip(%*)", NULL, NULL},

	/* sets */
	{"$allElementsTrue", 1, 1, NULL, BOOL, "mpcloud.op_elements(%n, %1)",
		NULL, NULL},
	{"$anyElementTrue", 1, 1, NULL, BOOL, "mpcloud.op_elements(%n, %1)",
		NULL, NULL},
	{"$setDifference", 2, 2, NULL, 0, "mpcloud.op_set_difference(%*)", NULL,
		NULL},
	{"$setEquals", 2, MANY, NULL, BOOL,
		"mpcloud.op_set_equals(ARRAY[%*]::jsonb[])", NULL, NULL},
	{"$setIntersection", 0, MANY, NULL, 0,
		"mpcloud.op_set_intersection(ARRAY[%*]::jsonb[])", NULL, NULL},
	{"$setIsSubset", 2, 2, NULL, BOOL, "mpcloud.op_set_is_subset(%*)", NULL,
		NULL},
	{"$setUnion", 0, MANY, NULL, 0,
		"mpcloud.op_set_union(ARRAY[%*]::jsonb[])", NULL, NULL},

	/* texts */
	{"$concat", 0, MANY, NULL, 0, "mpcloud.op_concat(ARRAY[%*]::jsonb[])",
		NULL, NULL},
	{"$indexOfBytes", 2, 4, NULL, 0, "mpcloud.op_index_of_bytes(%*)", NULL,
		NULL},
	{"$indexOfCP", 2, 4, NULL, 0, "mpcloud.op_index_of_cp(%*)", NULL, NULL},
	{"$split", 2, 2, NULL, 0, "mpcloud.op_split(%*)", NULL, NULL},
	{"$strLenBytes", 1, 1, NULL, 0, "mpcloud.op_str_len(%n, %1)", NULL,
		NULL},
	{"$strLenCP", 1, 1, NULL, 0, "mpcloud.op_str_len(%n, %1)", NULL, NULL},
	{"$strcasecmp", 2, 2, NULL, 0, "mpcloud.op_strcasecmp(%*)", NULL, NULL},
	{"$substr", 3, 3, NULL, 0, "mpcloud.op_substr_bytes(%n, %*)", NULL,
		NULL},
	{"$substrBytes", 3, 3, NULL, 0, "mpcloud.op_substr_bytes(%n, %*)", NULL,
		NULL},
	{"$substrCP", 3, 3, NULL, 0, "mpcloud.op_substr_cp(%*)", NULL, NULL},
	{"$toLower", 1, 1, NULL, 0, "mpcloud.op_case(%n, %1)", NULL, NULL},
	{"$toUpper", 1, 1, NULL, 0, "mpcloud.op_case(%n, %1)", NULL, NULL},
	TRIM("$ltrim"),
	TRIM("$rtrim"),
	TRIM("$trim"),
	{"$replaceOne", 1, 1, "input! find! replacement!", 0,
		"mpcloud.op_replace(%n, %*)", NULL, NULL},
	{"$replaceAll", 1, 1, "input! find! replacement!", 0,
		"mpcloud.op_replace(%n, %*)", NULL, NULL},
	REGEX("$regexFind"),
	REGEX("$regexFindAll"),
	REGEX("$regexMatch"),

	/* objects */
	{"$mergeObjects", 0, MANY, NULL, 0,
		"mpcloud.op_merge_objects(ARRAY[%*]::jsonb[])", NULL, NULL},
	{"$getField", 1, 1, NULL, MISS, "mpcloud.op_get_field(%*)",
		expr_read_get, NULL},
	{"$setField", 1, 1, NULL, 0, "mpcloud.op_set_field(%*)", expr_read_get,
		NULL},
	{"$unsetField", 1, 1, NULL, 0, "mpcloud.op_set_field(%*)",
		expr_read_get, NULL},

	/* dates */
	DATE_PART("$dayOfMonth"),
	DATE_PART("$dayOfWeek"),
	DATE_PART("$dayOfYear"),
	DATE_PART("$hour"),
	DATE_PART("$isoDayOfWeek"),
	DATE_PART("$isoWeek"),
	DATE_PART("$isoWeekYear"),
	DATE_PART("$millisecond"),
	DATE_PART("$minute"),
	DATE_PART("$month"),
	DATE_PART("$second"),
	DATE_PART("$week"),
	DATE_PART("$year"),
	{"$dateAdd", 1, 1, "startDate! unit! amount! timezone", 0,
		"mpcloud.op_date_add(1, %*)", NULL, NULL},
	{"$dateSubtract", 1, 1, "startDate! unit! amount! timezone", 0,
		"mpcloud.op_date_add(-1, %*)", NULL, NULL},
	{"$dateDiff", 1, 1, "startDate! endDate! unit! timezone startOfWeek", 0,
		"mpcloud.op_date_diff(%*)", NULL, NULL},
	{"$dateFromParts", 1, 1,
		"year month day isoWeekYear isoWeek isoDayOfWeek hour minute "
		"second millisecond timezone",
		0, "mpcloud.op_date_from_parts(%*)", NULL, NULL},
	{"$dateFromString", 1, 1, "dateString! format timezone onError onNull",
		MISS, "mpcloud.op_date_from_string(%*)", NULL, NULL},
	{"$dateToParts", 1, 1, "date! timezone iso8601", 0,
		"mpcloud.op_date_to_parts(%*)", NULL, NULL},
	{"$dateToString", 1, 1, "date! format timezone onNull", MISS,
		"mpcloud.op_date_to_string(%*)", NULL, NULL},
	{"$dateTrunc", 1, 1, "date! unit! binSize timezone startOfWeek", 0,
		"mpcloud.op_date_trunc(%*)", NULL, NULL},

	/* types */
	{"$convert", 1, 1, "input! to! onError onNull", MISS,
		"mpcloud.op_convert(%*)", NULL, NULL},
	CONVERT("$toBool", "bool"),
	CONVERT("$toDate", "date"),
	CONVERT("$toDecimal", "decimal"),
	CONVERT("$toDouble", "double"),
	CONVERT("$toInt", "int"),
	CONVERT("$toLong", "long"),
	CONVERT("$toObjectId", "objectId"),
	CONVERT("$toString", "string"),
	{"$type", 1, 1, NULL, 0, "to_jsonb(mpcloud.type_of(%1))", NULL, NULL},
	{"$isNumber", 1, 1, NULL, BOOL,
		"(mpcloud.type_of(%1) = ANY ('{int,long,double,decimal}'))",
		NULL, NULL},

	/* over a list, as $group's accumulators */
	OVER("$avg"),
	OVER("$max"),
	OVER("$min"),
	OVER("$stdDevPop"),
	OVER("$stdDevSamp"),
	OVER("$sum"),

	{"$let", 1, 1, NULL, MISS, NULL, expr_read_let, expr_put_let},
	{"$literal", 1, 1, NULL, 0, NULL, expr_read_literal, NULL},
	{"$meta", 1, 1, NULL, 0, NULL, expr_read_meta, NULL},
};
const size_t expr_op_count = array_size(expr_ops);
