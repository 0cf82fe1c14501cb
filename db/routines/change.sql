-- Changing: what the operators of an update make of the value at a place, and
-- how that comes back into the document.  SQL's NULL is what is missing; a new
-- value that is NULL leaves its place as it is.  Only documents that the caller
-- may change come here, so that these may refuse, in MongoDB's words.

-- What an operator cannot do with a value of this type.
CREATE OR REPLACE FUNCTION mpcloud.change_bad(op text, at text, old jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	kind text := mpcloud.type_of(old);
BEGIN
	at := left(at, 80);
	RETURN mpcloud.refuse(CASE
	WHEN op IN ('$inc', '$mul') THEN format(
		'Cannot apply %s to a value of non-numeric type. The field ''%s'' has the type %s', op, at, kind)
	WHEN op = '$bit' THEN format(
		'Cannot apply $bit to a value of non-integral type. The field ''%s'' has the type %s', at, kind)
	WHEN op = '$pop' THEN format(
		'Path ''%s'' contains an element of non-array type ''%s''', at, kind)
	WHEN op IN ('$push', '$addToSet') THEN format(
		'The field ''%s'' must be an array for %s but is of type %s', at, op, kind)
	ELSE format('Cannot apply %s to a non-array value. The field ''%s'' has the type %s', op, at, kind)
	END);
END $$;

-- Places.

-- What stands at a path whose steps are numbers where they lead into arrays
-- and only then.
CREATE OR REPLACE FUNCTION mpcloud.change_find(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	step text;
BEGIN
	FOREACH step IN ARRAY path LOOP
		IF jsonb_typeof(v) = 'array' THEN
			IF NOT mpcloud.is_index(step) THEN
				RETURN NULL;
			END IF;
			v := v -> step::integer;
		ELSE
			v := v -> step;
		END IF;
	END LOOP;
	RETURN v;
END $$;

-- Objects that are missing on the way are made, elements too, with null in
-- between; anything else that is no object or array on the way is an error.
CREATE OR REPLACE FUNCTION mpcloud.change_walk(v jsonb, path text[], x jsonb, at integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	step text := path[at];
	len integer;
	top CONSTANT integer := 1500000; -- MongoDB's own
BEGIN
	IF step IS NULL THEN
		RETURN x;
	ELSIF v IS NULL THEN
		RETURN jsonb_build_object(step,
			mpcloud.change_walk(NULL, path, x, at + 1));
	ELSIF mpcloud.is_object(v) THEN
		RETURN v || jsonb_build_object(step,
			mpcloud.change_walk(v -> step, path, x, at + 1));
	ELSIF jsonb_typeof(v) = 'array' AND mpcloud.is_index(step) THEN
		len := jsonb_array_length(v);
		IF step::integer < len THEN
			RETURN jsonb_set(v, ARRAY[step], mpcloud.change_walk(
				v -> step::integer, path, x, at + 1));
		ELSIF step::integer <= len + top THEN
			RETURN v || (SELECT coalesce(jsonb_agg('null'::jsonb), '[]')
				FROM generate_series(len + 1, step::integer))
				|| jsonb_build_array(
					mpcloud.change_walk(NULL, path, x, at + 1));
		END IF;
		RETURN mpcloud.refuse(format(
			'cannot set element %s of array ''%s'': that is more than %s elements after its end',
			step, left(array_to_string(path[:at - 1], '.'), 80), top));
	END IF;
	RETURN mpcloud.refuse(format(
		'Cannot create field ''%s'' in element %s, which is of type %s',
		left(step, 80), CASE at WHEN 1 THEN 'of an array' ELSE quote_literal(
			left(array_to_string(path[:at - 1], '.'), 80)) END,
		mpcloud.type_of(v)));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.change_put(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF x IS NULL THEN
		RETURN v;
	ELSIF mpcloud.is_object(v #> path[:cardinality(path) - 1]) THEN
		RETURN jsonb_set(v, path, x);
	END IF;
	RETURN mpcloud.change_walk(v, path, x, 1);
END $$;

-- The same for steps that #> and MongoDB read differently ("-1", "01").
CREATE OR REPLACE FUNCTION mpcloud.change_put_odd(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN x IS NULL THEN v
		ELSE mpcloud.change_walk(v, path, x, 1) END
$$;

-- Many: [[path, value], …], none of them odd.
CREATE OR REPLACE FUNCTION mpcloud.change_put_all(v jsonb, list jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	FOR item IN SELECT e FROM jsonb_array_elements(list) e LOOP
		v := mpcloud.change_put(v, ARRAY(
			SELECT jsonb_array_elements_text(item -> 0)), item -> 1);
	END LOOP;
	RETURN v;
END $$;

-- $unset: an element of an array becomes null.
CREATE OR REPLACE FUNCTION mpcloud.change_cut(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF mpcloud.change_find(v, path) IS NULL THEN
		RETURN v;
	ELSIF jsonb_typeof(v #> path[:cardinality(path) - 1]) = 'array' THEN
		RETURN jsonb_set(v, path, 'null');
	END IF;
	RETURN v #- path;
END $$;

-- $rename: what goes from one place to the other.
CREATE OR REPLACE FUNCTION mpcloud.change_moved(v jsonb, path text[], new_path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb := mpcloud.change_find(v, path);
BEGIN
	IF x IS NULL THEN
		RETURN NULL;
	END IF;
	FOR i IN 1 .. cardinality(path) - 1 LOOP
		IF jsonb_typeof(v #> path[:i]) = 'array' THEN
			RETURN mpcloud.refuse(format(
				'The source field cannot be an array element, ''%s'' is in an array called ''%s''',
				left(array_to_string(path, '.'), 80), left(path[i], 80)));
		END IF;
	END LOOP;
	FOR i IN 1 .. cardinality(new_path) - 1 LOOP
		IF jsonb_typeof(v #> new_path[:i]) = 'array' THEN
			RETURN mpcloud.refuse(format(
				'The destination field cannot be an array element, ''%s'' is in an array called ''%s''',
				left(array_to_string(new_path, '.'), 80), left(new_path[i], 80)));
		END IF;
	END LOOP;
	RETURN x;
END $$;

-- The elements that $[] and $[id] go through.
CREATE OR REPLACE FUNCTION mpcloud.change_elements(old jsonb, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF old IS NULL THEN
		RETURN mpcloud.refuse(format(
			'The path ''%s'' must exist in the document in order to apply array updates.',
			left(at, 80)));
	ELSIF jsonb_typeof(old) <> 'array' THEN
		RETURN mpcloud.refuse(format(
			'Cannot apply array updates to non-array element ''%s'', which is of type %s',
			left(at, 80), mpcloud.type_of(old)));
	END IF;
	RETURN old;
END $$;

-- Those among which $ finds one.
CREATE OR REPLACE FUNCTION mpcloud.change_matchable(old jsonb, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_typeof(old) = 'array' AND old <> '[]' THEN
		RETURN old;
	END IF;
	RETURN mpcloud.refuse(format(
		'The positional operator did not find the match needed from the query: ''%s'' is no array with elements',
		left(at, 80)));
END $$;

-- The number of the element that $ means: that fits all that the condition says
-- of the array; or, since several conditions may each have been fulfilled by an
-- element of its own, the last of them.
CREATE OR REPLACE FUNCTION mpcloud.change_matched(first bigint, other bigint, at text)
RETURNS bigint LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF coalesce(first, other) IS NULL THEN
		PERFORM mpcloud.refuse(format(
			'The positional operator did not find the match needed from the query: no condition speaks of an element of ''%s''',
			left(at, 80)));
	END IF;
	RETURN coalesce(first, other);
END $$;

-- A replacement keeps an _id that is no text, which stands in the document,
-- and whose it is.
CREATE OR REPLACE FUNCTION mpcloud.change_replace(new jsonb, old jsonb, keeps boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF jsonb_exists(old, '_id') THEN
		new := new || jsonb_build_object('_id', old -> '_id');
	END IF;
	IF keeps AND jsonb_exists(old, '_openid') THEN
		new := new || jsonb_build_object('_openid', old -> '_openid');
	END IF;
	RETURN new;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.change_same_id(new jsonb, old_id text, id text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF old_id <> id THEN
		RETURN mpcloud.refuse('Performing an update on the path ''_id'' would modify the immutable field ''_id''');
	END IF;
	RETURN new;
END $$;

-- What a permission says of a document that is about to be made.
CREATE OR REPLACE FUNCTION mpcloud.change_allowed(yes boolean)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF yes THEN
		RETURN true;
	END IF;
	RAISE EXCEPTION USING ERRCODE = 'MP403', MESSAGE =
		'the rules of the collection do not allow a document like this one';
END $$;

-- Numbers.

CREATE OR REPLACE FUNCTION mpcloud.change_is_number(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(jsonb_typeof(v) = 'number' OR (jsonb_typeof(v) = 'object'
		AND v ?| '{$numberDouble,$numberDecimal}'), false)
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_float(v jsonb)
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'number' THEN v::float8
		ELSE (v ->> '$numberDouble')::float8 END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_decimal(v jsonb)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(v) WHEN 'number' THEN v::numeric
		ELSE coalesce(v ->> '$numberDouble', v ->> '$numberDecimal')::numeric END
$$;

-- Sums and products of doubles: what is too large is infinite, what is too
-- small is 0, where PostgreSQL would refuse.
CREATE OR REPLACE FUNCTION mpcloud.change_doubles(op text, a float8, b float8)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	n numeric;
BEGIN
	IF abs(a) BETWEEN 1e-100 AND 1e100 AND abs(b) BETWEEN 1e-100 AND 1e100
			OR a IN (0, 'NaN', 'Infinity', '-Infinity')
			OR b IN (0, 'NaN', 'Infinity', '-Infinity') THEN
		RETURN mpcloud.num(CASE op WHEN '$inc' THEN a + b ELSE a * b END);
	END IF;
	n := CASE op WHEN '$inc' THEN a::text::numeric + b::text::numeric
		ELSE a::text::numeric * b::text::numeric END;
	IF abs(n) >= 1.797693134862315807e308 THEN
		RETURN mpcloud.num(CASE WHEN n > 0 THEN 'Infinity'::float8
			ELSE '-Infinity' END);
	ELSIF abs(n) <= 2.4703282292062327e-324 THEN
		RETURN mpcloud.num(0);
	END IF;
	RETURN mpcloud.num(CASE op WHEN '$inc' THEN a + b ELSE a * b END);
END $$;

-- $inc and $mul of what is there: integers exactly, beyond 64 bits as doubles.
CREATE OR REPLACE FUNCTION mpcloud.change_number(op text, old jsonb, x jsonb, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	a numeric;
	b numeric;
	n numeric;
BEGIN
	IF NOT mpcloud.change_is_number(old) THEN
		RETURN mpcloud.change_bad(op, at, old);
	ELSIF jsonb_typeof(old) = 'number' AND jsonb_typeof(x) = 'number' THEN
		a := old::numeric;
		b := x::numeric;
		IF scale(a) = 0 AND scale(b) = 0 THEN
			n := CASE op WHEN '$inc' THEN a + b ELSE a * b END;
			IF n BETWEEN -9223372036854775808 AND 9223372036854775807 THEN
				RETURN to_jsonb(n);
			END IF;
		END IF;
	ELSIF jsonb_exists(old, '$numberDecimal') OR jsonb_exists(x, '$numberDecimal') THEN
		a := mpcloud.change_decimal(old);
		b := mpcloud.change_decimal(x);
		RETURN jsonb_build_object('$numberDecimal',
			CASE op WHEN '$inc' THEN a + b ELSE a * b END::text);
	END IF;
	RETURN mpcloud.change_doubles(op, mpcloud.change_float(old),
		mpcloud.change_float(x));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.change_inc(old jsonb, x jsonb, at text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL THEN x
		WHEN jsonb_typeof(old) = 'number' AND jsonb_typeof(x) = 'number'
			AND scale(old::numeric) = 0 AND scale(x::numeric) = 0
			AND abs(old::numeric) < 4611686018427387904
			AND abs(x::numeric) < 4611686018427387904
		THEN to_jsonb(old::numeric + x::numeric)
		ELSE mpcloud.change_number('$inc', old, x, at) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_mul(old jsonb, x jsonb, at text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL
		THEN mpcloud.change_number('$mul', '0', x, at)
		ELSE mpcloud.change_number('$mul', old, x, at) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_min(old jsonb, x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL OR mpcloud.key(x) < mpcloud.key(old)
		THEN x ELSE old END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_max(old jsonb, x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL OR mpcloud.key(x) > mpcloud.key(old)
		THEN x ELSE old END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_bit(old jsonb, how text, mask bigint, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	n bigint := 0;
BEGIN
	IF old IS NOT NULL THEN
		IF mpcloud.type_of(old) NOT IN ('int', 'long') THEN
			RETURN mpcloud.change_bad('$bit', at, old);
		END IF;
		n := old::bigint;
	END IF;
	RETURN to_jsonb(CASE how WHEN 'and' THEN n & mask
		WHEN 'or' THEN n | mask ELSE n # mask END);
END $$;

-- Arrays.

CREATE OR REPLACE FUNCTION mpcloud.change_list(old jsonb, op text, at text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE jsonb_typeof(old) WHEN 'array' THEN old
		ELSE mpcloud.change_bad(op, at, old) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_push(old jsonb, list jsonb, at text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL THEN list
		WHEN jsonb_typeof(old) = 'array' THEN old || list
		ELSE mpcloud.change_bad('$push', at, old) END
$$;

-- Elements `low` (from 1) to `high` of an array.
CREATE OR REPLACE FUNCTION mpcloud.change_part(v jsonb, low bigint, high bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.n BETWEEN low AND high
$$;

-- $push's $position: from the front, or when negative from the end.
CREATE OR REPLACE FUNCTION mpcloud.change_insert(old jsonb, list jsonb, place bigint, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	len bigint;
BEGIN
	IF old IS NULL THEN
		RETURN list;
	ELSIF jsonb_typeof(old) <> 'array' THEN
		RETURN mpcloud.change_bad('$push', at, old);
	END IF;
	len := jsonb_array_length(old);
	IF place >= len THEN
		RETURN old || list;
	ELSIF place < 0 THEN
		place := greatest(len + place, 0);
	END IF;
	RETURN mpcloud.change_part(old, 1, place) || list
		|| mpcloud.change_part(old, place + 1, len);
END $$;

-- $push's $slice: the first `top`, or when negative the last.
CREATE OR REPLACE FUNCTION mpcloud.change_slice(v jsonb, top bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN top >= 0 THEN mpcloud.change_part(v, 1, top)
		ELSE mpcloud.change_part(v, jsonb_array_length(v) + top + 1,
			jsonb_array_length(v)) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.change_pop(old jsonb, place integer, at text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN old IS NULL THEN NULL
		WHEN jsonb_typeof(old) = 'array' THEN old - place
		ELSE mpcloud.change_bad('$pop', at, old) END
$$;

-- $pull, $pullAll: without the elements that equal one of the list.
CREATE OR REPLACE FUNCTION mpcloud.change_pull(old jsonb, list jsonb, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF old IS NULL THEN
		RETURN NULL;
	END IF;
	RETURN (SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
		FROM jsonb_array_elements(mpcloud.change_list(old, '$pull', at))
			WITH ORDINALITY a(e, n)
		WHERE NOT EXISTS (SELECT 1 FROM jsonb_array_elements(list) x
			WHERE x = a.e));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.change_add_to_set(old jsonb, list jsonb, at text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	item jsonb;
BEGIN
	IF old IS NULL THEN
		old := '[]';
	ELSIF jsonb_typeof(old) <> 'array' THEN
		RETURN mpcloud.change_bad('$addToSet', at, old);
	END IF;
	FOR item IN SELECT x FROM jsonb_array_elements(list) x LOOP
		IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(old) e
				WHERE e = item) THEN
			old := old || jsonb_build_array(item);
		END IF;
	END LOOP;
	RETURN old;
END $$;
