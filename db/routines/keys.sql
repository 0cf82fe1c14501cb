-- Values: their types, their order, where a dotted path finds them.
--
-- A value is jsonb in the stored form (see db/README.md); SQL's NULL is what
-- is missing.  Everything here is total: no value makes it raise an error,
-- because conditions also look at documents that the caller may not see.

-- Ends a statement with a sentence for the author of the request.
CREATE OR REPLACE FUNCTION mpcloud.refuse(why text)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'MP400', MESSAGE = why;
END $$;

-- The same for an operator that is not known or not allowed there.
CREATE OR REPLACE FUNCTION mpcloud.refuse_operator(why text)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'MP402', MESSAGE = why;
END $$;

-- {"$date": …} and its like are one value, not an object with members.  The
-- operator ? also looks into arrays and texts: hence the type.
CREATE OR REPLACE FUNCTION mpcloud.is_tagged(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT jsonb_typeof(v) = 'object' AND v ?| '{$date,$oid,$numberDouble,$numberDecimal,$binary,$timestamp,$regularExpression,$minKey,$maxKey}'
$$;

-- An object that has members: not tagged, not missing.
CREATE OR REPLACE FUNCTION mpcloud.is_object(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(jsonb_typeof(v) = 'object' AND NOT v ?| '{$date,$oid,$numberDouble,$numberDecimal,$binary,$timestamp,$regularExpression,$minKey,$maxKey}', false)
$$;

CREATE OR REPLACE FUNCTION mpcloud.is_index(key text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT key ~ '^(0|[1-9][0-9]{0,8})$'
$$;

CREATE OR REPLACE FUNCTION mpcloud.whole(id text, doc jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN jsonb_exists(doc, '_id') THEN doc
		ELSE doc || jsonb_object(ARRAY['_id', id]) END
$$;

-- MongoDB's truth of an expression: never NULL.
CREATE OR REPLACE FUNCTION mpcloud.truth(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(v <> ALL ('{"null","false","0"}'::jsonb[]), false)
$$;

-- A double keeps its scale, so that it stays one: 5.0.
CREATE OR REPLACE FUNCTION mpcloud.num(x double precision)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
	n numeric;
BEGIN
	IF x = 'NaN' THEN
		RETURN '{"$numberDouble": "NaN"}';
	ELSIF x = 'Infinity' THEN
		RETURN '{"$numberDouble": "Infinity"}';
	ELSIF x = '-Infinity' THEN
		RETURN '{"$numberDouble": "-Infinity"}';
	END IF;
	n := x::text;
	RETURN to_jsonb(CASE WHEN scale(n) = 0 THEN round(n, 1) ELSE n END);
END $$;

-- BSON's alias of a type.
CREATE OR REPLACE FUNCTION mpcloud.type_of(v jsonb)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	n numeric;
BEGIN
	CASE jsonb_typeof(v)
	WHEN 'string' THEN RETURN 'string';
	WHEN 'number' THEN
		n := v::numeric;
		IF scale(n) > 0 OR n NOT BETWEEN
				-9223372036854775808 AND 9223372036854775807 THEN
			RETURN 'double';
		ELSIF n BETWEEN -2147483648 AND 2147483647 THEN
			RETURN 'int';
		END IF;
		RETURN 'long';
	WHEN 'boolean' THEN RETURN 'bool';
	WHEN 'array' THEN RETURN 'array';
	WHEN 'null' THEN RETURN 'null';
	WHEN 'object' THEN
		IF NOT mpcloud.is_tagged(v) THEN RETURN 'object';
		ELSIF v ? '$date' THEN RETURN 'date';
		ELSIF v ? '$oid' THEN RETURN 'objectId';
		ELSIF v ? '$numberDouble' THEN RETURN 'double';
		ELSIF v ? '$numberDecimal' THEN RETURN 'decimal';
		ELSIF v ? '$binary' THEN RETURN 'binData';
		ELSIF v ? '$timestamp' THEN RETURN 'timestamp';
		ELSIF v ? '$minKey' THEN RETURN 'minKey';
		ELSIF v ? '$maxKey' THEN RETURN 'maxKey';
		END IF;
		RETURN 'regex';
	ELSE RETURN 'missing';
	END CASE;
END $$;

-- The order of all values: a pair [rank of the type, value] that jsonb's own
-- comparison orders as MongoDB orders the values.  Its size has a bound, for it
-- stands in b-trees: what is longer is cut and a hash appended, so that equal
-- keys still mean equal values.

-- At most 500 bytes of a text.  U+10FFFF, after all others, begins the hash: a
-- text that ends there is less than one that goes on.
CREATE OR REPLACE FUNCTION mpcloud.key_text(s text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	b bytea;
	n integer := 500;
BEGIN
	IF octet_length(s) <= 500 THEN
		RETURN s;
	END IF;
	b := substr(convert_to(s, 'UTF8'), 1, 501);
	WHILE get_byte(b, n) BETWEEN 128 AND 191 LOOP -- inside a character
		n := n - 1;
	END LOOP;
	RETURN convert_from(substr(b, 1, n), 'UTF8') || U&'\+10FFFF' || md5(s);
END $$;

-- jsonb compares the lengths of arrays before their elements, MongoDB does
-- not: a list of keys is therefore made of pairs [first, [second, [… []]]].
CREATE OR REPLACE FUNCTION mpcloud.key_list(parts jsonb[], rest jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	list jsonb := rest;
BEGIN
	FOR i IN REVERSE coalesce(cardinality(parts), 0) .. 1 LOOP
		list := jsonb_build_array(parts[i], list);
	END LOOP;
	RETURN list;
END $$;

-- Of an array: its elements' keys, as far as they stand in 160 bytes.
CREATE OR REPLACE FUNCTION mpcloud.key_array(v jsonb, deep integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	parts jsonb[] := '{}';
	item jsonb;
	size integer := 0;
BEGIN
	FOR item IN SELECT e FROM jsonb_array_elements(v) e LOOP
		size := size + 3 + octet_length(item::text);
		IF size > 160 OR deep > 4 THEN
			RETURN jsonb_build_array(5, mpcloud.key_list(parts,
				jsonb_build_array(jsonb_build_array(99, md5(v::text)),
					'[]'::jsonb)));
		END IF;
		parts := parts || mpcloud.key(item, deep + 1);
	END LOOP;
	RETURN jsonb_build_array(5, mpcloud.key_list(parts, '[]'));
END $$;

-- Of an object: type, name and key of each member, in jsonb's order of names.
CREATE OR REPLACE FUNCTION mpcloud.key_object(v jsonb, deep integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	parts jsonb[] := '{}';
	name text;
	item jsonb;
	k jsonb;
	size integer := 0;
BEGIN
	FOR name, item IN SELECT o.key, o.value FROM jsonb_each(v) o LOOP
		size := size + 3 + octet_length(name) + octet_length(item::text);
		IF size > 160 OR deep > 4 THEN
			RETURN jsonb_build_array(4, mpcloud.key_list(parts,
				jsonb_build_array(
					jsonb_build_array(99, '', md5(v::text)),
					'[]'::jsonb)));
		END IF;
		k := mpcloud.key(item, deep + 1);
		parts := parts || jsonb_build_array(
			trunc((k -> 0)::numeric), name, k);
	END LOOP;
	RETURN jsonb_build_array(4, mpcloud.key_list(parts, '[]'));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.key_number(s text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF s ~ '^[+-]?([0-9]{1,40}[.]?[0-9]{0,40}|[.][0-9]{1,40})([eE][+-]?[0-9]{1,4})?$' THEN
		RETURN jsonb_build_array(2.2, s::numeric);
	END IF;
	RETURN CASE WHEN s ~* '^[+]?inf' THEN '[2.3, null]'
		WHEN s ~* '^-inf' THEN '[2.1, null]'
		ELSE '[2.0, null]' END;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.key_tagged(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	x jsonb;
	s text;
BEGIN
	IF v ? '$date' THEN
		RETURN jsonb_build_array(9, v -> '$date');
	ELSIF v ? '$oid' THEN
		RETURN jsonb_build_array(7, v -> '$oid');
	ELSIF v ? '$numberDouble' THEN
		RETURN mpcloud.key_number(v ->> '$numberDouble');
	ELSIF v ? '$numberDecimal' THEN
		RETURN mpcloud.key_number(v ->> '$numberDecimal');
	ELSIF v ? '$binary' THEN
		-- by length, subtype, bytes; in base64's digits put in order
		s := rtrim(v #>> '{$binary,base64}', '=');
		RETURN jsonb_build_array(6, concat(
			lpad(length(s)::text, 9, '0'), ' ',
			v #>> '{$binary,subType}', ' ',
			mpcloud.key_text(translate(s,
'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
'+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'))));
	ELSIF v ? '$timestamp' THEN
		x := v -> '$timestamp';
		IF jsonb_typeof(x -> 't') = 'number'
				AND jsonb_typeof(x -> 'i') = 'number' THEN
			RETURN jsonb_build_array(10,
				(x -> 't')::numeric * 4294967296
				+ (x -> 'i')::numeric);
		END IF;
		RETURN jsonb_build_array(10, CASE jsonb_typeof(x)
			WHEN 'number' THEN x::numeric * 4294967296 END);
	ELSIF v ? '$minKey' THEN
		RETURN '[-1, null]';
	ELSIF v ? '$maxKey' THEN
		RETURN '[127, null]';
	END IF;
	RETURN jsonb_build_array(11, concat(
		mpcloud.key_text(v #>> '{$regularExpression,pattern}'), ' ',
		mpcloud.key_text(v #>> '{$regularExpression,options}')));
END $$;

CREATE OR REPLACE FUNCTION mpcloud.key(v jsonb, deep integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	CASE jsonb_typeof(v)
	WHEN 'number' THEN RETURN jsonb_build_array(2.2, v);
	WHEN 'string' THEN
		IF octet_length(v #>> '{}') <= 500 THEN
			RETURN jsonb_build_array(3, v);
		END IF;
		RETURN jsonb_build_array(3, mpcloud.key_text(v #>> '{}'));
	WHEN 'boolean' THEN RETURN jsonb_build_array(8, v);
	WHEN 'object' THEN
		IF mpcloud.is_tagged(v) THEN
			RETURN mpcloud.key_tagged(v);
		END IF;
		RETURN mpcloud.key_object(v, deep);
	WHEN 'array' THEN RETURN mpcloud.key_array(v, deep);
	ELSE RETURN '[1, null]';
	END CASE;
END $$;

-- The commonest three without a further call.
CREATE OR REPLACE FUNCTION mpcloud.key(v jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	CASE jsonb_typeof(v)
	WHEN 'number' THEN RETURN jsonb_build_array(2.2, v);
	WHEN 'string' THEN
		IF octet_length(v #>> '{}') <= 500 THEN
			RETURN jsonb_build_array(3, v);
		END IF;
	WHEN 'null' THEN RETURN '[1, null]';
	ELSE NULL;
	END CASE;
	RETURN mpcloud.key(v, 0);
END $$;

-- Every value that a dotted path reaches.  Arrays are entered: their objects,
-- and the element that a number names, unless a plain value stands there and
-- steps are left.  NULL stands for "missing there".  opens: the elements of an
-- array at the end too, but not of one that a number names.
CREATE OR REPLACE FUNCTION mpcloud.reach(v jsonb, path text[], opens boolean)
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	list jsonb[] := '{}';
	step text;
	kind text;
	item jsonb;
	is_last boolean;
BEGIN
	FOR i IN 1 .. cardinality(path) LOOP
		step := path[i];
		kind := jsonb_typeof(v);
		IF kind = 'object' THEN
			v := v -> step;
		ELSIF kind = 'array' THEN
			IF mpcloud.is_index(step) THEN
				item := v -> step::integer;
				is_last := i = cardinality(path);
				IF item IS NOT NULL AND (is_last OR mpcloud.is_object(item)
						OR jsonb_typeof(item) = 'array') THEN
					list := mpcloud.reach(item, path[i + 1:],
						opens AND NOT is_last);
				END IF;
			END IF;
			RETURN list || ARRAY(SELECT r
				FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n),
					unnest(mpcloud.reach(a.e, path[i:], opens)) r
				WHERE mpcloud.is_object(a.e) ORDER BY a.n);
		ELSE
			RETURN ARRAY[NULL::jsonb];
		END IF;
	END LOOP;
	IF opens AND jsonb_typeof(v) = 'array' THEN
		RETURN v || ARRAY(SELECT e FROM jsonb_array_elements(v) e);
	END IF;
	RETURN ARRAY[v];
END $$;

CREATE OR REPLACE FUNCTION mpcloud.reach(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT mpcloud.reach(v, path, false)
$$;

-- An array is met on the way or at the end.
CREATE OR REPLACE FUNCTION mpcloud.crosses(v jsonb, path text[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	step text;
BEGIN
	FOREACH step IN ARRAY path LOOP
		IF jsonb_typeof(v) = 'array' THEN
			RETURN true;
		END IF;
		v := v -> step;
	END LOOP;
	RETURN coalesce(jsonb_typeof(v) = 'array', false);
END $$;

-- The keys of what a path reaches, of arrays those of the elements; an element
-- on the way that is no object counts as null, as in MongoDB's indexes.
CREATE OR REPLACE FUNCTION mpcloud.sort_keys(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	list jsonb[] := '{}';
	step text;
BEGIN
	FOR i IN 1 .. cardinality(path) LOOP
		step := path[i];
		IF jsonb_typeof(v) = 'array' THEN
			IF v = '[]' THEN
				RETURN ARRAY['[1, null]'::jsonb];
			ELSIF mpcloud.is_index(step) AND NOT EXISTS (SELECT 1
					FROM jsonb_array_elements(v) e
					WHERE mpcloud.is_object(e) AND e ? step) THEN
				RETURN mpcloud.sort_keys(v -> step::integer,
					path[i + 1:]);
			END IF;
			RETURN ARRAY(SELECT k FROM jsonb_array_elements(v) e,
				unnest(mpcloud.sort_keys(CASE jsonb_typeof(e)
					WHEN 'object' THEN e END, path[i:])) k);
		END IF;
		v := v -> step;
	END LOOP;
	IF jsonb_typeof(v) IS DISTINCT FROM 'array' THEN
		RETURN ARRAY[mpcloud.key(v)];
	ELSIF v = '[]' THEN
		RETURN ARRAY['[0, null]'::jsonb];
	END IF;
	RETURN ARRAY(SELECT mpcloud.key(e) FROM jsonb_array_elements(v) e);
END $$;

-- What a document sorts by: of an array its least element, or its greatest
-- when the order descends.
CREATE OR REPLACE FUNCTION mpcloud.key_at(v jsonb, path text[], descends boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	at jsonb := v;
	step text;
BEGIN
	FOREACH step IN ARRAY path LOOP
		IF jsonb_typeof(at) = 'array' THEN
			EXIT;
		END IF;
		at := at -> step;
	END LOOP;
	IF jsonb_typeof(at) IS DISTINCT FROM 'array' THEN
		RETURN mpcloud.key(at);
	ELSIF descends THEN
		RETURN (SELECT k FROM unnest(mpcloud.sort_keys(v, path)) k
			ORDER BY k DESC LIMIT 1);
	END IF;
	RETURN (SELECT k FROM unnest(mpcloud.sort_keys(v, path)) k
		ORDER BY k LIMIT 1);
END $$;

-- The keys of everything that an equality may mean: what the path reaches and,
-- of arrays, the elements too.  For GIN indexes; more than needed, never less.
CREATE OR REPLACE FUNCTION mpcloud.keys_at(v jsonb, path text[])
RETURNS jsonb[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	RETURN ARRAY(SELECT mpcloud.key(r) FROM unnest(mpcloud.reach(v, path)) r
		UNION SELECT mpcloud.key(e) FROM unnest(mpcloud.reach(v, path)) r,
			jsonb_array_elements(CASE jsonb_typeof(r)
				WHEN 'array' THEN r ELSE '[]' END) e);
END $$;
