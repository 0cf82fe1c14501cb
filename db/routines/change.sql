-- Changing: each takes a document and gives the changed one.

CREATE OR REPLACE FUNCTION mpcloud.refuse(why text)
RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING ERRCODE = 'MP400', MESSAGE = why;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.path_text(path text[])
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT left(array_to_string(path, '.'), 80)
$$;

-- {"$date": …} and its like are one value, not an object with members.
CREATE OR REPLACE FUNCTION mpcloud.is_tagged(v jsonb)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT v ?| '{$date,$numberDouble,$numberDecimal,$binary,$timestamp,$regularExpression}'
$$;

-- $set: objects that are missing on the way are made.
CREATE OR REPLACE FUNCTION mpcloud.doc_put(v jsonb, path text[], x jsonb, at integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	key text := path[at];
	kind text := coalesce(jsonb_typeof(v), 'missing');
	len integer;
BEGIN
	IF key IS NULL THEN
		RETURN x;
	ELSIF kind = 'missing' THEN
		RETURN jsonb_build_object(key,
			mpcloud.doc_put(NULL, path, x, at + 1));
	ELSIF kind = 'object' AND NOT mpcloud.is_tagged(v) THEN
		RETURN v || jsonb_build_object(key,
			mpcloud.doc_put(v -> key, path, x, at + 1));
	ELSIF kind = 'array' AND mpcloud.is_index(key) THEN
		len := jsonb_array_length(v);
		IF key::integer < len THEN
			RETURN jsonb_set(v, ARRAY[key], mpcloud.doc_put(
				v -> key::integer, path, x, at + 1));
		ELSIF key::integer <= len + 1000 THEN
			RETURN v || (SELECT coalesce(jsonb_agg('null'::jsonb), '[]')
				FROM generate_series(len + 1, key::integer))
				|| jsonb_build_array(
					mpcloud.doc_put(NULL, path, x, at + 1));
		END IF;
	END IF;
	RETURN mpcloud.refuse(format('cannot create field %s in %s: its type is %s',
		left(key, 80), mpcloud.path_text(path[:at - 1]), kind));
END $$;

-- $unset: an element of an array becomes null.
CREATE OR REPLACE FUNCTION mpcloud.doc_cut(v jsonb, path text[])
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF v #> path IS NULL THEN
		RETURN v;
	ELSIF jsonb_typeof(v #> path[:cardinality(path) - 1]) = 'array' THEN
		RETURN jsonb_set(v, path, 'null');
	END IF;
	RETURN v #- path;
END $$;

CREATE OR REPLACE FUNCTION mpcloud.num_text(x double precision)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	-- a double stays one: 5.0 keeps its scale
	SELECT to_jsonb(CASE WHEN scale(x::text::numeric) = 0
		THEN x::text::numeric + 0.0 ELSE x::text::numeric END)
$$;

-- Integers exactly, all else as doubles.
CREATE OR REPLACE FUNCTION mpcloud.num_add(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN scale(a::numeric) = 0 AND scale(b::numeric) = 0
		THEN to_jsonb(a::numeric + b::numeric)
		ELSE mpcloud.num_text(a::float8 + b::float8) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.num_mul(a jsonb, b jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN scale(a::numeric) = 0 AND scale(b::numeric) = 0
		AND abs(a::numeric * b::numeric) < 9223372036854775808
		THEN to_jsonb(a::numeric * b::numeric)
		ELSE mpcloud.num_text(a::float8 * b::float8) END
$$;

CREATE OR REPLACE FUNCTION mpcloud.doc_inc(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := v #> path;
BEGIN
	IF old IS NULL THEN
		RETURN mpcloud.doc_put(v, path, x, 1);
	ELSIF jsonb_typeof(old) <> 'number' THEN
		RETURN mpcloud.refuse(format('cannot $inc %s: its type is %s',
			mpcloud.path_text(path), jsonb_typeof(old)));
	END IF;
	RETURN mpcloud.doc_put(v, path, mpcloud.num_add(old, x), 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_mul(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(v #> path, '0');
BEGIN
	IF jsonb_typeof(old) <> 'number' THEN
		RETURN mpcloud.refuse(format('cannot $mul %s: its type is %s',
			mpcloud.path_text(path), jsonb_typeof(old)));
	END IF;
	RETURN mpcloud.doc_put(v, path, mpcloud.num_mul(old, x), 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_min(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL
		OR mpcloud.sort_of(x) < mpcloud.sort_of(v #> path)
		THEN mpcloud.doc_put(v, path, x, 1) ELSE v END
$$;

CREATE OR REPLACE FUNCTION mpcloud.doc_max(v jsonb, path text[], x jsonb)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL
		OR mpcloud.sort_of(x) > mpcloud.sort_of(v #> path)
		THEN mpcloud.doc_put(v, path, x, 1) ELSE v END
$$;

-- The array at a path, NULL when missing.
CREATE OR REPLACE FUNCTION mpcloud.array_at(v jsonb, path text[], op text)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := v #> path;
BEGIN
	IF old IS NULL OR jsonb_typeof(old) = 'array' THEN
		RETURN old;
	END IF;
	RETURN mpcloud.refuse(format('cannot %s %s: its type is %s', op,
		mpcloud.path_text(path), jsonb_typeof(old)));
END $$;

-- Elements `low` (from 1) to `high` of an array.
CREATE OR REPLACE FUNCTION mpcloud.array_part(v jsonb, low bigint, high bigint)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n)
		WHERE a.n BETWEEN low AND high
$$;

CREATE OR REPLACE FUNCTION mpcloud.array_sort(v jsonb, path text[], descends boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	IF descends THEN
		RETURN (SELECT coalesce(jsonb_agg(a.e
			ORDER BY mpcloud.sort_of(a.e #> path) DESC, a.n), '[]')
			FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
	END IF;
	RETURN (SELECT coalesce(jsonb_agg(a.e
		ORDER BY mpcloud.sort_of(a.e #> path), a.n), '[]')
		FROM jsonb_array_elements(v) WITH ORDINALITY a(e, n));
END $$;

-- `place`, `top`, `by`: NULL when the modifier is absent; by '{}' sorts by the
-- elements themselves.
CREATE OR REPLACE FUNCTION mpcloud.doc_push(v jsonb, path text[], list jsonb,
	place bigint, top bigint, by text[], descends boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(mpcloud.array_at(v, path, '$push'), '[]');
	len bigint := jsonb_array_length(old);
BEGIN
	IF place IS NULL OR place >= len THEN
		old := old || list;
	ELSE
		IF place < 0 THEN
			place := greatest(len + place, 0);
		END IF;
		old := mpcloud.array_part(old, 1, place) || list
			|| mpcloud.array_part(old, place + 1, len);
	END IF;
	IF by IS NOT NULL THEN
		old := mpcloud.array_sort(old, by, descends);
	END IF;
	len := jsonb_array_length(old);
	IF top >= 0 THEN
		old := mpcloud.array_part(old, 1, top);
	ELSIF top < 0 THEN
		old := mpcloud.array_part(old, len + top + 1, len);
	END IF;
	RETURN mpcloud.doc_put(v, path, old, 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_pop(v jsonb, path text[], place integer)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := mpcloud.array_at(v, path, '$pop');
BEGIN
	IF old IS NULL THEN
		RETURN v;
	END IF;
	RETURN mpcloud.doc_put(v, path, old - place, 1);
END $$;

-- $pull, $pullAll: without the elements that equal one of the list.
CREATE OR REPLACE FUNCTION mpcloud.doc_pull(v jsonb, path text[], list jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := mpcloud.array_at(v, path, '$pull');
BEGIN
	IF old IS NULL THEN
		RETURN v;
	END IF;
	RETURN mpcloud.doc_put(v, path,
		(SELECT coalesce(jsonb_agg(a.e ORDER BY a.n), '[]')
			FROM jsonb_array_elements(old) WITH ORDINALITY a(e, n)
			WHERE NOT EXISTS (SELECT 1
				FROM jsonb_array_elements(list) x WHERE x = a.e)), 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_add_to_set(v jsonb, path text[], list jsonb)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	old jsonb := coalesce(mpcloud.array_at(v, path, '$addToSet'), '[]');
	item jsonb;
BEGIN
	FOR item IN SELECT x FROM jsonb_array_elements(list) x LOOP
		IF NOT EXISTS (SELECT 1 FROM jsonb_array_elements(old) e
				WHERE e = item) THEN
			old := old || jsonb_build_array(item);
		END IF;
	END LOOP;
	RETURN mpcloud.doc_put(v, path, old, 1);
END $$;

CREATE OR REPLACE FUNCTION mpcloud.doc_rename(v jsonb, path text[], new_path text[])
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN v #> path IS NULL THEN v ELSE mpcloud.doc_put(
		mpcloud.doc_cut(v, path), new_path, v #> path, 1) END
$$;
