-- Operators of expressions: paths, arrays, sets, objects.

-- "$a.b.c": an array on the way gives an array of what its objects have there.
CREATE OR REPLACE FUNCTION mpcloud.path_get(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	FOR i IN 1 .. cardinality(path) LOOP
		IF jsonb_typeof(v) = 'array' THEN
			RETURN coalesce((SELECT jsonb_agg(p ORDER BY n) FROM (
				SELECT a.n, mpcloud.path_get(a.e, path[i:]) AS p
				FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
				WHERE jsonb_typeof(a.e) = 'object') s
				WHERE p IS NOT NULL), '[]');
		END IF;
		v := v -> path[i];
	END LOOP;
	RETURN v;
END $$;

-- A list that an operator goes through: NULL when it is null or missing.
CREATE OR REPLACE FUNCTION mpcloud.op_list(op text, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) = 'array' THEN
		RETURN v;
	ELSIF mpcloud.is_null(v) THEN
		RETURN NULL;
	ELSIF op = '$reduce' THEN
		RETURN mpcloud.refuse(format(
			'$reduce requires that ''input'' be an array, found: %s',
			left(v::text, 100)));
	ELSIF op = '$sortArray' THEN
		RETURN mpcloud.refuse(format('The input argument to $sortArray must be '
			'an array, but was of type: %s', mpcloud.type_of(v)));
	END IF;
	RETURN mpcloud.refuse(format('input to %s must be an array not %s', op,
		mpcloud.type_of(v)));
END $$;

-- A whole number that is an index, a length …; NULL when it is none.
CREATE OR REPLACE FUNCTION mpcloud.index_of(v jsonb)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) = 'number' AND v::numeric = trunc(v::numeric)
			AND v::numeric BETWEEN -2147483648 AND 2147483647 THEN
		RETURN v::numeric;
	END IF;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.array_slice(v jsonb, skip bigint, many bigint)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN coalesce((SELECT jsonb_agg(a.e ORDER BY a.n)
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.n > skip AND a.n <= skip + many), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_filter_limit(v jsonb, many jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(many) OR mpcloud.is_null(v) THEN
		RETURN v;
	ELSIF coalesce(mpcloud.index_of(many), 0) < 1 THEN
		RETURN mpcloud.refuse(format('$filter: limit must be represented as a '
			'32-bit integral value greater than 0: %s', many));
	END IF;
	RETURN mpcloud.array_slice(v, 0, mpcloud.index_of(many));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_element(v jsonb, i jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) OR mpcloud.is_null(i) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format('$arrayElemAt''s first argument must be an '
			'array, but is %s', mpcloud.type_of(v)));
	ELSIF jsonb_typeof(i) <> 'number' THEN
		RETURN mpcloud.refuse(format('$arrayElemAt''s second argument must be a '
			'numeric value, but is %s', mpcloud.type_of(i)));
	ELSIF mpcloud.index_of(i) IS NULL THEN
		RETURN mpcloud.refuse(format('$arrayElemAt''s second argument must be '
			'representable as a 32-bit integer: %s', i));
	END IF;
	RETURN v -> mpcloud.index_of(i);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_end(op text, v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format('%s''s argument must be an array, but is %s',
			op, mpcloud.type_of(v)));
	END IF;
	RETURN v -> CASE op WHEN '$first' THEN 0 ELSE -1 END;
END $$;

-- $firstN, $lastN, $minN, $maxN of an array.
CREATE OR REPLACE FUNCTION mpcloud.op_some(op text, p_input jsonb, p_n jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	n integer := mpcloud.index_of(p_n);
BEGIN
	IF coalesce(n, 0) < 1 THEN
		RETURN mpcloud.refuse(format('''n'' must be greater than 0, found %s',
			coalesce(p_n::text, 'missing')));
	ELSIF mpcloud.is_null(p_input) OR jsonb_typeof(p_input) <> 'array' THEN
		RETURN mpcloud.refuse(format('%s''s input must be an array, but is %s', op,
			mpcloud.type_of(p_input)));
	ELSIF op = '$firstN' THEN
		RETURN mpcloud.array_slice(p_input, 0, n);
	ELSIF op = '$lastN' THEN
		RETURN mpcloud.array_slice(p_input,
			greatest(jsonb_array_length(p_input) - n, 0), n);
	END IF;
	RETURN coalesce((SELECT jsonb_agg(s.e ORDER BY s.r) FROM (
		SELECT a.e, row_number() OVER (ORDER BY
			CASE op WHEN '$minN' THEN mpcloud.key(a.e) END,
			CASE op WHEN '$maxN' THEN mpcloud.key(a.e) END DESC, a.i) AS r
		FROM jsonb_array_elements(p_input) WITH ORDINALITY a(e, i)
		WHERE a.e <> 'null') s WHERE s.r <= n), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_in(x jsonb, list jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
		PERFORM mpcloud.refuse(format(
			'$in requires an array as a second argument, found: %s',
			mpcloud.type_of(list)));
	ELSIF x IS NULL THEN
		RETURN false;
	ELSIF jsonb_typeof(x) IN ('object', 'array') THEN
		RETURN EXISTS (SELECT 1 FROM jsonb_array_elements(list) e WHERE e = x);
	END IF;
	RETURN list @> x;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_size(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) IS DISTINCT FROM 'array' THEN
		RETURN mpcloud.refuse(format('The argument to $size must be an array, '
			'but was of type: %s', mpcloud.type_of(v)));
	END IF;
	RETURN to_jsonb(jsonb_array_length(v));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_concat_arrays(list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb;
	all_of jsonb := '[]';
BEGIN
	FOREACH v IN ARRAY list LOOP
		IF mpcloud.is_null(v) THEN
			RETURN 'null';
		ELSIF jsonb_typeof(v) <> 'array' THEN
			RETURN mpcloud.refuse(format(
				'$concatArrays only supports arrays, not %s',
				mpcloud.type_of(v)));
		END IF;
		all_of := all_of || v;
	END LOOP;
	RETURN all_of;
END $$;

-- Bounds of a search: [start, end) of what has `len` places; NULL: no place.
CREATE OR REPLACE FUNCTION mpcloud.search_range(op text, low jsonb, high jsonb, len integer)
RETURNS int4range LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a integer := 0;
	b integer := len;
BEGIN
	IF low IS NOT NULL THEN
		a := mpcloud.index_of(low);
	END IF;
	IF high IS NOT NULL THEN
		b := mpcloud.index_of(high);
	END IF;
	IF a IS NULL OR b IS NULL THEN
		PERFORM mpcloud.refuse(format('%s requires an integral %s index, found: %s',
			op, CASE WHEN a IS NULL THEN 'starting' ELSE 'ending' END,
			CASE WHEN a IS NULL THEN low ELSE high END));
	ELSIF a < 0 OR b < 0 THEN
		PERFORM mpcloud.refuse(format('%s requires a nonnegative %s index, found: %s',
			op, CASE WHEN a < 0 THEN 'starting' ELSE 'ending' END,
			CASE WHEN a < 0 THEN a ELSE b END));
	ELSIF a > least(b, len) THEN
		RETURN NULL;
	END IF;
	RETURN int4range(a, least(b, len));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_index_of_array(v jsonb, x jsonb,
	low jsonb DEFAULT NULL, high jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	r int4range;
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format(
			'$indexOfArray requires an array as a first argument, found: %s',
			mpcloud.type_of(v)));
	END IF;
	r := mpcloud.search_range('$indexOfArray', low, high, jsonb_array_length(v));
	RETURN to_jsonb(coalesce((SELECT min(a.n) - 1
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.e = x AND (a.n - 1)::integer <@ r), -1));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_range(low jsonb, high jsonb, step jsonb DEFAULT '1')
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a bigint := mpcloud.index_of(low);
	b bigint := mpcloud.index_of(high);
	pace bigint := mpcloud.index_of(step);
BEGIN
	IF a IS NULL THEN
		RETURN mpcloud.refuse(format('$range requires a numeric starting value '
			'that is a 32-bit integer, found value: %s', coalesce(low, 'null')));
	ELSIF b IS NULL THEN
		RETURN mpcloud.refuse(format('$range requires a numeric ending value '
			'that is a 32-bit integer, found value: %s', coalesce(high, 'null')));
	ELSIF pace IS NULL OR pace = 0 THEN
		RETURN mpcloud.refuse(format('$range requires a non-zero step value '
			'that is a 32-bit integer, found value: %s', coalesce(step, 'null')));
	ELSIF abs(b - a) / abs(pace) > 1000000 THEN
		RETURN mpcloud.refuse('$range: 1000000 elements at most');
	END IF;
	RETURN coalesce((SELECT jsonb_agg(n) FROM generate_series(a,
		b - sign(pace)::bigint, pace) n), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_reverse_array(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format('The argument to $reverseArray must be an '
			'array, but was of type: %s', mpcloud.type_of(v)));
	END IF;
	RETURN coalesce((SELECT jsonb_agg(a.e ORDER BY a.n DESC)
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)), '[]');
END $$;

-- [array, n] or [array, position, n].
CREATE OR REPLACE FUNCTION mpcloud.op_slice(v jsonb, one jsonb, two jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a integer := mpcloud.index_of(one);
	n integer := mpcloud.index_of(two);
	len integer;
BEGIN
	IF mpcloud.is_null(v) OR mpcloud.is_null(one) OR two = 'null' THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format('First argument to $slice must be an array, '
			'but is of type: %s', mpcloud.type_of(v)));
	ELSIF a IS NULL THEN
		RETURN mpcloud.refuse(format('Second argument to $slice must be a 32-bit '
			'integer, but is: %s', one));
	ELSIF two IS NOT NULL AND n IS NULL THEN
		RETURN mpcloud.refuse(format('Third argument to $slice must be a 32-bit '
			'integer, but is: %s', two));
	ELSIF n <= 0 THEN
		RETURN mpcloud.refuse(format('Third argument to $slice must be positive: %s',
			n));
	END IF;
	len := jsonb_array_length(v);
	IF two IS NOT NULL THEN
		RETURN mpcloud.array_slice(v, CASE WHEN a < 0
			THEN greatest(len + a, 0) ELSE a END, n);
	ELSIF a >= 0 THEN
		RETURN mpcloud.array_slice(v, 0, a);
	END IF;
	RETURN mpcloud.array_slice(v, greatest(len + a, 0), -a::bigint);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_zip(p_inputs jsonb,
	p_uselongestlength jsonb DEFAULT 'false', p_defaults jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb;
	low integer;
	high integer := 0;
BEGIN
	IF jsonb_typeof(p_inputs) IS DISTINCT FROM 'array' THEN
		RETURN mpcloud.refuse('inputs must be an array of expressions');
	ELSIF p_defaults IS NOT NULL AND p_uselongestlength IS DISTINCT FROM 'true' THEN
		RETURN mpcloud.refuse('cannot specify defaults unless useLongestLength is true');
	END IF;
	IF EXISTS (SELECT 1 FROM jsonb_array_elements(p_inputs) e WHERE e = 'null') THEN
		RETURN 'null';
	END IF;
	FOR v IN SELECT e FROM jsonb_array_elements(p_inputs) e LOOP
		IF jsonb_typeof(v) <> 'array' THEN
			RETURN mpcloud.refuse(format(
				'$zip found a non-array expression in input: %s',
				left(v::text, 100)));
		END IF;
		low := least(low, jsonb_array_length(v));
		high := greatest(high, jsonb_array_length(v));
	END LOOP;
	IF p_uselongestlength IS NOT DISTINCT FROM 'true' THEN
		low := high;
	END IF;
	RETURN coalesce((SELECT jsonb_agg((SELECT jsonb_agg(
			coalesce(i.e -> k, p_defaults -> (i.n - 1)::integer, 'null')
			ORDER BY i.n)
			FROM jsonb_array_elements(p_inputs) WITH ORDINALITY i(e, n))
		ORDER BY k) FROM generate_series(0, low - 1) k), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_array_to_object(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	all_of jsonb := '{}';
	e jsonb;
	name jsonb;
	item jsonb;
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(v) <> 'array' THEN
		RETURN mpcloud.refuse(format(
			'$arrayToObject requires an array input, found: %s',
			mpcloud.type_of(v)));
	END IF;
	FOR e IN SELECT a.e FROM jsonb_array_elements(v) a(e) LOOP
		IF jsonb_typeof(e) = 'array' AND jsonb_array_length(e) = 2 THEN
			name := e -> 0;
			item := e -> 1;
		ELSIF jsonb_typeof(e) = 'object' AND e ?& '{k,v}'
				AND (SELECT count(*) FROM jsonb_object_keys(e)) = 2 THEN
			name := e -> 'k';
			item := e -> 'v';
		ELSE
			RETURN mpcloud.refuse('$arrayToObject requires a consistent input '
				'format: [key, value] or {k: key, v: value}, and found: '
				|| left(e::text, 100));
		END IF;
		IF jsonb_typeof(name) <> 'string' THEN
			RETURN mpcloud.refuse(format('$arrayToObject requires keys to be '
				'strings, found: %s', mpcloud.type_of(name)));
		ELSIF starts_with(name #>> '{}', '$') THEN
			RETURN mpcloud.refuse('a name may not begin with $: '
				|| left(name::text, 100));
		END IF;
		all_of := all_of || jsonb_build_object(name #>> '{}', item);
	END LOOP;
	RETURN all_of;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_object_to_array(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(v) THEN
		RETURN 'null';
	ELSIF NOT mpcloud.is_object(v) THEN
		RETURN mpcloud.refuse(format(
			'$objectToArray requires a document input, found: %s',
			mpcloud.type_of(v)));
	END IF;
	RETURN coalesce((SELECT jsonb_agg(jsonb_build_object('k', o.key, 'v', o.value))
		FROM jsonb_each(v) o), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_merge_objects(list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb;
	all_of jsonb := '{}';
BEGIN
	IF cardinality(list) = 1 AND jsonb_typeof(list[1]) = 'array' THEN
		list := mpcloud.op_spread(list[1]);
	END IF;
	FOREACH v IN ARRAY list LOOP
		IF mpcloud.is_null(v) THEN
			CONTINUE;
		ELSIF NOT mpcloud.is_object(v) THEN
			RETURN mpcloud.refuse(format('$mergeObjects requires object inputs, '
				'but input %s is of type %s', left(v::text, 100),
				mpcloud.type_of(v)));
		END IF;
		all_of := all_of || v;
	END LOOP;
	RETURN all_of;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_get_field(p_field jsonb, p_input jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF p_input = 'null' THEN
		RETURN p_input;
	ELSIF NOT mpcloud.is_object(p_input) THEN
		RETURN NULL;
	END IF;
	RETURN p_input -> (p_field #>> '{}');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_field(p_field jsonb, p_input jsonb,
	p_value jsonb DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(p_input) THEN
		RETURN 'null';
	ELSIF NOT mpcloud.is_object(p_input) THEN
		RETURN mpcloud.refuse(format('$setField requires ''input'' to evaluate to '
			'type Object, found: %s', mpcloud.type_of(p_input)));
	ELSIF p_value IS NULL THEN
		RETURN p_input - (p_field #>> '{}');
	ELSIF starts_with(p_field #>> '{}', '$') THEN
		RETURN mpcloud.refuse('a name may not begin with $: '
			|| left(p_field::text, 100));
	END IF;
	RETURN p_input || jsonb_build_object(p_field #>> '{}', p_value);
END $$;

-- Sets are arrays whose order means nothing; ours come out in the order in
-- which elements are first met.

CREATE OR REPLACE FUNCTION mpcloud.array_set(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN coalesce((SELECT jsonb_agg(s.e ORDER BY s.n) FROM (
		SELECT DISTINCT ON (a.e) a.e, a.n
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		ORDER BY a.e, a.n) s), '[]');
END $$;

-- True when one of them is null; an error when one is neither null nor array.
CREATE OR REPLACE FUNCTION mpcloud.set_check(op text, list jsonb[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	v jsonb;
BEGIN
	FOREACH v IN ARRAY list LOOP
		IF mpcloud.is_null(v) THEN
			RETURN true;
		ELSIF jsonb_typeof(v) <> 'array' THEN
			PERFORM mpcloud.refuse(format('All operands of %s must be arrays. '
				'One argument is of type: %s', op, mpcloud.type_of(v)));
		END IF;
	END LOOP;
	RETURN false;
END $$;

-- The same where null is no set either.
CREATE OR REPLACE FUNCTION mpcloud.set_check_all(op text, list jsonb[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.set_check(op, list) THEN
		PERFORM mpcloud.refuse(format('All operands of %s must be arrays. '
			'One argument is of type: %s', op, coalesce(
			(SELECT min(mpcloud.type_of(v)) FROM unnest(list) v
				WHERE jsonb_typeof(v) IS DISTINCT FROM 'array'), 'null')));
	END IF;
	RETURN true;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_union(list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.set_check('$setUnion', list) THEN
		RETURN 'null';
	END IF;
	RETURN mpcloud.array_set(mpcloud.op_concat_arrays(list));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_intersection(list jsonb[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.set_check('$setIntersection', list) THEN
		RETURN 'null';
	ELSIF cardinality(list) = 0 THEN
		RETURN '[]';
	END IF;
	RETURN coalesce((SELECT jsonb_agg(a.e ORDER BY a.n)
		FROM jsonb_array_elements(mpcloud.array_set(list[1]))
			WITH ORDINALITY a(e, n)
		WHERE NOT EXISTS (SELECT 1 FROM unnest(list[2:]) other
			WHERE NOT mpcloud.op_in(a.e, other))), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_difference(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.is_null(a) OR mpcloud.is_null(b) THEN
		RETURN 'null';
	ELSIF jsonb_typeof(a) <> 'array' OR jsonb_typeof(b) <> 'array' THEN
		RETURN mpcloud.refuse(format('both operands of $setDifference must be '
			'arrays. %s argument is of type: %s',
			CASE jsonb_typeof(a) WHEN 'array' THEN 'Second' ELSE 'First' END,
			mpcloud.type_of(CASE jsonb_typeof(a) WHEN 'array' THEN b ELSE a END)));
	END IF;
	RETURN coalesce((SELECT jsonb_agg(x.e ORDER BY x.n)
		FROM jsonb_array_elements(mpcloud.array_set(a)) WITH ORDINALITY x(e, n)
		WHERE NOT mpcloud.op_in(x.e, b)), '[]');
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_is_subset(a jsonb, b jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	PERFORM mpcloud.set_check_all('$setIsSubset', ARRAY[a, b]);
	RETURN NOT EXISTS (SELECT 1 FROM jsonb_array_elements(a) e
		WHERE NOT mpcloud.op_in(e, b));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.op_set_equals(list jsonb[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	PERFORM mpcloud.set_check_all('$setEquals', list);
	FOR i IN 2 .. cardinality(list) LOOP
		IF NOT mpcloud.op_set_is_subset(list[1], list[i])
				OR NOT mpcloud.op_set_is_subset(list[i], list[1]) THEN
			RETURN false;
		END IF;
	END LOOP;
	RETURN true;
END $$;

-- $allElementsTrue, $anyElementTrue.
CREATE OR REPLACE FUNCTION mpcloud.op_elements(op text, v jsonb)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(v) IS DISTINCT FROM 'array' THEN
		PERFORM mpcloud.refuse(format('%s''s argument must be an array, but is %s',
			op, mpcloud.type_of(v)));
	ELSIF op = '$allElementsTrue' THEN
		RETURN NOT EXISTS (SELECT 1 FROM jsonb_array_elements(v) e
			WHERE NOT mpcloud.truth(e));
	END IF;
	RETURN EXISTS (SELECT 1 FROM jsonb_array_elements(v) e WHERE mpcloud.truth(e));
END $$;
